"""A run's results: staged beside the published ones, then published in one short transaction (domain.md 3.8).

Readers follow the published runs, so until the last commit they see the night before. Only rows that change are
written: a repeat of the same night writes new score rows and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models import Min
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.locks import ledger_lock
from crm.lib.exceptions import CrmError
from tiering.enums import RunState, RunTrigger
from tiering.evaluation import GRADES, Evaluation
from tiering.grading import Flag
from tiering.grouping import Ints
from tiering.models import TierRun
from tiering.staging import Column, Shared, binary_rows, copy_in

COMPOSITE_DECIMALS = 1  # of the account's own column, which lists show; the score row keeps every digit
SCORE_COLUMNS = (
    "run_id", "account_id", "base_id", "valid_from", "grade", "ladder", "previous_grade", "composite", "evidence", "flags",
    "raw", "contributions",
)  # fmt: skip
RUN_COLUMNS = ("counts", "matrix", "moves", "accounts", "last_record_id", "state", "base")
VERDICT_COLUMNS = ("account_id", "grade", "underlying", "composite", "is_watched", "may_move")


@dataclass(frozen=True, slots=True)
class Part:
    """What a night goes on from that grades some accounts anew: the run before it, and the rows that stand no longer.

    account_ids : of those graded anew and those that are gone, as far as they had a row; row_runs : the runs that wrote
    these rows; shown : number in GRADES
    """

    earlier: TierRun
    account_ids: Ints
    row_runs: Ints
    shown: Ints


class AsOfRefused(CrmError):
    """A day that cannot be graded any more, or not yet."""

    code = "as-of-refused"
    status = 409


def check_as_of(as_of: date, *, replay: bool, today: date) -> bool:
    """Whether a run of ``as_of`` fills history before the first run (a replay); raises AsOfRefused for a wrong day.

    Days go forward: the last published one may be repeated. With ``replay`` month-ends before the first own run may
    be filled in, ascending.
    """
    if as_of > today:
        raise AsOfRefused(_("%(day)s is not over yet. Choose an earlier day.") % {"day": as_of})
    last = last_published()
    if last is None or as_of >= last.as_of:
        return False
    published = TierRun.objects.filter(state=RunState.PUBLISHED)
    first_own = published.exclude(trigger=RunTrigger.REPLAY).aggregate(first=Min("as_of"))["first"]
    if not replay or first_own is None or as_of >= first_own:
        raise AsOfRefused(
            _(
                "Grades are published until %(last)s; an earlier day would rewrite history. Choose that day or a later one."
            )
            % {"last": last.as_of}
        )
    newest = published.filter(trigger=RunTrigger.REPLAY).order_by("-as_of").values_list("as_of", flat=True).first()
    if newest is not None and as_of < newest:
        raise AsOfRefused(
            _("History is filled until %(newest)s; go on with that day or a later one.") % {"newest": newest}
        )
    return True


def last_published() -> TierRun | None:
    return TierRun.objects.filter(state=RunState.PUBLISHED).order_by("-as_of").first()


def run_before(as_of: date) -> TierRun | None:
    """The published run a night of ``as_of`` starts from; its own former result does not count."""
    return TierRun.objects.filter(state=RunState.PUBLISHED, as_of__lt=as_of).order_by("-as_of").first()


@transaction.atomic
def stage(run: TierRun, evaluation: Evaluation, *, part: Part | None = None) -> None:
    """Write the score rows of an unpublished run anew and make it ready; nobody reads them yet.

    part : ``evaluation`` is of some accounts; the rows of the others stand on
    """
    run.base = part.earlier.base if part else run
    with connection.cursor() as cursor:
        _drop_unread(cursor)
        copy_in(cursor, "tiering_score", SCORE_COLUMNS, _pieces(run, evaluation))
    run.counts = evaluation.counts()
    matrix = evaluation.matrix()
    run.matrix = [list(row) for row in matrix]
    run.moves = sum(accounts for _before, _now, accounts in matrix)
    run.accounts = len(evaluation.ids)
    if part:
        run.accounts += part.earlier.accounts - len(part.account_ids)
        were = np.bincount(part.shown, minlength=len(GRADES))
        run.counts = {
            code: part.earlier.counts.get(code, 0) - int(were[GRADES.index(code)]) + count
            for code, count in run.counts.items()
        }
    run.last_record_id = evaluation.last_record_id
    run.state = RunState.READY
    run.save(update_fields=RUN_COLUMNS)


def publish(
    run: TierRun,
    evaluation: Evaluation,
    *,
    today: date,
    part: Part | None = None,
    along: Callable[[], None] | None = None,
) -> int:
    """Make a ready run the one readers see; returns how many grade periods it opened.

    One transaction under the lock that posting shares; ``evaluation`` and ``part`` are those that were staged. Raises
    AsOfRefused where another run has gone further since.
    along : what else is written in that transaction
    """
    with transaction.atomic():
        ledger_lock()
        locked = TierRun.objects.select_for_update().get(pk=run.pk)
        if locked.state != RunState.READY:
            raise AsOfRefused(_("This run has no results to publish. Start it again."))
        is_replay = check_as_of(locked.as_of, replay=locked.trigger == RunTrigger.REPLAY, today=today)
        last = last_published()
        is_new_day = last is None or locked.as_of > last.as_of
        if part is not None and (last is None or last.pk != part.earlier.pk):
            raise AsOfRefused(_("Another night was published meanwhile. Start this one again."))
        TierRun.objects.filter(as_of=locked.as_of, state=RunState.PUBLISHED).update(state=RunState.SUPERSEDED)
        with connection.cursor() as cursor:
            if part is not None:
                cursor.execute(
                    END_ROWS, [locked.as_of, locked.base_id, part.account_ids.tolist(), part.row_runs.tolist()]
                )
            _land_verdicts(cursor, evaluation, only_changed=is_new_day)
            opened = _write_periods(cursor, locked)
            _write_accounts(cursor, locked, only_since=is_replay)
            cursor.execute("DROP TABLE verdict, grade_change, grade_since")  # the caller's transaction may go on
        if along is not None:
            along()
        locked.state = RunState.PUBLISHED
        locked.published_at = timezone.now()
        locked.save(update_fields=["state", "published_at"])
    run.state, run.published_at = locked.state, locked.published_at
    return opened


END_ROWS = """
UPDATE tiering_score s SET valid_to = %s FROM (
    SELECT %s::bigint AS base_id, unnest(%s::bigint[]) AS account_id, unnest(%s::bigint[]) AS run_id
) AS was WHERE (s.base_id, s.account_id, s.run_id) = (was.base_id, was.account_id, was.run_id)
"""


def _pieces(run: TierRun, evaluation: Evaluation) -> list[bytes]:
    """Rows laid out for COPY, one piece for each combination of texts and of known or unknown composite."""
    size = len(GRADES)
    unknown = np.isnan(evaluation.composite)
    keys = ((evaluation.shown * size + evaluation.ladder) * size + evaluation.before) * 2 + unknown
    pieces = []
    for key in np.unique(keys).tolist():
        here = np.flatnonzero(keys == key)
        texts, is_unknown = divmod(key, 2)
        columns: dict[str, Column] = {
            "run_id": np.full(len(here), run.pk, dtype=np.int64),
            "account_id": evaluation.ids[here],
            "base_id": np.full(len(here), run.base_id, dtype=np.int64),
            "valid_from": np.full(len(here), run.as_of, dtype="datetime64[D]"),
            "grade": Shared(GRADES[texts // size**2]),
            "ladder": Shared(GRADES[texts // size % size]),
            "previous_grade": Shared(GRADES[texts % size]),
            "composite": Shared(None) if is_unknown else evaluation.composite[here],
            "evidence": evaluation.evidence[here],
            "flags": evaluation.flags[here],
            "raw": evaluation.raw[here],
            "contributions": evaluation.contributions[here],
        }
        pieces.append(binary_rows(columns))
    return pieces


def _drop_unread(cursor: CursorWrapper) -> None:
    """Score rows that no published run owns: of replaced, failed and broken-off runs."""
    unread = TierRun.objects.exclude(state=RunState.PUBLISHED).exclude(base=None)
    found = dict(unread.values_list("pk", "base_id"))
    cursor.execute(
        "DELETE FROM tiering_score WHERE base_id = ANY(%s) AND run_id = ANY(%s)", [list(found.values()), list(found)]
    )
    unread.update(base=None)


VERDICT = """
CREATE TEMP TABLE verdict (
    account_id bigint, grade varchar(10), underlying varchar(10), composite float8, is_watched bigint, may_move bigint
) ON COMMIT DROP
"""


def _land_verdicts(cursor: CursorWrapper, evaluation: Evaluation, *, only_changed: bool) -> None:
    """What the accounts are to say, in a temporary table.

    only_changed : on a new day the accounts say what the day before left, so only those that say otherwise matter, and
    history moves only where the grade does; when a day is repeated or filled in, every account is looked at.
    """
    shown, underlying = evaluation.shown, evaluation.underlying
    composite = np.round(evaluation.composite, COMPOSITE_DECIMALS)
    watched = (evaluation.flags & Flag.WATCH) != 0
    moves = np.ones(len(shown), dtype=bool)
    differs = moves
    if only_changed and evaluation.standing is not None:
        now = evaluation.standing
        moves = ~now.is_graded | (now.shown != shown) | (now.underlying != underlying)
        same_composite = (now.composite == composite) | (np.isnan(now.composite) & np.isnan(composite))
        differs = moves | ~same_composite | (now.is_watched != watched)
    size = len(GRADES)
    keys = (shown * size + underlying) * 2 + np.isnan(composite)
    pieces = []
    for key in np.unique(keys[differs]).tolist():
        here = np.flatnonzero(differs & (keys == key))
        columns: dict[str, Column] = {
            "account_id": evaluation.ids[here],
            "grade": Shared(GRADES[key // 2 // size]),
            "underlying": Shared(GRADES[key // 2 % size]),
            "composite": Shared(None) if key % 2 else composite[here],
            "is_watched": watched[here].astype(np.int64),
            "may_move": moves[here].astype(np.int64),
        }
        pieces.append(binary_rows(columns))
    cursor.execute(VERDICT)
    copy_in(cursor, "verdict", VERDICT_COLUMNS, pieces)
    cursor.execute("ANALYZE verdict")


# What the history of each account must say, against what it says. ``base`` held on the day before, ``today`` begins on
# the day itself and can only come from a run that is being replaced.
WANTED = """
CREATE TEMP TABLE grade_change ON COMMIT DROP AS
SELECT s.account_id, s.grade, s.underlying, base.id AS base_id, base.valid_to AS base_to, today.id AS today_id,
       (base.grade, base.underlying) IS NOT DISTINCT FROM (s.grade, s.underlying) AS continues,
       (SELECT min(later.valid_from) FROM tiering_gradeperiod later
        WHERE later.account_id = s.account_id AND later.valid_from > %(as_of)s) AS next_from
