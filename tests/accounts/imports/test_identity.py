"""Identity, occurrence and the way of rejected rows through the error file."""

import csv
import random
from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.imports.guard import guard, is_formula, unguard
from accounts.imports.services import withdraw_batch
from accounts.models import ImportBatch, ResentRow, RevenueRecord
from metrics.rollup import difference
from tests.accounts.imports.helpers import RETAIL_HEADER, counts, error_rows, facet_rows, imported, ledger, write_csv
from tests.accounts.imports.slow_door import SlowLedger, content


def retail(*rows):
    """Rows as (invoice, stock code, quantity, date, price, customer)."""
    return [RETAIL_HEADER, *([i, s, "", q, d, p, c, "UK"] for i, s, q, d, p, c in rows)]


def corrected(result, path, **changes):
    """The error file of a result with columns changed in every row."""
    rows = error_rows(result)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows({**row, **changes} for row in rows)
    return path


A = ("1", "S", "2", "2011-01-02", "1.5", "K")


def test_same_line_twice_in_a_file_is_two_records(db, tmp_path):
    first = imported(write_csv(tmp_path / "a.csv", retail(A, A)))
    third = imported(write_csv(tmp_path / "b.csv", retail(A, A, A)))

    assert counts(first) == (2, 2, 0, 0)
    assert counts(third) == (3, 1, 2, 0)
    assert RevenueRecord.objects.count() == 3


def test_sources_do_not_meet(db, tmp_path):
    path = write_csv(tmp_path / "a.csv", retail(A))

    assert [counts(imported(path, source=name))[1] for name in ("one", "two", "one")] == [1, 1, 0]


def test_correction_is_posted_once_and_a_true_duplicate_is_not_lost(db, tmp_path):
    bad = (*A[:5], "")
    first = imported(write_csv(tmp_path / "a.csv", retail(A, bad)))
    fixed = corrected(first, tmp_path / "fixed.csv", **{"Customer ID": "K"})

    second = imported(fixed)
    third = imported(fixed)
    whole = imported(write_csv(tmp_path / "whole.csv", retail(A, A)))

    assert counts(first) == (2, 1, 0, 1)
    assert counts(second) == (1, 1, 0, 0)
    assert counts(third) == (1, 0, 1, 0)
    assert counts(whole) == (2, 0, 2, 0)
    assert ResentRow.objects.values_list("batch", "row_number", "posted_batch").get() == (first.batch, 3, second.batch)
    assert difference() == 0


def test_correction_of_a_withdrawn_batch_can_be_posted_again(db, tmp_path):
    first = imported(write_csv(tmp_path / "a.csv", retail((*A[:5], ""))))
    fixed = corrected(first, tmp_path / "fixed.csv", **{"Customer ID": "K"})
    second = imported(fixed)
    withdraw_batch(batch=ImportBatch.objects.get(pk=second.batch), reason="mistake", user=None)

    third = imported(fixed)

    assert counts(third) == (1, 1, 0, 0)
    assert ResentRow.objects.get().posted_batch_id == third.batch


def test_row_rejected_again_keeps_the_marks_of_its_first_batch(db, tmp_path):
    first = imported(write_csv(tmp_path / "a.csv", retail((*A[:5], ""), (*A[:4], "x", "K"))))
    half = corrected(first, tmp_path / "half.csv", **{"Customer ID": "K"})
    second = imported(half)
    assert counts(second) == (2, 1, 0, 1)
    assert [(row["_batch"], row["_row"], row["_reason"]) for row in error_rows(second)] == [
        (str(first.batch), "3", "no number")
    ]

    rest = corrected(second, tmp_path / "rest.csv", Price="1.5")
    third = imported(rest)
    everything = imported(corrected(first, tmp_path / "all.csv", **{"Customer ID": "K", "Price": "1.5"}))

    assert counts(third) == (1, 1, 0, 0)
    assert counts(everything) == (2, 0, 2, 0)


