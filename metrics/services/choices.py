"""Keyword choices shared by every question, typed once."""

from __future__ import annotations

from datetime import date
from typing import TypedDict

from metrics.scope import Level


class Choices(TypedDict, total=False):
    """basis: ledger basis, default invoiced. level: legal entities or groups. currency: of the figures, default the one
    currency in view, else BASE_CURRENCY. as_of: the day the answer speaks of, default ``default_as_of()``."""

    basis: str | None
    level: Level | str
    currency: str | None
    as_of: date | None