FROM verdict s
JOIN accounts_account a ON a.id = s.account_id
LEFT JOIN tiering_gradeperiod base ON base.account_id = s.account_id AND base.valid_from < %(as_of)s
    AND (base.valid_to IS NULL OR base.valid_to >= %(as_of)s)
LEFT JOIN tiering_gradeperiod today ON today.account_id = s.account_id AND today.valid_from = %(as_of)s
WHERE s.may_move = 1 AND
      CASE WHEN (base.grade, base.underlying) IS NOT DISTINCT FROM (s.grade, s.underlying)
           THEN today.id IS NOT NULL OR base.valid_to = %(as_of)s
           ELSE (today.grade, today.underlying) IS DISTINCT FROM (s.grade, s.underlying) END
"""
CLEAR_TODAY = "DELETE FROM tiering_gradeperiod p USING grade_change c WHERE p.id = c.today_id"
CLOSE_BASE = """
UPDATE tiering_gradeperiod p SET valid_to = CASE WHEN c.continues THEN c.next_from ELSE %(as_of)s END
FROM grade_change c WHERE p.id = c.base_id
AND p.valid_to IS DISTINCT FROM CASE WHEN c.continues THEN c.next_from ELSE %(as_of)s END
"""
OPEN = """
INSERT INTO tiering_gradeperiod (account_id, grade, underlying, valid_from, valid_to, run_id)
SELECT account_id, grade, underlying, %(as_of)s, next_from, %(run)s FROM grade_change WHERE NOT continues
ORDER BY account_id
"""


def _write_periods(cursor: CursorWrapper, run: TierRun) -> int:
    """Bring the history to the run's grades; periods that stay are not touched."""
    params: dict[str, int | date] = {"run": run.pk, "as_of": run.as_of}
    cursor.execute(WANTED, params)
    cursor.execute("ANALYZE grade_change")
    cursor.execute(CLEAR_TODAY)
    cursor.execute(CLOSE_BASE, params)
    cursor.execute(OPEN, params)
    return int(cursor.rowcount)


