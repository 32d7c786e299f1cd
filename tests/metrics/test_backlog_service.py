"""Backlog over accounts: the worked example, books against stand-in, what is listed and why, rates, groups, statements."""

from datetime import date
from decimal import Decimal

import pytest

from accounts.models import Account, Contract
from metrics.services.backlog import MONEY, backlog
from metrics.services.contract_lines import account_contracts, months_ahead
from tests.factories import make_account, make_contract, make_milestone, make_rate, post_revenue

AS_OF = date(2024, 12, 31)
pytestmark = pytest.mark.django_db


def signed(account, amount=1200, **fields):
    defaults = {
        "amount": None if amount is None else Decimal(amount), "currency": "CNY", "status": "active",
        "signed_on": date(2024, 1, 10), "starts_on": date(2024, 7, 1), "ends_on": date(2025, 6, 30),
    }  # fmt: skip
    return make_contract(account=account, **(defaults | fields))


def recognise(contract, amount, day=date(2024, 9, 1), **fields):
    line = {"account": contract.account, "contract": contract, "booked_on": day, "amount": Decimal(amount)}
    return post_revenue([line | {"basis": "recognised", "currency": contract.currency} | fields])


def ask(**choices):
    return backlog(Account.objects.all(), **({"as_of": AS_OF} | choices))


def money(found):
    return {name: value for name in MONEY if (value := getattr(found, name))}


def test_worked_example_is_told_as_a_stand_in():
    signed(make_account(), 1_200_000)

    found = ask()

    assert money(found) == {
        "signed": Decimal(1_200_000), "recognised": Decimal("604931.51"), "recognised_by_proxy": Decimal("604931.51"),
        "backlog": Decimal("595068.49"), "next_12_months": Decimal("595068.49"),
    }  # fmt: skip
    assert (found.recognised_source, found.contracts, found.contracts_by_proxy) == ("proxy", 1, 1)
    assert [str(month.amount) for month in found.months[:7]] == [
        "101917.8100", "92054.7900", "101917.8100", "98630.1300", "101917.8100", "98630.1400", "0.0000",
    ]  # fmt: skip
    asked = {
        "metric": "backlog", "version": "1", "base": None, "comparison": None, "basis": "contracts", "level": "entity",
        "as_of": "2024-12-31", "accounts": 1,
    }  # fmt: skip
    assert found.passport.as_dict().items() >= asked.items()
    assert (found.currency, found.reasons, found.left_out.count) == ("CNY", {}, 0)


def test_what_the_books_recognised_stands_for_itself_and_beside_the_stand_in():
    account = make_account()
    recorded, _by_line = signed(account), signed(account, 365)
    recognise(recorded, 500)
    recognise(recorded, -50, kind="credit_note")
    recognise(recorded, 40, day=date(2025, 1, 1))  # after the day asked about
    post_revenue(
        [{"account": account, "contract": recorded, "amount": Decimal(9), "booked_on": date(2024, 8, 1)}]
    )  # invoiced

    found = ask()

    assert (found.recognised_from_records, found.recognised_by_proxy) == (450, 184)
    assert (found.recognised, found.recognised_source, found.contracts_from_records) == (634, "both", 1)
    assert found.signed - found.recognised == found.backlog == 931
    assert (
        ask(as_of=date(2024, 8, 1)).recognised_from_records == 0
    )  # known contracts of the books never change their source


def test_milestones_come_when_they_are_planned():
    contract = signed(make_account(), 1000, starts_on=None, ends_on=None)
    make_milestone(contract=contract, amount=Decimal(100), planned_on=date(2024, 3, 1), accepted_on=date(2024, 4, 1))
    make_milestone(contract=contract, amount=Decimal(200), planned_on=date(2024, 12, 1))
    make_milestone(contract=contract, amount=Decimal(300), planned_on=date(2025, 12, 31))
    make_milestone(contract=contract, amount=Decimal(50), planned_on=date(2026, 1, 1))

    found = ask()

    assert money(found) == {
        "signed": 1000, "recognised": 100, "recognised_by_proxy": 100, "backlog": 900, "next_12_months": 300, "later": 50,
        "overdue": 200, "undated": 350,
    }  # fmt: skip
    assert [month.period.label for month in found.months if month.amount] == ["2025-12"]


