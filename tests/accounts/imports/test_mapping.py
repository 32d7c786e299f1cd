import json

import pytest

from accounts.imports.fields import FIELDS, IDENTITY_FIELDS
from accounts.imports.mapping import Mapping, parse_mapping, read_mapping_file
from accounts.imports.options import ImportOptions
from accounts.imports.profiles import PROFILES, fitting_profile, profile_named
from accounts.imports.progress import ProgressWriter, progress_of
from accounts.imports.reasons import REFUSALS, ROW_REASONS, reason_label, refusal_text, row_reason
from accounts.imports.suggest import suggest_columns
from accounts.imports.unreadable import Unreadable
from accounts.models import SavedMapping

# The example of the interface.
EXAMPLE = {
    "columns": {
        "account_code": "customer_id", "account_name": "company", "booked_on": "date", "reference": "invoice",
        "product_code": "sku", "quantity": "qty", "unit_price": "price", "amount": "total", "cost": "cost", "currency": "cur",
    },
    "defaults": {"currency": "USD"},
    "date_formats": ["%Y-%m-%d"],
    "decimal": ".",
    "thousands": "",
    "encoding": "auto",
    "delimiter": "auto",
    "sheet": None,
    "credit_note_prefix": "C",
    "identity": ["reference", "product_code", "quantity", "booked_on", "unit_price", "account_code"],
}  # fmt: skip
MINIMAL = {"columns": {"account_code": "a", "booked_on": "b", "amount": "c"}}


def test_example_mapping_is_read_and_written_back(tmp_path):
    mapping = parse_mapping(EXAMPLE, name="example")

    assert mapping.identity == ("reference", "product_code", "quantity", "booked_on", "unit_price", "account_code")
    assert mapping.to_json() == {**EXAMPLE, "name": "example"}
    assert parse_mapping(mapping.to_json(), name="other") == mapping
    (tmp_path / "erp.json").write_text(json.dumps(EXAMPLE))
    assert read_mapping_file(tmp_path / "erp.json").name == "erp"


def test_mapping_says_little_and_the_rest_is_found():
    mapping = parse_mapping(MINIMAL, name="m")

    assert (mapping.decimal, mapping.encoding, mapping.date_formats, mapping.identity) == (
        "auto",
        "auto",
        (),
        IDENTITY_FIELDS,
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colums": {}}, "colums"),
        ({"columns": {}}, "columns"),
        ({"columns": []}, "columns"),
        ({"columns": {"acount": "x"}}, "acount"),
        ({"columns": {"account_code": 5}}, "columns"),
        ({"columns": {"account_code": "a", "booked_on": "b"}}, "amount"),
        ({"columns": {"account_code": "a", "booked_on": "b", "quantity": "q"}}, "amount"),
        ({"columns": {"booked_on": "b", "amount": "q"}}, "account_code"),
        ({"decimal": ";"}, "decimal"),
        ({"decimal": ",", "thousands": ","}, "same mark"),
        ({"date_formats": "%Q"}, "%Q"),
        ({"date_formats": ["%Y-%m"]}, "%Y-%m"),
        ({"date_formats": [5]}, "date_formats"),
        ({"encoding": "ebcdic"}, "ebcdic"),
        ({"encoding": 5}, "encoding"),
        ({"delimiter": ",,"}, "delimiter"),
        ({"delimiter": '"'}, "delimiter"),
        ({"identity": []}, "identity"),
        ({"identity": ["colour"]}, "identity"),
        ({"defaults": {"kind": "gift"}}, "gift"),
        ({"defaults": {"currency": "QQQ"}}, "QQQ"),
        ({"credit_note_prefix": 7}, "credit_note_prefix"),
        ({"columns": {"account_code": "a\0", "booked_on": "b", "amount": "c"}}, "NUL"),
        ({"name": "\ud800"}, "broken"),
        ({5: "x"}, "5"),
    ],
)
def test_mapping_that_cannot_be_used_says_why(change, words):
    with pytest.raises(Unreadable) as refused:
        parse_mapping({**MINIMAL, **change}, name="m")

    assert words in refusal_text(refused.value)


