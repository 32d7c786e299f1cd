"""What drove the change: the parts add up to the last digit, for the whole, by leaf, and by account."""

from datetime import date
from decimal import Decimal
from itertools import permutations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.enums import Grade
from accounts.models import Account
from crm.lib.exceptions import PeriodError
from crm.lib.periods import parse_period
from metrics.services.activity import activity
from metrics.services.decomposition import BEHIND, decomposition
from tests.factories import make_account, make_rate, make_team_member, make_user, post_revenue

pytestmark = pytest.mark.django_db
BASE, COMPARISON = parse_period("2010"), parse_period("2011")
PERIODS = {"base": BASE, "comparison": COMPARISON, "as_of": date(2011, 12, 31)}
THREE = ("covered_accounts", "active_rate", "revenue_per_active_account")
# name: (region, segment, amounts of invoices 2009, 2010 and 2011, closed on)
LEDGER = {
    "grown": ("North", "S", (), ("100.01", "50"), ("300.5", "12.34"), None),
    "shrunk": ("North", "S", (), ("80",), ("79.9999",), None),
    "new": ("South", "S", (), (), ("44.4",), None),
    "gone": ("South", "T", ("5",), ("33",), (), date(2010, 12, 31)),
    "woken": ("South", "T", ("9",), (), ("70.07",), None),
    "silent": ("", "T", (), ("21", "21"), (), None),
    "credited": ("", "", ("60",), (), ("-7.5",), None),
}


@pytest.fixture
def ledger():
    accounts, rows = {}, []
    for name, (region, segment, *years, closed_on) in LEDGER.items():
        accounts[name] = make_account(name=name, region=region, segment=segment, closed_on=closed_on)
        for year, amounts in zip((2009, 2010, 2011), years, strict=True):
            for number, text in enumerate(amounts):
                kind = "credit_note" if text.startswith("-") else "invoice"
                day = date(year, 3 + number, 5)
                rows.append({"account": accounts[name], "booked_on": day, "amount": Decimal(text), "kind": kind})
    post_revenue(rows)
    return accounts


def ask(accounts=None, **choices):
    return decomposition(Account.objects.all() if accounts is None else accounts, **{**PERIODS, **choices})


def slow_shapley(before, after):
    """Mean over all orders in which the factors change."""
    found = [0.0] * len(before)
    orders = list(permutations(range(len(before))))
    for order in orders:
        now = list(before)
        for factor in order:
            was = product(now)
            now[factor] = after[factor]
            found[factor] += (product(now) - was) / len(orders)
    return found


def product(numbers):
    result = 1.0
    for number in numbers:
        result *= float(number)
    return result


def test_change_is_split_over_three_factors_to_the_last_digit(ledger):
    found = ask()

    factors = [found.whole.parts[name] for name in THREE]
    by_hand = slow_shapley([part.base for part in factors], [part.comparison for part in factors])
    assert (found.base_revenue, found.comparison_revenue) == (Decimal("305.01"), Decimal("499.8099"))
    assert [part.base for part in factors] == [6, 4 / 6, Decimal("76.2525")]
    assert [part.comparison for part in factors] == [6, 4 / 6, Decimal("124.952475")]
    assert [float(part.effect) for part in factors] == pytest.approx(by_hand, abs=1e-4)
    assert sum(found.effects.values()) == found.change == Decimal("194.7999")
    assert (found.method, found.is_fallback, found.reasons) == ("shapley", False, {})


def test_factors_are_those_of_activity(ledger):
    found = ask(factors=4)

    for window, period in (("base", BASE), ("comparison", COMPARISON)):
        told = activity(Account.objects.all(), period=period, as_of=date(2011, 12, 31))
        names = ("covered_accounts", "active_rate", "order_frequency", "average_order_value")
        assert [getattr(found.whole.parts[name], window) for name in names] == [getattr(told, name) for name in names]


