"""What a text file is written in: encoding, delimiter. Pure: no Django import.

The order is BOM, strict UTF-8, then the double-byte encoding whose bytes look like running text (Excel in China saves
CSV as GBK without a BOM). What stays doubtful is refused with the name of the option that settles it.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from accounts.imports.limits import MAX_CELL_CHARACTERS, SAMPLE_BYTES
from accounts.imports.unreadable import Unreadable

# What a file may be called in our own storage; whatever it is, its content says (readers.py).
SUFFIXES = (".csv.gz", ".csv", ".tsv", ".txt", ".json", ".xlsx", ".gz")
DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "gb18030", "big5hkscs", "cp1252")
ALIASES = {
    "utf8": "utf-8",
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8-sig",
    "utf-16": "utf-16",
    "utf16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "big5-hkscs": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "cp950": "big5hkscs",
    "latin-1": "cp1252",
    "latin1": "cp1252",
    "iso-8859-1": "cp1252",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
}
PLAUSIBLE = 0.8  # share of double bytes among the common characters of the encoding
MARGIN = 0.1  # lead of the better double-byte reading over the other
BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# First bytes of files people send by mistake.
FOREIGN = (
    (b"%PDF", "PDF"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"Rar!", "RAR"),
    (b"7z\xbc\xaf", "7z"),
    (b"SQLite format 3", "SQLite"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"PAR1", "Parquet"),
    (b"<!DOCTYPE", "HTML"),
    (b"<!doctype", "HTML"),
    (b"<html", "HTML"),
    (b"<?xml", "XML"),
    (b"{\\rtf", "RTF"),
)


@dataclass(frozen=True, slots=True)
class Probe:
    """What one pass over the bytes tells."""

    encoding: str
    lines: int


class ByteScan:
    """Feeds on the bytes of a file; ``probe`` then names the encoding. Constant memory."""

    def __init__(self) -> None:
        self.lines = 0
        self._first = b""
        self._bom = ""
        self._seen = 0
        self._is_utf8 = True
        self._bad_at = 0
        self._decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self._high_lines: list[bytes] = []
        self._high_bytes = 0
        self._has_nul = False

    def feed(self, block: bytes) -> None:
        if not self._seen:
            self._first = block[: SAMPLE_BYTES & ~1]
            self._bom = next((name for mark, name in BOMS if block.startswith(mark)), "")
            refuse_foreign(block)
        self.lines += block.count(b"\n")
        self._has_nul = self._has_nul or b"\0" in block
        if not self._bom.startswith("utf-16"):
            self._check_utf8(block)
        self._seen += len(block)

    def _check_utf8(self, block: bytes) -> None:
        if not block.isascii() and self._high_bytes < SAMPLE_BYTES:
            lines = [line for line in re.split(rb"[\r\n]", block) if not line.isascii()]
            self._high_lines += lines
            self._high_bytes += sum(map(len, lines))
        if self._is_utf8:
            try:
                self._decoder.decode(block)
            except UnicodeDecodeError as error:
                self._is_utf8, self._bad_at = False, self._seen + error.start

    def probe(self) -> Probe:
        """The encoding by evidence. Raises Unreadable("empty_file" | "nul_bytes" | "unknown_encoding" | …)."""
        if not self._seen:
            raise Unreadable("empty_file")
        if self._bom == "utf-32":
            raise Unreadable("unsupported_encoding", encoding="UTF-32")
        if self._bom.startswith("utf-16"):
            return Probe("utf-16", self.lines)
        if self._has_nul:
            return Probe(_utf16_without_bom(self._first), self.lines)
        if self._bom:
            if not self._is_utf8:
                raise Unreadable("broken_encoding", encoding="UTF-8", at=self._bad_at)
            return Probe("utf-8-sig", self.lines)
        if self._is_utf8 and self._ends_whole():
            return Probe("utf-8", self.lines)
        return Probe(plausible_encoding(b"\n".join(self._high_lines), at=self._bad_at), self.lines)

    def _ends_whole(self) -> bool:
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            self._bad_at = self._seen
            return False
        return True


def refuse_foreign(head: bytes) -> None:
    """Raises Unreadable("not_a_table") for the first bytes of well-known other formats."""
    start = head.lstrip()[:32]
    for mark, name in FOREIGN:
        if start.startswith(mark):
            raise Unreadable("not_a_table", kind=name)


def _utf16_without_bom(sample: bytes) -> str:
    """UTF-16 shows a zero byte beside every ASCII sign, line ends included; other NUL bytes are refused."""
    for name, ending in (("utf-16-le", b"\n\0"), ("utf-16-be", b"\0\n")):
        offset = 0 if name == "utf-16-le" else 1
        ends = [at for at in range(offset, len(sample), 2) if sample[at] == 10]
        whole = [at for at in ends if sample[at - offset : at - offset + 2] == ending]
        zeros = sample[1 - offset :: 2].count(0)
        if ends and len(whole) == len(ends) and zeros >= 2 * len(whole) and not sample[offset::2].count(0):
            return name
    raise Unreadable("nul_bytes", at=sample.find(b"\0") + 1)


def plausible_encoding(sample: bytes, *, at: int = 0) -> str:
    """GB18030, Big5 or Windows-1252 for lines that are no UTF-8; refuses what fits none of them well."""
    scores = {
        "gb18030": _common_share(sample, lead=(0xB0, 0xD7), low_trail=False),
        "big5hkscs": _common_share(sample, lead=(0xA4, 0xC6), low_trail=True),
        "cp1252": _isolated_share(sample),
    }
    fitting = {name: score for name, score in scores.items() if score >= PLAUSIBLE and _decodes(sample, name)}
    ranked = sorted(fitting, key=lambda name: -fitting[name])
    if not ranked or (len(ranked) > 1 and fitting[ranked[0]] - fitting[ranked[1]] < MARGIN):
        raise Unreadable("unknown_encoding", at=at + 1)
    return ranked[0]


def _decodes(sample: bytes, encoding: str) -> bool:
    try:
        sample.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _isolated_share(sample: bytes) -> float:
    """Share of high bytes that stand alone among ASCII letters, as accents do in Western text."""
    high = len(re.findall(rb"[\x80-\xff]", sample))
    alone = re.findall(rb"(?<![\x80-\xff])[\x80\x85\x91-\x97\xa0-\xff](?![\x80-\xff])", sample)
    return len(alone) / high if high else 0.0


def _common_share(sample: bytes, *, lead: tuple[int, int], low_trail: bool) -> float:
    """Share of the double bytes that are in the table of frequent characters, or punctuation, of the encoding."""
    found = common = at = 0
    while at < len(sample):
        first = sample[at]
        if first < 0x80:
            at += 1
            continue
        second = sample[at + 1] if at + 1 < len(sample) else 0
        fits = 0xA1 <= second <= 0xFE or (low_trail and 0x40 <= second <= 0x7E)
        frequent = lead[0] <= first <= lead[1]
        punctuation = first in (0xA1, 0xA2, 0xA3)
        common += fits and (frequent or punctuation)
        found += 1
        at += 2
    return common / found if found else 0.0


def named_encoding(name: str) -> str:
    """The codec for a name in a mapping; "" for "auto". Raises Unreadable("unsupported_encoding")."""
    if name in ("", "auto"):
        return ""
    try:
        return ALIASES[name.strip().lower().replace("_", "-")]
    except KeyError:
        raise Unreadable("unsupported_encoding", encoding=name) from None


def sniff_delimiter(sample: str) -> str:
    """The delimiter under which most lines have as many cells as the first one, "," where nothing divides them."""
    best, best_score = ",", (0.0, 0)
    for delimiter in DELIMITERS:
        widths = [len(row) for row in _sample_rows(sample, delimiter) if row]
        if not widths or widths[0] < 2:
            continue
        share = widths.count(widths[0]) / len(widths)
        if (share, widths[0]) > best_score:
            best, best_score = delimiter, (share, widths[0])
    return best


def _sample_rows(sample: str, delimiter: str) -> list[list[str]]:
    rows: list[list[str]] = []
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= 60:
                break
    except csv.Error:
        pass  # a broken line is named when the file is read; here only its neighbours count
    return rows


def scan(blocks: Iterable[bytes]) -> Probe:
    """Encoding and number of lines of a whole file, in one pass."""
    scanner = ByteScan()
    for block in blocks:
        scanner.feed(block)
    return scanner.probe()


def kept_suffix(file_name: str) -> str:
    """The suffix under which a file is kept: one of ours, or none. Nobody chooses a name in our storage."""
    lowered = file_name.lower()
    return next((suffix for suffix in SUFFIXES if lowered.endswith(suffix)), "")
