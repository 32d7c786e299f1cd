"""S7 before a judge from outside: LibreOffice opens every export of a company full of formulas and runs none (a minute)."""

import csv
import shutil
import time
from collections import Counter
from pathlib import Path

import pytest
import xlsxwriter
from django.test import Client

from tests.accounts.imports.helpers import imported, write_csv
from tests.hostile.company import Company, make_company
from tests.hostile.exports import body, every_export, rest_exports
from tests.hostile.formulas import payloads
from tests.hostile.libreoffice import PROGRAM, SEPARATORS, formulas_in, opened, texts_in
from tests.hostile.planting import plant

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="LibreOffice is not installed on this machine")


@pytest.fixture
def company(db: None) -> Company:
    return make_company()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "files").mkdir()
    return tmp_path


def test_no_export_is_live_in_libreoffice(company: Company, client: Client, folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("crm.web.trail.MOST_EXPORTED", 1000)
    client.force_login(company.boss)
    assert all(plant(payloads(), start=0).values())
    routes = Counter(save(client, path, folder) for path in sorted(every_export(company, client)))
    rest, addresses = rest_exports(company)
    routes += Counter(save(rest, path, folder) for path in addresses)
    save_rejected_rows(folder)
    files = sorted((folder / "files").iterdir())
    began = time.monotonic()

    sheets = judged(files, folder)

    live = [f"{name} by {how}: {one}" for (how, name), text in sheets.items() for one in formulas_in(text)[:5]]
    held = [one for text in sheets.values() for one in texts_in(text) if "1+1" in one or "SUM(1" in one]
    print(
        f"\nS7: LibreOffice opened {len(files)} files of {len(routes) - ('' in routes)} routes in {len(sheets)} readings, "
        f"{time.monotonic() - began:.0f} s: {len(held)} planted texts, {len(live)} live"
    )
    assert len(routes) > 10
    assert len(held) > 1000  # what was planted is there to be run
    assert live == [], "\n".join(live[:60])


def test_libreoffice_sees_what_is_not_guarded(folder: Path) -> None:
    """The judge is not blind: by each reading it runs formulas of the same texts as they are."""
    texts = payloads()
    with (folder / "files" / "plain.csv").open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows([text, "b"] for text in texts)
    book = xlsxwriter.Workbook(folder / "files" / "plain.xlsx")
    sheet = book.add_worksheet()
    for row, text in enumerate(texts):
        sheet.write(row, 0, text)
    book.close()

    found = {
        how: formulas_in(text) for (how, _name), text in judged(sorted((folder / "files").iterdir()), folder).items()
    }

    print("\nS7 unguarded:", {how: len(formulas) for how, formulas in found.items()})
    assert {how for how, formulas in found.items() if len(formulas) >= 10} == {*SEPARATORS, "workbook"}
    assert all(any("1+1" in one for one in formulas) for formulas in found.values())


def save(client: Client, path: str, folder: Path) -> str:
    """Keep what ``path`` answers if it is a table; its route, or nothing."""
    response = client.get(path)
    assert response.status_code < 500, path
    kind = response.headers.get("Content-Type", "")
    ending = "xlsx" if "spreadsheetml" in kind else "csv" if "csv" in kind else ""
    if not ending:
        return ""
    number = len(list((folder / "files").iterdir()))
    (folder / "files" / f"{number:04}.{ending}").write_bytes(body(response))
    return str(response.resolver_match.view_name)


def save_rejected_rows(folder: Path) -> None:
    rows = [[text, "2024-01-02", "x"] for text in payloads()]
    result = imported(write_csv(folder / "rejected.csv", [["account_code", "booked_on", "amount"], *rows]))
    shutil.copy(result.error_file, folder / "files" / "rejected.csv")


def judged(files: list[Path], folder: Path) -> dict[tuple[str, str], str]:
    """(how it was read, file) → its sheets: CSV by every separator, workbooks as they are."""
    tables = [file for file in files if file.suffix == ".csv"]
    found = {(how, name): text for how in SEPARATORS for name, text in opened(tables, folder, separator=how).items()}
    books = opened([file for file in files if file.suffix == ".xlsx"], folder)
    return found | {("workbook", name): text for name, text in books.items()}
