"""What an account owes by age, against a slow version."""

import random
from datetime import date, timedelta
from decimal import Decimal

import pytest

from accounts.models import Receivable
from metrics.services.receivables import OPEN_SHOWN, Ageing, account_receivables
from tests.factories import make_account, make_receivable
from tiering import facts

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)
SINCE = date(2024, 1, 1)


def late(days: int) -> date:
    return AS_OF - timedelta(days=days)


def slowly(account, currency) -> Ageing:
    """Invoice by invoice."""
    ages = dict.fromkeys(("not_due", "to_30", "to_60", "to_90", "over_90"), Decimal(0))
    invoices, due, in_time = 0, Decimal(0), Decimal(0)
    for invoice in Receivable.objects.filter(account=account, currency=currency, issued_on__lte=AS_OF):
        payments = [(one.paid_on, one.amount) for one in invoice.payments.all()]
        owed = max(invoice.amount - sum(amount for day, amount in payments if day <= AS_OF), Decimal(0))
        days = (AS_OF - invoice.due_on).days
        name = next(
            (name for name, end in (("not_due", -1), ("to_30", 30), ("to_60", 60), ("to_90", 90)) if days <= end),
            "over_90",
        )
        ages[name] += owed
        invoices += owed > 0
        if SINCE <= invoice.due_on <= AS_OF:
            due += invoice.amount
            in_time += min(invoice.amount, sum(amount for day, amount in payments if day <= min(invoice.due_on, AS_OF)))
    return Ageing(currency=currency, invoices=invoices, due=due, in_time=in_time, **ages)


@pytest.mark.parametrize(
    ("days", "age"),
    [
        (-1, "not_due"),
        (0, "to_30"),
        (30, "to_30"),
        (31, "to_60"),
        (60, "to_60"),
        (61, "to_90"),
        (90, "to_90"),
        (91, "over_90"),
    ],
)
def test_the_age_counts_from_the_due_day(days, age):
    account = make_account()
    make_receivable(account=account, due_on=late(days), amount=Decimal("12.34"), issued_on=late(120))

    (found,) = account_receivables(account, as_of=AS_OF).ages

    ages = {name: getattr(found, name) for name in ("not_due", "to_30", "to_60", "to_90", "over_90")}
    assert ages == dict.fromkeys(ages, Decimal(0)) | {age: Decimal("12.34")}
    assert (found.open, found.overdue) == (Decimal("12.34"), Decimal("12.34") if days >= 0 else 0)


def test_ages_of_random_invoices_are_those_of_the_slow_version():
    rng = random.Random(7)
    account, other = make_account(), make_account()
    for _ in range(120):
        due_on, amount = late(rng.randint(-60, 500)), Decimal(rng.randint(1, 900_000)) / 100
        paid = [
            (
                due_on + timedelta(days=rng.randint(-20, 60)),
                (amount * rng.randint(1, 12) / 10).quantize(Decimal("0.01")),
            )
            for _ in range(rng.randint(0, 2))
        ]
        make_receivable(
            account=rng.choice([account, account, other]), due_on=due_on, amount=amount, paid=paid,
            currency=rng.choice(["CNY", "EUR"]),
        )  # fmt: skip

    found = account_receivables(account, as_of=AS_OF)

    assert found.ages == (slowly(account, "CNY"), slowly(account, "EUR"))
    assert found.since == SINCE
    assert [one.late for one in found.open] == sorted((one.late for one in found.open), reverse=True)
    assert len(found.open) == min(found.invoices, OPEN_SHOWN)
    shares = [age.in_time_share for age in found.ages]
    assert all(0 <= share <= 1 for share in shares)


def test_the_share_paid_in_time_is_what_grades_are_made_of():
    account = make_account()
    make_receivable(account=account, due_on=late(100), amount=Decimal(100), paid=[(late(100), 60), (late(50), 40)])
    make_receivable(account=account, due_on=late(40), amount=Decimal(50), paid=[(late(45), 50)])
    make_receivable(account=account, due_on=late(70), amount=Decimal(30))

    (found,) = account_receivables(account, as_of=AS_OF).ages

    debts = facts.debts(as_of=AS_OF, first=SINCE, currency="CNY")
    assert (float(found.due), float(found.in_time)) == (debts.due[0], debts.on_time[0]) == (180, 110)
    assert float(found.to_90) == debts.overdue_61[0] == 30


def test_nothing_fell_due_has_no_share_and_later_invoices_and_payments_do_not_count():
    account = make_account()
    make_receivable(account=account, due_on=late(-20), amount=Decimal(80), issued_on=late(5), paid=[(late(-3), 80)])
    make_receivable(account=account, due_on=late(-40), amount=Decimal(80), issued_on=late(-1))

    (found,) = account_receivables(account, as_of=AS_OF).ages

    assert (found.open, found.invoices, found.in_time_share) == (Decimal(80), 1, None)
    assert account_receivables(make_account(), as_of=AS_OF).ages == ()


@pytest.mark.parametrize("invoices", [1, 60])
def test_two_statements_whatever_the_number_of_invoices(invoices, django_assert_num_queries):
    account = make_account()
    for _ in range(invoices):
        make_receivable(account=account, due_on=late(10))

    with django_assert_num_queries(2):
        found = account_receivables(account, as_of=AS_OF)

    assert (found.invoices, len(found.open), found.is_cut) == (
        invoices,
        min(invoices, OPEN_SHOWN),
        invoices > OPEN_SHOWN,
    )
