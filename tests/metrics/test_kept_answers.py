"""Answers kept for a night or a state of the ledger are found again as they were, and never after what they rest on."""

from datetime import date

import numpy as np
import pytest
from django.db import connection

from accounts.models import Account, Product
from crm import pipeline
from metrics import frames_products
from metrics.product_rollup import write_account_products
from metrics.scope import scope_of
from metrics.selectors import default_as_of
from metrics.services import cohorts, decline_backtest, lifetime_backtest, suggestions, whitespace
from metrics.services.suggestions import reject_suggestion
from tests.factories import make_account, make_product, make_rate, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night

pytestmark = pytest.mark.django_db
COUNTED = """
SELECT account_id, count(*) FILTER (WHERE before), count(*) FILTER (WHERE before AND now)
FROM (SELECT account_id, product_id, bool_or(prior_net > 0) AS before, bool_or(ttm_net > 0) AS now
      FROM metrics_accountproduct WHERE basis = 'invoiced' GROUP BY account_id, product_id) AS bought
GROUP BY account_id ORDER BY account_id
"""


@pytest.fixture
def market():
    """Thirty customers of twelve products, and one that buys each of two products in two currencies."""
    accounts = random_ledger(accounts=30, rows=500, seed=5)
    account, products = make_account(segment="S"), list(Product.objects.order_by("pk")[:2])
    for currency in ("CNY", "USD"):
        for product in products:
            post_revenue(monthly(account, 50, first=date(2023, 1, 1), months=20, product=product, currency=currency))
    make_rate(valid_on=date(2020, 1, 1), kind="month_average")
    make_rate(valid_on=date(2024, 12, 1), kind="month_average")
    write_account_products(AS_OF)
    return [*accounts, account]


@pytest.fixture
def summed(monkeypatch):
    """How often the sums of the matrix were computed."""
    made, compute = [], whitespace._summed
    monkeypatch.setattr(whitespace, "_summed", lambda *args: made.append(1) or compute(*args))
    return made


def matrix(accounts=None, **asked):
    """All the matrix says, account by account."""
    found = whitespace.whitespace(Account.objects.all() if accounts is None else accounts, **asked)
    rows = [(row.account.account_id, row.account.name, row.cells) for row in found.rows]
    return (
        found.columns, rows, found.gap_value, found.gap_revenue, found.owned_cells, found.gap_cells, found.lost_cells,
        {name: repr(values.tolist()) for name, values in found.table.columns.items()},
    )  # fmt: skip


@pytest.mark.parametrize("view", ["everything", "a part"])
def test_products_bought_before_and_kept_are_those_of_the_table(market, view):
    mine = [account.pk for account in market[10:]]
    accounts = Account.objects.all() if view == "everything" else Account.objects.filter(pk__in=mine)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED)
        expected = [row for row in cursor.fetchall() if view == "everything" or row[0] in mine]

    for _time in range(2):  # computed and kept
        found = frames_products.product_counts(scope_of(accounts))
        assert list(zip(*(column.tolist() for column in found), strict=True)) == expected


def test_counts_of_nobody_are_none():
    found = frames_products.product_counts(scope_of(Account.objects.none()))

    assert [len(column) for column in found] == [0, 0, 0]


@pytest.mark.parametrize("by", ["category", "product"])
def test_whitespace_is_summed_once_a_night_and_the_same_when_kept(market, summed, by):
    first, again = matrix(by=by), matrix(by=by)

    assert again == first
    assert len(summed) == 1


CHANGES = {
    "another night": lambda accounts: write_account_products(date(2024, 11, 30)),
    "a category": lambda accounts: _save(Product.objects.order_by("pk").first(), category="Other"),
    "a new currency": lambda accounts: post_revenue(
        monthly(accounts[0], 5, first=date(2024, 2, 1), months=1, currency="EUR")
    ),
    "a rate": lambda accounts: make_rate(valid_on=date(2024, 11, 1), kind="month_average", rate=8),
}


def _save(row, **fields):
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_whitespace_is_summed_anew_after_what_it_rests_on(market, summed, change):
    matrix()
    change(market)
    matrix()

    assert len(summed) == 2


def test_whitespace_outlives_a_posting_that_no_night_has_seen(summed):
    accounts = random_ledger(accounts=12, rows=200, seed=3)
    write_account_products(AS_OF)
    before = matrix()
    post_revenue(monthly(accounts[0], 5, first=date(2024, 2, 1), months=1))

    assert matrix() == before
    assert len(summed) == 1