def test_marks_that_lie_are_rejected(db, tmp_path):
    first = imported(write_csv(tmp_path / "a.csv", retail(A, (*A[:5], ""))))
    row = error_rows(first)[0] | {"Customer ID": "K"}
    wrong = [
        {**row, "_row": "2"},
        {**row, "_batch": "999999"},
        {**row, "_batch": "x"},
        {**row, "_row": ""},
        row,
        row,
        {**row, "_batch": "", "_row": ""},
    ]
    path = tmp_path / "wrong.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row.keys())
        writer.writeheader()
        writer.writerows(wrong)

    result = imported(path, source="online-retail")

    # The last line comes without marks: it is the line that the first file posted.
    assert counts(result) == (7, 1, 1, 5)
    assert result.reasons == {"bad_mark": 2, "unknown_mark": 2, "mark_twice": 1}


def test_error_file_comes_back_under_the_source_of_its_batch(db, tmp_path):
    first = imported(write_csv(tmp_path / "a.csv", retail(A, (*A[:5], ""))), source="erp-north")

    imported(corrected(first, tmp_path / "fixed.csv", **{"Customer ID": "K"}))

    assert RevenueRecord.objects.filter(source="erp-north").count() == 2
    assert ImportBatch.objects.filter(source="erp-north").count() == 2


def test_corrected_external_id_stays_an_identity_by_itself(db, tmp_path):
    header = ("account_code", "booked_on", "amount", "external_id")
    first = imported(write_csv(tmp_path / "a.csv", facet_rows(["A", "2024-01-01", "x", "E1"], header=header)))
    fixed = corrected(first, tmp_path / "fixed.csv", amount="5")

    assert counts(imported(fixed)) == (1, 1, 0, 0)
    assert counts(imported(fixed)) == (1, 0, 1, 0)
    whole = write_csv(tmp_path / "b.csv", facet_rows(["A", "2024-01-01", "5", "E1"], header=header))
    assert counts(imported(whole)) == (1, 0, 1, 0)
    assert ResentRow.objects.count() == 1


def test_error_file_of_a_dry_run_comes_as_an_ordinary_file(db, tmp_path):
    dry = imported(write_csv(tmp_path / "a.csv", retail(A, (*A[:5], ""))), dry_run=True)
    assert [(row["_batch"], row["_row"]) for row in error_rows(dry)] == [("", "3")]

    assert counts(imported(corrected(dry, tmp_path / "fixed.csv", **{"Customer ID": "K"}))) == (1, 1, 0, 0)


DIRTY = ["=1+1", "@cmd", "+1 2", "-x", "'=1", "''@a", "'t Hooft", "-5", "+5.5", "\t=1", "  =1", "＝1", "a,b", 'say "hi"',
         "两\n行", "'", "", " pad ", "\u3000=x", "'\u3000=x", "0042"]  # fmt: skip


def test_dirty_cells_survive_the_error_file(db, tmp_path):
    header = ("account_code", "account_name", "booked_on", "amount", "note")
    rows = [["A", "name", "2024-01-01", "bad", cell] for cell in DIRTY]
    first = imported(write_csv(tmp_path / "a.csv", [header, *rows]))

    assert counts(first) == (len(DIRTY), 0, 0, len(DIRTY))
    assert [unguard(row["note"]) for row in error_rows(first)] == DIRTY
    for row in error_rows(first):
        assert not is_formula(row["note"])
    again = imported(Path(first.error_file))
    assert [unguard(row["note"]) for row in error_rows(again)] == DIRTY


@given(st.text())
def test_guard_is_undone_exactly(cell):
    assert unguard(guard(cell)) == cell


@given(st.sampled_from("=+-@\t\r＝＋－＠"), st.text(), st.text(alphabet=" \u00a0\u3000\t", max_size=3))
def test_guarded_cell_never_starts_a_formula(sign, rest, blanks):
    cell = guard(blanks + sign + rest)

    number = sign in "+-" and not blanks and rest.replace(".", "").replace(",", "").isdigit()
    assert cell.startswith("'") or number


