"""Promised against delivered, as pure arithmetic (domain.md section 4): arrays in, arrays out.

Times are local and naive (datetime64[s]), days datetime64[D]; spans are half-open. NaT: not yet.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from plans.timetable import Timetable, working_moment, working_seconds

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Times = NDArray[Any]
Days = NDArray[Any]

GRACE_DAYS = 30  # after a step down the promises of the grade before go on (domain.md 4)
SECONDS_AN_HOUR, SECONDS_A_DAY = 3600.0, 86_400.0
WHOLE = 1e-9  # what a sum of shares of days may lack of a whole unit


def elapsed_hours(start: ArrayLike, stop: ArrayLike, *, is_business: ArrayLike, table: Timetable) -> Floats:
    """Hours from start to stop by the clock of each row, working time by ``table``; NaN where one of the two is NaT."""
    begun = np.asarray(start, dtype="datetime64[s]")
    ended = np.asarray(stop, dtype="datetime64[s]")
    none = np.isnat(begun) | np.isnat(ended)
    plain = np.where(none, np.nan, (ended - begun).astype(np.float64))
    business = working_seconds(ended, table=table) - working_seconds(begun, table=table)
    return np.where(np.asarray(is_business, dtype=bool), business, plain) / SECONDS_AN_HOUR


def due_at(start: ArrayLike, hours: ArrayLike, *, is_business: ArrayLike, table: Timetable) -> Times:
    """The moment at which ``hours`` have passed since ``start`` by the clock of each row."""
    begun = np.asarray(start, dtype="datetime64[s]")
    wanted = np.asarray(hours, dtype=np.float64) * SECONDS_AN_HOUR
    plain = begun + np.round(wanted).astype("timedelta64[s]")
    business = working_moment(working_seconds(begun, table=table) + wanted, table=table)
    return np.where(np.asarray(is_business, dtype=bool), business, plain)


def with_grace(
    account: ArrayLike, starts: ArrayLike, ends: ArrayLike, *, rank: ArrayLike, is_ladder: ArrayLike
) -> tuple[Days, Days]:
    """Spans in which the policy of each grade holds: after a step down the one before goes on for GRACE_DAYS.

    Rows are sorted by account and start and do not overlap. A step to or from the problem state has no grace: its policy
    protects both sides. The next step ends a grace that is still running.
    returns : (starts, ends), where a row may be left without a day (start = end)
    """
    owner, order = np.asarray(account), np.asarray(rank)
    begun, ended = np.asarray(starts, dtype="datetime64[D]").copy(), np.asarray(ends, dtype="datetime64[D]").copy()
    ladder = np.asarray(is_ladder, dtype=bool)
    if len(owner) < 2:
        return begun, ended
    follows = (owner[1:] == owner[:-1]) & (begun[1:] == ended[:-1])
    is_down = follows & (order[1:] < order[:-1]) & ladder[1:] & ladder[:-1]
    moved = np.minimum(begun[1:] + np.timedelta64(GRACE_DAYS, "D"), ended[1:])
    begun[1:] = np.where(is_down, moved, begun[1:])
    ended[:-1] = np.where(is_down, moved, ended[:-1])
    return begun, ended


def overlap_days(starts: ArrayLike, ends: ArrayLike, *, window_start: ArrayLike, window_end: ArrayLike) -> Floats:
    """Days of each span inside its window, 0 where they do not meet."""
    low = np.maximum(np.asarray(starts, dtype="datetime64[D]"), np.asarray(window_start, dtype="datetime64[D]"))
    high = np.minimum(np.asarray(ends, dtype="datetime64[D]"), np.asarray(window_end, dtype="datetime64[D]"))
    return np.maximum((high - low).astype(np.float64), 0.0)


def promised_units(target: ArrayLike, days: ArrayLike, *, window_days: ArrayLike) -> Floats:
    """A promised number by the days it held: target × days / days of the window."""
    window = np.asarray(window_days, dtype=np.float64)
    if np.any(window <= 0):
        raise FormulaError("a window has one day or more")
    return np.asarray(target, dtype=np.float64) * np.asarray(days, dtype=np.float64) / window


def units_due(promised: ArrayLike) -> Floats:
    """Whole units owed; a part of one is not owed yet."""
    return np.floor(np.asarray(promised, dtype=np.float64) + WHOLE)


def count_compliance(delivered: ArrayLike, promised: ArrayLike) -> Floats:
    """Delivered over promised, capped at 1; NaN where not one whole unit is owed."""
    owed = np.asarray(promised, dtype=np.float64)
    given = np.asarray(delivered, dtype=np.float64)
    is_due = units_due(owed) >= 1
    return np.where(is_due, np.minimum(given / np.where(is_due, owed, 1.0), 1.0), np.nan)


def time_outcome(
    start: ArrayLike,
    stop: ArrayLike,
    *,
    now: ArrayLike,
    hours: ArrayLike,
    is_business: ArrayLike,
    table: Timetable,
) -> tuple:
    """What became of each case by its clock.

    returns : (met, breached, taken): Boolean arrays, both False for a case that is open and not yet due, and the hours
        taken, NaN for open cases. Open and overdue counts as breached.
    """
    limit = np.asarray(hours, dtype=np.float64)
    present = np.broadcast_to(np.asarray(now, dtype="datetime64[s]"), limit.shape)
    taken = elapsed_hours(start, stop, is_business=is_business, table=table)
    so_far = elapsed_hours(start, present, is_business=is_business, table=table)
    is_open = np.isnan(taken)
    late = np.where(is_open, so_far, taken) > limit + WHOLE
    return ~late & ~is_open, late, taken


def time_compliance(met: ArrayLike, breached: ArrayLike) -> Floats:
    """Met over met and breached; NaN where no case was due."""
    good, bad = np.asarray(met, dtype=np.float64), np.asarray(breached, dtype=np.float64)
    total = good + bad
    return np.where(total > 0, good / np.where(total > 0, total, 1.0), np.nan)


def weighted_compliance(compliance: ArrayLike, weight: ArrayLike) -> float:
    """Mean of the promises that are due by their weights; NaN where none is due or none has a weight."""
    shares, heavy = np.asarray(compliance, dtype=np.float64), np.asarray(weight, dtype=np.float64)
    due = ~np.isnan(shares)
    total = float(heavy[due].sum())
    return float((shares[due] * heavy[due]).sum() / total) if total > 0 else float("nan")
