"""What can be done with imports. Command, web wizard and REST call these; each is one transaction.

    batch = create_batch(upload=file, user=user)                    draft, with the file kept
    facts = selectors.file_facts(batch)                             what was detected, a suggested mapping
    batch = set_options(batch=batch, options=ImportOptions(...))    mapping, currency, source as confirmed
    page  = selectors.preview(batch)                                20 rows as they will be posted
    found = check(batch=batch)                                      dry run: counts, reasons, example rows
    queue_batch(batch=batch)                                        draft → queued, wakes a worker
    commit_batch(batch_id=7)                                        the worker: queued → reading → posted | failed
    withdraw_batch(batch=batch, reason="…", user=user)              posted → withdrawn

A file on disk goes in one call through ``import_file``, rows of a request through ``post_rows``.
Refusals are ImportRefused with the next step in words; nothing of a refused or killed import is visible.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import File
from django.core.files.storage import default_storage
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.duplicates import like_new_ones
from accounts.enums import UNFINISHED_BATCH_STATES, BatchState
from accounts.imports import posting
from accounts.imports.errors_file import ErrorFile
from accounts.imports.importing import Import, Outcome
from accounts.imports.mapping import NAME_LENGTH, parse_mapping
from accounts.imports.options import ImportOptions, Prepared, prepare, prepared_table, refusing
from accounts.imports.profiles import PROFILES
from accounts.imports.progress import ProgressWriter
from accounts.imports.requests import request_mapping, request_table
from accounts.imports.results import ImportResult, RowsRejected
from accounts.imports.sniff import kept_suffix
from accounts.locks import LEASE_BATCH, lease, ledger_lock
from accounts.models import ImportBatch, SavedMapping, User
from accounts.signals import ledger_changed
from crm.lib.exceptions import CrmError, ImportRefused

logger = structlog.get_logger(__name__)
MAX_ATTEMPTS = 3
FILE_NAME_LENGTH = 200


class BatchStateError(CrmError):
    """The batch is not in a state that allows this."""

    code = "batch-state"
    status = 409


# --- One file on disk, in one call: the command ---


def import_file(
    *, path: Path, options: ImportOptions, user: User | None = None, dry_run: bool = False, file_name: str = ""
) -> ImportResult:
    """Read ``path`` and post it as one batch; the batch exists only if it was posted.

    With ``dry_run`` everything is rolled back and ``batch`` of the result is None; the error file is kept all the same.
    Raises ImportRefused.
    """
    started = time.monotonic()
    prepared = prepare(path, options)
    with _undoing_files() as files, transaction.atomic():
        batch = _new_batch(file_name=file_name or path.name, user=user, state=BatchState.READING)
        outcome = _run(prepared, batch=batch, files=files, dry_run=dry_run, started=started, shows_progress=False)
        alike = like_new_ones() if dry_run else []
        transaction.set_rollback(dry_run)
    result = ImportResult.of(outcome, batch=batch, file_name=batch.file_name)
    return result.as_dry_run(alike) if dry_run else result


# --- The wizard and REST: upload, confirm, check, commit ---


def create_batch(
    *, upload: BinaryIO | File, file_name: str, user: User | None, options: ImportOptions | None = None
) -> ImportBatch:
    """Keep an uploaded file as a draft. The file is looked at by the caller's next step, not here."""
    batch = _new_batch(file_name=file_name, user=user, state=BatchState.DRAFT)
    batch.options = (options or ImportOptions()).to_json()
    batch.upload.save(f"batch-{batch.pk}{kept_suffix(file_name)}", File(upload), save=False)
    batch.save()
    return batch


def set_options(*, batch: ImportBatch, options: ImportOptions) -> ImportBatch:
    """Keep what the wizard's user confirmed. Raises ImportRefused if the file cannot be read so, BatchStateError."""
    _require(batch, BatchState.DRAFT)
    prepared = prepare(upload_path(batch), options)
    batch.options = options.to_json()
    _describe(batch, prepared)
    batch.save(update_fields=["options", "mapping", "profile", "source", "currency"])
    return batch


def set_books(*, batch: ImportBatch, books: Mapping[str, int]) -> ImportBatch:
    """Keep which customers of the draft are booked on accounts that are there; it has to be checked again then."""
    return set_options(batch=batch, options=ImportOptions.from_json(batch.options).changed(books=dict(books)))


def check(*, batch: ImportBatch) -> ImportResult:
    """The dry run of a draft: counts, reasons and example rows; nothing stays but these, in ``batch.options``."""
    _require(batch, BatchState.DRAFT)
    started = time.monotonic()
    prepared = prepare(upload_path(batch), ImportOptions.from_json(batch.options))
    with transaction.atomic():
        outcome = _run(prepared, batch=batch, files=None, dry_run=True, started=started)
        alike = like_new_ones()
        transaction.set_rollback(True)
    result = ImportResult.of(outcome, batch=batch, file_name=batch.file_name)
    batch.refresh_from_db()
    batch.options["check"] = result.as_dry_run(alike).to_json() | {"examples": result.examples_json(), "alike": alike}
    batch.save(update_fields=["options"])
    return result


