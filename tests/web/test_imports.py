"""Imports in the browser: file, columns, check, post; who may see what; undo; what changed."""

import csv
import io
import re
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.enums import BatchState
from accounts.imports import services
from accounts.models import Account, ImportBatch, RevenueRecord, SavedMapping, User
from tests.factories import make_account, make_batch, make_superuser, make_user, post_revenue
from tests.web.people import grant, make_cast, reach_end_of_2024, sell

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Request-Type": "partial"}
CLEAN = (
    "customer,date,invoice,sku,qty,price,cur\n"
    "C1,2024-01-15,R1,A,2,10.50,CNY\n"
    "C2,2024-02-15,R2,B,1,5,CNY\n"
    ",2024-02-16,R3,B,1,5,CNY\n"
)
TWO_READINGS = 'customer,date,invoice,total\nC1,01/02/2024,R1,"1,250"\nC1,03/04/2024,R2,"2,500"\n'


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def importer(client) -> User:
    user = grant(make_user(), "import_revenue", "withdraw_batch")
    client.force_login(user)
    return user


def send(client, content: str | bytes, name="revenue.csv", **headers):
    raw = content.encode() if isinstance(content, str) else content
    return client.post("/imports/new/", {"file": SimpleUploadedFile(name, raw)}, headers=headers)


def draft(client, content: str | bytes = CLEAN, name="revenue.csv") -> ImportBatch:
    response = send(client, content, name)
    assert response.status_code == 302, response.content.decode()
    return ImportBatch.objects.latest("pk")


def form_of(response) -> dict[str, str]:
    """The form of the columns as a browser would send it."""
    form = response.context["form"]
    return {name: form[name].value() or "" for name in form.fields if name != "create"} | {"create": "on"}


def columns_of(client, batch, **changes):
    data = form_of(client.get(f"/imports/{batch.pk}/columns/")) | changes
    return client.post(f"/imports/{batch.pk}/columns/", data)


def checked(client, content=CLEAN) -> ImportBatch:
    batch = draft(client, content)
    columns_of(client, batch, action="check")
    client.post(f"/imports/{batch.pk}/check/")
    return ImportBatch.objects.get(pk=batch.pk)


def posted(client, content=CLEAN) -> ImportBatch:
    batch = checked(client, content)
    client.post(f"/imports/{batch.pk}/post/")
    return services.commit_batch(batch_id=batch.pk)


def html_of(response) -> str:
    return response.content.decode()


# --- The list ---


def test_list_shows_ones_own_batches_and_all_to_those_who_see_all(client, importer):
    mine, other = make_batch(created_by=importer, file_name="mine.csv"), make_batch(file_name="other.csv")
    seen = {}
    for name, user in (("importer", importer), ("stranger", make_user()), ("all", make_superuser())):
        client.force_login(user)
        html = html_of(client.get("/imports/"))
        seen[name] = ("mine.csv" in html, "other.csv" in html, client.get(f"/imports/{other.pk}/").status_code)

    assert seen == {"importer": (True, False, 404), "stranger": (False, False, 404), "all": (True, True, 200)}
    assert mine.pk != other.pk


def test_empty_list_says_what_to_do_first_or_who_can_give_the_right(client, importer):
    first = html_of(client.get("/imports/"))
    client.force_login(make_user())
    second = html_of(client.get("/imports/"))

    assert 'href="/imports/new/"' in first
    assert "An administrator can give you that right." in second
    assert 'href="/imports/new/"' not in second


@pytest.mark.parametrize("count", [1, 3])
def test_list_query_count_does_not_grow_with_the_batches(client, importer, count, django_assert_max_num_queries):
    for _ in range(count):
        make_batch(created_by=importer)

    with django_assert_max_num_queries(11):
        client.get("/imports/")


