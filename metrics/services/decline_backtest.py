"""Would the points have found who declined? Judged on the ledger's own past, against "two usual intervals late"."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from accounts.models import Account
from crm.lib.periods import Period, add_months, ttm
from crm.lib.remember import is_remembered, remembered
from metrics import frames, reasons
from metrics.formulas import bgnbd
from metrics.formulas.decline import decline_risk, lost_share
from metrics.formulas.decline_evaluation import (
    DECLINE_SHARE,
    TOP,
    Band,
    Calibration,
    DeclineEvaluation,
    RankQuality,
    calibration,
    decline_outcome,
    evaluate_decline,
)
from metrics.formulas.exact import FloatArray
from metrics.formulas.patterns import order_rhythm
from metrics.scope import Scope, scope_of
from metrics.selectors import data_start
from metrics.services.lifetime_fit import fit_purchases, purchases_of

NAME = "decline_backtest"
OUTCOME_MONTHS = 12
SLICES = 2  # the earlier teaches what a band means, the later is judged
MIN_DECLINES = 5  # fewer tell nothing about a rule
POINTS_A_BAND = 10


@dataclass(frozen=True, slots=True)
class BandLine:
    """Accounts with points of this band on the cut date, and the share of them that declined: expected from the slice
    before (None where it had none) and observed."""

    first: int
    last: int
    accounts: int
    expected: float | None
    observed: float | None


@dataclass(frozen=True, slots=True)
class DeclineBacktest:
    """Signals as known on ``cut_on``, outcomes of the 12 months after it; None and a ``reason`` where no test is possible.

    A decline is a loss of half the revenue or more. points, baseline : the 20 at the top by each rule; flagged : all by
    the plain rule, points_as_many : as many by points. bands : what tens of points meant.
    """

    cut_on: date | None
    accounts: int
    declines: int
    top: int
    points: RankQuality | None
    baseline: RankQuality | None
    flagged: RankQuality | None
    points_as_many: RankQuality | None
    bands: tuple[BandLine, ...]
    calibration_error: float | None
    reason: str

    @property
    def is_better(self) -> bool | None:
        """Whether the points found more declines than the plain rule; None without a test."""
        if self.points is None or self.baseline is None:
            return None
        return round(self.points.precision, 9) > round(self.baseline.precision, 9)


@dataclass(frozen=True, slots=True, eq=False)
class _Slice:
    """One cut date: of every account its points, its rhythm and whether it declined afterwards (NaN: not judged)."""

    cut_on: date
    points: FloatArray
    rhythm: FloatArray
    outcome: FloatArray


def decline_backtest(*, as_of: date, basis: str | None = None, currency: str | None = None) -> DeclineBacktest:
    """The test over every account of the ledger, kept for a state of it; legal entities throughout.

    The lifetime model is fitted anew on what was known on each cut date, which takes most of the time.
    """
    scope = scope_of(Account.objects.all(), basis=basis, currency=currency)
    return remembered(NAME, _state(scope, as_of), lambda: _computed(scope, as_of))


def is_decline_backtest_kept(*, as_of: date) -> bool:
    """Whether who asks in the usual basis and currency waits for no computation; a few look-ups."""
    return is_remembered(NAME, _state(scope_of(Account.objects.all()), as_of))


def _state(scope: Scope, as_of: date) -> tuple[object, ...]:
    return (*scope.state, as_of, DeclineBacktest.__slots__, BandLine.__slots__)


def _computed(scope: Scope, as_of: date) -> DeclineBacktest:
    last = ttm(as_of)
    known_from = data_start()
    cuts = [add_months(last.end, -OUTCOME_MONTHS * (number + 1)) for number in range(SLICES)]
    usable = [cut for cut in cuts if known_from is not None and known_from <= add_months(cut, -OUTCOME_MONTHS)]
    slices = [one for one in (_slice(scope, cut, known_from) for cut in usable) if one is not None]
    if not slices:
        return _no_test(reasons.sentence("decline_short_history" if not usable else "decline_no_rates"))
    judged = slices[0]
    found = evaluate_decline(judged.points, judged.rhythm, judged.outcome)
    if found.declines < MIN_DECLINES:
        return _no_test(reasons.sentence("decline_few_events", found=found.declines, needed=MIN_DECLINES))
    return _tested(found, judged, slices[1] if len(slices) == SLICES else None)


def _no_test(reason: str) -> DeclineBacktest:
    return DeclineBacktest(None, 0, 0, TOP, None, None, None, None, (), None, reason)


def _tested(found: DeclineEvaluation, judged: _Slice, earlier: _Slice | None) -> DeclineBacktest:
    taught = _calibration(earlier, judged) if earlier else None
    return DeclineBacktest(
        cut_on=judged.cut_on,
        accounts=found.accounts,
        declines=found.declines,
        top=TOP,
        points=found.points,
        baseline=found.baseline,
        flagged=found.flagged,
        points_as_many=found.points_as_many,
        bands=_lines((taught or _calibration(judged, judged)).bands, is_taught=taught is not None),
        calibration_error=None if taught is None or np.isnan(taught.error) else taught.error,
        reason="",
    )


def _calibration(earlier: _Slice, later: _Slice) -> Calibration:
    return calibration(_band(earlier.points), earlier.outcome, _band(later.points), later.outcome)


def _band(points: FloatArray) -> FloatArray:
    """Number of tens of points; accounts without points have a band of their own, -1."""
    return np.where(np.isnan(points), -1.0, np.floor(np.round(np.nan_to_num(points), 9) / POINTS_A_BAND))


def _lines(bands: dict[int, Band], *, is_taught: bool) -> tuple[BandLine, ...]:
    return tuple(
        BandLine(
            first=number * POINTS_A_BAND,
            last=(number + 1) * POINTS_A_BAND - 1,
            accounts=band.accounts,
            expected=band.expected if is_taught and not np.isnan(band.expected) else None,
            observed=None if np.isnan(band.observed) else band.observed,
        )
        for number, band in sorted(bands.items())
        if number >= 0 and band.accounts
    )


def _slice(scope: Scope, cut: date, known_from: date | None) -> _Slice | None:
    """Signals of the days before ``cut`` and the outcome from it on; None where a rate is missing."""
    base, after = _year(cut, -1), _year(cut, 0)
    prior = _year(cut, -2)
    frame = frames.windows(scope, [base, after, prior])
    if frame.missing:
        return None
    last_day = base.last_day
    account_ids, days = frames.order_history(scope, as_of=last_day)
    ids = frame.spans.account_ids
    rhythm = order_rhythm(
        np.searchsorted(ids, account_ids), days, accounts=len(ids), as_of=np.datetime64(last_day)
    ).rhythm_ratio
    lost = np.full(len(ids), np.nan)
    if known_from is not None and known_from <= prior.start:
        lost = lost_share(frame.net[:, 2], frame.net[:, 0])
    risk = decline_risk(rhythm=rhythm, revenue_lost=lost, alive=_alive_then(scope, frame.spans, last_day))
    is_gone = frame.spans.closed_on < np.datetime64(cut)
    outcome = np.where(is_gone, np.nan, decline_outcome(frame.net[:, 0], frame.net[:, 1], share=DECLINE_SHARE))
    return _Slice(cut, risk.points, rhythm, outcome)


def _alive_then(scope: Scope, spans: frames.Spans, last_day: date) -> FloatArray:
    """P(alive) as the model of that day would have given it; NaN where it had too little data."""
    histories = frames.histories(scope, as_of=last_day)
    purchases = purchases_of(histories, as_of=last_day)
    fitted = fit_purchases(purchases)
    alive = np.full(len(spans.account_ids), np.nan)
    if fitted.model is not None:
        chance = bgnbd.probability_alive(fitted.model, purchases.frequency, purchases.recency, purchases.age)
        place = np.searchsorted(spans.account_ids, histories.account_ids)
        alive[place] = np.where(purchases.frequency > 0, chance, np.nan)
    return alive


def _year(cut: date, years: int) -> Period:
    start = add_months(cut, OUTCOME_MONTHS * years)
    return Period(start, add_months(start, OUTCOME_MONTHS))
