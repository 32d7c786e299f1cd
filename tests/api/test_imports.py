import gzip
import json
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.imports import services
from accounts.merges import merge_accounts
from accounts.models import Account, ImportBatch, RevenueRecord
from crm.models import IdempotencyKey
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_batch, make_user

LIST = "/api/v1/imports/"
RETAIL = "Invoice,StockCode,Description,Quantity,InvoiceDate,Price,Customer ID,Country\n"
ROWS = (
    "489434,85048,GLASS BALLS,12,2009-12-01 07:45:00,6.95,13085,United Kingdom\n"
    "489434,79323P,PINK LIGHTS,12,2009-12-01 07:45:00,6.750,13085,United Kingdom\n"
    "C489449,22087,PAPER BUNTING,-12,2009-12-01 10:33:00,2.95,16321,Australia\n"
    "489464,21733,85123a mixed,-96,2009-12-01 10:52:00,0,,United Kingdom\n"
)
MAPPING = {
    "columns": {"account_code": "customer", "booked_on": "date", "reference": "invoice", "amount": "total"},
    "defaults": {"currency": "USD"},
    "date_formats": ["%Y-%m-%d"],
    "decimal": ".",
    "thousands": "",
}


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def retail(rows=ROWS, name="year.csv"):
    return SimpleUploadedFile(name, (RETAIL + rows).encode(), content_type="text/csv")


def stored(media):
    return [path for path in Path(media).rglob("*") if path.is_file()]


def send(client, **fields):
    return client.post(LIST, {"file": retail(), **fields}, format="multipart")


def test_a_file_posted_within_the_request(admin):
    response = send(admin, wait="true")

    assert response.status_code == 201, response.content
    batch = ImportBatch.objects.get()
    assert response.headers["Location"] == f"{LIST}{batch.pk}/"
    assert response.json() == admin.get(response.headers["Location"]).json()
    counted = {
        name: response.json()[name] for name in ("batch", "state", "read", "posted", "already_there", "rejected")
    }
    assert counted == {
        "batch": batch.pk,
        "state": "posted",
        "read": 4,
        "posted": 3,
        "already_there": 0,
        "rejected": 1,
    }
    assert (response.json()["file"], response.json()["source"], response.json()["currency"]) == (
        "year.csv",
        "online-retail",
        "GBP",
    )
    assert sum(response.json()["reasons"].values()) == 1
    assert batch.created_by == admin.user
    assert RevenueRecord.objects.count() == 3


def test_the_same_file_again_posts_nothing(admin):
    send(admin, wait="true")

    again = send(admin, wait="true").json()

    assert (again["posted"], again["already_there"], again["rejected"]) == (0, 3, 1)


def test_a_dry_run_counts_and_leaves_nothing(admin, media):
    response = send(admin, dry_run="true")

    assert response.status_code == 200, response.content
    counted = {name: response.json()[name] for name in ("batch", "read", "posted", "rejected", "error_file")}
    assert counted == {"batch": None, "read": 4, "posted": 3, "rejected": 1, "error_file": None}
    assert not ImportBatch.objects.exists()
    assert not Account.objects.exists()
    assert stored(media) == []


def test_without_waiting_a_worker_is_woken(admin, monkeypatch, django_capture_on_commit_callbacks):
    woken = []
    monkeypatch.setattr(services, "wake_worker", woken.append)

    with django_capture_on_commit_callbacks(execute=True):
        response = send(admin, source="shop", currency="EUR")

    assert response.status_code == 202, response.content
    body = response.json()
    assert (body["state"], body["source"], body["currency"], body["posted"]) == ("queued", "shop", "EUR", 0)
    assert woken == [body["id"]]
    services.commit_batch(batch_id=body["id"])
    done = admin.get(response.headers["Location"]).json()
    assert (done["state"], done["posted"], done["rejected"]) == ("posted", 3, 1)


def test_a_file_too_large_to_wait_for_is_queued(admin, monkeypatch):
    from crm.api import imports

    monkeypatch.setattr(imports, "POSTED_IN_REQUEST", 10)
    monkeypatch.setattr(services, "wake_worker", lambda batch_id: None)

    assert send(admin, wait="true").status_code == 202


