"""Whose policy holds in a group that is graded as one: that of the graded account, unless an own grade is stricter.

Stricter is the higher grade; a Problem is the strictest of all, since its policy restricts (domain.md 4 and 5.5). Members
inherit on the days of their membership; the grade of the graded account itself is never touched by those below it.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import connections

from accounts.enums import Grade
from accounts.group_tree import CHILDREN
from accounts.models import Account

if TYPE_CHECKING:
    import pandas as pd

EVER, STILL = date(1900, 1, 1), date(2200, 1, 1)  # of a stay without beginning or end; FAR of plans.frames
STRICTNESS: dict[str, int] = {
    Grade.NOT_GRADED: 0, Grade.GENERAL: 1, Grade.POTENTIAL: 2, Grade.STRATEGIC: 3, Grade.GOLD: 4, Grade.DIAMOND: 5,
    Grade.PROBLEM: 6,
}  # fmt: skip
STAYS = f"""
WITH RECURSIVE below(node, id, days) AS (
    SELECT a.id, a.id, daterange(NULL, NULL) FROM accounts_account a
    WHERE a.is_graded_node AND a.merged_into_id IS NULL
    UNION ALL
    SELECT b.node, e.child, b.days * e.days FROM below b CROSS JOIN LATERAL ({CHILDREN.format("b.id")}) AS e
    WHERE e.days && b.days
)
SELECT b.node, b.id, coalesce(lower(b.days), %(ever)s), coalesce(upper(b.days), %(still)s)
FROM below b JOIN accounts_account a ON a.id = b.id WHERE b.id <> b.node AND a.merged_into_id IS NULL
"""


def members_of_graded() -> list[tuple[int, int, date, date]]:
    """(graded account, account below it, from, until), whenever that was; one query, empty without graded groups."""
    with connections[Account.objects.db].cursor() as cursor:
        cursor.execute(STAYS, {"ever": EVER, "still": STILL})
        return list(cursor.fetchall())


def with_inherited(own: pd.DataFrame, nodes: pd.DataFrame, stays: list[tuple[int, int, date, date]]) -> pd.DataFrame:
    """``own`` spans (account, grade, start, end) with those inherited from ``nodes`` (spans of the graded accounts) on the
    days of ``stays``: one grade a day, the stricter one; days next to each other of one grade are one span."""
    import pandas as pd

    days = pd.DataFrame.from_records(stays, columns=["node", "account", "first", "stop"])
    for name in ("first", "stop"):
        days[name] = pd.to_datetime(days[name])
    given = days.merge(nodes.rename(columns={"account": "node"}), on="node")
    given["start"] = np.maximum(given["start"], given["first"])
    given["end"] = np.minimum(given["end"], given["stop"])
    given = given[given["start"] < given["end"]][["account", "grade", "start", "end"]]
    touched = own["account"].isin(given["account"])
    if given.empty:
        return own
    both = pd.concat([own[touched][["account", "grade", "start", "end"]], given], ignore_index=True)
    return pd.concat([own[~touched], _stricter(both)], ignore_index=True)


def _stricter(spans: pd.DataFrame) -> pd.DataFrame:
    """One grade a day for each account: of those that hold, the strictest. Vectorised."""
    import pandas as pd

    ends = pd.concat([spans[["account", "start"]].rename(columns={"start": "at"}),
                      spans[["account", "end"]].rename(columns={"end": "at"})])  # fmt: skip
    cuts = ends.drop_duplicates().sort_values(["account", "at"], ignore_index=True)
    cuts["until"] = cuts.groupby("account")["at"].shift(-1)
    pieces: Any = cuts.dropna().merge(spans, on="account")
    pieces = pieces[(pieces["start"] <= pieces["at"]) & (pieces["end"] >= pieces["until"])]
    pieces = pieces.assign(rank=pieces["grade"].map(STRICTNESS)).sort_values(["account", "at", "rank"])
    best = pieces.drop_duplicates(["account", "at"], keep="last").sort_values(["account", "at"], ignore_index=True)
    before = best.groupby("account")[["grade", "until"]].shift(1)
    is_new = (best["grade"] != before["grade"]) | (best["at"] != before["until"])
    found = best.assign(span=is_new.cumsum()).groupby("span", as_index=False).agg(
        account=("account", "first"), grade=("grade", "first"), start=("at", "first"), end=("until", "last")
    )  # fmt: skip
    return found[["account", "grade", "start", "end"]]
