"""What is measured: a random ledger counted once more row by row, and every kind of missing input."""

import itertools
import math
import statistics
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import ContractStatus, EvaluatorFunction, RatingIndicator
from accounts.models import RevenueRecord
from crm.lib.periods import Period
from tests.factories import (
    make_account,
    make_contract,
    make_rate,
    make_rating,
    make_user,
    make_wallet_estimate,
    post_revenue,
)
from tests.tiering.company import AS_OF, monthly, random_ledger
from tiering.grading import Flag
from tiering.indicators import measure
from tiering.models import ScoringModel
from tiering.windows import windows_at

YEAR = Period(date(2024, 1, 1), date(2025, 1, 1))
PRIOR = Period(date(2023, 1, 1), date(2024, 1, 1))
UNKNOWN = math.nan


def measured(as_of=AS_OF, *, currency="CNY", fiscal_start_month=1):
    model = ScoringModel(currency=currency, basis="invoiced", min_base=Decimal(1000))
    return measure(model, as_of=as_of, codes={"P5"}, fiscal_start_month=fiscal_start_month)


def of(found, account, code):
    place = int(np.searchsorted(found.ids, account.pk))
    source = found.indicators if code in found.indicators else found.inputs
    return float(source[code][place])


def flags(found, account):
    return Flag(int(found.flags[int(np.searchsorted(found.ids, account.pk))]))


def arc(now, before):
    now, before = max(now, 0), max(before, 0)
    return (now - before) / ((now + before) / 2) if now + before else UNKNOWN


def slowly(account, as_of):
    """The ledger indicators of one account, from its rows."""
    rows = [r for r in RevenueRecord.objects.filter(account=account) if r.booked_on <= as_of]

    def total(period, column="amount"):
        inside = [r for r in rows if r.booked_on in period]
        if column == "cost" and any(r.cost is None for r in inside):
            return UNKNOWN
        return float(sum(getattr(r, column) for r in inside))

    def products(period):
        return len({r.product_id for r in rows if r.booked_on in period and r.amount > 0})

    orders = sorted({r.booked_on for r in rows if r.kind != "credit_note" and r.amount > 0})
    positive = [r.booked_on for r in rows if r.amount > 0]
    gaps = [(b - a).days for a, b in itertools.pairwise(orders)]
    revenue, profit = total(YEAR), total(YEAR) - total(YEAR, "cost")
    return {
        "S1": revenue,
        "S2": profit,
        "S3": profit / revenue if revenue > 0 else UNKNOWN,
        "P1": arc(revenue, total(PRIOR)),
        "P5": arc(products(YEAR), products(PRIOR)),
        "L1": (as_of - min(positive)).days / 365.25 if positive else UNKNOWN,
        "L2": len({(d.year, d.month) for d in orders if d in YEAR}),
        "L6": (as_of - orders[-1]).days / statistics.median(gaps) if len(orders) >= 3 else UNKNOWN,
        "revenue_prior_ttm": total(PRIOR),
        "revenue_fy1": total(YEAR),
        "revenue_fy2": total(PRIOR),
        "gross_profit_fy2": total(PRIOR) - total(PRIOR, "cost"),
    }


@pytest.mark.parametrize("with_cost", [False, True])
def test_measure_equals_a_count_row_by_row(db, with_cost):
    accounts = random_ledger(accounts=25, rows=500, seed=7, with_cost=with_cost)

    found = measured()

    assert found.ids.tolist() == [account.pk for account in accounts]
    for account in accounts:
        for code, expected in slowly(account, AS_OF).items():
            assert of(found, account, code) == pytest.approx(expected, abs=1e-6, nan_ok=True), (account.pk, code)


def test_measure_takes_the_same_queries_for_any_number_of_accounts(db):
    random_ledger(accounts=5, rows=30, seed=1)
    with CaptureQueriesContext(connection) as few:
        measured()
    random_ledger(accounts=40, rows=300, seed=2)

    with CaptureQueriesContext(connection) as many:
        measured()

    assert len(many) == len(few)


def test_growth_is_unknown_before_the_data_start(db):
    account = make_account()
    post_revenue(monthly(account, 100, first=date(2023, 6, 1), months=19))

    assert math.isnan(of(measured(), account, "P1"))
    assert math.isnan(of(measured(), account, "P5"))
    assert of(measured(date(2025, 5, 31)), account, "P1") == pytest.approx(arc(700, 1200))