def test_the_error_file_is_fetched_as_an_attachment(admin):
    batch = send(admin, wait="true").json()

    response = admin.get(f"{LIST}{batch['id']}/errors/", headers={"accept": "text/csv"})

    assert batch["error_file"] == f"http://testserver{LIST}{batch['id']}/errors/"
    assert response.status_code == 200
    assert response.headers["Content-Disposition"].startswith("attachment;")
    content = b"".join(response.streaming_content).decode("utf-8-sig")
    assert content.splitlines()[0].endswith("_batch,_row,_column,_value,_reason")
    assert "489464" in content


def test_a_batch_without_rejections_has_no_error_file(admin):
    batch = admin.post(
        LIST, {"file": retail(ROWS.split("C489449", maxsplit=1)[0]), "wait": "true"}, format="multipart"
    ).json()

    assert batch["error_file"] is None
    assert_problem(admin.get(f"{LIST}{batch['id']}/errors/"), 404)


def test_a_mapping_is_sent_as_json(admin):
    file = SimpleUploadedFile("sales.csv", b"customer,date,invoice,total\nK1,2024-01-02,I1,10.50\n")

    response = admin.post(
        LIST, {"file": file, "mapping": json.dumps(MAPPING), "wait": "true", "source": "erp"}, format="multipart"
    )

    assert response.status_code == 201, response.content
    record = RevenueRecord.objects.get()
    assert (record.account.code, str(record.amount), record.currency, record.source) == ("K1", "10.5000", "USD", "erp")


def test_rows_of_unknown_accounts_are_rejected_where_none_may_be_created(admin):
    body = send(admin, wait="true", create="false").json()

    assert (body["posted"], body["rejected"]) == (0, 4)
    assert not Account.objects.exists()


def test_packed_files_are_read(admin):
    packed = SimpleUploadedFile("year.csv.gz", gzip.compress((RETAIL + ROWS).encode()))

    assert admin.post(LIST, {"file": packed, "wait": "true"}, format="multipart").json()["posted"] == 3


@pytest.mark.parametrize(
    "fields",
    [
        {"file": ""},
        {"file": "text"},
        {"profile": "x" * 61},
        {"mapping": "{"},
        {"mapping": "[]"},
        {"mapping": "[" * 5000},
        {"profile": "facet", "mapping": "{}"},
        {"currency": "pounds"},
        {"source": "x" * 61},
        {"source": "a\x00b"},
        {"wait": "perhaps"},
        {"dry_run": "x"},
        {"unknown": "1"},
    ],
)
@pytest.mark.parametrize("way", [{}, {"wait": "true"}, {"dry_run": "true"}])
def test_unusable_fields_are_400_and_leave_nothing(admin, media, fields, way):
    assert_problem(send(admin, **{**way, **fields}), 400)

    assert not ImportBatch.objects.exists()
    assert stored(media) == []


@pytest.mark.parametrize(
    "content",
    [
        b"\x00\x01\x02",
        b"a,b\n1,2\n",
        gzip.compress(RETAIL.encode(), mtime=0)[:20],  # the same bytes in every worker, which name the test
        b"PK\x03\x04broken",
        b"\xff\xfe\x00",
        b",".join(b"c%d" % number for number in range(5000)) + b"\n",
    ],
)
@pytest.mark.parametrize("way", [{}, {"wait": "true"}, {"dry_run": "true"}])
def test_unreadable_files_are_refused_with_a_sentence_and_leave_nothing(admin, media, content, way):
    response = admin.post(LIST, {"file": SimpleUploadedFile("f.csv", content), **way}, format="multipart")

    problem = assert_problem(response, 422)
    assert problem["type"] == "urn:facet:problem:import-refused"
    assert not ImportBatch.objects.exists()
    assert not Account.objects.exists()
    assert stored(media) == []


@pytest.mark.parametrize("way", ["wait", "dry_run"])
def test_a_header_without_rows_is_refused(admin, media, way):
    assert_problem(admin.post(LIST, {"file": retail(""), way: "true"}, format="multipart"), 422)

    assert not ImportBatch.objects.exists()
    assert stored(media) == []


@pytest.mark.parametrize("fields", [{"profile": "nobody-knows"}, {"currency": "ZZZ"}, {"mapping": '{"columns": 1}'}])
def test_unknown_profiles_and_bad_mappings_are_refused(admin, fields):
    assert_problem(send(admin, wait="true", **fields), 422)

    assert not ImportBatch.objects.exists()


