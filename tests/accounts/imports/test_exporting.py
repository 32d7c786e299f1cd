"""Our own export, and its way back: the same records under the same identities, once."""

import csv
import gzip
import io
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.imports import exporting
from accounts.imports.cells import trimmed
from accounts.imports.exporting import COLUMNS, LedgerExport
from accounts.imports.fields import FIELDS
from accounts.imports.guard import guard, unguard
from accounts.imports.profiles import PROFILES
from accounts.imports.services import post_rows, withdraw_batch
from accounts.models import Account, Contract, ImportBatch, Product, RevenueRecord, User
from metrics.rollup import difference
from tests.accounts.imports.helpers import (
    ONLINE_RETAIL,
    RETAIL_HEADER,
    counts,
    error_rows,
    facet_rows,
    imported,
    write_csv,
    write_xlsx,
)
from tests.factories import make_account, make_contract, make_product, make_superuser, make_user, post_revenue

VALUES = (
    "account__code", "account__name", "account__parent__code", "account__country", "account__region",
    "account__segment", "account__industry", "account__channel", "account__dealer__code", "product__code", "product__name",
    "product__category", "contract__number", "contract__account__code", "booked_on", "kind", "basis", "reference",
    "credits_reference", "external_id", "quantity", "unit_price",
    "amount", "cost", "currency", "source",
)  # fmt: skip
FACTS = ("code", "name", "parent__code", "country", "region", "segment", "industry", "channel", "dealer__code")
FACET_HEADER = (
    "account_code", "account_name", "booked_on", "reference", "external_id", "product_code", "quantity", "unit_price",
    "amount", "cost", "currency", "contract_number",
)  # fmt: skip
FACET_FILE = facet_rows(
    ["F1", "华东电子", "2024-01-02", "R1", "", "P1", "3", "1.234567", "3.7037", "", "CNY", "K-9"],
    ["F1", "华东电子", "2024-01-02", "R1", "", "P1", "3", "1.234567", "3.7037", "", "CNY", "K-9"],
    ["F2", "Ärzte", "2024-02-03", "R2", "E-1", "", "", "", "-0.0001", "2.5", "USD", ""],
    ["F2", "Ärzte", "2024-02-04", "R2", "E-2", "P2", "-2", "0.000001", "5", "0", "EUR", ""],
    header=FACET_HEADER,
)
A = ["1", "S", "thing", "2", "2011-01-02", "1.5", "K1", "UK"]
RETAIL_FILE = [RETAIL_HEADER, A, A, A, ["C7", "S", "thing", "-2", "2011-02-02", "1.50", "K1", "UK"]]


def exported(user: User | None = None, **filters: object) -> bytes:
    viewer = user or make_superuser()
    records = RevenueRecord.objects.of_visible_accounts(viewer).filter(**filters)
    return b"".join(LedgerExport(records, Account.objects.visible_to(viewer)))


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def write_rows(path: Path, rows: list[dict[str, str]], *, without: tuple[str, ...] = ()) -> Path:
    columns = [name for name in rows[0] if name not in without]
    return write_csv(path, [columns, *([row[name] for name in columns] for row in rows)], encoding="utf-8-sig")


def records() -> list[tuple]:
    found = RevenueRecord.objects.order_by().values_list("identity", *VALUES)
    return sorted(((bytes(identity), *values) for identity, *values in found), key=repr)


def accounts() -> list[tuple]:
    return sorted(Account.objects.values_list(*FACTS), key=repr)


