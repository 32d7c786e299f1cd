"""Where the bytes of attachments lie: below MEDIA_ROOT, outside everything that is served, under names of ours.

A file is written before its row and removed after it, so that a crash leaves a file without a row and never the other
way round; what a crash or a roll-back leaves, ``sweep`` finds.
"""

from __future__ import annotations

import hashlib
import os
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import structlog
from django.conf import settings

from service.models import Attachment, IncomingMail

FOLDER = "attachments"
SHELVES = 256  # folders, by the first two digits of the name
UNTOUCHED = timedelta(days=1)  # longer than any request or task that may still commit the row of a file
_OURS = re.compile(r"[0-9a-f]{32}")

logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written: its name of ours, its bytes and their SHA-256."""

    stored_as: str
    size: int
    sha256: str


def root() -> Path:
    return Path(settings.MEDIA_ROOT) / FOLDER


def path_of(stored_as: str) -> Path:
    """Raises ValueError for a name that is none of ours."""
    if not _OURS.fullmatch(stored_as):
        raise ValueError(stored_as)
    return root() / stored_as[:2] / stored_as


def write(pieces: Iterable[bytes]) -> Written:
    """The bytes in a new file, on the disk when this returns; nothing is left where it fails half-way."""
    name, digest, size = uuid.uuid4().hex, hashlib.sha256(), 0
    path = path_of(name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            for piece in pieces:
                digest.update(piece)
                size += len(piece)
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Written(name, size, digest.hexdigest())


def bytes_of(stored_as: str) -> bytes | None:
    """All of a file, None where it is gone."""
    try:
        return path_of(stored_as).read_bytes()
    except FileNotFoundError:
        return None


def opened(attachment: Attachment) -> IO[bytes] | None:
    """The file, None where it is gone (a restored database, a disk that was exchanged)."""
    try:
        return path_of(attachment.stored_as).open("rb")
    except FileNotFoundError:
        logger.exception("attachment_without_file", attachment=attachment.pk)
        return None


def remove(stored_as: str) -> None:
    path_of(stored_as).unlink(missing_ok=True)


def sweep(*, now: datetime, shelf: int | None = None) -> int:
    """Remove files without a row that nobody has touched for a day; one shelf or all. Returns how many."""
    shelves = [f"{shelf % SHELVES:02x}"] if shelf is not None else [f"{one:02x}" for one in range(SHELVES)]
    before, removed = (now - UNTOUCHED).timestamp(), 0
    for name in shelves:
        folder = root() / name
        if not folder.is_dir():
            continue
        old = {entry.name for entry in os.scandir(folder) if entry.is_file() and entry.stat().st_mtime < before}
        known = _known(name)
        for orphan in sorted(old - known):
            (folder / orphan).unlink(missing_ok=True)
            logger.info("orphan_removed", stored_as=orphan)
            removed += 1
    return removed


def _known(start: str) -> set[str]:
    rows = (model.objects.filter(stored_as__startswith=start) for model in (Attachment, IncomingMail))
    return {stored_as for found in rows for stored_as in found.values_list("stored_as", flat=True)}


def shelf_of(now: datetime) -> int:
    """The shelf whose turn it is: each minute another one, all of them within four and a half hours."""
    return int(now.timestamp() // 60) % SHELVES
