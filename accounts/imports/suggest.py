"""Which column is probably which field, from the words of the header. Pure look-up; a person confirms it."""

import re
import unicodedata
from collections.abc import Sequence

from accounts.imports.fields import FIELDS, TECHNICAL

_JOINTS = re.compile(r"[\s_\-./#:*()（）【】\[\]]+")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


def folded(name: str) -> str:
    """A header as words: "InvoiceNo.", "invoice_no" and "Invoice No" meet in one form."""
    text = _CAMEL.sub(" ", unicodedata.normalize("NFKC", name))
    return _JOINTS.sub(" ", text).strip().casefold()


def suggest_columns(header: Sequence[str]) -> dict[str, str]:
    """Field → header, each header at most once. A field's own key comes first, then its synonyms in their order."""
    by_words: dict[str, str] = {}
    for column in header:
        if column and column not in TECHNICAL:
            words = folded(column)
            by_words.setdefault(words, column)
            by_words.setdefault(words.replace(" ", ""), column)
    suggested: dict[str, str] = {}
    for rank in range(_longest()):
        for key, spellings in _WORDS.items():
            if key in suggested or rank >= len(spellings):
                continue
            found = by_words.get(spellings[rank])
            if found and found not in suggested.values():
                suggested[key] = found
    return suggested


_WORDS = {
    key: tuple(dict.fromkeys([folded(key), *map(folded, filter(None, field.synonyms.split("|")))]))
    for key, field in FIELDS.items()
}


def _longest() -> int:
    return max(map(len, _WORDS.values()))
