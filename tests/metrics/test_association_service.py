"""What goes together: rules as counted by hand, honest counts, the list to call, what is kept, and a slow recount."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Account
from metrics.product_rollup import write_account_products
from metrics.services import association as service
from metrics.services.association import NoSuchRule, association
from metrics.services.suggestions import reject_suggestion
from tests.factories import make_account, make_product, make_user, post_revenue
from tests.metrics.test_association import slow_adjusted, slow_p
from tests.metrics.test_suggestions_service import DAY, buy

pytestmark = pytest.mark.django_db
LONG_AGO = date(2020, 5, 1)


def owners(product, count, *, start=0, accounts=None, on=LONG_AGO):
    return [row for account in accounts[start : start + count] for row in buy(account, product, on=on)]


@pytest.fixture
def example(db):
    """Twenty customers: 8 own A, 6 own B, 4 of them both; all own C."""
    accounts = [make_account(name=f"K{number:02}") for number in range(20)]
    a, b, c = (make_product(code=name, name=name) for name in "ABC")
    post_revenue(
        owners(a, 8, accounts=accounts) + owners(b, 6, start=4, accounts=accounts) + owners(c, 20, accounts=accounts)
    )
    write_account_products(DAY)
    return accounts, a, b, c


@pytest.fixture
def strong(db):
    """Sixty customers: 12 own A, 11 of them B too; one owns B alone; all own C."""
    accounts = [make_account(name=f"K{number:02}") for number in range(60)]
    a, b, c = (make_product(code=name, name=name) for name in "ABC")
    post_revenue(
        owners(a, 12, accounts=accounts)
        + owners(b, 12, start=1, accounts=accounts)
        + owners(c, 60, accounts=accounts)
        + [{"account": accounts[0], "product": a, "booked_on": date(2024, 6, 1), "amount": Decimal("250.5")}]
    )
    write_account_products(DAY)
    return accounts, a, b, c


def ask(**choices):
    return association(Account.objects.all(), **choices)


def test_the_worked_example_is_tested_and_hidden(example):
    """EX-20: four customers own both, which is too few; by chance alone p is 0.137."""
    found = ask()

    assert (found.rules, found.shown_rules, found.matching_rules) == ((), 0, 0)
    assert (found.customers, found.tested_products, found.tested_pairs) == (20, 3, 3)
    assert found.met_rules == 4  # A and C, B and C, both ways
    assert (found.rule, found.missing_accounts, len(found.table)) == (None, None, 0)
    assert "more often than chance" in found.reasons["missing_accounts"]


def test_a_rule_comes_with_its_measures_and_whom_to_call(strong):
    accounts, a, b, _c = strong

    found = ask()

    rule = found.rules[0]
    assert [(one.antecedent, one.consequent) for one in found.rules] == [(a, b), (b, a)]
    assert (rule.joint, rule.antecedent_owners, rule.consequent_owners) == (11, 12, 12)
    assert (rule.support, rule.confidence) == (11 / 60, 11 / 12)
    assert (rule.lift, rule.leverage) == (pytest.approx(60 * 11 / 144), pytest.approx(11 / 60 - 144 / 3600))
    p = slow_p(60, 12, 12, 11)
    assert (rule.p_value, rule.adjusted_p_value) == (pytest.approx(p), pytest.approx(3 * p))
    assert (found.rule_lift, found.rule_p_value) == (rule.lift, rule.adjusted_p_value)
    assert found.rule == rule
    rows = found.table.rows()
    assert [(row.account_id, row.values) for row in rows] == [
        (
            accounts[0].pk,
            {
                "antecedent_revenue": Decimal("250.5000"),
                "antecedent_last_on": date(2024, 6, 1),
                "ttm_revenue": Decimal("250.5000"),
            },
        )
    ]
    assert (found.missing_accounts, found.turned_down) == (1, 0)


def test_another_rule_has_its_own_accounts_and_one_that_is_not_shown_is_refused(strong):
    accounts, a, b, c = strong

    found = ask(antecedent=b.pk, consequent=a.pk)

    assert [row.account_id for row in found.table.rows()] == [accounts[12].pk]
    assert found.table.rows()[0].values["ttm_revenue"] == 0
    for pair in ((a.pk, c.pk), (a.pk, 2**40)):
        with pytest.raises(NoSuchRule):
            ask(antecedent=pair[0], consequent=pair[1])


def test_who_has_turned_the_product_down_is_not_called(strong):
    accounts, _a, b, _c = strong
    reject_suggestion(account=accounts[0], product=b, user=make_user(), reason="makes it itself")

    found = ask()

    assert (found.missing_accounts, found.turned_down, len(found.table)) == (0, 1, 0)


def test_rules_are_learnt_from_all_and_the_list_is_of_those_in_view(strong):
    accounts, _a, _b, _c = strong
    mine = Account.objects.filter(pk__in=[accounts[5].pk])

    found = association(mine)

    assert (found.shown_rules, found.customers) == (2, 60)
    assert (found.missing_accounts, len(found.table)) == (0, 0)
    assert len(association(Account.objects.none()).rules) == 2


def test_a_product_narrows_the_rules_and_is_tested_where_it_is_not_among_the_most_owned(strong, monkeypatch):
    accounts, a, b, c = strong
    assert [len(ask(product=one.pk).rules) for one in (a, b, c)] == [2, 2, 0]
    rare = make_product(code="RARE")
    post_revenue(owners(rare, 6, accounts=accounts))
    write_account_products(DAY)
    monkeypatch.setattr(service, "MOST_PRODUCTS", 3)

    without, asked = ask(), ask(product=rare.pk)

    assert (without.tested_products, without.left_out_products, without.shown_rules) == (3, 1, 2)
    assert (asked.tested_products, asked.left_out_products) == (3, 1)
    assert {one.antecedent for one in asked.rules} | {one.consequent for one in asked.rules} == {a, rare}
    few = make_product(code="FEW")
    assert "fewer than 5 customers" in ask(product=few.pk).reasons["missing_accounts"]


@pytest.mark.parametrize("order", ["lift", "leverage", "confidence", "joint"])
def test_rules_are_sorted_and_paged(strong, order):
    whole = ask(order=order, limit=None).rules

    assert [getattr(one, order) for one in whole] == sorted((getattr(one, order) for one in whole), reverse=True)
    assert (ask(order=order, limit=1).rules, ask(order=order, limit=1, offset=1).rules) == (whole[:1], whole[1:])


def test_before_the_first_night_it_says_so(db):
    found = ask()

    assert (found.products_as_of, found.shown_rules, found.rules) == (None, None, ())
    assert "there has been none yet" in found.reasons["missing_accounts"]


def test_rules_are_kept_until_a_night_changes_the_sums(strong, monkeypatch):
    accounts, a, b, _c = strong
    ask()
    monkeypatch.setattr(service, "_learnt", lambda *args: pytest.fail("computed again"))
    assert ask().shown_rules == 2
    monkeypatch.undo()

    post_revenue(owners(a, 3, start=40, accounts=accounts) + owners(b, 3, start=40, accounts=accounts))
    write_account_products(DAY)

    assert ask().rules[0].joint == 14


def test_queries_do_not_grow_with_rules_or_accounts(strong):
    accounts, _a, _b, _c = strong
    counts = []
    for number in range(2):
        more = [make_product() for _ in range(3)]
        post_revenue([row for product in more for row in owners(product, 8, start=number, accounts=accounts)])
        write_account_products(DAY)
        ask()
        with CaptureQueriesContext(connection) as queries:
            ask()
        counts.append(len(queries))

    assert counts[0] == counts[1]


def slow_rules(owned, *, n):
    """{(a, b): (joint, adjusted p)} of the shown rules, counted by hand; ``owned``: product → set of accounts."""
    products = sorted(one for one, who in owned.items() if len(who) >= 5)
    pairs = [(a, b) for a in products for b in products if a < b]
    p = [slow_p(n, len(owned[a]), len(owned[b]), len(owned[a] & owned[b])) for a, b in pairs]
    found = {}
    for (a, b), adjusted in zip(pairs, slow_adjusted(p), strict=True):
        joint = len(owned[a] & owned[b])
        if joint >= 5 and n * joint > len(owned[a]) * len(owned[b]) and round(adjusted, 9) < 0.05:
            found[a, b] = found[b, a] = (joint, adjusted)
    return found


class RuleProperties(TestCase):
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.sets(st.integers(0, 4)), min_size=12, max_size=30))
    def test_rules_equal_counting_by_hand(self, baskets):
        products = [make_product() for _ in range(5)]
        rows, owned = [], {product.pk: set() for product in products}
        for basket in baskets:
            account = make_account()
            for number in basket:
                rows += buy(account, products[number])
                owned[products[number].pk].add(account.pk)
        if rows:
            post_revenue(rows)
        write_account_products(DAY)

        found = ask(limit=None)

        wanted = slow_rules(owned, n=sum(bool(basket) for basket in baskets))
        assert {(one.antecedent.pk, one.consequent.pk): one.joint for one in found.rules} == {
            pair: joint for pair, (joint, _p) in wanted.items()
        }
        for one in found.rules:
            assert one.adjusted_p_value == pytest.approx(wanted[one.antecedent.pk, one.consequent.pk][1], rel=1e-9)
            asked = ask(antecedent=one.antecedent.pk, consequent=one.consequent.pk)
            assert set(asked.table.unit_ids.tolist()) == owned[one.antecedent.pk] - owned[one.consequent.pk]
