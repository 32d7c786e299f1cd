"""Reads over runs and grades, limited to what the viewer may see."""

from datetime import date

import pytest

from accounts.enums import Grade
from accounts.models import Account
from tests.factories import make_account, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night
from tiering import selectors
from tiering.models import Score

EARLIER = date(2024, 9, 30)


def test_before_the_first_night_there_is_nothing_to_show(db):
    account = make_account()

    assert selectors.latest_run() is None
    assert selectors.score_of(account) is None
    assert list(selectors.grade_history(account)) == []
    assert selectors.needs_attention(Account.objects.all(), limit=5) == []


def test_grade_totals_sum_what_the_viewer_sees(db):
    owner = make_user()
    accounts = random_ledger(accounts=20, rows=400, seed=9)
    Account.objects.filter(pk__in=[a.pk for a in accounts[:8]]).update(owner=owner)
    run = night(AS_OF)

    everything = selectors.grade_totals(Account.objects.all())
    mine = selectors.grade_totals(Account.objects.visible_to(owner))

    assert [total.grade for total in everything] == Grade.values
    assert {total.grade: total.accounts for total in everything} == run.counts
    assert sum(total.accounts for total in mine) == 8
    figures = {a.pk: a.figures.ttm_revenue or 0 for a in Account.objects.select_related("figures")}
    grades = dict(Account.objects.values_list("pk", "grade"))
    for total in everything:
        assert total.revenue == sum(figures[pk] for pk, grade in grades.items() if grade == total.grade)


def test_grade_totals_add_no_currencies_together(db):
    post_revenue(monthly(make_account(), 100, first=date(2024, 1, 1), months=12))
    night(AS_OF)
    account = Account.objects.get()
    other = make_account()
    account.figures.__class__.objects.create(account=other, as_of=AS_OF, currency="USD", ttm_revenue=5)

    assert {total.revenue for total in selectors.grade_totals(Account.objects.all())} == {None}


def test_movers_are_the_accounts_whose_grade_changed(db):
    random_ledger(accounts=40, rows=900, seed=11)
    night(EARLIER)
    run = night(AS_OF)

    found = list(selectors.movers(Account.objects.all(), run=run))

    assert len(found) == run.moves > 0
    assert all(score.grade != score.previous_grade for score in found)
    revenue = [score.account.figures.ttm_revenue for score in found]
    assert revenue == sorted(revenue, reverse=True)
    assert {score.step > 0 for score in found} <= {True, False}
    nobody = Account.objects.visible_to(make_user())
    assert list(selectors.movers(nobody, run=run)) == []


def test_grade_on_a_day_is_the_period_that_held(db):
    account = make_account()
    post_revenue(monthly(account, 100, first=date(2022, 1, 1), months=36))
    night(EARLIER)
    Account.objects.filter(pk=account.pk).update(credit_stop_on=AS_OF)
    night(AS_OF)

    assert selectors.grade_on(account, date(2024, 9, 29)) is None
    assert selectors.grade_on(account, date(2024, 12, 30)).grade != Grade.PROBLEM
    assert selectors.grade_on(account, AS_OF).grade == Grade.PROBLEM
    assert selectors.grade_history(account)[0].grade == Grade.PROBLEM


def test_needs_attention_ranks_problem_then_watch_then_decline(db):
    problem, watched, falling, fine = (make_account() for _ in range(4))
    for account in (problem, fine):
        post_revenue(monthly(account, 1000, first=date(2023, 1, 1), months=24))
    post_revenue(monthly(watched, 1000, first=date(2023, 1, 1), months=12))
    post_revenue(monthly(watched, 400, first=date(2024, 1, 1), months=8))
    post_revenue(monthly(falling, 1000, first=date(2023, 1, 1), months=12))
    post_revenue(monthly(falling, 600, first=date(2024, 1, 1), months=12))
    Account.objects.filter(pk=problem.pk).update(litigation_on=AS_OF)
    night(AS_OF)

    found = selectors.needs_attention(Account.objects.all(), limit=10)

    assert [(item.account, item.reason, item.at_stake) for item in found] == [
        (problem, "problem", 12_000),
        (watched, "watch", 3200),
        (falling, "decline", 4800),
    ]
    assert found[0].currency == "CNY"
    assert len(selectors.needs_attention(Account.objects.all(), limit=2)) == 2


@pytest.mark.parametrize("count", [1, 3])
def test_needs_attention_takes_one_query(db, django_assert_num_queries, count):
    for _ in range(count):
        account = make_account(litigation_on=AS_OF)
        post_revenue(monthly(account, 1000, first=date(2023, 1, 1), months=24))
    night(AS_OF)

    with django_assert_num_queries(1):
        found = selectors.needs_attention(Account.objects.all(), limit=10)
        assert [item.account.owner for item in found] == [None] * count


def test_signals_are_listed_hard_ones_first(db):
    account = make_account(credit_stop_on=AS_OF, insolvency_on=AS_OF)
    post_revenue(monthly(account, 1000, first=date(2023, 1, 1), months=12))
    post_revenue(monthly(account, 100, first=date(2024, 1, 1), months=12))
    run = night(AS_OF)

    found = [flag.name for flag in selectors.signals_of(Score.objects.get(run=run, account=account))]

    assert found[:2] == ["H4_INSOLVENT", "H3_CREDIT_OR_LITIGATION"]
    assert "DECLINE_50" in found