# Since when the account has shown its grade without a break: the start of the last island of equal grades.
SINCE = """
CREATE TEMP TABLE grade_since ON COMMIT DROP AS
SELECT account_id, max(valid_from) FILTER (WHERE is_start) AS since
FROM (SELECT p.account_id, p.valid_from,
             (lag(p.grade) OVER w, lag(p.valid_to) OVER w) IS DISTINCT FROM (p.grade, p.valid_from) AS is_start
      FROM tiering_gradeperiod p WHERE p.account_id IN (SELECT account_id FROM grade_change)
      WINDOW w AS (PARTITION BY p.account_id ORDER BY p.valid_from)) islands
GROUP BY account_id
"""
ONLY_SINCE = """
UPDATE accounts_account a SET grade_since = c.since FROM grade_since c
WHERE c.account_id = a.id AND a.grade_since IS DISTINCT FROM c.since
"""
ALL_COLUMNS = """
UPDATE accounts_account a
SET grade = s.grade, underlying_grade = s.underlying, composite = s.composite, is_watched = s.is_watched = 1,
    grade_since = CASE WHEN c.account_id IS NULL THEN a.grade_since ELSE c.since END, graded_as_of = %(as_of)s
FROM verdict s LEFT JOIN grade_since c ON c.account_id = s.account_id
WHERE s.account_id = a.id AND (c.account_id IS NOT NULL OR
    (a.grade, a.underlying_grade, a.composite, a.is_watched) IS DISTINCT FROM
    (s.grade, s.underlying, s.composite, s.is_watched = 1))
"""


def _write_accounts(cursor: CursorWrapper, run: TierRun, *, only_since: bool) -> None:
    """The account's own columns, where they change; a replay of the past can only lengthen "since"."""
    cursor.execute(SINCE)
    if only_since:
        cursor.execute(ONLY_SINCE)
        return
    cursor.execute(ALL_COLUMNS, {"as_of": run.as_of})
