"""What pages ask about a file before it is posted: what was detected, which mapping fits, how its first rows read."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.utils import timezone

from accounts.imports.cells import shown
from accounts.imports.fields import FIELDS, IDENTITY_FIELDS, TECHNICAL, Kind
from accounts.imports.mapping import AUTO, Mapping, parse_mapping
from accounts.imports.options import ImportOptions, chosen_mapping, open_as, prepare, refusing
from accounts.imports.plan import bind, mark_positions, sample_cells
from accounts.imports.profiles import PROFILES, fitting_profile, profile_named
from accounts.imports.readers import Chunk, Table
from accounts.imports.reasons import row_reason
from accounts.imports.rows import RowTyper
from accounts.imports.styles import DateEvidence, NumberEvidence, NumberStyle
from accounts.imports.suggest import suggest_columns
from accounts.imports.unreadable import Unreadable
from accounts.models import ImportBatch, SavedMapping

SAMPLES = 3  # values shown beside a column
SAMPLE_ROWS = 200
PREVIEW_ROWS = 20
REQUIRED = ("account_code", "booked_on", "amount")


@dataclass(frozen=True, slots=True)
class Detected:
    """How dates and numbers are written. ``choices`` are the readings that fit every cell; the user must choose one."""

    value: str
    choices: tuple[str, ...] = ()
    example: str = ""

    @property
    def is_ambiguous(self) -> bool:
        return bool(self.choices)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What was found in a file, and the mapping to begin with.

    ``samples`` gives up to three values for each column. ``profile`` is the built-in profile that fits, else "".
    ``missing`` lists the required fields no column was found for; ``dates`` and ``decimal`` may ask for a choice.
    """

    kind: str
    encoding: str
    delimiter: str
    sheet: str
    sheets: list[str]
    rows_estimate: int
    columns: list[str]
    samples: dict[str, list[str]]
    profile: str
    mapping: dict[str, Any]
    missing: list[str]
    dates: Detected
    decimal: Detected
    currency: str
    is_error_file: bool


def file_facts(batch: ImportBatch, options: ImportOptions | None = None) -> FileFacts:
    """What was detected in a batch's file. ``options`` (else the batch's own) may force encoding, sheet or mapping.

    Raises ImportRefused for a file that cannot be read.
    """
    from accounts.imports.services import upload_path

    told = options or ImportOptions.from_json(batch.options)
    path = upload_path(batch)
    with refusing():
        chosen = chosen_mapping(told)
        table = open_as(path, told, chosen)
        profile, mapping = _starting_mapping(table, chosen)
        mapping = mapping.with_options(told.overrides)
        index = bind(mapping, table.columns) if mapping.columns else {}
    return _facts(table, mapping, index, profile=profile, currency=told.currency)


def _starting_mapping(table: Table, chosen: Mapping | str | None) -> tuple[str, Mapping]:
    """(name of the profile that fits or "", the mapping to begin with): asked for, else fitting, else suggested."""
    if isinstance(chosen, Mapping):
        return "", chosen
    if isinstance(chosen, str):
        return chosen, profile_named(chosen).mapping_for(table.columns)
    try:
        profile = fitting_profile(table.columns)
    except Unreadable:
        return "", Mapping(name="mapping", columns=suggest_columns(table.columns), identity=IDENTITY_FIELDS)
    return profile.name, profile.mapping_for(table.columns)


def _facts(table: Table, mapping: Mapping, index: dict[str, int], *, profile: str, currency: str) -> FileFacts:
    rows = [row for _number, row in sample_cells(table, rows=SAMPLE_ROWS)]
    return FileFacts(
        kind=table.kind,
        encoding=table.encoding,
        delimiter=table.delimiter,
        sheet=table.sheet,
        sheets=table.sheets,
        rows_estimate=table.rows_estimate,
        columns=[column for column in table.columns if column and column not in TECHNICAL],
        samples=_samples(table.columns, rows),
        profile=profile,
        mapping=mapping.to_json(),
        missing=missing_fields(mapping),
        dates=_detected_dates(table, mapping, index),
        decimal=_detected_decimal(table, mapping, index),
        currency=currency or mapping.defaults.get("currency") or settings.BASE_CURRENCY,
        is_error_file=mark_positions(table.columns) is not None,
    )


def missing_fields(mapping: Mapping) -> list[str]:
    """Required fields that neither a column nor a default gives; "amount" stands for it or quantity and price."""
    given = set(mapping.columns) | {key for key, text in mapping.defaults.items() if text}
    return [
        key for key in REQUIRED if key not in given and not (key == "amount" and {"quantity", "unit_price"} <= given)
    ]


