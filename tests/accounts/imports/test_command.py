import io
import json
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.imports.services import save_mapping
from accounts.models import ImportBatch, RevenueRecord
from tests.accounts.imports.helpers import csv_text, facet_rows, is_untouched, write_csv, write_xlsx

GOOD = facet_rows(["A1", "2024-01-02", "10.5"], ["A2", "2024-01-03", "-2"])
BAD = [*GOOD, ["", "2024-01-02", "1"]]


def run(*arguments):
    """(exit code, standard output, standard error) of the command."""
    out, err = io.StringIO(), io.StringIO()
    try:
        call_command("import_revenue", *map(str, arguments), stdout=out, stderr=err)
    except SystemExit as left:
        return left.code, out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_good_file_exits_0_and_tells_its_counts(db, tmp_path):
    code, out, err = run(write_csv(tmp_path / "a.csv", GOOD))

    assert (code, err) == (0, "")
    assert "2 rows read, 2 posted, 0 already there, 0 rejected" in out


def test_rejected_rows_exit_1_with_reasons_and_the_error_file(db, tmp_path):
    code, out, _err = run(write_csv(tmp_path / "a.csv", BAD))

    assert code == 1
    assert "1  no account code" in out
    assert Path(out.strip().rsplit(": ", 1)[1]).read_bytes().startswith(b"\xef\xbb\xbf")
    assert RevenueRecord.objects.count() == 2


def test_json_is_one_object_a_file_and_nothing_else(db, tmp_path):
    one, two = write_csv(tmp_path / "a.csv", BAD), write_csv(tmp_path / "b.csv.gz", GOOD)

    code, out, _err = run(one, two, "--json")

    assert code == 1
    first, second = map(json.loads, out.splitlines())
    assert list(first) == [
        "file",
        "batch",
        "read",
        "posted",
        "already_there",
        "rejected",
        "reasons",
        "error_file",
        "seconds",
    ]
    assert (first["file"], first["read"], first["posted"], first["already_there"], first["rejected"]) == (
        str(one),
        3,
        2,
        0,
        1,
    )
    assert first["reasons"] == {"missing_account": 1}
    assert (second["read"], second["posted"], second["already_there"], second["error_file"]) == (2, 0, 2, "")
    assert [first["batch"], second["batch"]] == list(ImportBatch.objects.order_by("pk").values_list("pk", flat=True))


def test_json_dry_run_has_no_batch(db, tmp_path):
    code, out, _err = run(write_csv(tmp_path / "a.csv", GOOD), "--json", "--dry-run")

    assert code == 0
    assert (json.loads(out)["batch"], json.loads(out)["posted"]) == (None, 2)
    assert is_untouched()


def test_unreadable_files_exit_2_and_the_others_are_posted(db, tmp_path):
    broken = tmp_path / "broken.csv.gz"
    broken.write_bytes(b"\x1f\x8b\x08")

    code, out, err = run(broken, tmp_path / "absent.csv", write_csv(tmp_path / "a.csv", GOOD), "--json")

    assert code == 2
    assert "cut off" in err
    assert "No such file" in err
    assert json.loads(out)["posted"] == 2


@pytest.mark.parametrize(
    ("rows", "arguments", "words"),
    [
        ([["a", "b"], ["1", "2"]], [], "Columns found: a, b"),
        (GOOD, ["--profile", "nope"], "facet, online-retail"),
        (GOOD, ["--profile", "online-retail"], "Invoice, StockCode"),
        (GOOD, ["--currency", "ZZZ"], "ISO 4217"),
        (GOOD, ["--source", "s" * 61], "60"),
        (facet_rows(["A", "03/04/2024", "1"]), [], "--date-format"),
        (GOOD, ["--source", "s\udcff"], "plain text"),
        (GOOD, ["--date-format", "%Q"], "%Q"),
    ],
)
def test_what_is_in_doubt_exits_2_and_names_the_option(db, tmp_path, rows, arguments, words):
    code, out, err = run(write_csv(tmp_path / "a.csv", rows), *arguments)

    assert (code, out) == (2, "")
    assert words in err
    assert is_untouched()


def test_mapping_file_names_the_columns(db, tmp_path):
    mapping = tmp_path / "erp.json"
    mapping.write_text(
        json.dumps(
            {"columns": {"account_code": "id", "booked_on": "day", "amount": "sum"}, "defaults": {"currency": "USD"}}
        )
    )
    path = write_csv(tmp_path / "a.csv", [["id", "day", "sum"], ["A", "2024-01-02", "1"]])

    assert run(path, "--mapping", mapping)[0] == 0
    assert RevenueRecord.objects.values_list("source", "currency").get() == ("erp", "USD")
    code, _out, err = run(
        write_csv(tmp_path / "b.csv", [["id", "date", "sum"], ["A", "2024-01-02", "1"]]), "--mapping", mapping
    )
    assert code == 2
    assert "“day”" in err
    assert "id, date, sum" in err


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"columns": {"x": "y"}}', '{"columns": {"account_code": "a"}}'])
def test_bad_mapping_file_exits_2(db, tmp_path, content):
    (tmp_path / "m.json").write_text(content)

    with pytest.raises(CommandError) as refused:
        call_command("import_revenue", str(tmp_path / "a.csv"), "--mapping", str(tmp_path / "m.json"))
    assert refused.value.returncode == 2


def test_saved_mapping_and_options_by_name(db, tmp_path):
    save_mapping(
        name="kunden", definition={"columns": {"account_code": "K", "booked_on": "D", "amount": "B"}}, user=None
    )
    path = write_csv(tmp_path / "a.csv", [["K", "D", "B"], ["A", "03/04/2024", "1,234"]], delimiter=";")

    code, _out, _err = run(
        path, "--profile", "kunden", "--date-format", "%d/%m/%Y", "--decimal", ",", "--delimiter", ";"
    )

    assert code == 0
    assert str(RevenueRecord.objects.get().amount) == "1.2340"


def test_no_create_and_sheet(db, tmp_path):
    path = write_xlsx(tmp_path / "a.xlsx", GOOD, sheet="Data")

    assert run(path, "--no-create", "--sheet", "Data", "--json")[0] == 1
    assert run(path, "--sheet", "Data")[0] == 0


def test_name_of_broken_bytes_is_kept_as_far_as_it_goes(db, tmp_path):
    path = tmp_path / "a\udcff.csv"
    path.write_bytes(csv_text(GOOD).encode())

    assert run(path)[0] == 0
    assert ImportBatch.objects.get().file_name == "a?.csv"


def test_utf16_file_named_by_encoding(db, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(csv_text(GOOD).encode("utf-16-le"))

    assert run(path, "--encoding", "utf-16-le")[0] == 0
