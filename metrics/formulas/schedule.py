"""What of a contract falls into which period: straight line, milestones, backlog. Exact decimals, no Django import.

A labelled stand-in where recognised revenue is not imported; it decides no recognition. Source: domain.md 1.1, EX-7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.cohorts import NOWHERE, period_places
from metrics.formulas.exact import BoolArray, DateArray

DecimalArray = NDArray[np.object_]
UnitArray = NDArray[Any]  # Python's whole numbers, in ten-thousandths: products with days never overflow

CENT_PLACES = 2
UNIT_PLACES = 4  # decimals of the ledger
_EXACT = Context(prec=60)  # digits that no amount reaches


@dataclass(frozen=True, slots=True)
class Backlog:
    """amount : what is signed and not yet recognised, money, at least 0, (n,)

    is_overrun : more is recognised than signed, so the amount is cut to 0 and one of the two needs a look, (n,)
    """

    amount: DecimalArray
    is_overrun: BoolArray


def straight_line(
    value: Sequence[Decimal], first_on: ArrayLike, last_on: ArrayLike, *, edges: ArrayLike, places: int = CENT_PLACES
) -> DecimalArray:
    """Part of each contract's value in each period, shape (n, p), exact decimals.

    value : of the contract, signed, at most 4 decimals, (n,); first_on, last_on : its term, both days included,
    datetime64[D], (n,); edges : first day of each of p periods and the first day after the last, (p + 1,)
    places : decimals of the smallest coin, 0 .. 4
    part = cumulated at the period's end - cumulated at its beginning, cumulated = value x days elapsed / days of the
    term, rounded half away from zero but never beyond the value; at the end of the term it is the value itself. So the
    parts of periods in a row always add up, whatever the periods, and all have the sign of the value.
    raises FormulaError : lengths differ, a day is missing, a term ends before it begins, edges do not ascend, or an
        amount has more than 4 decimals
    """
    units, first, last = _contracts(value, first_on, last_on)
    bounds: DateArray = np.asarray(edges, dtype="datetime64[D]")
    if bounds.ndim != 1 or len(bounds) < 2 or not (bounds[1:] > bounds[:-1]).all():
        raise FormulaError("the edges of the periods must ascend, and two are the least")
    cumulated = _cumulated(units[:, None], first[:, None], last[:, None], until=bounds[None, :], places=places)
    return decimals(np.asarray(cumulated[:, 1:] - cumulated[:, :-1]))


def straight_line_until(
    value: Sequence[Decimal],
    first_on: ArrayLike,
    last_on: ArrayLike,
    *,
    as_of: np.datetime64 | DateArray,
    places: int = CENT_PLACES,
) -> DecimalArray:
    """Value of each contract that has run off by ``as_of`` (one day, or one a contract), that day included, shape (n,),
    exact decimals.

    Arguments and errors as ``straight_line``, whose parts up to that day add up to it.
    """
    units, first, last = _contracts(value, first_on, last_on)
    until = np.asarray(as_of, dtype="datetime64[D]") + 1
    return decimals(_cumulated(units, first, last, until=until, places=places))


def milestones(
    contract: ArrayLike, amount: Sequence[Decimal], accepted_on: ArrayLike, *, contracts: int, edges: ArrayLike
) -> DecimalArray:
    """Amount of the milestones accepted (验收) in each period, shape (n, p), exact decimals.

    contract : place of the contract, (m,); amount : of the milestone, signed, at most 4 decimals, (m,)
    accepted_on : datetime64[D], NaT while it is not accepted: no amount yet, (m,); contracts : n; edges : (p + 1,)
    raises FormulaError : lengths differ, a place is out of range, edges do not ascend, or more than 4 decimals
    """
    who, units = np.asarray(contract, dtype=np.int64), units_of(amount)
    accepted: DateArray = np.asarray(accepted_on, dtype="datetime64[D]")
    if who.ndim != 1 or not who.shape == units.shape == accepted.shape:
        raise FormulaError("contract, amount and accepted_on must have one value a milestone")
    if ((who < 0) | (who >= contracts)).any():
        raise FormulaError(f"a contract must be one of the places 0 to {contracts - 1}")
    places = period_places(accepted, edges)
    sums: UnitArray = np.zeros((contracts, len(np.asarray(edges)) - 1), dtype=object)
    is_inside = places != NOWHERE
    np.add.at(sums, (who[is_inside], places[is_inside]), units[is_inside])
    return decimals(sums)


def backlog(signed: Sequence[Decimal], recognised: Sequence[Decimal]) -> Backlog:
    """Backlog (未确认合同额) of each contract: signed - recognised, not below 0, shape (n,), exact decimals.

    signed : signed value less cancellations, (n,); recognised : imported, or a stand-in from this module, (n,)
    raises FormulaError : lengths differ, or an amount has more than 4 decimals
    """
    ours, done = units_of(signed), units_of(recognised)
    if ours.shape != done.shape:
        raise FormulaError("signed and recognised must have one value a contract")
    left = ours - done
    return Backlog(amount=decimals(np.maximum(left, 0)), is_overrun=np.asarray(left < 0, dtype=bool))


def _contracts(
    value: Sequence[Decimal], first_on: ArrayLike, last_on: ArrayLike
) -> tuple[UnitArray, DateArray, DateArray]:
    units = units_of(value)
    first: DateArray = np.asarray(first_on, dtype="datetime64[D]")
    last: DateArray = np.asarray(last_on, dtype="datetime64[D]")
    term_days(units, first, last)
    return units, first, last


def term_days(units: UnitArray, first: DateArray, last: DateArray) -> UnitArray:
    """Days of each term, both ends included, as Python's whole numbers, (n,); raises FormulaError as ``straight_line``."""
    if not units.shape == first.shape == last.shape:
        raise FormulaError("value, first_on and last_on must have one value a contract")
    if not (last >= first).all():  # NaT compares false
        raise FormulaError("a contract needs a first day and a last day that is not before it")
    return np.asarray(((last - first).astype(np.int64) + 1).astype(object))


