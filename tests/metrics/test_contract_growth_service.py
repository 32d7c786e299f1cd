"""Growth of contracts: worked by hand, against a slow version, cancelled and late ones, rates, groups, leaves, statements."""

import random
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account, Contract
from crm.lib.exceptions import PeriodError
from crm.lib.periods import add_months
from metrics.formulas.bridge import BridgeLine, revenue_bridge
from metrics.formulas.contracts import annual_value
from metrics.formulas.retention import cohort_retention
from metrics.services.contract_growth import AMOUNTS, BARS, COUNTS, RATES, contract_growth
from tests.factories import make_account, make_contract, make_rate

BASE, COMPARISON = date(2023, 12, 31), date(2024, 12, 31)


def signed(account, amount, first, last, **fields):
    defaults = {
        "amount": None if amount is None else Decimal(amount), "currency": "CNY", "status": "active", "signed_on": first,
        "starts_on": first, "ends_on": last,
    }  # fmt: skip
    return make_contract(account=account, **(defaults | fields))


def year(account, year, amount, **fields):
    return signed(account, amount, date(year, 1, 1), date(year, 12, 31), **fields)


def ask(accounts=None, **choices):
    accounts = Account.objects.all() if accounts is None else accounts
    return contract_growth(accounts, **({"base": BASE, "comparison": COMPARISON} | choices))


def lines(found):
    return {name: (bar.amount, bar.accounts) for name, bar in found.bridge.bars.items() if bar.accounts}


@pytest.fixture
def stock(db):
    """Grown 1000 → 1500, shrunk 800 → 600, gone 500, same 400, first 300, back 200 after a contract in 2020."""
    grown, shrunk, gone, same, first, back = (
        make_account(name=name, segment=segment)
        for name, segment in zip(("Grown", "Shrunk", "Gone", "Same", "First", "Back"), "ABABAB", strict=True)
    )
    for account, before, after in ((grown, 1000, 1500), (shrunk, 800, 600), (gone, 500, 0), (same, 400, 400)):
        year(account, 2023, before)
        if after:
            year(account, 2024, after)  # 366 days of a leap year on the same terms are the same worth
    signed(first, 150, date(2024, 7, 1), date(2024, 12, 31))  # half a year
    year(back, 2020, 90)
    year(back, 2024, 200)
    return {account.name: account for account in (grown, shrunk, gone, same, first, back)}


def test_stock_of_two_days_is_bridged_to_the_cent(stock):
    found = ask()

    assert lines(found) == {
        "opening": (2700, 4), "expansion": (500, 1), "contraction": (-200, 1), "churned": (-500, 1),
        "reactivated": (200, 1), "new": (300, 1), "closing": (3000, 5),
    }  # fmt: skip
    assert (found.base_value, found.comparison_value, found.cohort_accounts, found.retained_accounts) == (
        2700,
        2500,
        4,
        3,
    )
    assert found.net_revenue_retention == 2500 / 2700
    assert found.growth_rate == pytest.approx(-200 / 2700)
    assert found.gross_revenue_retention == 2000 / 2700
    assert found.logo_retention == 0.75
    assert found.overall_growth_rate == pytest.approx(300 / 2700)
    assert (found.base_contracts, found.comparison_contracts) == (4, 5)
    asked = {
        "metric": "contract_growth", "version": "1", "basis": "contracts", "level": "entity", "as_of": "2024-12-31",
        "accounts": 6,
        "base": {"label": "2023-12-31", "first_day": "2023-12-31", "last_day": "2023-12-31"},
        "comparison": {"label": "2024-12-31", "first_day": "2024-12-31", "last_day": "2024-12-31"},
    }  # fmt: skip
    assert found.passport.as_dict().items() >= asked.items()


def test_accounts_behind_a_line_are_its_members(stock):
    found = ask()

    assert [(row.name, row.values["churned"]) for row in found.bridge.behind("churned")] == [("Gone", -500)]
    assert [row.name for row in found.bridge.behind("opening")] == ["Grown", "Shrunk", "Gone", "Same"]
    assert {row.name: row.values["contracts"] for row in found.table.rows()}["Gone"] == 0


def test_leaves_add_up_to_the_bridge(stock):
    found = ask(by="segment")

    assert {leaf.key: leaf.bars["closing"].amount for leaf in found.breakdown.leaves} == {"A": 1800, "B": 1200}
    for name in BARS:
        assert sum(leaf.bars[name].amount for leaf in found.breakdown.leaves) == found.bridge.bars[name].amount


