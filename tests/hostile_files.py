"""Files that somebody sends to do harm, for every door that takes files (S8).

Each is (name as it is sent, content, the type it claims to be, under which name it is kept or None where it is refused).
What is kept is harmless as a download: it is called what it is, and nothing of it runs.
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
from dataclasses import dataclass

PDF, PNG = (
    b"%PDF-1.7\n1 0 obj<<>>endobj\n%%EOF\n",
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01",
)
JPEG, SVG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
HTML, SCRIPT = b"<!doctype html><script>alert(1)</script>", b"alert(document.cookie)"
EXE, OLE = b"MZ\x90\x00\x03" + bytes(60), b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512)
PHP = b"<?php system($_GET['c']); ?>"


@dataclass(frozen=True)
class Hostile:
    label: str
    name: str
    content: bytes
    claims: str
    kept_as: str | None


def archive(entries: dict[str, bytes], *, links: dict[str, str] | None = None) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
        for name, target in (links or {}).items():
            entry = zipfile.ZipInfo(name)
            entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            file.writestr(entry, target)
    return made.getvalue()


def office(folder: str = "word", **more: bytes) -> bytes:
    return archive({"[Content_Types].xml": b"<Types/>", f"{folder}/document.xml": b"<w/>", **more})


def lying_directory(content: bytes, *, parts: int, length: int) -> bytes:
    """The archive with another count of parts and length in the record at its end."""
    at = content.rfind(b"PK\x05\x06")
    return content[: at + 8] + struct.pack("<HHL", parts, parts, length) + content[at + 16 :]


def bomb() -> bytes:
    return archive({f"{number}.zip": archive({"zeros": bytes(1 << 20)}) for number in range(8)})


def declaring(size: int) -> bytes:
    """A workbook whose directory says that its sheet unpacks to ``size`` bytes."""
    content = bytearray(office("xl", **{"xl/worksheets/sheet1.xml": b"<sheetData/>"}))
    at = content.rfind(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<L", size)
    return bytes(content)


NAMES_THAT_RUN = (
    *(
        "x.svg",
        "x.SVG",
        "x.svgz",
        "x.html",
        "x.HtMl",
        "x.htm",
        "x.xhtml",
        "x.shtml",
        "x.xml",
        "x.xsl",
        "x.mht",
        "x.hta",
    ),
    *(
        "x.exe",
        "x.eXe",
        "x.dll",
        "x.com",
        "x.scr",
        "x.msi",
        "x.bat",
        "x.cmd",
        "x.ps1",
        "x.vbs",
        "x.js",
        "x.mjs",
        "x.sh",
    ),
    *("x.php", "x.pHp5", "x.phtml", "x.jsp", "x.asp", "x.py", "x.jar", "x.apk", "x.lnk", "x.url", "x.desktop", "x.swf"),
    *("x.doc", "x.xls", "x.docm", "x.xlsm", "x.eml", "x.iso", "x.7z", "x", ".htaccess", "web.config"),
)


def _by_suffix() -> list[tuple[str, str, bytes, str, str | None]]:
    content = {"svg": SVG, "html": HTML, "exe": EXE, "dll": EXE, "php": PHP, "doc": OLE, "xls": OLE, "js": SCRIPT}
    return [
        (f"suffix {name}", name, content.get(name.rpartition(".")[2].lower(), HTML), "image/png", None)
        for name in NAMES_THAT_RUN
    ]


NAMES: list[tuple[str, str, bytes, str, str | None]] = [
    ("double exe", "offer.pdf.exe", PDF, "application/pdf", None),
    ("double html", "offer.pdf.html", HTML, "application/pdf", None),
    ("double php", "x.php.jpg", PHP, "image/jpeg", None),
    ("double page", "x.html.pdf", HTML, "application/pdf", None),
    ("double but true", "x.exe.pdf", PDF, "application/pdf", "x.exe.pdf"),
    ("trailing dot", "x.html.", HTML, "text/html", None),
    ("trailing blank", "x.html ", HTML, "text/html", None),
    ("trailing dots and blanks", "x.exe. . .", EXE, "image/png", None),
    ("trailing hard blank", "x.exe\u00a0", EXE, "image/png", None),
    ("trailing dot but true", "x.pdf.", PDF, "application/pdf", "x.pdf"),
    ("stream", "x.html::$DATA", HTML, "text/html", None),
    ("stream but true", "x.pdf:y.pdf", PDF, "application/pdf", "x.pdf_y.pdf"),
    ("up", "../../x.pdf", PDF, "application/pdf", "x.pdf"),
    ("up with backslashes", "..\\..\\x.pdf", PDF, "application/pdf", "x.pdf"),
    ("root", "/etc/cron.d/x.txt", b"* * * * * root id", "text/plain", "x.txt"),
    ("drive", "C:\\Windows\\x.pdf", PDF, "application/pdf", "x.pdf"),
    ("share", "\\\\server\\share\\x.pdf", PDF, "application/pdf", "x.pdf"),
    ("mixed", "..\\../..\\/x.pdf", PDF, "application/pdf", "x.pdf"),
    ("doubled", "....//....//x.pdf", PDF, "application/pdf", "x.pdf"),
    ("into static", "../../static/js/x.js", SCRIPT, "text/plain", None),
    ("over the heads", "../trail-heads.log", b"forged", "text/plain", None),
    ("escaped", "%2e%2e%2fx.pdf", PDF, "application/pdf", "%2e%2e%2fx.pdf"),
    ("home", "~root/x.pdf", PDF, "application/pdf", "x.pdf"),
    ("nul before suffix", "x.html\x00.pdf", HTML, "application/pdf", None),
    ("nul hides suffix", "x.pdf\x00.html", HTML, "application/pdf", None),
    ("nul within", "x\x00y.pdf", PDF, "application/pdf", "xy.pdf"),
    ("right to left", "x\u202efdp.exe", EXE, "application/pdf", None),
    ("right to left page", "x\u202egpj.html", HTML, "image/jpeg", None),
    ("right to left but true", "x\u202eyz.pdf", PDF, "application/pdf", "xyz.pdf"),
    ("nothing seen", "x.ht\u200bml", HTML, "text/html", None),
    ("nothing seen but true", "x.p\u200bdf", PDF, "application/pdf", "x.pdf"),
    ("wide dot", "x\uff0ehtml", HTML, "text/html", None),
    ("wide letters", "x.\uff48\uff54\uff4d\uff4c", HTML, "text/html", None),
    ("other letters", "x.\u0440df", PDF, "application/pdf", None),
    ("device", "CON.pdf", PDF, "application/pdf", "_CON.pdf"),
    ("device in small", "nul.txt", b"words", "text/plain", "_nul.txt"),
    ("port", "Com1.pdf", PDF, "application/pdf", "_Com1.pdf"),
    ("device alone", "AUX", PDF, "application/pdf", None),
    ("long", "a" * 800 + ".pdf", PDF, "application/pdf", "a" * 146 + ".pdf"),
    ("long in Chinese", "\u6c49" * 240 + ".pdf", PDF, "application/pdf", "\u6c49" * 146 + ".pdf"),
    ("long without suffix", "a" * 800, PDF, "application/pdf", None),
    ("long suffix", "x." + "a" * 300, PDF, "application/pdf", None),
    ("suffix alone", ".pdf", PDF, "application/pdf", None),
    ("dots", "...", PDF, "application/pdf", None),
    ("blank", "   ", PDF, "application/pdf", None),
    ("markup", "<img src=x onerror=alert(1)>.pdf", PDF, "application/pdf", "_img src=x onerror=alert(1)_.pdf"),
    ("line break", "x\r\nContent-Type: text/html\r\n\r\n.pdf", PDF, "application/pdf", "html.pdf"),
    ("formula", "=cmd|calc.csv", b"=cmd|' /C calc'!A0", "text/csv", "=cmd_calc.csv"),
    ("semicolon", "x.html;.pdf", PDF, "application/pdf", "x.html;.pdf"),
]  # fmt: skip
CONTENTS: list[tuple[str, str, bytes, str, str | None]] = [
    ("page as pdf", "x.pdf", HTML, "application/pdf", None),
    ("svg as png", "x.png", SVG, "image/png", None),
    ("program as jpg", "x.jpg", EXE, "image/jpeg", None),
    ("page as text", "x.txt", HTML, "text/plain", None),
    ("svg as text", "x.txt", b"\xef\xbb\xbf  \n" + SVG, "text/plain", None),
    ("wide page as text", "x.txt", b"\xff\xfe" + HTML.decode().encode("utf-16-le"), "text/plain", None),
    ("xml as csv", "x.csv", b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>', "text/csv", None),
    ("script as text", "x.txt", SCRIPT, "text/javascript", "x.txt"),
    ("shell as text", "x.txt", b"#!/bin/sh\nid", "text/plain", None),
    ("seven bits", "x.txt", b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-", "text/plain; charset=utf-7", "x.txt"),
    ("bytes as text", "x.txt", bytes(range(256)), "text/plain", None),
    ("png says it is a page", "x.png", PNG, "text/html", "x.png"),
    ("pdf says it is svg", "x.pdf", PDF, "image/svg+xml", "x.pdf"),
    ("gif and script", "x.gif", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)", "image/gif", "x.gif"),
    ("gif and page", "x.gif", b"GIF89a" + bytes(20) + b"<html><script>alert(1)</script>", "image/gif", None),
    ("page and pdf", "x.pdf", HTML + PDF, "application/pdf", None),
    ("pdf and page", "x.pdf", PDF + HTML, "application/pdf", None),
    ("jpg and php", "x.jpg", JPEG + b"\xff\xfe\x00\x20" + PHP, "image/jpeg", None),
    ("png and page far behind", "x.png", PNG + bytes((1 << 20) - len(PNG) - 4) + b"<script src=//x>", "image/png", None),
    ("page and zip", "x.zip", HTML + archive({"a": b"b"}), "application/zip", None),
    ("pdf and zip", "x.pdf", PDF + archive({"a": b"b"}), "application/pdf", "x.pdf"),
    ("links in a zip", "x.zip", archive({}, links={"passwd": "/etc/passwd", "up": "../../.."}), "application/zip", "x.zip"),
    ("paths in a zip", "x.zip", archive({"../../../x.html": HTML, "/etc/x": b"y"}), "application/zip", "x.zip"),
    ("zip of zips", "x.zip", bomb(), "application/zip", "x.zip"),
    ("zip called docx", "x.docx", archive({"a": b"b"}), "application/zip", None),
    ("workbook called docx", "x.docx", office("xl"), "application/zip", None),
    ("macros in docx", "x.docx", office(**{"word/vbaProject.bin": OLE}), "application/zip", None),
    ("macros in xlsx", "x.xlsx", office("xl", **{"xl/VBAPROJECT.BIN": OLE}), "application/zip", None),
    ("links in docx", "x.docx", archive({"[Content_Types].xml": b"x"}, links={"word/x": "/etc/passwd"}), "x/y", "x.docx"),
    ("too many parts", "x.docx", lying_directory(office(), parts=60000, length=100), "application/zip", None),
    ("too long a directory", "x.docx", lying_directory(office(), parts=2, length=2**31), "application/zip", None),
    ("truncated", "x.xlsx", office("xl")[:-30], "application/zip", None),
    ("huge when unpacked", "x.xlsx", declaring(2**32 - 2), "application/zip", "x.xlsx"),
    ("other odt", "x.odt", archive({"mimetype": b"text/html", "a": b"b"}), "application/zip", None),
    ("huge picture by its header", "x.png", PNG[:16] + b"\x7f\xff\xff\xff" * 2, "image/png", "x.png"),
    ("macro files of old", "x.docx", OLE, "application/zip", None),
    ("empty pdf", "x.pdf", b"", "application/pdf", None),
    ("empty text", "x.txt", b"", "text/plain", None),
    ("packed page", "x.csv.gz", b"\x1f\x8b\x08\x00" + bytes(20), "application/gzip", None),
]  # fmt: skip
HOSTILE = [Hostile(*one) for one in (*_by_suffix(), *NAMES, *CONTENTS)]
