"""How many of the covered accounts bought, how often, and for how much. Pure, no Django import."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, DateArray, exact_total


@dataclass(frozen=True, slots=True)
class Activity:
    """Counts and sums of one window; a ratio without a denominator is NaN.

    revenue = covered_accounts x active_rate x (revenue / active_accounts) wherever an account is active; where none
    is, the revenue (late credit notes) is ``unattributed``.
    """

    covered_accounts: int
    active_accounts: int
    active_rate: float
    orders: int
    revenue: Decimal
    unattributed: Decimal
    repeat_accounts: int
    repeat_rate: float
    returning_accounts: int
    returning_rate: float
    order_frequency: float


def covered(
    first_order_on: ArrayLike, closed_on: ArrayLike, orders: ArrayLike, *, start: np.datetime64, end: np.datetime64
) -> BoolArray:
    """Accounts on the books in [start, end), shape (n,).

    first_order_on, closed_on : datetime64[D], NaT where there is none; orders : orders in the window
    On the books: the first order lies before the window's end and the account was not closed before it began; an
    order in the window always covers.
    """
    first = np.asarray(first_order_on, dtype="datetime64[D]")
    closed = np.asarray(closed_on, dtype="datetime64[D]")
    was_closed = closed < start
    return np.asarray(((first < end) & ~was_closed) | (np.asarray(orders) > 0))


def window_activity(
    revenue: ArrayLike,
    orders: ArrayLike,
    order_days: ArrayLike,
    first_order_on: ArrayLike,
    is_covered: ArrayLike,
    *,
    start: np.datetime64,
) -> Activity:
    """Activity of one window.

    revenue : net revenue, shape (n,); orders : orders, shape (n,); order_days : distinct days with an order, (n,)
    first_order_on : first order ever, datetime64[D]; is_covered : from ``covered``; start : first day of the window
    Active: at least one order. Repeat rate: accounts with 2 or more order days / accounts with 1 or more. Returning
    rate: active accounts with an order before the window / active accounts.
    raises FormulaError : shapes differ, or an active account is not covered
    """
    net = np.asarray(revenue, dtype=np.float64)
    count, days = np.asarray(orders, dtype=np.int64), np.asarray(order_days, dtype=np.int64)
    on_books = np.asarray(is_covered, dtype=bool)
    first: DateArray = np.asarray(first_order_on, dtype="datetime64[D]")
    if not net.shape == count.shape == days.shape == on_books.shape == first.shape:
        raise FormulaError("every array must have one value an account")
    active = count > 0
    if (active & ~on_books).any():
        raise FormulaError("an account with an order in the window must be covered")
    total, n_active, n_covered = exact_total(net), int(active.sum()), int(on_books.sum())
    repeat, returning = int((days >= 2).sum()), int((active & (first < start)).sum())
    return Activity(
        covered_accounts=n_covered,
        active_accounts=n_active,
        active_rate=_share(n_active, n_covered),
        orders=int(count.sum()),
        revenue=total,
        unattributed=Decimal(0) if n_active else total,
        repeat_accounts=repeat,
        repeat_rate=_share(repeat, int((days >= 1).sum())),
        returning_accounts=returning,
        returning_rate=_share(returning, n_active),
        order_frequency=_share(int(count.sum()), n_active),
    )


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
