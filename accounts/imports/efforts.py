"""A file of market efforts → rows kept by month: what is right is kept, what is there already is counted, and every other
row comes back with its reason. read = kept + already there + rejected.
"""

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from django.db import transaction

from accounts.enums import EffortPurpose
from accounts.imports.cells import (
    NULL,
    CellFault,
    Guards,
    currency_typer,
    number_typer,
    text_typer,
    unescaped,
    word_typer,
)
from accounts.imports.columns import Fault
from accounts.imports.fields import CURRENCIES
from accounts.imports.importing import ConservationError
from accounts.imports.readers import Table, open_table
from accounts.imports.styles import POINT, NumberEvidence, NumberStyle
from accounts.imports.suggest import folded
from accounts.imports.unreadable import Unreadable
from accounts.locks import efforts_lock
from accounts.models import Account, MarketEffort
from accounts.models.efforts import CATEGORY_LENGTH, HOURS_DIGITS, HOURS_PLACES, NOTE_LENGTH, SOURCE_LENGTH
from accounts.querysets import AccountQuerySet

MOST_ROWS = 50_000  # a year of a large company; more is a ledger
KEPT_FAULTS = 200  # named one by one
MOST_IN_STATEMENT = 2_000
MONEY_DIGITS, MONEY_PLACES = 15, 4
COLUMNS = {
    "month": "month|date|period|month of spending|月份|月|日期|期间|期間",
    "purpose": "purpose|for|kind|目的|用途|类型|類型",
    "category": "category|what|activity|类别|类目|類別|项目|項目|活动|活動",
    "amount": "amount|cost|money|spend|spending|value|金额|金額|费用|費用|花费|花費",
    "currency": "currency|ccy|币种|货币|幣別|貨幣",
    "hours": "hours|time|working hours|工时|工時|小时|小時|时数|時數",
    "account_code": "account code|account|customer|customer code|customer id|客户编号|客户编码|客户|客戶編號|客戶代碼|客戶",
    "source": "source|origin|来源|來源",
    "note": "note|remark|comment|备注|備註|说明|說明",
}  # fmt: skip
REQUIRED = ("month", "purpose", "category")
PURPOSES = {
    **dict.fromkeys(("acquisition", "new", "winning", "win", "new customers", "新客", "新客户", "拓新", "获客", "新客戶", "獲客"),
                    EffortPurpose.ACQUISITION.value),
    **dict.fromkeys(("retention", "existing", "keeping", "keep", "existing customers", "老客", "老客户", "维护", "留存", "老客戶", "維護"),
                    EffortPurpose.RETENTION.value),
}  # fmt: skip
_MONTH_FIRST = re.compile(r"(?P<m>\d{1,2})[-/.](?P<y>\d{4})\Z")
_YEAR_FIRST = re.compile(r"(?P<y>\d{4})[-/.年](?P<m>\d{1,2})(?:月|(?:[-/.月]\d{1,2}日?(?:[T ].*)?))?\Z")
_DIGITS = re.compile(r"(?P<y>\d{4})(?P<m>\d{2})\Z")


@dataclass(frozen=True, slots=True)
class RejectedRow:
    number: int
    faults: list[Fault]


@dataclass(slots=True)
class EffortImport:
    """What became of every row. ``rejections`` are the first KEPT_FAULTS, ``reasons`` count all by their first fault."""

    read: int = 0
    kept: int = 0
    already_there: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    rejections: list[RejectedRow] = field(default_factory=list)

    def reject(self, row: RejectedRow) -> None:
        self.rejected += 1
        self.reasons[row.faults[0].code] += 1
        if len(self.rejections) < KEPT_FAULTS:
            self.rejections.append(row)

    def check(self) -> None:
        """Raises ConservationError where a row is lost."""
        if self.read != self.kept + self.already_there + self.rejected:
            raise ConservationError(
                f"{self.read} rows read, {self.kept} + {self.already_there} + {self.rejected} told of."
            )