def test_cancelled_contract_leaves_no_backlog():
    signed(make_account(), status="cancelled", cancelled_on=date(2024, 9, 30))

    found = ask()

    assert (found.signed, found.recognised, found.backlog) == (Decimal("299.18"), Decimal("299.18"), 0)
    assert ask(as_of=date(2024, 9, 29)).signed == 1200


def test_more_recognised_than_signed_is_listed_and_makes_no_backlog():
    contract = signed(make_account(name="Over"))
    recognise(contract, 1300)

    found = ask()

    assert (found.backlog, found.overrun) == (0, 100)
    assert found.signed - found.recognised == found.backlog - found.overrun
    (listed,) = found.overrun_contracts.shown
    assert (listed.number, listed.account_name, listed.amount, str(listed.reason)) == (
        contract.number, "Over", 100, "more is recognised than was signed",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount": None}, "it has no amount"),
        ({"amount": -5}, "its amount is below 0"),
        ({"ends_on": None}, "it has no first or no last day"),
        ({"starts_on": None}, "it has no first or no last day"),
        ({"signed_on": None, "starts_on": None}, "it has neither a day of signing nor a first day"),
        ({"status": "cancelled"}, "it is cancelled, and nobody said since when"),
    ],
)
def test_contract_of_which_nothing_can_be_said_is_listed_with_the_reason(fields, reason):
    signed(make_account(), 100)
    broken = signed(make_account(name="Broken"), **fields)

    found = ask()

    assert found.signed == 100
    assert (found.left_out.count, found.left_out.shown[0].number) == (1, broken.number)
    assert str(found.left_out.shown[0].reason) == reason


def test_books_in_another_currency_than_the_contract_are_listed():
    recognise(signed(make_account()), 5, currency="USD")

    assert str(ask().left_out.shown[0].reason) == "the books recognised it in another currency than it was signed in"


def test_drafts_and_what_is_signed_later_count_nowhere():
    signed(make_account(), status="draft")
    signed(make_account(), signed_on=date(2025, 1, 1))

    found = ask()

    assert (found.signed, found.left_out.count, len(found.table)) == (None, 0, 0)
    assert set(map(str, found.reasons.values())) == {"no contract was signed by that day"}
    assert set(found.reasons) == set(MONEY)


def test_signed_value_keeps_the_rate_of_its_signing():
    signed(make_account(), 365, currency="USD")
    signed(make_account(), 100)
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 1, 9), rate=Decimal(7))
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 12, 30), rate=Decimal(8))

    found = ask(currency="CNY")

    assert (found.signed, found.recognised) == (2655, Decimal("1338.41"))  # 184 x 7 and 50.41
    assert ask().currency == "CNY"


def test_missing_rate_leaves_the_figures_undefined_and_the_other_accounts_known():
    foreign, own = make_account(), make_account()
    signed(foreign, 365, currency="USD")
    signed(own, 100)

    found = ask(currency="CNY")

    assert money(found) == {}
    assert set(map(str, found.reasons.values())) == {"no rate USD→CNY for 2024-01"}
    assert [str(rate) for rate in found.missing_rates] == ["no rate USD→CNY for 2024-01"]
    rows = {row.account_id: row.values["signed"] for row in found.table.rows()}
    assert rows == {foreign.pk: None, own.pk: 100}
    assert {month.amount for month in found.months} == {None}


