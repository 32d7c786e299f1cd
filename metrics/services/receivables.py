"""What customers owe on a day: open amounts by how long they are overdue, and the share that was paid in time.

Currencies are kept apart: an invoice is owed in its own. What is open is the amount less the payments until the day; an
overpaid invoice owes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import connections

from accounts.models import Account, Receivable
from crm.lib.periods import ttm

OPEN_SHOWN = 50  # invoices named, the longest overdue first
# Days after the due day at which an age ends; the last one has no end.
AGE_ENDS = (30, 60, 90)
INVOICES = """
SELECT r.id, r.number, r.issued_on, r.due_on, r.amount, r.currency,
       greatest(r.amount - coalesce(p.paid, 0), 0) AS open, least(r.amount, coalesce(p.in_time, 0)) AS in_time,
       %(as_of)s::date - r.due_on AS late
FROM accounts_receivable r
LEFT JOIN LATERAL (
    SELECT sum(y.amount) AS paid, sum(y.amount) FILTER (WHERE y.paid_on <= r.due_on) AS in_time
    FROM accounts_receivablepayment y WHERE y.receivable_id = r.id AND y.paid_on <= %(as_of)s
) p ON true
WHERE r.account_id = %(account)s AND r.issued_on <= %(as_of)s
"""
AGES = f"""
SELECT currency, coalesce(sum(open) FILTER (WHERE late < 0), 0) AS not_due,
       coalesce(sum(open) FILTER (WHERE late BETWEEN 0 AND {AGE_ENDS[0]}), 0) AS to_30,
       coalesce(sum(open) FILTER (WHERE late BETWEEN {AGE_ENDS[0] + 1} AND {AGE_ENDS[1]}), 0) AS to_60,
       coalesce(sum(open) FILTER (WHERE late BETWEEN {AGE_ENDS[1] + 1} AND {AGE_ENDS[2]}), 0) AS to_90,
       coalesce(sum(open) FILTER (WHERE late > {AGE_ENDS[2]}), 0) AS over_90,
       count(*) FILTER (WHERE open > 0) AS invoices,
       coalesce(sum(amount) FILTER (WHERE late >= 0 AND due_on >= %(first)s), 0) AS due,
       coalesce(sum(in_time) FILTER (WHERE late >= 0 AND due_on >= %(first)s), 0) AS in_time
FROM ({INVOICES}) AS invoices GROUP BY currency ORDER BY currency
"""
OPEN = f"""
SELECT id, number, issued_on, due_on, amount, currency, open, late FROM ({INVOICES}) AS invoices
WHERE open > 0 ORDER BY due_on, id LIMIT {OPEN_SHOWN}
"""


@dataclass(frozen=True, slots=True)
class Ageing:
    """What is open in one currency. not_due: before its day; to_30 … over_90: that many days after it, 0 is the day itself.

    due, in_time : what fell due since the first day of the last 12 whole months, and what of it was paid by its day
    """

    currency: str
    not_due: Decimal
    to_30: Decimal
    to_60: Decimal
    to_90: Decimal
    over_90: Decimal
    invoices: int
    due: Decimal
    in_time: Decimal

    @property
    def open(self) -> Decimal:
        return self.not_due + self.overdue

    @property
    def overdue(self) -> Decimal:
        return self.to_30 + self.to_60 + self.to_90 + self.over_90

    @property
    def overdue_percent(self) -> int:
        """Whole percent of what is open; 0 where nothing is."""
        return round(100 * self.overdue / self.open) if self.open else 0

    @property
    def in_time_share(self) -> Decimal | None:
        """0..1; None where nothing fell due."""
        return self.in_time / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """late : days after the due day, below 0 before it."""

    id: int
    number: str
    issued_on: date
    due_on: date
    amount: Decimal
    currency: str
    open: Decimal
    late: int


@dataclass(frozen=True, slots=True)
class AccountReceivables:
    """ages : one a currency, in the order of their codes; open : the first OPEN_SHOWN, the longest overdue first."""

    as_of: date
    since: date
    ages: tuple[Ageing, ...]
    open: tuple[OpenInvoice, ...]

    @property
    def invoices(self) -> int:
        return sum(ageing.invoices for ageing in self.ages)

    @property
    def is_cut(self) -> bool:
        return self.invoices > len(self.open)


def account_receivables(account: Account, *, as_of: date) -> AccountReceivables:
    """What one account owes on a day; two statements. Payments and invoices after the day do not count."""
    since = ttm(as_of).start
    values = {"account": account.pk, "as_of": as_of, "first": since}
    ages = tuple(Ageing(*row) for row in _rows(AGES, values))
    return AccountReceivables(as_of, since, ages, tuple(OpenInvoice(*row) for row in _rows(OPEN, values)))


def _rows(sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connections[Receivable.objects.db].cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
