"""Accounts that may be one company: those a name resembles, and the pairs among all of them.

The search is company-wide, so that nobody opens what a colleague has already. Of an account that the reader may not open
they learn its name and whom to ask, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account, DuplicateDismissal, User
from accounts.names import ALIKE, likeness, name_grams
from accounts.querysets import AccountQuerySet
from crm.lib.wall import beyond_the_wall

MOST_MATCHES = 8
MOST_CANDIDATES = 200  # by the pieces they share, before they are read letter by letter
MOST_PAIRS, MOST_SCORED = 200, 20_000
# A piece that more accounts share tells too little to pair them by: above it their names have to be equal once forms,
# points and blanks are gone.
COMMON = 40
LEAST_SHARED = 2
MOST_NEW = 300  # new accounts of a file that are looked at, the first ones

CANDIDATES = """
SELECT a.id, a.code, a.name, a.latin_name, a.short_name, a.owner_id,
       (SELECT count(*) FROM unnest(a.name_grams) AS g WHERE g = ANY(%(grams)s)) AS shared
FROM accounts_account a
WHERE a.name_grams && %(grams)s::varchar[] AND a.merged_into_id IS NULL AND a.id <> %(but)s
ORDER BY shared DESC, cardinality(a.name_grams), a.id LIMIT %(limit)s
"""
PAIRS = """
WITH mine AS (SELECT id, name_key, name_grams FROM accounts_account a WHERE {view}),
gram AS (SELECT m.id, g.piece FROM mine m CROSS JOIN LATERAL unnest(m.name_grams) AS g(piece)),
rare AS (SELECT piece FROM gram GROUP BY piece HAVING count(*) BETWEEN 2 AND %s),
few AS (SELECT gram.id, gram.piece FROM gram JOIN rare USING (piece)),
alike AS (
    SELECT a.id AS first, b.id AS second, count(*) AS shared FROM few a JOIN few b ON b.piece = a.piece AND b.id > a.id
    GROUP BY 1, 2 HAVING count(*) >= %s
    UNION ALL
    SELECT a.id, b.id, 1000 FROM mine a JOIN mine b ON b.name_key = a.name_key AND b.id > a.id WHERE a.name_key <> ''
)
SELECT first, second, max(shared) FROM alike
WHERE NOT EXISTS (
    SELECT 1 FROM accounts_duplicatedismissal d WHERE d.first_id = alike.first AND d.second_id = alike.second
)
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT %s
"""
NEW_ONES = """
SELECT n.code, n.name, c.id, c.name, c.latin_name, c.short_name FROM (
    SELECT * FROM accounts_account WHERE created_at = now() ORDER BY id LIMIT %s
) AS n CROSS JOIN LATERAL (
    SELECT a.id, a.name, a.latin_name, a.short_name FROM accounts_account a
    WHERE a.name_grams && n.name_grams AND a.merged_into_id IS NULL AND a.created_at <> now()
    ORDER BY (SELECT count(*) FROM unnest(a.name_grams) AS g WHERE g = ANY(n.name_grams)) DESC, a.id LIMIT 20
) AS c
"""


@dataclass(frozen=True, slots=True)
class Match:
    """An account that a name resembles. id and code are None where the reader may not open it; owner: whom to ask."""

    id: int | None
    code: str | None
    name: str
    owner: str
    score: float

    @property
    def percent(self) -> int:
        return round(100 * self.score)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two accounts the reader may open; ``keeps`` would stay in a merge: the older one."""

    keeps: Account
    merges: Account
    score: float

    @property
    def percent(self) -> int:
        return round(100 * self.score)


def similar_accounts(
    names: Iterable[str], *, viewer: User, but: Account | None = None, limit: int = MOST_MATCHES
) -> list[Match]:
    """Accounts that one of ``names`` resembles, the most alike first, masked where ``viewer`` may not open them.

    Three statements, however many accounts there are. An account behind another's merge is never found: the one that
    stays is.
    """
    wanted = [name for name in names if name and name.strip()]
    grams = name_grams(*wanted)
    if not grams:
        return []
    values: dict[str, Any] = {"grams": grams, "but": but.pk if but else 0, "limit": MOST_CANDIDATES}
    with beyond_the_wall("masked below: the name and whom to ask, for no company to be entered twice"):
        rows = _candidates(values)
    scored = [(_best(wanted, row[2:5]), row) for row in rows]
    kept = sorted((one for one in scored if one[0] >= ALIKE), key=lambda one: (-one[0], one[1][0]))[:limit]
    return _masked([(score, row[0], row[1], row[2], row[5]) for score, row in kept], viewer)


