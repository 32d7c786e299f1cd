"""What an import answers its callers, and its JSON form."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self

from accounts.imports.columns import Rejection
from accounts.imports.errors_file import Example
from accounts.imports.importing import Outcome
from accounts.imports.reasons import row_reason
from accounts.models import ImportBatch
from crm.lib.exceptions import CrmError


@dataclass(frozen=True, slots=True)
class ImportResult:
    """Counts of one file or request. ``batch`` is None after a dry run; ``error_file`` is a path, "" where none is.

    alike : of a dry run, new customers beside the account each resembles (``duplicates.like_new_ones``)
    """

    file: str
    batch: int | None
    read: int
    posted: int
    already_there: int
    rejected: int
    reasons: dict[str, int]
    error_file: str
    seconds: float
    new_accounts: int = 0
    examples: dict[str, list[Example]] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)
    alike: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def of(cls, outcome: Outcome, *, batch: ImportBatch, file_name: str) -> Self:
        return cls(
            file=file_name,
            batch=batch.pk,
            read=outcome.read,
            posted=outcome.posted,
            already_there=outcome.already_there,
            rejected=outcome.rejected,
            reasons=outcome.reasons,
            error_file=batch.error_file.path if batch.error_file else "",
            seconds=round(outcome.seconds, 3),
            new_accounts=outcome.new_accounts,
            examples=outcome.examples,
            rejections=outcome.rejections,
            phases=outcome.phases,
        )

    def as_dry_run(self, alike: list[dict[str, Any]]) -> Self:
        return replace(self, batch=None, alike=alike)

    def to_json(self) -> dict[str, Any]:
        """The object of ``import_revenue --json``; ``reasons`` counts rows by reason code."""
        names = ("file", "batch", "read", "posted", "already_there", "rejected", "reasons", "error_file", "seconds")
        return {name: getattr(self, name) for name in names}

    def examples_json(self) -> dict[str, list[dict[str, Any]]]:
        return {code: [asdict(example) for example in rows] for code, rows in self.examples.items()}


class RowsRejected(CrmError):
    """Some rows of a request cannot be posted, so none was. ``faults`` lists (row from 1, field, value, code, text)."""

    code = "rows-rejected"
    status = 400

    def __init__(self, rejections: list[Rejection]) -> None:
        self.rejections = rejections
        self.faults = [
            (rejection.number, fault.column, fault.value, fault.code, row_reason(fault.code, fault.details))
            for rejection in rejections
            for fault in rejection.faults
        ]
        super().__init__("; ".join(f"{row}: {column} {text}".strip() for row, column, _v, _c, text in self.faults[:5]))
