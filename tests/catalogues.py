"""Reading gettext catalogues without gettext's programs."""

import ast
import gettext
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Entry:
    """One message of a .po file; ``texts`` are its translations by plural form."""

    context: str | None = None
    source: str = ""
    plural: str | None = None
    texts: dict[int, str] = field(default_factory=dict)
    is_fuzzy: bool = False
    is_obsolete: bool = False

    @property
    def is_complete(self) -> bool:
        return not self.is_fuzzy and bool(self.texts) and all(self.texts.values())

    @property
    def key(self) -> str:
        return f"{self.context}\x04{self.source}" if self.context is not None else self.source


def read_po(path: Path) -> list[Entry]:
    """Every entry in use but the header."""
    entries = [_entry(block) for block in path.read_text(encoding="utf-8").split("\n\n")]
    return [entry for entry in entries if entry.source and not entry.is_obsolete]


def _entry(block: str) -> Entry:
    entry, part = Entry(), ""
    for line in block.splitlines():
        if line.startswith("#,") and "fuzzy" in line:
            entry.is_fuzzy = True
        entry.is_obsolete |= line.startswith("#~")
        if not line or line.startswith("#"):
            continue
        quoted = line
        if not line.startswith('"'):
            part, _space, quoted = line.partition(" ")
        _append(entry, part, ast.literal_eval(quoted))
    return entry


def _append(entry: Entry, part: str, text: str) -> None:
    if part == "msgctxt":
        entry.context = (entry.context or "") + text
    elif part == "msgid":
        entry.source += text
    elif part == "msgid_plural":
        entry.plural = (entry.plural or "") + text
    else:
        form = int(part[len("msgstr[") : -1]) if "[" in part else 0
        entry.texts[form] = entry.texts.get(form, "") + text


def read_mo(path: Path) -> dict[str, dict[int, str]]:
    """Message key → translations by plural form, as the compiled catalogue has them."""
    with path.open("rb") as file:
        catalogue = gettext.GNUTranslations(file)._catalog
    found: dict[str, dict[int, str]] = {}
    for key, text in catalogue.items():
        source, form = key if isinstance(key, tuple) else (key, 0)
        if source:
            found.setdefault(source, {})[form] = text
    return found