def import_efforts(*, path: Path, accounts: AccountQuerySet, currency: str, source: str) -> EffortImport:
    """Keep the efforts of one file, all rows that are right in one transaction; the same file again keeps nothing.

    accounts : those the sender may see: only they can be named, and only who sees all may name none
    currency : of amounts without one; source : of rows without one, such as the name of the file
    raises Unreadable : the file is no table, lacks a column, or its numbers fit two readings
    """
    table = open_table(path)
    if table.rows_estimate > MOST_ROWS + 1:
        raise Unreadable("too_many_efforts", limit=MOST_ROWS)
    places = _places(table)
    typers = _typers(_number_style(table, places), currency=currency, source=source)
    result, rows = EffortImport(), []
    for number, cells in _rows(table, result):
        typed, faults = _typed(cells, places, typers, table.columns)
        if faults:
            result.reject(RejectedRow(number, faults))
        else:
            rows.append((number, typed))
    _keep(rows, accounts, result)
    result.check()
    return result


def _places(table: Table) -> dict[str, int]:
    """Field → its column, by the words of the header. Raises Unreadable naming what is missing."""
    by_words = {folded(name): at for at, name in enumerate(table.columns) if name}
    found: dict[str, int] = {}
    for key, words in COLUMNS.items():
        at = next((by_words[folded(word)] for word in words.split("|") if folded(word) in by_words), None)
        if at is not None and at not in found.values():
            found[key] = at
    missing = [key for key in REQUIRED if key not in found]
    missing += ["amount"] if not {"amount", "hours"} & set(found) else []
    if missing:
        raise Unreadable(
            "missing_effort_columns", missing=", ".join(missing), found=", ".join(filter(None, table.columns))
        )
    return found


def _number_style(table: Table, places: dict[str, int]) -> NumberStyle:
    """How amounts are written; raises Unreadable where every one fits two readings."""
    evidence = NumberEvidence()
    for chunk in table.chunks():
        for key in ("amount", "hours"):
            if key in places:
                evidence.add({row[places[key]] for row in chunk.rows})
    style = evidence.decide()
    if style is None:
        raise Unreadable("ambiguous_numbers", example=evidence.example)
    return style or POINT


def _typers(style: NumberStyle, *, currency: str, source: str) -> dict[str, Callable[[str], str]]:
    guards = Guards()
    return {
        "month": _month_typer(guards),
        "purpose": word_typer(guards, PURPOSES, default=""),
        "category": text_typer(guards, length=CATEGORY_LENGTH, required="missing_category"),
        "amount": number_typer(guards, style, places=MONEY_PLACES, digits=MONEY_DIGITS),
        "currency": currency_typer(guards, CURRENCIES, default=currency),
        "hours": _hours_typer(number_typer(guards, style, places=MONEY_PLACES, digits=MONEY_DIGITS)),
        "account_code": text_typer(guards, length=64),
        "source": text_typer(guards, length=SOURCE_LENGTH, blank=source[:SOURCE_LENGTH]),
        "note": text_typer(guards, length=NOTE_LENGTH),
    }


def _hours_typer(number: Callable[[str], str]) -> Callable[[str], str]:
    """Numbers within the narrower bounds of hours."""

    def type_hours(cell: str) -> str:
        text = number(cell)
        whole, _point, decimals = text.lstrip("-").partition(".")
        if text != NULL and len(decimals) > HOURS_PLACES:
            raise CellFault("too_many_decimals", limit=HOURS_PLACES)
        if text != NULL and len(whole) > HOURS_DIGITS - HOURS_PLACES:
            raise CellFault("number_out_of_range", limit=HOURS_DIGITS - HOURS_PLACES)
        return text

    return type_hours


def _month_typer(guards: Guards) -> Callable[[str], str]:
    """A month, or a day in it: 2024-03, 03/2024, 202403, 2024年3月, 2024-03-15."""

    def type_month(cell: str) -> str:
        text = unicodedata.normalize("NFKC", guards.text(cell))
        if not text:
            raise CellFault("missing_month")
        for form in (_YEAR_FIRST, _MONTH_FIRST, _DIGITS):
            if (found := form.match(text)) and 1 <= int(found["m"]) <= 12:
                return date(int(found["y"]) or 1, int(found["m"]), 1).isoformat()
        raise CellFault("no_month")

    return type_month


