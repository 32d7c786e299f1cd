"""Groups graded as one: the account that carries the grade is measured by the figures of all its companies."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from accounts.graded import set_graded_node
from accounts.groups import change_parent
from accounts.merges import merge_accounts
from accounts.models import Account, ReceivablePayment
from tests.factories import (
    make_account,
    make_contract,
    make_product,
    make_rating,
    make_receivable,
    make_wallet_estimate,
    post_revenue,
)
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tests.tiering.poison import DAY as WRONG_DAY
from tests.tiering.poison import KINDS, NUMBER
from tiering import graded_groups, indicators, standing
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import GradeRule, Score, ScoringModel
from tiering.selectors import score_of
from tiering.services import activate_model, create_model
from tiering.simulation import simulate, snapshot

QUIET, DAY = date(2025, 2, 5), timedelta(days=1)
CODES = ("S1", "S2", "P1", "P2", "P5", "L1", "L2", "L3", "L4", "L6", "L7")


@pytest.fixture
def model(db) -> ScoringModel:
    return create_model(preset="full", diamond=Decimal(1_000_000), as_of=AS_OF, currency="CNY")


@pytest.fixture
def tree(db) -> tuple[Account, Account, Account]:
    """A holding with a subsidiary, and one below that."""
    root = make_account(name="Holding")
    middle = make_account(name="Works", parent=root)
    return root, middle, make_account(name="Mill", parent=middle)


def measured(model: ScoringModel, account: Account, as_of: date = AS_OF, **options) -> dict[str, float]:
    found = indicators.measure(model, as_of=as_of, codes=CODES, fiscal_start_month=1, **options)
    place = found.ids.tolist().index(account.pk)
    return {name: float(values[place]) for name, values in (found.indicators | found.inputs).items()}


def picked(values: dict[str, float], *names: str) -> list[float]:
    return [round(values[name], 6) for name in names]


def test_money_orders_and_products_are_those_of_one_customer(model, tree):
    """12 months of 100 and of 50 in two companies; days and products that both have count once."""
    root, middle, leaf = tree
    bolts, nuts = make_product(), make_product()
    post_revenue(monthly(middle, 100, first=date(2024, 1, 1), months=12, cost=60, product=bolts))
    post_revenue(monthly(leaf, 50, first=date(2023, 1, 1), months=24, cost=40, product=bolts))
    post_revenue(monthly(leaf, 5, first=date(2024, 7, 1), months=1, cost=5, product=nuts))
    alone = measured(model, root)
    set_graded_node(account=root, is_graded=True)

    group = measured(model, root)

    assert picked(group, "S1", "S2", "revenue_ttm", "L2", "L7") == [1805, 600, 1805, 12, 2]
    assert picked(group, "revenue_fy1", "revenue_fy2", "gross_profit_fy2") == [1805, 600, 120]
    assert group["months"] == 23  # of the mill, which was here first
    assert group["business"] == 1
    assert picked(alone, "S1", "L2", "business") == [0, 0, 0]
    assert np.isnan(alone["months"])
    assert picked(measured(model, middle), "S1", "L2", "L7") == [1200, 12, 1]
    assert picked(measured(model, leaf), "S1", "L7") == [605, 2]


def test_what_of_one_company_is_not_known_is_not_known_of_the_group(model, tree):
    root, middle, leaf = tree
    post_revenue(monthly(middle, 100, first=date(2024, 1, 1), months=12, cost=60))
    post_revenue(monthly(leaf, 50, first=date(2024, 1, 1), months=12))
    set_graded_node(account=root, is_graded=True)

    group = measured(model, root)

    assert group["S1"] == 1800
    assert np.isnan(group["S2"])
    assert measured(model, middle)["S2"] == 480


def test_contracts_and_receivables_are_added_up(model, tree):
    root, middle, leaf = tree
    make_contract(account=leaf, status="active", signed_on=date(2024, 1, 1), ends_on=date(2026, 1, 1))
    late = make_receivable(account=middle, due_on=AS_OF - timedelta(days=100), amount=Decimal(300))
    paid = make_receivable(account=leaf, due_on=AS_OF - timedelta(days=40), amount=Decimal(100))
    ReceivablePayment.objects.create(receivable=paid, paid_on=paid.due_on, amount=Decimal(100))
    set_graded_node(account=root, is_graded=True)

    group = measured(model, root)

    assert picked(group, "business", "overdue_90", "L4") == [1, 300, 0.25]
    assert picked(measured(model, middle), "business", "overdue_90", "L4") == [0, late.amount, 0]


def test_wallets_count_where_a_company_has_an_estimate(model, tree):
    """As on the group's page: own revenue and wallet of the estimated companies, 1200 of 3000; Holding has none."""
    root, middle, leaf = tree
    post_revenue(monthly(middle, 100, first=date(2024, 1, 1), months=12))
    post_revenue(monthly(leaf, 50, first=date(2024, 1, 1), months=12))
    for account, amount in ((middle, 3000), (leaf, 100)):  # the second is below the revenue, and so is none
        make_wallet_estimate(
            account=account, amount=Decimal(amount), estimated_on=date(2024, 6, 1), expires_on=date(2025, 12, 1)
        )
    set_graded_node(account=root, is_graded=True)

    assert picked(measured(model, root), "L3", "P2", "opportunity") == [0.4, 1800, 1]