def test_rate_of_a_contract_that_is_done_is_missed_only_where_its_amount_counts():
    signed(make_account(), 365, currency="USD", starts_on=date(2023, 1, 1), ends_on=date(2023, 12, 31))
    signed(make_account(), 365)

    found = ask(currency="CNY")

    assert (found.signed, found.recognised, found.backlog, found.next_12_months) == (None, None, 181, 181)
    assert set(found.reasons) == {"signed", "recognised", "recognised_from_records", "recognised_by_proxy"}
    assert {row.values["backlog"] for row in found.table.rows()} == {0, 181}


def test_only_accounts_in_view_count_and_groups_stand_together():
    root, other = make_account(name="Root"), make_account(name="Other")
    child = make_account(parent=root)
    for account in (root, child, other):
        signed(account, 100)

    found = ask(level="group")

    assert [(row.name, row.members, row.values["signed"]) for row in found.table.rows(order_by="signed")] == [
        ("Root", 2, 200), ("Other", 1, 100),
    ]  # fmt: skip
    assert backlog(Account.objects.filter(pk=child.pk), as_of=AS_OF).signed == 100
    assert backlog(Account.objects.none(), as_of=AS_OF).signed is None


def test_table_adds_up_to_the_figures():
    for number in range(1, 8):
        account = make_account()
        recognise(signed(account, 100 * number), 10 * number)
        signed(account, 77 * number, ends_on=date(2027, 1, number))

    found = ask()
    rows = found.table.rows()

    for name in MONEY:
        assert sum(row.values[name] for row in rows) == getattr(found, name)
    assert sum(row.values["contracts"] for row in rows) == found.contracts == 14
    assert sum(month.amount for month in found.months) == found.next_12_months


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        (date(2024, 12, 31), ("2025-01-01", "2025-01-31"), ("2025-12-01", "2025-12-31")),
        (date(2024, 2, 10), ("2024-02-11", "2024-02-29"), ("2025-01-01", "2025-01-31")),
        (date(2024, 1, 30), ("2024-01-31", "2024-01-31"), ("2024-12-01", "2024-12-31")),
    ],
)
def test_months_ahead_begin_the_day_after(as_of, first, last):
    found = months_ahead(as_of)

    assert len(found) == 12
    assert [(str(one.start), str(one.last_day)) for one in (found[0], found[-1])] == [first, last]


def test_contracts_of_an_account_are_told_in_their_own_currency():
    account = make_account()
    dollars, parts = signed(account, 365, currency="USD"), signed(account, 100, starts_on=None, ends_on=None)
    make_milestone(contract=parts, amount=Decimal(40), accepted_on=date(2024, 6, 1))
    blank, draft = signed(account, None), signed(account, status="draft")
    Contract.objects.filter(pk=blank.pk).update(amount=None)

    found = account_contracts(account, as_of=AS_OF)

    assert (found[dollars.pk].recognised, found[dollars.pk].backlog, found[dollars.pk].method) == (
        184,
        181,
        "straight_line",
    )
    assert (found[parts.pk].recognised, found[parts.pk].backlog, found[parts.pk].method) == (40, 60, "milestones")
    assert (found[blank.pk].signed, str(found[blank.pk].reason)) == (None, "it has no amount")
    assert draft.pk not in found


@pytest.mark.parametrize("size", [1, 30])
def test_backlog_costs_the_same_statements_for_any_number_of_contracts(size, django_assert_num_queries):
    make_rate(from_currency="USD", to_currency="CNY", valid_on=date(2024, 1, 10), rate=Decimal(7))
    for number in range(size):
        contract = signed(make_account(), 1000 + number, currency="CNY" if number % 2 else "USD")
        make_milestone(contract=contract, amount=Decimal(10))
        signed(contract.account, None)
        recognise(signed(contract.account, 5), 9)

    with django_assert_num_queries(11):
        ask(level="group", currency="CNY")
    account = Account.objects.first()
    with django_assert_num_queries(3):
        account_contracts(account, as_of=AS_OF)
