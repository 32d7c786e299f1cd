"""A mail as it comes over the wire (RFC 5322, MIME), read with the standard library into what is worth keeping.

Pure. Headers lie, charsets are wrong, and parts nest: whatever cannot be read is left out, and never ends the reading.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import getaddresses, parsedate_to_datetime
from html.parser import HTMLParser

from django.utils.translation import gettext as _

MOST_PARTS = 200
MOST_ADDRESSES = 500
DEEPEST = 20  # parts in parts; real mails have five or six
DECORATION_BYTES = 30_000  # a picture shown inside the text and smaller than this is a logo, not a file
SUBJECT_LENGTH, ID_LENGTH = 200, 255
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ADDRESS = re.compile(r"[^\s<>@,;:\"'()\[\]]{1,64}@[^\s<>@,;:\"'()\[\]]{1,255}")
# The lines that programs put above a mail which is forwarded within the text.
_QUOTED = re.compile(
    r"(?im)^[>\s*]*(from|to|cc|von|an|de|à|发件人|收件人|抄送|寄件者|寄件人|收件者|副本)\s*\*?\s*[:：](.*)$"
)
_QUOTED_LINES = 12  # how far below the first of them the others stand


class UnreadableMail(ValueError):
    """What came is no mail; the message says why."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file of a mail."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """message_id : of the mail, or of its bytes where it has none; sender, to, cc : addresses in small letters; quoted :
    those in the head of a mail forwarded within the text; sent_at : None where it does not say"""

    message_id: str
    subject: str
    sent_at: datetime | None
    sender: tuple[str, ...]
    to: tuple[str, ...]
    cc: tuple[str, ...]
    quoted: tuple[str, ...]
    text: str
    files: tuple[Part, ...]

    @property
    def direct(self) -> tuple[str, ...]:
        """From whom and to whom."""
        return tuple(dict.fromkeys((*self.sender, *self.to)))


def read(raw: bytes) -> Mail:
    """Raises UnreadableMail for what has neither sender nor recipient nor text, and for parts beyond all measure.

    A mail that was forwarded as a file is read in place of the one that carries it; the words above it stay.
    """
    try:
        message = message_from_bytes(raw.lstrip(b"\r\n"), policy=policy.default)
        assert isinstance(message, EmailMessage)
        carrier, parts = message, _leaves(message)
        inner = next((part for part in parts if part.get_content_type() == "message/rfc822"), None)
        carried = _payload(inner) if inner is not None else None
        words = ""
        if carried is not None:
            words = _text_of(parts)
            carrier, parts = carried, [*(part for part in parts if part is not inner), *_leaves(carried)]
    except RecursionError as error:
        raise UnreadableMail(_("This mail has parts within parts beyond all measure.")) from error
    return _mail(carrier, parts, raw, words)


def _mail(message: EmailMessage, parts: list[EmailMessage], raw: bytes, words: str) -> Mail:
    text = "\n\n".join(filter(None, (words, _text_of(_leaves(message)))))
    sender, to, cc = _addresses(message, "from"), _addresses(message, "to"), _addresses(message, "cc")
    if not (sender or to or cc) and not _header(message, "date"):
        raise UnreadableMail(_("This is no mail: it has no sender, no recipient and no date."))
    told = _header(message, "message-id").strip("<> ")
    return Mail(
        message_id=told if 0 < len(told) <= ID_LENGTH else f"sha256:{hashlib.sha256(raw).hexdigest()}",
        subject=" ".join(_header(message, "subject").split())[:SUBJECT_LENGTH],
        sent_at=_moment(_header(message, "date")),
        sender=sender,
        to=to,
        cc=cc,
        quoted=_quoted_addresses(text),
        text=text,
        files=tuple(_files(parts)),
    )


def _payload(part: EmailMessage) -> EmailMessage | None:
    payload = part.get_payload()
    first = payload[0] if isinstance(payload, list) and payload else None
    return first if isinstance(first, EmailMessage) else None


def _leaves(message: EmailMessage) -> list[EmailMessage]:
    """The parts that hold something, in their order. Raises UnreadableMail where there are too many."""

    def walk(part: EmailMessage, depth: int) -> Iterator[EmailMessage]:
        payload = part.get_payload()
        if part.get_content_maintype() != "multipart" or not isinstance(payload, list):
            yield part
        elif depth < DEEPEST:
            for one in payload:
                if isinstance(one, EmailMessage):
                    yield from walk(one, depth + 1)

    found: list[EmailMessage] = []
    for part in walk(message, 0):
        found.append(part)
        if len(found) > MOST_PARTS:
            raise UnreadableMail(_("This mail has more than %(most)s parts.") % {"most": MOST_PARTS})
    return found


