"""Working time: against a count hour by hour, against NumPy's business days, and its inverse."""

import random
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from crm.lib.exceptions import FormulaError
from plans import formulas
from plans.timetable import USUAL, Hours, timetable, working_moment, working_seconds

HOUR = 3600.0


def hours(day, opens, closes, weekdays="12345"):
    return Hours(date.fromisoformat(day), opens * HOUR, closes * HOUR, frozenset(map(int, weekdays)))


def slow_hours(start, stop, rows, exceptions):
    """Whole hours between two moments on the hour that are worked, one by one."""
    found, at = 0, start
    while at < stop:
        held = max(
            (row for row in rows if row.valid_from <= at.date()), key=lambda row: row.valid_from, default=rows[0]
        )
        works = exceptions.get(at.date(), at.isoweekday() in held.weekdays)
        found += works and held.opens <= at.hour * HOUR < held.closes
        at += timedelta(hours=1)
    return found


@pytest.mark.parametrize("seed", range(12))
def test_equals_a_count_hour_by_hour(seed):
    rng = random.Random(seed)
    first = date(2024, 1, 1) + timedelta(days=rng.randrange(300))
    rows = [
        Hours(first + timedelta(days=40 * step), opens * HOUR, (opens + rng.randint(1, 12)) * HOUR,
              frozenset(rng.sample(range(1, 8), rng.randint(1, 7))))
        for step, opens in enumerate(rng.choices(range(12), k=rng.randint(1, 3)))
    ]  # fmt: skip
    exceptions = {first + timedelta(days=rng.randrange(120)): rng.random() < 0.5 for _ in range(15)}
    table = timetable(rows, exceptions)
    begin = datetime.combine(first - timedelta(days=3), datetime.min.time())

    for _ in range(25):
        start = begin + timedelta(hours=rng.randrange(24 * 100))
        stop = start + timedelta(hours=rng.randrange(24 * 25))
        moments = np.array([start, stop], dtype="datetime64[s]")
        low, high = working_seconds(moments, table=table)
        assert (high - low) / HOUR == slow_hours(start, stop, rows, exceptions)


def test_usual_week_is_that_of_numpy():
    days = np.arange("2020-01-01", "2026-01-01", dtype="datetime64[D]")
    noon = days.astype("datetime64[s]") + np.timedelta64(15, "h")

    found = working_seconds(noon, table=timetable())

    whole = np.busday_count(np.datetime64("1970-01-01"), days) * 9 * HOUR
    assert (found == whole + np.where(np.is_busday(days), 6 * HOUR, 0)).all()


def test_moment_is_the_inverse_and_ends_on_the_day_it_is_due():
    table = timetable([USUAL], {date(2024, 10, 1): False, date(2024, 10, 12): True})
    wanted = np.arange(0.5, 400, 0.5) * HOUR
    start = working_seconds(np.datetime64("2024-09-27T16:30:00"), table=table)

    moments = working_moment(start + wanted, table=table)

    assert working_seconds(moments, table=table) - start == pytest.approx(wanted)
    assert str(working_moment(start + 1.5 * HOUR, table=table)) == "2024-09-27T18:00:00"
    assert str(working_moment(start + 10.5 * HOUR, table=table)) == "2024-09-30T18:00:00"
    assert str(working_moment(start + 11.5 * HOUR, table=table)) == "2024-10-02T10:00:00"  # over the day off


@pytest.mark.parametrize("rows", [[], [hours("2024-01-01", 18, 9)], [hours("2024-01-01", 9, 18, "")]])
def test_hours_that_are_none_are_refused(rows):
    with pytest.raises(FormulaError):
        timetable(rows)


def test_what_has_no_end_and_what_lies_outside():
    table = timetable()
    times = np.array(["NaT", "1960-01-01T00:00:00", "2300-01-01T00:00:00"], dtype="datetime64[s]")

    nothing, before, after = working_seconds(times, table=table)

    assert (np.isnan(nothing), before, after) == (True, 0.0, table.until[-1])


def test_clock_of_each_row_is_its_own():
    start, stop = np.datetime64("2024-11-15T17:00:00"), np.datetime64("2024-11-18T10:00:00")  # Friday, Monday
    asked = {"is_business": [True, False], "table": timetable()}

    taken = formulas.elapsed_hours([start, start], [stop, stop], **asked)
    due = formulas.due_at([start, start], [2.0, 2.0], **asked)

    assert taken.tolist() == [2.0, 65.0]
    assert due.astype(str).tolist() == ["2024-11-18T10:00:00", "2024-11-15T19:00:00"]
