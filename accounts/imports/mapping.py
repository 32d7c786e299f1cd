"""Which column is which field, and how its cells are written: what a saved mapping and a mapping file hold."""

import json
from collections.abc import Mapping as AbstractMapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Self

from accounts.imports.fields import BASIS_WORDS, CURRENCIES, FIELDS, IDENTITY_CHOICES, IDENTITY_FIELDS, KIND_WORDS
from accounts.imports.sniff import named_encoding
from accounts.imports.styles import parse_by
from accounts.imports.unreadable import Unreadable

AUTO = "auto"
KEYS = frozenset(
    {
        "name", "columns", "defaults", "date_formats", "decimal", "thousands", "encoding", "delimiter", "sheet",
        "credit_note_prefix", "identity",
    }
)  # fmt: skip
DECIMALS = (AUTO, ".", ",")
THOUSANDS = (AUTO, "", ",", ".", "'", " ", "\u00a0")
NAME_LENGTH = 60
PROBE_DAY = date(2011, 12, 9)


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked mapping. ``columns`` and ``defaults`` go from a field's key to a header and to a text."""

    name: str
    columns: dict[str, str]
    defaults: dict[str, str] = field(default_factory=dict)
    date_formats: tuple[str, ...] = ()
    decimal: str = AUTO
    thousands: str = AUTO
    encoding: str = AUTO
    delimiter: str = AUTO
    sheet: str | None = None
    credit_note_prefix: str = ""
    identity: tuple[str, ...] = IDENTITY_FIELDS
    is_export: bool = False  # the facet profile: cells carry our export's guards

    def to_json(self) -> dict[str, Any]:
        """The definition as a mapping file has it."""
        content = asdict(self)
        del content["is_export"]
        return content | {"date_formats": list(self.date_formats), "identity": list(self.identity)}

    def with_options(self, options: AbstractMapping[str, Any]) -> Self:
        """The mapping with the given options in place of its own; empty ones change nothing."""
        given = {key: value for key, value in options.items() if value not in (None, "", [], ())}
        if "date_formats" in given:
            given["date_formats"] = checked_formats(given["date_formats"])
        return replace(self, **given)


def read_mapping_file(path: Path) -> Mapping:
    """The mapping in a JSON file; its name is the one it gives itself, else the file's stem."""
    try:
        definition = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise _bad(f"{path}: {error.strerror}") from None
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise _bad(f"{path}: {error}") from None
    return parse_mapping(definition, name=path.stem)


def parse_mapping(definition: object, *, name: str) -> Mapping:
    """A definition as a file or a SavedMapping stores it → Mapping. Raises Unreadable("bad_mapping" | "missing_field")."""
    if not isinstance(definition, dict):
        raise _bad("a JSON object is needed")
    _check_storable(definition)
    if unknown := sorted(set(map(str, definition)) - KEYS):
        raise _bad(f"unknown key {unknown[0]!r}; keys are {', '.join(sorted(KEYS))}")
    columns = _texts(definition, "columns")
    if not columns:
        raise _bad('"columns" is empty')
    mapping = Mapping(
        name=(str(definition.get("name") or name))[:NAME_LENGTH],
        columns={key: column for key, column in columns.items() if column},
        defaults=_texts(definition, "defaults"),
        date_formats=checked_formats(definition.get("date_formats") or ()),
        decimal=_one_of(definition, "decimal", DECIMALS),
        thousands=_one_of(definition, "thousands", THOUSANDS),
        encoding=_text(definition, "encoding", AUTO),
        delimiter=_delimiter(_text(definition, "delimiter", AUTO)),
        sheet=_text(definition, "sheet", "") or None,
        credit_note_prefix=_text(definition, "credit_note_prefix", ""),
        identity=_identity(definition.get("identity")),
    )
    named_encoding(mapping.encoding)
    _check_defaults(mapping.defaults)
    check_required(mapping)
    return mapping


