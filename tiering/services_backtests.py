"""Backtests as work for a worker: asked for in a row, done under a lease, found again by the tick where it broke off."""

from __future__ import annotations

from datetime import date

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.locks import LEASE_BACKTEST, is_leased, lease
from accounts.models import User
from crm.lib.exceptions import CrmError
from metrics.selectors import data_start, default_as_of
from tiering.backtest import backtest, month_ends, summary
from tiering.enums import UNFINISHED_BACKTEST_STATES, BacktestState, ModelState
from tiering.models import BacktestRun, ScoringModel
from tiering.services import activation_problems

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 3
FEWEST_DAYS, MOST_DAYS = 2, 120  # month-ends: two make one move possible; ten years take a worker some minutes


class BacktestRefused(CrmError):
    """A replay that cannot be done: the version, or the months."""

    code = "backtest-refused"
    status = 422


def backtest_range() -> tuple[date, date] | None:
    """First and last month-end that the ledger covers; None while it covers fewer than two."""
    start = data_start()
    days = month_ends(start, default_as_of()) if start else []
    return (days[0], days[-1]) if len(days) >= FEWEST_DAYS else None


@transaction.atomic
def request_backtest(*, model: ScoringModel, first: date, last: date, requested_by: User | None) -> BacktestRun:
    """A backtest of ``model`` over the month-ends from ``first`` to ``last``, for a worker to do.

    The same one that is not done yet is given again. Raises BacktestRefused for a retired version, one that could not be
    activated, and months that are too few, too many or outside the ledger.
    """
    if model.state == ModelState.RETIRED:
        raise BacktestRefused(_("This version is retired. Choose the active one or a draft."))
    problems = activation_problems(model)
    if problems:
        raise BacktestRefused(" ".join(problems))
    covered = backtest_range()
    if covered is None:
        raise BacktestRefused(_("The ledger covers fewer than two month-ends. Import more revenue first."))
    days = [day for day in month_ends(max(first, covered[0]), last) if day <= covered[1]]
    if len(days) < FEWEST_DAYS:
        raise BacktestRefused(
            _("Choose two month-ends or more between %(first)s and %(last)s.")
            % {"first": covered[0], "last": covered[1]}
        )
    if len(days) > MOST_DAYS:
        raise BacktestRefused(_("Choose %(most)s month-ends at most.") % {"most": MOST_DAYS})
    run, _is_new = BacktestRun.objects.get_or_create(
        model=model,
        first_on=days[0],
        last_on=days[-1],
        state__in=UNFINISHED_BACKTEST_STATES,
        defaults={"state": BacktestState.QUEUED, "days": len(days), "requested_by": requested_by},
    )
    return run


def run_backtest(backtest_id: int) -> BacktestRun | None:
    """Do one that waits or broke off; None where it is done, gone or in another worker's hands.

    Progress is written after each month-end. What we refuse ends it; any other error is kept on the row, raised, and tried
    again up to MAX_ATTEMPTS times.
    """
    with lease(LEASE_BACKTEST, backtest_id) as is_held:
        run = _claimed(backtest_id) if is_held else None
        if run is None:
            return None
        try:
            found = backtest(
                model=run.model,
                days=month_ends(run.first_on, run.last_on),
                fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
                on_day=lambda done: _progress(run, done),
            )
        except CrmError as refused:
            return _end(run, state=BacktestState.FAILED, error=str(refused))
        except Exception as error:
            again = BacktestState.QUEUED if run.attempts < MAX_ATTEMPTS else BacktestState.FAILED
            logger.exception("backtest_failed", backtest=run.pk, attempt=run.attempts)
            _end(run, state=again, error=f"{type(error).__name__}: {error}")
            raise
        run.result = summary(found)
        return _end(run, state=BacktestState.DONE, error="")


def waiting_backtests() -> list[int]:
    """Queued or broken-off ones that no worker holds, oldest first; those past their attempts are failed instead."""
    unfinished = BacktestRun.objects.filter(state__in=UNFINISHED_BACKTEST_STATES).order_by("pk")
    free = [pk for pk in unfinished.values_list("pk", flat=True) if not is_leased(LEASE_BACKTEST, pk)]
    if free:
        unfinished.filter(pk__in=free, attempts__gte=MAX_ATTEMPTS).update(
            state=BacktestState.FAILED, finished_at=timezone.now(), error=_("The backtest broke off several times.")
        )
    return list(unfinished.filter(pk__in=free).values_list("pk", flat=True)) if free else []


def _claimed(backtest_id: int) -> BacktestRun | None:
    run = BacktestRun.objects.select_related("model").filter(pk=backtest_id).first()
    if run is None or not run.is_unfinished:
        return None
    run.state, run.attempts, run.done_days = BacktestState.RUNNING, run.attempts + 1, 0
    run.started_at, run.finished_at, run.error = timezone.now(), None, ""
    run.save()
    return run


def _progress(run: BacktestRun, done: int) -> None:
    run.done_days = done
    run.save(update_fields=["done_days"])


def _end(run: BacktestRun, *, state: str, error: str) -> BacktestRun:
    run.state, run.error, run.finished_at = state, error, timezone.now()
    run.save(update_fields=["state", "error", "finished_at", "result"])
    return run