def _cumulated(units: UnitArray, first: DateArray, last: DateArray, *, until: DateArray, places: int) -> UnitArray:
    """Value of the days before ``until``, in ten-thousandths, rounded to ``places`` decimals while the term runs."""
    if not 0 <= places <= UNIT_PLACES:
        raise FormulaError(f"the smallest coin has 0 to {UNIT_PLACES} decimals")
    coin = 10 ** (UNIT_PLACES - places)
    term = ((last - first).astype(np.int64) + 1).astype(object)
    elapsed = np.minimum(np.maximum((until - first).astype(np.int64).astype(object), 0), term)
    doubled = np.abs(units) * elapsed * 2 + term * coin
    # A value with digits below the coin must not be passed on the way by rounding up.
    rounded = np.sign(units) * np.minimum(doubled // (2 * term * coin) * coin, np.abs(units))
    return np.where(elapsed == term, units + 0 * elapsed, rounded)


def rounded_quotient(numerator: UnitArray, denominator: UnitArray) -> UnitArray:
    """numerator / denominator > 0 of whole numbers, rounded half away from zero, same shape."""
    return np.asarray(np.sign(numerator) * ((2 * np.abs(numerator) + denominator) // (2 * denominator)), dtype=object)


def units_of(amounts: Sequence[Decimal]) -> UnitArray:
    """Whole ten-thousandths as Python's whole numbers, (n,)."""
    units: UnitArray = np.zeros(len(amounts), dtype=object)
    for place, amount in enumerate(amounts):  # decimals have no vectors
        if not amount.is_finite():
            raise FormulaError("an amount must be a number")
        numerator, denominator = amount.as_integer_ratio()
        units[place], rest = divmod(numerator * 10**UNIT_PLACES, denominator)
        if rest:
            raise FormulaError(f"an amount must have at most {UNIT_PLACES} decimals")
    return units


def decimals(units: UnitArray) -> DecimalArray:
    """Whole ten-thousandths as money, same shape."""
    money: DecimalArray = np.empty(units.size, dtype=object)
    money[:] = [Decimal(unit).scaleb(-UNIT_PLACES, context=_EXACT) for unit in units.ravel().tolist()]
    return money.reshape(units.shape)
