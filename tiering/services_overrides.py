"""Grades set by hand and decisions on proposed problems: asked for by one person, decided by others."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.enums import Grade
from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from metrics.binary import Kind, as_sql, fetch
from tiering.enums import HELD_OVERRIDES, OverrideReason, OverrideState, ProblemVerdict
from tiering.evaluation import USING, Before
from tiering.facts import grade_number
from tiering.grading import Flag, Ranks
from tiering.grouping import Ints
from tiering.models import Override, ProblemDecision, Score
from tiering.selectors import score_of
from tiering.stability import SHOWN_RANKS, STATE, Decisions

LONGEST_MONTHS = 12  # domain.md 3.8
REMIND_DAYS = 30
SINCE = STATE.index("signal_since")
SINCE_DAY = "since - date '1970-01-01'"


class OverrideRefused(CrmError):
    """A request, an approval or an end that the rules do not allow."""

    code = "override-refused"
    status = 409


class DecisionRefused(CrmError):
    """A decision on a problem that is not proposed (any more), or without a reason."""

    code = "decision-refused"
    status = 409


@transaction.atomic
def request_override(
    *, account: Account, grade: str, reason: str, text: str, valid_from: date, valid_to: date, requested_by: User
) -> Override:
    """Ask for a grade from one day to another (half-open, 12 months at most); nothing changes until it is approved.

    A freeze takes the grade the account shows now. Raises OverrideRefused.
    """
    if reason == OverrideReason.FREEZE:
        grade = account.grade
    if grade not in Grade.values or grade == Grade.NOT_GRADED:
        raise OverrideRefused(_("Choose one of the six grades."))
    if not text.strip():
        raise OverrideRefused(_("Say why: whoever approves it reads this."))
    if valid_to <= valid_from:
        raise OverrideRefused(_("The override ends before it begins. Choose a later last day."))
    if valid_to > add_months(valid_from, LONGEST_MONTHS):
        raise OverrideRefused(_("An override holds for 12 months at most. Choose an earlier last day."))
    if Override.objects.filter(account=account, state=OverrideState.REQUESTED).exists():
        raise OverrideRefused(_("A request for this account waits already. Decide on it first."))
    return Override.objects.create(
        account=account,
        grade=grade,
        reason=reason,
        text=text.strip(),
        valid_from=valid_from,
        valid_to=valid_to,
        requested_by=requested_by,
    )


@transaction.atomic
def approve_override(*, override: Override, approved_by: User) -> Override:
    """One approval: by somebody else than who asked; a Diamond needs two people. The last one puts it in force.

    Raises OverrideRefused.
    """
    locked = _waiting(override)
    if approved_by.pk == locked.requested_by_id:
        raise OverrideRefused(_("You asked for this override, so somebody else has to approve it."))
    now = timezone.now()
    if locked.approved_by_id is None:
        locked.approved_by, locked.approved_at = approved_by, now
    elif approved_by.pk == locked.approved_by_id:
        raise OverrideRefused(_("You have approved it already; a Diamond needs a second person."))
    else:
        locked.seconded_by, locked.seconded_at = approved_by, now
    if locked.grade != Grade.DIAMOND or locked.seconded_by_id is not None:
        locked.state = OverrideState.APPROVED
    try:
        with transaction.atomic():
            locked.save()
    except IntegrityError as error:
        if "override_no_overlap" not in str(error):
            raise
        raise OverrideRefused(_("Another override holds in that time. End it first.")) from error
    return locked


@transaction.atomic
def refuse_override(*, override: Override, by: User, text: str) -> Override:
    """Turn a request down; who asked for it withdraws it this way."""
    locked = _waiting(override)
    if not text.strip():
        raise OverrideRefused(_("Say why."))
    locked.state = OverrideState.WITHDRAWN if by.pk == locked.requested_by_id else OverrideState.REFUSED
    return _closed(locked, by=by, text=text)


@transaction.atomic
def end_override(*, override: Override, by: User, text: str, on: date) -> Override:
    """End an override in force before its last day: from ``on`` the computed grade is shown again."""
    locked = Override.objects.select_for_update().get(pk=override.pk)
    if locked.state != OverrideState.APPROVED or not on < locked.valid_to:
        raise OverrideRefused(_("This override does not hold any more."))
    if not text.strip():
        raise OverrideRefused(_("Say why."))
    locked.state, locked.valid_to = OverrideState.ENDED, max(on, locked.valid_from)
    return _closed(locked, by=by, text=text)


@transaction.atomic
def decide_problem(*, account: Account, verdict: str, text: str, decided_by: User) -> ProblemDecision:
    """Confirm or refuse the problem that the last night proposed; the next evaluation acts on it.

    Confirmed, the account is a problem from then on; refused, its warning signs have to hold for the whole span again.
    Raises DecisionRefused where no problem is proposed, or somebody has decided already.
    """
    since = proposed_since(score_of(account))
    if since is None:
        raise DecisionRefused(_("No problem is proposed for this account. Look at its last night."))
    if not text.strip():
        raise DecisionRefused(_("Say why."))
    made, is_new = ProblemDecision.objects.get_or_create(
        account=account,
        since=since,
        defaults={"verdict": ProblemVerdict(verdict), "text": text.strip(), "decided_by": decided_by},
    )
    if not is_new:
        raise DecisionRefused(_("%(user)s has decided already.") % {"user": made.decided_by})
    return made


def proposed_since(score: Score | None) -> date | None:
    """First day of the run of warning points behind a proposed problem; None where none is proposed."""
    if score is None or score.run.model is None or not score.has_flag(Flag.PROPOSED):
        return None
    day = score.raw[len(score.run.model.raw_layout) + SINCE]
    return date(1970, 1, 1) + timedelta(days=int(day))


def with_people(before: Before, *, ids: Ints, as_of: date) -> Before:
    """``before`` with what people said: overrides in force on the day, decisions on the runs that are on; two queries."""
    return Before(before.state, before.shown, _decisions(before, ids), _overrides(ids, as_of=as_of))


def _overrides(ids: Ints, *, as_of: date) -> Ranks:
    columns: dict[str, Kind] = {"account_id": "int8", "grade": "int4"}
    sql = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql(grade_number('grade'), 'int4')} FROM tiering_override"
        " WHERE state = ANY(%s) AND valid_from <= %s AND valid_to > %s"
    )
    held = sorted(HELD_OVERRIDES)
    rows = fetch(sql, [held, as_of, as_of], columns, using=USING)
    found, here = np.zeros(len(ids), dtype=np.int8), np.isin(rows["account_id"], ids)
    found[np.searchsorted(ids, rows["account_id"][here])] = SHOWN_RANKS[rows["grade"][here]]
    return found


def _decisions(before: Before, ids: Ints) -> Decisions:
    columns: dict[str, Kind] = {"account_id": "int8", "since": "int4", "is_confirmed": "int4"}
    sql = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql(SINCE_DAY, 'int4')},"
        f" {as_sql('(verdict = %s)::int', 'int4')} FROM tiering_problemdecision"
    )
    rows = fetch(sql, [ProblemVerdict.CONFIRM], columns, using=USING)
    here = np.isin(rows["account_id"], ids)
    rows = {name: values[here] for name, values in rows.items()}
    found, places = Decisions.none(len(ids)), np.searchsorted(ids, rows["account_id"])
    is_about = before.state.signal_since[places] == rows["since"]  # decisions on runs that are over stay history
    for into, holds in ((found.confirmed, rows["is_confirmed"] > 0), (found.refused, rows["is_confirmed"] == 0)):
        into[places[is_about & holds]] = rows["since"][is_about & holds]
    return found


def _waiting(override: Override) -> Override:
    locked = Override.objects.select_for_update().get(pk=override.pk)
    if locked.state != OverrideState.REQUESTED:
        raise OverrideRefused(_("This request has been decided already."))
    return locked


def _closed(override: Override, *, by: User, text: str) -> Override:
    override.closed_by, override.closed_at, override.closing_text = by, timezone.now(), text.strip()
    override.save()
    return override
