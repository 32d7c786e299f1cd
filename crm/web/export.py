"""Tables as files that Excel opens as they are: CSV with a byte order mark, XLSX; no cell runs as a formula."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename

from accounts.imports.exporting import LedgerExport
from accounts.imports.guard import guard
from accounts.models import Account, RevenueRecord

BOM = "\ufeff"
CSV_LINES = 500  # written at once, so that a long file starts at once
FORMS = ("csv", "xlsx")
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def table_file(
    form: str, name: str, headings: Sequence[Any], rows: Iterable[Sequence[Any]], *, about: Sequence[Sequence[Any]] = ()
) -> HttpResponseBase:
    """The table as a download. ``about`` (label, value) goes onto a second sheet; a CSV has none.

    Raises Http404 for a form we do not write.
    """
    name = get_valid_filename(name)  # may hold a code that people typed
    if form == "csv":
        response = StreamingHttpResponse(csv_chunks(headings, rows), content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.csv")
        return response
    if form == "xlsx":
        return FileResponse(
            xlsx_file(headings, rows, about=about), as_attachment=True, filename=f"{name}.xlsx", content_type=XLSX_TYPE
        )
    raise Http404


def ledger_file(records: QuerySet[RevenueRecord], *, visible: QuerySet[Account]) -> StreamingHttpResponse:
    """``records`` as a download that the profile ``facet`` reads back; ``visible`` as LedgerExport has it."""
    export = iter(LedgerExport(records, visible))  # an iterator has a close, by which a broken download ends the query
    response = StreamingHttpResponse(export, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="ledger-{timezone.localdate()}.csv"'
    return response


def csv_chunks(headings: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    buffer.write(BOM)
    writer.writerow([guard(str(heading)) for heading in headings])
    for at, row in enumerate(rows, 1):
        writer.writerow([_csv_cell(value) for value in row])
        if at % CSV_LINES == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def xlsx_file(
    headings: Sequence[Any], rows: Iterable[Sequence[Any]], *, about: Sequence[Sequence[Any]] = ()
) -> "tempfile._TemporaryFileWrapper[bytes]":
    """The table as a workbook in a temporary file, written row by row in constant memory."""
    import xlsxwriter

    target = tempfile.NamedTemporaryFile(suffix=".xlsx")  # noqa: SIM115 (the response closes it)
    book = xlsxwriter.Workbook(
        target.name, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold, dated = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet()
    sheet.freeze_panes(1, 1)
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, guard(str(heading)), bold)
    for at, row in enumerate(rows, 1):
        for column, value in enumerate(row):
            _write_xlsx(sheet, at, column, value, dated)
    if about:
        notes = book.add_worksheet()
        for at, (label, value) in enumerate(about):
            notes.write_string(at, 0, guard(str(label)), bold)
            notes.write_string(at, 1, guard(str(value)))
    book.close()
    target.seek(0)
    return target


def _csv_cell(value: Any) -> Any:
    if value is None:
        return ""
    if isinstance(value, bool | int | float | Decimal | date):
        return value
    return guard(str(value))


def _write_xlsx(sheet: Any, row: int, column: int, value: Any, dated: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal):
        sheet.write_number(row, column, float(value))
    elif isinstance(value, date) and not isinstance(value, datetime):
        sheet.write_datetime(row, column, datetime(value.year, value.month, value.day), dated)  # noqa: DTZ001
    else:
        # A string cell never runs; the apostrophe guards the way through a CSV that is saved from it.
        sheet.write_string(row, column, guard(str(value)))
