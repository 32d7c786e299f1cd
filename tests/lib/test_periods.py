"""Periods: every form, whole-month arithmetic, like-for-like shifts, and refusals that help."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.lib import periods
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period, parse_period

DATES = st.dates(min_value=date(1971, 1, 1), max_value=date(9990, 12, 31))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2011", date(2011, 1, 1), date(2012, 1, 1)),
        ("2011-Q2", date(2011, 4, 1), date(2011, 7, 1)),
        ("2011-q4", date(2011, 10, 1), date(2012, 1, 1)),
        ("2011-H1", date(2011, 1, 1), date(2011, 7, 1)),
        ("2011-h2", date(2011, 7, 1), date(2012, 1, 1)),
        ("2011-06", date(2011, 6, 1), date(2011, 7, 1)),
        ("2010-12..2011-05", date(2010, 12, 1), date(2011, 6, 1)),
        ("2010-Q4..2011-05", date(2010, 10, 1), date(2011, 6, 1)),
        ("2010..2011-H1", date(2010, 1, 1), date(2011, 7, 1)),
        ("2011-H1..2011-Q3", date(2011, 1, 1), date(2011, 10, 1)),
        ("ttm@2011-11", date(2010, 12, 1), date(2011, 12, 1)),
        ("TTM@2011-12", date(2011, 1, 1), date(2012, 1, 1)),
        ("FY2011", date(2010, 12, 1), date(2011, 12, 1)),
        ("fy2011-q2", date(2011, 3, 1), date(2011, 6, 1)),
        ("FY2011-H2", date(2011, 6, 1), date(2011, 12, 1)),
        ("FY2010..FY2011", date(2009, 12, 1), date(2011, 12, 1)),
        (" 2011 ", date(2011, 1, 1), date(2012, 1, 1)),
        ("1970", date(1970, 1, 1), date(1971, 1, 1)),
        ("9998", date(9998, 1, 1), date(9999, 1, 1)),
    ],
)
def test_parse_period_reads_every_form(text, start, end):
    period = parse_period(text, fiscal_start_month=12)

    assert (period.start, period.end) == (start, end)


@pytest.mark.parametrize(
    ("month", "start", "end"),
    [(1, date(2011, 1, 1), date(2012, 1, 1)), (4, date(2010, 4, 1), date(2011, 4, 1)),
     (12, date(2010, 12, 1), date(2011, 12, 1))],
)  # fmt: skip
def test_fiscal_year_ends_in_the_year_it_is_named_after(month, start, end):
    assert parse_period("FY2011", fiscal_start_month=month) == Period(start, end)


@pytest.mark.parametrize(
    "text",
    ["", "..", "2011-13", "2011-00", "2011-Q5", "2011-H3", "11", "2011-6", "2011..", "..2011", "ttm@2011", "ttm@2011-13",
     "FY2011-06", "next year", "2011-Q2-Q3", "２０１１", "2011\x00", "2011..2012..2013", "2011-01-01", "ttm@2011-01..2011"],
)  # fmt: skip
def test_parse_period_names_the_accepted_forms_when_it_cannot_read(text):
    with pytest.raises(PeriodError) as refused:
        parse_period(text)

    assert periods.ACCEPTED_FORMS in str(refused.value)
    assert refused.value.status == 400


@pytest.mark.parametrize("text", ["1969", "9999", "0000-01", "ttm@1969-12", "1960..2011"])
def test_parse_period_names_the_years_it_takes(text):
    with pytest.raises(PeriodError, match="1970 to 9998"):
        parse_period(text)


def test_parse_period_refuses_ends_the_wrong_way_round():
    with pytest.raises(PeriodError, match="earlier end first"):
        parse_period("2011-06..2011-05")


def test_parse_period_shortens_a_long_text_in_its_message():
    with pytest.raises(PeriodError) as refused:
        parse_period("x" * 10_000)

    assert len(str(refused.value)) < 300


def test_period_that_ends_before_it_begins_is_refused():
    with pytest.raises(PeriodError):
        Period(date(2011, 1, 2), date(2011, 1, 2))


def test_ttm_ends_with_the_last_month_complete_on_the_day():
    assert periods.ttm(date(2011, 12, 9)) == Period(date(2010, 12, 1), date(2011, 12, 1))
    assert periods.ttm(date(2011, 11, 30)) == Period(date(2010, 12, 1), date(2011, 12, 1))
    assert periods.ttm(date(2011, 11, 29)) == Period(date(2010, 11, 1), date(2011, 11, 1))
    assert periods.prior_ttm(date(2011, 12, 9)) == Period(date(2009, 12, 1), date(2010, 12, 1))


def test_last_complete_fiscal_year_is_complete_on_its_last_day():
    full = periods.last_complete_fiscal_year(date(2011, 11, 30), fiscal_start_month=12)
    day_before = periods.last_complete_fiscal_year(date(2011, 11, 29), fiscal_start_month=12)

    assert (full.label, day_before.label) == ("FY2011", "FY2010")
    assert periods.last_complete_fiscal_year(date(2011, 12, 31), fiscal_start_month=1).label == "FY2011"
    assert periods.last_complete_fiscal_year(date(2011, 12, 30), fiscal_start_month=1).label == "FY2010"


def test_year_to_date_compares_with_the_same_days_a_year_earlier():
    this_year = periods.year_to_date(date(2025, 3, 10))
    last_year = this_year.shift_years(-1)

    assert (this_year.days, last_year.days) == (69, 70)
    assert (last_year.start, last_year.last_day) == (date(2024, 1, 1), date(2024, 3, 10))


@pytest.mark.parametrize(
    ("as_of", "base_last"),
    [(date(2024, 2, 29), date(2023, 2, 28)), (date(2025, 2, 28), date(2024, 2, 29)),
     (date(2025, 4, 30), date(2024, 4, 30)), (date(2025, 2, 27), date(2024, 2, 27))],
)  # fmt: skip
def test_shift_years_keeps_month_ends_and_clips_leap_days(as_of, base_last):
    assert periods.year_to_date(as_of).shift_years(-1).last_day == base_last


def test_month_helpers_cover_leap_years_and_year_ends():
    assert list(periods.month_ends(date(2023, 12, 31), date(2024, 2, 29))) == [
        date(2023, 12, 31), date(2024, 1, 31), date(2024, 2, 29),
    ]  # fmt: skip
    assert periods.add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert parse_period("2010-12..2011-02").month_starts == (date(2010, 12, 1), date(2011, 1, 1), date(2011, 2, 1))


def test_previous_is_the_same_length_just_before():
    assert parse_period("2011-Q2").previous() == parse_period("2011-Q1")
    assert parse_period("2011").previous() == parse_period("2010")


def test_check_comparable_wants_the_base_over_before_the_comparison_begins():
    periods.check_comparable(parse_period("2010"), parse_period("2011"))

    with pytest.raises(PeriodError, match="must end before"):
        periods.check_comparable(parse_period("2010-12..2011-05"), parse_period("2011"))


@pytest.mark.parametrize("month", [0, 13])
def test_fiscal_start_outside_the_year_is_refused(month):
    with pytest.raises(PeriodError):
        parse_period("FY2011", fiscal_start_month=month)


@given(DATES)
def test_ttm_is_always_twelve_whole_months_that_end_by_the_day(as_of):
    window, prior = periods.ttm(as_of), periods.prior_ttm(as_of)

    assert window.is_whole_months
    assert window.months == 12
    assert window.last_day <= as_of
    assert (as_of - window.last_day).days <= 30
    assert prior.end == window.start
    assert prior.months == 12


@given(DATES, st.integers(min_value=1, max_value=12))
def test_last_complete_fiscal_year_ends_within_a_year_before_the_day(as_of, month):
    year = periods.last_complete_fiscal_year(as_of, fiscal_start_month=month)

    assert 0 <= (as_of - year.last_day).days <= 366
    assert year.months == 12
    assert year.start.month == month


@given(st.text(max_size=30))
def test_parse_period_reads_or_refuses_and_nothing_else(text):
    try:
        period = parse_period(text)
    except PeriodError:
        return
    assert period.start < period.end
    assert period.is_whole_months or "@" in text


@pytest.mark.parametrize(
    ("text", "start", "last"),
    [
        ("ytd@2011-05-10", date(2011, 1, 1), date(2011, 5, 10)),
        ("QTD@2011-05-10", date(2011, 4, 1), date(2011, 5, 10)),
        ("mtd@2011-05-10", date(2011, 5, 1), date(2011, 5, 10)),
        ("ytd", date(2025, 1, 1), date(2025, 3, 10)),
        (" Qtd ", date(2025, 1, 1), date(2025, 3, 10)),
        ("mtd", date(2025, 3, 1), date(2025, 3, 10)),
        ("ytd@9998-12-31", date(9998, 1, 1), date(9998, 12, 31)),
    ],
)
def test_running_periods_end_with_the_day_they_name_or_are_given(text, start, last):
    period = parse_period(text, as_of=date(2025, 3, 10))

    assert (period.start, period.last_day) == (start, last)
    assert parse_period(period.label) == period


@pytest.mark.parametrize(
    "text",
    ["ytd", "mtd", "ytd@", "ytd@2011-05", "ytd@2011-02-30", "ytd@2011-13-01", "ytd@2011-05-10..2011", "htd@2011-05-10"],
)
def test_running_period_without_a_day_is_refused(text):
    with pytest.raises(PeriodError, match="ytd@2011-05-10"):
        parse_period(text)


def test_running_periods_know_what_they_are():
    assert periods.running_of(parse_period("qtd@2011-05-10")) is periods.Running.QUARTER
    assert [periods.running_of(parse_period(text)) for text in ("2011", "ttm@2011-05", "2011-01..2011-05")] == [
        None
    ] * 3
    assert periods.Running.QUARTER.whole(date(2011, 5, 10)) == parse_period("2011-Q2")


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [("FY2011-P01", date(2010, 12, 1), date(2011, 1, 1)), ("fy2011-p12", date(2011, 11, 1), date(2011, 12, 1)),
     ("FY2011-P03..FY2011-P05", date(2011, 2, 1), date(2011, 5, 1))],
)  # fmt: skip
def test_fiscal_months_count_from_the_start_of_the_year(text, start, end):
    assert parse_period(text, fiscal_start_month=12) == Period(start, end)


def test_fiscal_year_of_months_has_no_thirteenth():
    with pytest.raises(PeriodError, match="12 periods"):
        parse_period("FY2011-P13")
