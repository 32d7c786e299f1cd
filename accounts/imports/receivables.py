"""A file of invoices and what was paid of them → receivables: one row an invoice, or one for each of its payments.

The invoice is the account and its number. What is there already is counted; other content under the same number, and
payments beyond the amount, are rejected. read = new + already there + rejected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import IO, Any

from accounts.imports.cells import CellFault
from accounts.imports.columns import Rejection
from accounts.imports.lists import (
    ACCOUNT_WORDS,
    AT_ONCE,
    Column,
    Listing,
    ListResult,
    TypedRow,
    accounts_named,
    import_list,
    post_list,
    refusal,
)
from accounts.imports.readers import open_table
from accounts.models import Receivable, ReceivablePayment
from accounts.querysets import AccountQuerySet
from crm.lib.money import money_text

Key = tuple[int, str]
Content = tuple[date, date, Decimal, str]
Payment = tuple[date, Decimal]


def _contradictions(row: TypedRow) -> Iterator[tuple[str, CellFault]]:
    for key in ("amount", "paid_amount"):
        money = row.money(key)
        if money is not None and money <= 0:
            yield key, CellFault("amount_not_positive")
    if row.given_day("due_on") < row.given_day("issued_on"):
        yield "due_on", CellFault("due_before_issue")
    if (row.day("paid_on") is None) != (row.money("paid_amount") is None):
        yield "paid_on" if row.day("paid_on") is None else "paid_amount", CellFault("half_payment")


LISTING = Listing(
    columns={
        "account": Column(ACCOUNT_WORDS, "text", "missing_account"),
        "number": Column(("invoice", "invoice number", "invoice no", "发票号", "发票号码", "發票號碼"), "text", "missing_number"),
        "issued_on": Column(("issued", "issued on", "invoice date", "开票日期", "開票日期"), "day", "missing_date"),
        "due_on": Column(("due", "due on", "due date", "到期日", "到期日期"), "day", "missing_date"),
        "amount": Column(("invoice amount", "total", "金额", "發票金額", "发票金额", "金額"), "money", "missing_money"),
        "currency": Column(("ccy", "币种", "货币", "幣別", "貨幣"), "currency", "missing_currency"),
        "paid_on": Column(("paid", "paid on", "payment date", "付款日期", "收款日期"), "day"),
        "paid_amount": Column(("paid amount", "payment", "付款金额", "付款金額", "收款金额", "收款金額"), "money"),
        "source": Column(("来源", "來源"), "text", length=60),
    },
    contradictions=_contradictions,
)  # fmt: skip


def import_receivables(
    *, path: Path, accounts: AccountQuerySet, dry_run: bool = False, errors: IO[bytes] | None = None
) -> ListResult:
    """Post the invoices and payments of a CSV, CSV.gz or XLSX file; the same file again changes nothing.

    accounts : those the sender may see; errors : takes the marked error file where a row was rejected
    Two queries to look and two statements to write for each AT_ONCE invoices. Raises ImportRefused for a file that
    cannot be read.
    """
    return import_list(
        partial(open_table, path), LISTING, partial(_keep, accounts=accounts), dry_run=dry_run, errors=errors
    )


def post_receivables(*, rows: Sequence[Mapping[str, Any]], accounts: AccountQuerySet) -> ListResult:
    """Post the rows of a request, all of them or none: with ``rejected`` above 0 nothing is kept."""
    return post_list(rows, LISTING, partial(_keep, accounts=accounts))


@dataclass(slots=True)
class Invoice:
    """One invoice while the rows of a file are held against it. there : payments that are stored and not yet met by a row
    of the file; fresh : those to add."""

    content: Content
    source: str
    stored: Receivable | None = None
    paid: Decimal = Decimal(0)
    there: Counter[Payment] = field(default_factory=Counter)
    fresh: list[Payment] = field(default_factory=list)


def _keep(rows: Sequence[TypedRow], result: ListResult, *, accounts: AccountQuerySet) -> list[Rejection]:
    known = accounts_named(rows, accounts)
    refused, by_invoice = [], dict[Key, list[TypedRow]]()
    for row in rows:
        account_id = known.get(row.text("account"))
        if account_id is None:
            refused.append(refusal(row, "account", "unseen_account"))
        else:
            by_invoice.setdefault((account_id, row.text("number")), []).append(row)
    order = list(by_invoice)
    for start in range(0, len(order), AT_ONCE):
        keys = order[start : start + AT_ONCE]
        invoices = _stored(keys)
        for key in keys:
            for row in by_invoice[key]:
                rejection = _take(row, key, invoices, result)
                refused += [rejection] if rejection else []
        _write(invoices)
    return refused


def _take(row: TypedRow, key: Key, invoices: dict[Key, Invoice], result: ListResult) -> Rejection | None:
    """Hold one row against its invoice, the stored one or that of an earlier row."""
    content, found = _content(row), invoices.get(key)
    if found and found.content != content:
        code = "stored_differs" if found.stored else "listed_differs"
        return refusal(row, "number", code, known=_told(found.content))
    invoice = found or Invoice(content, row.text("source"))
    paid_on, amount = row.day("paid_on"), row.money("paid_amount")
    if paid_on and amount:
        payment = (paid_on, amount)
        if invoice.there[payment]:
            invoice.there[payment] -= 1
            result.already_there += 1
            return None
        open_amount = content[2] - invoice.paid
        if amount > open_amount:
            return refusal(row, "paid_amount", "payment_beyond", open=money_text(open_amount))
        invoice.paid += amount
        invoice.fresh.append(payment)
    is_new = found is None or bool(paid_on)
    result.new, result.already_there = result.new + is_new, result.already_there + (not is_new)
    invoices[key] = invoice
    return None


def _content(row: TypedRow) -> Content:
    return row.given_day("issued_on"), row.given_day("due_on"), row.given_money("amount"), row.values["currency"]


def _told(content: Content) -> str:
    issued_on, due_on, amount, currency = content
    return f"{money_text(amount)} {currency}, {issued_on} – {due_on}"


def _stored(keys: Sequence[Key]) -> dict[Key, Invoice]:
    """The invoices there are, with their payments; two queries."""
    numbers, wanted = {number for _account, number in keys}, set(keys)
    rows = Receivable.objects.filter(account__in={account for account, _number in keys}, number__in=numbers)
    found = {
        one.pk: Invoice((one.issued_on, one.due_on, one.amount, one.currency), one.source, stored=one)
        for one in rows
        if (one.account_id, one.number) in wanted
    }
    payments = ReceivablePayment.objects.filter(receivable__in=list(found))
    for receivable_id, paid_on, amount in payments.values_list("receivable", "paid_on", "amount"):
        found[receivable_id].there[paid_on, amount] += 1
        found[receivable_id].paid += amount
    return {(one.stored.account_id, one.stored.number): one for one in found.values() if one.stored}


def _write(invoices: dict[Key, Invoice]) -> None:
    fresh = {key: one for key, one in invoices.items() if one.stored is None}
    made = Receivable.objects.bulk_create(
        [
            Receivable(
                account_id=account_id, number=number, issued_on=one.content[0], due_on=one.content[1],
                amount=one.content[2], currency=one.content[3], source=one.source,
            )
            for (account_id, number), one in fresh.items()
        ]
    )  # fmt: skip
    for one, stored in zip(fresh.values(), made, strict=True):
        one.stored = stored
    ReceivablePayment.objects.bulk_create(
        [
            ReceivablePayment(receivable=one.stored, paid_on=paid_on, amount=amount)
            for one in invoices.values()
            for paid_on, amount in one.fresh
        ],
        batch_size=AT_ONCE,
    )
