"""How do cohorts develop? Accounts by the period of their first revenue, and what became of them period by period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import MONTHS_PER_YEAR, Period, add_months
from crm.lib.remember import is_remembered, remembered
from metrics import frames, reasons
from metrics.formulas.cohorts import NOWHERE, CohortBase, CohortMatrix, cohort_matrix, period_places
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.frames import Purchases
from metrics.frames_spans import IntArray
from metrics.reasons import MissingRate
from metrics.scope import Level, Scope, scope_of
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Passport, Units, passport, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty
from metrics.services.trend import Interval

NAME = "cohorts"
MAX_PERIODS = 240  # cells grow with the square
NEXT_AGE = 1
SHARES = ("next_active_share", "next_revenue_share", "year_active_share", "year_revenue_share")
COLUMNS = ("revenue", "active_periods", "cohort", "first_revenue_on")  # of the accounts behind the answer
_NONE: IntArray = np.zeros(0, dtype=np.int64)
_BEFORE_DATA = np.datetime64(date.min)  # how the frames mark a customer from before the data start


@dataclass(frozen=True, slots=True)
class CohortCell:
    """One cohort at one age, in ``period``. A period that is not over, and what is undefined, is None with its reason."""

    age: int
    period: Period
    is_finished: bool
    active: int | None
    active_share: float | None
    revenue: Decimal | None
    revenue_share: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Cohort:
    """The accounts whose first positive revenue lies in ``period``; of a period that is not over: so far. The last cell
    is that of the period the as-of day lies in."""

    period: Period
    accounts: int
    cells: tuple[CohortCell, ...]


@dataclass(frozen=True, slots=True)
class PooledAge:
    """All cohorts that have reached the age, ratio of sums; ``accounts`` are theirs."""

    age: int
    accounts: int
    active_share: float | None
    revenue_share: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CohortFigures(Answer):
    """placed_accounts are in a cohort; left_out_accounts were customers before the data start, so that nobody knows when
    they came. next_…: pooled shares one period after the first; year_…: a year after it."""

    interval: Interval
    share_base: CohortBase
    placed_accounts: int
    left_out_accounts: int
    cohorts: tuple[Cohort, ...]
    pooled: tuple[PooledAge, ...]
    next_active_share: float | None
    next_revenue_share: float | None
    year_active_share: float | None
    year_revenue_share: float | None


@says_why_empty
def cohorts(
    accounts: AccountQuerySet,
    *,
    interval: Interval | str = Interval.QUARTER,
    share_base: CohortBase | str = CohortBase.FIRST_PERIOD,
    **choices: Unpack[Choices],
) -> CohortFigures:
    """Cohort matrix of ``accounts`` (already limited to what the caller may see) up to the as-of day; two queries.

    Over every account it is computed once for a state of the ledger and kept.
    Rows begin with the first period somebody in view came in. Money needs its rates cell by cell: a cell without one has
    no revenue, nor have the shares that rest on it; counts are not touched.
    raises PeriodError : more than MAX_PERIODS periods
    """
    interval, share_base = Interval(interval), CohortBase(share_base)
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()

    def compute() -> CohortFigures:
        return _computed(scope, level, as_of, interval, share_base)

    if not accounts.is_everything:
        return compute()
    return remembered(NAME, _state(scope, level, as_of, interval, share_base), compute)


def are_cohorts_kept(*, as_of: date) -> bool:
    """Whether who asks for the usual matrix of every account waits for no computation; a few look-ups."""
    scope = scope_of(Account.objects.all())
    return is_remembered(NAME, _state(scope, Level.ENTITY, as_of, Interval.QUARTER, CohortBase.FIRST_PERIOD))


def _state(scope: Scope, level: Level, as_of: date, interval: Interval, share_base: CohortBase) -> tuple[object, ...]:
    shape = (CohortFigures.__slots__, Cohort.__slots__, CohortCell.__slots__, PooledAge.__slots__, Passport.__slots__)
    return (*scope.state, level, as_of, interval, share_base, shape)


def _computed(scope: Scope, level: Level, as_of: date, interval: Interval, share_base: CohortBase) -> CohortFigures:
    spans = frames.spans_of(scope, level=level)
    units = units_of(spans, level)
    first = units.earliest(spans.first_revenue_on)
    is_placed = (first > _BEFORE_DATA) & (first <= np.datetime64(as_of))  # no date is neither
    asked = _Asked(scope, level, as_of, interval, share_base, left_out=int((first == _BEFORE_DATA).sum()))
    if not is_placed.any():
        return _nobody(asked)
    periods = _periods(interval, first=first[is_placed].min().item(), as_of=as_of)
    edges = np.array([one.start for one in periods] + [periods[-1].end], dtype="datetime64[D]")
    came_in = period_places(np.where(is_placed, first, np.datetime64("NaT")), edges)
    bought = frames.purchases(scope, spans, first=periods[0].start, buckets=len(periods), months_each=interval.months)
    return _answer(asked, units, bought, periods=periods, came_in=came_in, first=first)


@dataclass(frozen=True, slots=True)
class _Asked:
    scope: Scope
    level: Level
    as_of: date
    interval: Interval
    share_base: CohortBase
    left_out: int

    def fixed(self, *, accounts: int, span: Period | None) -> dict[str, Any]:
        """The fields every answer to this question has."""
        return {
            "interval": self.interval,
            "share_base": self.share_base,
            "placed_accounts": accounts,
            "left_out_accounts": self.left_out,
            "currency": self.scope.currency,
            "passport": passport(
                "cohorts", scope=self.scope, level=self.level, as_of=self.as_of, accounts=accounts, comparison=span
            ),
        }


def _nobody(asked: _Asked) -> CohortFigures:
    why = dict.fromkeys(SHARES, reasons.sentence("no_first_revenue"))
    nothing: dict[str, Any] = dict.fromkeys(SHARES)
    return CohortFigures(
        cohorts=(),
        pooled=(),
        reasons=why,
        table=AccountTable(_NONE, dict.fromkeys(COLUMNS, _NONE)),
        **nothing,
        **asked.fixed(accounts=0, span=None),
    )


def _periods(interval: Interval, *, first: date, as_of: date) -> list[Period]:
    """Whole periods from that of ``first`` to that of ``as_of``."""
    periods: list[Period] = []
    begin = interval.start_of(first)
    while begin <= as_of:
        if len(periods) == MAX_PERIODS:
            raise PeriodError(
                _("A cohort table has at most %(count)s periods; choose a longer interval.") % {"count": MAX_PERIODS}
            )
        after = add_months(begin, interval.months)
        periods.append(Period(begin, after, interval.label_of(begin)))
        begin = after
    return periods


def _answer(
    asked: _Asked, units: Units, bought: Purchases, *, periods: list[Period], came_in: IntArray, first: NDArray[Any]
) -> CohortFigures:
    who, count = units.place[bought.account], len(periods)
    finished = sum(one.last_day <= asked.as_of for one in periods)
    matrix = cohort_matrix(
        who, bought.bucket, bought.net, bought.orders > 0,
        first_period=came_in, finished=finished, periods=count, base=asked.share_base,
    )  # fmt: skip
    lacking = _Lacking(bought, row=came_in[who], periods=periods, base_age=_base_age(asked.share_base))
    rows = tuple(_cohort(matrix, lacking, row, periods=periods) for row in range(count))
    pooled = tuple(_pooled(matrix, lacking, age) for age in range(finished))
    shares, why = _summary(pooled, asked.interval)
    return CohortFigures(
        cohorts=rows,
        pooled=pooled,
        reasons=why,
        table=_table(units, bought, came_in=came_in, first=first, finished=finished),
        **shares,
        **asked.fixed(accounts=int(matrix.sizes.sum()), span=_span(periods, asked.as_of)),
    )


def _base_age(share_base: CohortBase) -> int:
    return 1 if share_base is CohortBase.FIRST_FULL_PERIOD else 0


def _span(periods: Sequence[Period], as_of: date) -> Period:
    return Period(periods[0].start, min(periods[-1].end, as_of + timedelta(days=1)))


class _Lacking:
    """Cells some document of which has no rate, and the sentences that say so."""

    def __init__(self, bought: Purchases, *, row: IntArray, periods: list[Period], base_age: int) -> None:
        count = len(periods)
        age = bought.bucket - row
        is_in = bought.is_missing & (row != NOWHERE) & (age >= 0)
        self.cells: BoolArray = np.zeros((count, count), dtype=bool)
        self.cells[row[is_in], age[is_in]] = True
        base = self.cells[:, base_age] if base_age < count else np.zeros(count, dtype=bool)
        self.shares: BoolArray = np.asarray(self.cells | base[:, None])
        self.base_age, self._missing, self._periods = base_age, bought.missing, periods

    def of_cell(self, row: int, age: int) -> str:
        wanted = [self._periods[row + age], self._periods[row + min(self.base_age, age)]]
        return self._sentence([rate for rate in self._missing if any(rate.month in p.month_starts for p in wanted)])

    def of_age(self) -> str:
        return self._sentence(self._missing)

    @staticmethod
    def _sentence(rates: Sequence[MissingRate]) -> str:
        return reasons.missing_rates_sentence(rates)


def _cohort(matrix: CohortMatrix, lacking: _Lacking, row: int, *, periods: list[Period]) -> Cohort:
    cells = tuple(_cell(matrix, lacking, row, age, periods[row + age]) for age in range(len(periods) - row))
    return Cohort(periods[row], int(matrix.sizes[row]), cells)


def _cell(matrix: CohortMatrix, lacking: _Lacking, row: int, age: int, period: Period) -> CohortCell:
    if not matrix.is_finished[row, age]:
        return CohortCell(age, period, False, None, None, None, None, reasons.sentence("period_open"))
    share = _known(matrix.revenue_share[row, age])
    revenue: Decimal | None = exact_total([matrix.revenue[row, age]])
    why = ""
    if lacking.shares[row, age] and age >= lacking.base_age:
        share, why = None, lacking.of_cell(row, age)
    elif lacking.cells[row, age]:
        why = lacking.of_cell(row, age)
    elif share is None:
        why = reasons.sentence("before_share_base" if age < lacking.base_age else "cohort_no_base")
    return CohortCell(
        age=age,
        period=period,
        is_finished=True,
        active=int(matrix.active[row, age]),
        active_share=_known(matrix.active_share[row, age]),
        revenue=None if lacking.cells[row, age] else revenue,
        revenue_share=share,
        reason=why,
    )


def _pooled(matrix: CohortMatrix, lacking: _Lacking, age: int) -> PooledAge:
    share, why = _known(matrix.pooled_revenue_share[age]), ""
    if age < lacking.base_age:
        why = reasons.sentence("before_share_base")
    elif (lacking.shares[:, age] & matrix.is_finished[:, age]).any():
        share, why = None, lacking.of_age()
    elif share is None:
        why = reasons.sentence("cohort_no_base")
    return PooledAge(age, int(matrix.pooled_accounts[age]), _known(matrix.pooled_active_share[age]), share, why)


def _summary(pooled: Sequence[PooledAge], interval: Interval) -> tuple[dict[str, Any], dict[str, str]]:
    """The pooled shares that a sentence needs, and why one is None."""
    shares: dict[str, Any] = {}
    why: dict[str, str] = {}
    for name, age in (("next", NEXT_AGE), ("year", MONTHS_PER_YEAR // interval.months)):
        found = pooled[age] if age < len(pooled) else None
        shares[f"{name}_active_share"] = found.active_share if found else None
        shares[f"{name}_revenue_share"] = found.revenue_share if found else None
        late = reasons.sentence("age_not_reached")
        for field in (f"{name}_active_share", f"{name}_revenue_share"):
            if shares[field] is None:
                why[field] = found.reason if found else late
    return shares, why


def _table(units: Units, bought: Purchases, *, came_in: IntArray, first: NDArray[Any], finished: int) -> AccountTable:
    """The accounts of all cohorts: when they came, in how many finished periods they ordered, for how much since."""
    who, is_over = units.place[bought.account], bought.bucket < finished
    revenue: FloatArray = np.zeros(len(units.ids))
    np.add.at(revenue, who[is_over], bought.net[is_over])
    revenue = np.round(revenue, 4)
    revenue[who[is_over & bought.is_missing]] = np.nan
    with_order = is_over & (bought.orders > 0)
    has_ordered = np.zeros((len(units.ids), finished), dtype=bool)  # a group once, however many of it ordered
    has_ordered[who[with_order], bought.bucket[with_order]] = True
    columns = {
        "revenue": revenue,
        "active_periods": has_ordered.sum(axis=1),
        "cohort": came_in,
        "first_revenue_on": first,
    }
    return AccountTable(units.ids, columns, units.members).where(came_in != NOWHERE)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
