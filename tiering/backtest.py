"""How a version of the model would have graded the past, evaluation by evaluation; nothing is written (domain.md 3.9).

Every evaluation sees only what was booked by its day. Ratings, estimates and receivables count by their own dates; grades
set by hand and decisions on problems are left out, for they are no part of the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from typing import Any

import numpy as np

from accounts.enums import GRADE_RANK, Grade
from crm.lib.periods import add_months, month_end
from tiering import evaluation, indicators
from tiering.evaluation import GRADES, Before
from tiering.grading import NOT_GRADED, PROBLEM, Flag
from tiering.grouping import Ints
from tiering.models import ScoringModel
from tiering.scoring import Bools, Floats
from tiering.stability import Decisions

MONTHS_AHEAD = 12
REVERSED_WITHIN = 4  # evaluations (domain.md 3.9)
FEW_ACCOUNTS = 10  # below this a rank correlation says nothing
DECLINE = -0.3  # of revenue on the 12 months before: what a problem is expected to show (domain.md 3.9)
RANKS = np.array([GRADE_RANK.get(code, 0) for code in GRADES])


@dataclass(frozen=True, slots=True)
class Night:
    """One evaluation of n accounts. shown : number in GRADES; revenue, profit : of the last 12 whole months, NaN unknown."""

    as_of: date
    shown: Ints
    composite: Floats
    revenue: Floats
    profit: Floats


@dataclass(frozen=True, slots=True)
class Stability:
    """Moves between graded states; a flap is a move taken back within REVERSED_WITHIN evaluations."""

    evaluations: int
    account_years: float
    moves: int
    flaps: int

    @property
    def moves_per_account_year(self) -> float | None:
        return self.moves / self.account_years if self.account_years else None

    @property
    def flap_rate(self) -> float | None:
        return self.flaps / self.moves if self.moves else None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the accounts of one grade in the 12 months after an evaluation.

    median : of the measure; customers : those with revenue in the 12 months before; kept, declined : those of them that
    had revenue after it, and that lost three tenths of it or more
    """

    accounts: int
    median: float
    customers: int
    kept: int
    declined: int

    @property
    def retention(self) -> float | None:
        return self.kept / self.customers if self.customers else None

    @property
    def declined_share(self) -> float | None:
        return self.declined / self.customers if self.customers else None


@dataclass(frozen=True, slots=True)
class Validity:
    """Rank correlation of what was known on a day with the 12 months after it; None where too few accounts are known.

    last_year : of the revenue of the 12 months before, the plain forecast that the score has to beat
    by_grade : graded accounts alone
    """

    as_of: date
    accounts: int
    composite: float | None
    last_year: float | None
    by_grade: dict[str, Outcome]


@dataclass(frozen=True, slots=True)
class Backtest:
    """by_grade, everyone : all evaluations with a year after them in one, so an account counts once for each of them."""

    nights: tuple[Night, ...]
    with_rules: Stability
    without_rules: Stability
    validity: tuple[Validity, ...]
    measure: str
    by_grade: dict[str, Outcome]
    everyone: Outcome | None


def month_ends(first: date, last: date) -> list[date]:
    """Last days of the months from ``first`` to ``last``, ascending."""
    days, day = [], month_end(first)
    while day <= last:
        days.append(day)
        day = month_end(add_months(day.replace(day=1), 1))
    return days


def backtest(
    *,
    model: ScoringModel,
    days: Sequence[date],
    fiscal_start_month: int,
    on_day: Callable[[int], None] = lambda _done: None,
) -> Backtest:
    """Replay ``days`` (ascending) once with the stability rules and once without: each night by entry thresholds alone,
    every candidate and every problem taken at once.

    on_day : told how many days are done, after each
    About eight queries a day, whatever the number of accounts; nothing is written.
    """
    design = model.design()
    codes = design.scheme().codes
    before: Before | None = None
    stable: list[Night] = []
    naive: list[Night] = []
    for done, day in enumerate(days, 1):
        measured = indicators.measure(model, as_of=day, codes=codes, fiscal_start_month=fiscal_start_month)
        composed, none = evaluation.score(measured, design=design), np.zeros(len(measured.ids), dtype=np.int8)
        fresh = Before.plain(none, np.zeros(len(none), dtype=np.int64))
        found = evaluation.grade(measured, composed, design=design, before=before or fresh)
        before = Before(found.state, found.shown, Decisions.none(len(none)), none)
        alone = evaluation.grade(measured, composed, design=design, before=fresh, at_once=True)
        is_alarmed = (alone.flags & Flag.WATCH) != 0
        night = Night(day, found.shown, composed.composite, measured.inputs["revenue_ttm"], measured.indicators["S2"])
        stable.append(night)
        naive.append(replace(night, shown=np.where(is_alarmed, GRADES.index(PROBLEM), alone.shown)))
        on_day(done)
    is_costed = any(((night.revenue > 0) & ~np.isnan(night.profit)).any() for night in stable)
    pairs = _with_year_after(stable)
    return Backtest(
        nights=tuple(stable),
        with_rules=_stability(stable),
        without_rules=_stability(naive),
        validity=tuple(_validity(*pair, is_costed=is_costed) for pair in pairs),
        measure="gross_profit" if is_costed else "revenue",
        by_grade=_outcomes(pairs, is_costed=is_costed),
        everyone=_outcome([_is_graded(night) for night, _later in pairs], pairs, is_costed=is_costed),
    )