def test_ledger_is_exported_as_far_as_the_reader_sees_it_and_taken_back(client, importer):
    cast = make_cast(name="=Acme")
    post_revenue([{"account": cast.account}, {}])
    seen = {}
    for name, user in (("owner", cast.owner), ("teammate", cast.teammate), ("stranger", cast.stranger)):
        client.force_login(user)
        content = b"".join(client.get("/imports/export/"))
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
        link = 'href="/imports/export/"' in html_of(client.get("/imports/"))
        seen[name] = ([row["account_name"] for row in rows], link)
    assert seen == {"owner": (["'=Acme"], True), "teammate": (["'=Acme"], True), "stranger": ([], False)}

    client.force_login(make_superuser())
    response = client.get("/imports/export/")
    content = b"".join(response)
    assert re.fullmatch(r'attachment; filename="ledger-\d{4}-\d\d-\d\d\.csv"', response.headers["Content-Disposition"])
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    batch = posted(client, content)
    assert (batch.profile, batch.read, batch.posted, batch.already_there) == ("facet", 2, 0, 2)


def test_export_of_the_ledger_asks_for_a_log_in(client):
    response = client.get("/imports/export/")

    assert (response.status_code, response.headers["Location"]) == (302, "/login/?next=/imports/export/")
    assert client.post("/imports/export/").status_code == 302


def test_columns_of_an_export_that_name_the_record_are_not_offered_as_fields(client, importer):
    make_cast()
    post_revenue([{}])
    client.force_login(make_superuser())
    batch = draft(client, b"".join(client.get("/imports/export/")), "ledger.csv")

    html = html_of(client.get(f"/imports/{batch.pk}/columns/"))

    assert "_identity" not in html
    assert "_parents" not in html
    # A column that is left out makes it a mapping of one's own; the rows stay the records they are.
    columns_of(client, batch, action="check", column_4="")
    client.post(f"/imports/{batch.pk}/check/")
    found = ImportBatch.objects.get(pk=batch.pk).options["check"]
    assert (found["posted"], found["already_there"], found["rejected"]) == (0, 1, 0)


# --- File ---


def test_file_becomes_a_draft_and_leads_to_its_columns(client, importer):
    response = send(client, CLEAN)
    batch = ImportBatch.objects.get()

    assert response.headers["Location"] == f"/imports/{batch.pk}/columns/"
    assert (batch.state, batch.file_name, batch.created_by) == (BatchState.DRAFT, "revenue.csv", importer)
    assert RevenueRecord.objects.count() == 0


def test_script_that_sends_the_file_gets_the_address_of_the_next_step(client, importer):
    response = send(client, CLEAN, **{"X-Requested-With": "XMLHttpRequest"})

    assert (response.status_code, response.headers["Location"]) == (
        201,
        f"/imports/{ImportBatch.objects.get().pk}/columns/",
    )


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"", "The file is empty."),
        ("a.csv", b"%PDF-1.4 x", "This is a PDF file. Send CSV, CSV.gz or XLSX."),
        ("a.csv", b"a,b\n\x00\x01\x02", "NUL bytes"),
        ("a.csv.gz", b"\x1f\x8b\x08\x00garbage", "gzip file"),
        ("a.csv", b"a,a\n1,2\n", "is there twice"),
        ("a.csv", (",".join(f"c{n}" for n in range(5000)) + "\n").encode(), "at most 512 are read"),
        ("a.xlsx", b"PK\x03\x04garbage", "damaged"),
        ("a.csv", "名称,金额\n".encode("gbk") + b"\xff\xfe\xff\xfd\n", "cannot be told"),
    ],
)
def test_file_that_cannot_be_read_is_refused_in_words_and_leaves_nothing(
    client, importer, tmp_path, name, content, says
):
    response = send(client, content, name)
    html = html_of(response)

    assert response.status_code == 422
    assert says in html
    assert "Traceback" not in html
    assert ImportBatch.objects.count() == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_form_without_a_file_asks_for_one(client, importer):
    response = client.post("/imports/new/", {})

    assert (response.status_code, "Choose a file first." in html_of(response)) == (422, True)


def test_importing_is_for_those_who_may(client):
    cast = make_cast()
    client.force_login(cast.owner)

    found = {path: client.get(path).status_code for path in ("/imports/", "/imports/new/")}

    assert found == {"/imports/": 200, "/imports/new/": 403}
    assert send(client, CLEAN).status_code == 403
    assert ImportBatch.objects.count() == 0


