"""What a file that people send may be: its name made harmless, its type told by its suffix and proved by its content.

A closed list, in which suffix and content must agree. A library that guesses among hundreds of types answers the opposite
question, and its list grows with each release; ours fits on a page. Nothing is unpacked: of an Office file the directory
of the archive is read, and that only where the directory says how short it is.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from django.utils.translation import gettext as _

NAME_LENGTH = 150  # characters
HEAD_BYTES = 4096
DIRECTORY_BYTES = 66_000  # the end of an archive, with the longest remark it may have
MOST_PARTS = 5_000  # of an Office file
BLOCK_BYTES = 1 << 20
# Names that are devices where somebody saves the file again.
_DEVICES = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)")
_FORBIDDEN = re.compile(r'[<>:"|?*]')
# What a picture, a PDF or a letter has no use for, and what makes a browser take it for a page.
_PAGE = re.compile(rb"(?i)<\s*(script|html|svg|iframe|!doctype\s+html)[\s>/]|<\?php|<!entity")
_MARKUP = re.compile(
    rb"(?i)\s*(<!doctype|<\?xml|<html|<head|<body|<script|<svg|<iframe|<xsl|<math|<!--|<\?php|#!|mz\x90)"
)
_TEXT_CONTROLS = frozenset(range(32)) - {9, 10, 12, 13, 27}


class WrongFile(ValueError):
    """A file that is not taken; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that is taken. media_type : as which it is served; fits : whether the content is one, given its first bytes
    and the file"""

    media_type: str
    fits: Callable[[bytes, IO[bytes]], bool]


def _starts(*magic: bytes, at: int = 0) -> Callable[[bytes, IO[bytes]], bool]:
    return lambda head, _file: any(head[at:].startswith(one) for one in magic)


def _is_webp(head: bytes, _file: IO[bytes]) -> bool:
    return head[:4] == b"RIFF" and head[8:12] == b"WEBP"


def _is_heif(head: bytes, _file: IO[bytes]) -> bool:
    return head[4:8] == b"ftyp" and head[8:12] in {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"heis"}


def _is_text(head: bytes, _file: IO[bytes]) -> bool:
    """Words in any of the encodings in use here; what begins like a page or a program is none."""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = head.decode("utf-16", errors="replace").encode()
        return not _MARKUP.match(text) and "\x00" not in head.decode("utf-16", errors="replace")
    return not _MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")) and not _TEXT_CONTROLS & set(head)


def _office(folder: str) -> Callable[[bytes, IO[bytes]], bool]:
    def fits(head: bytes, file: IO[bytes]) -> bool:
        if not head.startswith(b"PK\x03\x04"):
            return False
        names = _part_names(file)
        if any(name.lower().endswith("vbaproject.bin") for name in names):
            raise WrongFile(_("This file holds macros, which are programs. Save it without them and send that."))
        return "[Content_Types].xml" in names and any(name.startswith(f"{folder}/") for name in names)

    return fits


def _open_document(kind: str) -> Callable[[bytes, IO[bytes]], bool]:
    wanted = b"mimetypeapplication/vnd.oasis.opendocument." + kind.encode()
    return lambda head, _file: head.startswith(b"PK\x03\x04") and head[30:].startswith(wanted)


_OOXML = "application/vnd.openxmlformats-officedocument."
_ODF = "application/vnd.oasis.opendocument."
KINDS: dict[str, Kind] = {
    "pdf": Kind("application/pdf", _starts(b"%PDF-")),
    "jpg": Kind("image/jpeg", _starts(b"\xff\xd8\xff")),
    "jpeg": Kind("image/jpeg", _starts(b"\xff\xd8\xff")),
    "png": Kind("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    "gif": Kind("image/gif", _starts(b"GIF87a", b"GIF89a")),
    "webp": Kind("image/webp", _is_webp),
    "heic": Kind("image/heic", _is_heif),
    "heif": Kind("image/heif", _is_heif),
    "tif": Kind("image/tiff", _starts(b"II*\x00", b"MM\x00*")),
    "tiff": Kind("image/tiff", _starts(b"II*\x00", b"MM\x00*")),
    "docx": Kind(f"{_OOXML}wordprocessingml.document", _office("word")),
    "xlsx": Kind(f"{_OOXML}spreadsheetml.sheet", _office("xl")),
    "pptx": Kind(f"{_OOXML}presentationml.presentation", _office("ppt")),
    "odt": Kind(f"{_ODF}text", _open_document("text")),
    "ods": Kind(f"{_ODF}spreadsheet", _open_document("spreadsheet")),
    "odp": Kind(f"{_ODF}presentation", _open_document("presentation")),
    "txt": Kind("text/plain", _is_text),
    "csv": Kind("text/csv", _is_text),
    "zip": Kind("application/zip", _starts(b"PK\x03\x04", b"PK\x05\x06")),
}
ACCEPTED = ",".join(f".{suffix}" for suffix in KINDS)
ARCHIVES = frozenset({"docx", "xlsx", "pptx", "odt", "ods", "odp", "zip"})
TEXTS = frozenset({"txt", "csv"})
_OLD_OFFICE = frozenset({"doc", "xls", "ppt", "docm", "xlsm", "pptm", "dotm", "xlsb"})
_PAGES = frozenset({"svg", "svgz", "htm", "html", "xhtml", "shtml", "xml", "xsl", "xslt", "mht", "mhtml", "hta"})


def clean_name(raw: str) -> str:
    """The last part of a name as it may be kept and shown: no folders, no signs that nobody sees or that turn the writing
    direction, no blank or dot at either end, at most NAME_LENGTH characters. Raises WrongFile where nothing is left."""
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", raw))[-1]
    name = "".join(sign for sign in name if unicodedata.category(sign)[0] != "C" and sign not in "\u2028\u2029")
    name = _FORBIDDEN.sub("_", " ".join(name.split())).strip(". ")
    if not name.strip("._ "):
        raise WrongFile(_("This file has no name. Give it one, with a suffix such as .pdf."))
    if _DEVICES.match(name):
        name = f"_{name}"
    if len(name) > NAME_LENGTH:
        stem, dot, suffix = name.rpartition(".")
        name = stem[: NAME_LENGTH - len(suffix) - 1].rstrip(". ") + dot + suffix if len(suffix) < 12 else ""
    if not name:
        raise WrongFile(_("The name of this file is too long. Give it a shorter one."))
    return name


def suffix_of(name: str) -> str:
    """What follows the last dot, in small letters."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def kind_of(name: str, file: IO[bytes]) -> Kind:
    """The type of a file by its clean name, proved by its content; the file is left at its beginning.

    Raises WrongFile for a suffix that is not on the list and for content that is something else.
    """
    suffix = suffix_of(name)
    kind = KINDS.get(suffix)
    if kind is None:
        raise WrongFile(_refusal(suffix))
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if not head:
        raise WrongFile(_("This file is empty."))
    if not kind.fits(head, file):
        words = _("What is in this file is not what its suffix .%(suffix)s says. Save it again as that, or rename it.")
        raise WrongFile(words % {"suffix": suffix})
    if suffix not in ARCHIVES | TEXTS and _holds_a_page(file):
        raise WrongFile(_("This file has parts of a web page in it, which are programs. Save it again without them."))
    file.seek(0)
    return kind


