"""A fiscal year of 53 weeks against one of 52: flagged, and restated without its first week. Golden: the retail calendar
4-5-4 as the National Retail Federation publishes it, where 2023 has 53 weeks."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.calendars import activate_calendar, generate_calendar
from accounts.models import Account
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period
from metrics.periods import read_period, restated_pair
from metrics.services.portfolio import growth
from tests.factories import make_account, make_user, post_revenue


@pytest.fixture
def retail(db):
    """Years named after the one they begin in; they end on the Saturday nearest to the end of January."""
    calendar = generate_calendar(
        name="NRF", pattern="4-5-4", first=2017, last=2026, month=1, is_named_by_start=True,
    )  # fmt: skip
    activate_calendar(calendar=calendar)


def days(first, last):
    return Period(date.fromisoformat(first), date.fromisoformat(last)).start, date.fromisoformat(last)


@pytest.mark.parametrize(
    ("text", "first", "last", "label"),
    [
        ("FY2022", "2022-01-30", "2023-01-28", "FY2022"),
        ("FY2023", "2023-01-29", "2024-02-03", "FY2023"),
        ("FY2024", "2024-02-04", "2025-02-01", "FY2024"),
        ("FY2023R", "2023-02-05", "2024-02-03", "FY2023R"),
        ("fy2023r-q1", "2023-02-05", "2023-05-06", "FY2023R-Q1"),
        ("FY2023R-Q4", "2023-11-05", "2024-02-03", "FY2023R-Q4"),
        ("FY2023-Q4", "2023-10-29", "2024-02-03", "FY2023-Q4"),
        ("FY2023R-P12", "2024-01-07", "2024-02-03", "FY2023R-P12"),
        ("FY2023R-H2", "2023-08-06", "2024-02-03", "FY2023R-H2"),
        ("FY2024R", "2024-02-04", "2025-02-01", "FY2024"),
        ("FY2017R", "2017-02-05", "2018-02-03", "FY2017R"),
    ],
)
def test_years_are_those_of_the_published_calendar(retail, text, first, last, label):
    found = read_period(text)

    assert (str(found.start), str(found.last_day), found.label) == (first, last, label)


def test_a_calendar_of_months_has_no_week_to_leave_out(db):
    with pytest.raises(PeriodError, match="write FY2023"):
        read_period("FY2023R")


@pytest.mark.parametrize(
    ("base", "comparison", "restated"),
    [
        ("FY2023", "FY2024", ("FY2023R", "FY2024")),
        ("FY2022", "FY2023", ("FY2022", "FY2023R")),
        ("FY2023-Q4", "FY2024-Q4", ("FY2023R-Q4", "FY2024-Q4")),
        ("FY2023R", "FY2024", None),
        ("FY2024", "FY2025", None),
        ("FY2023-Q1", "FY2024-Q1", None),
        ("2023", "2024", None),
    ],
)
def test_the_longer_of_two_fiscal_periods_can_be_restated(retail, base, comparison, restated):
    assert restated_pair(read_period(base), read_period(comparison)) == restated


@pytest.fixture
def shop(retail):
    owner = make_user()
    account = make_account(owner=owner)
    post_revenue(
        [
            {"account": account, "booked_on": day, "amount": Decimal(amount)}
            for day, amount in (
                (date(2022, 6, 1), 80), (date(2023, 2, 4), 7), (date(2023, 2, 5), 100), (date(2024, 2, 3), 1),
                (date(2024, 2, 4), 110), (date(2025, 2, 1), 1),
            )
        ]
    )  # fmt: skip
    return owner


def test_figures_leave_the_first_week_out_and_say_which_days_they_are(shop):
    full = growth(Account.objects.all(), base=read_period("FY2023"), comparison=read_period("FY2024"))
    cut = growth(Account.objects.all(), base=read_period("FY2023R"), comparison=read_period("FY2024"))
    ahead = growth(Account.objects.all(), base=read_period("FY2022"), comparison=read_period("FY2023R"))

    assert (full.base_revenue, full.comparison_revenue) == (Decimal(108), Decimal(111))
    assert (cut.base_revenue, cut.comparison_revenue) == (Decimal(101), Decimal(111))
    assert (ahead.base_revenue, ahead.comparison_revenue) == (Decimal(80), Decimal(101))
    assert (full.passport.flags, cut.passport.flags, ahead.passport.flags) == (["weeks_differ"], [], [])
    assert cut.passport.as_dict()["base"] == {
        "label": "FY2023R", "first_day": "2023-02-05", "last_day": "2024-02-03",
    }  # fmt: skip


def test_the_page_flags_the_week_and_offers_to_leave_it_out(client, shop):
    client.force_login(shop)
    address = reverse("metrics:question", args=["growth"])
    html = client.get(f"{address}?base=FY2023&comparison=FY2024").content.decode()

    assert "52 weeks against 53" in html
    assert "base=FY2023R&amp;comparison=FY2024" in html
    restated = client.get(f"{address}?base=FY2023R&comparison=FY2024")
    assert "weeks against" not in restated.content.decode()
    assert restated.context["form"].data["base"] == "FY2023R"
