"""The revenue bridge by product or category: the account decides the line, each product has its part of it.

See ``formulas.bridge_parts`` for the definition. Amounts of the leaves add up to the bridge to the last digit; accounts do
not: one account stands in the leaf of every product it bought. What no product accounts for is a leaf of its own: credit
notes that count in the period of their original, which is kept without products.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray

from crm.lib.remember import remembered
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.bridge_parts import CLASSES, LINES, NO_LINE, account_classes, part_effects, with_whole
from metrics.formulas.exact import units_total, whole_units
from metrics.frames import IntArray
from metrics.frames_parts import CountedIn, Parts, ProductDimension, counted_in, part_names, parts_of
from metrics.frames_products import product_facts
from metrics.frames_spans import pieces_at
from metrics.models_products import NO_PRODUCT
from metrics.services.base import AccountTable
from metrics.services.portfolio import Bar, BridgeFigures, TwoPeriods

NO_PRODUCT_KEY = "no_product"
REST_KEY = "not_split"
NAME = "bridge_by_product"
LABELS: Mapping[str, Any] = {
    NO_PRODUCT_KEY: _("without a product"),
    REST_KEY: _("not split by product"),
    "": _("without a category"),
}
Named = list[tuple[str, Any, dict[str, Bar]]]


def product_bars(found: TwoPeriods, bridge: BridgeFigures, *, by: ProductDimension) -> Named:
    """(key, label, bars) of every product or category with revenue in one of the two periods; two queries."""
    table = bridge.table
    classes = account_classes({line: table.columns[str(line)] != 0 for line in LINES})
    counted = counted_in(*_members(table), pieces_at(found.scope, found.level))
    group = classes[np.searchsorted(table.unit_ids, counted.unit_ids)]
    rows = _rows(found, by, counted, group)
    parts = np.unique(rows.part)
    # Where rates translate, each account and each part is rounded once; else nothing is.
    rounding = len(table) + len(parts) if found.is_translated else 0
    columns = table.columns
    base, base_rest = _units(rows, rows.base, parts, columns["base"], classes, rounding=rounding)
    comparison, comparison_rest = _units(
        rows, rows.comparison, parts, columns["comparison"], classes, rounding=rounding
    )
    names = _names(parts, by)
    bars = _bars(base, comparison, _counts(rows, parts))
    found_bars = [(key, label, bars[number]) for number, (key, label) in enumerate(names)]
    if base_rest.any() or comparison_rest.any():
        rest = _bars(base_rest[:, None], comparison_rest[:, None], None)[0]
        found_bars.append((REST_KEY, LABELS[REST_KEY], rest))
    return found_bars


def _rows(found: TwoPeriods, by: ProductDimension, counted: CountedIn, group: IntArray) -> Parts:
    """Sums by class and part; over every account kept for a state of the ledger and the products."""
    scope, windows = found.scope, (found.base, found.comparison)

    def compute() -> Parts:
        return parts_of(scope, windows, by=by, counted=counted, groups=group.tolist())

    if not scope.accounts.is_everything:
        return compute()
    days = [(period.start, period.end) for period in windows]
    state = (*scope.state, *product_facts(scope), days, str(found.level), str(by), Parts.__slots__)
    return remembered(NAME, state, compute)


def _members(table: AccountTable) -> tuple[IntArray, IntArray]:
    """(accounts, the unit each counts in) of every unit of the table."""
    if not table.members:
        return table.unit_ids, table.unit_ids
    pairs = [(account, unit) for unit in table.unit_ids.tolist() for account in table.members[unit]]
    both = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return both[:, 0], both[:, 1]


def _units(
    rows: Parts, amounts: NDArray[Any], parts: IntArray, whole: NDArray[Any], classes: IntArray, *, rounding: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """(sums of each class and part in whole units, what no part accounts for), shapes (CLASSES, p) and (CLASSES,)."""
    values, totals = whole_units(amounts, whole)
    table = np.zeros((CLASSES, len(parts)), dtype=values.dtype)
    np.add.at(table, (rows.group, np.searchsorted(parts, rows.part)), values)
    summed = np.zeros(CLASSES, dtype=totals.dtype)
    np.add.at(summed, classes, totals)
    return with_whole(table, summed, rounding=rounding)


def _counts(rows: Parts, parts: IntArray) -> dict[str, IntArray]:
    """Accounts of each bar and part, shape (p,)."""
    place = np.searchsorted(parts, rows.part)

    def counted(values: IntArray, *groups: int) -> IntArray:
        is_in = np.isin(rows.group, groups) if groups else np.ones(len(rows.group), dtype=bool)
        return np.bincount(place[is_in], values[is_in], len(parts)).astype(np.int64)

    number = {line: at for at, line in enumerate(LINES)}
    churned, gained = number[BridgeLine.CHURNED], (number[BridgeLine.REACTIVATED], number[BridgeLine.NEW])
    return {
        "opening": counted(rows.base_above),
        str(BridgeLine.EXPANSION): counted(rows.changed, number[BridgeLine.EXPANSION]),
        str(BridgeLine.CONTRACTION): counted(rows.changed, number[BridgeLine.CONTRACTION]),
        str(BridgeLine.CHURNED): counted(rows.base_moved, churned),
        str(BridgeLine.REACTIVATED): counted(rows.comparison_moved, gained[0]),
        str(BridgeLine.NEW): counted(rows.comparison_moved, gained[1]),
        str(BridgeLine.ADJUSTMENT): counted(rows.comparison_moved, churned)
        + counted(rows.base_moved, *gained)
        + counted(rows.changed, NO_LINE),
        "closing": counted(rows.comparison_above),
    }


def _bars(base: NDArray[Any], comparison: NDArray[Any], counts: Mapping[str, IntArray] | None) -> list[dict[str, Bar]]:
    """The bars of each part; without counts their accounts are not known."""
    effects = {str(line): values for line, values in part_effects(base, comparison).items()}
    amounts = {"opening": base.sum(axis=0), **effects, "closing": comparison.sum(axis=0)}
    return [
        {
            name: Bar(units_total(values[at : at + 1]), None if counts is None else int(counts[name][at]))
            for name, values in amounts.items()
        }
        for at in range(base.shape[1])
    ]


def _names(parts: IntArray, by: ProductDimension) -> list[tuple[str, Any]]:
    known = part_names(parts.tolist(), by)
    without = (NO_PRODUCT_KEY, LABELS[NO_PRODUCT_KEY])
    named = [without if part == NO_PRODUCT else known[part] for part in parts.tolist()]
    return [(key, label or LABELS[""]) for key, label in named]
