"""Working time as arithmetic: how much of it lies before a moment, and the moment at which some of it has passed.

Every day from FIRST to LAST has a row: when work begins and how long it lasts, 0 on days off. Times are local and naive
(datetime64[s]) in the zone of the hours; NaT: not yet. Moments outside count as the edge.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError

Floats = NDArray[np.float64]
Times = NDArray[Any]

FIRST, LAST = np.datetime64("1970-01-01", "D"), np.datetime64("2200-01-01", "D")
SECONDS_AN_HOUR = 3600.0
THURSDAY = 4  # 1970-01-01, Monday is 1
WHOLE = 1e-9  # seconds that float noise may add


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours from one day on: seconds after midnight, and the days of the week (Monday is 1, Sunday 7)."""

    valid_from: date
    opens: float
    closes: float
    weekdays: frozenset[int]


USUAL = Hours(date(1970, 1, 1), 9 * SECONDS_AN_HOUR, 18 * SECONDS_AN_HOUR, frozenset({1, 2, 3, 4, 5}))


@dataclass(frozen=True, slots=True, eq=False)
class Timetable:
    """opens, length : seconds, a row a day; until : working seconds up to the end of each day, with a 0 before the first."""

    opens: Floats
    length: Floats
    until: Floats


def timetable(hours: Sequence[Hours] = (USUAL,), exceptions: Mapping[date, bool] | None = None) -> Timetable:
    """The table of some hours, of which each holds from its day on and the first also before it.

    exceptions : day → whether it is worked, whatever the day of the week: public holidays, and Saturdays that make up
    raises FormulaError : no hours, or some that end before they begin or have no day
    """
    if not hours:
        raise FormulaError("a timetable needs the hours of one day on or more")
    if any(one.closes <= one.opens or not one.weekdays for one in hours):
        raise FormulaError("hours end after they begin, on one day of the week or more")
    rows = sorted(hours, key=lambda one: one.valid_from)
    days = np.arange(FIRST, LAST)
    weekday = (np.arange(len(days)) + THURSDAY - 1) % 7 + 1
    starts = np.array([one.valid_from for one in rows], dtype="datetime64[D]")
    held = np.maximum(np.searchsorted(starts, days, side="right") - 1, 0)
    opens = np.array([one.opens for one in rows])[held]
    span = np.array([one.closes - one.opens for one in rows])[held]
    is_worked = np.array([[day in one.weekdays for day in range(1, 8)] for one in rows])[held, weekday - 1]
    for day, works in (exceptions or {}).items():
        place = int((np.datetime64(day, "D") - FIRST).astype(np.int64))
        if 0 <= place < len(days):
            is_worked[place] = works
    length = np.where(is_worked, span, 0.0)
    return Timetable(opens, length, np.concatenate([[0.0], np.cumsum(length)]))


def working_seconds(moments: ArrayLike, *, table: Timetable) -> Floats:
    """Working seconds from FIRST until each moment, shape of ``moments``; NaN for NaT. Differences of two are the working
    time between them."""
    times = np.asarray(moments, dtype="datetime64[s]")
    none = np.isnat(times)
    safe = np.clip(np.where(none, FIRST.astype("datetime64[s]"), times), FIRST.astype("datetime64[s]"), _end())
    days = safe.astype("datetime64[D]")
    place = (days - FIRST).astype(np.int64)
    seconds = (safe - days.astype("datetime64[s]")).astype(np.float64)
    inside = np.clip(seconds - table.opens[place], 0.0, table.length[place])
    return np.where(none, np.nan, table.until[place] + inside)


def working_moment(seconds: ArrayLike, *, table: Timetable) -> Times:
    """The first moment before which so many working seconds lie: the end of a day, not the start of the next one."""
    wanted = np.asarray(seconds, dtype=np.float64)
    place = np.minimum(np.searchsorted(table.until[1:], wanted - WHOLE, side="left"), len(table.length) - 1)
    rest = table.opens[place] + wanted - table.until[place]
    return (FIRST + place).astype("datetime64[s]") + np.round(rest).astype("timedelta64[s]")


def _end() -> Any:
    return LAST.astype("datetime64[s]") - np.timedelta64(1, "s")