def _is_file(part: EmailMessage) -> bool:
    return part.get_content_disposition() == "attachment" or bool(_file_name(part))


def _text_of(parts: list[EmailMessage]) -> str:
    """The words of a mail: its plain text, else its HTML without the marks."""
    for kind in ("text/plain", "text/html"):
        texts = [_decoded(part) for part in parts if part.get_content_type() == kind and not _is_file(part)]
        words = "\n\n".join(text_of_html(text) if kind == "text/html" else text for text in texts)
        if words.strip():
            return _tidy(words)
    return ""


def _decoded(part: EmailMessage) -> str:
    content = _bytes_of(part)
    for charset in (part.get_content_charset() or "utf-8", "utf-8", "gb18030"):
        try:
            return content.decode(charset)
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def _bytes_of(part: EmailMessage) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (ValueError, LookupError, TypeError, AssertionError):
        return b""
    return content if isinstance(content, bytes) else b""


def _files(parts: list[EmailMessage]) -> Iterator[Part]:
    shown = "".join(_decoded(part) for part in parts if part.get_content_type() == "text/html" and not _is_file(part))
    for number, part in enumerate(parts, start=1):
        if part.get_content_type() == "message/rfc822":
            carried = _payload(part)
            yield Part(_file_name(part) or f"{number}.eml", carried.as_bytes() if carried else b"")
            continue
        is_text = part.get_content_type() in {"text/plain", "text/html"}
        if is_text and not _is_file(part):
            continue
        content, own_id = _bytes_of(part), _header(part, "content-id").strip("<> ")
        if own_id and f"cid:{own_id}" in shown and len(content) < DECORATION_BYTES:
            continue
        yield Part(_file_name(part) or f"{number}.{part.get_content_subtype()}", content)


def _file_name(part: EmailMessage) -> str:
    try:
        return _UNSTORABLE.sub("", part.get_filename() or "")
    except (ValueError, LookupError, TypeError, AttributeError, IndexError):
        return ""


def _header(message: EmailMessage, name: str) -> str:
    try:
        return _clean(str(message.get(name) or ""))
    except Exception:  # noqa: BLE001 - the parser of headers breaks in its own ways on broken ones
        return ""


def _addresses(message: EmailMessage, name: str) -> tuple[str, ...]:
    try:
        values = [_clean(str(value)) for value in message.get_all(name, [])]
    except Exception:  # noqa: BLE001 - as above; the lines as they came are still there
        values = [_clean(str(value)) for told, value in message.raw_items() if told.lower() == name]
    found: list[str] = []
    for value in values:
        told = [address for _name, address in getaddresses([value]) if address]
        found += told or _ADDRESS.findall(value)  # a line that the library does not take at all
    return _distinct(found)


def _distinct(found: list[str]) -> tuple[str, ...]:
    lowered = (address.strip().lower() for address in found)
    return tuple(dict.fromkeys(one for one in lowered if _ADDRESS.fullmatch(one)))[:MOST_ADDRESSES]


def _quoted_addresses(text: str) -> tuple[str, ...]:
    """Addresses in the head of the first mail that is quoted with one."""
    lines = text.splitlines()
    first = next((number for number, line in enumerate(lines) if _QUOTED.match(line) and "@" in line), None)
    if first is None:
        return ()
    head = [found.group(2) for line in lines[first : first + _QUOTED_LINES] if (found := _QUOTED.match(line))]
    return _distinct([address for line in head for address in _ADDRESS.findall(line)])


def _moment(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _clean(text: str) -> str:
    """Nothing that the database cannot hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def _tidy(text: str) -> str:
    """No blanks at the ends of lines, no more than one empty line at a time."""
    lines = [line.rstrip() for line in _clean(text).replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


class _Words(HTMLParser):
    """The words of a page: blocks become lines, what is not shown is left out."""

    BLOCKS = frozenset({"p", "div", "br", "tr", "li", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "hr"})
    HIDDEN = frozenset({"script", "style", "head", "title", "template"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag in self.HIDDEN:
            self.hidden += 1
        elif tag in self.BLOCKS:
            self.words.append("\n")
        elif tag in {"td", "th"}:
            self.words.append("\t")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.HIDDEN:
            self.hidden = max(0, self.hidden - 1)
        elif tag in self.BLOCKS - {"br", "hr"}:
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(re.sub(r"\s+", " ", data))


def text_of_html(html: str) -> str:
    parser = _Words()
    parser.feed(html)
    parser.close()
    return _tidy(re.sub(r"\n[ \t]+", "\n", "".join(parser.words)))