def test_known_is_what_was_signed_by_the_comparison_day(stock):
    Contract.objects.filter(account=stock["Same"], starts_on__year=2024).update(signed_on=date(2025, 1, 1))

    assert lines(ask())["churned"] == (-900, 2)
    assert ask(comparison=date(2025, 1, 1)).comparison_contracts == 0  # the terms are over


def test_customer_from_before_the_data_is_never_new(stock):
    Account.objects.filter(name="First").update(before_data_start=True)

    assert lines(ask())["reactivated"] == (500, 2)


def test_cancelled_contract_counts_until_its_day(stock):
    contracts = Contract.objects.filter(account=stock["Grown"], starts_on__year=2024)
    contracts.update(status="cancelled", cancelled_on=COMPARISON)
    assert lines(ask())["churned"] == (-1500, 2)

    contracts.update(cancelled_on=date(2025, 1, 1))
    assert lines(ask())["churned"] == (-500, 1)

    contracts.update(cancelled_on=None)
    found = ask()
    assert [str(one.reason) for one in found.left_out.shown] == ["it is cancelled, and nobody said since when"]


def test_contracts_of_which_nothing_can_be_said_are_listed_where_they_may_matter(stock):
    account = stock["Same"]
    year(account, 2024, None)
    year(account, 2021, None)  # in force on neither day
    signed(account, 5, date(2024, 1, 1), None)
    year(account, 2024, 7, status="draft")

    found = ask()

    assert [str(one.reason) for one in found.left_out.shown] == ["it has no amount", "it has no first or no last day"]
    assert found.bridge.bars["closing"].amount == 3000


def test_rate_of_the_signing_is_frozen_and_a_missing_one_leaves_everything_undefined(stock):
    year(stock["Same"], 2024, 100, currency="USD", signed_on=date(2024, 1, 2))
    gap = ask(currency="CNY")
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 1, 2), rate=Decimal(7))
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 12, 31), rate=Decimal(8))

    assert set(map(str, gap.reasons.values())) == {"no rate USD→CNY for 2024-01"}
    assert {getattr(gap, name) for name in (*RATES, *AMOUNTS, *COUNTS)} == {None}
    assert {bar.amount for bar in gap.bridge.bars.values()} == {None}
    assert ask(currency="CNY").bridge.bars["closing"].amount == 3700


def test_moving_between_companies_of_a_group_is_nothing_at_group_level(db):
    root = make_account(name="Root")
    left, right = make_account(parent=root), make_account(parent=root)
    year(left, 2023, 100)
    year(right, 2024, 100)

    apart, together = ask(), ask(level="group")

    assert lines(apart) == {"opening": (100, 1), "churned": (-100, 1), "new": (100, 1), "closing": (100, 1)}
    assert lines(together) == {"opening": (100, 1), "closing": (100, 1)}
    assert [(row.name, row.members) for row in together.table.rows()] == [(left.name, 2)]


def test_without_contracts_every_ratio_says_why(db):
    make_account()

    found = ask()

    assert {getattr(found, name) for name in RATES} == {None}
    assert set(map(str, found.reasons.values())) == {"no contract was in force on the base day"}
    assert (found.base_value, found.cohort_accounts, len(found.table), found.breakdown) == (0, 0, 0, None)
    assert ask(by="owner").breakdown.leaves == ()


def test_one_account_and_a_day_alone(db):
    account = make_account()
    signed(account, 1, BASE, BASE)
    signed(account, 2, COMPARISON, COMPARISON)

    assert ask().growth_rate == 1.0
    assert ask().bridge.bars["opening"].amount == 365


@pytest.mark.parametrize("base", [COMPARISON, date(2025, 1, 1)])
def test_base_day_must_be_the_earlier_one(db, base):
    with pytest.raises(PeriodError):
        ask(base=base)


def slow_value(contract):
    end, months = contract.ends_on + timedelta(days=1), 0
    while add_months(contract.starts_on, months + 1) <= end:
        months += 1
    years = Fraction(months, 12) + Fraction((end - add_months(contract.starts_on, months)).days, 365)
    return Decimal(int(Fraction(contract.amount) * 10_000 / years + Fraction(1, 2))).scaleb(-4)