def test_nobody_goes_on_with_the_draft_of_somebody_else(client, importer):
    batch = draft(client)
    client.force_login(grant(make_user(), "import_revenue", "withdraw_batch"))
    paths = ("", "columns/", "check/", "check/progress/", "progress/", "errors/", "withdraw/", "changes/")

    gets = {client.get(f"/imports/{batch.pk}/{path}").status_code for path in paths}
    posts = {
        client.post(f"/imports/{batch.pk}/{path}").status_code
        for path in ("columns/", "check/", "post/", "discard/", "withdraw/")
    }

    assert (gets, posts) == ({404}, {404})
    assert ImportBatch.objects.get().state == BatchState.DRAFT


# --- Columns ---


def test_columns_show_what_was_detected_and_the_rows_as_they_will_be_posted(client, importer):
    batch = draft(client)

    response = client.get(f"/imports/{batch.pk}/columns/")

    chosen = {str(field.label): field.value() for field, _samples in response.context["rows"]}
    assert chosen == {
        "customer": "account_code", "date": "booked_on", "invoice": "reference", "sku": "product_code",
        "qty": "quantity", "price": "unit_price", "cur": "currency",
    }  # fmt: skip
    preview = response.context["preview"]
    amount = preview.fields.index("amount")
    assert [(row.number, row.cells[amount].value, row.is_rejected) for row in preview.rows] == [
        (2, "21", False), (3, "5", False), (4, "", True),
    ]  # fmt: skip
    assert "no account code" in html_of(response)
    assert "UTF-8 (found)" in html_of(response)


def test_column_left_out_takes_the_preview_away_and_names_what_is_missing(client, importer):
    batch = draft(client)

    response = columns_of(client, batch, column_5="", action="preview")

    assert response.context["preview"] is None
    assert dict(response.context["wanted"]) == {"Account code": False, "Date": False, "Amount": True}
    assert columns_of(client, batch, column_5="", action="check").status_code == 422
    assert ImportBatch.objects.get().mapping == {}


def test_one_field_takes_one_column(client, importer):
    batch = draft(client)

    response = columns_of(client, batch, column_2="account_code", action="check")

    assert response.status_code == 422
    assert "“customer” is that field already" in html_of(response)


def test_two_readings_are_asked_for_and_the_answer_is_taken(client, importer):
    batch = draft(client, TWO_READINGS)
    page = client.get(f"/imports/{batch.pk}/columns/")
    questions = [question.name for question in page.context["questions"]]
    unanswered = columns_of(client, batch, action="check")
    data = form_of(page) | {"date_formats": "%m/%d/%Y", "decimal": ",", "action": "preview"}
    answered = client.post(f"/imports/{batch.pk}/columns/", data, headers=HTMX)

    assert questions == ["date_formats", "decimal"]
    assert re.search("01/02/2024 is 1 Feb 2024|03/04/2024 is 3 Apr 2024", html_of(page))
    assert unanswered.status_code == 422
    assert "nothing is guessed" in html_of(unanswered)
    rows = answered.context["preview"].rows
    assert [(cell.value) for cell in rows[1].cells if cell.field in ("booked_on", "amount")] == ["2024-03-04", "2.5"]
    assert answered.context["questions"] == []
    assert html_of(answered).lstrip().startswith("<form")


def test_another_encoding_is_read_at_once_and_one_that_fails_says_so(client, importer):
    batch = draft(client, "客户,日期,金额\n甲,2024-01-15,10\n".encode("gb18030"))
    page = client.get(f"/imports/{batch.pk}/columns/")

    wrong = columns_of(client, batch, encoding="utf-8", action="preview")

    assert [str(field.label) for field, _samples in page.context["rows"]] == ["客户", "日期", "金额"]
    assert wrong.status_code == 200
    assert "notice-bad" in html_of(wrong)


def test_unknown_currency_points_at_its_field(client, importer):
    batch = draft(client)

    response = columns_of(client, batch, currency="ZZZ", action="check")

    assert response.status_code == 422
    assert "“ZZZ” is no currency code." in str(response.context["form"].errors["currency"])


def test_built_in_profile_is_kept_by_name_while_nothing_is_changed(client, importer):
    header = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
    batch = draft(client, header + "489434,85048,LIGHTS,12,2009-12-01 07:45:00,6.950,13085,United Kingdom\n")

    columns_of(client, batch, action="check")

    batch.refresh_from_db()
    assert (batch.profile, batch.source, batch.currency) == ("online-retail", "online-retail", "GBP")


