"""Cohorts of those in view: the worked example, a slow version, rates, groups, nobody."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Account
from crm.lib.exceptions import PeriodError
from metrics.services.cohorts import cohorts
from metrics.services.trend import Interval
from tests.factories import make_account, make_rate, post_revenue
from tests.metrics.test_cohorts import EXAMPLE, FIRST

pytestmark = pytest.mark.django_db
QUARTERS = (date(2024, 2, 5), date(2024, 5, 5), date(2024, 8, 5))
AS_OF = date(2024, 9, 30)


def line(account, day, amount, **fields):
    return {"account": account, "booked_on": day, "amount": Decimal(str(amount)), "currency": "EUR", **fields}


def post_example():
    accounts = [make_account() for _ in FIRST]
    post_revenue([line(accounts[who], QUARTERS[quarter], amount) for who, quarter, amount in EXAMPLE])
    return accounts


def ask(accounts=None, **choices):
    return cohorts(Account.objects.all() if accounts is None else accounts, **{"as_of": AS_OF, **choices})


def cells(found, name):
    return [[getattr(cell, name) for cell in cohort.cells] for cohort in found.cohorts]


def test_worked_example_gives_its_cells_and_pooled_shares():
    post_example()

    found = ask()

    assert [(one.period.label, one.accounts) for one in found.cohorts] == [
        ("2024-Q1", 4),
        ("2024-Q2", 2),
        ("2024-Q3", 5),
    ]
    assert cells(found, "active") == [[4, 3, 3], [2, 2], [5]]
    assert cells(found, "revenue") == [[400, 360, 380], [100, 120], [250]]
    assert [one.active_share for one in found.pooled] == pytest.approx([1, 5 / 6, 0.75], rel=1e-12)
    assert [one.revenue_share for one in found.pooled] == pytest.approx([1, 0.96, 0.95], rel=1e-12)
    assert [one.accounts for one in found.pooled] == [11, 6, 4]
    assert (found.next_active_share, found.next_revenue_share) == pytest.approx((5 / 6, 0.96))
    assert (found.year_active_share, found.year_revenue_share) == (None, None)
    assert set(found.reasons) == {"year_active_share", "year_revenue_share"}
    assert str(found.reasons["year_active_share"]) == "no cohort is that old yet"
    assert (found.placed_accounts, found.left_out_accounts, found.currency) == (11, 0, "EUR")
    passport = found.passport
    assert (passport.metric, passport.accounts, passport.comparison.start, passport.comparison.last_day) == (
        "cohorts",
        11,
        date(2024, 1, 1),
        AS_OF,
    )


def test_shares_from_the_first_full_period_leave_the_first_blank_with_its_reason():
    post_example()

    found = ask(share_base="first_full_period")

    first = found.cohorts[0].cells
    assert [cell.revenue_share for cell in first] == [None, 1.0, pytest.approx(380 / 360)]
    assert str(first[0].reason) == "revenue shares count from the first full period"
    assert [one.revenue_share for one in found.pooled] == [None, 1.0, pytest.approx(380 / 360)]
    assert found.cohorts[2].cells[0].active_share == 1.0


def test_period_that_is_not_over_is_marked_and_counts_nowhere():
    post_example()

    found = ask(as_of=date(2024, 9, 29))

    last = [cohort.cells[-1] for cohort in found.cohorts]
    assert [(cell.is_finished, cell.active, cell.active_share, cell.revenue, cell.revenue_share) for cell in last] == [
        (False, None, None, None, None)
    ] * 3
    assert {str(cell.reason) for cell in last} == {"the period is not over at the as-of date"}
    assert [one.active_share for one in found.pooled] == pytest.approx([1, 0.75])
    assert found.cohorts[2].accounts == 5


def test_as_of_day_in_the_past_knows_nothing_of_later_accounts():
    post_example()

    found = ask(as_of=date(2024, 6, 30))

    assert [(one.period.label, one.accounts) for one in found.cohorts] == [("2024-Q1", 4), ("2024-Q2", 2)]
    assert cells(found, "active") == [[4, 3], [2]]
    assert found.placed_accounts == len(found.table) == 6


def test_customers_from_before_the_data_are_left_out_and_counted():
    accounts = post_example()
    Account.objects.filter(pk__in=[accounts[0].pk, accounts[4].pk]).update(before_data_start=True)

    found = ask()

    assert [one.accounts for one in found.cohorts] == [3, 1, 5]
    assert (found.placed_accounts, found.left_out_accounts) == (9, 2)
    assert cells(found, "revenue")[0] == [300, 200, 200]


def test_groups_come_in_with_their_first_member_and_count_once():
    root = make_account()
    child = make_account(parent=root)
    post_revenue([line(child, QUARTERS[0], 100), line(root, QUARTERS[1], 30), line(child, QUARTERS[1], 30)])

    by_group, by_entity = ask(level="group"), ask()

    assert [one.accounts for one in by_group.cohorts] == [1, 0, 0]
    assert cells(by_group, "active")[0] == [1, 1, 0]
    assert cells(by_group, "revenue_share")[0] == [1.0, 0.6, 0.0]
    assert [one.accounts for one in by_entity.cohorts] == [1, 1, 0]
    assert by_group.table.columns["active_periods"].tolist() == [2]


def test_cohort_whose_credits_outweigh_its_base_has_no_revenue_share():
    account = make_account()
    post_revenue(
        [
            line(account, QUARTERS[0], 10),
            line(account, QUARTERS[0], -15, kind="credit_note"),
            line(account, QUARTERS[1], 20),
        ]
    )

    found = ask()

    assert [cell.revenue_share for cell in found.cohorts[0].cells] == [None, None, None]
    assert str(found.cohorts[0].cells[1].reason) == "revenue of the period that shares are measured from is not above 0"
    assert [cell.active_share for cell in found.cohorts[0].cells] == [1, 1, 0]
    assert found.pooled[1].revenue_share is None
    assert "next_revenue_share" in found.reasons


def test_credit_before_the_first_revenue_belongs_to_no_age():
    account = make_account()
    post_revenue([line(account, QUARTERS[0], -5, kind="credit_note"), line(account, QUARTERS[1], 20)])

    found = ask()

    assert [one.period.label for one in found.cohorts] == ["2024-Q2", "2024-Q3"]
    assert cells(found, "revenue") == [[20, 0], [0]]


def test_missing_rate_blanks_the_cells_that_need_it_with_the_reason():
    accounts = post_example()
    post_revenue([line(accounts[4], QUARTERS[2], 7, currency="USD")])

    found = ask(currency="EUR")
    q1, q2, _q3 = found.cohorts

    assert [cell.revenue_share for cell in q1.cells] == pytest.approx([1, 0.9, 0.95])
    assert (q2.cells[1].revenue, q2.cells[1].revenue_share) == (None, None)
    assert str(q2.cells[1].reason) == "no rate USD→EUR for 2024-08"
    assert (q2.cells[1].active, q2.cells[1].active_share, q2.cells[0].revenue_share) == (2, 1.0, 1.0)
    assert found.pooled[1].revenue_share is None
    assert found.pooled[1].active_share == pytest.approx(5 / 6)
    assert str(found.reasons["next_revenue_share"]) == "no rate USD→EUR for 2024-08"
    assert np.isnan(found.table.columns["revenue"]).sum() == 1


def test_missing_rate_in_the_base_blanks_the_row_and_a_rate_fills_it():
    account = make_account()
    post_revenue([line(account, QUARTERS[0], 10, currency="USD"), line(account, QUARTERS[1], 5)])

    without = ask(currency="EUR")
    make_rate(from_currency="USD", to_currency="EUR", valid_on=QUARTERS[0], rate=Decimal("0.5"))
    with_rate = ask(currency="EUR")

    assert [cell.revenue_share for cell in without.cohorts[0].cells] == [None, None, None]
    assert [cell.revenue for cell in without.cohorts[0].cells] == [None, 5, 0]
    assert str(without.cohorts[0].cells[1].reason) == "no rate USD→EUR for 2024-02"
    assert cells(with_rate, "revenue_share") == [[1, 1, 0], [None, None], [None]]


@pytest.mark.parametrize(("interval", "rows", "year_age"), [("month", 20, 12), ("quarter", 7, 4), ("year", 2, 1)])
def test_interval_sets_the_rows_and_the_age_of_a_year(interval, rows, year_age):
    account = make_account()
    post_revenue([line(account, date(2023, 1, 5), 100), line(account, date(2024, 1, 6), 25)])

    found = ask(interval=interval, as_of=date(2024, 12, 31) if interval == "year" else date(2024, 8, 31))

    assert len(found.cohorts) == {"month": 20, "quarter": 7, "year": 2}[interval]
    assert found.interval is Interval(interval)
    assert found.pooled[year_age].active_share == found.year_active_share == 1.0
    assert found.year_revenue_share == 0.25


@pytest.mark.parametrize("accounts", ["none", "without revenue", "all before the data"])
def test_nobody_to_place_is_an_answer_with_its_reason(accounts):
    account = make_account(before_data_start=True)
    if accounts == "all before the data":
        post_revenue([line(account, QUARTERS[0], 10)])

    found = ask(Account.objects.none() if accounts == "none" else None)

    assert (found.cohorts, found.pooled, found.placed_accounts) == ((), (), 0)
    assert found.left_out_accounts == int(accounts == "all before the data")
    assert {str(why) for why in found.reasons.values()} == {"no account had its first revenue within the data"}
    assert len(found.table) == 0


def test_too_many_periods_are_refused_with_the_way_out():
    post_revenue([line(make_account(), date(1980, 1, 1), 1)])

    with pytest.raises(PeriodError, match="choose a longer interval"):
        ask(interval="month")

    assert len(ask(interval="year").cohorts) == 45


def test_rows_begin_with_the_first_cohort_in_view():
    old, new = make_account(), make_account(segment="S")
    post_revenue([line(old, date(2010, 1, 1), 1), line(new, QUARTERS[0], 1)])

    assert ask(Account.objects.filter(segment="S")).cohorts[0].period.label == "2024-Q1"


@pytest.mark.parametrize("count", [1, 30])
def test_query_count_does_not_grow_with_the_accounts(count):
    accounts = [make_account() for _ in range(count)]
    post_revenue([line(account, day, 10) for account in accounts for day in QUARTERS])
    ask()

    with CaptureQueriesContext(connection) as queries:
        ask()

    assert len([one for one in queries if one["sql"].lstrip("( ").startswith(("COPY", "SELECT", "WITH"))]) <= 6


def slow_matrix(posted, *, months_each, periods, base_age, finished):
    """Cell by cell from the plain rows: {(cohort, age): (active accounts, revenue, revenue share)}."""
    place = lambda day: ((day.year - 2023) * 12 + day.month - 1) // months_each  # noqa: E731
    came = {}
    for account, day, amount, _currency in sorted(posted, key=lambda row: row[1]):
        if amount > 0:
            came.setdefault(account, place(day))
    found = {}
    for row in range(periods):
        members = {account for account, first in came.items() if first == row}
        for age in range(finished - row):
            rows = [one for one in posted if one[0] in members and place(one[1]) == row + age]
            active = {account for account, _day, amount, _reference in rows if amount > 0}  # each invoice is an order
            found[row, age] = (len(members), len(active), sum((one[2] for one in rows), Decimal(0)))
    shares = {}
    for (row, age), (size, active, revenue) in found.items():
        base = found.get((row, base_age), (0, 0, Decimal(0)))[2]
        share = float(revenue / base) if base > 0 and age >= base_age else None
        shares[row, age] = (active, revenue, active / size if size else None, share)
    return shares


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 4),
            st.dates(date(2023, 1, 1), date(2024, 9, 30)),
            st.integers(-5_000, 20_000).filter(bool),
            st.integers(0, 3),
        ),
        max_size=25,
    ),
    base=st.sampled_from(["first_period", "first_full_period"]),
)
def test_matrix_equals_a_slow_version_over_the_rows(rows, base):
    from django.db import transaction

    with transaction.atomic():
        accounts = [make_account() for _ in range(5)]
        posted = [(accounts[a].pk, day, Decimal(amount) / 100, f"R{r}-{a}-{day}") for a, day, amount, r in rows]
        by_key = {account.pk: account for account in accounts}
        start = make_account(before_data_start=True)  # so that every row of the slow version has its place
        post_revenue(
            [
                line(by_key[a], day, amount, reference=ref, kind="invoice" if amount > 0 else "credit_note")
                for a, day, amount, ref in posted
            ]
            + [line(start, date(2023, 1, 1), 1)]
        )
        found = ask(share_base=base)
        slow = slow_matrix(posted, months_each=3, periods=7, base_age=int(base == "first_full_period"), finished=7)
        offset = 7 - len(found.cohorts)
        fast = {
            (row + offset, cell.age): (cell.active, cell.revenue, cell.active_share, cell.revenue_share)
            for row, cohort in enumerate(found.cohorts)
            for cell in cohort.cells
        }
        assert found.left_out_accounts == 1
        for key, (active, revenue, active_share, share) in fast.items():
            wanted = slow[key]
            assert (active, revenue) == wanted[:2]
            assert (active_share is None, share is None) == (wanted[2] is None, wanted[3] is None)
            assert (active_share or 0) == pytest.approx(wanted[2] or 0, abs=1e-12)
            assert (share or 0) == pytest.approx(wanted[3] or 0, rel=1e-9, abs=1e-9)
        transaction.set_rollback(True)
