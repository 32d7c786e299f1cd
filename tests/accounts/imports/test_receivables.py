"""A file of invoices and payments: read = new + already there + rejected, and the same file twice changes nothing."""

import csv
import io
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from accounts.imports.receivables import import_receivables, post_receivables
from accounts.models import Account, Receivable, ReceivablePayment
from crm.lib.exceptions import ImportRefused
from tests.accounts.imports.helpers import write_csv, write_xlsx
from tests.factories import make_account

HEADER = ["account", "number", "issued_on", "due_on", "amount", "currency", "paid_on", "paid_amount"]
GOOD = [
    ["A1", "R-1", "2024-01-05", "2024-02-05", "1000", "CNY", "2024-02-01", "400.5"],
    ["A1", "R-1", "2024-01-05", "2024-02-05", "1000", "CNY", "2024-03-01", "400.5"],
    ["A1", "R-2", "2024-01-05", "2024-02-05", "500.25", "cny", "", ""],
    ["A2", "R-1", "2024-01-05", "2024-01-05", "70", "USD", "2024-01-05", "70"],
]


@pytest.fixture(autouse=True)
def accounts(db):
    return [make_account(code="A1"), make_account(code="A2")]


def posted(path, **options):
    options.setdefault("accounts", Account.objects.all())
    return import_receivables(path=path, **options)


def counts(result):
    return result.read, result.new, result.already_there, result.rejected


def stored():
    rows = Receivable.objects.values_list("account__code", "number", "issued_on", "due_on", "amount", "currency")
    invoices = sorted((code, no, str(a), str(b), f"{m.normalize():f}", c) for code, no, a, b, m, c in rows)
    paid = ReceivablePayment.objects.values_list("receivable__account__code", "receivable__number", "paid_on", "amount")
    return invoices, sorted((code, no, str(on), f"{m.normalize():f}") for code, no, on, m in paid)


@pytest.mark.parametrize("write", [write_csv, write_xlsx])
def test_a_file_posts_once_and_changes_nothing_the_second_time(tmp_path, write):
    path = write(tmp_path / f"r.{'csv' if write is write_csv else 'xlsx'}", [HEADER, *GOOD])

    assert counts(posted(path, dry_run=True)) == (4, 4, 0, 0)
    assert not Receivable.objects.exists()
    assert counts(posted(path)) == (4, 4, 0, 0)
    first = stored()
    assert first == (
        [
            ("A1", "R-1", "2024-01-05", "2024-02-05", "1000", "CNY"),
            ("A1", "R-2", "2024-01-05", "2024-02-05", "500.25", "CNY"),
            ("A2", "R-1", "2024-01-05", "2024-01-05", "70", "USD"),
        ],
        [
            ("A1", "R-1", "2024-02-01", "400.5"),
            ("A1", "R-1", "2024-03-01", "400.5"),
            ("A2", "R-1", "2024-01-05", "70"),
        ],
    )
    assert counts(posted(path)) == (4, 0, 4, 0)
    assert stored() == first


def test_a_later_file_adds_its_payments(tmp_path):
    posted(write_csv(tmp_path / "r.csv", [HEADER, *GOOD]))
    later = [*GOOD[2][:6], "2024-04-01", "500.25"]

    assert counts(posted(write_csv(tmp_path / "s.csv", [HEADER, *GOOD, later]))) == (5, 1, 4, 0)
    assert stored()[1][-2] == ("A1", "R-2", "2024-04-01", "500.25")


def test_the_same_payment_twice_in_a_file_is_two_payments(tmp_path):
    path = write_csv(tmp_path / "r.csv", [HEADER, GOOD[0], GOOD[0]])

    assert counts(posted(path)) == (2, 2, 0, 0)
    assert counts(posted(path)) == (2, 0, 2, 0)
    assert ReceivablePayment.objects.count() == 2


@pytest.mark.parametrize("place", [2, 3, 4, 5])
def test_other_content_under_a_number_is_rejected(tmp_path, place):
    posted(write_csv(tmp_path / "r.csv", [HEADER, *GOOD]))
    before, changed = stored(), list(GOOD[2])
    changed[place] = {2: "2024-01-04", 3: "2024-02-06", 4: "500.26", 5: "USD"}[place]
    again = posted(write_csv(tmp_path / "s.csv", [HEADER, changed, GOOD[3]]))

    assert (counts(again), again.reasons) == ((2, 0, 1, 1), {"stored_differs": 1})
    assert "posted before with other content (500.2500 CNY" in again.examples["stored_differs"][0].reason
    assert stored() == before
    fresh = [*changed[:1], "R-9", *changed[2:]]
    twice = posted(write_csv(tmp_path / "t.csv", [HEADER, fresh, [*fresh[:4], "9", *fresh[5:]]]))
    assert (counts(twice), twice.reasons) == ((2, 1, 0, 1), {"listed_differs": 1})


def test_payments_beyond_the_amount_are_refused_and_the_others_kept(tmp_path):
    first = posted(write_csv(tmp_path / "r.csv", [HEADER, *GOOD, [*GOOD[0][:6], "2024-05-01", "200"]]))

    assert (counts(first), first.reasons) == ((5, 4, 0, 1), {"payment_beyond": 1})
    assert first.examples["payment_beyond"][0].reason == "only 199.0000 of this invoice is open"
    rest = posted(write_csv(tmp_path / "s.csv", [HEADER, [*GOOD[0][:6], "2024-05-01", "199"]]))
    assert counts(rest) == (1, 1, 0, 0)
    over = posted(write_csv(tmp_path / "t.csv", [HEADER, ["A2", "R-8", *GOOD[3][2:7], "70.01"]]))
    assert (counts(over), Receivable.objects.filter(number="R-8").exists()) == ((1, 0, 0, 1), False)


