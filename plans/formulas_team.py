"""The iron triangle as pure arithmetic (domain.md 5.4): arrays in, arrays out.

Seats are columns in the order account, solution and delivery manager; 0 stands for nobody.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

DAYS_A_MONTH = 365.25 / 12


def cadence_days(target: ArrayLike, months: ArrayLike) -> NDArray[np.float64]:
    """Whole days within which the next touch is due: the months in which ``target`` touches are promised, shared out.

    returns : days, at least 1; NaN where nothing is promised (target 0 or NaN)
    raises FormulaError : a span of no month or less, a target below 0
    """
    wanted, span = np.asarray(target, dtype=np.float64), np.asarray(months, dtype=np.float64)
    if np.any(span <= 0) or np.any(wanted < 0):
        raise FormulaError("a promise of touches has a span above 0 and a target of 0 or more")
    is_promised = wanted > 0
    days = np.floor(span * DAYS_A_MONTH / np.where(is_promised, wanted, 1.0))
    return np.where(is_promised, np.maximum(days, 1.0), np.nan)


def missing(required: ArrayLike, holder: ArrayLike) -> Bools:
    """Seats that must be filled and that nobody holds; shapes (accounts, 3)."""
    return np.asarray(required, dtype=bool) & (np.asarray(holder) == 0)


def left(holder: ArrayLike, is_active: ArrayLike) -> Bools:
    """Seats whose holder is switched off; required or not."""
    return (np.asarray(holder) != 0) & ~np.asarray(is_active, dtype=bool)


def without_deputy(required: ArrayLike, holder: ArrayLike, has_deputy: ArrayLike, needs: ArrayLike) -> Bools:
    """Seats that must be filled and are, of accounts whose grade asks for deputies, with nobody who stands in.

    needs : shape (accounts,). An empty seat is missing, not without a deputy.
    """
    asked = np.asarray(required, dtype=bool) & np.asarray(needs, dtype=bool)[:, None]
    return asked & (np.asarray(holder) != 0) & ~np.asarray(has_deputy, dtype=bool)


def in_several(holder: ArrayLike) -> Bools:
    """Accounts where one person holds two or three seats; shape (accounts,)."""
    seats = np.asarray(holder)
    first, second, third = seats[:, 0], seats[:, 1], seats[:, 2]
    same: Bools = (
        ((first == second) & (first != 0)) | ((first == third) & (first != 0)) | ((second == third) & (second != 0))
    )
    return same


def untouched(last: ArrayLike, since: ArrayLike, *, today: Any, cadence: ArrayLike) -> Bools:
    """Whether more days than the cadence have passed since the last touch, or since it could first be asked for.

    last : day of the last touch, NaT for none; since : the later of the days on which seat and grade began, NaT for ever.
    A cadence of NaN asks for nothing. Without either day the touch is overdue.
    """
    begun = np.fmax(np.asarray(last, dtype="datetime64[D]"), np.asarray(since, dtype="datetime64[D]"))
    wanted = np.asarray(cadence, dtype=np.float64)
    days = (np.datetime64(today, "D") - begun).astype("timedelta64[D]").astype(np.float64)
    days = np.where(np.isnat(begun), np.inf, days)
    return ~np.isnan(wanted) & (days > np.where(np.isnan(wanted), np.inf, wanted))


def load(person: ArrayLike, account: ArrayLike, points: ArrayLike) -> tuple[Ints, Ints, Ints]:
    """Points each person carries: the sum over the accounts on which they hold a seat, each account once.

    person, account, points : a row a seat that is held, shape (seats,); points are those of the account
    returns : (people ascending, their load, their accounts)
    """
    who, where = np.asarray(person, dtype=np.int64), np.asarray(account, dtype=np.int64)
    weight = np.asarray(points, dtype=np.int64)
    held = who != 0
    who, where, weight = who[held], where[held], weight[held]
    order = np.lexsort((where, who))
    who, where, weight = who[order], where[order], weight[order]
    first = np.ones(len(who), dtype=bool)
    first[1:] = (who[1:] != who[:-1]) | (where[1:] != where[:-1])
    people, place = np.unique(who[first], return_inverse=True)
    sums = np.bincount(place, weights=weight[first], minlength=len(people)).astype(np.int64)
    return people, sums, np.bincount(place, minlength=len(people)).astype(np.int64)


def is_overloaded(carried: ArrayLike, capacity: ArrayLike) -> Bools:
    """Load above capacity; at capacity is still right."""
    return np.asarray(carried) > np.asarray(capacity)


def standing_share(required: ArrayLike, is_broken: ArrayLike) -> float:
    """Share of the seats that must be filled and are, by somebody who works here; NaN where none must be."""
    asked, broken = np.asarray(required, dtype=bool), np.asarray(is_broken, dtype=bool)
    total = int(asked.sum())
    return float((asked & ~broken).sum() / total) if total else float("nan")
