"""The matrix of accounts and products: states, gaps by hand, an independent slow version, views, currencies."""

from datetime import date
from decimal import Decimal
from statistics import median

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, Product
from metrics.formulas.whitespace import CellStatus
from metrics.product_rollup import write_account_products
from metrics.services.suggestions import reject_suggestion
from metrics.services.whitespace import whitespace
from tests.factories import make_account, make_product, make_rate, make_user, post_revenue

pytestmark = pytest.mark.django_db
DAY = date(2024, 12, 31)
NOW, BEFORE = date(2024, 6, 1), date(2022, 6, 1)


def line(account, product, amount, *, on=NOW, cost_share="0.6", **fields):
    amount = Decimal(str(amount))
    cost = None if cost_share is None else amount * Decimal(cost_share)
    return {"account": account, "product": product, "booked_on": on, "amount": amount, "cost": cost, **fields}


@pytest.fixture
def market(db):
    """Eight accounts of one segment and much the same size buy A; six of them buy B, too; one had B long ago."""
    products = {name: make_product(code=name, name=name, category=f"Cat {name}") for name in "AB"}
    accounts = [make_account(code=f"K{number}", segment="S") for number in range(8)]
    rows = [line(account, products["A"], 1000) for account in accounts]
    rows += [line(account, products["B"], 100 * (number + 1)) for number, account in enumerate(accounts[:6])]
    rows += [line(accounts[7], products["B"], 50, on=BEFORE)]
    post_revenue(rows)
    write_account_products(DAY)
    return accounts, products


def cell_of(found, account, label):
    column = next(number for number, one in enumerate(found.columns) if one.label == label)
    row = next(one for one in found.rows if one.account.account_id == account.pk)
    return row.cells[column]


def test_states_of_cells(market):
    accounts, _products = market

    found = whitespace(Account.objects.all(), by="product")

    assert [column.label for column in found.columns] == ["A", "B"]
    assert cell_of(found, accounts[0], "B").status is CellStatus.OWNED
    assert cell_of(found, accounts[6], "B").status is CellStatus.GAP
    assert cell_of(found, accounts[7], "B").status is CellStatus.LOST
    assert (found.owned_cells, found.gap_cells, found.lost_cells, found.products_as_of) == (14, 1, 1, DAY)


def make_or_get(code):
    return Product.objects.filter(code=code).first() or make_product(code=code, name=code)


def test_gap_by_hand(db):
    product, other = make_product(code="P", name="P"), make_product(code="Q", name="Q")
    accounts = [make_account(segment="S") for _ in range(11)]
    spends = [100, 200, 300, 400, 500, 600]
    rows = [line(account, product, spend) for account, spend in zip(accounts, spends, strict=False)]
    rows += [line(account, other, 10_000 - spend) for account, spend in zip(accounts, [*spends, *[0] * 5], strict=True)]
    post_revenue(rows)
    write_account_products(DAY)

    found = whitespace(Account.objects.all(), by="product")

    gap = cell_of(found, accounts[10], "P")
    assert (gap.status, gap.peers, gap.buyers, gap.peer_spend) == (CellStatus.GAP, 10, 6, 350)
    assert gap.chance == pytest.approx(0.6)
    assert (gap.gap_revenue, gap.gap_value) == (210, 84)
    assert (found.gap_revenue, found.gap_value) == (5 * 210, 5 * 84)


def test_gaps_equal_a_slow_version(db):
    rng = np.random.default_rng(4)
    products = [make_product(category=f"C{number % 3}") for number in range(5)]
    accounts = [make_account(segment="ST"[number % 2]) for number in range(60)]
    rows = [
        line(account, product, int(rng.integers(1, 900)))
        for account in accounts
        for product in products
        if rng.random() < 0.5
    ]
    post_revenue(rows)
    write_account_products(DAY)

    found = whitespace(Account.objects.all(), by="product", rows=100)

    spend = {(one["account"].pk, one["product"].pk): float(one["amount"]) for one in rows}
    total = {account.pk: sum(spend.get((account.pk, p.pk), 0) for p in products) for account in accounts}
    total = {pk: value for pk, value in total.items() if value}
    limits = np.quantile(list(total.values()), [0.25, 0.5, 0.75])
    size = {pk: int(sum(value >= limit for limit in limits)) for pk, value in total.items()}
    segment = {account.pk: account.segment for account in accounts}
    known = 0
    for row in found.rows:
        pk = row.account.account_id
        for column, cell in zip(found.columns, row.cells, strict=True):
            if cell.status is not CellStatus.GAP:
                continue
            peers = [one for one in total if one != pk and (segment[one], size[one]) == (segment[pk], size[pk])]
            bought = [spend[one, int(column.key)] for one in peers if (one, int(column.key)) in spend]
            assert (cell.peers, cell.buyers) == (len(peers), len(bought))
            if len(bought) < 5:
                assert (cell.gap_value, str(cell.reason)) == (None, "fewer than five accounts like it buy this")
                continue
            known += 1
            expected = len(bought) / len(peers) * median(bought)
            assert float(cell.gap_revenue) == pytest.approx(expected, abs=1e-3)
            assert float(cell.gap_value) == pytest.approx(expected * 0.4, abs=1e-3)
    assert known > 10


