"""The revenue bridge leaf by leaf: in which segment, industry, region, grade or team did revenue come and go?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.exact import units_total, whole_units
from metrics.leaves import Dimension, Leaves, leaves_of
from metrics.scope import Scope
from metrics.services.base import AccountTable
from metrics.services.choices import Choices
from metrics.services.portfolio import Bar, BridgeFigures, two_periods

COLUMNS = {"opening": "base", **{str(line): str(line) for line in BridgeLine}, "closing": "comparison"}
TOTALS = ("opening", "closing")  # they count accounts with revenue above 0, the lines whoever is in them


@dataclass(frozen=True, slots=True)
class BridgeLeaf:
    """One leaf: opening + its lines = closing, to the last digit. ``key`` is its value as filters take it."""

    key: str
    label: Any
    bars: Mapping[str, Bar]

    @property
    def change(self) -> Decimal:
        """Closing - opening."""
        return (self.bars["closing"].amount or Decimal(0)) - (self.bars["opening"].amount or Decimal(0))


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The bridge split: of every bar amounts and accounts of the leaves add up to those of the whole. Largest change
    first; empty where an exchange rate is missing or nothing is booked."""

    by: Dimension
    leaves: tuple[BridgeLeaf, ...]


@dataclass(frozen=True, slots=True)
class BrokenDownBridge:
    """The bridge and, where it was asked for, its leaves."""

    bridge: BridgeFigures
    breakdown: Breakdown | None


def bridge_breakdown(
    accounts: AccountQuerySet,
    *,
    base: Period,
    comparison: Period,
    by: Dimension | str | None = None,
    **choices: Unpack[Choices],
) -> BrokenDownBridge:
    """The bridge of ``accounts`` (already limited to what the caller may see); choices as in ``two_periods``.

    Two queries more with ``by``; leaves as the accounts stand today, a group in that of its top.
    """
    found = two_periods(accounts, base=base, comparison=comparison, **choices)
    bridge = found.bridge()
    return BrokenDownBridge(bridge, breakdown_of(found.scope, bridge, by=Dimension(by)) if by else None)


def breakdown_of(scope: Scope, bridge: BridgeFigures, *, by: Dimension) -> Breakdown:
    """The leaves of a bridge that is computed already."""
    if bridge.bars["opening"].amount is None or not len(bridge.table):
        return Breakdown(by, ())
    known = leaves_of(scope, bridge.table.shown_ids, by)
    bars = {name: _bars(bridge.table, name, column, known) for name, column in COLUMNS.items()}
    _assert_whole(bars, bridge)
    leaves = [
        BridgeLeaf(key, label, {name: column[number] for name, column in bars.items()})
        for number, (key, label) in enumerate(zip(known.keys, known.labels, strict=True))
    ]
    return Breakdown(by, tuple(sorted(leaves, key=_by_size)))


def _bars(table: AccountTable, name: str, column: str, leaves: Leaves) -> list[Bar]:
    """One bar of every leaf."""
    amounts = table.columns[column]
    counted = amounts > 0 if name in TOTALS else amounts != 0
    units: NDArray[Any] = whole_units(amounts)[0]
    sums = np.zeros(len(leaves.keys), dtype=units.dtype)
    np.add.at(sums, leaves.place, units)
    counts = np.bincount(leaves.place, counted, len(leaves.keys)).astype(np.int64)
    return [Bar(units_total(sums[at : at + 1]), int(counts[at])) for at in range(len(leaves.keys))]


def _assert_whole(bars: Mapping[str, list[Bar]], bridge: BridgeFigures) -> None:
    for name, column in bars.items():
        whole = Bar(
            sum((bar.amount or Decimal(0) for bar in column), Decimal(0)), sum(bar.accounts or 0 for bar in column)
        )
        if whole != bridge.bars[name]:
            raise AssertionError(f"the leaves of {name} do not add up")


def _by_size(leaf: BridgeLeaf) -> tuple[Decimal, str]:
    return -abs(leaf.change), leaf.key
