"""Invoices to be paid → what each account owes on a day, by age, as arrays; beside ``frames``, whose rules hold here too."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.conf import settings

from accounts.models import Receivable
from accounts.querysets import AccountQuerySet
from crm.lib.periods import month_start
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import FloatArray
from metrics.frames import IntArray
from metrics.rates import closing_rates
from metrics.reasons import MissingRate
from metrics.scope import Membership, Scope

RECEIVABLES = "receivables"  # the basis of these figures: invoices as they were sent, with tax and all
# Days after the due day at which an age ends; the due day itself belongs to the first, the last one has no end.
AGE_ENDS = (30, 60, 90)
AGES = ("owed_not_due", "owed_30", "owed_60", "owed_90", "owed_older")
SUMS = (*AGES, "fell_due", "paid_in_time", "issued")
COUNTS = ("open_invoices",)
OPEN = "greatest(r.amount - coalesce(p.paid, 0), 0)"
BY_AGE = f"""
SELECT r.account_id, r.currency,
       coalesce(sum(o.open) FILTER (WHERE o.late < 0), 0) AS owed_not_due,
       coalesce(sum(o.open) FILTER (WHERE o.late BETWEEN 0 AND {AGE_ENDS[0]}), 0) AS owed_30,
       coalesce(sum(o.open) FILTER (WHERE o.late BETWEEN {AGE_ENDS[0] + 1} AND {AGE_ENDS[1]}), 0) AS owed_60,
       coalesce(sum(o.open) FILTER (WHERE o.late BETWEEN {AGE_ENDS[1] + 1} AND {AGE_ENDS[2]}), 0) AS owed_90,
       coalesce(sum(o.open) FILTER (WHERE o.late > {AGE_ENDS[2]}), 0) AS owed_older,
       coalesce(sum(r.amount) FILTER (WHERE o.is_due), 0) AS fell_due,
       coalesce(sum(least(r.amount, coalesce(p.in_time, 0))) FILTER (WHERE o.is_due), 0) AS paid_in_time,
       coalesce(sum(r.amount) FILTER (WHERE o.is_recent), 0) AS issued,
       count(*) FILTER (WHERE o.open > 0) AS open_invoices,
       max(o.late) FILTER (WHERE o.open > 0) AS oldest
FROM accounts_receivable r
LEFT JOIN (
    SELECT y.receivable_id, sum(y.amount) AS paid, sum(y.amount) FILTER (WHERE y.paid_on <= i.due_on) AS in_time
    FROM accounts_receivablepayment y JOIN accounts_receivable i ON i.id = y.receivable_id
    WHERE y.paid_on <= %s GROUP BY y.receivable_id
) p ON p.receivable_id = r.id
CROSS JOIN LATERAL (
    SELECT {OPEN} AS open, %s::date - r.due_on AS late, r.due_on >= %s AND r.due_on <= %s AS is_due,
           r.issued_on >= %s AS is_recent
) o
WHERE r.issued_on <= %s AND {{view}} GROUP BY r.account_id, r.currency
"""


@dataclass(frozen=True, slots=True)
class Debts:
    """One row an account and currency, (n,), translated; NaN where the closing rate is missing and there is an amount.

    sums : by the names of SUMS; open_invoices : count; oldest : days after the due day of the oldest open one, NaN for none
    """

    account_ids: IntArray
    sums: dict[str, FloatArray]
    open_invoices: IntArray
    oldest: FloatArray
    missing: tuple[MissingRate, ...]


def receivables_scope(accounts: AccountQuerySet, *, currency: str | None = None) -> Scope:
    """In the one currency that all invoices in view share, else BASE_CURRENCY; groups are those of today."""
    found = Receivable.objects.all()
    if not accounts.is_everything:
        found = found.filter(account__in=accounts.order_by().values("pk"))
    known = tuple(found.order_by("currency").values_list("currency", flat=True).distinct())
    chosen = currency or (known[0] if len(known) == 1 else str(settings.BASE_CURRENCY))
    return Scope(accounts, RECEIVABLES, chosen, known, using=accounts.db, membership=Membership.AS_NOW)


def debts_by_age(scope: Scope, *, as_of: date, first: date) -> Debts:
    """What accounts in view owe at the end of ``as_of``; invoices and payments after it do not count.

    first : first day of the 12 months over which punctuality is judged
    At the closing rate of the day (domain.md 1.5). One query, one more for the rates where an invoice is foreign.
    """
    foreign = [code for code in scope.currencies if code != scope.currency]
    rates = (
        closing_rates(scope.currency, currencies=scope.currencies, on=as_of) if foreign else [1] * len(scope.currencies)
    )
    view, inside = scope.within("r.account_id")
    by_age = BY_AGE.replace("{view}", view)
    columns: dict[str, Kind] = {
        "account_id": "int8", **dict.fromkeys(SUMS, "float8"), "open_invoices": "int8", "oldest": "float8", "rated": "int4",
    }  # fmt: skip
    picked = {name: f"CASE WHEN d.{name} = 0 THEN 0 ELSE round(d.{name} * x.rate, 4) END" for name in SUMS}
    picked |= {"account_id": "d.account_id", "open_invoices": "d.open_invoices", "oldest": "d.oldest::float8"}
    picked["rated"] = "array_position(%s::text[], d.currency::text)"
    sql = (
        f"SELECT {', '.join(as_sql(picked[name], kind) for name, kind in columns.items())} FROM ({by_age}) AS d"
        " JOIN unnest(%s::text[], %s::numeric[]) AS x(currency, rate) ON x.currency = d.currency ORDER BY d.account_id"
    )
    codes = list(scope.currencies)
    params = [codes, as_of, as_of, first, as_of, first, as_of, *inside, codes, list(rates)]
    rows = fetch(sql, params, columns, using=scope.using)
    lacking = [code for code, rate in zip(codes, rates, strict=True) if rate is None]
    needed = {codes[place - 1] for place in set(rows["rated"].tolist())}
    return Debts(
        account_ids=rows["account_id"],
        sums={name: rows[name] for name in SUMS},
        open_invoices=rows["open_invoices"],
        oldest=rows["oldest"],
        missing=tuple(MissingRate(month_start(as_of), code, scope.currency) for code in lacking if code in needed),
    )
