"""Finding an account by two Chinese characters, by pinyin, by initials or by code.

Each account keeps one search text and the set of its two-character grams; a GIN index answers the grams, the text
decides. Names sort by pinyin with COLLATE "C", so that every server gives the same order.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

BLANKS = re.compile(r"[\s\u3000\u00a0]+")
HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
SORT_KEY_LENGTH = 200


def fold(text: str) -> str:
    """NFKC, case folded, blanks reduced to one space: what is typed and what is stored meet in this form."""
    return BLANKS.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()


@lru_cache(maxsize=1024)
def pinyin_of(text: str) -> tuple[str, str]:
    """Full pinyin and initials of the Chinese part, both without blanks; empty where there is none."""
    if not HAN.search(text):
        return "", ""
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(text, style=Style.NORMAL)
    return fold("".join(syllables)).replace(" ", ""), fold("".join(s[:1] for s in syllables)).replace(" ", "")


def search_text(*, code: str, name: str, latin_name: str = "", short_name: str = "") -> str:
    """The words an account answers to, one a line, so that no match spans two of them."""
    words = [fold(word) for word in (name, short_name, latin_name, code) if word]
    for word in (name, short_name):
        words += [form for form in pinyin_of(word) if form]
    words += ["".join(part[0] for part in fold(word).split(" ")) for word in (name, latin_name) if " " in fold(word)]
    return "\n".join(dict.fromkeys(words))


def sort_key(name: str) -> str:
    full, _initials = pinyin_of(name)
    return (full or fold(name))[:SORT_KEY_LENGTH]


def grams(text: str) -> list[str]:
    """The distinct two-character pieces of each line, sorted."""
    return sorted({line[i : i + 2] for line in text.split("\n") for i in range(len(line) - 1)})


def index_fields(
    *, code: str, name: str, latin_name: str = "", short_name: str = ""
) -> tuple[str, str, list[str], str, list[str]]:
    """(search text, sort key, grams, name key, name grams) of one account; the last two find its duplicates."""
    from accounts.names import name_grams, name_key

    text = search_text(code=code, name=name, latin_name=latin_name, short_name=short_name)
    return text, sort_key(name), grams(text), name_key(name), name_grams(name, latin_name, short_name)


def index_new_accounts() -> int:
    """Fill the search columns of accounts that a set-based insert left empty; returns how many there were."""
    from django.db import connection
    from psycopg2.extras import execute_values

    with connection.cursor() as cursor:
        cursor.execute("SELECT id, code, name, latin_name, short_name FROM accounts_account WHERE search_text = ''")
        rows: Iterable[tuple] = [
            (pk, *index_fields(code=code, name=name, latin_name=latin, short_name=short))
            for pk, code, name, latin, short in cursor.fetchall()
        ]
        if rows:
            execute_values(
                cursor,
                "UPDATE accounts_account a SET search_text = v.t, sort_key = v.k, search_grams = v.g::text[],"
                " name_key = v.nk, name_grams = v.ng::text[]"
                " FROM (VALUES %s) AS v(id, t, k, g, nk, ng) WHERE a.id = v.id",
                rows,
                page_size=2000,
            )
    return len(rows)  # type: ignore[arg-type]
