"""Files of exchange rates: every row is new, already there, replaced or rejected with its reason."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest
from django.core.management import call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.imports.rate_rows import RateTyper
from accounts.imports.rates import import_rates, post_rates
from accounts.imports.readers import ListTable
from accounts.models import ExchangeRate
from crm.lib.exceptions import ImportRefused
from tests.accounts.imports.helpers import write_csv, write_xlsx
from tests.factories import make_rate

HEADER = ["from_currency", "to_currency", "valid_on", "rate", "kind", "source"]
GOOD = [
    ["USD", "CNY", "2024-01-02", "7.1234567891", "", "bank"],
    ["usd", "CNY", "2024-01-03", "7.2", "spot", ""],
    ["EUR", "CNY", "2024-01-17", "7.8", "month_average", "bank"],
]


def stored():
    rows = ExchangeRate.objects.values_list("from_currency", "to_currency", "valid_on", "rate", "kind", "source")
    return sorted((f, t, str(on), f"{rate.normalize():f}", kind, source) for f, t, on, rate, kind, source in rows)


def counts(result):
    return result.read, result.new, result.already_there, result.replaced, result.rejected


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_file_posts_once_and_changes_nothing_the_second_time(db, tmp_path, write):
    path = write(tmp_path / f"r.{'csv' if write is write_csv else 'xlsx'}", [HEADER, *GOOD])

    assert counts(import_rates(path=path)) == (3, 3, 0, 0, 0)
    assert counts(import_rates(path=path)) == (3, 0, 3, 0, 0)
    assert stored() == [
        ("EUR", "CNY", "2024-01-01", "7.8", "month_average", "bank"),
        ("USD", "CNY", "2024-01-02", "7.1234567891", "spot", "bank"),
        ("USD", "CNY", "2024-01-03", "7.2", "spot", ""),
    ]


def test_gzip_headers_in_chinese_and_columns_left_out(db, tmp_path):
    path = write_csv(tmp_path / "r.csv.gz", [["原币", "本币", "日期", "汇率"], ["USD", "CNY", "2024/1/2", "7,1"]])

    assert counts(import_rates(path=path)) == (1, 1, 0, 0, 0)
    assert stored() == [("USD", "CNY", "2024-01-02", "7.1", "spot", "")]


def test_another_value_is_rejected_or_replaced_as_asked(db, tmp_path):
    make_rate(valid_on=date(2024, 1, 3), rate=Decimal("7.25"))
    path = write_csv(tmp_path / "r.csv", [HEADER, *GOOD])
    kept = import_rates(path=path, dry_run=True)

    assert counts(kept) == (3, 2, 0, 0, 1)
    assert (kept.reasons, kept.different) == ({"rate_differs": 1}, 1)
    assert "7.25" in kept.examples["rate_differs"][0].reason
    assert len(stored()) == 1
    assert counts(import_rates(path=path, replace=True)) == (3, 2, 0, 1, 0)
    assert ExchangeRate.objects.get(valid_on=date(2024, 1, 3)).rate == Decimal("7.2")


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (["XXX", "CNY", "2024-01-02", "7", "", ""], "unknown_currency"),
        (["CNY", "CNY", "2024-01-02", "7", "", ""], "same_currency"),
        (["USD", "CNY", "yesterday", "7", "", ""], "no_date"),
        (["USD", "CNY", "", "7", "", ""], "missing_date"),
        (["USD", "CNY", "2024-01-02", "0", "", ""], "rate_not_positive"),
        (["USD", "CNY", "2024-01-02", "-7", "", ""], "rate_not_positive"),
        (["USD", "CNY", "2024-01-02", "", "", ""], "missing_rate"),
        (["USD", "CNY", "2024-01-02", "7.12345678901", "", ""], "too_many_decimals"),
        (["USD", "CNY", "2024-01-02", "12345678901", "", ""], "number_out_of_range"),
        (["USD", "CNY", "2024-01-02", "7", "forward", ""], "unknown_word"),
        (["USD", "CNY", "2024-01-02", "7", "", "x" * 81], "too_long"),
        (["USD", "CNY", "2024-01-02", "=1+1", "", ""], "formula"),
    ],
)
def test_a_bad_row_is_rejected_and_the_others_are_posted(db, tmp_path, row, code):
    result = import_rates(path=write_csv(tmp_path / "r.csv", [HEADER, *GOOD, row]))

    assert counts(result) == (4, 3, 0, 0, 1)
    assert result.reasons == {code: 1}


def test_the_same_rate_twice_in_a_file_is_there_the_second_time_and_two_values_are_not(db, tmp_path):
    other = [*GOOD[1][:3], "9", "", ""]
    result = import_rates(path=write_csv(tmp_path / "r.csv", [HEADER, GOOD[1], GOOD[0], GOOD[1], other]))

    assert counts(result) == (4, 2, 1, 0, 1)
    assert result.reasons == {"rate_twice": 1}


def test_the_error_file_mended_goes_through_the_same_door(db, tmp_path):
    target = io.BytesIO()
    bad = ["USD", "CNY", "2024-01-09", "none", "", "=x"]
    import_rates(path=write_csv(tmp_path / "r.csv", [HEADER, *GOOD, bad]), errors=target)
    rows = list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"))))

    assert rows[0] == [*HEADER, "_batch", "_row", "_column", "_value", "_reason"]
    assert rows[1][6:9] == ["", "5", "rate; source"]
    rows[1][3], rows[1][5] = "7.3", "mended"
    assert counts(import_rates(path=write_csv(tmp_path / "again.csv", rows))) == (1, 1, 0, 0, 0)


@pytest.mark.parametrize(
    "rows",
    [
        [["from_currency", "to_currency", "rate"], ["USD", "CNY", "7"]],
        [HEADER, ["USD", "CNY", "01/02/2024", "7", "", ""]],
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(db, tmp_path, rows):
    with pytest.raises(ImportRefused, match=r"needs from_currency|Write the dates as"):
        import_rates(path=write_csv(tmp_path / "r.csv", rows))
    assert not stored()


CELL = st.sampled_from(["USD", "CNY", "XX", "", "2024-01-02", "7", "-1", "x", "spot", "\x00", "=1"])


@settings(max_examples=500, deadline=None)
@given(rows=st.lists(st.lists(CELL, min_size=6, max_size=6), max_size=6))
def test_every_row_is_either_good_or_rejected(rows):
    table = ListTable(HEADER, rows)
    pieces = list(RateTyper(table, today=date(2024, 6, 1)).rows(table))

    assert sum(len(good) + len(bad) for good, bad in pieces) == len(rows)
    assert all(row.rate > 0 and row.from_currency != row.to_currency for good, _bad in pieces for row in good)


def test_rows_of_a_request_are_all_posted_or_none(db):
    good = dict(zip(HEADER, GOOD[0], strict=True))
    result = post_rates(rows=[good, {**good, "rate": "0"}])

    assert (result.rejected, stored()) == (1, [])
    assert counts(post_rates(rows=[good])) == (1, 1, 0, 0, 0)


def test_the_command_counts_and_says_where_the_rejected_rows_are(db, tmp_path, settings, capsys):
    settings.MEDIA_ROOT = tmp_path
    path = write_csv(tmp_path / "r.csv", [HEADER, *GOOD, ["USD", "USD", "2024-01-02", "7", "", ""]])
    with pytest.raises(SystemExit) as stopped:
        call_command("import_rates", str(path), "--json")
    told = json.loads(capsys.readouterr().out)

    assert stopped.value.code == 1
    assert {key: told[key] for key in ("read", "new", "rejected", "reasons")} == {
        "read": 4, "new": 3, "rejected": 1, "reasons": {"same_currency": 1},
    }  # fmt: skip
    assert "same" in open(told["error_file"], encoding="utf-8-sig").read()  # noqa: SIM115
    with pytest.raises(SystemExit) as stopped:
        call_command("import_rates", str(tmp_path / "none.csv"))
    assert stopped.value.code == 2