def summary(result: Backtest) -> dict[str, Any]:
    """The result as it is kept and sent: plain numbers under plain names."""
    return {
        "evaluations": result.with_rules.evaluations,
        "measure": result.measure,
        "with_rules": _stability_told(result.with_rules),
        "without_rules": _stability_told(result.without_rules),
        "validity": [
            {
                "as_of": row.as_of.isoformat(), "accounts": row.accounts, "composite": row.composite,
                "last_year": row.last_year,
                "by_grade": {grade: _outcome_told(one) for grade, one in row.by_grade.items()},
            }
            for row in result.validity
        ],
        "by_grade": {grade: _outcome_told(one) for grade, one in result.by_grade.items()},
        "everyone": _outcome_told(result.everyone) if result.everyone else None,
    }  # fmt: skip


def _stability_told(one: Stability) -> dict[str, Any]:
    names = ("moves", "moves_per_account_year", "flaps", "flap_rate")
    return {name: getattr(one, name) for name in names}


def _outcome_told(one: Outcome) -> dict[str, Any]:
    names = ("accounts", "median", "customers", "kept", "retention", "declined", "declined_share")
    return {name: getattr(one, name) for name in names}


def _stability(nights: Sequence[Night]) -> Stability:
    """Moves and flaps over the evaluations of every account that is graded in two of them in a row."""
    ranks = np.array([RANKS[night.shown] for night in nights])
    graded = ranks > 0
    both = graded[1:] & graded[:-1]
    moved = both & (ranks[1:] != ranks[:-1])
    flaps = np.zeros_like(moved)
    for step in range(1, min(REVERSED_WITHIN, len(nights) - 2) + 1):
        back = ranks[1 + step :] == ranks[: len(ranks) - 1 - step]
        flaps[: len(back)] |= moved[: len(back)] & back
    days = [(after.as_of - before.as_of).days for before, after in pairwise(nights)]
    years = float((both.sum(axis=1) * np.array(days)).sum() / 365.25) if days else 0.0
    return Stability(len(nights), years, int(moved.sum()), int(flaps.sum()))


def _with_year_after(nights: Sequence[Night]) -> list[tuple[Night, Night]]:
    """The evaluations whose next 12 months are in the replay, each with the one that ends them."""
    later = {night.as_of: night for night in nights}
    ends = ((night, month_end(add_months(night.as_of.replace(day=1), MONTHS_AHEAD))) for night in nights)
    return [(night, later[end]) for night, end in ends if end in later]


def _validity(night: Night, later: Night, *, is_costed: bool) -> Validity:
    ahead = later.profit if is_costed else later.revenue
    known = night.shown != GRADES.index(NOT_GRADED)  # who had bought nothing yet is no forecast
    known &= ~np.isnan(night.composite) & ~np.isnan(ahead) & ~np.isnan(night.revenue)
    return Validity(
        as_of=night.as_of,
        accounts=int(known.sum()),
        composite=_spearman(night.composite[known], ahead[known]),
        last_year=_spearman(night.revenue[known], ahead[known]),
        by_grade=_outcomes([(night, later)], is_costed=is_costed),
    )


def _outcomes(pairs: Sequence[tuple[Night, Night]], *, is_costed: bool) -> dict[str, Outcome]:
    found = {}
    for grade in Grade.values:
        if grade in GRADES and grade != NOT_GRADED:
            masks = [night.shown == GRADES.index(grade) for night, _later in pairs]
            outcome = _outcome(masks, pairs, is_costed=is_costed)
            if outcome is not None:
                found[grade] = outcome
    return found


def _outcome(masks: Sequence[Bools], pairs: Sequence[tuple[Night, Night]], *, is_costed: bool) -> Outcome | None:
    """What became of the accounts of each evaluation that its mask names; None where there are none."""
    measures, before, after = [np.empty(0)], [np.empty(0)], [np.empty(0)]
    for mask, (night, later) in zip(masks, pairs, strict=True):
        ahead = later.profit if is_costed else later.revenue
        measures.append(ahead[mask & ~np.isnan(ahead)])
        known = mask & (night.revenue > 0) & ~np.isnan(later.revenue)
        before.append(night.revenue[known])
        after.append(later.revenue[known])
    values, was, became = (np.concatenate(parts) for parts in (measures, before, after))
    if not len(values):
        return None
    return Outcome(
        accounts=len(values),
        median=float(np.median(values)),
        customers=len(was),
        kept=int((became > 0).sum()),
        declined=int((became <= (1 + DECLINE) * was).sum()),
    )


def _is_graded(night: Night) -> Bools:
    return np.asarray(RANKS[night.shown] > 0)


def _spearman(x: Floats, y: Floats) -> float | None:
    from scipy.stats import spearmanr

    if len(x) < FEW_ACCOUNTS or np.isnan(x).any() or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(spearmanr(x, y).statistic)
