"""What a caller asks of an import, and a file made ready by it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from accounts.imports.fields import MARK_BATCH
from accounts.imports.limits import SOURCE_LENGTH
from accounts.imports.mapping import Mapping, parse_mapping
from accounts.imports.plan import Plan, make_plan, mark_positions, sample_cells
from accounts.imports.profiles import PROFILES, fitting_profile, profile_named
from accounts.imports.readers import Table, open_table
from accounts.imports.reasons import refusal_text
from accounts.imports.resent import marked_source
from accounts.imports.unreadable import Unreadable
from accounts.models import SavedMapping
from crm.lib.exceptions import ImportRefused

OVERRIDES = ("date_formats", "decimal", "thousands", "encoding", "delimiter", "sheet", "credit_note_prefix")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportOptions:
    """``profile`` names a built-in profile or a saved mapping; ``mapping`` is a definition as a mapping file has it.

    Without both the one profile that fits is taken. The fields from ``date_formats`` on replace those of the mapping
    where they are given. ``create=False`` rejects rows of accounts, products and contracts that do not exist. ``books``:
    code of a customer in the file → key of the account that its rows are booked on, instead of a new one.
    """

    profile: str = ""
    mapping: dict[str, Any] | None = None
    mapping_name: str = "mapping"
    currency: str = ""
    source: str = ""
    create: bool = True
    date_formats: tuple[str, ...] = ()
    decimal: str = ""
    thousands: str = ""
    encoding: str = ""
    delimiter: str = ""
    sheet: str = ""
    credit_note_prefix: str = ""
    books: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"date_formats": list(self.date_formats)}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Self:
        known = {key: value for key, value in content.items() if key in cls.__slots__}
        known["date_formats"] = tuple(known.get("date_formats") or ())
        return cls(**known)

    def changed(self, **changes: Any) -> Self:
        return replace(self, **changes)

    @property
    def overrides(self) -> dict[str, Any]:
        return {key: getattr(self, key) for key in OVERRIDES}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A file that can be typed: its table, the plan, and the source its rows are identified under."""

    table: Table
    plan: Plan
    source: str
    options: ImportOptions

    @property
    def profile(self) -> str:
        return self.plan.mapping.name


@contextmanager
def refusing() -> Iterator[None]:
    """Turns the pure part's Unreadable into ImportRefused with the sentence in the language in use."""
    try:
        yield
    except Unreadable as error:
        raise ImportRefused(refusal_text(error), reason=error.reason, **error.details) from error


def prepare(path: Path, options: ImportOptions) -> Prepared:
    """Open ``path`` and settle every doubt about it. Raises ImportRefused."""
    with refusing():
        mapping = chosen_mapping(options)
        table = open_as(path, options, mapping)
        if mapping is None:
            mapping = fitting_profile(table.columns).mapping_for(table.columns)
        elif isinstance(mapping, str):
            mapping = profile_named(mapping).mapping_for(table.columns)
        return prepared_table(table, mapping.with_options(options.overrides), options)


def prepared_table(table: Table, mapping: Mapping, options: ImportOptions) -> Prepared:
    """Raises Unreadable("bad_currency" | "bad_source" | …)."""
    source = (options.source or _source_of_marks(table) or mapping.name).strip()
    if len(source) > SOURCE_LENGTH or "\0" in source or source != _storable(source):
        raise Unreadable("bad_source", limit=SOURCE_LENGTH)
    currency = (options.currency or mapping.defaults.get("currency") or settings.BASE_CURRENCY).upper()
    return Prepared(table, make_plan(table, mapping, currency=currency), source, options)


def _storable(text: str) -> str:
    """``text`` without half characters, as a terminal's broken bytes give them."""
    return text.encode("utf-8", "ignore").decode()


def chosen_mapping(options: ImportOptions) -> Mapping | str | None:
    """The mapping asked for; a profile's name where the columns must be known first; None to choose by columns."""
    if options.mapping is not None:
        return parse_mapping(options.mapping, name=options.mapping_name)
    if not options.profile:
        return None
    if options.profile in PROFILES:
        return options.profile
    saved = SavedMapping.objects.filter(name=options.profile).first()
    if saved is None:
        names = [*PROFILES, *SavedMapping.objects.values_list("name", flat=True)]
        raise Unreadable("unknown_profile", name=options.profile, names=", ".join(names))
    return parse_mapping(saved.definition, name=saved.name)


def open_as(path: Path, options: ImportOptions, mapping: Mapping | str | None) -> Table:
    """The table of ``path``, read as the options or else the mapping say."""
    told = mapping if isinstance(mapping, Mapping) else None
    return open_table(
        path,
        encoding=options.encoding or (told.encoding if told else "auto"),
        delimiter=options.delimiter or (told.delimiter if told else "auto"),
        sheet=options.sheet or (told.sheet if told else None),
    )


def _source_of_marks(table: Table) -> str:
    """An error file comes back under the source of the batch that rejected its rows."""
    positions = mark_positions(table.columns)
    if positions is None:
        return ""
    at = table.columns.index(MARK_BATCH)
    for _number, row in sample_cells(table, rows=20):
        if found := marked_source(row[at].strip().strip("\ufdd1")):
            return found
    return ""
