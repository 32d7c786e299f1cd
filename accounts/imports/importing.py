"""The one path of an import: stage, check, post. A dry run is this path, rolled back."""

import gc
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.imports import posting, resent
from accounts.imports.booking import book
from accounts.imports.columns import Fault, Rejection
from accounts.imports.errors_file import ErrorFile, Example
from accounts.imports.fields import ORIGIN_PARENTS
from accounts.imports.options import Prepared, refusing
from accounts.imports.owners import ABOVE, create_owners
from accounts.imports.progress import FIGURES, MATCHING, POSTING, ProgressWriter
from accounts.imports.rows import RowTyper, TypedChunk
from accounts.imports.staging import Stage
from accounts.imports.unreadable import Unreadable
from accounts.locks import ledger_lock
from accounts.signals import ledger_changed
from crm.lib.exceptions import CrmError


class ConservationError(CrmError):
    """Rows read are not the rows posted, already there and rejected: a defect, never the file's fault."""

    code = "rows-not-conserved"
    status = 500


@dataclass(slots=True)
class Outcome:
    """What became of every row of a file."""

    read: int
    posted: int
    already_there: int
    rejected: int
    reasons: dict[str, int]
    examples: dict[str, list[Example]]
    seconds: float
    known_batches: dict[int, int]
    first_booked_on: date | None = None
    last_booked_on: date | None = None
    new_accounts: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    phases: dict[str, float] = field(default_factory=dict)

    def check(self) -> None:
        """read = posted + already there + rejected. Raises ConservationError."""
        if self.read != self.posted + self.already_there + self.rejected:
            raise ConservationError(
                f"{self.read} rows read, but {self.posted} posted, {self.already_there} already there and"
                f" {self.rejected} rejected."
            )


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Typing rows makes no reference cycles; looking for them takes a quarter of its time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class Import:
    """One walk of one file through the door, inside the caller's transaction."""

    def __init__(self, prepared: Prepared, *, batch_id: int, errors: ErrorFile, progress: ProgressWriter) -> None:
        self._prepared, self._batch_id = prepared, batch_id
        self._errors, self._progress = errors, progress
        self._read = 0
        self._new_accounts = 0

    def run(self) -> Outcome:
        """Post every row that can be posted. Raises ImportRefused; the caller's transaction then rolls back."""
        started = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            self._load(cursor)
            self._progress.phase(MATCHING)
            ledger_lock()
            self._match(cursor)
            self._progress.phase(POSTING)
            posted = self._post(cursor)
            self._progress.phase(FIGURES)
            if posted.posted:
                ledger_changed.send(sender=Import, touched_table="import_touched", batch_id=self._batch_id)
            posting.drop_temporary(cursor)
        self._progress.phase("done")
        tally = self._errors.tally
        outcome = Outcome(
            read=self._read,
            posted=posted.posted,
            already_there=sum(posted.known.values()),
            rejected=tally.rejected,
            reasons=dict(tally.reasons.most_common()),
            examples=tally.examples,
            seconds=time.monotonic() - started,
            known_batches={batch: count for batch, count in posted.known.items() if batch},
            first_booked_on=posted.first_booked_on,
            last_booked_on=posted.last_booked_on,
            new_accounts=self._new_accounts,
            phases=self._progress.seconds,
        )
        outcome.check()
        return outcome

    def _load(self, cursor: CursorWrapper) -> None:
        typer = RowTyper(self._prepared.plan, today=timezone.localdate())
        with refusing(), _collector_paused():
            Stage(cursor, typer).load(self._typed(typer))
            if not self._read:
                raise Unreadable("no_rows")

    def _typed(self, typer: RowTyper) -> Iterator[TypedChunk]:
        for chunk in self._prepared.table.chunks():
            typed = typer.type(chunk)
            self._read += typed.read
            self._errors.add(typed.rejections)
            self._progress.add(typed.read)
            yield typed

    def _match(self, cursor: CursorWrapper) -> None:
        """Reject what only the ledger can judge, create what rows hang on, and tell new rows from known ones."""
        plan, source = self._prepared.plan, self._prepared.source
        has_origins = plan.origins is not None
        if self._prepared.options.books:
            book(cursor, self._prepared.options.books)
        if has_origins:
            posting.look_at_ledger(cursor)
        if not self._prepared.options.create:
            posting.reject_unknown(cursor)
        if plan.marks:
            resent.reject_marks(cursor, source=source)
        if "external_id" in plan.index or has_origins:
            posting.reject_conflicts(cursor, source=source, batch=self._batch_id, has_origins=has_origins)
        if "parent_code" in plan.index:
            posting.reject_cycles(cursor, has_origins=has_origins)
        rejected = self._reject_late(cursor)
        self._new_accounts = create_owners(
            cursor,
            above=[key for key in ABOVE if self._has(key)],
            has_contracts=self._has("contract_number"),
            has_described_parents=plan.origins is not None and ORIGIN_PARENTS in plan.origins,
            rejected=rejected,
        )
        if plan.marks:
            resent.find_resent(cursor)
        posting.identify(cursor, source=source, has_marks=plan.marks is not None, has_origins=has_origins)
        if plan.marks:
            resent.add_marked_lines(cursor, source=source, has_origins=has_origins)

    def _post(self, cursor: CursorWrapper) -> posting.Posted:
        posted = posting.insert_lines(
            cursor,
            source=self._prepared.source,
            batch=self._batch_id,
            has_contracts=self._has("contract_number"),
            has_origins=self._prepared.plan.origins is not None,
        )
        if self._prepared.plan.marks:
            resent.remember_resent(cursor, batch=self._batch_id)
        return posted

    def _has(self, key: str) -> bool:
        """Whether a column or a default gives this field."""
        plan = self._prepared.plan
        return key in plan.index or bool(plan.mapping.defaults.get(key))

    def _reject_late(self, cursor: CursorWrapper) -> bool:
        """Move the rows that import_reject names from the stage to the error file, with a second look at the file."""
        cursor.execute(
            "SELECT DISTINCT ON (row_no) row_no, field, value, code, details FROM import_reject ORDER BY row_no, code"
        )
        found = {
            row_no: (name, value, code, json.loads(details) if details else {})  # Django hands jsonb over as text
            for row_no, name, value, code, details in cursor.fetchall()
        }
        if not found:
            return False
        posting.drop_rejected(cursor)
        self._errors.merge(self._late_rejections(found))
        return True

    def _late_rejections(self, found: dict[int, tuple]) -> Iterator[Rejection]:
        plan = self._prepared.plan
        for chunk in self._prepared.table.chunks():
            for number, row in zip(chunk.numbers, chunk.rows, strict=True):
                if number in found:
                    name, value, code, details = found[number]
                    at = plan.index.get(name)
                    header = plan.columns[at] if at is not None else name if name.startswith("_") else ""
                    yield Rejection(number, plan.original_cells(row), [Fault(header, value, code, details)])
