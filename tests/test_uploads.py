"""S8, uploads: every hostile file over every door that takes files. Refused with a reason and nothing written, or kept under
a name of ours and handed out as a download; none is ever served to be shown, and none lies where its sender wants it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import Account, ImportBatch, User
from crm.lib.filetypes import KINDS, NAME_LENGTH
from crm.web.editing import stamp_of
from service.models import Attachment, IncomingMail, Interaction
from tests.factories import make_account, make_contact, make_interaction, make_superuser
from tests.hostile_files import HOSTILE, Hostile

pytestmark = pytest.mark.django_db
EDGE = "----edge-of-the-parts"
# Where files may come to lie below MEDIA_ROOT, whoever sends them.
OURS = re.compile(
    r"attachments/[0-9a-f]{2}/[0-9a-f]{32}"
    r"|imports/\d{4}/\d\d/batch-\d+(-errors)?(_\w{7})?(\.csv|\.csv\.gz|\.tsv|\.txt|\.json|\.xlsx|\.gz)?"
    r"|[a-z]+/drafts/[0-9a-f]{32}(\.csv|\.csv\.gz|\.tsv|\.txt|\.json|\.xlsx|\.gz)?"
)
HARMLESS = {kind.media_type for kind in KINDS.values()}
SHOWN = {"text/html", "application/xhtml+xml", "image/svg+xml", "text/xml", "application/xml", "text/javascript"}


@dataclass
class Ground:
    user: User
    account: Account
    page: Client
    rest: APIClient
    media: Path
    served: list[str] = field(default_factory=list)

    def files(self) -> set[str]:
        found = (path for path in self.media.rglob("*") if path.is_file() or path.is_symlink())
        return {path.relative_to(self.media).as_posix() for path in found} - {"trail-heads.log"}

    def rows(self) -> dict[str, int]:
        return {model.__name__: model.objects.count() for model in (Attachment, Interaction, ImportBatch)}


@pytest.fixture
def ground(settings, tmp_path, monkeypatch) -> Ground:
    settings.MEDIA_ROOT = tmp_path / "media"
    monkeypatch.setattr("crm.tasks.send", lambda *args, **kwargs: True)
    monkeypatch.setattr("accounts.imports.services.wake", lambda *args, **kwargs: None, raising=False)
    user = make_superuser()
    account = make_account(owner=user)
    make_contact(account=account, email="wang@customer.example")
    page, rest = Client(raise_request_exception=False), APIClient(raise_request_exception=False)
    page.force_login(user)
    rest.force_authenticate(user)
    return Ground(user, account, page, rest, tmp_path / "media")


def form(hostile: Hostile, name: str, **fields: Any) -> dict[str, Any]:
    """A multipart body with the file's name exactly as its sender writes it."""
    parts = [
        f'--{EDGE}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in fields.items()
    ]
    is_plain = hostile.name.isprintable() and not set(hostile.name) & set('"\\')
    sent = f'filename="{hostile.name}"' if is_plain else f"filename*=utf-8''{quote(hostile.name, safe='')}"
    told = f'--{EDGE}\r\nContent-Disposition: form-data; name="{name}"; {sent}\r\n'
    parts.append(f"{told}Content-Type: {hostile.claims}\r\n\r\n".encode() + hostile.content + b"\r\n")
    body = b"".join([*parts, f"--{EDGE}--\r\n".encode()])
    return {"data": body, "content_type": f"multipart/form-data; boundary={EDGE}"}


def letter_with(hostile: Hostile, number: int) -> bytes:
    import base64

    head = (
        f"From: wang@customer.example\r\nTo: us@us.example\r\nMessage-ID: <{number}@x>\r\nMIME-Version: 1.0\r\n"
        f'Content-Type: multipart/mixed; boundary="{EDGE}"\r\n\r\n--{EDGE}\r\nContent-Type: text/plain\r\n\r\nWords\r\n'
        f"--{EDGE}\r\nContent-Type: {hostile.claims}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment; filename*=utf-8''{quote(hostile.name, safe='')}\r\n\r\n"
    )
    return head.encode() + base64.encodebytes(hostile.content) + f"\r\n--{EDGE}--\r\n".encode()


