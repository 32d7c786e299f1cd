import io
from datetime import date
from decimal import Decimal

import pytest
from django.db import connection

from accounts.enums import BatchState
from accounts.imports import selectors, services
from accounts.imports.importing import ConservationError, Outcome
from accounts.imports.options import ImportOptions
from accounts.imports.progress import progress_of
from accounts.locks import LEASE_BATCH, lease
from accounts.models import Account, Contract, ImportBatch, Product, RevenueRecord
from crm.lib.exceptions import ImportRefused
from metrics.models import AccountDay
from metrics.rollup import difference
from tests.accounts.imports.helpers import counts, csv_text, facet_rows, imported, is_untouched, ledger, write_csv
from tests.factories import make_account, make_user

FILE = facet_rows(
    ["A1", "2024-01-02", "10.5"], ["A2", "2024-01-03", "-2"], ["A1", "2024-01-02", "10.50"], ["", "2024-01-02", "1"]
)


def upload(rows, *, name="revenue.csv", user=None, **options):
    options.setdefault("currency", "CNY")
    content = io.BytesIO(csv_text(rows).encode())
    return services.create_batch(
        upload=content, file_name=name, user=user or make_user(), options=ImportOptions(**options)
    )


def test_import_file_posts_accounts_and_lines(db, tmp_path):
    result = imported(write_csv(tmp_path / "a.csv", FILE))

    assert counts(result) == (4, 3, 0, 1)
    assert result.reasons == {"missing_account": 1}
    assert ledger() == [
        ("A1", date(2024, 1, 2), Decimal("10.5000")),
        ("A1", date(2024, 1, 2), Decimal("10.5000")),
        ("A2", date(2024, 1, 3), Decimal("-2.0000")),
    ]
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.read, batch.posted, batch.already_there, batch.rejected) == ("posted", 4, 3, 0, 1)
    assert (batch.source, batch.profile, batch.currency) == ("facet", "facet", "CNY")
    assert (batch.first_booked_on, batch.last_booked_on) == (date(2024, 1, 2), date(2024, 1, 3))
    assert AccountDay.objects.get(account__code="A1").net == Decimal(21)
    assert difference() == 0


def test_same_file_twice_posts_nothing(db, tmp_path):
    path = write_csv(tmp_path / "a.csv", FILE)
    imported(path)

    again = imported(path)

    assert counts(again) == (4, 0, 3, 1)
    assert RevenueRecord.objects.count() == 3


def test_new_accounts_can_be_searched(db, tmp_path):
    header = ["account_code", "account_name", "booked_on", "amount"]
    imported(write_csv(tmp_path / "a.csv", [header, ["K1", "张江电子", "2024-01-02", "1"]]))

    assert [account.code for account in Account.objects.search("zhangjiang")] == ["K1"]
    assert [account.code for account in Account.objects.search("张江")] == ["K1"]


def test_owners_are_created_with_what_the_file_says_of_them(db, tmp_path):
    header = ["account_code", "account_name", "parent_code", "country", "industry", "product_code", "product_name",
              "product_category", "contract_number", "booked_on", "amount"]  # fmt: skip
    old = make_account(code="OLD", name="Known", country="CN")
    rows = [
        ["N1", "", "G1", "", "Retail", "P1", "", "Tools", "C-1", "2024-01-02", "1"],
        ["N1", "Newton", "G1", "DE", "", "P1", "Hammer", "", "C-1", "2024-01-03", "1"],
        ["OLD", "Other name", "G1", "US", "", "", "", "", "", "2024-01-03", "1"],
        ["G1", "Group One", "G1", "", "", "", "", "", "", "2024-01-04", "1"],
    ]
    imported(write_csv(tmp_path / "a.csv", [header, *rows]))

    new = Account.objects.get(code="N1")
    assert (new.name, new.country, new.industry, new.parent.code) == ("Newton", "DE", "Retail", "G1")
    group = Account.objects.get(code="G1")
    assert (group.name, group.parent) == ("Group One", None)
    old.refresh_from_db()
    assert (old.name, old.country, old.parent) == ("Known", "CN", None)
    assert Product.objects.values_list("code", "name", "category").get() == ("P1", "Hammer", "Tools")
    assert Contract.objects.get().account == new
    assert RevenueRecord.objects.filter(contract__number="C-1").count() == 2


