"""Do we grow wider or deeper? Horizontal growth (new and reactivated accounts) against vertical growth (existing ones)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics.definitions import METRICS
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.exact import BoolArray, units_total, whole_units
from metrics.leaves import Dimension, leaves_of
from metrics.services.base import AccountTable, Answer, Passport, blank
from metrics.services.choices import Choices
from metrics.services.portfolio import Bar, BridgeFigures, two_periods

DIRECTIONS = {
    "horizontal_growth": (BridgeLine.NEW, BridgeLine.REACTIVATED),
    "vertical_growth": (BridgeLine.EXPANSION, BridgeLine.CONTRACTION, BridgeLine.CHURNED),
    "adjustment": (BridgeLine.ADJUSTMENT,),
}


@dataclass(frozen=True, slots=True)
class Direction:
    """One leaf: opening + horizontal + vertical + adjustment = closing. ``key`` is its value as filters take it."""

    key: str
    label: Any
    opening: Bar
    horizontal_growth: Bar
    vertical_growth: Bar
    adjustment: Bar
    closing: Bar


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DirectionsFigures(Answer):
    """opening + horizontal + vertical + adjustment = closing, to the last digit, for the whole and for each leaf.

    horizontal_growth : new + reactivated accounts; vertical_growth : expansion − contraction − churned of existing ones
    ``table`` has base, comparison, change and one column a direction: what each account adds to it.
    """

    opening: Bar
    horizontal_growth: Bar
    vertical_growth: Bar
    adjustment: Bar
    closing: Bar
    by: Dimension | None
    leaves: tuple[Direction, ...]

    def behind(self, direction: str) -> AccountTable:
        """The accounts of one direction."""
        return self.table.where(self.table.columns[direction] != 0)


def directions(
    accounts: AccountQuerySet,
    *,
    base: Period,
    comparison: Period,
    by: Dimension | str | None = None,
    **choices: Unpack[Choices],
) -> DirectionsFigures:
    """Growth by direction of ``accounts`` (already limited to what the caller may see); choices as ``two_periods``.

    One query for the figures, two more with ``by``; leaves as the accounts stand today, largest growth first.
    """
    found = two_periods(accounts, base=base, comparison=comparison, **choices)
    bridge = found.bridge()
    dimension = Dimension(by) if by else None
    if found.is_unknown:
        names = [name for name in blank(DirectionsFigures) if name not in ("by", "leaves")]
        sentence = next(iter(bridge.reasons.values()))
        return DirectionsFigures(
            **dict.fromkeys(names, Bar(None, None)), by=dimension, leaves=(), currency=bridge.currency,
            reasons=dict.fromkeys(names, sentence), passport=_passport(bridge), table=bridge.table,
        )  # fmt: skip
    table = _table(bridge.table)
    leaves: list[Direction] = []
    if dimension and len(table):
        known = leaves_of(found.scope, table.shown_ids, dimension)
        leaves = [
            Direction(key=key, label=label, **_bars(table, known.place == number))
            for number, (key, label) in enumerate(zip(known.keys, known.labels, strict=True))
        ]
    return DirectionsFigures(
        **_bars(table, np.ones(len(table), dtype=bool)),
        by=dimension,
        leaves=tuple(sorted(leaves, key=_by_growth)),
        currency=bridge.currency,
        reasons={},
        passport=_passport(bridge),
        table=table,
    )


def _passport(bridge: BridgeFigures) -> Passport:
    return replace(bridge.passport, metric="directions", version=METRICS["directions"].version)


def _table(bridge: AccountTable) -> AccountTable:
    """The lines of the bridge gathered to directions; each account is in one line and, with credits, the adjustment."""
    columns = {name: np.asarray(sum(bridge.columns[str(line)] for line in lines)) for name, lines in DIRECTIONS.items()}
    return bridge.with_columns(columns)


def _bars(table: AccountTable, is_in: BoolArray) -> dict[str, Bar]:
    base, comparison = table.columns["base"][is_in], table.columns["comparison"][is_in]
    bars = {
        "opening": _bar(base, base > 0),
        **{name: _bar(table.columns[name][is_in], table.columns[name][is_in] != 0) for name in DIRECTIONS},
        "closing": _bar(comparison, comparison > 0),
    }
    amounts = {name: bar.amount or Decimal(0) for name, bar in bars.items()}
    if sum(amounts.values()) != 2 * amounts["closing"]:
        raise AssertionError("the directions do not add up")
    return bars


def _bar(amounts: NDArray[Any], counted: BoolArray) -> Bar:
    return Bar(units_total(whole_units(amounts)[0]), int(counted.sum()))


def _by_growth(leaf: Direction) -> tuple[Decimal, str]:
    grown = (leaf.horizontal_growth.amount or Decimal(0)) + (leaf.vertical_growth.amount or Decimal(0))
    return -grown, leaf.key
