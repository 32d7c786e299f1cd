"""Formulas in every text that is exported, in every export, as CSV and XLSX: none is live, and none is lost (S7)."""

import csv
import io
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.test import Client
from django.urls import resolve

from accounts.imports.cells import trimmed
from accounts.imports.exporting import LedgerExport
from accounts.imports.guard import unguard
from accounts.models import Account, Product, RevenueRecord
from crm.web.export import csv_chunks, xlsx_file
from tests.accounts.imports.helpers import counts, error_rows, facet_rows, imported, write_csv
from tests.hostile.company import Company, make_company
from tests.hostile.everywhere import page_addresses, rest_addresses
from tests.hostile.exports import ROUNDS, body, every_export, is_export, rest_exports
from tests.hostile.formulas import live_in_csv, live_in_xlsx, payloads
from tests.hostile.planting import plant

# Rejected rows, as accounts.imports.errors_file writes them: tried below.
WAITS = {"imports:rates_errors", "imports:list_errors", "imports:errors", "api:imports-errors"}
NO_TABLE = {"you:codes_file": "a text of ten codes", "trail:person_export": "JSON", "api:persons-export": "JSON"}


@pytest.fixture
def company(db: None) -> Company:
    return make_company()


def live_cells(response: Any) -> list[str] | None:
    """None for what is no table."""
    kind = response.headers.get("Content-Type", "")
    if "spreadsheetml" in kind:
        return list(live_in_xlsx(body(response)))
    return list(live_in_csv(body(response))) if "csv" in kind else None


def test_no_cell_of_any_export_is_live(company: Company, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crm.web.trail.MOST_EXPORTED", 1000)  # of what the demo has left there
    client.force_login(company.boss)
    texts = payloads()
    assert len(texts) >= 100
    told: Counter[str] = Counter()
    faults: list[str] = []
    paths = every_export(company, client)
    first = every_export(company, client, figures_every=1) if ROUNDS > 1 else paths
    for number in range(ROUNDS):
        rows = plant(texts, start=number)
        assert all(rows.values()), [label for label, count in rows.items() if not count]
        for path in sorted(paths if number else first):
            faults += _faults(client, path, told)
    rest, addresses = rest_exports(company)
    for path in addresses:
        faults += _faults(rest, path, told)
    print(
        f"\nS7: {len(texts)} payloads, {len(rows)} fields, {ROUNDS} rounds, {sum(told.values())} files of {len(told)} routes"
    )
    assert faults == [], "\n".join(faults[:60])
    named = {one.route for one in [*page_addresses(company), *rest_addresses(company)] if is_export(one)}
    assert named - set(told) - WAITS - set(NO_TABLE) == set()


def _faults(client: Client, path: str, told: Counter[str]) -> list[str]:
    route = resolve(path.partition("?")[0]).view_name
    response = client.get(path)
    if response.status_code >= 500:
        return [f"{path}: {response.status_code}"]
    live = live_cells(response)
    if live is None:
        return []
    told[route] += 1
    name = response.headers.get("Content-Disposition", "")
    assert name.startswith("attachment"), path
    return [f"{path}: {cell!r}" for cell in live[:5]]


def test_ledger_comes_back_as_it_was(company: Company, tmp_path: Any) -> None:
    """The marks are taken off at the door: nothing is posted again, and every name is what it was."""
    plant([text for text in payloads() if text == trimmed(text)], start=7)  # codes are trimmed by every door
    names = ("code", "name", "segment", "industry", "region", "country", "channel")
    before = [
        set(Account.objects.values_list("pk", *names)),
        set(Product.objects.values_list("pk", "code", "name", "category")),
    ]
    records = RevenueRecord.objects.count()
    ledger = tmp_path / "ledger.csv"
    with ledger.open("wb") as file:
        file.writelines(LedgerExport(RevenueRecord.objects.all(), Account.objects.all()))
    assert list(live_in_csv(ledger.read_bytes())) == []

    result = imported(ledger)

    assert (result.read, result.posted) == (records, 0)
    assert counts(result) == (records, 0, records, 0), result.reasons
    assert RevenueRecord.objects.count() == records
    assert before == [
        set(Account.objects.values_list("pk", *names)),
        set(Product.objects.values_list("pk", "code", "name", "category")),
    ]


def test_rejected_rows_are_harmless_and_come_back_as_they_came(db: None, tmp_path: Any) -> None:
    rows = [[text, "2024-01-02", "x"] for text in payloads()]

    result = imported(write_csv(tmp_path / "a.csv", [["account_code", "booked_on", "amount"], *rows]))

    assert counts(result) == (len(rows), 0, 0, len(rows))
    assert list(live_in_csv(Path(result.error_file).read_bytes())) == []
    assert [unguard(row["account_code"]) for row in error_rows(result)] == payloads()
    assert not Account.objects.exists()


def test_formulas_are_refused_at_the_door_of_files(db: None, tmp_path: Any) -> None:
    header = ("account_code", "account_name", "booked_on", "amount")
    rows = facet_rows(["X1", "=cmd()", "2024-01-02", "1"], ["X2", "+Plus @home", "2024-01-02", "-5"], header=header)

    result = imported(write_csv(tmp_path / "a.csv", rows))

    assert counts(result) == (2, 1, 0, 1)
    told = error_rows(result)[0]
    assert (told["_column"], told["_reason"]) == ("account_name", "the cell begins as a formula; give its value")
    assert list(Account.objects.values_list("code", "name")) == [("X2", "+Plus @home")]


def test_numbers_stay_numbers() -> None:
    rows = [[Decimal(-5), -1.5, -3, "-5", "+1.3%", "-x"]]

    assert "".join(csv_chunks(["a"] * 6, rows)).splitlines()[1] == "-5,-1.5,-3,-5,+1.3%,'-x"
    sheet = openpyxl.load_workbook(xlsx_file(["a"] * 6, rows)).active
    assert [cell.value for cell in sheet[2]] == [-5, -1.5, -3, "-5", "+1.3%", "'-x"]


@pytest.mark.parametrize("text", payloads())
def test_what_is_live_is_seen(text: str) -> None:
    """The judge is not blind: each payload, written as it is, is found by one of the readings."""
    stream = io.StringIO()
    csv.writer(stream).writerow(["a", text, "b"])

    assert is_harmless_alone(text) or list(live_in_csv(stream.getvalue().encode())) != []


def is_harmless_alone(text: str) -> bool:
    """Texts that only a reader with other rules than those of spreadsheets would run, and those already marked."""
    return text.startswith("'") or text in {"x|=1+1", "x%0A=1+1", "%0A=1+1", "%3D1+1", "x,=1+1", '",=1+1', 'x",=1+1,"'}
