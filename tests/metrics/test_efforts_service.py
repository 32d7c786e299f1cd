"""What winning and keeping customers costs: the worked example through the ledger, and every case that has no figure."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import EffortPurpose
from accounts.models import Account, MarketEffort
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period, add_months
from metrics.scope import Level
from metrics.services.acquisition import acquisition
from metrics.services.effort_split import effort_split
from tests.factories import make_account, make_effort, make_rate, make_user, post_revenue

pytestmark = pytest.mark.django_db
YEAR = Period(date(2024, 1, 1), date(2025, 1, 1))
AS_OF = date(2024, 12, 31)
KEPT = EffortPurpose.RETENTION


def line(account, day, amount, cost=None, **fields):
    cost = None if cost is None else Decimal(cost)
    return {"account": account, "booked_on": day, "amount": Decimal(amount), "cost": cost, **fields}


def asked(**choices):
    return acquisition(Account.objects.all(), **({"period": YEAR, "as_of": AS_OF} | choices))


@pytest.fixture
def old():
    """A customer since 2022 that bought for 900 at a cost of 300 in 2024."""
    account = make_account()
    post_revenue([line(account, date(2022, 5, 1), 10, 1), line(account, date(2024, 6, 1), 900, 300)])
    return account


def win(count, *, month=1, a_month=5000, margin="0.5", year=2024):
    """New customers of a month, each with the same revenue every month up to the end of the year."""
    accounts = [make_account() for _ in range(count)]
    rows = [
        line(account, date(year, at, 10), a_month, Decimal(a_month) * (1 - Decimal(margin)))
        for account in accounts
        for at in range(month, 13)
    ]
    post_revenue(rows)
    return accounts


def test_cost_of_a_customer_gives_the_worked_example(old):
    win(40)
    make_effort(amount=Decimal(1_200_000))

    found = asked()

    assert (found.cac, found.monthly_margin, found.payback_months) == (Decimal(30_000), Decimal(2_500), 12.0)
    assert (found.new_accounts, found.is_never_paid_back, len(found.table)) == (40, False, 40)
    assert set(found.reasons) == {"acquisition_hours", "retention_money", "retention_hours", "keeping_cost",
                                  "acquisition_cost_ratio"}  # fmt: skip


def test_keeping_stands_beside_winning_and_is_counted_for_a_year(old):
    win(2)
    half = Period(date(2024, 1, 1), date(2024, 7, 1))
    make_effort(amount=Decimal(600))
    make_effort(amount=Decimal(50), purpose=KEPT, month=date(2024, 3, 1))

    found = asked(period=half)

    assert (found.kept_accounts, found.keeping_cost) == (1, Decimal(100))
    assert (found.cac, found.acquisition_cost_ratio) == (Decimal(300), 3.0)


def test_lag_holds_the_spending_of_earlier_months_against_the_won(old):
    win(2)
    make_effort(amount=Decimal(70), month=date(2023, 10, 1))
    make_effort(amount=Decimal(9), month=date(2023, 9, 1))
    make_effort(amount=Decimal(500), month=date(2024, 10, 1))

    assert asked(lag_months=3).cac == Decimal(35)
    assert asked().cac == Decimal(250)
    with pytest.raises(PeriodError, match="from 0 to 36"):
        asked(lag_months=37)


def test_months_are_counted_from_the_first_revenue(old):
    win(1, month=7, a_month=100, margin="0.4")
    make_effort(amount=Decimal(80))

    found = asked()

    assert (found.monthly_margin, found.payback_months) == (Decimal(40), 2.0)
    assert found.table.columns["months"].tolist() == [6.0]


@pytest.mark.parametrize(
    ("arrange", "field", "sentence"),
    [
        (make_effort, "cac", "no customer was new in the period"),
        (lambda: win(1), "cac", "no money spent on winning customers is recorded for these months"),
        (lambda: win(1), "acquisition_hours", "no hours spent on winning customers are recorded for these months"),
        (lambda: win(1), "keeping_cost", "no money spent on keeping customers is recorded for these months"),
        (lambda: (win(1, margin="0"), make_effort()), "payback_months", "never: a new customer brings no gross profit"),
        (lambda: (win(1, margin="-1"), make_effort()), "payback_months", "never: a new customer brings no gross profit"),
        (
            lambda: (post_revenue([line(make_account(), date(2024, 2, 1), 5)]), make_effort()),
            "payback_months",
            "cost is missing for 1 of the accounts",
        ),
        (
            lambda: (win(1), make_effort(), make_effort(purpose=KEPT, amount=Decimal(0))),
            "acquisition_cost_ratio",
            "keeping a customer costs nothing, so there is no multiple of it",
        ),
        (
            lambda: (win(1), make_effort(amount=None, hours=Decimal(8))),
            "cac",
            "no money spent on winning customers is recorded for these months",
        ),
        (lambda: (win(1), make_effort(currency="USD")), "cac", "no rate USD→CNY for 2024-01"),
    ],
    ids=["nobody new", "no money", "no hours", "no keeping", "margin 0", "margin below 0", "cost missing",
         "keeping for nothing", "hours alone", "no rate"],
)  # fmt: skip
def test_what_is_not_known_has_its_reason(old, arrange, field, sentence):
    arrange()

    found = asked()

    assert getattr(found, field) is None
    assert str(found.reasons[field]) == sentence


def test_never_is_no_number_and_is_told_from_unknown(old):
    win(1, margin="-1")
    make_effort()

    assert asked().is_never_paid_back
    MarketEffort.objects.all().delete()
    assert not asked().is_never_paid_back


def test_hours_alone_are_counted_apart_and_money_stays(old):
    win(1)
    make_effort(amount=Decimal(100), hours=Decimal("1.5"))
    make_effort(amount=None, hours=Decimal(8), month=date(2024, 2, 1))

    found = asked()

    assert (found.cac, found.acquisition_hours, found.hours_only, found.acquisition_months) == (
        Decimal(100), Decimal("9.5"), 1, 2,
    )  # fmt: skip


def test_efforts_in_other_currencies_take_the_average_of_their_month(old):
    win(1)
    make_effort(amount=Decimal(10), currency="USD", month=date(2024, 3, 1))
    make_effort(amount=Decimal(10), currency="USD", month=date(2024, 4, 1))
    make_rate(kind="month_average", valid_on=date(2024, 3, 1), rate=Decimal("7.1"))
    make_rate(valid_on=date(2024, 4, 10), rate=Decimal(7))
    make_rate(valid_on=date(2024, 4, 20), rate=Decimal(8))

    assert asked().acquisition_money == Decimal(71) + Decimal(75)


def test_a_missing_rate_of_other_months_harms_nothing(old):
    win(1)
    make_effort(amount=Decimal(10))
    make_effort(amount=Decimal(10), currency="USD", month=date(2023, 3, 1))

    assert asked().cac == Decimal(10)


def test_period_that_cuts_a_month_has_no_efforts(old):
    win(1)
    make_effort()

    found = asked(period=Period(date(2024, 1, 1), date(2024, 12, 15)))

    assert (found.new_accounts, found.cac) == (1, None)
    assert str(found.reasons["cac"]) == "efforts are kept by month; choose a period of whole months"


def test_without_a_year_of_ledger_before_nobody_can_be_called_new():
    win(1)
    make_effort()

    found = asked()

    assert (found.new_accounts, found.cac) == (None, None)
    assert "reach back 12 months" in str(found.reasons["new_accounts"])


def test_customers_from_before_the_data_are_never_new(old):
    newcomer = win(1)[0]
    Account.objects.filter(pk=newcomer.pk).update(before_data_start=True)
    make_effort()

    assert (asked().new_accounts, asked().kept_accounts) == (0, 2)


def test_only_who_sees_every_account_sees_what_is_spent_on_none_in_particular(old):
    owner = make_user()
    newcomer = win(1)[0]
    Account.objects.filter(pk=newcomer.pk).update(owner=owner)
    make_effort(amount=Decimal(100))
    make_effort(amount=Decimal(7), account=newcomer)
    make_effort(amount=Decimal(900), account=old)

    found = acquisition(Account.objects.visible_to(owner), period=YEAR, as_of=AS_OF)

    assert (found.new_accounts, found.cac, found.acquisition_money) == (1, None, None)
    assert "for those who see them all" in str(found.reasons["cac"])
    assert found.table.columns["effort_money"].tolist() == [7.0]
    assert all(point.value is None for point in found.trend)
    assert asked().acquisition_money == Decimal(1007)
    assert list(MarketEffort.objects.visible_to(owner).values_list("amount", flat=True)) == [Decimal(7)]


def test_trend_has_the_cost_of_each_quarter_with_its_reason(old):
    win(2, month=4)
    make_effort(amount=Decimal(50), month=date(2024, 5, 1))
    make_effort(amount=Decimal(50), month=date(2024, 8, 1))

    found = {point.period.label: point for point in asked().trend}

    assert (next(iter(found)), len(found)) == ("2023-Q1", 8)
    assert found["2024-Q2"].value == Decimal(25)
    assert str(found["2024-Q3"].reason) == "no customer was new in the period"
    assert str(found["2024-Q4"].reason) == "no money spent on winning customers is recorded for these months"
    assert "reach back" in str(found["2023-Q1"].reason)


def test_groups_are_won_once_and_gather_the_efforts_of_their_members(old):
    root = make_account()
    members = [make_account(parent=root) for _ in range(2)]
    post_revenue([line(member, date(2024, at, 1), 10, 5) for at, member in enumerate(members, 3)])
    for member in members:
        make_effort(amount=Decimal(6), account=member)
    sub = make_account(parent=old)
    post_revenue([line(sub, date(2024, 3, 1), 10, 5)])

    entities, groups = asked(), asked(level=Level.GROUP)

    assert (entities.new_accounts, groups.new_accounts) == (3, 1)
    assert groups.cac == Decimal(12)
    assert groups.table.columns["effort_money"].tolist() == [12.0]


@pytest.mark.parametrize("question", [acquisition, effort_split])
def test_queries_do_not_grow_with_accounts_or_efforts(old, question):
    def queries():
        with CaptureQueriesContext(connection) as captured:
            question(Account.objects.all(), period=YEAR, as_of=AS_OF)
        return len(captured)

    make_effort(currency="USD")
    make_rate(kind="month_average", valid_on=date(2024, 1, 1))
    queries()
    first = queries()
    for account in win(5):
        make_effort(account=account, purpose=KEPT, currency="USD")
    queries()  # the currencies of the ledger are remembered for a state of it

    assert queries() == first <= 16


def slow_acquisition(rows, spent, kept, *, period, lag):
    """The definitions in plain Python over (account, day, amount, cost) and (month, amount)."""
    first, net, profit = {}, {}, {}
    for account, day, amount, cost in rows:
        if amount > 0:
            first[account] = min(day, first.get(account, day))
        if day in period:
            net[account] = net.get(account, 0) + amount
            profit[account] = profit.get(account, 0) + amount - cost
    new = [a for a, value in net.items() if value > 0 and first[a] >= period.start]
    old = [a for a, value in net.items() if value > 0 and first[a] < period.start]
    months = sum((period.last_day.year - first[a].year) * 12 + period.last_day.month - first[a].month + 1 for a in new)
    window = [add_months(month, -lag) for month in period.month_starts]
    money, keeping = (
        sum(v for m, v in told if m in days) for told, days in ((spent, window), (kept, period.month_starts))
    )
    return {
        "new_accounts": len(new),
        "kept_accounts": len(old),
        "cac": money / len(new) if new and any(m in window for m, _ in spent) else None,
        "keeping_cost": keeping / len(old) * 12 / period.months if old and any(
            m in period.month_starts for m, _ in kept) else None,
        "monthly_margin": sum(profit[a] for a in new) / months if new else None,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(6))
def test_acquisition_equals_the_slow_version(seed):
    rng = np.random.default_rng(seed)
    accounts = [make_account() for _ in range(12)]
    rows = []
    for account in accounts:
        begin = int(rng.integers(0, 1000))
        for day in np.sort(rng.integers(begin, 1096, size=5)):
            amount = Decimal(int(rng.integers(-200_000, 900_000))).scaleb(-2)
            rows.append((account, date(2022, 1, 1) + (date(2022, 1, 2) - date(2022, 1, 1)) * int(day), amount,
                         Decimal(int(rng.integers(0, 500_000))).scaleb(-2)))  # fmt: skip
    post_revenue([line(make_account(), date(2021, 1, 1), 1, 0), *(line(a, d, m, c) for a, d, m, c in rows)])
    spent, kept = (
        [(date(2023 + int(rng.integers(2)), int(rng.integers(1, 13)), 1), Decimal(int(rng.integers(0, 10**7))).scaleb(-2))
         for _ in range(10)] for _ in range(2)
    )  # fmt: skip
    for told, purpose in ((spent, EffortPurpose.ACQUISITION), (kept, KEPT)):
        for month, amount in told:
            make_effort(month=month, amount=amount, purpose=purpose)
    period = Period(date(2024, 1 + 3 * int(rng.integers(3)), 1), date(2025, 1, 1))
    lag = int(rng.integers(0, 6))

    found, slow = asked(period=period, lag_months=lag), slow_acquisition(rows, spent, kept, period=period, lag=lag)

    for name, value in slow.items():
        mine = getattr(found, name)
        assert (mine is None) == (value is None), name
        if value is not None:
            assert float(mine) == pytest.approx(float(value), abs=1e-4), name


def test_split_stands_effort_beside_result(old):
    win(1, a_month=100)  # revenue 1200, profit 600; the old one 900 and 600
    make_effort(amount=Decimal(300), hours=Decimal(10))
    make_effort(amount=Decimal(100), hours=Decimal(30), purpose=KEPT)

    found = effort_split(Account.objects.all(), period=YEAR, as_of=AS_OF)

    shares = {name: (one.new, one.existing, one.new_share) for name, one in found.lines.items()}
    assert shares == {
        "effort_money": (Decimal(300), Decimal(100), 0.75),
        "effort_hours": (Decimal(10), Decimal(30), 0.25),
        "revenue": (Decimal(1200), Decimal(900), pytest.approx(1200 / 2100)),
        "gross_profit": (Decimal(600), Decimal(600), 0.5),
    }
    assert (found.gap.effort, found.gap.result) == ("effort_hours", "revenue")
    assert found.gap.share_gap == pytest.approx(0.25 - 1200 / 2100)
    assert found.reasons == {}


def test_split_says_why_a_share_is_not_known(old):
    post_revenue([line(make_account(), date(2024, 2, 1), 50)])
    make_effort(amount=Decimal(300))
    make_effort(amount=Decimal(0), purpose=KEPT, hours=Decimal(3), month=date(2024, 2, 1))

    found = effort_split(Account.objects.all(), period=YEAR, as_of=AS_OF)
    nothing = effort_split(Account.objects.filter(code="none"), period=YEAR, as_of=AS_OF)

    assert found.new_effort_share == 1.0
    assert str(found.reasons["new_gross_profit_share"]) == "cost is missing for 1 of the accounts"
    assert str(found.reasons["new_hours_share"]).startswith("no hours spent on winning")
    assert (found.gap.effort, found.gap.result) == ("effort_money", "revenue")
    assert nothing.gap is None
    assert str(nothing.reasons["new_revenue_share"]) == "one side is below 0, or both are 0, so there are no shares"


def test_split_lists_what_was_spent_on_each_account_by_name(old):
    newcomer = win(1)[0]
    make_effort(amount=Decimal(5), account=newcomer)
    make_effort(amount=Decimal(6), account=newcomer, purpose=KEPT)
    make_effort(amount=Decimal(7), account=old, purpose=KEPT)

    rows = effort_split(Account.objects.all(), period=YEAR, as_of=AS_OF).table.rows(order_by="revenue")

    assert [(row.account_id, row.values["side"], row.values["effort_money"]) for row in rows] == [
        (newcomer.pk, "new", Decimal(5)), (old.pk, "existing", Decimal(7)),
    ]  # fmt: skip


def test_answers_without_accounts_can_be_kept(old):
    win(1)
    assert len(replace(asked(), table=asked().table.where(np.zeros(1, dtype=bool))).table) == 0