def test_categories_gather_their_products(market):
    accounts, _products = market
    Product.objects.update(category="One")
    make_or_get("X")

    found = whitespace(Account.objects.all(), by="category")

    assert [column.label for column in found.columns] == ["One"]
    assert cell_of(found, accounts[7], "One").spend == 1000
    assert found.gap_cells == 0


def test_rejected_product_is_not_eligible(market):
    accounts, products = market
    reject_suggestion(account=accounts[6], product=products["B"], user=make_user(), reason="makes it itself")

    found = whitespace(Account.objects.all(), by="product")

    assert cell_of(found, accounts[6], "B").status is CellStatus.NOT_ELIGIBLE
    assert found.gap_cells == 0


def test_why_a_gap_has_no_value(db):
    product, other = make_product(name="P"), make_product(name="Q")
    accounts = [make_account(segment="S" if number else "") for number in range(9)]
    rows = [line(account, product, 100, cost_share=None) for account in accounts[1:8]]
    rows += [line(account, other, 900 if account in accounts[1:8] else 1000) for account in accounts]
    post_revenue(rows)
    write_account_products(DAY)

    found = whitespace(Account.objects.all(), by="product")

    assert str(cell_of(found, accounts[0], "P").reason) == "the account has no segment, so nobody is like it"
    no_margin = cell_of(found, accounts[8], "P")
    assert (no_margin.gap_value, str(no_margin.reason)) == (None, "cost is missing on some lines of the product")
    assert no_margin.gap_revenue == 100
    assert (found.gap_value, found.gap_revenue) == (None, 100)
    assert str(found.reasons["gap_value"]) == "no gap has a value"


def test_peers_are_everybody_rows_are_those_in_view(market):
    accounts, _products = market
    mine = Account.objects.filter(pk=accounts[6].pk)

    found = whitespace(mine, by="product")

    assert [row.account.account_id for row in found.rows] == [accounts[6].pk]
    assert (found.passport.accounts, len(found.table)) == (1, 1)
    assert cell_of(found, accounts[6], "A").status is CellStatus.OWNED
    nobody = whitespace(Account.objects.none())
    assert (nobody.rows, nobody.gap_value) == ((), None)
    assert nobody.reasons["gap_value"] == "nothing is booked for these accounts"


def test_before_the_first_night_it_says_so(db):
    post_revenue([line(make_account(), make_product(), 5)])

    found = whitespace(Account.objects.all())

    assert (found.rows, found.products_as_of) == ((), None)
    assert "there has been none yet" in found.reasons["gap_value"]


def test_money_in_another_currency_stands_at_the_rate_of_the_last_month(market):
    accounts, products = market
    post_revenue([line(accounts[0], products["A"], 10, currency="USD")])
    write_account_products(DAY)

    blind = whitespace(Account.objects.all(), by="product", currency="CNY")
    make_rate(valid_on=date(2024, 12, 5))
    seeing = whitespace(Account.objects.all(), by="product", currency="CNY")

    assert str(blind.reasons["gap_value"]) == "no rate USD→CNY for 2024-12"
    assert cell_of(seeing, accounts[0], "A").spend == 1070


def test_query_count_does_not_grow_with_accounts(market):
    counts = []
    for _ in range(2):
        for _ in range(2):
            post_revenue([line(make_account(segment="S"), make_or_get("A"), 700)])
        write_account_products(DAY)
        with CaptureQueriesContext(connection) as queries:
            whitespace(Account.objects.all())
        counts.append(len(queries))

    assert counts[0] == counts[1]