def test_new_accounts_get_their_channel_and_dealer(db, tmp_path):
    header = ["account_code", "channel", "dealer_code", "booked_on", "amount"]
    old = make_account(code="OLD")
    rows = [
        ["N1", "Dealers", "D1", "2024-01-02", "1"],
        ["N2", "Dealers", "OLD", "2024-01-02", "1"],
        ["N3", "", "N3", "2024-01-02", "1"],
        ["OLD", "Online", "D1", "2024-01-02", "1"],
    ]

    result = imported(write_csv(tmp_path / "a.csv", [header, *rows]))

    assert counts(result) == (4, 4, 0, 0)
    stored = Account.objects.values_list("code", "name", "channel", "dealer__code")
    assert {code: tuple(rest) for code, *rest in stored} == {
        "N1": ("N1", "Dealers", "D1"),
        "N2": ("N2", "Dealers", "OLD"),
        "N3": ("N3", "", None),
        "D1": ("D1", "", None),
        "OLD": (old.name, "", None),
    }


def test_group_that_contains_itself_is_rejected(db, tmp_path):
    header = ["account_code", "parent_code", "booked_on", "amount"]
    rows = [
        ["A", "B", "2024-01-01", "1"],
        ["B", "C", "2024-01-01", "1"],
        ["C", "A", "2024-01-01", "1"],
        ["D", "A", "2024-01-01", "1"],
    ]

    result = imported(write_csv(tmp_path / "a.csv", [header, *rows]))

    assert counts(result) == (4, 1, 0, 3)
    assert result.reasons == {"group_cycle": 3}
    assert Account.objects.get(code="D").parent.code == "A"


def test_no_create_rejects_what_is_not_there(db, tmp_path):
    make_account(code="A1")
    header = ["account_code", "product_code", "booked_on", "amount"]
    rows = [["A1", "", "2024-01-01", "1"], ["A1", "P", "2024-01-01", "1"], ["A2", "", "2024-01-01", "1"]]

    result = imported(write_csv(tmp_path / "a.csv", [header, *rows]), create=False)

    assert counts(result) == (3, 1, 0, 2)
    assert result.reasons == {"unknown_product": 1, "unknown_account": 1}
    assert Account.objects.count() == 1
    assert not Product.objects.exists()


def test_rejected_rows_create_nothing(db, tmp_path):
    imported(write_csv(tmp_path / "a.csv", facet_rows(["A1", "2024-01-01", "1"], ["A2", "never", "1"])))

    assert list(Account.objects.values_list("code", flat=True)) == ["A1"]


def test_dry_run_counts_and_leaves_nothing(db, tmp_path):
    path = write_csv(tmp_path / "a.csv", FILE)

    result = imported(path, dry_run=True)

    assert counts(result) == (4, 3, 0, 1)
    assert result.batch is None
    assert is_untouched()
    assert counts(imported(path)) == (4, 3, 0, 1)


def test_conservation_is_checked_in_code():
    outcome = Outcome(5, 2, 1, 1, reasons={}, examples={}, seconds=0, known_batches={})
    with pytest.raises(ConservationError, match="5 rows read"):
        outcome.check()


def test_lost_row_rolls_the_import_back(db, tmp_path, monkeypatch):
    from accounts.imports import posting

    monkeypatch.setattr(posting, "INSERT", posting.INSERT + " AND l.row_no <> 2")

    with pytest.raises(ConservationError):
        imported(write_csv(tmp_path / "a.csv", FILE))
    assert is_untouched()
    assert not list((tmp_path / "media").rglob("*.csv"))


def test_wizard_goes_from_draft_to_posted(db, django_capture_on_commit_callbacks, monkeypatch):
    sent = []
    monkeypatch.setattr(services, "wake_worker", sent.append)
    batch = upload(FILE)
    assert (batch.state, batch.file_name) == (BatchState.DRAFT, "revenue.csv")

    found = services.check(batch=batch)
    assert counts(found) == (4, 3, 0, 1)
    assert batch.options["check"]["examples"]["missing_account"][0]["row"] == 5
    assert ImportBatch.objects.get().state == BatchState.DRAFT
    assert not RevenueRecord.all_objects.exists()

    services.set_options(batch=batch, options=ImportOptions(currency="USD"))
    with django_capture_on_commit_callbacks(execute=True):
        assert services.queue_batch(batch=batch)
    assert not services.queue_batch(batch=batch)
    assert sent == [batch.pk]

    posted = services.commit_batch(batch_id=batch.pk)
    assert (posted.state, posted.posted, posted.attempts) == (BatchState.POSTED, 3, 1)
    assert set(RevenueRecord.objects.values_list("currency", flat=True)) == {"USD"}
    assert progress_of(batch.pk).phase == "done"
    assert services.commit_batch(batch_id=batch.pk).attempts == 1


