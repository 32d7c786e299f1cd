"""The nightly chain; the order of its stages is written here and nowhere else.

roll-up (a check, rebuilt only if it differs) → figures → products → indicators → scores → grades → publish → promises

Everything before the publish writes where no reader looks, and the publish is one transaction: a night that is killed
anywhere leaves the one before in view, and the next try starts over and completes. The lease is a session-level
advisory lock, free the moment its holder dies.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import structlog
from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.groups import apply_memberships
from accounts.locks import LEASE_RUN, lease
from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import ttm
from crm.lib.snapshot import one_snapshot
from metrics import product_days, rollup
from metrics.frames_products import are_products_kept, product_counts, products_as_of
from metrics.product_rollup import write_account_products
from metrics.scope import scope_of
from metrics.selectors import default_as_of, last_booked_on
from metrics.services.association import is_rule_book_kept, rule_book
from metrics.services.cohorts import are_cohorts_kept, cohorts
from metrics.services.decline_backtest import decline_backtest, is_decline_backtest_kept
from metrics.services.figures import write_account_figures
from metrics.services.lifetime_backtest import is_lifetime_backtest_kept, lifetime_backtest
from metrics.services.patterns import is_usual_kept, patterns
from metrics.services.suggestions import is_product_model_kept, product_model
from metrics.services.summary import is_summary_kept, portfolio_summary
from metrics.services.whitespace import is_whitespace_kept, whitespace
from plans.services_measure import is_measured, measure_all
from plans.services_tasks import settle_all
from plans.services_work import open_remediations
from tiering import evaluation, publishing, quarantine, standing
from tiering.enums import UNFINISHED_RUN_STATES, ModelState, RunState, RunTrigger
from tiering.models import ScoringModel, TierRun
from tiering.services import check_model, ensure_model
from tiering.services_overrides import with_people

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
ANY_NIGHT = 0  # one lease for all nights: each starts from the state the one before left


class NightUnderWay(CrmError):
    """Another process holds the lease."""

    code = "night-under-way"
    status = 409


class NightNotAsked(CrmError):
    """A message for a night that is done, or not the next in order."""

    code = "night-not-asked"
    status = 409


class NoActiveModel(CrmError):
    """Nothing says how to grade, and none may be made."""

    code = "no-active-model"
    status = 409


@dataclass(slots=True)
class Phases:
    """Times and counts of the stages, saved to the run as they end so that a page can show progress."""

    run: TierRun

    @contextmanager
    def phase(self, name: str) -> Iterator[dict[str, Any]]:
        counts: dict[str, Any] = {}
        started = time.perf_counter()
        yield counts
        self.run.phases.append({"name": name, "seconds": round(time.perf_counter() - started, 4), **counts})
        self.run.save(update_fields=["phases"])


def run_night(
    *,
    as_of: date,
    trigger: str,
    requested_by: User | None = None,
    replay: bool = False,
    make_model: bool = True,
    only_asked: bool = False,
) -> TierRun:
    """Grade every account as of one day and publish it; the same day again gives the same rows and replaces them.

    only_asked : do it only where the day's row is the next unfinished one; a message may come late, or twice
    raises NightNotAsked : there is no such row
    raises NightUnderWay : another process is at it
    raises AsOfRefused : a day before the last published one, unless ``replay`` fills history before the first run
    raises NothingToGrade : no model is active and the ledger gives none; the run is listed as failed
    raises NoActiveModel : no model is active and ``make_model`` is off
    Any other error is kept on the run, which is tried again up to MAX_ATTEMPTS times.
    """
    if not make_model and not ScoringModel.objects.filter(state=ModelState.ACTIVE).exists():
        raise NoActiveModel(_("No scoring model is active. Make one with create_model --activate."))
    today = timezone.localdate()
    with lease(LEASE_RUN, ANY_NIGHT) as is_held:
        if not is_held:
            raise NightUnderWay(_("Another run is under way. Wait until it has finished."))
        if only_asked and as_of != _next_asked():
            raise NightNotAsked(_("This night is done, or another one comes first."))
        if publishing.check_as_of(as_of, replay=replay, today=today):
            trigger = RunTrigger.REPLAY
        run = _claim(as_of=as_of, trigger=trigger, requested_by=requested_by)
        try:
            _run_stages(run, today=today)
        except CrmError as refused:
            _end(run, state=RunState.FAILED, error=str(refused))
            raise
        except Exception as error:
            logger.exception("night_failed", run=run.pk, as_of=str(as_of), attempt=run.attempts)
            if connection.is_usable():  # else the lease is gone with it, and another worker may hold the run by now
                again = RunState.DUE if run.attempts < MAX_ATTEMPTS else RunState.FAILED
                _end(run, state=again, error=_in_words(error))
            raise
        _end(run, state=RunState.PUBLISHED, error="")
        if run.trigger != RunTrigger.REPLAY:
            _follow_up(run)
    return run


def _run_stages(run: TierRun, *, today: date) -> None:
    phases = Phases(run)
    apply_memberships()
    with phases.phase("roll_up") as counts:
        counts["rebuilt_rows"] = 0 if rollup.is_current() else rollup.rebuild()
        counts["rebuilt_rows"] += 0 if product_days.is_current() else product_days.rebuild()
    run.model, is_new = ensure_model(as_of=run.as_of)
    run.save(update_fields=["model"])
    if is_new:
        logger.info("model_made", model=str(run.model), as_of=str(run.as_of))
    check_model(run.model)
    if run.trigger != RunTrigger.REPLAY:  # pages show the figures of the newest night
        with phases.phase("figures") as counts:
            counts["accounts"] = write_account_figures(run.as_of).accounts
        with phases.phase("products") as counts:
            counts["rows"] = write_account_products(run.as_of)
    design = run.model.design()
    with phases.phase("indicators") as counts, one_snapshot():
        night = standing.begin(run.model, design, as_of=run.as_of, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
        before = with_people(night.before, ids=night.measured.ids, as_of=run.as_of)
        faults = quarantine.find(night.measured)
        measured = quarantine.without(night.measured, faults)
        counts["accounts"], counts["set_apart"] = len(measured.ids), len(faults)
        counts["recounted"] = night.recounted
    quarantine.record(run, measured, faults)
    with phases.phase("scores"):
        composed = evaluation.score(measured, design=design)
    with phases.phase("grades") as counts:
        evaluated = evaluation.grade(measured, composed, design=design, before=before, layout=run.model.raw_layout)
        evaluated = quarantine.keep_grades(evaluated, faults, before=before, day=run.as_of, rules=design.rules())
        publishing.stage(run, evaluated, part=night.part)
        counts["moves"] = run.moves
    with phases.phase("publish") as counts:
        left = standing.Next(run, measured, before, evaluated, night.chosen, faults.mask, design.rules())
        # A replay fills in the past; the next night goes on from the newest one.
        keep = None if run.trigger == RunTrigger.REPLAY else partial(standing.keep, left)
        counts["periods"] = publishing.publish(run, evaluated, today=today, part=night.part, along=keep)


def _follow_up(run: TierRun) -> None:
    """What new grades bring along: plans for problem accounts, and promises measured anew. The night stands whatever
    comes of it; the tick measures again."""
    try:
        with Phases(run).phase("promises") as counts:
            counts["plans"] = open_remediations(as_of=run.as_of)
            counts["tasks"] = settle_all(today=timezone.localdate())["opened"]
            counts["accounts"] = measure_all()
    except Exception:
        logger.exception("promises_not_measured", run=run.pk, as_of=str(run.as_of))


def follow_up_if_left_undone() -> None:
    """What the last night was to bring along, where it was ended before it came to that."""
    last = publishing.last_published()
    if last is None or last.trigger == RunTrigger.REPLAY or any(part["name"] == "promises" for part in last.phases):
        return
    with lease(LEASE_RUN, ANY_NIGHT) as is_held:
        if is_held:
            if last.finished_at is None:
                _end(last, state=RunState.PUBLISHED, error="")
            _follow_up(last)


def _claim(*, as_of: date, trigger: str, requested_by: User | None) -> TierRun:
    """The run row of this day: one that was asked for or left unfinished, else a new one; counted as an attempt."""
    run = TierRun.objects.filter(as_of=as_of, state__in=UNFINISHED_RUN_STATES).first()
    if run is None:
        run = TierRun(as_of=as_of, trigger=trigger, requested_by=requested_by)
    elif trigger == RunTrigger.REPLAY:
        run.trigger = trigger
    run.state = RunState.COMPUTING
    run.attempts += 1
    run.started_at, run.finished_at, run.error, run.phases = timezone.now(), None, "", []
    run.save()
    return run


def _next_asked() -> date | None:
    """The earliest day that is asked for or left unfinished."""
    unfinished = TierRun.objects.filter(state__in=UNFINISHED_RUN_STATES).order_by("as_of")
    return unfinished.values_list("as_of", flat=True).first()


def _in_words(error: Exception) -> str:
    if isinstance(error, SoftTimeLimitExceeded):
        minutes = settings.NIGHT_LIMITS["soft_time_limit"] // 60
        return _(
            "The run was ended after %(minutes)d minutes, so that it does not hold up the others. Look for what slows"
            " the database down, then grade again."
        ) % {"minutes": minutes}
    return f"{type(error).__name__}: {error}"


def _end(run: TierRun, *, state: str, error: str) -> None:
    run.state, run.error, run.finished_at = state, error, timezone.now()
    run.save(update_fields=["state", "error", "finished_at"])


# --- What pages show of every account, computed before somebody asks ---


@dataclass(frozen=True, slots=True)
class Prepared:
    """An answer over every account that takes longer than a page may, with the look-ups that say whether it is kept."""

    is_kept: Callable[[], bool]
    compute: Callable[[], object]


def ready_pages() -> None:
    """Compute what pages show of the whole portfolio, as far as it is not kept for the ledger as it stands.

    An answer that cannot be had is logged; its page says so itself, and the others are made ready all the same.
    """
    for one in _prepared():
        try:
            with transaction.atomic():
                one.compute()
        except OperationalError:
            raise
        except Exception:
            logger.exception("page_not_ready", answer=str(getattr(one.compute, "func", one.compute)))


def are_pages_ready() -> bool:
    """Nothing to compute: every answer is kept, or the ledger is empty. A few look-ups each."""
    return last_booked_on() is None or all(one.is_kept() for one in _prepared())


def _prepared() -> list[Prepared]:
    """The summary of the dashboard, the cohorts, the tests against our own past, and what the night's sums of products teach."""
    accounts, view = Account.objects.all(), _usual_view()
    as_of, everything = view["as_of"], scope_of(accounts)
    found = [
        Prepared(partial(is_summary_kept, **view), partial(portfolio_summary, accounts, **view)),
        Prepared(partial(is_usual_kept, accounts), partial(patterns, accounts)),
        Prepared(partial(are_cohorts_kept, as_of=as_of), partial(cohorts, accounts, as_of=as_of)),
        Prepared(partial(is_decline_backtest_kept, as_of=as_of), partial(decline_backtest, as_of=as_of)),
        Prepared(partial(is_lifetime_backtest_kept, as_of=as_of), partial(lifetime_backtest, accounts, as_of=as_of)),
        Prepared(is_measured, measure_all),
    ]
    day = products_as_of()
    if day is not None:
        found += [
            Prepared(partial(are_products_kept, everything), partial(product_counts, everything)),
            Prepared(partial(is_whitespace_kept, everything, day), partial(whitespace, accounts)),
            Prepared(partial(is_product_model_kept, everything, day), partial(product_model, everything, day)),
            Prepared(partial(is_rule_book_kept, everything, day), partial(rule_book, everything, day)),
        ]
    return found


def _usual_view() -> dict[str, Any]:
    """What the dashboard opens with: the rolling year against the one before."""
    as_of = default_as_of()
    year = ttm(as_of)
    return {"base": year.shift_years(-1), "comparison": year, "as_of": as_of}
