"""Files of interactions: kept with their rows or not at all, under names of ours, and gone with what they hang on."""

import hashlib
import os
import re
from datetime import date, timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import transaction
from django.utils import timezone

from accounts.merges import merge_accounts, undo_merge
from crm.tasks import tick_task
from service import services, storage
from service.attachments import AttachmentRefused, attach, kept_or_nothing, remove_attachment
from service.models import Attachment, Interaction
from service.services import InteractionRefused
from tests.factories import make_account, make_attachment, make_interaction, make_superuser, make_user

TODAY = date(2024, 1, 20)
PDF = b"%PDF-1.7\n1 0 obj\n"


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    return tmp_path / storage.FOLDER


def files(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def sent(name="offer.pdf", content=PDF):
    return ContentFile(content, name=name)


def log(**fields):
    who = make_user()
    given = {"kind": "call", "held_on": TODAY, "summary": "Spoke", "logged_by": who, "today": TODAY}
    return services.log_interaction(account=make_account(), **(given | fields))


def test_files_come_with_their_interaction_under_names_of_ours(db, media):
    made = log(files=[sent("../../报价 单.PDF"), sent("note.txt", "价格".encode("gb18030"))])

    first, second = made.attachments.all()
    assert (first.name, first.media_type, first.size) == ("报价 单.PDF", "application/pdf", len(PDF))
    assert (second.name, second.media_type) == ("note.txt", "text/plain")
    assert first.sha256 == hashlib.sha256(PDF).hexdigest()
    assert files(media) == sorted([first.stored_as, second.stored_as])
    assert storage.path_of(first.stored_as).read_bytes() == PDF
    assert oct(storage.path_of(first.stored_as).stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"held_on": TODAY + timedelta(days=1)}, InteractionRefused),
        ({"summary": " "}, InteractionRefused),
        ({"files": [sent(), sent("a.exe", b"MZ\x90")]}, AttachmentRefused),
        ({"files": [sent()] * 21}, AttachmentRefused),
        ({"files": [sent(content=b"")]}, AttachmentRefused),
    ],
)
def test_what_is_refused_leaves_neither_row_nor_file(db, media, fields, error):
    with pytest.raises(error):
        log(**({"files": [sent()]} | fields))

    assert not Interaction.objects.exists()
    assert not files(media)


def test_each_refused_file_is_named_with_its_reason(db):
    with pytest.raises(AttachmentRefused) as refused:
        log(files=[sent("plan.svg", b"<svg/>"), sent(), sent("fake.png", b"<html>")])

    assert "plan.svg: Web pages" in str(refused.value)
    assert "fake.png: What is in this file is not what its suffix .png says" in str(refused.value)


def test_size_and_count_have_limits(db, settings):
    settings.ATTACHMENT_MAX_MB, settings.ATTACHMENTS_PER_INTERACTION = 1, 2
    made = make_interaction()

    with pytest.raises(AttachmentRefused, match="larger than 1 MB"):
        attach(interaction=made, files=[sent(content=PDF + bytes(1 << 20))], by=made.logged_by)
    attach(interaction=made, files=[sent(), sent()], by=made.logged_by)
    with pytest.raises(AttachmentRefused, match="at most 2 files"):
        attach(interaction=made, files=[sent()], by=made.logged_by)


def test_a_disk_that_fails_half_way_leaves_nothing(db, media, monkeypatch):
    def broken(_handle):
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="disk full"):
        log(files=[sent()])

    assert not files(media)
    assert not Interaction.objects.exists()


def write_and_fail():
    with kept_or_nothing() as written:
        written.append(storage.write([PDF]).stored_as)
        raise RuntimeError


def test_a_rolled_back_transaction_takes_its_files_along(db, media):
    made = make_interaction()
    with pytest.raises(RuntimeError):
        write_and_fail()
    assert not files(media)

    with transaction.atomic():  # where somebody else rolls back around it, the sweep finds it a day later
        (lost,) = attach(interaction=made, files=[sent()], by=made.logged_by)
        transaction.set_rollback(True)

    assert files(media) == [lost.stored_as]
    assert storage.sweep(now=timezone.now()) == 0
    assert storage.sweep(now=timezone.now() + timedelta(days=2)) == 1
    assert not files(media)


def test_the_tick_sweeps_one_shelf_and_leaves_files_with_rows(db, media, monkeypatch):
    monkeypatch.setattr("crm.tasks.send", lambda *args, **kwargs: True)
    kept, orphan = make_attachment(), storage.write([PDF])
    for name in (kept.stored_as, orphan.stored_as):
        os.utime(storage.path_of(name), (0, 0))
    shelf = int(orphan.stored_as[:2], 16)
    monkeypatch.setattr(storage, "shelf_of", lambda _now: shelf)

    tick_task()

    assert files(media) == [kept.stored_as]


def test_every_shelf_has_its_turn():
    now = timezone.now()
    assert {storage.shelf_of(now + timedelta(minutes=one)) for one in range(storage.SHELVES)} == set(range(256))


@pytest.mark.django_db(transaction=True)
def test_bytes_go_once_the_removal_is_committed(media):
    first, second = make_attachment(), make_attachment()

    with transaction.atomic():
        remove_attachment(attachment=first)
        assert len(files(media)) == 2
    assert files(media) == [second.stored_as]
    services.delete_interaction(interaction=second.interaction)

    assert not files(media)
    assert not Attachment.objects.exists()


def test_files_follow_a_merged_account_and_come_back(db):
    user, stays = make_superuser(), make_account()
    file = make_attachment()
    merged = file.interaction.account

    merge = merge_accounts(merged=merged, into=stays, by=user, reason="Same")
    assert list(Attachment.objects.filter(interaction__account=stays)) == [file]
    undo_merge(merge=merge, by=user)
    assert list(Attachment.objects.filter(interaction__account=merged)) == [file]


def test_names_that_are_not_ours_reach_no_file(media):
    for name in ("../trail-heads.log", "/etc/passwd", "a" * 31, "A" * 32, ""):
        with pytest.raises(ValueError, match=re.escape(name) + "$"):
            storage.path_of(name)
