"""Periods as pages offer them: running ones against the same days, presets, and what to know before comparing."""

from datetime import date

import pytest

from accounts.calendars import activate_calendar, generate_calendar
from crm.lib.exceptions import PeriodError
from crm.lib.periods import parse_period
from crm.web.period_choices import base_of, notes_on, period_text, presets
from metrics.periods import read_period

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("comparison", "base", "days"),
    [
        ("ytd@2025-03-10", "ytd@2024-03-10", (69, 70)),
        ("ytd@2024-02-29", "ytd@2023-02-28", (60, 59)),
        ("ytd@2025-02-28", "ytd@2024-02-29", (59, 60)),
        ("qtd@2011-05-10", "qtd@2010-05-10", (40, 40)),
        ("mtd@2011-05-10", "mtd@2010-05-10", (10, 10)),
        ("2011-05", "2010-05", (31, 31)),
        ("2010..2011", "2008..2009", (730, 731)),
    ],
)
def test_base_is_the_same_days_a_year_earlier_where_they_lie_before(comparison, base, days):
    wanted, asked = parse_period(base), parse_period(comparison)

    found = base_of(asked)

    assert (found, (asked.days, found.days)) == (wanted, days)
    assert parse_period(period_text(found)) == found
    assert parse_period(period_text(asked)) == asked


def test_presets_offer_running_periods_against_the_same_days():
    offered = {preset.label: (preset.base, preset.comparison) for preset in presets(date(2011, 5, 10))}

    assert offered["This year to date"] == ("ytd@2010-05-10", "ytd@2011-05-10")
    assert offered["This quarter to date"] == ("qtd@2010-05-10", "qtd@2011-05-10")
    assert offered["This month to date"] == ("mtd@2010-05-10", "mtd@2011-05-10")
    assert offered["Last full month"] == ("2010-04", "2011-04")


def test_preset_that_asks_for_the_same_dates_as_another_is_left_out():
    labels = [preset.label for preset in presets(date(2011, 12, 31))]

    assert labels == ["Last 12 months", "Last full fiscal year", "Last full quarter", "Last full month"]
    february = [preset.label for preset in presets(date(2011, 1, 10))]
    assert "This quarter to date" not in february  # the year began with it


def test_running_preset_is_marked_while_it_is_shown():
    chosen = presets(date(2011, 5, 10), base="ytd@2010-05-10", comparison="ytd@2011-05-10")

    assert [preset.label for preset in chosen if preset.is_now] == ["This year to date"]


def test_notes_say_how_long_uneven_periods_are():
    uneven = notes_on(parse_period("ytd@2024-03-10"), parse_period("ytd@2025-03-10"))

    assert uneven == ["The periods differ in length: 69 days against 70."]
    assert notes_on(parse_period("2010"), parse_period("2011")) == []
    assert notes_on(None, parse_period("2011")) == []


@pytest.mark.parametrize("month", ["01", "02", "03"])
def test_single_months_from_january_to_march_carry_a_note(month):
    assert "Spring Festival" in notes_on(parse_period(f"2010-{month}"), parse_period(f"2011-{month}"))[0]
    assert notes_on(parse_period("2010-01..2010-02"), parse_period("2011-01..2011-02")) == []
    assert notes_on(parse_period("2010-04"), parse_period("2011-04")) == []


@pytest.fixture
def retail():
    """Years of 52 or 53 weeks that end in January; FY2012 has 53."""
    return activate_calendar(
        calendar=generate_calendar(
            name="Retail", pattern="4-5-4", first=2009, last=2013, month=1, is_named_by_start=True
        )
    )


@pytest.mark.parametrize(
    ("comparison", "base"),
    [("FY2011", "FY2010"), ("fy2011-q2", "FY2010-Q2"), ("FY2011-P03", "FY2010-P03"),
     ("FY2011-P03..FY2011-P05", "FY2010-P03..FY2010-P05"), ("FY2012..FY2013", "FY2010..FY2011")],
)  # fmt: skip
def test_base_of_a_period_of_weeks_is_the_same_of_the_fiscal_year_before(retail, comparison, base):
    found = base_of(read_period(comparison))

    assert (found, period_text(found)) == (read_period(base), base)


def test_base_before_the_calendar_begins_is_refused(retail):
    with pytest.raises(PeriodError, match="covers the years"):
        base_of(read_period("FY2009"))


def test_last_full_fiscal_year_is_that_of_the_active_calendar(retail):
    offered = {preset.label: (preset.base, preset.comparison) for preset in presets(date(2012, 5, 10))}

    assert offered["Last full fiscal year"] == ("FY2010", "FY2011")
    first = [preset.label for preset in presets(date(2010, 5, 10))]
    assert "Last full fiscal year" not in first  # nothing to hold it against


def test_year_of_53_weeks_says_so(retail):
    notes = notes_on(read_period("FY2011"), read_period("FY2012"))

    assert notes == ["53 weeks against 52: the longer period has a week more, which is part of the change."]
