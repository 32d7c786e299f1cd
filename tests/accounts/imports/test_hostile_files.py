import gzip
import io
import subprocess
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from accounts.imports import limits, readers
from accounts.imports.reasons import REFUSALS
from accounts.models import Account
from crm.lib.exceptions import ImportRefused
from tests.accounts.imports import hostile
from tests.accounts.imports.helpers import counts, imported, is_untouched, ledger

ROWS = 250_000  # of distinct cells; what grows with the file shows by then
REFUSED = hostile.refused_files()
ACCEPTED = hostile.accepted_files()


@pytest.mark.parametrize(("name", "content", "reason"), REFUSED, ids=[name for name, _c, _r in REFUSED])
def test_file_that_cannot_be_taken_is_refused_with_its_reason(db, tmp_path, name, content, reason):
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(ImportRefused) as refused:
        imported(path)

    assert refused.value.reason == reason
    assert str(refused.value)
    assert "%(" not in str(refused.value)
    assert is_untouched()


@pytest.mark.parametrize(("name", "content"), ACCEPTED, ids=[name for name, _c in ACCEPTED])
def test_odd_file_is_read_all_the_same(db, tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)

    assert counts(imported(path)) == (1, 1, 0, 0)
    assert ledger() == [("A1", date(2024, 1, 2), Decimal(10))]


def test_corpus_is_large_enough():
    assert len(REFUSED) + len(ACCEPTED) >= 80
    assert {reason for _n, _c, reason in REFUSED} <= set(REFUSALS)


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("gb18030", "客户,张江电子"),
        ("gbk", "上海浦东发展有限公司"),
        ("gb18030", "华为技术有限公司，深圳"),
        ("gb18030", "张三"),
        ("big5", "台灣積體電路製造"),
        ("big5", "鴻海精密工業股份有限公司"),
        ("big5hkscs", "長江和記實業"),
        ("cp1252", "Müller & Söhne"),
        ("cp1252", "Café Señor — Ångström"),
        ("utf-8", "Müller 张江 🚀"),
        ("utf-16", "Müller 张江 🚀"),
    ],
)
def test_encodings_are_told_apart(db, tmp_path, encoding, text):
    path = tmp_path / "a.csv"
    path.write_bytes(f'account_code,account_name,booked_on,amount\nA1,"{text}",2024-01-02,10\n'.encode(encoding))

    imported(path)

    assert Account.objects.get().name == text


def test_encoding_can_be_named(db, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("account_code,account_name,booked_on,amount\nA1,Ä,2024-01-02,10\n".encode("cp1252"))

    imported(path, encoding="windows-1252")

    assert Account.objects.get().name == "Ä"
    with pytest.raises(ImportRefused, match="klingon"):
        imported(path, encoding="klingon")


def test_high_bytes_far_down_the_file_are_seen(db, tmp_path):
    path = tmp_path / "a.csv"
    filler = "\n".join(f"A1,Plain,2024-01-02,{n}" for n in range(30_000))
    path.write_bytes(
        f"account_code,account_name,booked_on,amount\n{filler}\nZ,上海浦东,2024-01-02,10\n".encode("gb18030")
    )

    imported(path)

    assert Account.objects.get(code="Z").name == "上海浦东"


def test_refusals_name_the_place(db, tmp_path):
    path = tmp_path / "a.csv"
    for content, words in [
        (hostile.PLAIN + b'"A"B,2024-01-01,1\n', "Row 3"),
        (hostile.PLAIN + b"x" * 200_000 + b",2024-01-01,1\n", "Row 3"),
        (b"amount,booked_on,Amount\n", "columns 1 and 3"),
        (hostile.workbook(["a"], [1], ["=A2"]), "cell A3"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ImportRefused, match=words):
            imported(path)


def test_sheet_is_chosen_by_name(db, tmp_path):
    book = openpyxl.load_workbook(io.BytesIO(hostile.workbook(["nothing"], ["here"], sheet="First")))
    for row in (["account_code", "booked_on", "amount"], ["A1", date(2024, 1, 2), 10]):
        (book["数据"] if "数据" in book.sheetnames else book.create_sheet("数据")).append(row)
    book.save(tmp_path / "a.xlsx")

    assert counts(imported(tmp_path / "a.xlsx", sheet="数据")) == (1, 1, 0, 0)
    with pytest.raises(ImportRefused, match="First, 数据"):
        imported(tmp_path / "a.xlsx", sheet="Data")


def test_dates_of_the_1904_calendar(db, tmp_path):
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    for row in (["account_code", "booked_on", "amount"], ["A1", date(2024, 1, 2), 10]):
        book.active.append(row)
    book.save(tmp_path / "a.xlsx")

    imported(tmp_path / "a.xlsx")

    assert ledger("booked_on") == [(date(2024, 1, 2),)]


def test_merged_cells_and_error_cells_are_rejected_not_guessed(db, tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["account_code", "booked_on", "amount"],
        ["A1", "2024-01-02", 1],
        ["A2", "2024-01-02", 2],
        ["A3", "2024-01-02", "#N/A"],
    ):
        book.active.append(row)
    book.active["C4"].data_type = "e"
    book.active.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")

    result = imported(tmp_path / "a.xlsx")

    assert counts(result) == (3, 1, 0, 2)
    assert set(result.reasons) <= {"missing_account", "no_number", "missing_amount"}


def test_large_sheet_is_streamed_to_the_same_rows(db, tmp_path, monkeypatch):
    rows = [
        ["account_code", "booked_on", "amount"],
        *([f"A{n % 7}", date(2024, 1, 1 + n % 28), n / 4] for n in range(300)),
        [],
        [None, None, 3],
    ]
    path = tmp_path / "a.xlsx"
    path.write_bytes(hostile.workbook(*rows))
    whole = [(chunk.numbers, chunk.rows) for chunk in readers.open_table(path).chunks(50)]
    monkeypatch.setattr(limits, "CALAMINE_BYTES", 10)

    streamed = [(chunk.numbers, chunk.rows) for chunk in readers.open_table(path).chunks(50)]

    assert streamed == whole
    assert sum(len(numbers) for numbers, _rows in whole) == 301


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc on this machine")
def test_many_rows_stay_within_memory(tmp_path):
    """The reading part alone, in a process of its own; the whole command is measured in tests/bench."""
    path = tmp_path / "big.csv.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write("account_code,booked_on,amount,reference\n")
        file.writelines(f"A{n % 100_000},2024-01-{1 + n % 28:02},{n % 9973}.{n % 100:02},R{n}\n" for n in range(ROWS))
    code = (
        "import re, sys; from datetime import date; from pathlib import Path\n"
        "from django.conf import settings; settings.configure(USE_I18N=False)\n"
        "from accounts.imports.readers import open_table; from accounts.imports.profiles import fitting_profile\n"
        "from accounts.imports.plan import make_plan; from accounts.imports.rows import RowTyper\n"
        "table = open_table(Path(sys.argv[1])); mapping = fitting_profile(table.columns).mapping_for(table.columns)\n"
        "typer = RowTyper(make_plan(table, mapping, currency='CNY'), today=date(2024, 6, 1))\n"
        "print(sum(typer.type(chunk).good for chunk in table.chunks()))\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1)) // 1024)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    good, megabytes = map(int, done.stdout.split())

    assert good == ROWS
    assert megabytes < 150
