"""The revenue bridge leaf by leaf: in which segment, industry, region, grade, team or product did revenue come and go?"""

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
from metrics.frames_parts import ProductDimension
from metrics.leaves import Dimension, Leaves, leaves_of
from metrics.scope import Scope
from metrics.services.base import AccountTable
from metrics.services.breakdown_products import product_bars
from metrics.services.choices import Choices
from metrics.services.churn import LossSplit, loss_split
from metrics.services.portfolio import Bar, BridgeFigures, TwoPeriods, two_periods

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
    first; empty where an exchange rate is missing or nothing is booked.

    By product or category amounts alone add up: an account stands in the leaf of each product it bought.
    """

    by: Dimension | ProductDimension
    leaves: tuple[BridgeLeaf, ...]

    @property
    def is_by_product(self) -> bool:
        return isinstance(self.by, ProductDimension)


@dataclass(frozen=True, slots=True)
class BrokenDownBridge:
    """The bridge, who of its lost accounts is churned and who lapsed, and where it was asked for its leaves."""

    bridge: BridgeFigures
    losses: LossSplit
    breakdown: Breakdown | None


def bridge_breakdown(
    accounts: AccountQuerySet,
    *,
    base: Period,
    comparison: Period,
    by: Dimension | ProductDimension | str | None = None,
    **choices: Unpack[Choices],
) -> BrokenDownBridge:
    """The bridge of ``accounts`` (already limited to what the caller may see); choices as in ``two_periods``.

    Two queries more with ``by``; leaves as the accounts stand today, a group in that of its top. By product or category
    the account decides the line, and each product has its part of it (``formulas.bridge_parts``).
    """
    found = two_periods(accounts, base=base, comparison=comparison, **choices)
    bridge = found.bridge()
    breakdown = breakdown_by(found, bridge, by=dimension_of(by)) if by else None
    return BrokenDownBridge(bridge, loss_split(found, bridge), breakdown)


def dimension_of(name: str) -> Dimension | ProductDimension:
    """What leaves are made of, by its name."""
    return ProductDimension(name) if name in set(ProductDimension) else Dimension(name)


def breakdown_by(found: TwoPeriods, bridge: BridgeFigures, *, by: Dimension | ProductDimension) -> Breakdown:
    """The leaves of accounts or of products, of a bridge that is computed already."""
    if isinstance(by, Dimension):
        return breakdown_of(found.scope, bridge, by=by)
    if found.is_unknown or not len(bridge.table):
        return Breakdown(by, ())
    parts = [BridgeLeaf(key, label, bars) for key, label, bars in product_bars(found, bridge, by=by)]
    _assert_whole({name: [leaf.bars[name] for leaf in parts] for name in COLUMNS}, bridge, with_accounts=False)
    return Breakdown(by, tuple(sorted(parts, key=_by_size)))


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


def _assert_whole(bars: Mapping[str, list[Bar]], bridge: BridgeFigures, *, with_accounts: bool = True) -> None:
    for name, column in bars.items():
        whole = bridge.bars[name]
        amount = sum((bar.amount or Decimal(0) for bar in column), Decimal(0))
        if amount != whole.amount or (with_accounts and sum(bar.accounts or 0 for bar in column) != whole.accounts):
            raise AssertionError(f"the leaves of {name} do not add up")


def _by_size(leaf: BridgeLeaf) -> tuple[Decimal, str]:
    return -abs(leaf.change), leaf.key
