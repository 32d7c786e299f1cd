"""Files for the door, and an import in one call."""

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.imports.options import ImportOptions
from accounts.imports.results import ImportResult
from accounts.imports.services import import_file
from accounts.models import Account, ImportBatch, RevenueRecord

DATA = Path(settings.BASE_DIR).parent / "shared" / "data"
ONLINE_RETAIL = DATA / "online-retail-ii"
RETAIL_HEADER = ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"]


def csv_text(rows: Sequence[Sequence[object]], *, delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue()


def write_csv(path: Path, rows: Sequence[Sequence[object]], *, encoding: str = "utf-8", delimiter: str = ",") -> Path:
    content = csv_text(rows, delimiter=delimiter).encode(encoding)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_xlsx(path: Path, rows: Sequence[Sequence[object]], *, sheet: str = "Sheet1") -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def facet_rows(*rows: Sequence[object], header: Sequence[str] = ("account_code", "booked_on", "amount")) -> list[list]:
    return [list(header), *map(list, rows)]


def imported(path: Path, *, dry_run: bool = False, **options: Any) -> ImportResult:
    options.setdefault("currency", "CNY")
    return import_file(path=path, options=ImportOptions(**options), dry_run=dry_run)


def counts(result: ImportResult) -> tuple[int, int, int, int]:
    return result.read, result.posted, result.already_there, result.rejected


def error_rows(result: ImportResult) -> list[dict[str, str]]:
    with Path(result.error_file).open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def is_untouched() -> bool:
    """Whether an import left neither batch nor account nor line."""
    return not any(manager.exists() for manager in (ImportBatch.objects, Account.objects, RevenueRecord.all_objects))


def ledger(*names: str) -> list[tuple]:
    names = names or ("account__code", "booked_on", "amount")
    return sorted(RevenueRecord.objects.values_list(*names), key=repr)