def test_refused_file_fails_the_batch_with_its_sentence(db):
    batch = upload([["a", "b"], ["1", "2"]])
    ImportBatch.objects.update(state=BatchState.QUEUED)

    failed = services.commit_batch(batch_id=batch.pk)

    assert failed.state == BatchState.FAILED
    assert "Columns found: a, b" in failed.error


def test_missing_upload_fails_the_batch(db):
    batch = upload(FILE)
    batch.upload.storage.delete(batch.upload.name)
    ImportBatch.objects.update(state=BatchState.QUEUED)

    assert "Upload it again" in services.commit_batch(batch_id=batch.pk).error


def test_batch_left_in_reading_is_taken_up_three_times(db, monkeypatch):
    batch = upload(FILE)
    ImportBatch.objects.update(state=BatchState.READING, attempts=2)

    def broken(*args, **kwargs):
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(services, "_run", broken)
    with pytest.raises(RuntimeError):
        services.commit_batch(batch_id=batch.pk)
    batch.refresh_from_db()
    assert (batch.state, batch.attempts) == (BatchState.FAILED, 3)
    assert "RuntimeError" in batch.error

    ImportBatch.objects.update(state=BatchState.READING)
    assert "3 times" in services.commit_batch(batch_id=batch.pk).error


def test_batch_held_by_another_worker_is_left_alone(transactional_db):
    batch = upload(FILE)
    ImportBatch.objects.update(state=BatchState.QUEUED)
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [LEASE_BATCH, batch.pk])
    try:
        assert services.commit_batch(batch_id=batch.pk).state == BatchState.QUEUED
        with other.cursor() as cursor:  # a closed session frees its locks only some time after
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LEASE_BATCH, batch.pk])
    finally:
        other.close()
    assert services.commit_batch(batch_id=batch.pk).state == BatchState.POSTED
    with lease(LEASE_BATCH, batch.pk) as is_free:
        assert is_free


def test_withdrawn_batch_stops_counting_and_names_those_that_leaned_on_it(db, tmp_path):
    path = write_csv(tmp_path / "a.csv", FILE)
    first = imported(path)
    wider = write_csv(tmp_path / "b.csv", [*FILE, ["A3", "2024-02-01", "7"]])
    second = imported(wider)
    assert counts(second) == (5, 1, 3, 1)

    dependent = services.withdraw_batch(
        batch=ImportBatch.objects.get(pk=first.batch), reason=" wrong month ", user=None
    )

    assert dependent == [second.batch]
    assert ledger() == [("A3", date(2024, 2, 1), Decimal("7.0000"))]
    assert difference() == 0
    batch = ImportBatch.objects.get(pk=first.batch)
    assert (batch.state, batch.withdrawn_reason) == (BatchState.WITHDRAWN, "wrong month")
    assert counts(imported(wider)) == (5, 3, 1, 1)
    with pytest.raises(services.BatchStateError):
        services.withdraw_batch(batch=batch, reason="again", user=None)


def test_withdrawal_needs_a_reason(db, tmp_path):
    result = imported(write_csv(tmp_path / "a.csv", FILE))

    with pytest.raises(ImportRefused, match="Say why"):
        services.withdraw_batch(batch=ImportBatch.objects.get(pk=result.batch), reason=" ", user=None)
    assert RevenueRecord.objects.count() == 3


def test_post_rows_is_one_batch_and_repeats_nothing(db):
    rows = [
        {"account_code": "A1", "booked_on": date(2024, 1, 2), "amount": Decimal("10.50"), "currency": "CNY"},
        {"account_code": "A1", "booked_on": "2024-01-02", "quantity": "2", "unit_price": 1.25, "currency": "USD"},
    ]

    first, second = (services.post_rows(rows=rows, user=make_user()) for _ in range(2))

    assert counts(first) == (2, 2, 0, 0)
    assert counts(second) == (2, 0, 2, 0)
    assert ImportBatch.objects.filter(source="api").count() == 2
    assert ledger("amount", "currency") == [(Decimal("10.5000"), "CNY"), (Decimal("2.5000"), "USD")]


