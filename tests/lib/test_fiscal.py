"""Like-for-like windows and fiscal calendars: the worked examples, published retail years, tables without gaps."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import PeriodError
from crm.lib.fiscal import (
    Against,
    Comparison,
    FiscalCalendar,
    FiscalMonth,
    FiscalYear,
    WeekPattern,
    YearEnd,
    calendar_from_rows,
    elapsed_part,
    like_for_like,
    month_calendar,
    week_calendar,
)
from crm.lib.periods import Period, add_months, is_month_end, parse_period
from crm.lib.spring import is_moved_by_spring_festival, month_columns

DATES = st.dates(min_value=date(1975, 1, 1), max_value=date(2090, 12, 31))


def days(first, last):
    return Period(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))


def retail(first=2005, last=2025):
    return week_calendar(
        first, last, pattern=WeekPattern.FOUR_FIVE_FOUR, end_month=1, year_end=YearEnd.NEAREST, is_named_by_start=True
    )


def test_year_to_date_gives_the_worked_example():
    pair = like_for_like(parse_period("2025"), as_of=date(2025, 3, 10))

    assert pair == Comparison(days("2024-01-01", "2024-03-10"), days("2025-01-01", "2025-03-10"), is_clipped=True)
    assert (pair.comparison.days, pair.base.days) == (69, 70)
    assert pair.day_ratio == 69 / 70


@pytest.mark.parametrize(
    ("asked", "as_of", "base_last"),
    [
        ("2024", "2024-02-29", "2023-02-28"),
        ("2025", "2025-02-28", "2024-02-29"),
        ("2024", "2024-02-28", "2023-02-28"),
        ("2025", "2025-04-30", "2024-04-30"),
        ("2025-02", "2025-02-14", "2024-02-14"),
        ("2024", "2024-12-31", "2023-12-31"),
        ("2024", "2026-05-05", "2023-12-31"),
    ],
)
def test_base_ends_on_the_same_day_and_month_end_with_month_end(asked, as_of, base_last):
    pair = like_for_like(parse_period(asked), as_of=date.fromisoformat(as_of))

    assert pair.base.last_day == date.fromisoformat(base_last)


@pytest.mark.parametrize(
    ("asked", "as_of", "base"),
    [
        ("2025-03", "2025-03-10", days("2025-02-01", "2025-02-10")),
        ("2025-03", "2025-03-30", days("2025-02-01", "2025-02-28")),
        ("2025-03", "2025-03-31", days("2025-02-01", "2025-02-28")),
        ("2025-02", "2025-02-28", days("2025-01-01", "2025-01-31")),
        ("2025-Q1", "2025-02-28", days("2024-10-01", "2024-11-30")),
        ("2025-Q1", "2025-01-15", days("2024-10-01", "2024-10-15")),
    ],
)
def test_period_before_is_clipped_to_the_same_day_of_its_month(asked, as_of, base):
    pair = like_for_like(parse_period(asked), as_of=date.fromisoformat(as_of), against=Against.PREVIOUS)

    assert pair.base == base


def test_period_before_of_odd_days_has_as_many_days():
    pair = like_for_like(days("2025-01-11", "2025-01-20"), as_of=date(2025, 1, 13), against=Against.PREVIOUS)

    assert (pair.base, pair.comparison) == (days("2025-01-01", "2025-01-03"), days("2025-01-11", "2025-01-13"))


def test_complete_period_is_not_clipped_and_one_to_come_is_refused():
    period = parse_period("2024-Q1")

    assert elapsed_part(period, as_of=date(2024, 3, 31)) is period
    assert not like_for_like(period, as_of=date(2024, 3, 31)).is_clipped
    assert elapsed_part(period, as_of=date(2024, 1, 1)) == days("2024-01-01", "2024-01-01")
    with pytest.raises(PeriodError, match="2024-Q1"):
        elapsed_part(period, as_of=date(2023, 12, 31))


def test_january_and_february_are_one_column_where_both_are_in_the_period():
    joined = month_columns(parse_period("2024-12..2025-04"), is_spring_joined=True)

    assert [column.label for column in joined] == ["2024-12", "2025-01..2025-02", "2025-03", "2025-04"]
    assert joined[1] == days("2025-01-01", "2025-02-28") == parse_period(joined[1].label)
    assert [column.label for column in month_columns(parse_period("2025-02..2025-03"), is_spring_joined=True)] == [
        "2025-02", "2025-03",
    ]  # fmt: skip
    assert len(month_columns(parse_period("2024"), is_spring_joined=False)) == 12
    assert len(month_columns(parse_period("2023..2024"), is_spring_joined=True)) == 22
    with pytest.raises(PeriodError):
        month_columns(days("2025-01-01", "2025-01-30"), is_spring_joined=True)


def test_single_months_near_the_spring_festival_are_marked():
    marked = [text for text in ("2025-01", "2025-02", "2025-03", "2025-04", "2025-12", "2025-01..2025-02", "2025-Q1")
              if is_moved_by_spring_festival(parse_period(text))]  # fmt: skip

    assert marked == ["2025-01", "2025-02", "2025-03"]
    assert is_moved_by_spring_festival(days("2025-02-01", "2025-02-10"))


def test_april_year_is_named_after_the_year_it_ends_in():
    calendar = month_calendar(2024, 2025, fiscal_start_month=4)

    assert calendar.year(2025).period == parse_period("FY2025", fiscal_start_month=4)
    assert calendar.year(2025).quarter(4) == days("2025-01-01", "2025-03-31")
    assert calendar.month_of(date(2024, 3, 31)) == FiscalMonth(2024, 12, days("2024-03-01", "2024-03-31"))
    assert not calendar.year(2024).has_53_weeks
    assert len(list(calendar)) == 24


def test_retail_years_are_the_published_ones():
    calendar = retail()

    long_years = [year.year for year in calendar.years if year.has_53_weeks]
    assert long_years == [2006, 2012, 2017, 2023]  # as the National Retail Federation lists them
    assert calendar.year(2012).period == days("2012-01-29", "2013-02-02")
    assert calendar.year(2023).period == days("2023-01-29", "2024-02-03")
    assert calendar.year(2024).period == days("2024-02-04", "2025-02-01")
    assert [month.period.days // 7 for month in calendar.year(2012).months] == [4, 5, 4] * 3 + [4, 5, 5]
    assert calendar.year(2012).quarter(4).days == 14 * 7


@pytest.mark.parametrize("pattern", list(WeekPattern), ids=lambda pattern: pattern.value)
def test_week_years_follow_their_pattern(pattern):
    calendar = week_calendar(2020, 2030, pattern=pattern, end_month=12, year_end=YearEnd.LAST, last_weekday=6)

    for year in calendar.years:
        weeks = [month.period.days // 7 for month in year.months]
        weeks[-1] -= year.has_53_weeks
        assert weeks == list(pattern.weeks) * 4
        assert (year.period.last_day.weekday(), year.period.last_day.month, year.period.last_day.year) == (
            6,
            12,
            year.year,
        )


def test_year_of_weeks_that_ends_in_december_has_one_name_whichever_end_names_it():
    years = [week_calendar(2021, 2022, pattern=WeekPattern.FOUR_FOUR_FIVE, end_month=12, is_named_by_start=named).years
             for named in (False, True)]  # fmt: skip

    assert years[0] == years[1]


def test_restated_year_leaves_its_first_week_out():
    year = retail().year(2012).restated()

    assert year.is_restated
    assert not year.has_53_weeks
    assert year.period == days("2012-02-05", "2013-02-02")
    assert [month.period.days // 7 for month in year.months] == [4, 5, 4] * 4
    assert year.restated() is year


def test_years_of_different_length_are_restated_or_flagged():
    calendar = retail()

    restated = calendar.compared(2012, 2013)
    flagged = calendar.compared(2012, 2013, is_restated=False)

    assert (restated.is_uneven, flagged.is_uneven) == (False, True)
    assert restated.base.period == days("2012-02-05", "2013-02-02")
    assert (restated.base.period.days, restated.comparison.period.days) == (364, 364)
    assert flagged.base.period.days == 371
    assert not calendar.compared(2013, 2014).base.is_restated


def test_running_year_of_weeks_meets_as_many_days_on_the_same_weekdays():
    calendar = retail()

    after_long = calendar.like_for_like(2013, as_of=date(2013, 3, 2))
    in_long = calendar.like_for_like(2012, as_of=date(2012, 1, 30))
    whole = calendar.like_for_like(2013, as_of=date(2014, 2, 1))
    last_week = calendar.like_for_like(2012, as_of=date(2013, 1, 30))

    assert after_long == Comparison(days("2012-02-05", "2012-03-03"), days("2013-02-03", "2013-03-02"), is_clipped=True)
    assert in_long == Comparison(days("2011-01-30", "2011-01-31"), days("2012-01-29", "2012-01-30"), is_clipped=True)
    assert whole == Comparison(days("2012-02-05", "2013-02-02"), days("2013-02-03", "2014-02-01"), is_clipped=False)
    assert (last_week.base.days, last_week.comparison.days) == (364, 368)
    with pytest.raises(PeriodError):
        calendar.like_for_like(2013, as_of=date(2013, 2, 2))


def test_own_table_is_read_in_any_order_and_finds_its_long_period():
    calendar = week_calendar(2014, 2018, pattern=WeekPattern.FOUR_FOUR_FIVE, end_month=6, year_end=YearEnd.LAST)
    rows = [(month.year, month.number, month.period.start, month.period.last_day) for month in calendar]

    assert calendar_from_rows(reversed(rows)) == calendar
    early = _with_the_extra_week_in(calendar.year(2018), number=1)
    own = calendar_from_rows([*(row for row in rows if row[0] != 2018), *early])
    assert own.year(2018).long_month == 1
    assert own.year(2018).restated().months[1:] == own.year(2018).months[1:]
    assert calendar_from_rows(early).year(2018).long_month == 12


def _with_the_extra_week_in(year, *, number):
    assert year.has_53_weeks
    edges = [month.period.start for month in year.months]
    moved = [edge + timedelta(days=7) if place >= number else edge for place, edge in enumerate(edges)]
    ends = [*moved[1:], year.period.end]
    return [
        (year.year, place, start, end - timedelta(days=1))
        for place, (start, end) in enumerate(zip(moved, ends, strict=True), 1)
    ]


def test_thirteen_periods_of_four_weeks_have_four_quarters():
    start = date(2024, 1, 1)
    rows = [(2024, number, start + timedelta(days=28 * (number - 1)), start + timedelta(days=28 * number - 1))
            for number in range(1, 14)]  # fmt: skip

    year = calendar_from_rows(rows).year(2024)

    assert [year.quarter(number).days // 28 for number in (1, 2, 3, 4)] == [3, 3, 3, 4]
    with pytest.raises(PeriodError):
        year.quarter(5)


JANUARY, FEBRUARY, MARCH = parse_period("2025-01"), parse_period("2025-02"), parse_period("2025-03")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: FiscalCalendar(()),
        lambda: FiscalYear(2025, ()),
        lambda: FiscalYear(2025, (FiscalMonth(2025, 2, JANUARY),)),
        lambda: FiscalYear(2025, (FiscalMonth(2024, 1, JANUARY),)),
        lambda: FiscalYear(2025, (FiscalMonth(2025, 1, JANUARY), FiscalMonth(2025, 2, MARCH))),
        lambda: FiscalYear(2025, (FiscalMonth(2025, 1, FEBRUARY), FiscalMonth(2025, 2, JANUARY))),
        lambda: FiscalYear(2025, (FiscalMonth(2025, 1, JANUARY),), long_month=2),
        lambda: calendar_from_rows([]),
        lambda: calendar_from_rows([(2025, 1, date(2025, 1, 2), date(2025, 1, 1))]),
        lambda: calendar_from_rows([(2025, 1, date(2025, 1, 1), date(2025, 1, 31))] * 2),
        lambda: calendar_from_rows([(2024, 1, date(2024, 1, 1), date(2024, 12, 30)),
                                    (2025, 1, date(2025, 1, 1), date(2025, 12, 31))]),
        lambda: calendar_from_rows([(2023, 1, date(2024, 1, 1), date(2024, 12, 31)),
                                    (2025, 1, date(2025, 1, 1), date(2025, 12, 31))]),
        lambda: month_calendar(2025, 2024, fiscal_start_month=4),
        lambda: month_calendar(2024, 2025, fiscal_start_month=13),
        lambda: month_calendar(2024, 9999, fiscal_start_month=1),
        lambda: week_calendar(2024, 2025, pattern=WeekPattern.FOUR_FOUR_FIVE, end_month=0),
        lambda: week_calendar(2024, 2025, pattern=WeekPattern.FOUR_FOUR_FIVE, end_month=1, last_weekday=7),
        lambda: retail().year(2004),
        lambda: retail().month_of(date(2004, 1, 1)),
        lambda: retail().like_for_like(2005, as_of=date(2005, 6, 1)),
    ],
    ids=[
        "no-year", "no-period", "numbers-not-from-1", "other-year", "gap", "backwards", "long-beyond", "no-row",
        "row-backwards", "row-twice", "gap-between-years", "year-left-out", "years-backwards", "month-13", "year-9999",
        "end-month-0", "weekday-7", "year-unknown", "day-unknown", "no-base-year",
    ],
)  # fmt: skip
def test_calendar_refuses_what_is_no_calendar(wrong):
    with pytest.raises(PeriodError):
        wrong()


@settings(max_examples=500, deadline=None)
@given(DATES, st.integers(1, 24), st.integers(0, 800))
def test_like_for_like_base_is_the_same_part_a_year_earlier(start, months, elapsed):
    period = Period(start.replace(day=1), add_months(start.replace(day=1), months))

    pair = like_for_like(period, as_of=period.start + timedelta(days=elapsed))

    first, last, base = pair.comparison.start, pair.comparison.last_day, pair.base
    assert base.start == first.replace(year=first.year - 1)
    assert (base.last_day.year, base.last_day.month) == (last.year - 1, last.month)
    assert base.last_day.day == last.day or (last.month, last.day) in {(2, 28), (2, 29)}
    assert is_month_end(base.last_day) or not is_month_end(last)
    assert abs(base.days - pair.comparison.days) <= 1
    assert pair.comparison.end <= period.end
    assert pair.is_clipped == (pair.comparison != period)


@settings(max_examples=500, deadline=None)
@given(
    st.integers(1975, 2080),
    st.sampled_from(WeekPattern),
    st.integers(1, 12),
    st.integers(0, 6),
    st.sampled_from(YearEnd),
    st.booleans(),
)
def test_week_calendar_has_no_gap_and_ends_near_its_month(first, pattern, end_month, weekday, year_end, is_by_start):
    calendar = week_calendar(
        first, first + 7, pattern=pattern, end_month=end_month, last_weekday=weekday, year_end=year_end,
        is_named_by_start=is_by_start,
    )  # fmt: skip

    assert all(earlier.period.end == later.period.start for earlier, later in pairwise(calendar))
    assert any(year.has_53_weeks for year in calendar.years)  # one within any seven years or eight
    for year in calendar.years:
        assert year.period.days == (371 if year.has_53_weeks else 364)
        assert year.period.last_day.weekday() == weekday
        assert year.restated().period.days == 364
        named = year.year + (is_by_start and end_month < 12)
        anchor = add_months(date(named, end_month, 1), 1) - timedelta(days=1)
        distance = (year.period.last_day - anchor).days
        assert -6 <= distance <= 0 if year_end is YearEnd.LAST else abs(distance) <= 3


@settings(max_examples=500, deadline=None)
@given(st.integers(2006, 2025), st.integers(0, 370), st.booleans())
def test_running_week_year_compares_the_same_weekdays(year, elapsed, is_restated):
    calendar = retail()
    as_of = calendar.year(year).period.start + timedelta(days=elapsed)

    pair = calendar.like_for_like(year, as_of=as_of, is_restated=is_restated)

    assert pair.base.start.weekday() == pair.comparison.start.weekday()
    assert pair.base.end <= pair.comparison.start
    if pair.is_clipped and elapsed < 364:
        assert pair.base.days == pair.comparison.days
    if is_restated and not pair.is_clipped:
        assert pair.base.days == pair.comparison.days