def test_cost_missing_on_one_line_makes_gross_profit_unknown(db):
    whole, holed = make_account(), make_account()
    post_revenue(monthly(whole, 100, first=date(2024, 1, 1), months=12, cost=60))
    post_revenue(monthly(holed, 100, first=date(2024, 1, 1), months=12, cost=60))
    post_revenue(monthly(holed, 100, first=date(2024, 3, 1), months=1))

    found = measured()

    assert (of(found, whole, "S2"), of(found, whole, "S3")) == (480, pytest.approx(0.4))
    assert math.isnan(of(found, holed, "S2"))
    assert Flag.NO_COST in flags(found, holed)
    assert Flag.NO_COST not in flags(found, whole)


def test_foreign_revenue_is_translated_at_the_rate_of_the_day_or_unknown(db):
    rated, unrated, own = make_account(), make_account(), make_account()
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 3, 10), rate=Decimal("7.25"))
    post_revenue(monthly(rated, 100, first=date(2024, 3, 1), months=1, currency="USD"))
    post_revenue(monthly(unrated, 100, first=date(2024, 6, 1), months=1, currency="USD"))
    post_revenue(monthly(own, 100, first=date(2024, 6, 1), months=1))

    found = measured()

    assert of(found, rated, "S1") == pytest.approx(725)
    assert math.isnan(of(found, unrated, "S1"))
    assert of(found, unrated, "L2") == 1
    assert Flag.NO_RATE in flags(found, unrated)
    assert of(found, own, "S1") == 100
    assert Flag.NO_RATE not in flags(found, own)


def test_rating_is_the_median_of_each_evaluators_latest_unexpired_one(db):
    account, other = make_account(), make_account()
    first, second, third = make_user(), make_user(), make_user()
    for evaluator, score, rated_on, function in (
        (first, 1, date(2024, 2, 1), "sales"),
        (first, 5, date(2024, 5, 1), "sales"),
        (second, 2, date(2024, 5, 1), "delivery"),
    ):
        make_rating(
            account=account,
            evaluator=evaluator,
            score=score,
            function=function,
            rated_on=rated_on,
            expires_on=date(2025, 5, 1),
        )
    make_rating(account=account, evaluator=third, score=1, rated_on=date(2022, 1, 1), expires_on=date(2024, 12, 31))
    make_rating(account=other, evaluator=third, score=1, rated_on=date(2025, 1, 1), expires_on=date(2026, 1, 1))

    found = measured()

    assert of(found, account, "V1") == 3.5
    assert of(found, account, "evaluators") == 2
    assert math.isnan(of(found, account, "V2"))
    assert math.isnan(of(found, other, "V1"))  # not known yet on that day
    place = int(np.searchsorted(found.ids, account.pk))
    assert found.relief[RatingIndicator.V1][place] == 2  # with the one that expired lately: 5, 2, 1
    assert found.relief["evaluators"][place] == 3
    assert Flag.CALIBRATE in flags(found, account)


def test_wallet_gives_headroom_and_share_unless_it_is_below_our_revenue(db):
    good, low, expired, none = (make_account() for _ in range(4))
    post_revenue(
        [row for a in (good, low, expired, none) for row in monthly(a, 100, first=date(2024, 1, 1), months=12)]
    )
    make_wallet_estimate(account=good, amount=Decimal(5000), estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1))
    make_wallet_estimate(account=low, amount=Decimal(1199), estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1))
    make_wallet_estimate(
        account=expired, amount=Decimal(5000), estimated_on=date(2023, 6, 1), expires_on=date(2024, 12, 31)
    )

    found = measured()

    assert (of(found, good, "P2"), of(found, good, "L3")) == (3800, pytest.approx(0.24))
    assert [of(found, account, "opportunity") for account in (good, low, expired, none)] == [1, 0, 0, 0]
    assert [Flag.WALLET_BELOW_REVENUE in flags(found, a) for a in (good, low, expired, none)] == [
        False,
        True,
        False,
        False,
    ]
    assert found.relief["opportunity"].tolist() == [1, 0, 1, 0]


def test_hard_signals_hold_from_their_day_on(db):
    stopped = make_account(credit_stop_on=AS_OF)
    later = make_account(litigation_on=AS_OF + timedelta(days=1))
    broke = make_account(insolvency_on=date(2024, 1, 1))
    losing = make_account()
    post_revenue(monthly(losing, 100, first=date(2024, 1, 1), months=12, cost=101))

    found = measured()

    assert Flag.H3_CREDIT_OR_LITIGATION in flags(found, stopped)
    assert flags(found, later) == Flag(0)
    assert Flag.H4_INSOLVENT in flags(found, broke)
    assert Flag.H2_LOSS in flags(found, losing)


