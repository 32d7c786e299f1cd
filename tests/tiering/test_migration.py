"""Where accounts of a grade stand later: the worked example, its parts, views, and a slow version."""

from collections import Counter
from datetime import date

import pytest

from accounts.enums import Grade
from accounts.models import Account
from crm.lib.exceptions import PeriodError
from tests.api.nights import make_scoring_model
from tests.factories import make_account, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import night
from tiering.enums import RunState
from tiering.migration import migration_matrix
from tiering.models import GradePeriod, TierRun
from tiering.selectors import grade_on

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2024, 1, 1), date(2024, 12, 31)
D, G, S, P, N, X = Grade.values[:6]
EX_19 = {D: [D, G], G: [D, G, G, N], S: [S, G], P: [G, P, N], N: [P, X, N, N, N, N], X: [N, X]}


@pytest.fixture
def run():
    return TierRun.objects.create(as_of=FIRST, model=make_scoring_model(), state=RunState.SUPERSEDED)


def hold(account, run, *spans):
    GradePeriod.objects.bulk_create(
        GradePeriod(account=account, run=run, grade=grade, valid_from=start, valid_to=end) for grade, start, end in spans
    )  # fmt: skip


def move(run, before, later, **fields):
    """An account that had one grade on the first day and another on the last; "" for none."""
    account, middle = make_account(**fields), date(2024, 6, 1)
    if before:
        hold(account, run, (before, FIRST, middle))
    if later:
        hold(account, run, (later, middle, None))
    return account


def post_example(run):
    for before, laters in EX_19.items():
        for later in laters:
            move(run, before, later)
    move(run, "", G)


def ask(accounts=None, **days):
    return migration_matrix(
        Account.objects.all() if accounts is None else accounts, **{"first": FIRST, "last": LAST, **days}
    )


def test_worked_example_ex_19(run):
    post_example(run)

    found = ask()

    assert {row.grade: dict(row.shares) for row in found.rows} == {
        D: {D: 0.5, G: 0.5},
        G: {D: 0.25, G: 0.5, N: 0.25},
        S: {G: 0.5, S: 0.5},
        P: {G: pytest.approx(1 / 3), P: pytest.approx(1 / 3), N: pytest.approx(1 / 3)},
        N: {P: pytest.approx(1 / 6), N: pytest.approx(4 / 6), X: pytest.approx(1 / 6)},
        X: {N: 0.5, X: 0.5},
    }
    assert (found.up, found.down, found.same, found.accounts) == (5, 4, 10, 19)
    assert (found.entrants, found.leavers) == ({G: 1}, {})
    assert [row.grade for row in found.rows] == [D, G, S, P, N, X]
    assert all(row.is_few for row in found.rows)


def test_who_is_not_graded_on_a_day_is_no_row_but_enters_or_leaves(run):
    move(run, Grade.NOT_GRADED, G)
    move(run, G, Grade.NOT_GRADED)
    move(run, D, "")
    for _number in range(10):
        move(run, S, S)

    found = ask()

    assert (found.entrants, found.leavers) == ({G: 1}, {D: 1, G: 1})
    assert [(row.grade, row.accounts, row.is_few) for row in found.rows] == [(S, 10, False)]


def test_a_day_belongs_to_the_grade_that_begins_on_it(run):
    account = make_account()
    hold(account, run, (G, FIRST, LAST), (D, LAST, None))

    assert dict(ask().rows[0].counts) == {D: 1}
    assert dict(ask(last=date(2024, 12, 30)).rows[0].counts) == {G: 1}


def test_only_accounts_in_view_count(run):
    owner = make_user()
    move(run, G, D, owner=owner)
    move(run, G, X)

    assert ask(Account.objects.visible_to(owner)).up == 1
    assert ask(Account.objects.visible_to(owner)).accounts == 1
    assert ask(Account.objects.visible_to(make_user())).rows == ()
    assert ask(Account.objects.none()).accounts == 0


def test_days_in_the_wrong_order_are_refused():
    with pytest.raises(PeriodError, match="swap"):
        ask(first=LAST, last=LAST)


def test_it_is_counted_anew_after_a_night_and_equals_a_slow_version(django_assert_num_queries):
    accounts = random_ledger(accounts=25, rows=700, seed=11)
    earlier = date(2023, 12, 31)
    night(earlier, replay=True)
    before = ask(first=earlier, last=AS_OF)
    Account.objects.filter(pk=accounts[0].pk).update(litigation_on=AS_OF)
    night(AS_OF)

    found = ask(first=earlier, last=AS_OF)

    pairs = Counter()
    for account in accounts:
        held = [grade_on(account, day) for day in (earlier, AS_OF)]
        pairs[tuple("" if one is None or one.grade == Grade.NOT_GRADED else one.grade for one in held)] += 1
    del pairs["", ""]
    counted = {(row.grade, later): number for row in found.rows for later, number in row.counts.items()}
    counted |= {("", later): number for later, number in found.entrants.items()}
    counted |= {(grade, ""): number for grade, number in found.leavers.items()}
    assert counted == dict(pairs)
    assert found != before
    assert all(sum(row.shares.values()) == pytest.approx(1, abs=1e-12) for row in found.rows)
    with django_assert_num_queries(1):
        ask(Account.objects.filter(pk__gt=0), first=earlier, last=AS_OF)