def slow(base, comparison):
    """(base, comparison, first day) of each account, contract by contract."""
    found = defaultdict(lambda: [Decimal(0), Decimal(0), None])
    for one in Contract.objects.exclude(status="draft"):
        if one.signed_on > comparison:
            continue
        mine = found[one.account_id]
        mine[2] = min(mine[2] or one.starts_on, one.starts_on)
        for at, day in enumerate((base, comparison)):
            if one.starts_on <= day <= one.ends_on and not (one.cancelled_on and one.cancelled_on <= day):
                mine[at] += slow_value(one)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_growth_equals_the_slow_version(db, seed):
    dice = random.Random(seed)
    accounts = [make_account() for _ in range(12)]
    start = date(2021, 1, 1)
    for number in range(60):
        first = start + timedelta(days=dice.randrange(1400))
        cancelled = dice.random() < 0.2
        Contract.objects.create(
            account=dice.choice(accounts), number=f"{seed}-{number}", amount=Decimal(dice.randrange(10**8)).scaleb(-2),
            currency="CNY", starts_on=first, ends_on=first + timedelta(days=dice.randrange(900)),
            signed_on=first + timedelta(days=dice.randrange(-90, 30)),
            status="cancelled" if cancelled else dice.choice(["active", "completed", "draft"]),
            cancelled_on=first + timedelta(days=30 + dice.randrange(500)) if cancelled else None,
        )  # fmt: skip

    for _ in range(10):
        base = start + timedelta(days=dice.randrange(1200))
        comparison = base + timedelta(days=dice.randrange(1, 700))
        found, rows = ask(base=base, comparison=comparison), slow(base, comparison)
        existing = [row for row in rows.values() if row[0] > 0]
        gained = [row for row in rows.values() if row[0] <= 0 < row[1]]
        total = sum((row[0] for row in existing), Decimal(0))
        assert found.bridge.bars["opening"].amount == total
        assert found.bridge.bars["closing"].amount == sum((row[1] for row in rows.values()), Decimal(0))
        assert found.bridge.bars["new"].amount == sum((row[1] for row in gained if row[2] > base), Decimal(0))
        assert found.bridge.bars["reactivated"].amount == sum((row[1] for row in gained if row[2] <= base), Decimal(0))
        assert found.cohort_accounts == len(existing)
        if existing:
            assert found.net_revenue_retention == float(sum(row[1] for row in existing) / total)
            assert found.gross_revenue_retention == float(sum(min(row[:2]) for row in existing) / total)


UNITS = st.integers(0, 10**12)


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.tuples(UNITS, st.integers(0, 900), st.integers(0, 700), st.integers(0, 1500)), min_size=1, max_size=8)
)
def test_bridge_of_any_contracts_adds_up(contracts):
    """Each is one account; in force on the base day, the comparison day, both or neither."""
    start = date(2022, 1, 1)
    first = np.array([start + timedelta(days=begin) for _u, _l, begin, _o in contracts], dtype="datetime64[D]")
    last = first + np.array([length for _u, length, _b, _o in contracts])
    worth = annual_value([Decimal(units).scaleb(-4) for units, *_ in contracts], first, last)
    base, comparison = np.datetime64("2022-12-31"), np.datetime64("2023-12-31")
    values = [np.where((first <= day) & (day <= last), worth.astype(np.float64), 0.0) for day in (base, comparison)]

    bridge = revenue_bridge(*values, first, base_end=base + 1, comparison_start=comparison)
    kept = cohort_retention(*values)

    exact = [sum((w for w, v in zip(worth, side, strict=True) if v), Decimal(0)) for side in values]
    assert (bridge.opening.amount, bridge.closing.amount) == tuple(exact)
    assert bridge.opening.amount + sum(line.amount for line in bridge.lines.values()) == bridge.closing.amount
    assert bridge.lines[BridgeLine.ADJUSTMENT].amount == 0
    assert not kept.cohort_accounts or 0 <= kept.gross_revenue_retention <= 1


@pytest.mark.parametrize("size", [1, 30])
def test_growth_costs_the_same_statements_for_any_number_of_contracts(db, size, django_assert_num_queries):
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2023, 1, 1), rate=Decimal(7))
    for _ in range(size):
        account = make_account()
        year(account, 2023, 5, currency="USD")
        year(account, 2024, 6)
        year(account, 2024, None)

    with django_assert_num_queries(15):
        ask(level="group", currency="CNY", by="segment")
