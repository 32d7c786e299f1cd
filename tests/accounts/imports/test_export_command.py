import gzip
import io
import stat
import sys
from datetime import date
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.imports.exporting import COLUMNS, LedgerExport
from tests.accounts.imports.helpers import counts, imported
from tests.factories import post_revenue


class Terminal(io.TextIOWrapper):
    """Standard output as a process has it: text over bytes."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    @property
    def bytes(self) -> bytes:
        return self.buffer.getvalue()


def run(*arguments: object) -> tuple[bytes, str]:
    """(standard output, standard error) of the command."""
    out, err = Terminal(), io.StringIO()
    call_command("export_revenue", *map(str, arguments), stdout=out, stderr=err)
    return out.bytes, err.getvalue()


@pytest.fixture
def ledger(db):
    post_revenue(
        [
            {"booked_on": date(2024, 1, 31), "reference": "first"},
            {"booked_on": date(2024, 2, 1), "reference": "second", "source": "erp"},
            {"booked_on": date(2024, 2, 29), "reference": "third"},
        ]
    )


def references(content: bytes) -> list[str]:
    at = COLUMNS.index("reference")
    return [line.split(",")[at] for line in content.decode("utf-8-sig").splitlines()[1:]]


def test_file_is_written_and_read_back(ledger, tmp_path):
    path = tmp_path / "ledger.csv"

    out, err = run("--output", path)

    assert (out, err) == (b"3 rows written.\n", "")
    assert references(path.read_bytes()) == ["first", "second", "third"]
    assert counts(imported(path)) == (3, 0, 3, 0)
    assert list(tmp_path.iterdir()) == [path]


def test_standard_output_holds_the_file_and_standard_error_the_count(ledger):
    out, err = run()

    assert out.startswith(b"\xef\xbb\xbfaccount_code,")
    assert references(out) == ["first", "second", "third"]
    assert err == "3 rows written.\n"
    assert run("--output", "-") == (out, err)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--from", "2024-02-01"], ["second", "third"]),
        (["--to", "2024-02-01"], ["first", "second"]),
        (["--from", "2024-02-01", "--to", "2024-02-01"], ["second"]),
        (["--source", "test"], ["first", "third"]),
        (["--source", "nobody"], []),
    ],
)
def test_days_and_source_choose_the_records(ledger, arguments, expected):
    assert references(run(*arguments)[0]) == expected


def test_name_that_ends_in_gz_is_packed(ledger, tmp_path):
    path = tmp_path / "ledger.csv.gz"

    run("--output", path)

    assert references(gzip.decompress(path.read_bytes())) == ["first", "second", "third"]
    assert counts(imported(path)) == (3, 0, 3, 0)


def test_export_that_breaks_off_leaves_what_was_there(ledger, tmp_path, monkeypatch):
    path = tmp_path / "ledger.csv"
    path.write_bytes(b"last month's")

    def broken(self):
        yield b"half a file"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(LedgerExport, "__iter__", broken)
    with pytest.raises(CommandError) as refused:
        run("--output", path)

    assert refused.value.returncode == 2
    assert str(refused.value) == f"{path}: No space left on device"
    assert [file.name for file in tmp_path.iterdir()] == ["ledger.csv"]
    assert path.read_bytes() == b"last month's"


def test_folder_that_is_not_there_exits_2(ledger, tmp_path):
    with pytest.raises(CommandError) as refused:
        run("--output", tmp_path / "absent" / "ledger.csv")

    assert refused.value.returncode == 2
    assert "No such file" in str(refused.value)


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="there is no /dev/null here")
def test_device_stays_a_device(ledger):
    run("--output", "/dev/null")

    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


def test_day_that_is_none_is_refused(db):
    with pytest.raises(CommandError, match="invalid fromisoformat value"):
        run("--from", "yesterday")


def test_output_without_bytes_below_it_gets_text(ledger, monkeypatch):
    process = Terminal()
    monkeypatch.setattr(sys, "stdout", process)

    call_command("export_revenue", stderr=io.StringIO())

    assert references(process.bytes) == ["first", "second", "third"]