def test_mapping_is_saved_under_a_name_and_used_for_the_next_file(client, importer):
    batch = draft(client)
    response = columns_of(client, batch, column_3="", save_as="Our ERP", action="save")
    again = draft(client, CLEAN.replace("R1", "R9"))

    page = client.get(f"/imports/{again.pk}/columns/?mapping=Our ERP")

    assert response.status_code == 302
    saved = SavedMapping.objects.get()
    assert (saved.name, saved.created_by, "product_code" in saved.definition["columns"]) == ("Our ERP", importer, False)
    assert page.context["form"]["column_3"].value() == ""
    assert page.context["based_on"] == "Our ERP"
    columns_of(client, again, **form_of(page), action="check")
    again.refresh_from_db()
    assert (again.profile, again.source) == ("Our ERP", "Our ERP")


@pytest.mark.parametrize(
    ("name", "says"),
    [("", "Give the mapping a name"), ("facet", "is a built-in profile"), ("Taken", "There is a mapping “Taken” by")],
)
def test_mapping_is_not_saved_under_a_name_that_is_not_free(client, importer, name, says):
    SavedMapping.objects.create(name="Taken", definition={}, created_by=make_user())
    batch = draft(client)

    response = columns_of(client, batch, save_as=name, action="save")

    assert (response.status_code, says in html_of(response)) == (422, True)
    assert SavedMapping.objects.count() == 1


def test_mapping_that_does_not_fit_the_file_says_so_and_leaves_the_suggestion(client, importer):
    batch = draft(client)

    response = client.get(f"/imports/{batch.pk}/columns/?mapping=online-retail")

    assert response.status_code == 200
    assert "notice-bad" in html_of(response)
    assert response.context["preview"] is not None


@pytest.mark.parametrize("name", ["\x00", "x" * 5000, "../../etc", "' OR 1=1 --"])
def test_odd_names_of_mappings_are_only_unknown(client, importer, name):
    batch = draft(client)

    got = client.get(f"/imports/{batch.pk}/columns/", {"mapping": name})
    sent = columns_of(client, batch, based_on=name, action="preview")

    assert (got.status_code, sent.status_code) == (200, 200)


def test_draft_can_be_thrown_away_with_its_file(client, importer, tmp_path):
    batch = draft(client)

    client.post(f"/imports/{batch.pk}/discard/")

    assert ImportBatch.objects.count() == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


# --- Check ---


def test_check_counts_every_row_and_posts_nothing(client, importer):
    batch = checked(client)

    response = client.get(f"/imports/{batch.pk}/check/")
    html = html_of(response)

    assert [(part.key, part.text) for part in response.context["result"].parts] == [
        ("new", "2"),
        ("known", "0"),
        ("rejected", "1"),
    ]
    assert response.context["result"].sentence == "3 rows read: 2 new, 0 already there, 1 rejected"
    assert re.search(r"<td class=\"num\">4</td><td>customer</td>", html)
    assert "Post 2 rows" in html
    assert (RevenueRecord.objects.count(), Account.objects.count()) == (0, 0)


def test_check_names_new_customers_that_resemble_those_there(client, importer):
    mine = make_account(name="Acme Pumps Ltd", code="OLD1", owner=importer)
    hidden = make_account(name="Bolt & Nut GmbH", code="OLD2", owner=make_user(first_name="Ann", last_name="Owner"))
    content = (
        "customer,company,date,invoice,total\nN1,ACME PUMPS INC,2024-01-15,R1,5\nN2,Bolt and Nut,2024-01-15,R2,5\n"
        "N3,Quite Another,2024-01-15,R3,5\n"
    )
    batch = checked(client, content)

    response = client.get(f"/imports/{batch.pk}/check/")
    html = html_of(response)

    assert [(new["code"], match.id, match.percent) for new, match in response.context["alike"]] == [
        ("N1", mine.pk, 100), ("N2", None, 100),
    ]  # fmt: skip
    assert "OLD1" in html
    assert "ask Ann Owner" in html
    assert hidden.code not in html
    assert Account.objects.count() == 2