def queue_batch(*, batch: ImportBatch) -> bool:
    """draft → queued; whoever sends it twice gets False. The worker is woken after the commit, the tick is the net."""
    with transaction.atomic():
        changed = ImportBatch.objects.filter(pk=batch.pk, state=BatchState.DRAFT).update(
            state=BatchState.QUEUED, queued_at=timezone.now()
        )
        if changed:
            transaction.on_commit(lambda: wake_worker(batch.pk))
    batch.refresh_from_db()
    return bool(changed)


def wake_worker(batch_id: int) -> None:
    """Send the batch to a worker. A broker that is away is logged: the tick finds the batch in the database."""
    from accounts.tasks import import_batch_task

    try:
        import_batch_task.delay(batch_id)
    except Exception:
        logger.warning("import_not_sent", batch=batch_id, exc_info=True)


def commit_batch(*, batch_id: int) -> ImportBatch:
    """Read and post a queued batch; harmless for one that is posted, failed, or held by another worker.

    The lease is a session lock and dies with its holder: a batch left in "reading" by a killed worker is taken up
    again, at most MAX_ATTEMPTS times. Refusals end in the state "failed" with their sentence.
    """
    with lease(LEASE_BATCH, batch_id) as is_held:
        if not is_held or not _begin_attempt(batch_id):
            return ImportBatch.objects.get(pk=batch_id)
        batch = ImportBatch.objects.get(pk=batch_id)
        try:
            _post_batch(batch)
        except ImportRefused as refused:
            _fail(batch_id, str(refused))
        except Exception as error:
            logger.exception("import_failed", batch=batch_id, attempt=batch.attempts)
            if batch.attempts >= MAX_ATTEMPTS:
                _fail(batch_id, _in_words(error))
            raise
    return ImportBatch.objects.get(pk=batch_id)


def _in_words(error: Exception) -> str:
    if isinstance(error, SoftTimeLimitExceeded):
        return _("The import took longer than it may and was ended. Split the file into smaller ones.")
    return _("The import broke off with an internal error (%(kind)s).") % {"kind": type(error).__name__}


def _begin_attempt(batch_id: int) -> bool:
    """queued or left in reading → reading, counted. A batch past its attempts fails."""
    unfinished = ImportBatch.objects.filter(pk=batch_id, state__in=UNFINISHED_BATCH_STATES)
    if unfinished.filter(attempts__lt=MAX_ATTEMPTS).update(state=BatchState.READING, attempts=F("attempts") + 1):
        return True
    if unfinished.exists():
        _fail(batch_id, _("The import broke off %(count)s times and is not tried again.") % {"count": MAX_ATTEMPTS})
    return False


def _post_batch(batch: ImportBatch) -> None:
    started = time.monotonic()
    prepared = prepare(upload_path(batch), ImportOptions.from_json(batch.options))
    with _undoing_files() as files, transaction.atomic():
        _run(prepared, batch=batch, files=files, dry_run=False, started=started)


def _fail(batch_id: int, error: str) -> None:
    ImportBatch.objects.filter(pk=batch_id, state__in=UNFINISHED_BATCH_STATES).update(
        state=BatchState.FAILED, error=error
    )


def save_mapping(*, name: str, definition: dict[str, Any], user: User | None) -> SavedMapping:
    """Keep a mapping under a name; the same name again replaces it. Raises ImportRefused for one that cannot be used."""
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or name in PROFILES:
        raise ImportRefused(_("Give the mapping a name of its own, of at most 60 characters."), reason="bad_name")
    with refusing():
        mapping = parse_mapping({**definition, "name": name}, name=name)
    saved, _created = SavedMapping.objects.update_or_create(
        name=name,
        defaults={"definition": mapping.to_json()},
        create_defaults={"definition": mapping.to_json(), "created_by": user},
    )
    return saved


# --- Rows of a request ---


def post_rows(
    *, rows: Sequence[dict[str, Any]], user: User | None, source: str = "api", strict: bool = True, create: bool = True
) -> ImportResult:
    """Post rows given as dicts of fields (the names of mapping files) as one batch, by the rules of a file.

    ``strict``: any rejected row raises RowsRejected with every fault by row, and nothing is posted. Otherwise good rows
    are posted and the result carries the rejections. Row numbers count from 1. Raises ImportRefused.
    """
    started = time.monotonic()
    options = ImportOptions(source=source, create=create)
    with refusing():
        table = request_table(rows)
        prepared = prepared_table(table, request_mapping(table, name=source), options)
    with _undoing_files() as files, transaction.atomic():
        batch = _new_batch(file_name="", user=user, state=BatchState.READING)
        outcome = _run(
            prepared,
            batch=batch,
            files=files,
            dry_run=False,
            started=started,
            keep_rejections=True,
            shows_progress=False,
        )
        result = ImportResult.of(outcome, batch=batch, file_name="")
        if strict and result.rejected:
            raise RowsRejected(result.rejections)
    return result


# --- Undo ---