def test_soft_signals_count_points(db):
    falling = make_account()
    post_revenue(monthly(falling, 1000, first=date(2023, 1, 1), months=12, cost=950))
    post_revenue(monthly(falling, 400, first=date(2024, 1, 1), months=8, cost=370))
    make_rating(
        account=falling, indicator=RatingIndicator.L5, score=2, function=EvaluatorFunction.CUSTOMER,
        rated_on=date(2024, 11, 1), expires_on=date(2025, 5, 1),
    )  # fmt: skip

    found = measured()

    wanted = Flag.DECLINE_30 | Flag.DECLINE_50 | Flag.LOW_MARGIN | Flag.DISSATISFIED | Flag.LATE_ORDER
    assert flags(found, falling) & wanted == wanted
    assert of(found, falling, "signal_points") == 6


def test_decline_from_a_tiny_base_is_no_signal(db):
    small = make_account()
    post_revenue(monthly(small, 80, first=date(2023, 1, 1), months=12))
    post_revenue(monthly(small, 1, first=date(2024, 1, 1), months=12))

    assert flags(measured(), small) & (Flag.DECLINE_30 | Flag.SMALL_BASE) == Flag.SMALL_BASE


def test_line_zero_is_left_by_revenue_or_a_signed_contract(db):
    _silent, bought, signed, drafted, credited, known = (make_account() for _ in range(6))
    known.before_data_start = True
    known.save()
    post_revenue(monthly(bought, 100, first=date(2022, 1, 1), months=1))
    post_revenue(monthly(credited, -100, first=date(2024, 1, 1), months=1))
    make_contract(account=signed, status=ContractStatus.ACTIVE, signed_on=date(2024, 5, 1), ends_on=AS_OF)
    make_contract(account=drafted, status=ContractStatus.DRAFT, signed_on=date(2024, 5, 1))

    found = measured()

    assert found.in_business.tolist() == [False, True, True, False, False, True]
    assert [of(found, a, "business") for a in (bought, signed, drafted)] == [0, 1, 0]
    assert of(found, known, "months") == 35  # at least since the data start, January 2022


@pytest.mark.parametrize(
    ("first", "as_of", "months"),
    [
        (date(2024, 6, 30), date(2024, 12, 31), 6),
        (date(2024, 6, 30), date(2024, 12, 29), 5),
        (date(2024, 6, 30), date(2024, 12, 30), 6),
        (date(2024, 8, 31), date(2025, 2, 28), 6),
        (date(2024, 8, 31), date(2025, 2, 27), 5),
    ],
)
def test_months_since_the_first_revenue_are_whole_ones(db, first, as_of, months):
    account = make_account()
    post_revenue([{"account": account, "booked_on": first}])

    assert of(measured(as_of), account, "months") == months


def test_records_after_the_as_of_do_not_count(db):
    account = make_account()
    post_revenue(monthly(account, 100, first=date(2024, 1, 1), months=24))

    found = measured(date(2024, 6, 30))

    assert of(found, account, "S1") == 600
    assert of(found, account, "L6") == pytest.approx(15 / 31)  # gaps of January to June: 31 29 31 30 31


@pytest.mark.parametrize(
    ("as_of", "start_month", "fy1", "half1"),
    [
        (date(2011, 12, 9), 12, (date(2010, 12, 1), date(2011, 12, 1)), (date(2011, 6, 1), date(2011, 12, 1))),
        (date(2024, 12, 31), 1, (date(2024, 1, 1), date(2025, 1, 1)), (date(2024, 7, 1), date(2025, 1, 1))),
        (date(2024, 6, 30), 1, (date(2023, 1, 1), date(2024, 1, 1)), (date(2024, 1, 1), date(2024, 7, 1))),
        (date(2024, 6, 29), 1, (date(2023, 1, 1), date(2024, 1, 1)), (date(2023, 7, 1), date(2024, 1, 1))),
    ],
)
def test_windows_end_with_what_is_complete(as_of, start_month, fy1, half1):
    found = windows_at(as_of, fiscal_start_month=start_month)

    assert (found.fy1.start, found.fy1.end) == fy1
    assert (found.half1.start, found.half1.end) == half1
    assert found.fy2.end == found.fy1.start
    assert found.half2.end == found.half1.start
