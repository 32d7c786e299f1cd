"""Contracts as a stock: what one is worth a year, and whether it is in force on a day. Exact decimals, no Django import.

Source: domain.md 1.2, the contract (stock) variant of growth, bridge and retention.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, DateArray
from metrics.formulas.schedule import DecimalArray, decimals, rounded_quotient, term_days, units_of

MONTHS_PER_YEAR, DAYS_PER_YEAR = 12, 365


def annual_value(value: Sequence[Decimal], first_on: ArrayLike, last_on: ArrayLike) -> DecimalArray:
    """Value of each contract by the year, shape (n,), exact decimals, rounded half away from zero to the fourth.

    value : of the contract, signed, at most 4 decimals, (n,); first_on, last_on : its term, both days included,
    datetime64[D], (n,)
    annual value = value / years, years = whole months of the term / 12 + the days beyond them / 365
    So a contract over twelve months is worth its amount, in leap years too, and one over a half-year twice that, whichever
    half it is: a renewal on the same terms changes nothing. (value x 365 / days would turn the renewal of 2023 for 2024 into
    a contraction.) A term shorter than a month counts by its days alone.
    raises FormulaError : lengths differ, a day is missing, a term ends before it begins, or more than 4 decimals
    """
    units = units_of(value)
    first, last = _term(units, first_on, last_on)
    months, days = whole_months(first, last)
    years = MONTHS_PER_YEAR * days.astype(object) + DAYS_PER_YEAR * months.astype(object)
    return decimals(rounded_quotient(units * (MONTHS_PER_YEAR * DAYS_PER_YEAR), years))


def is_in_force(first_on: ArrayLike, last_on: ArrayLike, cancelled_on: ArrayLike, *, day: np.datetime64) -> BoolArray:
    """Whether each contract is in force on ``day``: within its term, both days included, and before its cancellation.

    first_on, last_on, cancelled_on : datetime64[D], NaT where it has none (a term without an end is in force on no day), (n,)
    """
    first, last, cancelled = (np.asarray(days, dtype="datetime64[D]") for days in (first_on, last_on, cancelled_on))
    if not first.shape == last.shape == cancelled.shape:
        raise FormulaError("first_on, last_on and cancelled_on must have one value a contract")
    return np.asarray((first <= day) & (day <= last) & (np.isnat(cancelled) | (day < cancelled)), dtype=bool)


def whole_months(first: DateArray, last: DateArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(whole months of each term, days beyond them), each shape (n,). A month ends the day before the same day of the next
    one, or on its last day where the next one has no such day: 31 January .. 27 February is a month."""
    end = last + 1
    begin = first.astype("datetime64[M]")
    day = (first - begin.astype("datetime64[D]")).astype(np.int64)
    months = (end.astype("datetime64[M]") - begin).astype(np.int64)
    months -= _moved(begin, day, months) > end
    return months, (end - _moved(begin, day, months)).astype(np.int64)


def _moved(begin: NDArray[np.datetime64], day: NDArray[np.int64], months: NDArray[np.int64]) -> DateArray:
    month = begin + months
    return np.minimum(month.astype("datetime64[D]") + day, (month + 1).astype("datetime64[D]") - 1)


def _term(units: NDArray[np.object_], first_on: ArrayLike, last_on: ArrayLike) -> tuple[DateArray, DateArray]:
    first: DateArray = np.asarray(first_on, dtype="datetime64[D]")
    last: DateArray = np.asarray(last_on, dtype="datetime64[D]")
    term_days(units, first, last)
    return first, last