def test_an_empty_upload_is_400(admin):
    assert pointers(assert_problem(send(admin, file=SimpleUploadedFile("f.csv", b"")), 400)) == ["/file"]


def test_json_is_no_way_to_send_a_file(admin):
    assert_problem(admin.post(LIST, {"file": "x"}, format="json"), 415)


def test_a_broken_form_is_400(admin):
    assert_problem(admin.generic("POST", LIST, b"nonsense", content_type="multipart/form-data; boundary="), 400)


def test_a_repeat_under_the_same_key_is_one_import(admin):
    def post(file):
        return admin.post(LIST, {"file": file, "wait": "true"}, format="multipart", headers={"Idempotency-Key": "k"})

    first, again, other = post(retail()), post(retail()), post(retail(ROWS.replace("6.95", "7")))

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_problem(other, 422)
    assert (ImportBatch.objects.count(), IdempotencyKey.objects.count()) == (1, 1)


def test_a_batch_is_withdrawn_whole_with_a_reason(admin):
    first = send(admin, wait="true").json()
    second = send(admin, wait="true").json()
    address = f"{LIST}{first['id']}/withdraw/"

    assert_problem(admin.post(address, {"reason": "  "}, format="json"), 400)
    assert_problem(admin.post(address, {}, format="json"), 400)
    assert RevenueRecord.objects.count() == 3
    response = admin.post(address, {"reason": "Wrong year"}, format="json")

    assert response.status_code == 200, response.content
    body = response.json()
    assert (body["state"], body["withdrawn_reason"], body["import_again"]) == (
        "withdrawn",
        "Wrong year",
        [second["id"]],
    )
    assert not RevenueRecord.objects.exists()
    assert_problem(admin.post(address, {"reason": "Again"}, format="json"), 409)


def test_batches_of_others_are_404_by_every_door(rest):
    importer = make_editor("accounts.import_revenue", "accounts.withdraw_batch")
    theirs = make_batch(created_by=make_user())
    client = rest(importer)

    assert client.get(LIST).json()["count"] == 0
    assert_problem(client.get(f"{LIST}{theirs.pk}/"), 404)
    assert_problem(client.get(f"{LIST}{theirs.pk}/errors/"), 404)
    assert_problem(client.post(f"{LIST}{theirs.pk}/withdraw/", {"reason": "mine"}, format="json"), 404)
    theirs.refresh_from_db()
    assert theirs.state == "posted"


def test_importing_needs_its_right(rest):
    assert_problem(send(rest(make_user()), wait="true"), 403)
    assert not ImportBatch.objects.exists()
    assert send(rest(make_editor("accounts.import_revenue")), wait="true").status_code == 201


@pytest.mark.parametrize("rows", [1, 3])
def test_batches_are_listed_with_a_constant_number_of_statements(admin, rows, django_assert_num_queries):
    for _ in range(rows):
        make_batch(created_by=make_user())

    with django_assert_num_queries(3):  # token with its user, count, page
        assert admin.get(LIST).json()["count"] == rows


def test_batches_can_be_filtered(admin):
    failed = make_batch(state="failed")
    make_batch()

    assert [row["id"] for row in admin.get(LIST, {"state": "failed"}).json()["results"]] == [failed.pk]
    assert pointers(assert_problem(admin.get(LIST, {"state": "lost"}), 400)) == ["state"]


def test_names_of_files_are_kept_but_lead_nowhere(admin, media, monkeypatch):
    monkeypatch.setattr(services, "wake_worker", lambda batch_id: None)
    file = BytesIO((RETAIL + ROWS).encode())
    file.name = "../../etc/passwd.csv"

    response = admin.post(LIST, {"file": file}, format="multipart")

    assert response.status_code == 202
    assert all(media in path.parents for path in stored(media))
    assert "/" not in response.json()["file"]


# --- Customers of a file that are here under another code ---

ALIKE = (
    "customer,company,date,invoice,total\nN1,ACME PUMPS INC,2024-01-15,R1,5\nN2,Bolt and Nut,2024-01-15,R2,7\n"
    "N1,ACME PUMPS INC,2024-01-16,R3,11\n"
)