def test_check_runs_by_itself_where_there_are_scripts_and_by_a_button_where_not(client, importer):
    batch = draft(client)
    columns_of(client, batch, action="check")

    before = html_of(client.get(f"/imports/{batch.pk}/check/"))
    fragment = client.post(f"/imports/{batch.pk}/check/", headers=HTMX)

    assert 'hx-trigger="load"' in before
    assert "Check now" in before
    assert "Ready to post" in html_of(fragment)
    assert not html_of(fragment).lstrip().startswith("<!doctype")


def test_check_that_is_under_way_is_joined_not_doubled(client, importer, monkeypatch):
    batch = draft(client)
    columns_of(client, batch, action="check")
    monkeypatch.setattr(services, "check", lambda **_kwargs: pytest.fail("a second check was started"))
    cache.add(f"import-check:{batch.pk}", 1, 60)

    waiting = client.post(f"/imports/{batch.pk}/check/", headers=HTMX)
    cache.delete(f"import-check:{batch.pk}")
    over = client.get(f"/imports/{batch.pk}/check/progress/?joined=1", headers=HTMX)

    assert "joined=1" in html_of(waiting)
    assert (over.status_code, over.headers["HX-Redirect"]) == (204, f"/imports/{batch.pk}/check/")


def test_check_before_the_columns_leads_back_to_them(client, importer):
    batch = draft(client)

    found = {
        client.get(f"/imports/{batch.pk}/check/").headers["Location"],
        client.post(f"/imports/{batch.pk}/post/").headers["Location"],
    }

    assert found == {f"/imports/{batch.pk}/columns/"}
    assert ImportBatch.objects.get().state == BatchState.DRAFT


def test_check_of_a_file_that_is_gone_is_refused_in_words(client, importer, tmp_path):
    batch = draft(client)
    columns_of(client, batch, action="check")
    next(path for path in tmp_path.rglob("*") if path.is_file()).unlink()

    response = client.post(f"/imports/{batch.pk}/check/")

    assert (response.status_code, "Upload it again." in html_of(response)) == (422, True)


def test_file_that_is_there_already_offers_nothing_to_post(client, importer):
    posted(client)

    batch = checked(client)
    html = html_of(client.get(f"/imports/{batch.pk}/check/"))

    assert "Nothing new to post" in html
    assert f"/imports/{batch.pk}/post/" not in html


# --- Post ---


def test_posting_is_handed_to_a_worker_once(client, importer, django_capture_on_commit_callbacks, monkeypatch):
    woken: list[int] = []
    monkeypatch.setattr(services, "wake_worker", woken.append)
    batch = checked(client)

    with django_capture_on_commit_callbacks(execute=True):
        first = client.post(f"/imports/{batch.pk}/post/")
        client.post(f"/imports/{batch.pk}/post/")

    assert first.headers["Location"] == f"/imports/{batch.pk}/"
    assert woken == [batch.pk]
    assert ImportBatch.objects.get().state == BatchState.QUEUED


def test_waiting_batch_asks_every_second_and_says_when_the_queue_is_away(client, importer):
    batch = checked(client)
    client.post(f"/imports/{batch.pk}/post/")
    soon = html_of(client.get(f"/imports/{batch.pk}/"))
    ImportBatch.objects.update(queued_at=timezone.now() - timedelta(minutes=1))
    late = html_of(client.get(f"/imports/{batch.pk}/progress/", headers=HTMX))

    assert 'hx-trigger="every 1s"' in soon
    assert "as soon as a worker is free" in soon
    assert "the minute tick finds it" in late


def test_progress_shows_rows_rate_and_remaining(client, importer):
    batch = make_batch(created_by=importer, state=BatchState.READING, read=0)
    cache.set(
        f"import:{batch.pk}",
        {"phase": "reading", "rows": 250_000, "total": 500_000, "rate": 40_000.0, "remaining": 6.25},
    )

    html = html_of(client.get(f"/imports/{batch.pk}/progress/", headers=HTMX))

    assert '<progress max="100" value="40"' in html
    assert all(piece in html for piece in ("250,000", "of about 500,000", "40,000", "6 seconds"))