@pytest.mark.parametrize(
    ("place", "cell", "code"),
    [
        (0, "A9", "unseen_account"),
        (0, "", "missing_account"),
        (1, "", "missing_number"),
        (2, "soon", "no_date"),
        (3, "", "missing_date"),
        (3, "2024-01-04", "due_before_issue"),
        (4, "", "missing_money"),
        (4, "0", "amount_not_positive"),
        (4, "-5", "amount_not_positive"),
        (4, "1.23456", "too_many_decimals"),
        (5, "XXX", "unknown_currency"),
        (5, "", "missing_currency"),
        (6, "", "half_payment"),
        (7, "", "half_payment"),
        (7, "-1", "amount_not_positive"),
        (1, "=1+1", "formula"),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_the_others_are_posted(tmp_path, place, cell, code):
    bad = ["A2", "R-3", "2024-01-05", "2024-02-05", "1000", "CNY", "2024-02-01", "400"]
    bad[place] = cell
    result = posted(write_csv(tmp_path / "r.csv", [HEADER, *GOOD, bad]))

    assert (counts(result), result.reasons) == ((5, 4, 0, 1), {code: 1})


def test_the_error_file_mended_goes_through_the_same_door(tmp_path):
    target = io.BytesIO()
    bad = ["A1", "R-7", "2024-01-05", "2024-02-05", "a lot", "CNY", "", ""]
    posted(write_csv(tmp_path / "r.csv", [HEADER, *GOOD, bad, [*bad, "more"]]), errors=target)
    rows = list(csv.reader(io.StringIO(target.getvalue().decode("utf-8-sig"))))

    assert rows[0] == [*HEADER, "_batch", "_row", "_column", "_value", "_reason"]
    assert rows[1][9:12] == ["6", "amount", "a lot"]
    rows[1][4] = "80"
    assert counts(posted(write_csv(tmp_path / "again.csv", rows[:2]))) == (1, 1, 0, 0)


def test_a_merged_account_books_on_the_one_it_became(tmp_path, accounts):
    first, second = accounts
    Account.objects.filter(pk=second.pk).update(merged_into=first)

    assert counts(posted(write_csv(tmp_path / "r.csv", [HEADER, GOOD[2], ["A2", "R-5", *GOOD[2][2:]]]))) == (2, 2, 0, 0)
    assert set(Receivable.objects.values_list("account", flat=True)) == {first.pk}


def test_only_accounts_of_the_sender_can_be_named(tmp_path, accounts):
    mine = Account.objects.filter(pk=accounts[0].pk)
    result = posted(write_csv(tmp_path / "r.csv", [HEADER, *GOOD]), accounts=mine)

    assert (counts(result), result.reasons) == ((4, 3, 0, 1), {"unseen_account": 1})


def test_statements_do_not_grow_with_the_rows(tmp_path, django_assert_max_num_queries):
    rows = [["A1", f"N-{n}", *GOOD[0][2:]] for n in range(300)]
    path = write_csv(tmp_path / "r.csv", [HEADER, *rows])

    with django_assert_max_num_queries(11):
        assert counts(posted(path)) == (300, 300, 0, 0)
    with django_assert_max_num_queries(11):
        assert counts(posted(path)) == (300, 0, 300, 0)


@pytest.mark.parametrize(
    ("header", "row", "word"),
    [
        (HEADER[:4], GOOD[0][:4], "amount, currency"),
        (HEADER, ["A1", "R-1", "01/02/2024", "03/04/2024", "10", "CNY", "", ""], "fits two readings"),
        (HEADER, ["A1", "R-1", "2024-01-05", "2024-02-05", "1,500", "CNY", "", ""], "1234.50"),
    ],
)
def test_a_file_that_fits_two_readings_is_refused_whole(tmp_path, header, row, word):
    with pytest.raises(ImportRefused, match=word):
        posted(write_csv(tmp_path / "r.csv", [header, row]))


def test_rows_of_a_request_are_kept_all_or_none():
    rows = [dict(zip(HEADER, row, strict=True)) for row in GOOD]
    rows[0] |= {"amount": Decimal("1000.0"), "issued_on": date(2024, 1, 5)}

    assert counts(post_receivables(rows=[*rows, rows[0] | {"number": ""}], accounts=Account.objects.all()))[3] == 1
    assert not Receivable.objects.exists()
    assert counts(post_receivables(rows=rows, accounts=Account.objects.all())) == (4, 4, 0, 0)


def test_the_command_counts_keeps_the_error_file_and_exits_1(tmp_path, settings, capsys):
    settings.MEDIA_ROOT = tmp_path / "media"
    path = write_csv(tmp_path / "r.csv", [HEADER, *GOOD, ["A9", *GOOD[0][1:]]])
    with pytest.raises(SystemExit) as end:
        call_command("import_receivables", str(path), "--json")
    told = json.loads(capsys.readouterr().out)

    assert end.value.code == 1
    assert (told["read"], told["new"], told["already_there"], told["rejected"]) == (5, 4, 0, 1)
    assert "no account that you see has this code" in Path(told["error_file"]).read_text("utf-8-sig")
    with pytest.raises(SystemExit) as end:
        call_command("import_receivables", str(tmp_path / "none.csv"))
    assert end.value.code == 2
