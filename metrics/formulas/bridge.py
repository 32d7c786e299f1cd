"""The revenue bridge: how opening revenue becomes closing revenue, account by account, to the last digit.

Pure, no Django import. Letters as in the definitions: B_i and C_i net revenue of account i in base and comparison
window, F_i date of its first positive ledger line, E = {i : B_i > 0} the existing accounts.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import UNITS_PER_ONE, BoolArray, DateArray, FloatArray, units_total, whole_units


class BridgeLine(StrEnum):
    """Lines between opening and closing, in the order they are drawn."""

    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURNED = "churned"
    REACTIVATED = "reactivated"
    NEW = "new"
    ADJUSTMENT = "adjustment"


@dataclass(frozen=True, slots=True)
class LineTotal:
    """Amount and number of accounts behind one line; contraction and churned amounts are negative."""

    amount: Decimal
    accounts: int


@dataclass(frozen=True, slots=True)
class Bridge:
    """opening + all lines = closing, exactly.

    effects : per line the signed amount of each account, shape (n,), 0 where the account is not in the line
    members : per line the accounts in it, shape (n,)
    new_in_comparison, new_between : the two parts of ``new`` by where F_i lies
    Accounts of opening and closing are those with revenue above 0, so that opening - churned + reactivated + new
    accounts = closing accounts.
    """

    opening: LineTotal
    closing: LineTotal
    lines: dict[BridgeLine, LineTotal]
    members: dict[BridgeLine, BoolArray]
    effects: dict[BridgeLine, FloatArray]
    new_in_comparison: LineTotal
    new_between: LineTotal


def revenue_bridge(
    base: ArrayLike,
    comparison: ArrayLike,
    first_revenue_on: ArrayLike,
    *,
    base_end: np.datetime64,
    comparison_start: np.datetime64,
) -> Bridge:
    """Split sum(C) - sum(B) over the accounts.

    base, comparison : B and C, shape (n,), money of one currency with at most 4 decimals
    first_revenue_on : F, datetime64[D], shape (n,); NaT where the account never had a positive line
    base_end : first day after the base window; comparison_start : first day of the comparison window
    raises FormulaError : shapes differ, or an amount is NaN or infinite
    An account outside E with C > 0 is new if F >= base_end, else reactivated. Credits that outweigh a window's
    revenue run through the adjustment: it carries the negative parts, the other lines the positive ones.
    Identity checked here: sum(C) = sum(B) + expansion + contraction + churned + new + reactivated + adjustment.
    """
    b, c = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    first = np.asarray(first_revenue_on, dtype="datetime64[D]")
    if not b.shape == c.shape == first.shape:
        raise FormulaError("base, comparison and first_revenue_on must have one value an account")
    if not (np.isfinite(b).all() and np.isfinite(c).all()):
        raise FormulaError("an amount is missing; leave accounts without a known amount out")
    b_units, c_units = whole_units(b, c)
    members = _members(b_units, c_units, first, base_end)
    grown, adjustment = c_units - b_units, np.minimum(c_units, 0) - np.minimum(b_units, 0)
    members[BridgeLine.ADJUSTMENT] = np.asarray(adjustment != 0)
    units = {
        BridgeLine.EXPANSION: grown,
        BridgeLine.CONTRACTION: grown,
        BridgeLine.CHURNED: -b_units,
        BridgeLine.REACTIVATED: c_units,
        BridgeLine.NEW: c_units,
        BridgeLine.ADJUSTMENT: adjustment,
    }
    is_inside = members[BridgeLine.NEW] & (first >= comparison_start)
    bridge = Bridge(
        opening=LineTotal(units_total(b_units), int((b_units > 0).sum())),
        closing=LineTotal(units_total(c_units), int((c_units > 0).sum())),
        lines={line: _total(units[line], members[line]) for line in BridgeLine},
        members=members,
        effects={line: _amounts(units[line], members[line]) for line in BridgeLine},
        new_in_comparison=_total(c_units, is_inside),
        new_between=_total(c_units, members[BridgeLine.NEW] & ~is_inside),
    )
    _assert_identity(bridge)
    return bridge


def _members(
    b: NDArray[Any], c: NDArray[Any], first: DateArray, base_end: np.datetime64
) -> dict[BridgeLine, BoolArray]:
    existing, gained = b > 0, (b <= 0) & (c > 0)
    was_before = first < base_end  # NaT compares false: without a positive line nothing was before
    return {
        BridgeLine.EXPANSION: existing & (c > b),
        BridgeLine.CONTRACTION: existing & (c > 0) & (c < b),
        BridgeLine.CHURNED: existing & (c <= 0),
        BridgeLine.REACTIVATED: gained & was_before,
        BridgeLine.NEW: gained & ~was_before,
    }


def _total(units: NDArray[Any], members: BoolArray) -> LineTotal:
    return LineTotal(units_total(units[members]), int(members.sum()))


def _amounts(units: NDArray[Any], members: BoolArray) -> FloatArray:
    return np.asarray(np.where(members, units, 0), dtype=np.float64) / UNITS_PER_ONE


def _assert_identity(bridge: Bridge) -> None:
    if bridge.opening.amount + sum(line.amount for line in bridge.lines.values()) != bridge.closing.amount:
        raise AssertionError("the bridge does not add up")