def by_page(ground: Ground, hostile: Hostile) -> Any:
    sent = {"kind": "visit", "held_on": timezone.localdate(), "summary": "s", "purpose": "routine"}
    return ground.page.post(
        reverse("accounts:log_interaction", args=[ground.account.pk]), **form(hostile, "uploads", **sent)
    )


def by_correction(ground: Ground, hostile: Hostile) -> Any:
    row = Interaction.objects.filter(logged_by=ground.user).first() or make_interaction(
        account=ground.account, logged_by=ground.user
    )
    sent = {
        "kind": "visit",
        "held_on": timezone.localdate(),
        "summary": "s",
        "purpose": "routine",
        "seen": stamp_of(row),
    }
    return ground.page.post(reverse("service:interaction", args=[row.pk]), **form(hostile, "photo", **sent))


def by_rest(ground: Ground, hostile: Hostile) -> Any:
    row = make_interaction(account=ground.account, logged_by=ground.user)
    return ground.rest.generic("POST", "/api/v1/attachments/", **form(hostile, "file", interaction=row.pk))


DOORS: dict[str, Callable[[Ground, Hostile], Any]] = {"page": by_page, "correction": by_correction, "rest": by_rest}
IMPORT_PAGES = {
    "revenue": "/imports/new/",
    "rates": "/imports/rates/new/",
    "receivables": "/imports/lists/receivables/",
    "ratings": "/imports/lists/ratings/",
    "wallets": "/imports/lists/wallets/",
    "efforts": "/metrics/efforts/",
}


def told_why(answer: Any) -> bool:
    """A reason stands in the answer: a problem's detail, or an error on the form."""
    if answer.headers["Content-Type"].startswith("application/problem+json"):
        return bool(answer.json()["detail"])
    return bool(re.search(r'class="(field-error|notice notice-bad|toast)', answer.content.decode()))


def assert_served_as_download(ground: Ground, row: Attachment, hostile: Hostile) -> None:
    for client, path in ((ground.page, f"/files/{row.pk}/"), (ground.rest, f"/api/v1/attachments/{row.pk}/content/")):
        answer = client.get(path)
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content) == hostile.content
        kind, told = answer.headers["Content-Type"], answer.headers["Content-Disposition"]
        if not told.startswith("attachment;") or kind in SHOWN:
            ground.served.append(f"{hostile.label} at {path}")
        assert kind in HARMLESS
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert not re.search(r"[\x00-\x1f\x7f]", told)
    assert len(row.name) <= NAME_LENGTH
    assert not re.search(r'[/\\<>:"|?*\x00-\x1f\u200b-\u200f\u202a-\u202e]', row.name)
    for start in ("/media/", "/static/", "/")[: 3 if row.pk % 10 == 0 else 0]:  # one in ten, for the time it takes
        assert ground.page.get(f"{start}attachments/{row.stored_as[:2]}/{row.stored_as}").status_code == 404


def test_the_list_is_long_enough_and_says_what_becomes_of_each():
    assert len(HOSTILE) >= 80
    assert len({one.label for one in HOSTILE}) == len(HOSTILE)
    assert 20 <= sum(one.kept_as is not None for one in HOSTILE) < len(HOSTILE) / 2


@pytest.mark.parametrize("door", DOORS)
def test_attachments(ground, settings, door):
    settings.ATTACHMENTS_PER_INTERACTION = 200
    for hostile in HOSTILE:
        before, files, last = ground.rows(), ground.files(), Attachment.objects.count()
        answer = DOORS[door](ground, hostile)

        assert answer.status_code < 500, hostile.label
        new = ground.files() - files
        if hostile.kept_as is None:
            assert answer.status_code >= 400, hostile.label
            assert told_why(answer), hostile.label
            after = ground.rows() | ({} if door == "page" else {"Interaction": before["Interaction"]})
            assert (after, new) == (before, set()), hostile.label
            continue
        assert answer.status_code in {201, 302}, (hostile.label, answer.content.decode()[-600:])
        assert Attachment.objects.count() == last + 1
        row = Attachment.objects.latest("pk")
        assert (row.name, row.size) == (hostile.kept_as, len(hostile.content)), hostile.label
        assert new == {f"attachments/{row.stored_as[:2]}/{row.stored_as}"}
        assert_served_as_download(ground, row, hostile)
    print(f"\nS8 {door}: {len(HOSTILE)} files, {len(ground.served)} served inline")
    assert ground.served == []