def _samples(columns: Sequence[str], rows: list[list[str]]) -> dict[str, list[str]]:
    samples: dict[str, list[str]] = {}
    for at, column in enumerate(columns):
        if column and column not in TECHNICAL:
            cells = dict.fromkeys(shown(row[at]).strip()[:80] for row in rows if row[at].strip())
            samples[column] = list(cells)[:SAMPLES]
    return samples


def _walk(table: Table, evidence: DateEvidence | NumberEvidence, positions: list[int]) -> None:
    """Add rows to the evidence until it decides, all of them where it never does."""
    for chunk in table.chunks():
        for at in positions:
            evidence.add({row[at] for row in chunk.rows})
        if evidence.is_decisive:
            return


def _detected_dates(table: Table, mapping: Mapping, index: dict[str, int]) -> Detected:
    if mapping.date_formats or "booked_on" not in index:
        return Detected(", ".join(mapping.date_formats))
    evidence = DateEvidence()
    _walk(table, evidence, [index["booked_on"]])
    formats = evidence.decide()
    if formats is None:
        choices = tuple(name for family in evidence.families for name in family)
        return Detected("", choices, evidence.example)
    return Detected(", ".join(formats))


def _detected_decimal(table: Table, mapping: Mapping, index: dict[str, int]) -> Detected:
    positions = [at for key, at in index.items() if FIELDS[key].kind is Kind.NUMBER]
    if mapping.decimal != AUTO or not positions:
        return Detected(mapping.decimal if mapping.decimal != AUTO else ".")
    evidence = NumberEvidence()
    _walk(table, evidence, positions)
    style: NumberStyle | None = evidence.decide()
    return Detected("", (".", ","), evidence.example) if style is None else Detected(style.decimal)


@dataclass(frozen=True, slots=True)
class PreviewCell:
    """One cell: as it is in the file, as it will be posted ("" where the row is rejected), what is wrong with it."""

    field: str
    raw: str
    value: str
    fault: str = ""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """One row as it will be posted. ``faults`` are those that belong to no single cell."""

    number: int
    cells: list[PreviewCell]
    is_rejected: bool
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Preview:
    """``fields`` head the columns, in the order of every row's cells; amount, kind and currency are always there."""

    fields: list[str]
    labels: list[str]
    rows: list[PreviewRow]


def preview(batch: ImportBatch, options: ImportOptions | None = None, *, rows: int = PREVIEW_ROWS) -> Preview:
    """The first rows of a batch's file, typed by ``options`` (else the batch's own). Raises ImportRefused."""
    from accounts.imports.services import upload_path

    prepared = prepare(upload_path(batch), options or ImportOptions.from_json(batch.options))
    typer = RowTyper(prepared.plan, today=timezone.localdate())
    always = ("amount", "kind", "currency")
    keys = [key for key in FIELDS if key in prepared.plan.index or key in always]
    with refusing():
        shown_rows = [_preview_row(typer, keys, number, row) for number, row in sample_cells(prepared.table, rows=rows)]
    return Preview(keys, [str(FIELDS[key].label) for key in keys], shown_rows)


def _preview_row(typer: RowTyper, keys: list[str], number: int, row: list[str]) -> PreviewRow:
    typed = typer.type(Chunk([number], [row]))
    plan = typer.plan
    cells = plan.original_cells(row)
    values = typer.values_of(typed.lines) if typed.good else {}
    faults = typed.rejections[0].faults if typed.rejections else []
    by_column = {fault.column: row_reason(fault.code, fault.details) for fault in reversed(faults)}
    told = []
    for key in keys:
        header = plan.columns[plan.index[key]] if key in plan.index else ""
        raw = cells[plan.index[key]] if key in plan.index else ""
        value = values.get(key, raw.strip() if typed.good else "")
        told.append(PreviewCell(key, raw, value, by_column.pop(header, "") if header else ""))
    return PreviewRow(number, told, is_rejected=not typed.good, faults=list(by_column.values()))


def mapping_names() -> list[str]:
    """Names ``--profile`` takes: built-in profiles, then saved mappings."""
    return [*PROFILES, *SavedMapping.objects.values_list("name", flat=True)]


def saved_mapping(name: str) -> Mapping:
    """Raises ImportRefused("unknown_profile" | "bad_mapping")."""
    with refusing():
        saved = SavedMapping.objects.filter(name=name).first()
        if saved is None:
            raise Unreadable("unknown_profile", name=name, names=", ".join(mapping_names()))
        return parse_mapping(saved.definition, name=saved.name)