def _rows(table: Table, result: EffortImport) -> Iterator[tuple[int, list[str]]]:
    """Rows with as many cells as the header; others are rejected at once."""
    for chunk in table.chunks():
        result.read += len(chunk.rows) + len(chunk.ragged)
        for number, cells in chunk.ragged:
            details: dict[str, object] = {"found": len(cells), "expected": len(table.columns)}
            result.reject(RejectedRow(number, [Fault("", "", "cell_count", details)]))
        yield from zip(chunk.numbers, chunk.rows, strict=True)


def _typed(
    cells: list[str], places: dict[str, int], typers: dict[str, Callable[[str], str]], columns: list[str]
) -> tuple[dict[str, str], list[Fault]]:
    """(normal form of each field, what is wrong with the row)."""
    typed, faults = {}, []
    for key, typer in typers.items():
        cell = cells[places[key]] if key in places else ""
        try:
            typed[key] = typer(cell)
        except CellFault as fault:
            faults.append(Fault(columns[places[key]] if key in places else key, cell[:80], fault.code, fault.details))
    if not faults:
        faults = [Fault(key, "", code) for key, code in _contradictions(typed)]
    return typed, faults


def _contradictions(typed: dict[str, str]) -> Iterator[tuple[str, str]]:
    """What the cells say together that cannot be."""
    if not typed["purpose"]:
        yield "purpose", "missing_purpose"
    if typed["amount"] == NULL and typed["hours"] == NULL:
        yield "amount", "amount_or_hours"
    for key in ("amount", "hours"):
        if typed[key] != NULL and typed[key].startswith("-"):
            yield key, "negative_effort"
    if typed["amount"] != NULL and not typed["currency"]:
        yield "currency", "unknown_currency"


@transaction.atomic
def _keep(rows: list[tuple[int, dict[str, str]]], accounts: AccountQuerySet, result: EffortImport) -> None:
    """Store what is new: three statements and one for each MOST_IN_STATEMENT rows."""
    efforts_lock()
    codes = {unescaped(typed["account_code"]) for _number, typed in rows} - {""}
    known = {account.code: account for account in accounts.filter(code__in=codes).only("pk", "code")}
    is_whole, seen, named = accounts.is_everything, Counter[bytes](), []
    for number, typed in rows:
        code = unescaped(typed["account_code"])
        fault = (
            ("unknown_effort_account" if code not in known else "") if code else ("" if is_whole else "account_needed")
        )
        if fault:
            result.reject(RejectedRow(number, [Fault("account_code", code, fault)]))
            continue
        content = "\x1f".join(typed[key] for key in COLUMNS).encode()
        seen[content] += 1
        named.append((_identity(content, seen[content]), typed, known.get(code)))
    there = _there([identity for identity, _typed_row, _account in named])
    fresh = [_effort(*row) for row in named if row[0] not in there]
    MarketEffort.objects.bulk_create(fresh, MOST_IN_STATEMENT)
    result.kept, result.already_there = len(fresh), len(named) - len(fresh)


def _identity(content: bytes, occurrence: int) -> bytes:
    """The same row twice in a file is two efforts; the same file twice is one."""
    return hashlib.md5(content + b"\x1e%d" % occurrence, usedforsecurity=False).digest()


def _there(identities: list[bytes]) -> set[bytes]:
    found = MarketEffort.objects.filter(identity__in=identities).values_list("identity", flat=True)
    return {bytes(identity) for identity in found if identity is not None}


def _effort(identity: bytes, typed: dict[str, str], account: Account | None) -> MarketEffort:
    amount, hours = (None if typed[key] == NULL else Decimal(typed[key]) for key in ("amount", "hours"))
    return MarketEffort(
        month=date.fromisoformat(typed["month"]),
        purpose=typed["purpose"],
        category=unescaped(typed["category"]),
        amount=amount,
        currency="" if amount is None else typed["currency"],
        hours=hours,
        account=account,
        source=unescaped(typed["source"]),
        note=unescaped(typed["note"]),
        identity=identity,
    )
