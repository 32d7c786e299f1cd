"""What would it take to double: the identity, what is set, what a target needs, and who could deliver it."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from crm.lib.exceptions import FormulaError
from crm.lib.periods import parse_period
from metrics.services.activity import activity
from metrics.services.doubling import DRIVERS, doubling
from tests.factories import make_account, make_rate, make_team_member, make_user, post_revenue

pytestmark = pytest.mark.django_db
PERIOD = parse_period("2011")
AS_OF = date(2011, 12, 31)


@pytest.fixture
def ledger():
    """Ten accounts on the books: six active with 10, 20, … 60 in 2011, and four that bought 100, 0, 0, 0 in 2010."""
    active = [make_account(name=f"Active {n}", segment="S", size="small") for n in range(1, 7)]
    asleep = [make_account(name=f"Asleep {n}", segment="S", size="small") for n in range(1, 5)]
    rows = [{"account": one, "booked_on": date(2009, 5, 5), "amount": Decimal(1)} for one in [*active, *asleep]]
    rows += [
        {"account": one, "booked_on": date(2011, 5, 5), "amount": Decimal(10 * (n + 1))} for n, one in enumerate(active)
    ]
    rows += [{"account": asleep[0], "booked_on": date(2010, 5, 5), "amount": Decimal(100)}]
    post_revenue(rows)  # fmt: skip
    return active, asleep


def ask(accounts=None, **choices):
    return doubling(Account.objects.all() if accounts is None else accounts, period=PERIOD, as_of=AS_OF, **choices)


def test_without_a_setting_the_scenario_is_the_period_itself(ledger):
    found, told = ask(), activity(Account.objects.all(), period=PERIOD, as_of=AS_OF)

    assert [found.drivers[name].current for name in DRIVERS] == [getattr(told, name) for name in DRIVERS]
    assert [found.drivers[name].value for name in DRIVERS] == [10, 0.6, Decimal(35)]
    assert (found.revenue, found.scenario_revenue, found.change) == (Decimal(210), Decimal(210), 0)
    assert (found.scenario_multiple, found.is_reached, found.reasons) == (1, False, {})
    assert (found.target_revenue, round(found.equal_factor, 6)) == (Decimal(420), 1.259921)


def test_three_drivers_a_quarter_up_double_nearly(ledger):
    found = ask(covered_accounts=12.5, active_rate=0.75, revenue_per_active_account=Decimal("43.75"))

    assert found.scenario_revenue == Decimal("410.1563")  # 210 × 1.25³, half away from zero
    assert [found.drivers[name].multiple for name in DRIVERS] == pytest.approx([1.25] * 3)
    assert sum(found.drivers[name].effect for name in DRIVERS) == found.change == found.scenario_revenue - 210
    assert not found.is_reached


def test_what_each_driver_alone_would_need(ledger):
    found = ask(target_multiple=1.5)

    needed = [found.drivers[name] for name in DRIVERS]
    assert [float(one.needed) for one in needed] == pytest.approx([15, 0.9, 52.5])
    assert [one.is_reachable for one in needed] == [True, True, True]
    doubled = ask().drivers["active_rate"]
    assert (doubled.needed, doubled.is_reachable) == (pytest.approx(1.2), False)


def test_equal_growth_stops_at_all_accounts_active(ledger):
    one = ask(target_multiple=8).drivers

    assert one["active_rate"].equal_value == pytest.approx(1)
    product = float(one["covered_accounts"].equal_value) * float(one["revenue_per_active_account"].equal_value)
    assert product == pytest.approx(8 * 210)
    assert one["covered_accounts"].equal_multiple == pytest.approx(4.8**0.5)


def test_what_is_set_moves_what_the_others_need(ledger):
    found = ask(active_rate=1)

    assert found.scenario_revenue == 350
    assert float(found.drivers["covered_accounts"].needed) == pytest.approx(12)
    assert found.drivers["covered_accounts"].effect == 0
    assert found.drivers["active_rate"].effect == 140


def test_a_driver_of_zero_leaves_nothing_for_the_others_to_do(ledger):
    found = ask(covered_accounts=0)

    assert (found.scenario_revenue, found.is_reached) == (0, False)
    assert (found.drivers["active_rate"].needed, found.drivers["active_rate"].is_reachable) == (None, False)
    assert float(found.drivers["covered_accounts"].needed) == pytest.approx(20)


def test_who_is_without_an_order_and_who_lies_below_their_peers(ledger):
    found = ask()

    assert (found.without_order.accounts, found.without_order_revenue) == (4, 100)
    assert [row.name for row in found.standing("without_order").rows(order_by="prior_revenue", limit=1)] == ["Asleep 1"]
    assert (found.below_peers.accounts, found.peer_gap) == (3, 25 + 15 + 5)
    rows = found.standing("below_peers").rows(order_by="peer_gap")
    assert [(row.name, row.values["peer_gap"], row.values["peer_median"]) for row in rows] == [
        ("Active 1", 25, 35), ("Active 2", 15, 35), ("Active 3", 5, 35),
    ]  # fmt: skip


def test_fewer_than_five_peers_have_no_median(ledger):
    Account.objects.filter(name="Active 6").update(size="large")
    Account.objects.filter(name="Active 5").update(segment="T")

    found = ask()

    assert (found.below_peers.accounts, found.peer_gap) == (0, 0)


def test_nobody_is_an_answer_with_reasons():
    found = ask()
    set_by_hand = ask(covered_accounts=10, active_rate=0.5, revenue_per_active_account=Decimal(4))

    assert (found.revenue, found.scenario_revenue, found.target_revenue) == (0, None, None)
    assert set(found.reasons) == {"scenario_revenue", "change", "scenario_multiple", "target_revenue", "is_reached"}
    assert "on the books" in str(found.reasons["scenario_revenue"])
    assert (set_by_hand.scenario_revenue, set_by_hand.scenario_multiple) == (20, None)
    assert "scenario_revenue" not in set_by_hand.reasons


def test_nobody_active_and_credits_alone_are_told_apart():
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2009, 1, 1)}])
    quiet = ask()
    post_revenue(
        [
            {"account": account, "booked_on": date(2011, 1, 1), "amount": Decimal(5)},
            {"account": account, "booked_on": date(2011, 2, 1), "amount": Decimal(-9), "kind": "credit_note"},
        ]
    )

    assert "no account ordered" in str(quiet.reasons["target_revenue"])
    assert "not above 0" in str(ask().reasons["scenario_revenue"])


def test_a_missing_rate_leaves_money_out(ledger):
    post_revenue([{"account": ledger[0][0], "booked_on": date(2011, 6, 1), "amount": Decimal(3), "currency": "USD"}])

    without = ask(currency="CNY")
    make_rate(valid_on=date(2011, 6, 1), rate=Decimal(7))

    assert {without.revenue, without.scenario_revenue, without.without_order_revenue, without.peer_gap} == {None}
    assert (without.drivers["covered_accounts"].current, without.without_order.accounts) == (10, 4)
    assert all(str(reason).startswith("no rate USD→CNY") for reason in without.reasons.values())
    assert ask(currency="CNY").revenue == 231


def test_only_the_accounts_given_are_counted(ledger):
    owner, teammate, stranger = make_user(), make_user(), make_user()
    Account.objects.filter(name="Active 6").update(owner=owner)
    make_team_member(account=ledger[0][5], user=teammate)

    seen = [ask(Account.objects.visible_to(user)).revenue for user in (owner, teammate, stranger)]

    assert seen == [60, 60, 0]


def test_groups_are_one_account(ledger):
    for one in ledger[1]:
        one.parent = ledger[0][0]
        one.save()

    found = ask(level="group")

    assert (found.drivers["covered_accounts"].current, found.drivers["active_rate"].current) == (6, 1)
    assert found.without_order.accounts == 0


@pytest.mark.parametrize(
    "setting", [{"active_rate": 1.1}, {"covered_accounts": -1}, {"target_multiple": 0}, {"active_rate": float("nan")}]
)
def test_what_no_driver_can_be_is_refused(ledger, setting):
    with pytest.raises(FormulaError):
        ask(**setting)


def test_number_of_statements_does_not_grow_with_accounts():
    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask()
        return len(captured)

    post_revenue([{"account": make_account(), "booked_on": date(2011, 1, 1)}])
    one = statements()
    post_revenue([{"account": make_account(segment=f"S{n}"), "booked_on": date(2011, 1, 1 + n)} for n in range(3)])

    assert statements() == one