def test_posted_batch_shows_its_counts_and_offers_undo_and_the_rejected_rows(client, importer):
    batch = posted(client)

    response = client.get(f"/imports/{batch.pk}/")
    html = html_of(response)

    assert response.context["result"].sentence == "3 rows read: 2 new, 0 already there, 1 rejected"
    assert f'href="/imports/{batch.pk}/withdraw/"' in html
    assert f'href="/imports/{batch.pk}/errors/"' in html
    assert "every 1s" not in html


def test_rejected_rows_come_back_as_a_file_for_those_who_see_the_batch(client, importer):
    batch = posted(client)
    response = client.get(f"/imports/{batch.pk}/errors/")
    rows = list(csv.DictReader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))
    client.force_login(make_user())

    assert response.headers["Content-Disposition"] == f'attachment; filename="batch-{batch.pk}-rejected.csv"'
    assert [(row["invoice"], row["_batch"], row["_row"], row["_reason"]) for row in rows] == [
        ("R3", str(batch.pk), "4", "no account code")
    ]
    assert client.get(f"/imports/{batch.pk}/errors/").status_code == 404


def test_batch_without_rejected_rows_has_no_such_file(client, importer):
    batch = posted(client, CLEAN.replace(",2024-02-16,R3,B,1,5,CNY\n", ""))

    assert client.get(f"/imports/{batch.pk}/errors/").status_code == 404


def test_failed_batch_says_what_happened_and_that_nothing_was_posted(client, importer):
    batch = make_batch(created_by=importer, state=BatchState.FAILED, error="The gzip file is cut off.", attempts=3)

    html = html_of(client.get(f"/imports/{batch.pk}/"))

    assert all(text in html for text in ("nothing was posted", "The gzip file is cut off.", "3 attempts"))


def test_draft_opens_where_it_was_left(client, importer):
    batch = draft(client)

    assert client.get(f"/imports/{batch.pk}/").headers["Location"] == f"/imports/{batch.pk}/columns/"


# --- Undo, what changed ---


def test_withdrawing_says_what_it_does_and_asks_why(client, importer):
    batch = posted(client)
    page = html_of(client.get(f"/imports/{batch.pk}/withdraw/"))
    without = client.post(f"/imports/{batch.pk}/withdraw/", {"reason": " "})
    still_there = RevenueRecord.objects.count()
    done = client.post(f"/imports/{batch.pk}/withdraw/", {"reason": "wrong year"}, follow=True)

    assert "<strong>2</strong> records stop counting." in page
    assert (without.status_code, still_there) == (422, 2)
    assert "2 rows do not count any more" in html_of(done)
    assert "wrong year" in html_of(done)
    batch.refresh_from_db()
    assert (batch.state, batch.withdrawn_by, RevenueRecord.objects.count()) == (BatchState.WITHDRAWN, importer, 0)


def test_withdrawing_needs_its_own_right(client, importer):
    batch = posted(client)
    user = grant(make_user(), "import_revenue", "view_all_accounts")
    client.force_login(user)

    assert f"/imports/{batch.pk}/withdraw/" not in html_of(client.get(f"/imports/{batch.pk}/"))
    assert client.post(f"/imports/{batch.pk}/withdraw/", {"reason": "x"}).status_code == 403
    assert RevenueRecord.objects.count() == 2


def test_later_batches_that_leaned_on_a_withdrawn_one_are_named(client, importer):
    batch = posted(client)
    later = posted(client, CLEAN + "C3,2024-03-15,R4,A,1,7,CNY\n")

    warning = html_of(client.get(f"/imports/{batch.pk}/withdraw/"))
    client.post(f"/imports/{batch.pk}/withdraw/", {"reason": "again"})

    assert f'href="/imports/{later.pk}/"' in warning
    assert f'href="/imports/{later.pk}/"' in html_of(client.get(f"/imports/{batch.pk}/"))


def test_withdrawn_batch_cannot_be_withdrawn_again(client, importer):
    batch = posted(client)
    client.post(f"/imports/{batch.pk}/withdraw/", {"reason": "once"})

    response = client.post(f"/imports/{batch.pk}/withdraw/", {"reason": "twice"})

    batch.refresh_from_db()
    assert (response.status_code, batch.withdrawn_reason) == (302, "once")