def test_what_people_say_of_a_company_stays_with_it(model, tree):
    root, middle, _leaf = tree
    make_rating(account=middle, indicator="V1", rated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1), score=5)
    Account.objects.filter(pk=middle.pk).update(insolvency_on=date(2024, 1, 1))
    set_graded_node(account=root, is_graded=True)

    found = indicators.measure(model, as_of=AS_OF, codes=CODES, fiscal_start_month=1)
    place = found.ids.tolist().index(root.pk)

    assert np.isnan(found.indicators["V1"][place])
    assert Flag(found.flags[place]) & Flag.H4_INSOLVENT == 0
    assert Flag.OF_GROUP in Flag(found.flags[place])
    assert (found.flags & Flag.OF_GROUP > 0).sum() == 1


def test_group_is_that_of_the_day_with_its_whole_past(model, tree):
    root, middle, leaf = tree
    bought, sold = make_account(), AS_OF - DAY
    post_revenue(monthly(bought, 10, first=date(2024, 1, 1), months=12))
    post_revenue(monthly(leaf, 1, first=date(2024, 1, 1), months=12))
    change_parent(account=bought, parent=middle, since=AS_OF - timedelta(days=30), by=None)
    change_parent(account=leaf, parent=None, since=sold, by=None)
    set_graded_node(account=root, is_graded=True)

    assert measured(model, root)["S1"] == 120
    assert measured(model, root, as_of=date(2024, 11, 30))["S1"] == 12 - 1
    assert graded_groups.read(AS_OF).members.tolist() == [root.pk, middle.pk, bought.pk]


def test_merged_companies_and_groups_of_one_are_no_members(tree):
    root, middle, leaf = tree
    set_graded_node(account=root, is_graded=True)
    assert graded_groups.read(AS_OF).members.tolist() == [root.pk, middle.pk, leaf.pk]
    alone = make_account()
    set_graded_node(account=alone, is_graded=True)
    merge_accounts(merged=leaf, into=middle, by=None, reason="the same")

    found = graded_groups.read(AS_OF)

    assert (found.members.tolist(), found.nodes.tolist()) == ([root.pk, middle.pk], [root.pk, root.pk])


def golden(tree) -> None:
    """Two companies of 60,000 each: each alone is under the 100,000 that Gold asks for."""
    root, middle, leaf = tree
    model = create_model(preset="full", diamond=Decimal(1_000_000), as_of=QUIET, currency="CNY")
    GradeRule.objects.filter(model=model, grade="gold", condition="revenue_ttm").update(threshold=100_000)
    activate_model(model=model)
    for account in (middle, leaf):
        post_revenue(monthly(account, 5_000, first=date(2023, 1, 1), months=25, cost=2_000))
    set_graded_node(account=root, is_graded=True)


def test_night_grades_the_group_by_the_sum_and_its_companies_by_their_own(tree, monkeypatch):
    root, _middle, leaf = tree
    monkeypatch.setattr(standing, "MOST_READ_ONE_BY_ONE", 1.0)
    golden(tree)
    night(QUIET)

    row = score_of(root)
    values = dict(zip(row.run.model.raw_layout, row.raw, strict=False))
    assert (values["revenue_ttm"], values["S2"]) == (120_000, 72_000)
    lines = {line.grade: line for line in explain(row).grades}
    assert next(one for one in lines["gold"].conditions if one.reads == "revenue_ttm").passed
    assert any("Graded for its group" in note for note in explain(row).notes)
    own = score_of(leaf)
    assert dict(zip(own.run.model.raw_layout, own.raw, strict=False))["revenue_ttm"] == 60_000
    assert not any("Graded for its group" in note for note in explain(own).notes)


def test_sums_over_accounts_count_a_group_once(tree, monkeypatch):
    """120,000 of the group; a reader who sees one company alone sees its 60,000."""
    root, _middle, leaf = tree
    golden(tree)
    run = night(QUIET)
    found = snapshot(run)

    assert found.raw["revenue_ttm"].sum() == 240_000
    assert found.summed_revenue().sum() == 120_000
    assert found.where(found.ids == leaf.pk).summed_revenue().tolist() == [60_000]
    assert found.where(found.ids == root.pk).summed_revenue().tolist() == [120_000]
    design, everyone = run.model.design(), Account.objects.all()
    result = simulate(run=run, design=design, accounts=everyone, fiscal_start_month=1)
    assert sum(result.revenue_before.values()) == 120_000