def test_post_rows_refuses_all_where_one_is_wrong(db):
    rows = [
        {"account_code": "A1", "booked_on": "2024-01-02", "amount": "1"},
        {"account_code": "", "booked_on": "2024-02-31", "amount": "1e3"},
        {"account_code": "x\0", "booked_on": "2024-01-02", "amount": None},
    ]

    with pytest.raises(services.RowsRejected) as refused:
        services.post_rows(rows=rows, user=None)

    assert [(row, field, code) for row, field, _v, code, _t in refused.value.faults] == [
        (2, "account_code", "missing_account"),
        (2, "booked_on", "no_date"),
        (2, "amount", "no_number"),
        (3, "account_code", "nul"),
    ]
    assert is_untouched()
    loose = services.post_rows(rows=rows, user=None, strict=False)
    assert counts(loose) == (3, 1, 0, 2)


def test_post_rows_refuses_unknown_fields_and_too_many_rows(db):
    with pytest.raises(ImportRefused, match="colour"):
        services.post_rows(rows=[{"account_code": "A", "colour": "red"}], user=None)
    with pytest.raises(ImportRefused, match="1000"):
        services.post_rows(rows=[{"account_code": "A"}] * 1001, user=None)
    with pytest.raises(ImportRefused):
        services.post_rows(rows=[], user=None)


def test_saved_mapping_is_a_profile_of_its_name(db, tmp_path):
    definition = {
        "columns": {"account_code": "Kunde", "booked_on": "Datum", "amount": "Betrag"},
        "decimal": ",",
        "date_formats": ["%d.%m.%Y"],
    }
    services.save_mapping(name="erp", definition=definition, user=make_user())
    path = write_csv(tmp_path / "a.csv", [["Kunde", "Datum", "Betrag"], ["M1", "03.04.2024", "1.234,5"]], delimiter=";")

    result = imported(path, profile="erp", currency="EUR")

    assert counts(result) == (1, 1, 0, 0)
    assert ledger("account__code", "booked_on", "amount", "currency", "source") == [
        ("M1", date(2024, 4, 3), Decimal("1234.5000"), "EUR", "erp")
    ]
    for name in ("facet", "", "x" * 61):
        with pytest.raises(ImportRefused):
            services.save_mapping(name=name, definition=definition, user=None)


def test_file_facts_and_preview_lead_through_an_unknown_file(db):
    rows = [
        ["客户编号", "开票日期", "数量", "单价", "备注"],
        ["K1", "3/4/2024", "2", "1,234", "a"],
        ["K2", "5/6/2024", "x", "2,345", ""],
    ]
    batch = upload(rows)

    facts = selectors.file_facts(batch)
    assert facts.mapping["columns"] == {
        "account_code": "客户编号",
        "booked_on": "开票日期",
        "quantity": "数量",
        "unit_price": "单价",
    }
    assert (facts.profile, facts.missing, facts.columns[-1]) == ("", [], "备注")
    assert facts.dates.choices == ("%d/%m/%Y", "%m/%d/%Y")
    assert facts.decimal.choices == (".", ",")
    assert facts.samples["单价"] == ["1,234", "2,345"]

    options = ImportOptions(mapping=facts.mapping, currency="CNY", date_formats=("%d/%m/%Y",), decimal=",")
    page = selectors.preview(batch, options)
    assert [row.is_rejected for row in page.rows] == [False, True]
    first = {cell.field: cell.value for cell in page.rows[0].cells}
    assert (first["booked_on"], first["unit_price"], first["amount"]) == ("2024-04-03", "1.234", "2.468")
    assert {cell.field: cell.fault for cell in page.rows[1].cells if cell.fault} == {"quantity": "no number"}
    with pytest.raises(ImportRefused, match="--decimal"):
        selectors.preview(batch, ImportOptions(mapping=facts.mapping))


def test_file_facts_of_a_known_file_need_no_choice(db):
    facts = selectors.file_facts(upload(FILE))

    assert (facts.profile, facts.kind, facts.encoding, facts.delimiter) == ("facet", "csv", "utf-8", ",")
    assert (facts.dates.value, facts.decimal.value, facts.missing) == ("%Y-%m-%d", ".", [])
