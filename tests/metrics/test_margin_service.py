"""What customers earn us and how much of their spending is ours: by hand, by a slow version, and what is not known."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import EffortPurpose
from accounts.models import Account
from crm.lib.periods import Period
from metrics.formulas.advice import Advice
from metrics.services.margins import margins
from metrics.services.wallet import WalletState, share_of_wallet
from tests.factories import make_account, make_effort, make_rate, make_user, make_wallet_estimate, post_revenue

pytestmark = pytest.mark.django_db
YEAR = Period(date(2024, 1, 1), date(2025, 1, 1))
AS_OF = date(2024, 12, 31)


def sell(amount, cost=None, *, account=None, day=date(2024, 3, 1), **fields):
    account = account or make_account()
    cost = None if cost is None else Decimal(cost)
    post_revenue([{"account": account, "booked_on": day, "amount": Decimal(amount), "cost": cost, **fields}])
    return account


def serve(account, amount):
    make_effort(account=account, amount=Decimal(amount), purpose=EffortPurpose.RETENTION)


def asked(accounts=None, **choices):
    accounts = Account.objects.all() if accounts is None else accounts
    return margins(accounts, **({"period": YEAR, "as_of": AS_OF} | choices))


def advice_of(found):
    return dict(zip(found.table.unit_ids.tolist(), found.table.columns["advice"].tolist(), strict=True))


def test_margin_and_contribution_of_each_account_with_its_advice():
    rich, usual, thin, losing, dear = (sell(1000, cost) for cost in (500, 700, 800, 1100, 690))
    gone = sell(-50, -20)
    serve(rich, 100)
    serve(dear, 400)
    serve(usual, 50)
    make_effort(account=thin, amount=Decimal(1), purpose=EffortPurpose.ACQUISITION)

    found = asked()

    assert (found.revenue, found.cost, found.gross_profit) == (Decimal(4950), Decimal(3770), Decimal(1180))
    assert found.margin == found.known_margin == pytest.approx(1180 / 4950)
    assert found.known_revenue_share == 1.0
    assert (found.cost_to_serve, found.contribution, found.served_accounts) == (Decimal(550), Decimal(560), 3)
    assert advice_of(found) == {
        rich.pk: Advice.PERSONAL_SERVICE,
        usual.pk: Advice.PERSONAL_SERVICE,
        thin.pk: Advice.KEEP,
        losing.pk: Advice.STOP_LOSS,
        dear.pk: Advice.CUT_SERVICE,
        gone.pk: Advice.NO_REVENUE,
    }
    assert found.advice_accounts == {
        "no_revenue": 1, "record_cost": 0, "stop_loss": 1, "cut_service": 1, "improve": 0, "personal_service": 2, "keep": 1,
    }  # fmt: skip
    assert [row.account_id for row in found.behind(Advice.STOP_LOSS).rows()] == [losing.pk]


def test_missing_cost_stays_missing_and_is_counted_and_listed():
    known, unknown = sell(1000, 600), sell(3000)
    sell(1, 1, account=unknown)
    serve(unknown, 5)

    found = asked()

    assert (found.gross_profit, found.margin, found.cost, found.main_profit_accounts) == (None, None, None, None)
    assert str(found.reasons["margin"]) == "cost is missing for 1 of the accounts"
    assert (found.missing_cost_accounts, found.missing_cost_lines) == (1, 1)
    assert (found.known_gross_profit, found.known_margin) == (Decimal(400), 0.4)
    assert found.known_revenue_share == pytest.approx(1000 / 4001)
    assert (found.cost_to_serve, found.contribution) == (Decimal(5), None)
    assert str(found.reasons["contribution"]) == "cost is missing on some lines of the period"
    assert [row.account_id for row in found.behind(Advice.RECORD_COST).rows()] == [unknown.pk]
    values = next(row.values for row in found.table.rows() if row.account_id == unknown.pk)
    assert (values["cost"], values["gross_profit"], values["margin"], values["contribution"]) == (None,) * 4
    assert advice_of(found)[known.pk] == Advice.KEEP


def test_cost_to_serve_nobody_recorded_is_not_nothing():
    sell(1000, 600)

    found, part = asked(), asked(period=Period(date(2024, 1, 1), date(2024, 12, 9)))

    assert (found.contribution, found.cost_to_serve) == (None, None)
    assert str(found.reasons["contribution"]) == "no cost of serving it is recorded for the period"
    assert str(part.reasons["contribution"]) == "efforts are kept by month; choose a period of whole months"


def test_main_sources_by_revenue_and_by_profit():
    large, rich = sell(10_000, 9_950), sell(900, 100)

    found = asked()

    assert (found.main_accounts, found.main_profit_accounts) == (1, 1)
    rows = {row.account_id: (row.values["abc"], row.values["abc_profit"]) for row in found.table.rows()}
    assert rows == {large.pk: ("A", "B"), rich.pk: ("B", "A")}


def test_missing_rate_and_nobody_are_said():
    sell(100, 50, currency="USD")
    sell(100, 50)

    found, nobody = asked(), asked(Account.objects.filter(code="none"))

    assert (found.revenue, found.known_margin, found.main_accounts) == (None, None, None)
    assert str(found.reasons["revenue"]) == "no rate USD→CNY for 2024-03"
    assert (nobody.revenue, nobody.margin, nobody.known_margin) == (Decimal(0), None, None)
    assert str(nobody.reasons["known_margin"]).startswith("no account has revenue above 0")
    assert str(nobody.reasons["known_revenue_share"]) == "no account had revenue above 0 in the period"


def test_margins_are_those_of_the_accounts_in_view():
    owner = make_user()
    mine, other = sell(100, 40), sell(100, 90)
    Account.objects.filter(pk=mine.pk).update(owner=owner)
    serve(mine, 10)
    serve(other, 20)

    found = asked(Account.objects.visible_to(owner))

    assert (found.gross_profit, found.cost_to_serve, found.contribution) == (Decimal(60), Decimal(10), Decimal(50))


def estimate(account, amount, **fields):
    return make_wallet_estimate(account=account, amount=Decimal(amount), estimated_on=date(2024, 6, 1),
                                **({"expires_on": date(2025, 6, 1)} | fields))  # fmt: skip


def wallet(accounts=None):
    return share_of_wallet(Account.objects.all() if accounts is None else accounts, as_of=AS_OF)


def test_share_of_wallet_pools_sums_and_says_what_it_covers():
    half, small, too_small, expired, none = (sell(amount) for amount in (100, 10, 50, 30, 10))
    estimate(half, 200)
    estimate(small, 800)
    estimate(too_small, 49)
    estimate(expired, 999, expires_on=date(2024, 12, 31))
    prospect = make_account()
    estimate(prospect, 1000)

    found = wallet()

    assert (found.own_revenue, found.wallet, found.headroom) == (Decimal(110), Decimal(2000), Decimal(1890))
    assert found.portfolio_share == 0.055
    assert (found.account_coverage, found.revenue_coverage) == (0.5, 0.55)
    state = dict(zip(found.table.unit_ids.tolist(), found.table.columns["state"].tolist(), strict=True))
    assert state == {
        half.pk: "valid", small.pk: "valid", too_small.pk: "invalid", expired.pk: "expired", none.pk: "none",
        prospect.pk: "valid",
    }  # fmt: skip
    assert [row.account_id for row in found.behind(WalletState.INVALID).rows()] == [too_small.pk]
    shares = {row.account_id: (row.values["share"], row.values["headroom"]) for row in found.table.rows()}
    assert shares[half.pk] == (0.5, Decimal(100))
    assert shares[too_small.pk] == shares[expired.pk] == shares[none.pk] == (None, None)


def test_only_the_latest_estimate_counts_even_where_it_has_expired():
    account = sell(100)
    estimate(account, 500, expires_on=date(2030, 1, 1))
    make_wallet_estimate(
        account=account, amount=Decimal(900), estimated_on=date(2024, 7, 1), expires_on=date(2024, 8, 1)
    )
    make_wallet_estimate(account=account, amount=Decimal(5), estimated_on=date(2025, 1, 1), expires_on=date(2026, 1, 1))

    found = wallet()

    assert (found.expired_accounts, found.valid_accounts, found.portfolio_share) == (1, 0, None)
    assert str(found.reasons["portfolio_share"]) == "no account has an estimate of its spending that counts"


def test_estimates_take_the_rate_of_their_month_and_without_one_count_nowhere():
    rated, unrated = sell(100), sell(100)
    estimate(rated, 100, currency="USD")
    estimate(unrated, 100, currency="EUR")
    make_rate(kind="month_average", valid_on=date(2024, 6, 1), rate=Decimal(4))

    found = wallet()

    assert (found.wallet, found.portfolio_share, found.no_rate_accounts) == (Decimal(400), 0.25, 1)


def test_revenue_without_a_rate_leaves_the_share_open():
    sold = sell(100, currency="USD")
    sell(5)
    estimate(sold, 1000)

    found = wallet()

    assert (found.portfolio_share, found.revenue_coverage, found.no_rate_accounts) == (None, None, 1)
    assert str(found.reasons["portfolio_share"]) == "no rate USD→CNY for 2024-03"


def test_nobody_has_no_share():
    found = wallet(Account.objects.filter(code="none"))

    assert (found.accounts, found.portfolio_share, found.account_coverage) == (0, None, None)


@pytest.mark.parametrize("seed", range(4))
def test_share_of_wallet_equals_the_slow_version(seed):
    rng = np.random.default_rng(seed)
    ours = theirs = Decimal(0)
    for _ in range(25):
        amount, spend = (Decimal(int(rng.integers(low, 10**7))).scaleb(-2) for low in (-(10**6), 0))
        account = sell(amount)
        if rng.random() < 0.7:
            estimate(account, spend)
            if spend >= max(amount, 0):
                ours, theirs = ours + max(amount, Decimal(0)), theirs + spend

    found = wallet()

    assert (found.own_revenue, found.wallet, found.headroom) == (ours, theirs, theirs - ours)
    assert found.portfolio_share == float(ours / theirs)


@pytest.mark.parametrize("question", [asked, wallet])
def test_queries_do_not_grow_with_accounts(question):
    def queries():
        question()
        with CaptureQueriesContext(connection) as captured:
            question()
        return len(captured)

    estimate(sell(10, 5), 20, currency="USD")
    make_rate(kind="month_average", valid_on=date(2024, 6, 1))
    first = queries()
    for _ in range(4):
        account = sell(10, 5)
        estimate(account, 20, currency="USD")
        serve(account, 1)

    assert queries() == first <= 16
