"""Churned or only lapsed: the line of the bridge told apart by how each account used to order."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.groups import change_parent
from accounts.models import Account
from crm.lib.periods import parse_period
from metrics.scope import Level
from metrics.services.churn import LossState, loss_split
from metrics.services.portfolio import two_periods
from tests.factories import make_account, post_revenue

pytestmark = pytest.mark.django_db
AS_OF = date(2011, 12, 31)
QUARTERS = {"base": parse_period("2010-Q4"), "comparison": parse_period("2011-Q4")}


def order(account, *days, amount=100):
    post_revenue([{"account": account, "booked_on": day, "amount": Decimal(amount)} for day in days])


def every(days, *, last, times=5):
    return [last - timedelta(days=days * number) for number in range(times)]


def ask(accounts=None, *, level=Level.ENTITY, as_of=AS_OF, **periods):
    found = two_periods(
        Account.objects.all() if accounts is None else accounts, level=level, as_of=as_of, **(QUARTERS | periods)
    )
    return loss_split(found, found.bridge()), found.bridge()


@pytest.fixture
def ledger():
    """Five that bought 100 in the last quarter of 2010 and nothing in that of 2011, and one that stayed."""
    accounts = {name: make_account(name=name) for name in ("Gone", "Slow", "Later", "Once", "Once late", "Stays")}
    order(accounts["Gone"], *every(30, last=date(2010, 10, 5)))
    order(accounts["Slow"], *every(300, last=date(2010, 10, 5), times=3))  # 452 days are less than 2 × 300
    order(accounts["Later"], *every(30, last=date(2010, 10, 5)), date(2011, 2, 1))  # bought between the windows
    order(accounts["Once"], date(2010, 10, 5))  # no rhythm: 12 months alone
    order(accounts["Once late"], date(2010, 12, 31))  # 12 months to the day is not more
    order(accounts["Stays"], date(2010, 11, 1), date(2011, 11, 1))
    return accounts


def names(split, state):
    return sorted(row.name for row in split.behind(state).rows())


def test_who_is_gone_and_who_only_orders_seldom(ledger):
    split, bridge = ask()

    assert names(split, LossState.CHURNED) == ["Gone", "Once"]
    assert names(split, LossState.LAPSED) == ["Later", "Once late", "Slow"]
    assert (split.churned.accounts, split.lapsed.accounts) == (2, 3)
    assert split.churned.amount + split.lapsed.amount == bridge.bars["churned"].amount
    assert split.churned.accounts + split.lapsed.accounts == bridge.bars["churned"].accounts == 5


def test_silence_is_counted_to_the_end_of_the_comparison_and_not_beyond_the_data(ledger):
    earlier, _bridge = ask(as_of=date(2011, 9, 30))
    order(ledger["Gone"], date(2012, 3, 1))
    back, _bridge = ask(as_of=date(2012, 12, 31))

    assert (earlier.as_of, names(earlier, LossState.CHURNED)) == (date(2011, 9, 30), [])
    assert (back.as_of, names(back, LossState.CHURNED)) == (AS_OF, ["Gone", "Once"])


def test_group_orders_when_a_member_does(ledger):
    """The head of Gone's group ordered in the summer, so the group has lapsed; alone the entity is churned."""
    head = make_account(name="Head")
    order(head, date(2011, 6, 1))
    Account.objects.filter(name__in=("Gone", "Once")).update(parent=head)

    split, bridge = ask(level=Level.GROUP)

    assert names(split, LossState.CHURNED) == []
    assert "Head" in names(split, LossState.LAPSED)
    assert split.lapsed == bridge.bars["churned"]


def test_nobody_lost_is_nothing_on_either_side(ledger):
    split, _bridge = ask(Account.objects.filter(name="Stays"))

    assert (split.churned.amount, split.churned.accounts, split.lapsed.amount) == (0, 0, 0)


def test_missing_rate_leaves_both_unknown(ledger):
    order_in_dollars = {"account": ledger["Gone"], "booked_on": date(2010, 11, 1), "amount": Decimal(5)}
    post_revenue([order_in_dollars | {"currency": "USD"}])

    split, bridge = ask()

    assert bridge.bars["churned"].amount is None
    assert (split.churned.amount, split.lapsed.accounts, len(split.behind(LossState.CHURNED))) == (None, None, 0)


def test_one_more_query_whatever_the_number_of_accounts(ledger, django_assert_num_queries):
    found = two_periods(Account.objects.all(), as_of=AS_OF, **QUARTERS)
    bridge = found.bridge()

    with django_assert_num_queries(4):  # a savepoint, the settings of a large read, the read, the end
        loss_split(found, bridge)


def test_orders_in_a_group_that_was_left_count_there_alone(ledger):
    """Gone moved to another group in 2011 and orders there: the group it left has lost it, the other has not."""
    left, joined = make_account(name="Left"), make_account(name="Joined")
    change_parent(account=ledger["Gone"], parent=left, since=None, by=None)
    change_parent(account=ledger["Gone"], parent=joined, since=date(2011, 1, 1), by=None)
    order(ledger["Gone"], date(2011, 5, 1), date(2011, 11, 1))

    split, bridge = ask(level=Level.GROUP)

    assert "Left" in names(split, LossState.CHURNED)
    assert "Joined" not in [row.name for row in split.table.rows() if row.values["loss_state"]]
    assert split.churned.accounts + split.lapsed.accounts == bridge.bars["churned"].accounts