def test_worked_example_through_the_ledger():
    """EX-3 in small: 200→240 accounts, 60→65 % active, 50→48 each, all divided by 20 where counts allow."""
    accounts = [make_account() for _ in range(12)]
    start = [{"account": one, "booked_on": date(2009, 5, 5), "amount": Decimal(1)} for one in accounts[:10]]
    start += [{"account": one, "booked_on": date(2010, 5, 5), "amount": Decimal(50)} for one in accounts[:6]]
    start += [{"account": one, "booked_on": date(2011, 5, 5), "amount": Decimal(48)} for one in accounts[3:12]]
    post_revenue(start)

    found = ask()

    by_hand = slow_shapley((10, 0.6, 50), (12, 0.75, 48))
    assert [float(found.effects[name]) for name in THREE] == pytest.approx(by_hand, abs=1e-4)
    assert found.change == Decimal(132) == sum(found.effects.values())


def test_zero_in_the_base_gives_lmdi_all_to_the_active_rate():
    accounts = [make_account() for _ in range(3)]
    post_revenue(
        [{"account": one, "booked_on": date(2009, 5, 5), "amount": Decimal(1)} for one in accounts[:2]]
        + [{"account": one, "booked_on": date(2011, 5, 5), "amount": Decimal(40)} for one in accounts]
    )

    lmdi, shapley = ask(method="lmdi"), ask()

    assert [lmdi.effects[name] for name in THREE] == [0, 120, 0]
    assert [shapley.effects[name] for name in THREE] == [20, 100, 0]
    assert (lmdi.method, lmdi.is_fallback) == ("lmdi", False)
    assert set(lmdi.reasons) == {"base.revenue_per_active_account"}


def test_lmdi_gives_way_where_a_factor_is_below_zero(ledger):
    post_revenue([{"account": ledger["shrunk"], "booked_on": date(2010, 6, 1), "amount": Decimal(-900),
                   "kind": "credit_note"}])  # fmt: skip

    found = ask(method="lmdi")

    assert (found.method, found.requested_method, found.is_fallback) == ("shapley", "lmdi", True)
    assert "below 0" in str(found.reasons["method"])
    assert sum(found.effects.values()) == found.change


@pytest.mark.parametrize("by", ["owner", "region", "grade", "segment", "industry"])
@pytest.mark.parametrize("method", ["shapley", "lmdi"])
@pytest.mark.parametrize("factors", [3, 4])
def test_leaves_add_up_and_differ_from_the_totals_by_the_mix(ledger, by, method, factors):
    Account.objects.filter(name__in=("grown", "new")).update(owner=make_user(), grade=Grade.GOLD)

    found = ask(by=by, method=method, factors=factors)

    assert sum(leaf.change for leaf in found.leaves) == found.change == sum(found.effects.values())
    for leaf in found.leaves:
        assert sum(part.effect for part in leaf.parts.values()) == leaf.change
    for name, part in found.whole.parts.items():
        assert sum(leaf.parts[name].effect for leaf in found.leaves) == found.effects[name]
        assert found.effects[name] - part.effect == found.mix[name]
    assert sum(found.mix.values()) == 0


def test_leaves_are_named_and_the_largest_change_comes_first(ledger):
    found = ask(by="region")

    assert [(leaf.key, str(leaf.label), leaf.change) for leaf in found.leaves] == [
        ("North", "North", Decimal("162.8299")),
        ("South", "South", Decimal("81.47")),
        ("", "not given", Decimal("-49.5")),
    ]
    none = found.leaves[-1]
    assert (none.parts["covered_accounts"].base, none.parts["active_rate"].comparison) == (2, 0)
    assert none.parts["unattributed"].effect == Decimal("-7.5")
    assert "comparison.revenue_per_active_account" in none.reasons
    assert found.mix["unattributed"] == Decimal("-7.5")


def test_owner_leaves_carry_names(ledger):
    owner = make_user(first_name="Ada", last_name="Lu")
    Account.objects.filter(name="grown").update(owner=owner)

    found = ask(by="owner")

    assert [(leaf.key, str(leaf.label)) for leaf in found.leaves] == [(str(owner.pk), "Ada Lu"), ("", "nobody")]


