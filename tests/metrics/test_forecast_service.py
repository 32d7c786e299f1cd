"""The forecast of a portfolio: what is shown and what is not, its months, its leaves, and an independent slow version."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, RevenueRecord
from crm.lib.exceptions import FormulaError
from crm.lib.periods import add_months
from metrics.formulas.forecast_backtest import best_forecasts
from metrics.services.forecast import forecast
from tests.factories import make_account, make_rate, make_user, post_revenue

pytestmark = pytest.mark.django_db
FIRST, MONTHS = date(2020, 1, 1), 60
AS_OF = date(2024, 12, 31)
SEASON = [10, 12, 9, 8, 7, 6, 5, 7, 9, 14, 18, 25]


def sell_monthly(account, amounts, *, first=FIRST, **fields):
    rows = [
        {"account": account, "booked_on": add_months(first, place).replace(day=10), "amount": Decimal(amount)}
        for place, amount in enumerate(amounts)
        if amount
    ]
    post_revenue([row | fields for row in rows])


def level(month):
    return 10 + SEASON[month % 12] + month / 2


def growing(months=MONTHS, *, size=100, seed=5):
    """A season on a steadily rising level with a little noise, in whole money."""
    noise = np.random.default_rng(seed)
    return [round(size * (level(month) + 0.3 * float(noise.normal()))) for month in range(months)]


def ask(accounts=None, **choices):
    return forecast(Account.objects.all() if accounts is None else accounts, **{"as_of": AS_OF, **choices})


def test_rising_season_is_forecast_and_beats_the_year_before():
    sell_monthly(make_account(), growing())

    found = ask()

    whole = found.whole
    assert (whole.is_shown, whole.method, whole.reason, found.reasons) == (True, "holt_winters", "", {})
    assert [month.period.label for month in whole.months] == [f"2025-{month:02}" for month in range(1, 13)]
    assert whole.mase < whole.baseline_mase
    assert whole.wape < whole.baseline_wape
    expected = [100 * level(month) for month in range(60, 72)]
    assert [float(month.value) for month in whole.months] == pytest.approx(expected, rel=0.15)
    assert all(month.low <= month.high for month in whole.months)
    assert found.forecast_revenue == sum(month.value for month in whole.months)
    assert whole.past_revenue == sum(growing()[-12:])
    assert (len(whole.past), whole.past[-1].period.label, whole.past[-1].value) == (24, "2024-12", growing()[-1])
    assert (found.passport.comparison.start, found.passport.comparison.last_day) == (
        date(2025, 1, 1),
        date(2025, 12, 31),
    )


def test_forecast_equals_that_of_months_added_up_from_the_ledger():
    rng = np.random.default_rng(3)
    for _ in range(6):
        sell_monthly(make_account(), [int(value) for value in rng.gamma(2, 300, 40)], first=date(2021, 9, 1))

    found = ask(horizon_months=6)

    totals = defaultdict(Decimal)
    for record in RevenueRecord.objects.all():
        totals[record.booked_on.replace(day=1)] += record.amount
    history = [[float(totals[add_months(date(2021, 9, 1), month)]) for month in range(40)]]
    slow = best_forecasts(np.array(history), horizon=6)
    assert found.whole.is_shown == slow.is_shown[0]
    assert found.baseline_wape == pytest.approx(slow.baseline.wape[0])
    if slow.is_shown[0]:
        assert found.forecast_wape == pytest.approx(slow.chosen.wape[0])
        assert [float(one.value) for one in found.whole.months] == pytest.approx(slow.values[0].tolist(), abs=1e-4)
        assert [float(one.low) for one in found.whole.months] == pytest.approx(slow.low[0].tolist(), abs=1e-4)


def test_what_repeats_itself_every_year_is_not_better_than_last_year():
    sell_monthly(make_account(), SEASON * 5)

    found = ask()

    assert (found.whole.is_shown, found.whole.months, found.forecast_revenue) == (False, (), None)
    assert found.whole.reason == "no method came closer than the same month of the year before"
    assert found.reasons["forecast_revenue"] == found.whole.reason
    assert (found.baseline_wape, found.baseline_mase, found.forecast_wape) == (0.0, None, None)
    assert found.reasons["forecast_wape"] == found.whole.reason
    assert "nothing to measure a miss by" in found.reasons["baseline_mase"]


def test_short_history_says_how_many_months_are_needed():
    sell_monthly(make_account(), [100] * 20, first=date(2023, 5, 1))

    found = ask()

    assert found.whole.reason == "insufficient data: 20 complete months of revenue, 28 are needed"
    assert (found.forecast_mase, found.baseline_wape, len(found.whole.past)) == (None, None, 20)
    assert found.reasons["baseline_wape"] == found.whole.reason


def test_only_complete_months_count_and_the_one_under_way_does_not():
    sell_monthly(make_account(), growing())

    early = ask(as_of=date(2024, 12, 30))

    assert early.whole.past[-1].period.label == "2024-11"
    assert early.whole.months[0].period.label == "2024-12"


def test_leaves_are_forecast_on_their_own_largest_first():
    owner = make_user(username="anna")
    sell_monthly(make_account(region="North", owner=owner), growing(size=100, seed=1))
    sell_monthly(make_account(region="South"), growing(size=300, seed=2))
    sell_monthly(make_account(region="South"), [5] * 8, first=date(2024, 5, 1))
    sell_monthly(make_account(), [7] * 6, first=date(2024, 7, 1))

    found = ask(by="region")

    assert [(leaf.key, leaf.is_shown) for leaf in found.leaves] == [("South", True), ("North", True), ("", False)]
    assert found.leaves[2].label == "not given"
    assert "6 complete months of revenue" in found.leaves[2].reason
    alone = ask(Account.objects.filter(region="North"))
    assert found.leaves[1].months == alone.whole.months
    assert [leaf.key for leaf in ask(by="owner").leaves] == ["", str(owner.pk)]


def test_a_group_stands_in_the_leaf_of_its_root():
    root = make_account(region="North")
    sell_monthly(root, growing(seed=1))
    sell_monthly(make_account(region="South", parent=root), growing(seed=2))

    entities, groups = ask(by="region"), ask(by="region", level="group")

    assert {leaf.key for leaf in entities.leaves} == {"South", "North"}
    assert [leaf.key for leaf in groups.leaves] == ["North"]
    assert groups.leaves[0].months == groups.whole.months == entities.whole.months
    assert (entities.passport.accounts, groups.passport.accounts) == (2, 1)


def test_corporate_groups_are_leaves_and_those_in_none_are_one():
    root, alone = make_account(name="Root"), make_account(name="Alone")
    child = make_account(name="Child", parent=root)
    sell_monthly(root, growing(size=50))
    sell_monthly(child, growing(size=80, seed=6))
    sell_monthly(alone, growing(size=20, seed=7))

    found = ask(by="group")

    assert [(leaf.key, str(leaf.label)) for leaf in found.leaves] == [(str(root.pk), "Root"), ("", "in no group")]
    assert found.leaves[0].past_revenue == sum(growing(size=50)[-12:]) + sum(growing(size=80, seed=6)[-12:])
    assert found.leaves[0].is_shown
    assert {leaf.key for leaf in ask(by="dealer").leaves} == {""}


def test_one_account_is_forecast_or_says_why_not():
    steady, fresh, never = (make_account(name=name) for name in ("Steady", "Fresh", "Never"))
    sell_monthly(steady, growing())
    sell_monthly(fresh, growing()[-7:], first=date(2024, 6, 1))

    shown, short, nothing = (ask(Account.objects.filter(pk=one.pk)) for one in (steady, fresh, never))

    assert (shown.whole.is_shown, shown.passport.accounts) == (True, 1)
    for answer, months in ((short, 7), (nothing, 0)):
        assert (answer.whole.is_shown, answer.forecast_revenue, answer.whole.history_months) == (False, None, months)
        assert answer.reasons["forecast_revenue"] == answer.whole.reason != ""


def test_missing_rate_leaves_nothing_to_forecast_from():
    sell_monthly(make_account(), growing())
    sell_monthly(make_account(), [100], first=date(2024, 3, 1), currency="USD")

    blind = ask(currency="CNY")
    make_rate(valid_on=date(2024, 3, 10))
    seeing = ask(currency="CNY")

    assert blind.whole.reason == "no rate USD→CNY for 2024-03"
    assert (blind.forecast_revenue, blind.forecast_mase, blind.whole.past_revenue) == (None, None, None)
    assert blind.reasons["forecast_mase"] == blind.whole.reason
    assert seeing.whole.is_shown
    assert seeing.whole.past[14].value == growing()[50] + 700


def test_nothing_in_view_is_an_answer():
    empty = ask()
    sell_monthly(make_account(), growing())

    nobody = ask(Account.objects.none(), by="region")

    for found in (empty, nobody):
        assert (found.whole.is_shown, found.leaves, len(found.table)) == (False, (), 0)
        assert "0 complete months" in found.reasons["forecast_revenue"]


def test_accounts_behind_it_are_those_of_the_last_two_years():
    current, gone = make_account(name="Current"), make_account(name="Gone")
    sell_monthly(current, growing())
    sell_monthly(gone, [100] * 12)

    rows = ask().table.rows(order_by="ttm_revenue")

    assert [row.name for row in rows] == ["Current"]
    assert rows[0].values["ttm_revenue"] == sum(growing()[-12:])


@pytest.mark.parametrize("months", [0, 25])
def test_horizon_outside_its_range_is_refused(months):
    with pytest.raises(FormulaError, match="1 to 24"):
        ask(horizon_months=months)


def test_query_count_does_not_grow_with_accounts():
    counts = []
    for number in (1, 3):
        for _ in range(number):
            sell_monthly(make_account(region=f"R{number}"), [10] * 30, first=date(2022, 7, 1))
        ask(by="region")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            ask(by="region")
        counts.append(len(queries))

    assert counts[0] == counts[1]