def test_mail(ground):
    for number, hostile in enumerate(HOSTILE):
        files, last = ground.files(), Attachment.objects.count()
        answer = ground.rest.generic(
            "POST", "/api/v1/mails/", letter_with(hostile, number), content_type="message/rfc822"
        )

        assert answer.status_code == 201, (hostile.label, answer.content)
        told, new = answer.json(), ground.files() - files
        assert told["mail"]["state"] == "logged"  # the mail is kept, whatever hangs on it
        summary = Interaction.objects.get(pk=told["mail"]["interactions"][0]).summary
        kept_as = "2.pdf" if hostile.label == "blank" else hostile.kept_as  # a part without a name gets one
        if kept_as is None:
            assert (len(told["refused"]), new) == (1, set()), hostile.label
            assert "Not kept of this mail:" in summary
            assert Attachment.objects.count() == last
            continue
        assert told["refused"] == [], hostile.label
        row = Attachment.objects.latest("pk")
        assert row.name == kept_as, hostile.label
        assert new == {f"attachments/{row.stored_as[:2]}/{row.stored_as}"}
        assert_served_as_download(ground, row, hostile)
    assert IncomingMail.objects.count() == len(HOSTILE)
    print(f"\nS8 mail: {len(HOSTILE)} files, {len(ground.served)} served inline")
    assert ground.served == []


def import_answers(ground: Ground, door: str) -> Iterator[tuple[Hostile, Any, set[str], dict[str, int]]]:
    for hostile in HOSTILE:
        files, rows = ground.files(), ground.rows()
        if door == "rest":
            answer = ground.rest.generic("POST", "/api/v1/imports/", **form(hostile, "file"))
        else:
            more = {"currency": "CNY"} if door == "efforts" else {}
            answer = ground.page.post(IMPORT_PAGES[door], **form(hostile, "file", **more))
        yield hostile, answer, ground.files() - files, rows


@pytest.mark.parametrize("door", [*IMPORT_PAGES, "rest"])
def test_imports(ground, door):
    """Here a file is read, not handed out: what can be read is kept as a draft, the rest is refused and gone."""
    kept = 0
    for hostile, answer, new, rows in import_answers(ground, door):
        assert answer.status_code < 500, hostile.label
        assert all(OURS.fullmatch(name) for name in new), (hostile.label, new)
        if answer.status_code >= 400:
            assert told_why(answer), (hostile.label, answer.content.decode()[-800:])
            assert (new, ground.rows()) == (set(), rows), hostile.label
        kept += bool(new)
        for name in new:
            for start in ("/media/", "/static/", "/"):
                if ground.page.get(start + name).status_code == 200:
                    ground.served.append(f"{hostile.label} at {start}{name}")
    print(f"\nS8 imports {door}: {len(HOSTILE)} files, {kept} kept as drafts, {len(ground.served)} served")
    assert ground.served == []


def test_what_is_huge_by_its_header_is_not_read(ground, settings):
    settings.ATTACHMENT_MAX_MB = settings.MAIL_IN_MAX_MB = 1
    huge = Hostile("huge", "x.pdf", b"%PDF-" + bytes(7 << 20), "application/pdf", None)
    row = make_interaction(account=ground.account, logged_by=ground.user)
    rows = ground.rows()

    answers = [
        by_page(ground, huge),
        ground.page.post(reverse("service:interaction", args=[row.pk]), **form(huge, "uploads")),
        ground.rest.generic("POST", "/api/v1/attachments/", **form(huge, "file", interaction=row.pk)),
        ground.rest.generic("POST", "/api/v1/mails/", letter_with(huge, 1), content_type="message/rfc822"),
    ]

    assert [answer.status_code for answer in answers] == [413] * 4
    assert (ground.rows(), ground.files()) == (rows, set())
    one = Hostile("larger than one may be", "x.pdf", b"%PDF-" + bytes(2 << 20), "application/pdf", None)
    assert by_page(ground, one).status_code == 422
    assert (ground.rows(), ground.files()) == (rows, set())
