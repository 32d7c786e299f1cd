"""Keyword choices shared by every question, typed once."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from accounts.querysets import AccountQuerySet
from metrics.scope import Level, Membership, Scope, scope_of


class Choices(TypedDict, total=False):
    """basis: ledger basis, default the company's. credit_notes: "booked" (default) counts them in their own period,
    "restated" in that of the document they credit. level: legal entities or groups. membership: of groups, as it
    was on each day (default) or as it is today. currency: of the figures, default the one
    currency in view, else BASE_CURRENCY. as_of: the day the answer speaks of, default ``default_as_of()``."""

    basis: str | None
    credit_notes: str | None
    level: Level | str
    membership: Membership | str | None
    currency: str | None
    as_of: date | None


def asked_scope(accounts: AccountQuerySet, choices: Choices) -> Scope:
    """What figures about ``accounts`` (already limited to what the caller may see) are computed over, as chosen."""
    return scope_of(
        accounts,
        basis=choices.get("basis"),
        currency=choices.get("currency"),
        credit_notes=choices.get("credit_notes"),
        membership=choices.get("membership"),
    )
