"""Files of interactions over REST."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from service import storage
from service.models import Attachment
from tests.api.conftest import assert_problem
from tests.factories import make_account, make_attachment, make_interaction, make_user

ROOT = "/api/v1/attachments/"
PDF = b"%PDF-1.7\n1 0 obj\n"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def owner(db):
    return make_user()


@pytest.fixture
def mine(owner):
    return make_interaction(account=make_account(owner=owner), logged_by=owner)


def send(client, interaction, name="报价.pdf", content=PDF, **more):
    body = {"interaction": getattr(interaction, "pk", interaction), "file": SimpleUploadedFile(name, content)}
    return client.post(ROOT, body, format="multipart", **more)


def test_a_file_is_sent_listed_fetched_and_removed(rest, owner, mine):
    client, hidden = rest(owner), make_attachment()

    made = send(client, mine)

    assert made.status_code == 201
    row = Attachment.objects.get(interaction=mine)
    assert made.headers["Location"] == f"{ROOT}{row.pk}/"
    told = client.get(ROOT, {"interaction": mine.pk}).json()["results"]
    assert [(one["name"], one["media_type"], one["size"], one["account"]) for one in told] == [
        ("报价.pdf", "application/pdf", len(PDF), mine.account_id)
    ]
    assert client.get(f"{ROOT}{row.pk}/").json() == told[0]
    for accept in ("*/*", "application/pdf", "application/json"):
        file = client.get(f"{ROOT}{row.pk}/content/", headers={"Accept": accept})
        assert b"".join(file.streaming_content) == PDF
        assert file.headers["Content-Disposition"].startswith("attachment;")
        assert file.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert_problem(client.get(f"{ROOT}{hidden.pk}/content/"), 404)
    assert client.delete(f"{ROOT}{row.pk}/").status_code == 204
    assert not Attachment.objects.filter(interaction=mine).exists()


def test_what_is_wrong_with_a_file_is_said(rest, owner, mine):
    client = rest(owner)

    for name, content, words in (
        ("a.html", b"<html>", "Web pages"),
        ("a.pdf", b"<html>", "not what its suffix"),
        ("a.txt", b"", "empty"),
        ("a", b"text", "not taken"),
    ):
        assert words in assert_problem(send(client, mine, name, content), 422)["detail"]
    assert_problem(send(client, make_interaction()), 400)
    assert_problem(client.post(ROOT, {"interaction": mine.pk}, format="multipart"), 400)
    assert not Attachment.objects.exists()
    assert storage.sweep.__doc__
    assert not storage.root().exists() or not list(storage.root().rglob("*"))


def test_the_same_key_sends_a_file_once(rest, owner, mine):
    client = rest(owner)

    first, second = (send(client, mine, headers={"Idempotency-Key": "once"}) for _ in range(2))

    assert first.json() == second.json()
    assert Attachment.objects.count() == 1


def test_a_body_beyond_the_limit_is_refused_by_its_header(rest, owner, mine, settings):
    settings.ATTACHMENT_MAX_MB = 1
    told = rest(owner).generic("POST", ROOT, bytes(7 << 20), "multipart/form-data; boundary=x")

    assert "at most 5 MB together" in assert_problem(told, 413)["detail"]