def test_what_changed_compares_the_figures_with_and_without_the_batch(client, importer):
    old = make_account()
    sell(old, prior=1000, last=1000)
    reach_end_of_2024(old)
    record = post_revenue([{"account": old, "booked_on": date(2024, 6, 1), "amount": Decimal(500)}])[0]
    client.force_login(make_superuser())

    response = client.get(f"/imports/{record.batch_id}/changes/")

    assert [(row.before, row.after, row.change) for row in response.context["rows"]] == [
        (Decimal("1000.0000"), Decimal("1500.0000"), "500"),
        (Decimal("1000.0000"), Decimal("1000.0000"), "0"),
        (1, 1, "0"),
        (0.0, 0.5, "+50.0 points"),
        (1.0, 1.5, "+50.0 points"),
        (1.0, 1.0, "0.0 points"),
    ]
    assert [(one.year, one.before, one.after) for one in response.context["effect"].years] == [
        (2024, Decimal("1000.0000"), Decimal("1500.0000"))
    ]


def test_what_changed_counts_only_the_accounts_one_sees(client, importer):
    theirs = make_account()
    records = post_revenue([{"account": theirs, "booked_on": date(2024, 6, 1), "amount": Decimal(500)}])
    ImportBatch.objects.filter(pk=records[0].batch_id).update(created_by=importer)

    response = client.get(f"/imports/{records[0].batch_id}/changes/")

    assert response.context["effect"].years == ()
    assert "Nothing changed" in html_of(response)


def test_pages_ask_for_the_log_in(client):
    assert client.get("/imports/").headers["Location"] == "/login/?next=/imports/"
    assert client.get("/imports/1/progress/", headers=HTMX).headers["HX-Redirect"].startswith("/login/")


def test_rows_of_a_customer_that_is_there_are_booked_on_it(client, importer):
    mine = make_account(name="Acme Pumps Ltd", code="OLD1", owner=importer)
    hidden = make_account(name="Bolt & Nut GmbH", code="OLD2", owner=make_user())
    content = (
        "customer,company,date,invoice,total\nN1,ACME PUMPS INC,2024-01-15,R1,5\nN2,Bolt and Nut,2024-01-15,R2,7\n"
        "N1,ACME PUMPS INC,2024-01-16,R3,11\n"
    )
    batch = checked(client, content)

    answer = client.post(f"/imports/{batch.pk}/book/", {"book": ["N1", "N2", "N9"]})
    client.post(f"/imports/{batch.pk}/check/")
    page = client.get(f"/imports/{batch.pk}/check/")

    batch.refresh_from_db()
    assert answer.status_code == 302
    assert batch.options["books"] == {"N1": mine.pk}  # neither the hidden one nor a code that is not offered
    assert [new["code"] for new, _match in page.context["alike"]] == ["N2"]
    assert [(code, match.id) for code, match in page.context["booked"]] == [("N1", mine.pk)]
    assert hidden.code not in html_of(page)
    client.post(f"/imports/{batch.pk}/post/")
    services.commit_batch(batch_id=batch.pk)
    assert sorted(RevenueRecord.objects.values_list("account__code", "amount")) == [
        ("N2", 7),
        ("OLD1", 5),
        ("OLD1", 11),
    ]
    assert not Account.objects.filter(code="N1").exists()

    again = checked(client, content)  # the same file, booked or not, brings nothing twice
    assert again.options["check"]["posted"] == 0
    batch.refresh_from_db()
    services.withdraw_batch(batch=batch, reason="undone", user=importer)
    assert RevenueRecord.objects.count() == 0


def test_a_choice_is_taken_back_by_who_sees_the_account_and_by_nobody_else(client, importer):
    mine = make_account(name="Acme Pumps Ltd", code="OLD1", owner=importer)
    batch = checked(client, "customer,company,date,invoice,total\nN1,ACME PUMPS INC,2024-01-15,R1,5\n")
    client.post(f"/imports/{batch.pk}/book/", {"book": ["N1"]})
    Account.objects.filter(pk=mine.pk).update(owner=make_user())

    client.post(f"/imports/{batch.pk}/book/", {})

    batch.refresh_from_db()
    assert batch.options["books"] == {"N1": mine.pk}
    Account.objects.filter(pk=mine.pk).update(owner=importer)
    client.post(f"/imports/{batch.pk}/book/", {})
    batch.refresh_from_db()
    assert batch.options["books"] == {}