CELL = st.sampled_from(["K1", "K2", " K1 ", ""])
LINE = st.tuples(
    st.sampled_from(["1", "2", "C3"]),
    st.sampled_from(["S1", "S2"]),
    st.sampled_from(["1", "1.0", "-2", "+1"]),
    st.sampled_from(["2011-01-02", "2011-01-02 08:00:00", "2011-01-03"]),
    st.sampled_from(["1.5", "1.50", "0"]),
    CELL,
)
FILES = st.lists(st.lists(LINE, min_size=1, max_size=8), min_size=1, max_size=4)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES, seed=st.integers(0, 2**16))
def test_any_order_of_files_and_corrections_agrees_with_the_slow_rule(db, tmp_path, files, seed):
    """Files, whole files again, error files corrected and sent once or twice: counts and ledger equal the slow version."""
    rng, slow = random.Random(seed), SlowLedger()
    with transaction.atomic():
        for lines in files:
            table = retail(*lines)
            for _ in range(rng.choice([1, 1, 2])):
                result = imported(write_csv(tmp_path / "a.csv", table))
                assert counts(result)[1:] == slow.post(
                    [dict(zip(RETAIL_HEADER, row, strict=True)) for row in table[1:]]
                )
            if result.rejected and rng.random() < 0.7:
                fixed = corrected(result, tmp_path / "fixed.csv", **{"Customer ID": rng.choice(["K1", "K2"])})
                with fixed.open(encoding="utf-8-sig", newline="") as file:
                    rows = list(csv.DictReader(file))
                for _ in range(rng.choice([1, 2])):
                    assert counts(imported(fixed))[1:] == slow.post(rows)
        stored = Counter(
            (reference, product, quantity, day, price, account)
            for reference, product, quantity, day, price, account in ledger(
                "reference", "product__code", "quantity", "booked_on", "unit_price", "account__code"
            )
        )
        expected = Counter()
        for (invoice, stock, quantity, day, price, customer), number in slow.counting.items():
            amount = quantity * price
            turned = -quantity if invoice.startswith("C") and amount > 0 else quantity
            expected[invoice, stock, turned, day, price, customer] += number
        assert stored == +expected
        transaction.set_rollback(True)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["10", "n/a", "", "5.5"]), st.sampled_from(["2024-01-01", "never"]), st.sampled_from(DIRTY)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_correcting_the_error_file_ends_where_a_right_file_would(db, tmp_path, cells):
    """Import, correct what was rejected, send it: the ledger is the one of the file that was right from the start."""
    header = ("account_code", "booked_on", "amount", "note")
    rows = [[f"A{n}", day, amount, note] for n, (amount, day, note) in enumerate(cells)]
    right = [
        [code, "2024-01-01" if day == "never" else day, amount if amount in ("10", "5.5") else "7", note]
        for code, day, amount, note in rows
    ]
    with transaction.atomic():
        result = imported(write_csv(tmp_path / "a.csv", [header, *rows]))
        if result.rejected:
            path = tmp_path / "fixed.csv"
            found = error_rows(result)
            with path.open("w", encoding="utf-8-sig", newline="") as file:
                writer = csv.DictWriter(file, found[0].keys())
                writer.writeheader()
                for row in found:
                    good = right[int(row["_row"]) - 2]
                    writer.writerow({**row, "booked_on": good[1], "amount": good[2]})
            fixed = imported(path)
            assert counts(fixed) == (result.rejected, result.rejected, 0, 0)
        assert {(code, amount) for code, _day, amount in ledger()} == {(row[0], Decimal(row[2])) for row in right}
        whole = imported(write_csv(tmp_path / "b.csv", [header, *right]))
        assert counts(whole) == (len(rows), 0, len(rows), 0)
        transaction.set_rollback(True)


def test_slow_rule_knows_normal_forms():
    row = dict(zip(RETAIL_HEADER, ["1", "S", "", "2.0", "2011-01-02 07:00", "1.50", " K ", "UK"], strict=True))

    assert content(row) == ("1", "S", Decimal(2), date(2011, 1, 2), Decimal("1.5"), "K")


@pytest.mark.parametrize("column", ["_batch", "_row"])
def test_one_mark_alone_is_an_ordinary_column(db, tmp_path, column):
    path = write_csv(
        tmp_path / "a.csv", [["account_code", "booked_on", "amount", column], ["A", "2024-01-01", "1", "7"]]
    )

    assert counts(imported(path)) == (1, 1, 0, 0)