def test_every_account_that_moved_is_in_one_class(ledger):
    found = ask()

    told = {name: (bar.amount, bar.accounts) for name, bar in found.movers.items()}
    assert told == {
        "newly_covered": (Decimal("44.4"), 1),
        "no_longer_covered": (Decimal(-33), 1),
        "became_active": (Decimal("70.07"), 1),
        "went_silent": (Decimal(-42), 1),
        "spends_more": (Decimal("162.83"), 1),
        "spends_less": (Decimal("-0.0001"), 1),
        "without_orders": (Decimal("-7.5"), 1),
    }
    assert sum(amount for amount, _count in told.values()) == found.change
    assert [row.name for row in found.behind("covered_accounts")] == ["new", "gone"]
    assert [row.name for row in found.behind("active_rate", limit=1)] == ["woken"]
    assert set(BEHIND) == {*found.effects, "order_frequency", "average_order_value"}


def test_only_the_accounts_given_are_counted(ledger):
    owner, teammate, stranger = make_user(), make_user(), make_user()
    Account.objects.filter(name="grown").update(owner=owner)
    make_team_member(account=ledger["grown"], user=teammate)

    seen = [ask(Account.objects.visible_to(user), by="region").change for user in (owner, teammate, stranger)]

    assert seen == [Decimal("162.83"), Decimal("162.83"), 0]


def test_nobody_is_an_answer_with_reasons():
    found = ask(by="region")

    assert (found.leaves, found.change, set(found.effects.values())) == ((), 0, {Decimal(0)})
    assert set(found.reasons) == {
        f"{window}.{name}" for name in THREE[1:] for window in ("base", "comparison")
    }  # fmt: skip
    assert found.passport.accounts == len(found.table) == 0


def test_a_missing_rate_leaves_money_out_and_keeps_the_counts(ledger):
    post_revenue([{"account": ledger["grown"], "booked_on": date(2011, 6, 1), "amount": Decimal(9), "currency": "USD"}])

    without = ask(by="region", currency="CNY")
    make_rate(valid_on=date(2011, 6, 1), rate=Decimal(7))
    with_rate = ask(by="region", currency="CNY")

    assert {without.change, *without.effects.values(), without.leaves[0].change} == {None}
    assert without.whole.parts["covered_accounts"].comparison == 6
    assert all(str(without.reasons[name]).startswith("no rate USD→CNY") for name in (
        "change", "effects.covered_accounts", "base.revenue_per_active_account"))  # fmt: skip
    assert with_rate.change == Decimal("257.7999")


def test_groups_lie_in_the_leaf_of_their_root(ledger):
    child = ledger["grown"]
    child.parent = ledger["silent"]
    child.save()

    found = ask(by="region", level="group")
    hidden = ask(Account.objects.exclude(pk=ledger["silent"].pk), by="region", level="group")

    assert {leaf.key: leaf.change for leaf in found.leaves}[""] == Decimal("162.83") - 42 - Decimal("7.5")
    assert {leaf.key: leaf.change for leaf in hidden.leaves}["North"] == Decimal("162.8299")


def test_periods_in_the_wrong_order_are_refused():
    with pytest.raises(PeriodError):
        decomposition(Account.objects.all(), base=COMPARISON, comparison=BASE)


@pytest.mark.parametrize("by", [None, "owner", "region"])
def test_number_of_statements_does_not_grow_with_accounts(by):
    def statements():
        with CaptureQueriesContext(connection) as captured:
            ask(by=by)
        return len(captured)

    def sell(count):
        post_revenue(
            [
                {"account": make_account(owner=make_user(), region=f"R{n}"), "booked_on": date(2011, 1, 1 + n)}
                for n in range(count)
            ]
        )

    sell(1)
    one = statements()
    sell(3)

    assert statements() == one


def test_amounts_of_a_currency_with_many_zeros_add_up():
    """Each account near 9e11, the most whose fourth decimal float64 holds (formulas/exact.py); their sum is beyond."""
    accounts = [make_account(region=name) for name in ("N", "N", "S")]
    rows = [
        {"account": one, "booked_on": date(year, 5, 5), "amount": Decimal(890_000_000_000 + at + year)}
        for at, one in enumerate(accounts)
        for year in (2010, 2011)
    ]
    post_revenue(rows)

    for method in ("shapley", "lmdi"):
        found = ask(by="region", method=method, factors=4)
        assert sum(found.effects.values()) == found.change == 3