def _posted(_root, _middle, leaf, day):
    post_revenue([{"account": leaf, "booked_on": date(2025, 1, 20), "amount": Decimal(777)}])


def _owes(_root, _middle, leaf, day):
    make_receivable(account=leaf, due_on=day - timedelta(days=31), amount=Decimal(90_000))


def _left(_root, _middle, leaf, day):
    change_parent(account=leaf, parent=None, since=day, by=None)


def _corrected(_root, _middle, leaf, day):
    change_parent(account=leaf, parent=None, since=None, by=None)


def _moves_down_the_tree(root, middle, leaf, day):
    """Whole branches go: the account whose parent changes is not the only one that leaves."""
    change_parent(account=middle, parent=None, since=None, by=None)


def _no_more(root, _middle, _leaf, day):
    set_graded_node(account=root, is_graded=False)


@pytest.mark.parametrize("happens", [_posted, _owes, _left, _corrected, _moves_down_the_tree, _no_more])
def test_night_that_looks_at_few_sees_what_moves_the_group(tree, monkeypatch, happens):
    monkeypatch.setattr(standing, "MOST_READ_ONE_BY_ONE", 1.0)
    golden(tree)
    make_receivable(account=tree[1], due_on=date(2024, 6, 1))
    for day in (QUIET - DAY, QUIET):
        night(day)
    before = score_of(tree[0]).raw
    happens(*tree, QUIET + DAY)

    run = night(QUIET + DAY)

    assert not run.is_full
    assert list(Score.objects.of(run).get(account=tree[0]).raw) != list(before)


def test_night_writes_of_a_large_group_who_changed_and_who_is_graded_for_it(tree, monkeypatch):
    monkeypatch.setattr(standing, "MOST_READ_ONE_BY_ONE", 1.0)
    root, middle, leaf = tree
    golden(tree)
    for day in (QUIET - 2 * DAY, QUIET - DAY, QUIET):
        night(day)
    _posted(root, middle, leaf, QUIET + DAY)

    run = night(QUIET + DAY)

    assert set(Score.objects.filter(run=run).values_list("account_id", flat=True)) == {root.pk, leaf.pk}


POISON = [kind for kind in KINDS if kind.reason in {NUMBER, WRONG_DAY}][::3]


@pytest.mark.parametrize("kind", POISON, ids=lambda kind: kind.name)
def test_what_cannot_be_computed_with_of_a_company_cannot_be_of_its_group(tree, kind):
    root, middle, leaf = tree
    golden(tree)
    make_receivable(account=middle, due_on=date(2024, 6, 1))
    kind.put(leaf)

    run = night(QUIET)

    apart = dict(run.set_apart.values_list("account_id", "reason"))
    assert apart == {root.pk: kind.reason, leaf.pk: kind.reason}


def test_some_accounts_are_measured_as_they_are_among_all(model, tree):
    root, middle, leaf = tree
    golden(tree)
    everyone = indicators.measure(model, as_of=QUIET, codes=CODES, fiscal_start_month=1)

    for asked in ([root.pk], [leaf.pk], [middle.pk, root.pk], [leaf.pk, 10**9]):
        ids = np.array(sorted(asked))
        some = indicators.measure(model, as_of=QUIET, codes=CODES, fiscal_start_month=1, only=ids)
        wanted = everyone.among(ids)
        assert some.ids.tolist() == wanted.ids.tolist() == [pk for pk in sorted(asked) if pk < 10**9]
        for name in ("indicators", "inputs", "relief"):
            for code, values in getattr(wanted, name).items():
                assert np.array_equal(getattr(some, name)[code], values, equal_nan=True), (asked, code)
        assert some.flags.tolist() == wanted.flags.tolist()
        assert some.ledger.ids.tolist() == some.ids.tolist()


def test_change_of_group_that_was_dated_ahead_comes_on_its_day(tree, monkeypatch):
    monkeypatch.setattr(standing, "MOST_READ_ONE_BY_ONE", 1.0)
    root, _middle, leaf = tree
    golden(tree)
    for day in (QUIET - DAY, QUIET):
        night(day)
    other = make_account()
    set_graded_node(account=other, is_graded=True)
    change_parent(account=leaf, parent=other, since=QUIET + 3 * DAY, by=None)

    seen = []
    for step in range(1, 5):
        run = night(QUIET + step * DAY)
        raw = {row.account_id: row.raw[run.model.raw_layout.index("revenue_ttm")] for row in Score.objects.of(run)}
        seen.append((raw[root.pk], raw[other.pk]))

    assert seen == [(120_000, 0), (120_000, 0), (60_000, 60_000), (60_000, 60_000)]