def empty_the_ledger() -> None:
    """What an empty Facet holds. The guard of the ledger lets no row be deleted; a table that is emptied asks nobody."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(
            "TRUNCATE accounts_revenuerecord, accounts_account, accounts_product, accounts_contract,"
            " accounts_importbatch, accounts_resentrow, metrics_accountday, metrics_accountmonth, metrics_accountspan"
            " CASCADE"
        )


@pytest.fixture
def mixed(db: None, tmp_path: Path) -> dict[str, Path]:
    """A ledger of four sources; the files that two of them came from."""
    files = {
        "facet": write_csv(tmp_path / "facet.csv", FACET_FILE),
        "online-retail": write_csv(tmp_path / "retail.csv", RETAIL_FILE),
    }
    for name, path in files.items():
        assert imported(path, source=name).rejected == 0
    top = make_account(code="TOP", name="Holding 控股", country="DE", industry="steel")
    middle = make_account(code="MID", name="'=Asia", parent=top, region="Asia")
    names = ("=1+1", "+x", "-y", "@z", "'t Hooft", "''@a", "-5", "a,b", 'say "hi"', "两\n行", "＝1")
    dealer = make_account(code="=D", name="+Outlet", channel="-own", dealer=make_account(code="D2", name="Wholesaler"))
    held = [
        make_account(code=f"{name[:1]}{n}", name=name, segment=name, channel=name, parent=middle, dealer=dealer)
        for n, name in enumerate(names)
    ]
    product = make_product(code="=P", name="-P", category="+C")
    contract = make_contract(number="@K", account=held[0])
    post_revenue(
        [
            {"account": held[0], "product": product, "contract": contract, "amount": Decimal("123456789012345.6789")},
            {"account": held[1], "quantity": Decimal("-1234567890123.654321"), "cost": Decimal("-0.0001")},
            *({"account": account, "reference": account.name, "source": "=erp"} for account in held),
            {"account": top, "kind": "adjustment", "basis": "cash", "currency": "JPY", "external_id": "'=1"},
        ]
    )
    post_rows(rows=[{"account_code": "F1", "booked_on": "2024-05-05", "amount": "7", "currency": "CNY"}], user=None)
    gone = imported(write_csv(tmp_path / "gone.csv", facet_rows(["GONE", "2024-01-01", "9"])), source="gone")
    withdraw_batch(batch=ImportBatch.objects.get(pk=gone.batch), reason="mistake", user=None)
    return files


# --- What is written ---


def test_columns_are_the_fields_of_the_door_and_those_that_name_the_record(mixed):
    content = exported()

    assert content.startswith(b"\xef\xbb\xbfaccount_code,account_name,parent_code,")
    assert tuple(rows_of(content)[0]) == COLUMNS == (*FIELDS, "_source", "_identity", "_parents")
    assert PROFILES["facet"].found_in(COLUMNS) == {key: key for key in FIELDS}


def test_rows_are_the_counting_records_in_the_order_of_posting(mixed):
    rows = rows_of(exported())

    counting = RevenueRecord.objects.order_by("pk")
    assert [row["_identity"] for row in rows] == [bytes(record.identity).hex() for record in counting]
    assert {row["_source"] for row in rows} == {"facet", "online-retail", "test", "'=erp", "api"}
    assert "GONE" not in {row["account_code"] for row in rows}


def test_cells_are_whole_and_none_runs_as_a_formula(mixed):
    rows = rows_of(exported())

    assert [(row["unit_price"], row["amount"], row["cost"]) for row in rows[:3]] == [
        ("1.234567", "3.7037", ""),
        ("1.234567", "3.7037", ""),
        ("", "-0.0001", "2.5"),
    ]
    assert {row["amount"] for row in rows} >= {"123456789012345.6789"}
    assert {row["quantity"] for row in rows} >= {"-1234567890123.654321"}
    assert [(key, cell) for row in rows for key, cell in row.items() if cell != guard(unguard(cell))] == []
    names = {unguard(row["account_name"]): row["account_name"] for row in rows}
    assert names["=1+1"] == "'=1+1"
    assert names["-5"] == "-5"
    assert names["'t Hooft"] == "'t Hooft"


def test_pages_make_one_file(mixed, monkeypatch):
    whole = exported()
    monkeypatch.setattr(exporting, "PAGE_KEYS", 2)

    assert exported() == whole


def test_rows_are_counted_and_an_empty_ledger_gives_the_header(db):
    nothing = LedgerExport(RevenueRecord.objects.all(), Account.objects.all())
    assert rows_of(b"".join(nothing)) == []
    assert nothing.rows == 0

    post_revenue([{}, {}, {}])
    three = LedgerExport(RevenueRecord.objects.all(), Account.objects.all())
    assert (len(rows_of(b"".join(three))), three.rows) == (3, 3)


def test_filters_of_the_records_hold(mixed):
    assert {row["_source"] for row in rows_of(exported(source="online-retail"))} == {"online-retail"}
    assert len(rows_of(exported(booked_on__gte=date(2024, 2, 4), booked_on__lte=date(2024, 5, 4)))) == 1


def test_viewer_gets_the_records_of_visible_accounts_and_hears_of_no_hidden_parent_or_dealer(db):
    owner = make_user()
    hidden = make_account(name="Hidden holding")
    mine = make_account(owner=owner, parent=hidden, dealer=hidden)
    post_revenue([{"account": mine}, {"account": hidden}, {}])

    content = exported(owner)

    named = ("account_code", "parent_code", "dealer_code", "_parents")
    assert [tuple(row[name] for name in named) for row in rows_of(content)] == [(mine.code, "", "", "")]
    assert b"Hidden" not in content
    assert rows_of(exported(make_user())) == []


@pytest.mark.django_db(transaction=True)
def test_export_is_one_moment_of_the_ledger(monkeypatch):
    monkeypatch.setattr(exporting, "PAGE_KEYS", 1)
    post_revenue([{}, {}])
    pieces = iter(LedgerExport(RevenueRecord.objects.all(), Account.objects.all()))
    head = [next(pieces), next(pieces)]
    with connection.cursor() as cursor:
        cursor.execute("SHOW transaction_isolation")
        isolation = cursor.fetchone()[0]
    pieces.close()

    assert len(head) == 2
    assert isolation == "repeatable read"
    assert not connection.in_atomic_block
    assert RevenueRecord.objects.count() == 2


# --- The way back ---


def test_same_ledger_takes_nothing_twice(mixed, tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_bytes(exported())
    before = records(), accounts(), Product.objects.count(), Contract.objects.count()

    result = imported(path)

    rows = RevenueRecord.objects.count()
    assert counts(result) == (rows, 0, rows, 0)
    assert (records(), accounts(), Product.objects.count(), Contract.objects.count()) == before


def test_empty_ledger_comes_to_hold_the_same_records(mixed, tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_bytes(exported())
    before = records(), [row for row in accounts() if row[0] != "GONE"]
    empty_the_ledger()

    result = imported(path)

    assert counts(result) == (len(before[0]), len(before[0]), 0, 0)
    assert (records(), accounts()) == before
    assert difference() == 0
    assert set(Contract.objects.values_list("number", "status")) == {("@K", "draft"), ("K-9", "draft")}
    assert rows_of(exported()) == rows_of(path.read_bytes())
    for source, original in mixed.items():
        again = imported(original, source=source)
        assert (again.posted, again.rejected, again.already_there) == (0, 0, again.read)
    assert records() == before[0]


def test_workbook_saved_from_the_export_comes_back_too(mixed, tmp_path):
    rows = rows_of(exported())
    path = write_xlsx(tmp_path / "ledger.xlsx", [list(rows[0]), *(list(row.values()) for row in rows)])
    before = records()
    empty_the_ledger()

    assert counts(imported(path)) == (len(rows), len(rows), 0, 0)
    assert records() == before


def test_part_of_a_ledger_comes_back_and_the_whole_adds_the_rest(mixed, tmp_path):
    part, whole = tmp_path / "part.csv", tmp_path / "whole.csv"
    part.write_bytes(exported(source="facet"))
    whole.write_bytes(exported())
    before = records()
    empty_the_ledger()

    assert counts(imported(part)) == (4, 4, 0, 0)
    assert counts(imported(whole)) == (len(before), len(before) - 4, 4, 0)
    assert records() == before


def test_any_mapping_that_reads_an_export_knows_its_records(mixed, tmp_path):
    path = tmp_path / "ledger.csv"
    path.write_bytes(exported())
    mapping = {"columns": {key: key for key in ("account_code", "booked_on", "amount", "currency", "account_name")}}

    result = imported(path, mapping=mapping)

    assert (result.posted, result.rejected) == (0, 0)


def test_source_of_the_import_is_for_rows_that_name_none(mixed, tmp_path):
    rows = rows_of(exported(source="facet"))
    new = {**rows[0], "_source": "", "_identity": "", "amount": "99"}

    result = imported(write_rows(tmp_path / "a.csv", [*rows, new]), source="by-hand")

    assert counts(result) == (5, 1, 4, 0)
    assert RevenueRecord.objects.get(source="by-hand").amount == 99


TEXT = st.text(
    st.characters(exclude_characters="\0\ufdd0\ufdd1", exclude_categories=["Cs"]) | st.sampled_from("'=+-@ \t\n＝"),
    max_size=6,
).filter(lambda text: text == trimmed(text))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TEXT.filter(bool), TEXT, TEXT, TEXT.filter(bool)), min_size=1, max_size=6))
def test_any_texts_come_back_as_they_were(db, tmp_path, texts):
    with transaction.atomic():
        empty_the_ledger()
        for number, (name, industry, reference, source) in enumerate(texts):
            account = make_account(code=f"{name}{number}", name=name, industry=industry)
            post_revenue([{"account": account, "reference": reference, "source": source}])
        before = records(), accounts()
        path = tmp_path / "ledger.csv"
        path.write_bytes(exported())
        assert imported(path).already_there == len(texts)
        empty_the_ledger()
        assert counts(imported(path)) == (len(texts), len(texts), 0, 0)
        assert (records(), accounts()) == before
        transaction.set_rollback(True)


# --- Group parents ---


def test_parents_are_made_for_accounts_that_are_and_for_no_others(mixed, tmp_path):
    rows = [row for row in rows_of(exported(source="=erp")) if row["account_name"] in ("'+x", "'-y")]
    empty_the_ledger()
    make_account(code=unguard(rows[1]["account_code"]), name="here already")
    rows[0]["amount"] = "much"

    imported(write_rows(tmp_path / "a.csv", rows))

    assert set(Account.objects.values_list("name", flat=True)) == {"here already"}
    rows[0]["amount"] = "5"
    imported(write_rows(tmp_path / "a.csv", rows))
    assert set(Account.objects.values_list("name", "parent__name")) == {
        ("here already", None),
        ("+x", "'=Asia"),
        ("'=Asia", "Holding 控股"),
        ("Holding 控股", None),
        ("+Outlet", None),  # the dealer, and through whom that one buys
        ("Wholesaler", None),
    }


def test_parents_keep_their_names_where_other_rows_are_rejected(mixed, tmp_path):
    rows = rows_of(exported(source="=erp"))
    before = [row for row in accounts() if row[0] in {"TOP", "MID"}]
    empty_the_ledger()

    result = imported(write_rows(tmp_path / "a.csv", [*rows, {**rows[0], "amount": "1"}]))

    assert result.reasons == {"posted_before": 1}
    assert [row for row in accounts() if row[0] in {"TOP", "MID"}] == before


def test_parents_that_lead_back_to_themselves_are_rejected(mixed, tmp_path):
    rows = rows_of(exported(source="=erp"))[:2]
    empty_the_ledger()
    rows[0]["_parents"] = '[{"account_code": "MID", "parent_code": "TOP"}]'
    rows[1]["_parents"] = '[{"account_code": "TOP", "parent_code": "MID"}]'

    result = imported(write_rows(tmp_path / "a.csv", rows))

    assert result.reasons == {"group_cycle": 2}
    assert not Account.objects.exists()


@pytest.mark.parametrize(
    "cell",
    [
        "Holding", "{}", "[1]", '["TOP"]', '[{"account_code": ""}]', '[{"account_code": 7}]', '[{"name": "x"}]',
        '[{"account_code": "a\\u0000"}]', '[{"account_code": "\\ud800"}]', '[{"account_code": " a"}]', "[" * 3000,
        '[{"account_code": "' + "x" * 65 + '"}]',
    ],
)  # fmt: skip
def test_parents_that_are_none_of_ours_are_rejected(mixed, tmp_path, cell):
    rows = rows_of(exported(source="facet"))
    rows[1]["_parents"] = cell

    result = imported(write_rows(tmp_path / "a.csv", rows))

    assert counts(result) == (4, 0, 3, 1)
    assert [(row["_column"], row["_value"]) for row in error_rows(result)] == [("_parents", guard(cell))]


# --- Rows that are refused ---


def rejected_with(change: Callable[[dict[str, str]], dict[str, str]], tmp_path: Path) -> tuple[str, str, str]:
    """(column, value, reason) of the one row of four that ``change`` spoils."""
    rows = rows_of(exported(source="facet"))
    result = imported(write_rows(tmp_path / "a.csv", [*rows[:3], {**rows[3], **change(rows[3])}]))
    assert counts(result) == (4, 0, 3, 1)
    row = error_rows(result)[0]
    assert (row["_batch"], row["_row"]) == (str(result.batch), "5")
    return row["_column"], row["_value"], row["_reason"]


HALF = "_source and _identity belong together: both are needed, or neither"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"_identity": "xyz"}, ("_identity", "xyz", "no identity as an export writes it: 32 hexadecimal digits")),
        ({"_identity": "1.2E+31"}, ("_identity", "1.2E+31", "no identity as an export writes it: 32 hexadecimal digits")),
        ({"_identity": ""}, ("_identity", "", HALF)),
        ({"_source": " "}, ("_source", " ", HALF)),
        ({"_source": "s" * 61}, ("_source", "s" * 61, "longer than 60 characters")),
    ],
)  # fmt: skip
def test_row_that_names_no_record_is_rejected(mixed, tmp_path, change, told):
    assert rejected_with(lambda row: change, tmp_path) == told


@pytest.mark.parametrize(
    "change",
    [{"amount": "5.0001"}, {"booked_on": "2024-02-05"}, {"account_code": "F1"}, {"currency": "GBP"}, {"external_id": "", "amount": "6"}],
)  # fmt: skip
def test_known_record_with_other_content_is_rejected(mixed, tmp_path, change):
    known = RevenueRecord.objects.get(external_id="E-2")

    told = rejected_with(lambda row: change, tmp_path)

    reason = f"posted before with other content (batch {known.batch_id}, row {known.source_row})"
    assert told == ("_identity", bytes(known.identity).hex(), reason)


def test_known_record_may_differ_in_what_does_not_judge_it(mixed, tmp_path):
    rows = [{**row, "reference": "other", "cost": "1"} for row in rows_of(exported(source="facet"))]
    before = records()

    assert counts(imported(write_rows(tmp_path / "a.csv", rows))) == (4, 0, 4, 0)
    assert records() == before


@pytest.mark.parametrize("lost", ["_source", "_identity"])
def test_file_that_has_lost_one_of_the_columns_is_not_posted_again(mixed, tmp_path, lost):
    rows = rows_of(exported())

    result = imported(write_rows(tmp_path / "a.csv", rows, without=(lost,)), profile="facet")

    assert counts(result) == (len(rows), 0, 0, len(rows))
    assert result.reasons == {"half_origin": len(rows)}


def test_file_without_the_columns_is_an_ordinary_one(mixed, tmp_path):
    rows = rows_of(exported(source="facet"))

    result = imported(write_rows(tmp_path / "a.csv", rows, without=("_source", "_identity")), source="copy")

    assert counts(result) == (4, 4, 0, 0)
    assert RevenueRecord.objects.filter(source="copy").count() == 4


def test_columns_of_those_names_mean_nothing_in_files_that_are_not_ours(db, tmp_path):
    rows = [["id", "day", "sum", "_source"], ["A", "2024-01-02", "1", "SAP"]]
    mapping = {"columns": {"account_code": "id", "booked_on": "day", "amount": "sum"}}

    assert counts(imported(write_csv(tmp_path / "a.csv", rows), mapping=mapping)) == (1, 1, 0, 0)
    assert RevenueRecord.objects.get().source == "mapping"


def test_record_named_twice_is_there_the_second_time_or_rejected(mixed, tmp_path):
    rows = rows_of(exported(source="facet"))
    empty_the_ledger()

    result = imported(write_rows(tmp_path / "a.csv", [*rows, rows[0], {**rows[1], "amount": "8"}]))

    assert counts(result) == (6, 4, 1, 1)
    told = error_rows(result)[0]
    assert (told["_column"], told["_reason"]) == (
        "_identity",
        f"posted before with other content (batch {result.batch}, row 3)",
    )


def test_one_identity_under_two_sources_is_two_records(mixed, tmp_path):
    rows = rows_of(exported(source="facet"))

    result = imported(write_rows(tmp_path / "a.csv", [*rows, {**rows[0], "_source": "other", "amount": "1"}]))

    assert counts(result) == (5, 1, 4, 0)


def test_ordinary_row_that_says_what_a_named_one_says_is_that_record(mixed, tmp_path):
    rows = rows_of(exported(source="facet"))
    plain = {**rows[0], "_source": "", "_identity": ""}
    before = [row for row in records() if row[-1] == "facet"]
    empty_the_ledger()

    # The first two lines of this content are the named ones, a third is new.
    result = imported(write_rows(tmp_path / "a.csv", [plain, *rows, plain, plain]))

    assert counts(result) == (7, 5, 2, 0)
    assert set(before) < set(records())
    assert counts(imported(tmp_path / "a.csv")) == (7, 0, 7, 0)


# --- The error file ---


def corrected(result, path: Path, **changes: str) -> Path:
    return write_rows(path, [{**row, **changes} for row in error_rows(result)])


def test_error_file_of_an_export_comes_back_under_its_identities(mixed, tmp_path):
    rows = rows_of(exported())
    before = records()
    empty_the_ledger()
    spoiled = [{**row, "currency": "???"} if row["_source"] == "'=erp" else row for row in rows]
    first = imported(write_rows(tmp_path / "a.csv", spoiled))
    assert first.rejected == 11

    fixed = corrected(first, tmp_path / "fixed.csv", currency="CNY")
    second, third = imported(fixed), imported(fixed)

    assert counts(second) == (11, 11, 0, 0)
    assert counts(third) == (11, 0, 11, 0)
    assert records() == before
    assert imported(write_rows(tmp_path / "b.csv", rows)).posted == 0


def test_error_file_with_named_and_ordinary_rows_posts_each_once(mixed, tmp_path):
    rows = rows_of(exported(source="facet"))
    before = records()
    empty_the_ledger()
    plain = {**rows[0], "_source": "", "_identity": ""}
    content = [rows[0], rows[1], {**rows[2], "amount": "x"}, rows[3], {**plain, "amount": "x"}]
    first = imported(write_rows(tmp_path / "a.csv", content))
    assert counts(first) == (5, 3, 0, 2)
    fixed = [{**row, "amount": "-0.0001" if row["_identity"] else "3.7037"} for row in error_rows(first)]

    # Together with a named row that is not there yet and takes the next occurrence of the same content.
    empty_lines = dict.fromkeys(("_batch", "_row", "_column", "_value", "_reason"), "")
    second = imported(write_rows(tmp_path / "fixed.csv", [*fixed, {**rows[1], **empty_lines}]))

    assert counts(second) == (3, 2, 1, 0)
    assert {row for row in before if row[-1] == "facet"} < set(records())
    assert RevenueRecord.objects.count() == 5
    assert counts(imported(tmp_path / "fixed.csv")) == (3, 0, 3, 0)


# --- Real files ---

SOME_LINES = 100_000


@pytest.mark.skipif(not ONLINE_RETAIL.exists(), reason="the Online Retail II files are not beside the project")
def test_online_retail_comes_back_whole(db, tmp_path):
    original = tmp_path / "a-hundred-thousand.csv"
    with gzip.open(ONLINE_RETAIL / "year-2009-2010.csv.gz", "rb") as whole, original.open("wb") as first_lines:
        first_lines.writelines(islice(whole, 1 + SOME_LINES))
    posted = imported(original, currency="", profile="online-retail").posted
    checksum = ledger_checksum()
    ledger = tmp_path / "ledger.csv"
    with ledger.open("wb") as file:
        file.writelines(LedgerExport(RevenueRecord.objects.all(), Account.objects.all()))

    assert counts(imported(ledger)) == (posted, 0, posted, 0)
    empty_the_ledger()
    assert counts(imported(ledger)) == (posted, posted, 0, 0)
    assert ledger_checksum() == checksum
    assert difference() == 0
    again = imported(original, currency="", profile="online-retail")
    assert counts(again) == (SOME_LINES, 0, posted, SOME_LINES - posted)


def ledger_checksum() -> tuple:
    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT count(*), sum(r.amount), sum(hashtextextended(concat_ws('|', encode(r.identity, 'hex'), r.source, a.code,
                a.name, a.country, p.code, p.name, r.booked_on, r.kind, r.basis, r.reference, r.quantity, r.unit_price,
                r.amount, r.cost, r.currency), 0)::numeric)
            FROM accounts_revenuerecord r JOIN accounts_account a ON a.id = r.account_id
            LEFT JOIN accounts_product p ON p.id = r.product_id WHERE r.withdrawn_at IS NULL
        """)
        return cursor.fetchone()
