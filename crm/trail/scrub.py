"""Values of a person out of kept files: uploads, error files, exports. A file is written anew beside the old one and takes
its place at once, so that no reader meets half of it.

Text in the encodings that imports read, packed or not, and XLSX.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from xml.sax.saxutils import escape

import structlog
from django.conf import settings

from crm.lib.filetypes import NAME_LENGTH, suffix_of
from service import storage
from service.models import Attachment

logger = structlog.get_logger(__name__)

ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16-le", "utf-16-be")
ERASED = "erased"
TEXTS = {".csv", ".tsv", ".txt", ".json"}
OFFICE = {".xlsx", ".docx", ".pptx"}
CHANGEABLE = OFFICE | {".txt", ".csv"}
LARGEST = 512 * 1024**2  # bytes; a larger file is named in the log and left


def scrub_media(values: Iterable[str]) -> int:
    """Take the values out of every file below MEDIA_ROOT; returns the number of files that held one."""
    pairs = _pairs(values)
    root = Path(settings.MEDIA_ROOT)
    if not pairs or not root.is_dir():
        return 0
    heads, apart = Path(settings.TRAIL_HEADS), storage.root()
    files = (path for path in sorted(root.rglob("*")) if path.is_file() and path != heads)
    return sum(_scrub(path, pairs, path.suffix.lower()) for path in files if apart not in path.parents)


def scrub_attachments(values: Iterable[str]) -> tuple[int, int]:
    """Take the values out of the files of interactions: out of their names, out of texts and out of Office files, whose
    size and checksum change with that. Pictures, PDF and archives cannot be changed without breaking them.

    Returns how many files held a value and no longer do, and how many are left for somebody to judge.
    """
    pairs, cleared, left = _pairs(values), 0, 0
    if not pairs:
        return 0, 0
    for row in Attachment.objects.select_for_update().order_by("pk").iterator():
        path, suffix = storage.path_of(row.stored_as), suffix_of(row.name)
        name = row.name
        for value in values:
            name = name.replace(value, ERASED)
        changed = path.exists() and f".{suffix}" in CHANGEABLE and _scrub(path, pairs, f".{suffix}")
        if changed or name != row.name:
            content = path.read_bytes() if path.exists() else b""
            row.name, row.size = name[:NAME_LENGTH], len(content) or row.size
            row.sha256 = hashlib.sha256(content).hexdigest() if content else row.sha256
            row.save(update_fields=["name", "size", "sha256"])
            cleared += 1
        if path.exists() and f".{suffix}" not in CHANGEABLE and _holds(path, pairs):
            left += 1
    return cleared, left


def _pairs(values: Iterable[str]) -> list[tuple[bytes, bytes]]:
    """Each value in each encoding that can write it, as it is and as XML has it, with what takes its place."""
    found: dict[bytes, bytes] = {}
    for value in values:
        for encoding in ENCODINGS:
            for form in (value, escape(value)):
                try:
                    found[form.encode(encoding)] = ERASED.encode(encoding)
                except UnicodeEncodeError:
                    continue
    return sorted(found.items(), key=lambda pair: len(pair[0]), reverse=True)


def _holds(path: Path, pairs: list[tuple[bytes, bytes]]) -> bool:
    content = path.read_bytes()
    return any(value in content for value, _instead in pairs)


def _scrub(path: Path, pairs: list[tuple[bytes, bytes]], suffix: str) -> bool:
    if path.stat().st_size > LARGEST:
        logger.warning("file_too_large_to_search", path=str(path))
        return False
    if suffix in OFFICE and zipfile.is_zipfile(path):
        return _rewrite(path, lambda target: _workbook(path, target, pairs))
    if suffix == ".gz":
        return _rewrite(path, lambda target: _packed(path, target, pairs))
    return _rewrite(path, lambda target: _plain(path, target, pairs))


def _rewrite(path: Path, write: Callable[[Path], bool]) -> bool:
    """Let ``write`` make the new file; put it in place where it says that something changed."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".scrub-")
    os.close(handle)
    target = Path(name)
    try:
        if not write(target):
            return False
        target.chmod(path.stat().st_mode & 0o777)
        target.replace(path)
        return True
    finally:
        target.unlink(missing_ok=True)


def _replaced(content: bytes, pairs: list[tuple[bytes, bytes]]) -> bytes:
    for value, instead in pairs:
        if value in content:
            content = content.replace(value, instead)
    return content


def _plain(path: Path, target: Path, pairs: list[tuple[bytes, bytes]]) -> bool:
    before = path.read_bytes()
    after = _replaced(before, pairs)
    if after == before:
        return False
    target.write_bytes(after)
    return True


def _packed(path: Path, target: Path, pairs: list[tuple[bytes, bytes]]) -> bool:
    try:
        with gzip.open(path) as file:
            before = file.read(LARGEST)
    except OSError:
        return False
    after = _replaced(before, pairs)
    if after == before:
        return False
    with gzip.open(target, "wb") as file:
        file.write(after)
    return True


def _workbook(path: Path, target: Path, pairs: list[tuple[bytes, bytes]]) -> bool:
    changed = False
    with zipfile.ZipFile(path) as book, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as made:
        for part in book.infolist():
            if part.file_size > LARGEST:
                logger.warning("file_too_large_to_search", path=str(path), part=part.filename)
                return False
            before = book.read(part)
            after = _replaced(before, pairs)
            changed = changed or after != before
            made.writestr(part, after)
    return changed