def send_alike(client, **fields):
    columns = MAPPING["columns"] | {"account_name": "company"}
    told = {"mapping": json.dumps(MAPPING | {"columns": columns}), "source": "erp", **fields}
    return client.post(LIST, {"file": SimpleUploadedFile("n.csv", ALIKE.encode()), **told}, format="multipart")


@pytest.fixture
def importer(rest):
    """The client of somebody who may import and sees what is theirs."""
    user = make_editor("accounts.import_revenue", "accounts.withdraw_batch")
    client = rest(user)
    client.user = user
    return client


@pytest.fixture
def pumps(importer):
    return make_account(name="Acme Pumps Ltd", code="OLD1", owner=importer.user)


@pytest.fixture
def bolts(db):
    return make_account(name="Bolt & Nut GmbH", code="OLD2", owner=make_user(username="wen"))


def lines():
    return sorted(RevenueRecord.objects.values_list("account__code", "amount"))


def test_a_dry_run_tells_whom_new_customers_resemble(importer, pumps, bolts):
    response = send_alike(importer, dry_run="true")

    found = {one["code"]: one for one in response.json()["alike"]}
    assert sorted(found) == ["N1", "N2"]
    first, second = found["N1"], found["N2"]
    assert first["name"] == "ACME PUMPS INC"
    assert (first["account"]["id"], first["account"]["code"]) == (pumps.pk, "OLD1")
    assert {**second["account"], "score": 0} == {
        "id": None, "code": None, "name": "Bolt & Nut GmbH", "owner": bolts.owner.display_name, "score": 0,
    }  # fmt: skip
    assert "OLD2" not in response.content.decode()


@pytest.mark.parametrize("waits", [True, False])
def test_rows_are_booked_on_the_account_named_and_undone_with_the_batch(importer, pumps, bolts, monkeypatch, waits):
    monkeypatch.setattr(services, "wake_worker", lambda batch_id: None)

    response = send_alike(importer, books=json.dumps({"N1": "OLD1"}), **({"wait": "true"} if waits else {}))

    batch = ImportBatch.objects.get()
    if not waits:
        assert response.status_code == 202
        services.commit_batch(batch_id=batch.pk)
        batch.refresh_from_db()
    assert (batch.state, batch.posted, batch.options["books"]) == ("posted", 3, {"N1": pumps.pk})
    assert lines() == [("N2", 7), ("OLD1", 5), ("OLD1", 11)]
    assert not Account.objects.filter(code="N1").exists()
    again = send_alike(importer, wait="true").json()  # booked or not, the same file brings nothing twice
    assert (again["posted"], again["already_there"]) == (0, 3)
    assert importer.post(f"{LIST}{batch.pk}/withdraw/", {"reason": "wrong"}, format="json").status_code == 200
    assert lines() == []


def test_a_dry_run_counts_with_what_is_booked(importer, pumps, bolts):
    response = send_alike(importer, dry_run="true", books=json.dumps({"N1": "OLD1"}))

    assert [one["code"] for one in response.json()["alike"]] == ["N2"]
    assert not ImportBatch.objects.exists()


def test_a_code_merged_away_means_the_account_that_stays(importer, pumps):
    gone = make_account(name="Acme", code="OLD0", owner=importer.user)
    merge_accounts(merged=gone, into=pumps, by=None, reason="the same")

    assert send_alike(importer, wait="true", books=json.dumps({"N1": "OLD0"})).status_code == 201
    assert ("OLD1", 5) in lines()


@pytest.mark.parametrize("there", ["OLD2", "NONE"])
def test_an_account_the_caller_may_not_open_is_one_that_is_not_there(importer, pumps, bolts, there):
    response = send_alike(importer, wait="true", books=json.dumps({"N1": "OLD1", "N2": there}))

    problem = assert_problem(response, 400)
    assert pointers(problem) == ["/books/N2"]
    assert problem["errors"][0]["detail"] == "There is no account with this code among those you see."
    assert not ImportBatch.objects.exists()
    assert lines() == []


@pytest.mark.parametrize("sent", ["{", "[]", '"N1"', '{"N1": 5}', '{"N1": null}', '{"N1": ["OLD1"]}'])
def test_books_are_an_object_of_codes(importer, pumps, sent):
    assert "/books" in pointers(assert_problem(send_alike(importer, wait="true", books=sent), 400))
