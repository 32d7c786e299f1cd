"""How sure lifetime values are: drawn by the night, read by pages, and honest where there is nothing to read."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from accounts.models import Account
from crm.lib.periods import Period
from metrics import frames
from metrics.formulas import bgnbd, gammagamma, uncertainty
from metrics.models import AccountFigures, LifetimeFit
from metrics.scope import scope_of
from metrics.services import lifetime_fit as fitting
from metrics.services import lifetime_interval
from metrics.services.account import account_metrics
from metrics.services.figures import write_account_figures
from metrics.services.lifetime import lifetime
from metrics.services.lifetime_fit import lifetime_fit, purchases_of
from metrics.services.lifetime_interval import ENDS
from metrics.services.summary import portfolio_summary
from tests.factories import make_account, make_user, post_revenue
from tests.metrics.ledger import simulated_ledger

AS_OF = date(2011, 12, 31)
QUERIES = 21
NOT_DRAWN = "the night computes the interval, and what it rests on has changed since the last one"
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def night(django_db_setup, django_db_blocker):
    """A base large enough for a fit and the night after it, once for this module and rolled back after it."""
    from django.db import transaction

    with django_db_blocker.unblock(), transaction.atomic():
        simulated_ledger(240, as_of=AS_OF)
        yield write_account_figures(AS_OF)
        transaction.set_rollback(True)


@pytest.fixture
def mine(night):
    """Five accounts of one owner."""
    owner = make_user()
    Account.objects.filter(pk__in=list(Account.objects.values_list("pk", flat=True)[:5])).update(owner=owner)
    return Account.objects.visible_to(owner)


def everyone():
    return Account.objects.all()


def ends(answer):
    return {name: getattr(answer, name) for name in ENDS}


def slowly(accounts, *, weeks):
    """Ends of the expected revenue of all these accounts, refit by refit and week by week."""
    draws = lifetime_fit(as_of=AS_OF).draws
    own = purchases_of(frames.histories(scope_of(accounts), as_of=AS_OF), as_of=AS_OF)
    weekly, totals = 1.1 ** (1 / 52) - 1, []
    for model, spend in zip(draws.purchases, draws.spends, strict=True):
        counts = [
            bgnbd.expected_purchases(model, own.frequency, own.recency, own.age, week) for week in range(weeks + 1)
        ]
        each = sum((counts[week] - counts[week - 1]) / (1 + weekly) ** week for week in range(1, weeks + 1))
        value = gammagamma.expected_value(spend, own.frequency, np.nan_to_num(own.mean_value))
        totals.append(float((each * value).sum()))
    return np.quantile(totals, [0.1, 0.9])


def test_portfolio_interval_is_that_of_the_refits_one_by_one(night):
    found = lifetime(everyone(), as_of=AS_OF, horizon_months=3)

    low, high = slowly(everyone(), weeks=13)
    assert float(found.expected_revenue_low) == pytest.approx(low, rel=1e-7)
    assert float(found.expected_revenue_high) == pytest.approx(high, rel=1e-7)
    assert float(found.clv_low) == pytest.approx(0.4 * low, rel=1e-4)  # cost is 60 % of every line
    assert found.clv_low < found.clv < found.clv_high
    assert set(found.reasons) == {"contract_value"}


def test_stored_interval_is_the_one_a_page_would_compute(night, monkeypatch):
    stored = lifetime(everyone(), as_of=AS_OF)
    monkeypatch.setattr(lifetime_interval, "_is_the_nights", lambda scope: False)

    computed = lifetime(everyone(), as_of=AS_OF)

    assert ends(stored) == ends(computed)
    for name in ENDS:
        np.testing.assert_allclose(stored.table.columns[name], computed.table.columns[name], rtol=1e-12)


def test_interval_of_a_part_comes_from_the_same_refits(mine):
    found = lifetime(mine, as_of=AS_OF, horizon_months=1)

    low, high = slowly(mine, weeks=4)
    assert [float(found.expected_revenue_low), float(found.expected_revenue_high)] == pytest.approx(
        [low, high], abs=1e-4
    )
    assert len(found.table.columns["clv_low"]) == 5


def test_no_page_refits(night, monkeypatch):
    monkeypatch.setattr(uncertainty, "bootstrap", lambda *args, **kwargs: pytest.fail("refitted on a page"))
    monkeypatch.setattr(fitting, "fit_purchases", lambda *args, **kwargs: pytest.fail("fitted on a page"))

    assert lifetime(everyone(), as_of=AS_OF).clv_low > 0
    assert lifetime(everyone(), as_of=AS_OF, horizon_months=12).clv_low > 0


def test_one_account_says_the_same_alone_in_the_table_and_in_the_nights_row(night):
    row = lifetime(everyone(), as_of=AS_OF).table.rows(order_by="clv", limit=1)[0]
    account = Account.objects.get(pk=row.account_id)

    alone, stored = account_metrics(account, as_of=AS_OF), AccountFigures.objects.get(account=account)

    expected = pytest.approx({name: float(value) for name, value in ends(alone).items()}, rel=1e-7)
    assert {name: float(row.values[name]) for name in ENDS} == expected
    assert {name: getattr(stored, name) for name in ENDS} == expected
    assert alone.clv_low < alone.clv < alone.clv_high


def test_same_night_again_keeps_every_digit(night):
    def rows():
        fit = LifetimeFit.objects.values("as_of", "method", "parameters", "draws", "intervals", "log_likelihood").get()
        return fit, list(AccountFigures.objects.order_by("account").values())

    before = rows()
    LifetimeFit.objects.all().delete()
    write_account_figures(AS_OF)

    assert rows() == before
    assert len(before[0]["draws"]["models"]) + night.fit.draws.lost == 200
    assert lifetime_fit(as_of=AS_OF).draws.purchases == night.fit.draws.purchases


def test_repeat_of_a_night_draws_nothing_anew(night, monkeypatch):
    monkeypatch.setattr(uncertainty, "bootstrap", lambda *args, **kwargs: pytest.fail("refitted for the same ledger"))

    assert write_account_figures(AS_OF).fit.draws.purchases == night.fit.draws.purchases


def test_without_a_night_there_is_no_interval_and_its_reason(night):
    LifetimeFit.objects.all().delete()

    found, alone = lifetime(everyone(), as_of=AS_OF), account_metrics(everyone()[0], as_of=AS_OF)

    assert found.clv > 0
    assert ends(found) == ends(alone) == dict.fromkeys(ENDS)
    assert {found.reasons[name] for name in ENDS} | {alone.reasons[name] for name in ENDS} == {NOT_DRAWN}


def test_interval_falls_with_the_ledger_it_was_drawn_from(night):
    post_revenue([{"account": make_account(), "booked_on": date(2011, 5, 1), "cost": Decimal(1)}])

    assert lifetime(everyone(), as_of=AS_OF).reasons["clv_low"] == NOT_DRAWN


def test_closing_an_account_takes_it_out_of_the_interval_at_once(night):
    before = lifetime(everyone(), as_of=AS_OF)
    largest = before.table.rows(order_by="clv", limit=1)[0].account_id
    Account.objects.filter(pk=largest).update(closed_on=date(2011, 12, 1))

    after, alone = lifetime(everyone(), as_of=AS_OF), account_metrics(Account.objects.get(pk=largest), as_of=AS_OF)

    assert after.clv_low < before.clv_low
    assert after.clv_high < before.clv_high
    assert ends(alone) == dict.fromkeys(ENDS, Decimal(0))


def test_many_accounts_have_the_nights_interval_and_no_other(mine, monkeypatch):
    monkeypatch.setattr(lifetime_interval, "MAX_ACCOUNTS", 4)

    stored, other = lifetime(everyone(), as_of=AS_OF), lifetime(everyone(), as_of=AS_OF, horizon_months=24)
    part = lifetime(mine, as_of=AS_OF)

    assert stored.clv_low > 0
    assert np.isfinite(stored.table.columns["clv_high"]).all()
    for answer in (other, part):
        assert ends(answer) == dict.fromkeys(ENDS)
        assert answer.reasons["clv_low"].startswith("only the night computes the interval of more than 4 accounts")


def test_missing_cost_leaves_the_interval_of_revenue_alone(night):
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2011, 5, 1), "amount": Decimal(100)}])
    write_account_figures(AS_OF)

    found, alone = lifetime(everyone(), as_of=AS_OF), account_metrics(account, as_of=AS_OF)

    assert (found.clv_low, found.reasons["clv_low"]) == (None, "cost is missing for 1 of the accounts")
    assert found.expected_revenue_low < found.expected_revenue_high
    assert (alone.clv_high, alone.reasons["clv_high"]) == (None, "cost is missing on some lines of the period")


def test_refits_that_disagree_give_no_interval(night, monkeypatch):
    def too_many_lost(*args, **kwargs):
        raise uncertainty.FormulaError("too many resamples of them cannot be fitted")

    monkeypatch.setattr(uncertainty, "bootstrap", too_many_lost)
    LifetimeFit.objects.all().delete()
    write_account_figures(AS_OF)

    assert (
        lifetime(everyone(), as_of=AS_OF).reasons["clv_low"].startswith("resampled customers give models too different")
    )


def test_nobody_in_view_has_no_interval(night):
    found = lifetime(Account.objects.none(), as_of=AS_OF)

    assert (found.clv, found.clv_low, found.clv_high) == (0, 0, 0)


def test_summary_takes_up_the_interval_of_the_night(night):
    asked = {
        "base": Period(date(2010, 1, 1), date(2011, 1, 1)), "comparison": Period(date(2011, 1, 1), date(2012, 1, 1)),
        "as_of": AS_OF,
    }  # fmt: skip
    rows = LifetimeFit.objects.all()
    stored = rows.get()
    rows.delete()
    without = portfolio_summary(everyone(), **asked).lifetime
    stored.pk = None
    stored.save()

    assert without.clv_low is None
    assert portfolio_summary(everyone(), **asked).lifetime.clv_low == lifetime(everyone(), as_of=AS_OF).clv_low


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow_with_the_accounts(night, count, django_assert_num_queries):
    accounts = Account.objects.filter(pk__in=list(Account.objects.values_list("pk", flat=True)[:count]))

    lifetime(accounts, as_of=AS_OF)
    with django_assert_num_queries(QUERIES):
        lifetime(accounts, as_of=AS_OF)
