"""Files of interactions: checked before anything is written, kept with their rows or not at all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from crm.lib.exceptions import CrmError
from crm.lib.filetypes import WrongFile, clean_name, kind_of
from service import storage
from service.models import Attachment, Interaction

MEGABYTE = 1 << 20
FILES_IN_ONE_BODY = 5  # of the largest size: what one request may bring


class AttachmentRefused(CrmError):
    """A file that is not taken; the message names it and says why."""

    code = "attachment-refused"
    status = 422


class Sent(Protocol):
    """A file as somebody sent it; Django's File is one."""

    @property
    def name(self) -> str | None: ...

    @property
    def size(self) -> int: ...

    @property
    def file(self) -> Any: ...

    def chunks(self) -> Iterator[bytes]: ...


def largest() -> int:
    """Bytes of one file."""
    return settings.ATTACHMENT_MAX_MB * MEGABYTE


def largest_body() -> int:
    """Bytes of a request with files; a MB for its other fields."""
    return (settings.ATTACHMENT_MAX_MB * FILES_IN_ONE_BODY + 1) * MEGABYTE


def too_large_words() -> str:
    return _("This is too much at once: at most %(together)s MB together, each file at most %(each)s MB.") % {
        "together": settings.ATTACHMENT_MAX_MB * FILES_IN_ONE_BODY,
        "each": settings.ATTACHMENT_MAX_MB,
    }


@contextmanager
def kept_or_nothing() -> Iterator[list[str]]:
    """A transaction with files: their names of ours go into the list, and where it is rolled back they go with it."""
    written: list[str] = []
    try:
        with transaction.atomic():
            yield written
    except BaseException:
        for stored_as in written:
            storage.remove(stored_as)
        raise


def attach(*, interaction: Interaction, files: Iterable[Sent], by: User) -> list[Attachment]:
    """Hang files on an interaction, all of them or none. Raises AttachmentRefused with every reason."""
    with kept_or_nothing() as written:
        return add_files(interaction, list(files), by=by, written=written)


def add_files(interaction: Interaction, files: Sequence[Sent], *, by: User, written: list[str]) -> list[Attachment]:
    """Within ``kept_or_nothing``: check all, then write. The interaction is locked, so that the count holds."""
    if not files:
        return []
    Interaction.objects.select_for_update().get(pk=interaction.pk)
    there, most = Attachment.objects.filter(interaction=interaction).count(), settings.ATTACHMENTS_PER_INTERACTION
    if there + len(files) > most:
        words = ngettext(
            "An interaction has at most %(most)s file.", "An interaction has at most %(most)s files.", most
        )
        raise AttachmentRefused(words % {"most": most})
    checked = check_all(files)
    made = []
    for file, (name, media_type) in zip(files, checked, strict=True):
        kept = storage.write(file.chunks())
        written.append(kept.stored_as)
        made.append(
            Attachment(
                interaction=interaction, name=name, media_type=media_type, size=kept.size, sha256=kept.sha256,
                stored_as=kept.stored_as, added_by=by, added_at=timezone.now(),
            )
        )  # fmt: skip
    return Attachment.objects.bulk_create(made)


def check_all(files: Iterable[Sent]) -> list[tuple[str, str]]:
    """Clean name and media type of each. Raises AttachmentRefused with a reason for each that is not taken."""
    found, reasons = [], []
    for file in files:
        try:
            found.append(check(file))
        except AttachmentRefused as refused:
            reasons.append(str(refused))
    if reasons:
        raise AttachmentRefused(" ".join(reasons))
    return found


def check(file: Sent) -> tuple[str, str]:
    """Clean name and media type of a file. Raises AttachmentRefused."""
    raw = file.name or ""
    try:
        name = clean_name(raw)
        _require_size(file)
        return name, kind_of(name, file.file).media_type
    except WrongFile as wrong:
        raise AttachmentRefused(f"{shown(raw)}: {wrong}") from wrong


def _require_size(file: Sent) -> None:
    if file.size > largest():
        raise WrongFile(_("This file is larger than %(most)s MB.") % {"most": settings.ATTACHMENT_MAX_MB})


def shown(raw: str) -> str:
    """A name for a message: as it can be told, whatever it holds."""
    try:
        return clean_name(raw)
    except WrongFile:
        return _("a file")


@transaction.atomic
def remove_attachment(*, attachment: Attachment) -> None:
    """Take a file off its interaction; its bytes go once that is committed."""
    Attachment.objects.filter(pk=attachment.pk).delete()


def forget_bytes(sender: object, *, instance: Attachment, **_kwargs: object) -> None:
    """Whatever removes the row (this file, its interaction, the admin): the bytes follow after the commit."""
    stored_as = instance.stored_as
    transaction.on_commit(lambda: storage.remove(stored_as))