@pytest.mark.parametrize("definition", [None, [], "x", 5])
def test_mapping_must_be_an_object(definition):
    with pytest.raises(Unreadable):
        parse_mapping(definition, name="m")


def test_options_replace_only_what_they_give():
    mapping = parse_mapping({**MINIMAL, "decimal": ","}, name="m")

    changed = mapping.with_options(ImportOptions(date_formats=("%d/%m/%Y",), encoding="gbk").overrides)

    assert (changed.date_formats, changed.encoding, changed.decimal) == (("%d/%m/%Y",), "gbk", ",")
    assert ImportOptions.from_json(ImportOptions(profile="facet", date_formats=("%d",)).to_json()) == ImportOptions(
        profile="facet", date_formats=("%d",)
    )


@pytest.mark.parametrize(
    "header",
    [
        ["Invoice", "StockCode", "Description", "Quantity", "InvoiceDate", "Price", "Customer ID", "Country"],
        ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID", "Country"],
    ],
)
def test_online_retail_is_known_by_both_spellings(header):
    profile = fitting_profile(header)

    assert profile.name == "online-retail"
    assert sorted(profile.mapping_for(header).columns.values()) == sorted(header)


def test_facet_takes_every_field_and_needs_few():
    assert fitting_profile(["account_code", "booked_on", "quantity", "unit_price"]).name == "facet"
    assert set(PROFILES["facet"].mapping_for(list(FIELDS)).columns) == set(FIELDS)


def test_no_profile_or_two_are_refused():
    with pytest.raises(Unreadable) as nothing:
        fitting_profile(["a", "b"])
    both = ["account_code", "booked_on", "amount", *[names[0] for names in PROFILES["online-retail"].columns.values()]]
    with pytest.raises(Unreadable) as several:
        fitting_profile(both)

    assert "a, b" in refusal_text(nothing.value)
    assert several.value.reason == "several_profiles"
    with pytest.raises(Unreadable):
        profile_named("nope")


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        (["Customer No.", "Posting Date", "Net Amount"], {"account_code": "Customer No.", "booked_on": "Posting Date", "amount": "Net Amount"}),
        (["客户编号", "客户名称", "开票日期", "不含税金额"], {"account_code": "客户编号", "account_name": "客户名称", "booked_on": "开票日期", "amount": "不含税金额"}),
        (["客戶編號", "發票日期", "金額"], {"account_code": "客戶編號", "booked_on": "發票日期", "amount": "金額"}),
        (["CustomerID", "OrderDate", "UnitPrice", "Qty"], {"account_code": "CustomerID", "booked_on": "OrderDate", "unit_price": "UnitPrice", "quantity": "Qty"}),
        (["account_code", "customer", "date"], {"account_code": "account_code", "booked_on": "date"}),
        (["x", "", "_batch"], {}),
    ],
)  # fmt: skip
def test_columns_are_suggested_from_their_words(header, columns):
    assert suggest_columns(header) == columns


def test_saved_mapping_stores_what_a_mapping_file_holds(db):
    saved = SavedMapping.objects.create(name="m", definition=parse_mapping(EXAMPLE, name="m").to_json())

    assert isinstance(parse_mapping(SavedMapping.objects.get().definition, name=saved.name), Mapping)


def test_every_reason_has_words():
    for code in ROW_REASONS:
        assert "%(" not in reason_label(code), code
        names = ("found", "expected", "limit", "words", "first", "last", "batch", "row", "known", "open")
        details = dict.fromkeys(names, "7")
        assert "%(" not in row_reason(code, details)
    assert all(str(text) for text in REFUSALS.values())


def test_progress_counts_rows_and_survives_a_dead_cache(settings, monkeypatch):
    writer = ProgressWriter(12, total=100)
    writer.add(50)
    assert (progress_of(12).rows, progress_of(12).percent, progress_of(12).phase) == (50, 50, "reading")
    assert progress_of(13) is None

    def away(*args, **kwargs):
        raise ConnectionError

    monkeypatch.setattr("accounts.imports.progress.cache.set", away)
    writer.phase("matching")
    writer.phase("done")
    assert set(writer.seconds) == {"reading", "matching"}
