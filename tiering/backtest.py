"""How a version of the model would have graded the past, evaluation by evaluation; nothing is written (domain.md 3.9).

Every evaluation sees only what was booked by its day. Ratings, estimates and receivables count by their own dates; grades
set by hand and decisions on problems are left out, for they are no part of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise

import numpy as np

from accounts.enums import GRADE_RANK, Grade
from crm.lib.periods import add_months, month_end
from tiering import evaluation, indicators
from tiering.evaluation import GRADES, Before
from tiering.grading import NOT_GRADED, PROBLEM, Flag
from tiering.grouping import Ints
from tiering.models import ScoringModel
from tiering.scoring import Floats
from tiering.stability import Decisions

MONTHS_AHEAD = 12
REVERSED_WITHIN = 4  # evaluations (domain.md 3.9)
FEW_ACCOUNTS = 10  # below this a rank correlation says nothing
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
class Validity:
    """Rank correlation of what was known on a day with the 12 months after it; None where too few accounts are known.

    by_grade : grade → (accounts, median revenue of the next 12 months), graded accounts alone
    """

    as_of: date
    accounts: int
    composite: float | None
    last_year: float | None
    by_grade: dict[str, tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Backtest:
    nights: tuple[Night, ...]
    with_rules: Stability
    without_rules: Stability
    validity: tuple[Validity, ...]
    measure: str


def month_ends(first: date, last: date) -> list[date]:
    """Last days of the months from ``first`` to ``last``, ascending."""
    days, day = [], month_end(first)
    while day <= last:
        days.append(day)
        day = month_end(add_months(day.replace(day=1), 1))
    return days


def backtest(*, model: ScoringModel, days: Sequence[date], fiscal_start_month: int) -> Backtest:
    """Replay ``days`` (ascending) once with the stability rules and once without: each night by entry thresholds alone,
    every candidate and every problem taken at once.

    About eight queries a day, whatever the number of accounts; nothing is written.
    """
    design = model.design()
    codes = design.scheme().codes
    before: Before | None = None
    stable: list[Night] = []
    naive: list[Night] = []
    for day in days:
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
    is_costed = any(((night.revenue > 0) & ~np.isnan(night.profit)).any() for night in stable)
    return Backtest(
        nights=tuple(stable),
        with_rules=_stability(stable),
        without_rules=_stability(naive),
        validity=tuple(_validity(stable, is_costed=is_costed)),
        measure="gross_profit" if is_costed else "revenue",
    )


def _stability(nights: Sequence[Night]) -> Stability:
    """Moves and flaps over the evaluations of every account that is graded in two of them in a row."""
    ranks = np.array([RANKS[night.shown] for night in nights])
    graded = ranks > 0
    both = graded[1:] & graded[:-1]
    moved = both & (ranks[1:] != ranks[:-1])
    flaps = np.zeros_like(moved)
    for step in range(1, REVERSED_WITHIN + 1):
        back = ranks[1 + step :] == ranks[: len(ranks) - 1 - step]
        flaps[: len(back)] |= moved[: len(back)] & back
    days = [(after.as_of - before.as_of).days for before, after in pairwise(nights)]
    years = float((both.sum(axis=1) * np.array(days)).sum() / 365.25) if days else 0.0
    return Stability(len(nights), years, int(moved.sum()), int(flaps.sum()))


def _validity(nights: Sequence[Night], *, is_costed: bool) -> list[Validity]:
    """One row for each evaluation whose next 12 months are in the replay."""
    later = {night.as_of: night for night in nights}
    found = []
    for night in nights:
        end = month_end(add_months(night.as_of.replace(day=1), MONTHS_AHEAD))
        if end not in later:
            continue
        ahead = later[end].profit if is_costed else later[end].revenue
        last = night.profit if is_costed else night.revenue
        known = night.shown != GRADES.index(NOT_GRADED)  # who had bought nothing yet is no forecast
        known &= ~np.isnan(night.composite) & ~np.isnan(ahead) & ~np.isnan(last)
        graded = {
            grade: ahead[(night.shown == GRADES.index(grade)) & ~np.isnan(ahead)]
            for grade in Grade.values
            if grade in GRADES
        }
        found.append(
            Validity(
                as_of=night.as_of,
                accounts=int(known.sum()),
                composite=_spearman(night.composite[known], ahead[known]),
                last_year=_spearman(last[known], ahead[known]),
                by_grade={
                    grade: (len(values), float(np.median(values))) for grade, values in graded.items() if len(values)
                },
            )
        )
    return found


def _spearman(x: Floats, y: Floats) -> float | None:
    from scipy.stats import spearmanr

    if len(x) < FEW_ACCOUNTS or np.isnan(x).any() or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(spearmanr(x, y).statistic)
