"""Files of interactions on the pages: who fetches them and as what, who adds and removes them."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from crm.web.editing import stamp_of
from service import storage
from service.models import Attachment, Interaction
from tests.factories import make_attachment, make_interaction
from tests.web.people import make_cast

pytestmark = pytest.mark.django_db
PDF = b"%PDF-1.7\n1 0 obj\n"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / storage.FOLDER


def visit(**fields):
    given = {"kind": "visit", "held_on": timezone.localdate(), "summary": "Went through it", "purpose": "routine"}
    return given | fields


def test_a_visit_is_logged_with_files_and_a_photo_and_shown_on_the_timeline(client):
    cast = make_cast()
    client.force_login(cast.owner)
    path = reverse("accounts:log_interaction", args=[cast.account.pk])
    page = client.get(path).content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert 'capture="environment"' in page

    files = [SimpleUploadedFile("offer.pdf", PDF), SimpleUploadedFile("<b>报价.txt", "价格".encode())]
    answer = client.post(path, visit(uploads=files, photo=SimpleUploadedFile("IMG_1.jpg", JPEG)))

    assert answer.status_code == 302
    assert [one.name for one in Attachment.objects.all()] == ["offer.pdf", "_b_报价.txt", "IMG_1.jpg"]
    tab = client.get(reverse("accounts:service", args=[cast.account.pk])).content.decode()
    assert all(reverse("attachment", args=[one.pk]) in tab for one in Attachment.objects.all())
    assert "_b_报价.txt" in tab


def test_a_refused_file_brings_the_form_back_and_nothing_is_written(client, media):
    cast = make_cast()
    client.force_login(cast.owner)

    sent = visit(uploads=[SimpleUploadedFile("ok.pdf", PDF), SimpleUploadedFile("x.svg", b"<svg/>")])
    answer = client.post(reverse("accounts:log_interaction", args=[cast.account.pk]), sent)

    assert answer.status_code == 422
    page = answer.content.decode()
    assert "x.svg: Web pages" in page
    assert "Went through it" in page
    assert not Interaction.objects.exists()
    assert not media.exists() or not any(path.is_file() for path in media.rglob("*"))


def test_a_file_is_a_download_and_hidden_like_its_interaction(client):
    cast = make_cast()
    file = make_attachment(account=cast.account, name="报价 2024.txt", content="价格".encode())
    path, seen = reverse("attachment", args=[file.pk]), {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = client.get(path).status_code
    assert seen == {"owner": 200, "teammate": 200, "stranger": 404}

    client.force_login(cast.owner)
    answer = client.get(path)
    assert b"".join(answer.streaming_content).decode() == "价格"
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert not answer.cookies
    client.logout()
    assert "login" in client.get(path).headers["Location"]


HEADERS = {
    "Content-Type": "text/plain",
    "Content-Disposition": "attachment; filename*=utf-8''%E6%8A%A5%E4%BB%B7%202024.txt",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "X-Frame-Options": "DENY",
    "Content-Length": "6",
}


def test_no_other_address_serves_a_file(client):
    cast = make_cast()
    file = make_attachment(account=cast.account)
    client.force_login(cast.owner)

    for start in ("/media/attachments", "/static/attachments", "/media", "/files", "/attachments"):
        for rest in (f"/{file.stored_as}", f"/{file.stored_as[:2]}/{file.stored_as}", "/../trail-heads.log"):
            assert client.get(start + rest).status_code == 404, start + rest


def test_a_file_whose_bytes_are_gone_is_not_there(client):
    cast = make_cast()
    file = make_attachment(account=cast.account)
    storage.remove(file.stored_as)
    client.force_login(cast.owner)

    assert client.get(reverse("attachment", args=[file.pk])).status_code == 404


def test_who_may_correct_an_interaction_adds_and_removes_files(client):
    cast = make_cast()
    made = make_interaction(account=cast.account, logged_by=cast.owner)
    file = make_attachment(interaction=made)
    path, remove = reverse("service:interaction", args=[made.pk]), reverse("service:attachment_remove", args=[file.pk])
    seen = {}
    for role in ("teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = client.post(remove).status_code
    assert seen == {"teammate": 403, "stranger": 404}
    client.force_login(cast.owner)

    assert remove in client.get(path).content.decode()
    made.refresh_from_db()
    sent = visit(seen=stamp_of(made), uploads=[SimpleUploadedFile("new.pdf", PDF)])
    assert client.post(path, sent).status_code == 302
    assert [one.name for one in made.attachments.all()] == ["note.txt", "new.pdf"]
    assert client.post(remove, follow=True).status_code == 200
    assert [one.name for one in made.attachments.all()] == ["new.pdf"]


def test_a_body_beyond_the_limit_is_refused_by_its_header(client, settings):
    settings.ATTACHMENT_MAX_MB = 1
    cast = make_cast()
    client.force_login(cast.owner)
    path = reverse("accounts:log_interaction", args=[cast.account.pk])

    answer = client.generic("POST", path, bytes(7 << 20), "multipart/form-data; boundary=x")

    assert answer.status_code == 413
    assert "at most 5 MB together" in answer.content.decode()
    assert not Interaction.objects.exists()
