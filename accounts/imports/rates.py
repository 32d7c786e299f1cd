"""Files of exchange rates → the table of rates: every row is new, already there, replaced or rejected with its reason."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from django.db import transaction
from django.utils import timezone

from accounts.imports.columns import Fault, Rejection
from accounts.imports.errors_file import ErrorFile, Example
from accounts.imports.importing import ConservationError
from accounts.imports.options import refusing
from accounts.imports.rate_rows import RateRow, RateTyper
from accounts.imports.readers import ListTable, Table, open_table
from accounts.locks import ledger_lock
from accounts.models import ExchangeRate

Key = tuple[str, str, str, Any]
WRITTEN_AT_ONCE = 2_000


@dataclass(slots=True)
class RatesResult:
    """What became of every row: read = new + already there + replaced + rejected."""

    read: int = 0
    new: int = 0
    already_there: int = 0
    replaced: int = 0
    rejected: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def different(self) -> int:
        """Rows whose rate is stored with another value, and stays."""
        return self.reasons.get("rate_differs", 0)

    def to_json(self) -> dict[str, Any]:
        names = ("read", "new", "already_there", "replaced", "rejected", "reasons", "seconds")
        return {name: getattr(self, name) for name in names}


def import_rates(
    *, path: Path, replace: bool = False, dry_run: bool = False, errors: IO[bytes] | None = None
) -> RatesResult:
    """Post the rates of a CSV, CSV.gz or XLSX file in one transaction; the same file again changes nothing.

    replace : a stored rate with another value takes the file's; else such a row is rejected
    errors : takes the marked error file where a row was rejected
    Two queries to look and one statement per 2,000 rows to write. Raises ImportRefused for a file that cannot be read.
    """
    with refusing():
        return _import(open_table(path), replace=replace, dry_run=dry_run, errors=errors)


def post_rates(*, rows: Sequence[dict[str, Any]], replace: bool = False) -> RatesResult:
    """Post the rates of a request, all of them or none: with ``rejected`` above 0 nothing is kept."""
    columns = ["from_currency", "to_currency", "valid_on", "rate", "kind", "source"]
    cells = [[str(row.get(name, "")) for name in columns] for row in rows]
    table = ListTable(columns, cells)
    with transaction.atomic(), refusing():
        result = _import(table, replace=replace, dry_run=False, errors=None)
        if result.rejected:
            transaction.set_rollback(True)
    return result


def _import(table: Table, *, replace: bool, dry_run: bool, errors: IO[bytes] | None) -> RatesResult:
    begun = time.monotonic()
    typer = RateTyper(table, today=timezone.localdate())
    result = RatesResult()
    good: list[RateRow] = []
    refused: list[Rejection] = []
    for rows, rejected in typer.rows(table):
        good += rows
        refused += rejected
    result.read = len(good) + len(refused)
    with transaction.atomic():
        ledger_lock()
        refused += _post(good, result, replace=replace)
        _tell(result, sorted(refused, key=lambda one: one.number), typer, errors)
        transaction.set_rollback(dry_run)
    result.seconds = round(time.monotonic() - begun, 2)
    return result


def _post(rows: Sequence[RateRow], result: RatesResult, *, replace: bool) -> list[Rejection]:
    """Write what is new, or to be replaced; returns the rows that differ from what is stored or came before in the file."""
    stored, taken = _stored(rows), dict[Key, Decimal]()
    fresh, changed, refused = [], [], []
    for row in rows:
        known = stored.get(row.key)
        if row.key in taken and taken[row.key] != row.rate:
            refused.append(_different(row, taken[row.key], "rate_twice"))
        elif row.key in taken or (known is not None and known.rate == row.rate):
            result.already_there += 1
        elif known is None:
            fresh.append(row)
        elif replace:
            changed.append(row)
        else:
            refused.append(_different(row, known.rate, "rate_differs"))
            continue
        taken.setdefault(row.key, row.rate)
    result.new, result.replaced = len(fresh), len(changed)
    _write(fresh, changed, stored)
    return refused


def _stored(rows: Sequence[RateRow]) -> dict[Key, ExchangeRate]:
    """The rates there are for the rows, by key; one query."""
    if not rows:
        return {}
    days = [row.valid_on for row in rows]
    found = ExchangeRate.objects.filter(
        from_currency__in={row.from_currency for row in rows},
        to_currency__in={row.to_currency for row in rows},
        valid_on__gte=min(days),
        valid_on__lte=max(days),
    )
    return {(one.from_currency, one.to_currency, one.kind, one.valid_on): one for one in found}


def _write(fresh: Iterable[RateRow], changed: Iterable[RateRow], stored: dict[Key, ExchangeRate]) -> None:
    ExchangeRate.objects.bulk_create(
        [
            ExchangeRate(
                from_currency=row.from_currency, to_currency=row.to_currency, valid_on=row.valid_on, rate=row.rate,
                kind=row.kind, source=row.source,
            )
            for row in fresh
        ],
        batch_size=WRITTEN_AT_ONCE,
    )  # fmt: skip
    now, updated = timezone.now(), []
    for row in changed:
        rate = stored[row.key]
        rate.rate, rate.source, rate.updated_at = row.rate, row.source or rate.source, now
        updated.append(rate)
    ExchangeRate.objects.bulk_update(updated, ["rate", "source", "updated_at"], batch_size=WRITTEN_AT_ONCE)


def _different(row: RateRow, known: Decimal, code: str) -> Rejection:
    text = f"{known.normalize():f}"
    return Rejection(row.number, row.cells, [Fault("rate", f"{row.rate:f}", code, {"known": text})])


def _tell(result: RatesResult, refused: list[Rejection], typer: RateTyper, errors: IO[bytes] | None) -> None:
    """Count the rejections, keep them, and write the error file. Raises ConservationError where a row is lost."""
    file = ErrorFile(typer.columns, batch=None, marks=typer.marks)
    file.add(refused)
    result.rejections, result.rejected = refused, file.tally.rejected
    result.reasons, result.examples = dict(file.tally.reasons.most_common()), file.tally.examples
    if refused and errors is not None:
        file.write_to(errors)
    file.close()
    if result.read != result.new + result.already_there + result.replaced + result.rejected:
        raise ConservationError(
            f"{result.read} rows read, but {result.new} new, {result.already_there} already there, {result.replaced}"
            f" replaced and {result.rejected} rejected."
        )
