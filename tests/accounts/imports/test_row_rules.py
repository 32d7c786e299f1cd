"""The rules for rows of the interface, one by one, through the whole door."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.imports.fields import FIELDS
from accounts.models import Account, Contract, Product, RevenueRecord
from crm.lib.exceptions import ImportRefused
from tests.accounts.imports.helpers import (
    RETAIL_HEADER,
    counts,
    error_rows,
    facet_rows,
    imported,
    ledger,
    write_csv,
    write_xlsx,
)

HEADER = (
    "account_code",
    "account_name",
    "booked_on",
    "kind",
    "basis",
    "reference",
    "external_id",
    "quantity",
    "unit_price",
    "amount",
    "cost",
    "currency",
)
GOOD = {"account_code": "A1", "booked_on": "2024-01-02", "amount": "10"}
TOMORROW = timezone.localdate() + timedelta(days=1)

REJECTED = [
    ("account_code", "", "missing_account"),
    ("account_code", " \u3000\u00a0", "missing_account"),
    ("account_code", "x" * 65, "too_long"),
    ("account_code", "=1+1", "formula"),
    ("account_code", " ＝cmd", "formula"),
    ("account_name", "n" * 201, "too_long"),
    ("reference", "r" * 65, "too_long"),
    ("external_id", "e" * 121, "too_long"),
    ("booked_on", "", "missing_date"),
    ("booked_on", "31/02/2011", "no_date"),
    ("booked_on", "2011-02-31", "no_date"),
    ("booked_on", "2011-W05-1", "no_date"),
    ("booked_on", "yesterday", "no_date"),
    ("booked_on", "40513", "no_date"),
    ("booked_on", "1969-12-31", "date_out_of_range"),
    ("booked_on", "9999-01-01", "date_out_of_range"),
    ("booked_on", (TOMORROW + timedelta(days=367)).isoformat(), "date_out_of_range"),
    ("kind", "present", "unknown_word"),
    ("basis", "guessed", "unknown_word"),
    ("amount", "", "missing_amount"),
    ("amount", "n/a", "no_number"),
    ("amount", "1e3", "no_number"),
    ("amount", "0x10", "no_number"),
    ("amount", "NaN", "no_number"),
    ("amount", "inf", "no_number"),
    ("amount", "1,234", "no_number"),
    ("amount", "$5", "no_number"),
    ("amount", "--5", "no_number"),
    ("amount", "5.", "no_number"),
    ("amount", ".", "no_number"),
    ("amount", "1 2", "no_number"),
    ("amount", "1.00001", "too_many_decimals"),
    ("amount", "1000000000000000000", "number_out_of_range"),
    ("amount", "1000000000000000", "number_out_of_range"),
    ("cost", "1.23456", "too_many_decimals"),
    ("unit_price", "1.1234567", "too_many_decimals"),
    ("quantity", "12345678901234", "number_out_of_range"),
    ("currency", "XXQ", "unknown_currency"),
    ("currency", "euro", "unknown_currency"),
]
ACCEPTED = [
    ("booked_on", "1970-01-01", "booked_on", date(1970, 1, 1)),
    ("booked_on", (TOMORROW + timedelta(days=366)).isoformat(), "booked_on", TOMORROW + timedelta(days=366)),
    ("booked_on", "2024-02-29 23:59:59", "booked_on", date(2024, 2, 29)),
    ("booked_on", "2024-02-29T23:59:59.123+08:00", "booked_on", date(2024, 2, 29)),
    ("booked_on", "２０２４-02-29", "booked_on", date(2024, 2, 29)),
    ("amount", "999999999999999.9999", "amount", Decimal("999999999999999.9999")),
    ("amount", "-0.0001", "amount", Decimal("-0.0001")),
    ("amount", "(123)", "amount", Decimal(-123)),
    ("amount", "123-", "amount", Decimal(-123)),
    ("amount", "−5", "amount", Decimal(-5)),
    ("amount", "+5", "amount", Decimal(5)),
    ("amount", ".5", "amount", Decimal("0.5")),
    ("amount", "00012.50", "amount", Decimal("12.5")),
    ("amount", "１２３.５", "amount", Decimal("123.5")),
    ("amount", " 7\u00a0", "amount", Decimal(7)),
    ("amount", "1.230000", "amount", Decimal("1.23")),
    ("account_code", "\u3000A 1\u00a0", "account__code", "A 1"),
    ("account_code", "00042", "account__code", "00042"),
    ("account_code", "a1", "account__code", "a1"),
    ("account_code", "12345678901234567890", "account__code", "12345678901234567890"),
    ("account_code", "O'Neil \\N \\t", "account__code", "O'Neil \\N \\t"),
    ("account_name", "多行\n名字\t甲", "account__name", "多行\n名字\t甲"),
    ("account_name", "+49 Handel", "account__name", "+49 Handel"),
    ("kind", "Credit Note", "kind", "credit_note"),
    ("kind", "", "kind", "invoice"),
    ("kind", "调整", "kind", "adjustment"),
    ("basis", "回款", "basis", "cash"),
    ("basis", "", "basis", "invoiced"),
    ("currency", "usd", "currency", "USD"),
    ("currency", "", "currency", "CNY"),
    ("cost", "", "cost", None),
    ("quantity", "0.123456", "quantity", Decimal("0.123456")),
]


def one_row(tmp_path, **cells):
    row = {**GOOD, **cells}
    rows = [[row.get(name, "") for name in HEADER], [GOOD.get(name, "") for name in HEADER]]
    return imported(write_csv(tmp_path / "a.csv", [HEADER, *rows]))


@pytest.mark.parametrize(("column", "value", "code"), REJECTED)
def test_bad_cell_is_rejected_with_row_column_value_and_reason(db, tmp_path, column, value, code):
    result = one_row(tmp_path, **{column: value})

    assert counts(result) == (2, 1, 0, 1)
    assert result.reasons == {code: 1}
    row = error_rows(result)[0]
    assert (row["_batch"], row["_row"], row["_column"]) == (str(result.batch), "2", column)
    assert row["_value"].lstrip("'") == value
    assert row["_reason"]


@pytest.mark.parametrize(("column", "value", "name", "stored"), ACCEPTED)
def test_good_cell_is_stored_exactly(db, tmp_path, column, value, name, stored):
    row = {**GOOD, column: value}
    result = imported(write_csv(tmp_path / "a.csv", [HEADER, [row.get(key, "") for key in HEADER]]))

    assert counts(result) == (1, 1, 0, 0)
    assert ledger(name) == [(stored,)]


def test_amount_is_quantity_times_price_exactly(db, tmp_path):
    header = ("account_code", "booked_on", "quantity", "unit_price", "amount")
    rows = [
        ["A", "2024-01-01", "3", "0.333", ""],
        ["A", "2024-01-01", "-12", "6.950", ""],
        ["A", "2024-01-01", "0.5", "0.00002", ""],
        ["A", "2024-01-01", "3", "0.123456", ""],
        ["A", "2024-01-01", "9999999999999", "9999999", ""],
        ["A", "2024-01-01", "2", "", ""],
        ["A", "2024-01-01", "2", "5", "9.99"],
    ]
    result = imported(write_csv(tmp_path / "a.csv", [header, *rows]))

    assert counts(result) == (7, 3, 0, 4)
    assert result.reasons == {"amount_decimals": 2, "amount_out_of_range": 1, "missing_amount": 1}
    assert sorted(amount for (amount,) in ledger("amount")) == [Decimal("-83.4"), Decimal("0.999"), Decimal("9.99")]
    assert error_rows(result)[0]["_value"] == "0.5 × 0.00002"


def test_every_fault_of_a_row_is_told(db, tmp_path):
    result = one_row(tmp_path, account_code="", booked_on="soon", amount="much")

    row = error_rows(result)[0]
    assert row["_column"] == "account_code; booked_on; amount"
    assert row["_value"] == "; soon; much"
    assert row["_reason"].count(";") == 2
    assert result.reasons == {"missing_account": 1}


def test_credit_note_prefix_decides_the_sign(db, tmp_path):
    rows = [
        ["C1", "P", "", "-2", "2011-01-02", "1.5", "K", "UK"],
        ["C2", "P", "", "2", "2011-01-02", "1.5", "K", "UK"],
        ["C3", "P", "", "0", "2011-01-02", "1.5", "K", "UK"],
        ["D4", "P", "", "-2", "2011-01-02", "1.5", "K", "UK"],
    ]
    imported(write_csv(tmp_path / "a.csv", [RETAIL_HEADER, *rows]), currency="")

    assert ledger("reference", "kind", "quantity", "amount", "currency") == [
        ("C1", "credit_note", Decimal(-2), Decimal(-3), "GBP"),
        ("C2", "credit_note", Decimal(-2), Decimal(-3), "GBP"),
        ("C3", "credit_note", Decimal(0), Decimal(0), "GBP"),
        ("D4", "invoice", Decimal(-2), Decimal(-3), "GBP"),
    ]


def test_credit_note_with_an_amount_of_its_own_turns_amount_and_cost(db, tmp_path):
    mapping = {
        "columns": {name: name for name in ("account_code", "booked_on", "reference", "amount", "cost")},
        "credit_note_prefix": "CN",
    }
    header = ("account_code", "booked_on", "reference", "amount", "cost")
    rows = [
        ["A", "2024-01-01", "CN1", "10", "4"],
        ["A", "2024-01-01", "CN2", "-10", "-4"],
        ["A", "2024-01-01", "I3", "10", "4"],
    ]
    imported(write_csv(tmp_path / "a.csv", [header, *rows]), mapping=mapping)

    assert ledger("reference", "amount", "cost") == [("CN1", -10, -4), ("CN2", -10, -4), ("I3", 10, 4)]


@pytest.mark.parametrize("digits", [16, 19])
def test_long_number_cell_of_a_workbook_is_rejected(db, tmp_path, digits):
    number = int("1234567890123456789"[:digits])
    path = write_xlsx(tmp_path / "a.xlsx", facet_rows([number, "2024-01-01", 1], [str(number), "2024-01-01", 2]))

    result = imported(path)

    assert counts(result) == (2, 1, 0, 1)
    assert result.reasons == {"digits_lost": 1}
    assert ledger("account__code") == [(str(number),)]


def test_workbook_numbers_and_dates_are_read_as_people_see_them(db, tmp_path):
    rows = facet_rows([13085, date(2024, 1, 2), 0.1 + 0.2], [7.0, "2024-01-03", 1.234], ["x", date(2024, 1, 4), 1e-4])

    assert counts(imported(write_xlsx(tmp_path / "a.xlsx", rows))) == (3, 3, 0, 0)
    assert ledger() == [
        ("13085", date(2024, 1, 2), Decimal("0.3")),
        ("7", date(2024, 1, 3), Decimal("1.234")),
        ("x", date(2024, 1, 4), Decimal("0.0001")),
    ]


def test_external_id_is_an_identity_by_itself(db, tmp_path):
    header = ("account_code", "booked_on", "amount", "external_id", "reference")
    first = imported(
        write_csv(
            tmp_path / "a.csv", [header, ["A", "2024-01-01", "5", "X1", "r"], ["A", "2024-01-01", "5", "X2", "r"]]
        )
    )
    assert counts(first) == (2, 2, 0, 0)
    rows = [
        ["A", "2024-01-01", "5.00", "X1", "other words"],
        ["A", "2024-01-01", "6", "X2", "r"],
        ["B", "2024-01-01", "7", "X3", ""],
        ["B", "2024-01-01", "7", "X3", ""],
        ["B", "2024-01-02", "7", "X3", ""],
        ["A", "2024-01-01", "5", "", "r"],
    ]
    result = imported(write_csv(tmp_path / "b.csv", [header, *rows]))

    assert counts(result) == (6, 2, 2, 2)
    reasons = [(row["_row"], row["_column"], row["_value"], row["_reason"]) for row in error_rows(result)]
    assert reasons == [
        ("3", "external_id", "X2", f"posted before with other content (batch {first.batch}, row 3)"),
        ("6", "external_id", "X3", f"posted before with other content (batch {result.batch}, row 4)"),
    ]


def test_external_ids_of_two_sources_are_two(db, tmp_path):
    path = write_csv(
        tmp_path / "a.csv",
        facet_rows(["A", "2024-01-01", "5", "X1"], header=("account_code", "booked_on", "amount", "external_id")),
    )

    assert counts(imported(path, source="one")) == (1, 1, 0, 0)
    assert counts(imported(path, source="two")) == (1, 1, 0, 0)


def test_withdrawn_external_id_can_come_with_other_content(db, tmp_path):
    from accounts.imports.services import withdraw_batch
    from accounts.models import ImportBatch

    header = ("account_code", "booked_on", "amount", "external_id")
    first = imported(write_csv(tmp_path / "a.csv", facet_rows(["A", "2024-01-01", "5", "X1"], header=header)))
    withdraw_batch(batch=ImportBatch.objects.get(pk=first.batch), reason="wrong", user=None)

    assert counts(
        imported(write_csv(tmp_path / "b.csv", facet_rows(["A", "2024-01-01", "6", "X1"], header=header)))
    ) == (1, 1, 0, 0)


def test_numbers_and_blanks_are_normalised_in_the_identity(db, tmp_path):
    header = ("account_code", "booked_on", "quantity", "unit_price", "reference")
    imported(write_csv(tmp_path / "a.csv", [header, ["A", "2024-01-01 07:45:00", "2", "6.950", "r1"]]))

    same = imported(write_csv(tmp_path / "b.csv", [header, [" A\u3000", "2024-01-01", "2.0", "6.95", " r1 "]]))
    other = imported(write_csv(tmp_path / "c.csv", [header, ["A", "2024-01-01", "2", "6.951", "r1"]]))

    assert counts(same) == (1, 0, 1, 0)
    assert counts(other) == (1, 1, 0, 0)


def test_no_currency_anywhere_means_the_base_currency(db, tmp_path, settings):
    settings.BASE_CURRENCY = "SGD"
    imported(write_csv(tmp_path / "a.csv", facet_rows(["A", "2024-01-01", "5"])), currency="")

    assert ledger("currency") == [("SGD",)]


def test_unknown_currency_option_refuses_the_file(db, tmp_path):
    path = write_csv(tmp_path / "a.csv", facet_rows(["A", "2024-01-01", "5"]))

    for code in ("ABC", "x", "€"):
        with pytest.raises(ImportRefused, match="ISO 4217"):
            imported(path, currency=code)


def test_record_is_not_refused_for_want_of_a_rate(db, tmp_path):
    rows = facet_rows(
        ["A", "2024-01-01", "5", "JPY"],
        ["A", "2024-01-01", "5", "USD"],
        header=("account_code", "booked_on", "amount", "currency"),
    )

    assert counts(imported(write_csv(tmp_path / "a.csv", rows))) == (2, 2, 0, 0)


def test_row_of_another_width_is_rejected(db, tmp_path):
    (tmp_path / "a.csv").write_text(
        "account_code,booked_on,amount\nA,2024-01-01,5\nA,2024-01-01\nA,2024-01-01,5,6\nA,2024-01-01,7,,\n\n,,\n"
    )

    result = imported(tmp_path / "a.csv")

    assert counts(result) == (4, 2, 0, 2)
    assert result.reasons == {"cell_count": 2}
    assert [row["_row"] for row in error_rows(result)] == ["3", "4"]


def test_lengths_of_the_fields_are_those_of_the_columns():
    stored = {
        "account_code": (Account, "code"),
        "account_name": (Account, "name"),
        "country": (Account, "country"),
        "region": (Account, "region"),
        "segment": (Account, "segment"),
        "industry": (Account, "industry"),
        "channel": (Account, "channel"),
        "parent_code": (Account, "code"),
        "dealer_code": (Account, "code"),
        "contract_number": (Contract, "number"),
        "product_code": (Product, "code"),
        "product_name": (Product, "name"),
        "product_category": (Product, "category"),
        "reference": (RevenueRecord, "reference"),
        "external_id": (RevenueRecord, "external_id"),
    }
    for key, (model, name) in stored.items():
        assert FIELDS[key].length == model._meta.get_field(name).max_length
    for key in ("quantity", "unit_price", "amount", "cost"):
        assert FIELDS[key].places == RevenueRecord._meta.get_field(key).decimal_places
