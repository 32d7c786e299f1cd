"""What the demo company is owed: the invoices of its books of the last 13 months, and how each customer pays them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from accounts.enums import RevenueKind
from accounts.models import Account, Receivable, ReceivablePayment
from crm.demo.companies import Company
from crm.demo.horizon import Horizon, dice
from crm.demo.profiles import KEY_PROFILES, Profile
from crm.demo.revenue import COLUMNS, Row

MONTHS = 13
TERMS = (30, 30, 45, 60)  # days to pay, by customer
SOURCE = "erp"
MOST_IN_STATEMENT = 2_000
SLOW_SHARE, DISPUTED_SHARE, PARTLY_SHARE = 0.3, 0.01, 0.04
PUNCTUAL, SLOW, VERY_SLOW = (-12, 1), (-5, 22), (15, 70)  # first and last day of paying, after the due day
SMALL = Decimal(40_000)  # only small invoices are left in dispute


@dataclass(frozen=True, slots=True)
class Bill:
    """One invoice and what was paid of it until the end of the books; due_on, paid_on by the habit of its customer."""

    account_code: str
    number: str
    issued_on: date
    due_on: date
    amount: Decimal
    currency: str
    paid_on: date | None
    paid: Decimal


def bills(rows: Sequence[Row], found: Sequence[Company], *, seed: int, horizon: Horizon) -> Iterator[Bill]:
    """Invoices of the customers whose accounts somebody looks after closely: the large and the troubled ones."""
    rng, since = dice(seed, "debts"), horizon.month(-MONTHS).isoformat()
    watched = [one for one in found if one.profile in KEY_PROFILES or one.profile == Profile.COLLAPSING]
    terms = {one.code: int(rng.choice(TERMS)) for one in watched}
    habits = {
        one.code: VERY_SLOW if one.profile == Profile.COLLAPSING else SLOW if rng.random() < SLOW_SHARE else PUNCTUAL
        for one in watched
    }
    for (code, number, day, currency), amount in _totals(rows, set(terms), since).items():
        issued_on = date.fromisoformat(day)
        due_on = issued_on + timedelta(days=terms[code])
        paid_on = max(issued_on, due_on + timedelta(days=int(rng.integers(*habits[code]))))
        is_disputed = amount < SMALL and rng.random() < DISPUTED_SHARE
        is_open = is_disputed or paid_on > horizon.last_day
        paid = (amount / 2).quantize(Decimal("0.01")) if rng.random() < PARTLY_SHARE else amount
        if amount > 0:
            yield Bill(code, number, issued_on, due_on, amount, currency, None if is_open else paid_on, paid)


def _totals(rows: Sequence[Row], codes: set[str], since: str) -> dict[tuple[str, str, str, str], Decimal]:
    """(account, reference, day, currency) → amount of the invoices, in the order of the books."""
    code, day, kind, reference, amount, currency = (
        COLUMNS.index(name) for name in ("account_code", "booked_on", "kind", "reference", "amount", "currency")
    )
    found: dict[tuple[str, str, str, str], Decimal] = {}
    for row in rows:
        if row[code] in codes and row[day] >= since and row[kind] == RevenueKind.INVOICE and row[reference]:
            key = (row[code], row[reference], row[day], row[currency])
            found[key] = found.get(key, Decimal(0)) + Decimal(row[amount])
    return found


def store(drawn: Iterator[Bill], accounts: dict[str, Account]) -> None:
    """A statement for each MOST_IN_STATEMENT invoices, and as many for the payments."""
    kept = list(drawn)
    made = Receivable.objects.bulk_create(
        [
            Receivable(
                account=accounts[bill.account_code], number=bill.number, issued_on=bill.issued_on, due_on=bill.due_on,
                amount=bill.amount, currency=bill.currency, source=SOURCE,
            )
            for bill in kept
        ],
        MOST_IN_STATEMENT,
    )  # fmt: skip
    ReceivablePayment.objects.bulk_create(
        [
            ReceivablePayment(receivable=receivable, paid_on=bill.paid_on, amount=bill.paid)
            for receivable, bill in zip(made, kept, strict=True)
            if bill.paid_on
        ],
        MOST_IN_STATEMENT,
    )