def _refusal(suffix: str) -> str:
    if suffix in _PAGES:
        return _("Web pages, XML and SVG drawings can hold programs and are not taken. Save it as PDF or PNG.")
    if suffix in _OLD_OFFICE:
        return _("Files of this type can hold macros and are not taken. Save it as DOCX, XLSX, PPTX or PDF.")
    taken = ", ".join(sorted(KINDS))
    return _("Files of this type are not taken. Possible are: %(suffixes)s.") % {"suffixes": taken}


def _holds_a_page(file: IO[bytes]) -> bool:
    """Read in blocks, each with the end of the one before."""
    file.seek(0)
    before = b""
    while block := file.read(BLOCK_BYTES):
        if _PAGE.search(before + block):
            return True
        before = block[-64:]
    return False


def _part_names(file: IO[bytes]) -> set[str]:
    """Names in the directory of an archive. Raises WrongFile for one that cannot be read or is longer than MOST_PARTS."""
    broken = _("This file is damaged: its directory cannot be read. Save it again and send that.")
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - DIRECTORY_BYTES))
    end = file.read()
    at = end.rfind(b"PK\x05\x06")
    if at < 0 or len(end) < at + 22:
        raise WrongFile(broken)
    (parts,) = struct.unpack_from("<H", end, at + 10)
    (length,) = struct.unpack_from("<L", end, at + 12)
    if parts > MOST_PARTS or length > MOST_PARTS * 400:  # 0xFFFF: a directory of 64 bits, for what is larger still
        raise WrongFile(broken)
    try:
        with zipfile.ZipFile(file) as archive:
            return set(archive.namelist())
    except (zipfile.BadZipFile, ValueError, struct.error, NotImplementedError, EOFError, OSError) as error:
        raise WrongFile(broken) from error
