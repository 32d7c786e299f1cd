"""Small broken, foreign and hostile files, made as they are needed: (name, bytes, reason of the refusal)."""

import gzip
import io
import struct
import zipfile
import zlib

import openpyxl

ROWS = "account_code,booked_on,amount\nA1,2024-01-02,10\n"
PLAIN = ROWS.encode()


def workbook(*rows, sheet="Sheet1") -> bytes:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in rows or (["account_code", "booked_on", "amount"], ["A1", "2024-01-02", 10]):
        book.active.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rezipped(content: bytes, *, change=None, extra=(), method=zipfile.ZIP_DEFLATED) -> bytes:
    """The archive with parts changed by ``change(name, bytes)`` (None drops one) and ``extra`` parts added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", method) as new:
        for name in old.namelist():
            text = old.read(name)
            text = change(name, text) if change else text
            if text is not None:
                new.writestr(name, text)
        for name, text in extra:
            new.writestr(name, text)
    return out.getvalue()


def in_sheet(old: bytes, new: bytes):
    def change(name, text):
        return text.replace(old, new) if name.startswith("xl/worksheets/") else text

    return change


def in_part(part: str, old: bytes, new: bytes):
    return lambda name, text: text.replace(old, new) if name == part else text


def without(part: str):
    return lambda name, text: None if name == part else text


def lying_sizes(content: bytes, *, declared: int) -> bytes:
    """The archive with ``declared`` as the unpacked size of every part in its directory."""
    raw, at = bytearray(content), 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:
        struct.pack_into("<I", raw, at + 24, declared)
        at += 4
    return bytes(raw)


def encrypted_flag(content: bytes) -> bytes:
    raw = bytearray(content)
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        at = 0
        while (at := raw.find(mark, at)) >= 0:
            raw[at + offset] |= 1
            at += 4
    return bytes(raw)


def bomb_sheet(megabytes: int) -> bytes:
    spaces = b" " * (1 << 20)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            with new.open(name, "w") as part:
                part.write(old.read(name))
                if name.startswith("xl/worksheets/"):
                    for _ in range(megabytes):
                        part.write(spaces)
    return out.getvalue()


def overlapping(content: bytes) -> bytes:
    """Two directory entries that share the bytes of one part."""
    raw, first = bytearray(content), content.find(b"PK\x01\x02")
    second = content.find(b"PK\x01\x02", first + 4)
    third = content.find(b"PK\x01\x02", second + 4)
    offset = struct.unpack_from("<I", raw, first + 42)[0]
    struct.pack_into("<I", raw, third + 42, offset + 5)
    return bytes(raw)


def gzip_bomb(megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    line = b"A1,2024-01-02,10\n" * 61_681
    return b"".join(
        [
            packer.compress(b"account_code,booked_on,amount\n"),
            *(packer.compress(line) for _ in range(megabytes)),
            packer.flush(),
        ]
    )


def ole(*streams: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 504 + b"".join(name.encode("utf-16-le") for name in streams)


def refused_files() -> list[tuple[str, bytes, str]]:
    packed = gzip.compress(PLAIN * 400)
    wide = ",".join(f"c{i}" for i in range(5000))
    good = workbook()
    return [
        ("empty.csv", b"", "empty_file"),
        ("blank.csv", b"\n\n  \n", "empty_file"),
        ("commas.csv", b",,,\n,,,\n", "empty_file"),
        ("bom-only.csv", b"\xef\xbb\xbf", "empty_file"),
        ("header-only.csv", b"account_code,booked_on,amount\n", "no_rows"),
        ("header-and-blanks.csv", b"account_code,booked_on,amount\n,,\n\n", "no_rows"),
        ("foreign-header.csv", b"one,two,three\n1,2,3\n", "no_profile"),
        ("no-header.csv", b"A1,2024-01-02,10\nA2,2024-01-02,10\n", "no_profile"),
        ("prose.csv", b"Dear customer, please find attached.\n", "no_profile"),
        ("json.csv", b'{"account_code": "A1"}\n', "no_profile"),
        ("duplicate-header.csv", b"account_code,booked_on,amount,amount\nA,2024-01-01,1,2\n", "duplicate_header"),
        ("duplicate-case.csv", b"account_code,booked_on,amount,Amount\nA,2024-01-01,1,2\n", "duplicate_header"),
        ("columns-5000.csv", f"{wide}\n{wide}\n".encode(), "too_many_columns"),
        ("nul.csv", PLAIN + b"A\0,2024-01-01,1\n", "nul_bytes"),
        ("nul-first.csv", b"\0" + PLAIN, "nul_bytes"),
        ("nul-late.csv", PLAIN * 80_000 + b"\0", "nul_bytes"),
        ("zeros.csv", b"\0" * 4096, "nul_bytes"),
        ("cell-10mb.csv", PLAIN + b"A" * 10_000_000 + b",2024-01-01,1\n", "cell_too_long"),
        ("open-quote.csv", PLAIN + b'"A,2024-01-01,1\n', "open_quote"),
        ("open-quote-long.csv", PLAIN + b'"A,' + PLAIN * 8000, "cell_too_long"),
        ("text-after-quote.csv", PLAIN + b'"A"B,2024-01-01,1\n', "text_after_quote"),
        ("utf16-broken.csv", ROWS.encode("utf-16") + b"\x00\xd8", "broken_encoding_row"),
        ("utf8-bom-broken.csv", b"\xef\xbb\xbf" + PLAIN + b"\xff\xfe,2024-01-01,1\n", "broken_encoding"),
        ("utf32.csv", ROWS.encode("utf-32"), "unsupported_encoding"),
        (
            "mixed.csv",
            "account_code,booked_on,amount\n张江,2024-01-01,1\n".encode() + b"\xff\xfe\xfd\x80\x81,2024-01-01,1\n",
            "unknown_encoding",
        ),
        ("noise.csv", bytes(range(128, 256)) * 40 + b"\n", "unknown_encoding"),
        ("truncated.csv.gz", packed[:-60], "truncated_gzip"),
        ("truncated-head.csv.gz", packed[:6], "truncated_gzip"),
        ("crc.csv.gz", packed[:-8] + b"\0\0\0\0" + packed[-4:], "broken_gzip"),
        ("flipped.csv.gz", packed[:20] + bytes([packed[20] ^ 255, packed[21] ^ 255]) + packed[22:], "broken_gzip"),
        ("trailing-junk.csv.gz", packed + b"junk", "broken_gzip"),
        ("bomb.csv.gz", gzip_bomb(64), "gzip_bomb"),
        ("twice-packed.csv.gz", gzip.compress(packed), "nul_bytes"),
        ("empty.csv.gz", gzip.compress(b""), "empty_file"),
        ("pdf.csv", b"%PDF-1.7\n", "not_a_table"),
        ("png.csv", b"\x89PNG\r\n\x1a\n\0\0", "not_a_table"),
        ("page.csv", b"<!DOCTYPE html><html><table><tr><td>A1</td></tr></table></html>", "not_a_table"),
        ("html.xls", b"<html><table><tr><td>A1</td></tr></table></html>", "not_a_table"),
        ("feed.xml", b"<?xml version='1.0'?><rows/>", "not_a_table"),
        ("old.xls", ole("Workbook"), "old_workbook"),
        ("locked.xlsx", ole("EncryptedPackage"), "encrypted_workbook"),
        ("locked-parts.xlsx", encrypted_flag(good), "encrypted_workbook"),
        ("plain.zip", rezipped(good, change=lambda *_: None, extra=[("rows.csv", PLAIN)]), "not_a_table"),
        (
            "document.docx",
            rezipped(good, change=lambda *_: None, extra=[("word/document.xml", b"<w/>")]),
            "not_a_table",
        ),
        (
            "binary.xlsb",
            rezipped(good, change=without("xl/workbook.xml"), extra=[("xl/workbook.bin", b"\0")]),
            "old_workbook",
        ),
        ("macros.xlsm", rezipped(good, extra=[("xl/vbaProject.bin", b"\0")]), "workbook_with_macros"),
        ("cut.xlsx", good[: len(good) // 2], "broken_workbook"),
        ("cut-head.xlsx", good[:12], "broken_workbook"),
        ("no-links.xlsx", rezipped(good, change=without("xl/_rels/workbook.xml.rels")), "broken_workbook"),
        ("no-sheet.xlsx", rezipped(good, change=without("xl/worksheets/sheet1.xml")), "broken_workbook"),
        ("bad-book.xlsx", rezipped(good, change=in_part("xl/workbook.xml", b"</workbook>", b"")), "broken_workbook"),
        ("bad-sheet.xlsx", rezipped(good, change=in_sheet(b"</sheetData>", b"</row>")), "broken_workbook"),
        (
            "entity-book.xlsx",
            rezipped(good, change=in_part("xl/workbook.xml", b"<workbook", b'<!DOCTYPE x [<!ENTITY a "b">]><workbook')),
            "broken_workbook",
        ),
        (
            "entity-sheet.xlsx",
            rezipped(good, change=in_sheet(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet')),
            "broken_workbook",
        ),
        ("blank.xlsx", workbook([]), "empty_file"),
        ("header-only.xlsx", workbook(["account_code", "booked_on", "amount"]), "no_rows"),
        ("foreign-header.xlsx", workbook(["a", "b"], [1, 2]), "no_profile"),
        (
            "duplicate-header.xlsx",
            workbook(["account_code", "booked_on", "amount", "amount"], [1, 2, 3, 4]),
            "duplicate_header",
        ),
        (
            "formula.xlsx",
            workbook(["account_code", "booked_on", "amount"], ["A", "2024-01-01", "=1+1"]),
            "formula_cells",
        ),
        (
            "formula-hidden.xlsx",
            workbook(["account_code", "booked_on", "amount"], ["A", "2024-01-01", 1, None, "=NOW()"]),
            "formula_cells",
        ),
        ("columns-5000.xlsx", workbook([f"c{i}" for i in range(5000)], [1]), "too_many_columns"),
        ("far-cell.xlsx", rezipped(good, change=in_sheet(b'r="C2"', b'r="XFD1048576"')), "too_many_columns"),
        ("far-row.xlsx", rezipped(good, change=in_sheet(b'r="2"', b'r="99999999"')), "too_many_rows"),
        ("bomb.xlsx", bomb_sheet(200), "zip_bomb"),
        ("overlap.xlsx", overlapping(good), "zip_bomb"),
        ("declares-3gb.xlsx", lying_sizes(good, declared=0x7FFFFFFF), "workbook_too_large"),
        ("declares-nothing.xlsx", lying_sizes(good, declared=1), "broken_workbook"),
    ]


def accepted_files() -> list[tuple[str, bytes]]:
    """Odd files that hold the one row A1, 2024-01-02, 10."""
    texts = ROWS.replace("A1", "A1")
    return [
        ("plain.csv", PLAIN),
        ("bom.csv", b"\xef\xbb\xbf" + PLAIN),
        ("utf16-le-bom.csv", ROWS.encode("utf-16")),
        ("utf16-be-bom.csv", b"\xfe\xff" + ROWS.encode("utf-16-be")),
        ("utf16-le.csv", ROWS.encode("utf-16-le")),
        ("utf16-be.csv", ROWS.encode("utf-16-be")),
        ("crlf.csv", PLAIN.replace(b"\n", b"\r\n")),
        ("cr.csv", PLAIN.replace(b"\n", b"\r")),
        ("no-last-line-end.csv", PLAIN.rstrip()),
        ("blank-lines.csv", b"\n\n" + PLAIN.replace(b"\n", b"\n\n") + b"\n\n"),
        ("semicolon.csv", PLAIN.replace(b",", b";")),
        ("tab.tsv", PLAIN.replace(b",", b"\t")),
        ("pipe.txt", PLAIN.replace(b",", b"|")),
        ("sep-line.csv", b"sep=;\r\n" + PLAIN.replace(b",", b";")),
        ("quoted.csv", b'"account_code","booked_on","amount"\n"A1","2024-01-02","10"\n'),
        ("spaces.csv", b" account_code , booked_on , amount \n A1 , 2024-01-02 , 10 \n"),
        ("upper-header.csv", PLAIN.replace(b"account_code", b"ACCOUNT_CODE")),
        ("unnamed-column.csv", b"account_code,booked_on,amount,\nA1,2024-01-02,10,x\n"),
        ("more-columns.csv", b"id,account_code,note,booked_on,amount\n1,A1,hi,2024-01-02,10\n"),
        ("packed.csv.gz", gzip.compress(PLAIN)),
        ("packed-without-suffix", gzip.compress(PLAIN)),
        ("two-members.csv.gz", gzip.compress(PLAIN[:20]) + gzip.compress(PLAIN[20:])),
        ("wrong-suffix.xlsx", texts.encode()),
        ("book.xlsx", workbook()),
        ("book-named-csv.csv", workbook()),
        ("stored.xlsx", rezipped(workbook(), method=zipfile.ZIP_STORED)),
        ("rows-down.xlsx", workbook([], [], ["account_code", "booked_on", "amount"], ["A1", "2024-01-02", 10], [])),
        ("columns-right.xlsx", workbook([None, "account_code", "booked_on", "amount"], [None, "A1", "2024-01-02", 10])),
        ("text-numbers.xlsx", workbook(["account_code", "booked_on", "amount"], ["A1", "2024-01-02", "10.00"])),
    ]