def test_a_kept_matrix_follows_segments_names_and_what_is_turned_down(market, summed):
    before = matrix(by="product")
    account, gap = next(
        (row[0], before[0][place].key) for row in before[1] for place, cell in enumerate(row[2]) if cell.status.name == "GAP"
    )  # fmt: skip
    Account.objects.filter(pk=account).update(segment="Elsewhere")
    _save(Account.objects.get(pk=account), name="Renamed")
    reject_suggestion(
        account=Account.objects.get(pk=account), product=Product.objects.get(pk=gap), user=make_user(), reason="no"
    )

    _columns, rows, *_rest = matrix(by="product")

    name, cells = next((row[1], row[2]) for row in rows if row[0] == account)
    place = next(at for at, column in enumerate(before[0]) if column.key == gap)
    assert (name, cells[place].status.name) == ("Renamed", "NOT_ELIGIBLE")
    assert len(summed) == 1


def test_a_part_of_the_accounts_is_summed_anew_and_keeps_nothing(market, summed):
    mine = Account.objects.filter(pk__in=[account.pk for account in market[:5]])

    assert matrix(mine) == matrix(mine)
    assert len(summed) == 2
    assert not whitespace.is_whitespace_kept(scope_of(Account.objects.all()), AS_OF)


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_night_is_noted_when_it_changes_something(market, repeats):
    everything = scope_of(Account.objects.all())
    before = frames_products.products_state(everything)
    for _time in range(repeats):
        write_account_products(AS_OF)
    same = frames_products.products_state(everything)
    post_revenue(monthly(market[0], 5, first=date(2024, 2, 1), months=1, product=make_product()))
    write_account_products(AS_OF)

    assert same == before
    assert frames_products.products_state(everything) != before


@pytest.mark.parametrize("level", ["entity", "group"])
def test_cohorts_are_computed_once_for_a_state_of_the_ledger(monkeypatch, level):
    made, compute = [], cohorts._computed
    monkeypatch.setattr(cohorts, "_computed", lambda *args: made.append(1) or compute(*args))
    accounts = random_ledger(accounts=12, rows=200, seed=3)
    _save(accounts[1], parent=accounts[0])

    def ask(**choices):
        found = cohorts.cohorts(Account.objects.all(), level=level, **choices)
        return found.cohorts, found.pooled, repr([values.tolist() for values in found.table.columns.values()])

    assert ask() == ask()
    assert len(made) == 1
    ask(interval="month")
    ask(share_base="first_full_period")
    assert len(made) == 3
    before = ask()
    _save(accounts[2], parent=accounts[0])
    post_revenue(monthly(accounts[0], 5, first=date(2024, 2, 1), months=1))
    assert ask() != before
    assert len(made) == 4


def test_cohorts_of_a_part_are_computed_anew(monkeypatch):
    accounts = random_ledger(accounts=12, rows=200, seed=3)
    mine = Account.objects.filter(pk__in=[account.pk for account in accounts[:4]])

    assert cohorts.cohorts(Account.objects.all()).placed_accounts > cohorts.cohorts(mine).placed_accounts


def test_ready_pages_leave_nothing_for_the_reader_to_compute(monkeypatch):
    """After a night and after a posting; every answer that is kept says whether it is."""
    accounts = random_ledger(accounts=30, rows=600, seed=8)
    night(AS_OF)
    post_revenue(monthly(accounts[0], 5, first=date(2024, 2, 1), months=1))
    assert not pipeline.are_pages_ready()
    pipeline.ready_pages()
    assert pipeline.are_pages_ready()
    for module, name in (
        (cohorts, "_computed"), (decline_backtest, "_computed"), (lifetime_backtest, "_computed"), (suggestions, "_learnt"), (whitespace, "_summed"),
        (frames_products, "_counts"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, lambda *args, **kwargs: pytest.fail("computed again"))

    everything = scope_of(Account.objects.all())
    decline_backtest.decline_backtest(as_of=default_as_of())
    cohorts.cohorts(Account.objects.all())
    lifetime_backtest.lifetime_backtest(Account.objects.all())
    whitespace.whitespace(Account.objects.all())
    suggestions.product_model(everything, AS_OF)
    assert np.array_equal(*[frames_products.product_counts(everything)[0] for _time in range(2)])