def check_required(mapping: Mapping) -> None:
    """Raises Unreadable("missing_field") unless account, date and an amount, or quantity and price, are given."""
    given = set(mapping.columns) | {key for key, text in mapping.defaults.items() if text}
    for key in ("account_code", "booked_on"):
        if key not in given:
            raise Unreadable("missing_field", field=key)
    if "amount" not in given and not {"quantity", "unit_price"} <= given:
        raise Unreadable("missing_field", field="amount")
    if mapping.decimal != AUTO and mapping.decimal == mapping.thousands:
        raise _bad('"decimal" and "thousands" are the same mark')


def _check_storable(definition: dict[str, Any]) -> None:
    """A NUL or half a character cannot be kept in the database."""
    try:
        text = json.dumps(definition, ensure_ascii=False, default=str)
        text.encode()
    except (UnicodeEncodeError, RecursionError, ValueError):
        raise _bad("a text in it is broken") from None
    if r"\u0000" in text:
        raise _bad("a text in it holds a NUL character")


def _bad(fault: str) -> Unreadable:
    return Unreadable("bad_mapping", fault=fault)


def _texts(definition: dict[str, Any], key: str) -> dict[str, str]:
    """A flat object of field → text, with every field known."""
    content = definition.get(key) or {}
    if not isinstance(content, dict) or not all(isinstance(text, (str, type(None))) for text in content.values()):
        raise _bad(f'"{key}" must go from fields to texts')
    if unknown := sorted(set(content) - set(FIELDS)):
        raise _bad(f"unknown field {unknown[0]!r} in {key!r}; fields are {', '.join(FIELDS)}")
    return {name: (text or "").strip() for name, text in content.items()}


def _text(definition: dict[str, Any], key: str, default: str) -> str:
    value = definition.get(key)
    if value is None:
        return default
    if not isinstance(value, str) or "\0" in value:
        raise _bad(f'"{key}" must be a text')
    return value


def _one_of(definition: dict[str, Any], key: str, allowed: tuple[str, ...]) -> str:
    value = _text(definition, key, AUTO)
    if value not in allowed:
        raise _bad(f'"{key}" must be one of {", ".join(map(repr, allowed))}')
    return " " if value == "\u00a0" else value


def _delimiter(text: str) -> str:
    text = {"tab": "\t", "\\t": "\t", "": AUTO}.get(text, text)
    if text != AUTO and (len(text) != 1 or text in '"\r\n'):
        raise _bad('"delimiter" must be one sign, or "auto"')
    return text


def checked_formats(formats: object) -> tuple[str, ...]:
    """Formats of strptime with a year, a month and a day. Raises Unreadable("bad_mapping")."""
    if isinstance(formats, str):
        formats = [formats]
    if not isinstance(formats, (list, tuple)) or not all(isinstance(name, str) for name in formats):
        raise _bad('"date_formats" must be a list of texts')
    for name in formats:
        try:
            written = PROBE_DAY.strftime(name)
        except ValueError:
            written = ""
        if parse_by(name, written) != PROBE_DAY:
            raise _bad(f"the date format {name!r} names no whole date; write it like %Y-%m-%d")
    return tuple(formats)


def _identity(names: object) -> tuple[str, ...]:
    if names is None:
        return IDENTITY_FIELDS
    if not isinstance(names, (list, tuple)) or not names or not set(names) <= set(IDENTITY_CHOICES):
        raise _bad(f'"identity" must list some of {", ".join(IDENTITY_CHOICES)}')
    return tuple(name for name in IDENTITY_CHOICES if name in names)


def _check_defaults(defaults: dict[str, str]) -> None:
    for key, words in (("kind", KIND_WORDS), ("basis", BASIS_WORDS)):
        if (word := defaults.get(key)) and word.casefold() not in words:
            raise _bad(f"{word!r} is no {key}: {', '.join(sorted(set(words.values())))}")
    if (code := defaults.get("currency")) and code.upper() not in CURRENCIES:
        raise Unreadable("bad_currency", currency=code)