def _candidates(values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES, values)
        return list(cursor.fetchall())


def matches_of(found: Sequence[tuple[int, float]], *, viewer: User) -> dict[int, Match]:
    """The accounts of (id, score), masked; what is gone since is left out. Three statements."""
    scores = dict(found)
    found_rows = Account.objects.filter(pk__in=list(scores)).values_list("pk", "code", "name", "owner_id")
    with beyond_the_wall("masked below: the name and whom to ask, of what an import found alike"):
        rows = list(found_rows)
    ids, kept = [], []
    for pk, code, name, owner in rows:
        ids.append(pk)
        kept.append((scores[pk], pk, code, name, owner))
    return dict(zip(ids, _masked(kept, viewer), strict=True))


def _masked(rows: Sequence[tuple[float, int, str, str, int | None]], viewer: User) -> list[Match]:
    seen = set(Account.objects.visible_to(viewer).filter(pk__in=[row[1] for row in rows]).values_list("pk", flat=True))
    owners = {user.pk: user.display_name for user in User.objects.filter(pk__in={row[4] for row in rows if row[4]})}
    return [
        Match(
            id=pk if pk in seen else None,
            code=code if pk in seen else None,
            name=name,
            owner=owners.get(owner or 0, ""),
            score=score,
        )
        for score, pk, code, name, owner in rows
    ]


def duplicate_pairs(accounts: AccountQuerySet, *, limit: int = MOST_PAIRS) -> list[Pair]:
    """Pairs among ``accounts`` (limited to what the reader may open) that may be one company, the most alike first.

    Two statements. Pairs are made of names that are equal but for form, and of those that share rare pieces; at most
    MOST_SCORED of them are read letter by letter.
    """
    view, params = "a.merged_into_id IS NULL", []
    if not accounts.is_everything:
        sql, given = accounts.order_by().values("pk").query.sql_with_params()
        view, params = f"a.id IN ({sql})", list(given)
    with connection.cursor() as cursor:
        cursor.execute(PAIRS.replace("{view}", view), [*params, COMMON, LEAST_SHARED, MOST_SCORED])
        rows = cursor.fetchall()
    names = dict(Account.objects.filter(pk__in={pk for row in rows for pk in row[:2]}).values_list("pk", "name"))
    scored = [(likeness(names[first], names[second]), first, second) for first, second, _shared in rows]
    kept = sorted((one for one in scored if one[0] >= ALIKE), key=lambda one: (-one[0], one[1], one[2]))[:limit]
    ids = {pk for _score, *both in kept for pk in both}
    shown = {one.pk: one for one in Account.objects.filter(pk__in=ids).select_related("owner", "figures")}
    return [Pair(keeps=shown[first], merges=shown[second], score=score) for score, first, second in kept]


@transaction.atomic
def dismiss_pair(*, one: Account, other: Account, by: User | None) -> DuplicateDismissal:
    """Say that two accounts are two companies; a repeat changes nothing."""
    first, second = sorted((one.pk, other.pk))
    found, _made = DuplicateDismissal.objects.get_or_create(
        first_id=first, second_id=second, defaults={"by": by, "at": timezone.now()}
    )
    return found


def like_new_ones() -> list[dict[str, Any]]:
    """For the accounts that this transaction has inserted set-based: whom of those before they resemble most.

    code, name : of the new one; id, score : of the account before. One statement, the first MOST_NEW new accounts.
    """
    with connection.cursor() as cursor:
        cursor.execute(NEW_ONES, [MOST_NEW])
        rows = cursor.fetchall()
    best: dict[str, dict[str, Any]] = {}
    for code, name, pk, *names in rows:
        score = _best([name], names)
        if score >= ALIKE and score > best.get(code, {"score": 0.0})["score"]:
            best[code] = {"code": code, "name": name, "id": pk, "score": round(score, 4)}
    return list(best.values())


def _best(wanted: Sequence[str], names: Sequence[str]) -> float:
    return max((likeness(one, other) for one in wanted for other in names if other), default=0.0)