def withdraw_batch(*, batch: ImportBatch, reason: str, user: User | None) -> list[int]:
    """Take a posted batch out of the figures: one UPDATE, and the roll-up of the days it touched.

    Returns the numbers of the later batches that reported rows of this one as "already there": they must be imported
    again. Raises BatchStateError for a batch that is not posted, ImportRefused without a reason.
    """
    if not reason.strip():
        raise ImportRefused(_("Say why the batch is withdrawn."), reason="no_reason")
    with transaction.atomic(), connection.cursor() as cursor:
        ledger_lock()
        now = timezone.now()
        changed = ImportBatch.objects.filter(pk=batch.pk, state=BatchState.POSTED).update(
            state=BatchState.WITHDRAWN, withdrawn_at=now, withdrawn_by=user, withdrawn_reason=reason.strip()
        )
        if not changed:
            raise BatchStateError(_("Only a posted batch can be withdrawn."))
        if posting.withdraw(cursor, batch=batch.pk, at=now):
            ledger_changed.send(sender=ImportBatch, touched_table="import_touched", batch_id=batch.pk)
        posting.drop_temporary(cursor)
    batch.refresh_from_db()
    return dependent_batches(batch)


def dependent_batches(batch: ImportBatch) -> list[int]:
    """Later posted batches that reported rows of this one as "already there"."""
    later = ImportBatch.objects.filter(pk__gt=batch.pk, state=BatchState.POSTED, options__known__has_key=str(batch.pk))
    return list(later.order_by("pk").values_list("pk", flat=True))


# --- Parts ---


def upload_path(batch: ImportBatch) -> Path:
    """The kept file of a batch. Raises ImportRefused("file_gone")."""
    if not batch.upload or not default_storage.exists(batch.upload.name or ""):
        raise ImportRefused(_("The uploaded file is no longer there. Upload it again."), reason="file_gone")
    return Path(batch.upload.path)


def _new_batch(*, file_name: str, user: User | None, state: str) -> ImportBatch:
    name = file_name.replace("\0", "").encode("utf-8", "replace").decode()[-FILE_NAME_LENGTH:]
    return ImportBatch.objects.create(file_name=name, created_by=user, state=state)


def _require(batch: ImportBatch, state: str) -> None:
    if batch.state != state:
        raise BatchStateError(_("This batch is no draft any more."))


def _run(
    prepared: Prepared,
    *,
    batch: ImportBatch,
    files: "list[str] | None",
    dry_run: bool,
    started: float,
    keep_rejections: bool = False,
    shows_progress: bool = True,
) -> Outcome:
    """Post into ``batch`` and fill its row. ``files`` collects what is written to the storage; None writes nothing."""
    number = None if dry_run else batch.pk
    progress = ProgressWriter(batch.pk if shows_progress else None, total=prepared.table.rows_estimate)
    errors = ErrorFile(prepared.plan.columns, batch=number, marks=prepared.plan.marks, keep=keep_rejections)
    try:
        outcome = Import(prepared, batch_id=batch.pk, errors=errors, progress=progress).run()
        if files is not None and outcome.rejected:
            batch.error_file.name = _save_errors(errors, batch_id=number)
            files.append(batch.error_file.name)
    finally:
        errors.close()
    outcome.rejections = errors.kept
    outcome.seconds = time.monotonic() - started
    _describe(batch, prepared)
    _fill(batch, outcome, prepared)
    batch.save()
    return outcome


def _save_errors(errors: ErrorFile, *, batch_id: int | None) -> str:
    stamp = timezone.localtime()
    name = f"batch-{batch_id}-errors.csv" if batch_id else f"dry-run-{stamp:%d-%H%M%S}-errors.csv"
    name = default_storage.save(f"imports/{stamp:%Y/%m}/{name}", File(_blank_file()))
    with default_storage.open(name, "wb") as target:
        errors.write_to(target)
    return name


def _blank_file() -> BinaryIO:
    from io import BytesIO

    return BytesIO()


def _describe(batch: ImportBatch, prepared: Prepared) -> None:
    batch.profile, batch.source = prepared.profile, prepared.source
    batch.mapping, batch.currency = prepared.plan.mapping.to_json(), prepared.plan.currency


def _fill(batch: ImportBatch, outcome: Outcome, prepared: Prepared) -> None:
    batch.state, batch.posted_at, batch.error = BatchState.POSTED, timezone.now(), ""
    batch.read, batch.posted = outcome.read, outcome.posted
    batch.already_there, batch.rejected = outcome.already_there, outcome.rejected
    batch.reasons, batch.seconds = outcome.reasons, round(outcome.seconds, 3)
    batch.first_booked_on, batch.last_booked_on = outcome.first_booked_on, outcome.last_booked_on
    booked = {"books": prepared.options.books} if prepared.options.books else {}
    known = {str(number): count for number, count in outcome.known_batches.items()}
    batch.options = {
        **batch.options,
        **booked,
        "known": known,
        "new_accounts": outcome.new_accounts,
        "phases": outcome.phases,
    }


@contextmanager
def _undoing_files() -> Iterator[list[str]]:
    """Collects names of stored files, and deletes them if the block raises."""
    names: list[str] = []
    try:
        yield names
    except BaseException:
        for name in names:
            with suppress(OSError):
                default_storage.delete(name)
        raise
