"""Paging by key: every row once, in order, forwards and backwards, missing values last."""

import random
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from accounts.models import Account
from crm.web import columns as listing
from crm.web.account_rows import GRADE_RANKS
from crm.web.keyset import COUNT_CAP, Key, Order, capped_count, page_of
from tests.factories import make_account, make_superuser
from tests.web.people import make_figures

FIGURE = Order("figures__ttm_revenue", descending=True, tie="figures__account", tie_follows=False)


def walk(order, *, size, backwards=False):
    """All primary keys by following the tokens from one end to the other."""
    page = page_of(Account.objects.all(), ["pk"], order=order, size=size)
    found = [[row["pk"] for row in page.rows]]
    while page.next:
        page = page_of(Account.objects.all(), ["pk"], order=order, after=page.next, size=size)
        found.append([row["pk"] for row in page.rows])
    if not backwards:
        return [pk for part in found for pk in part]
    found = [found[-1]]
    while page.previous:
        page = page_of(Account.objects.all(), ["pk"], order=order, before=page.previous, size=size)
        found.insert(0, [row["pk"] for row in page.rows])
    return [pk for part in found for pk in part]


@pytest.fixture
def eleven_accounts(db):
    """Values with ties, two accounts with an empty value, one without a row of figures."""
    values = [5, 5, 5, 3, 3, 9, 1, 7]
    random.Random(1).shuffle(values)
    accounts = [make_account(name=f"N{number % 4}") for number in range(11)]
    for account, value in zip(accounts, values, strict=False):
        make_figures(account, ttm_revenue=Decimal(value))
    for account in accounts[8:10]:
        make_figures(account, ttm_revenue=None)
    return accounts


@pytest.mark.parametrize("size", [1, 2, 3, 4, 11, 50])
@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("backwards", [False, True])
def test_pages_together_are_every_row_once_in_order(eleven_accounts, size, descending, backwards):
    order = Order(FIGURE.field, descending, FIGURE.tie, tie_follows=False)

    found = walk(order, size=size, backwards=backwards)

    def key(account):
        value = getattr(getattr(account, "figures", None), "ttm_revenue", None)
        if value is None:
            return (1, 0, account.pk)
        return (0, -value, account.pk) if descending else (0, value, -account.pk)

    expected = sorted(Account.objects.select_related("figures"), key=key)
    assert found == [account.pk for account in expected]


@pytest.mark.parametrize("descending", [True, False])
def test_names_page_in_the_order_of_their_index(eleven_accounts, descending):
    order = Order("sort_key", descending, nullable=False)

    expected = sorted(Account.objects.all(), key=lambda a: (a.sort_key, a.pk), reverse=descending)
    assert walk(order, size=3) == [account.pk for account in expected]


def test_page_numbers_its_rows(eleven_accounts):
    first = page_of(Account.objects.all(), ["pk"], order=FIGURE, size=4)
    second = page_of(Account.objects.all(), ["pk"], order=FIGURE, after=first.next, size=4)
    back = page_of(Account.objects.all(), ["pk"], order=FIGURE, before=second.previous, size=4)

    assert [(page.first, page.last) for page in (first, second, back)] == [(1, 4), (5, 8), (1, 4)]
    assert (bool(first.previous), bool(second.previous), bool(back.previous)) == (False, True, False)


@pytest.mark.parametrize("token", ["", "%%%", "bm90IGpzb24", "W10", "WyJ2IiwxLDIsM10x", "WyJkIiwieCIsMSwxXQ"])
def test_token_of_somebody_else_is_the_first_page(eleven_accounts, token):
    page = page_of(Account.objects.all(), ["pk"], order=FIGURE, after=token, size=3)

    assert page.first == 1


ORDERS = {
    **{name: column.order for name, column in listing.COLUMNS.items() if column.order is not None},
    "float": Order("figures__growth_rate"), "time": Order("created_at", nullable=False),
}  # fmt: skip
FOREIGN = {
    "text": "ostrrel", "letters": "\ud800", "nul": "a\x00b", "number": Decimal("12.34"), "whole": 7, "part": 1.5, "nothing": None,
    "large": Decimal("1e40"), "nan": Decimal("NaN"), "infinite": float("inf"), "far": 2**70, "day": date(2026, 1, 1),
    "time": datetime(2026, 1, 1, tzinfo=UTC), "nowhere": datetime(2026, 1, 1), "yes": True,
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERS)
def test_a_token_of_another_order_never_breaks_the_page(eleven_accounts, name):
    """What somebody gets who changes the sort in the address and leaves the place; the order's own token goes on."""
    rows, order = Account.objects.annotate(grade_rank=GRADE_RANKS), ORDERS[name]
    for value in FOREIGN.values():
        for number in (5, 2**70):
            token = Key(value, number, number).token()
            for asked in ({"after": token}, {"before": token}):
                assert page_of(rows, ["pk"], order=order, size=3, **asked).first >= 1

    first = page_of(rows, ["pk"], order=order, size=3)
    second = page_of(rows, ["pk"], order=order, size=3, after=first.next)
    assert (second.first, len(second.rows)) == (4, 3)
    assert page_of(rows, ["pk"], order=order, size=3, before=second.previous).rows == first.rows


def test_a_list_answers_a_token_of_another_list(client, db):
    client.force_login(make_superuser())
    make_account()
    by_name = Key("ostrrel", 3, 1).token()

    for page in ("accounts:list", "service:index", "trail:index"):
        for side in ("after", "before"):
            assert client.get(reverse(page), {side: by_name}).status_code == 200, page


@pytest.mark.parametrize("value", [Decimal("12.3400"), None, "名", 1.5])
def test_token_gives_its_key_back(value):
    key = Key(value, 7, 51)

    assert Key.read(key.token()) == key


def test_count_stops_at_its_cap(eleven_accounts):
    assert [capped_count(Account.objects.all(), cap) for cap in (5, 11, COUNT_CAP)] == [6, 11, 11]


@pytest.mark.django_db
def test_nobody_sees_no_page():
    make_account()

    assert page_of(Account.objects.visible_to(AnonymousUser()), ["pk"], order=FIGURE).rows == []


def test_orders_are_those_the_indexes_are_built_in(db):
    figures = str(Account.objects.order_by(*FIGURE.clauses()).query)
    backwards = str(Account.objects.order_by(*FIGURE.clauses(backwards=True)).query)
    by_name = str(Account.objects.order_by(*Order("sort_key", nullable=False).clauses()).query)

    assert figures.endswith('"ttm_revenue" DESC NULLS LAST, "metrics_accountfigures"."account_id" ASC')
    assert backwards.endswith('"ttm_revenue" ASC NULLS FIRST, "metrics_accountfigures"."account_id" DESC')
    assert by_name.replace(' COLLATE "C"', "").endswith('"sort_key" ASC, "accounts_account"."id" ASC')
