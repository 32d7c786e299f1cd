"""Which kinds of customers do we have? Scores by last order, orders and revenue, named segments, value bands, stability."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.fields import is_hidden
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, ttm
from metrics import frames, reasons
from metrics.formulas.activity import covered
from metrics.formulas.exact import BoolArray, FloatArray, exact_total, positive_part
from metrics.formulas.margin import gross_profit
from metrics.formulas.patterns import order_rhythm
from metrics.formulas.rfm import RfmScores, RfmSegment, ValueBand, rfm_scores, rfm_segments, value_bands
from metrics.frames import Windows
from metrics.leaves import Dimension, leaves_of
from metrics.scope import Level, Scope
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty

STABLE_FROM = 0.5  # 1 / (1 + CV): CV = 1 is the mark of purely random buying, so this and more is regular
RATIO_DECIMALS = 9  # to which a ratio is rounded before it meets a threshold
LACKING_FIELDS = ("high_value_share", "revenue", "profit", "recency", "frequency", "monetary")  # without a rate
AXES = (Dimension.NEED, Dimension.POTENTIAL, Dimension.SIZE, Dimension.INDUSTRY)  # beside what the ledger shows
UPPER_BANDS = (ValueBand.HIGH, ValueBand.MID)  # the upper half by value


class ValueMeasure(StrEnum):
    """What value bands are made of: profit where every line of the period has its cost, else revenue."""

    GROSS_PROFIT = "gross_profit"
    REVENUE = "revenue"


class BandAction(StrEnum):
    """What to do with a band ([S004]: focus on high, cultivate mid, re-assess low)."""

    FOCUS = "focus"
    CULTIVATE = "cultivate"
    REASSESS = "reassess"


ACTIONS = {
    ValueBand.HIGH: BandAction.FOCUS,
    ValueBand.MID: BandAction.CULTIVATE,
    ValueBand.LOW: BandAction.REASSESS,
}


@dataclass(frozen=True, slots=True)
class SegmentTotal:
    """One segment; the share is of revenue above 0, None where there is none."""

    segment: RfmSegment
    accounts: int
    revenue: Decimal
    revenue_share: float | None


@dataclass(frozen=True, slots=True)
class BandTotal:
    """One value band with the action it asks for."""

    band: ValueBand
    action: BandAction
    accounts: int
    revenue: Decimal
    revenue_share: float | None


@dataclass(frozen=True, slots=True)
class PartTotal:
    """Accounts that share a value of an axis: its key as filters take it, "" where none is given, and its words."""

    key: str
    label: Any
    accounts: int
    revenue: Decimal
    revenue_share: float | None


@dataclass(frozen=True, slots=True)
class AxisTotals:
    """The same accounts along an axis that people fill in, largest revenue first."""

    axis: Dimension
    parts: tuple[PartTotal, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SegmentFigures(Answer):
    """scored_accounts are on the books in the period, have ordered by its end and are ranked against one another; those
    whose revenue is not known for want of a rate are unscored. is_few: so few that scores say little. segments and bands
    are complete, in the order of their rules. The table holds one row a covered account: recency, frequency and monetary
    score, segment, band, stability, is_stable, is_stable_profitable, days_silent, orders, revenue, profit."""

    measure: ValueMeasure
    scored_accounts: int
    unscored_accounts: int
    is_few: bool
    segments: tuple[SegmentTotal, ...]
    bands: tuple[BandTotal, ...]
    axes: tuple[AxisTotals, ...]
    high_value_accounts: int
    high_value_share: float | None
    stable_accounts: int
    stable_profitable_accounts: int | None


@says_why_empty
def segments(
    accounts: AccountQuerySet, *, period: Period | None = None, with_axes: bool = False, **choices: Unpack[Choices]
) -> SegmentFigures:
    """Segments of ``accounts`` (already limited to what the caller may see); two queries, and two for each of AXES where
    the totals along them are wanted (``with_axes``).

    period : of orders, revenue and profit, default the last 12 whole months; the last order and the stability of the
    intervals look back as far as the ledger goes, from the end of the period or the as-of day, whichever is earlier.
    """
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    period = period or ttm(as_of)
    reach = min(period.last_day, as_of)
    frame = frames.windows(scope, [period], level=level, with_orders=True, with_cost=True)
    units = units_of(frame.spans, level)
    places, days = frames.order_places(scope, frame.spans, as_of=reach)
    who = units.place[places]
    rhythm = order_rhythm(who, days, accounts=len(units.ids), as_of=np.datetime64(reach))
    is_behind = _on_books(frame, units, period) & (rhythm.order_days > 0)
    columns, measure = _money(frame, units, is_behind)
    scores = rfm_scores(rhythm.days_since_order[is_behind], columns["orders"], columns["revenue"])
    columns |= {"days_silent": rhythm.days_since_order[is_behind], "stability": rhythm.stability[is_behind]}
    columns |= _kinds(columns, scores, measure=measure)
    table = AccountTable(units.ids[is_behind], columns, units.members)
    return _answer(
        table, scores, measure, frame,
        axes=tuple(_axis(scope, table, axis) for axis in AXES) if with_axes else (),
        currency=scope.currency,
        passport=passport(
            "segments", scope=scope, level=level, as_of=as_of, accounts=len(table), comparison=period
        ),
    )  # fmt: skip


def _on_books(frame: Windows, units: Units, period: Period) -> BoolArray:
    start, end, spans = np.datetime64(period.start), np.datetime64(period.end), frame.spans
    return units.any(covered(spans.first_order_on, spans.closed_on, frame.orders[:, 0], start=start, end=end))


def _money(frame: Windows, units: Units, is_behind: BoolArray) -> tuple[dict[str, NDArray[Any]], ValueMeasure]:
    """Orders, revenue and profit of the accounts behind the answer, NaN where not known; what the bands are made of."""
    net, cost, gaps = (
        units.sums(values[:, 0])[is_behind] for values in (frame.net, frame.cost, frame.lines_without_cost)
    )
    revenue = np.where(units.any(frame.is_missing[:, 0])[is_behind], np.nan, net)
    profit = np.round(gross_profit(revenue, cost, gaps), 4)
    # Bands made of gross profit would tell those who see no margins which accounts bring one.
    is_by_revenue = (gaps > 0).any() or is_hidden("gross_profit")
    measure = ValueMeasure.REVENUE if is_by_revenue else ValueMeasure.GROSS_PROFIT
    orders = units.sums(frame.orders[:, 0])[is_behind]
    return {"revenue": revenue, "orders": orders, "profit": profit}, measure


def _kinds(columns: dict[str, NDArray[Any]], scores: RfmScores, *, measure: ValueMeasure) -> dict[str, NDArray[Any]]:
    """Scores, segment and band of each account, and whether it is stable, and profitable with that."""
    value: FloatArray = columns["profit" if measure is ValueMeasure.GROSS_PROFIT else "revenue"]
    bands = value_bands(value)
    with np.errstate(invalid="ignore"):
        is_stable = np.round(columns["stability"], RATIO_DECIMALS) >= STABLE_FROM  # no rhythm: not stable
        is_profitable = (columns["profit"] > 0) & np.isin(bands, [str(band) for band in UPPER_BANDS])
    is_both = is_stable & is_profitable & (measure is ValueMeasure.GROSS_PROFIT)
    return {
        "recency": scores.recency,
        "frequency": scores.frequency,
        "monetary": scores.monetary,
        "segment": rfm_segments(scores),
        "band": bands,
        "is_stable": is_stable,
        "is_stable_profitable": is_both,
    }


def _answer(
    table: AccountTable, scores: RfmScores, measure: ValueMeasure, frame: Windows, **carried: Any
) -> SegmentFigures:
    why = Reasons()
    revenue, columns = table.columns["revenue"], table.columns
    segment_totals = tuple(SegmentTotal(one, *_part(revenue, columns["segment"] == one.value)) for one in RfmSegment)
    band_totals = tuple(
        BandTotal(one, ACTIONS[one], *_part(revenue, columns["band"] == one.value)) for one in ValueBand
    )
    share = band_totals[0].revenue_share
    profitable: int | None = int(columns["is_stable_profitable"].sum())
    if measure is ValueMeasure.REVENUE:
        profitable = None
        missing = "margins_hidden" if is_hidden("gross_profit") else "no_cost"
        why.undefined(["stable_profitable_accounts"], reasons.sentence(missing))
    if share is None:
        why.undefined(["high_value_share"], reasons.sentence("no_revenue"))
    if frame.missing:
        why.by_field.update(rates_missing(frame.missing, LACKING_FIELDS))
        share = None
    return SegmentFigures(
        measure=measure,
        scored_accounts=scores.accounts,
        unscored_accounts=len(table) - scores.accounts,
        is_few=scores.is_few,
        segments=segment_totals,
        bands=band_totals,
        high_value_accounts=band_totals[0].accounts,
        high_value_share=share,
        stable_accounts=int(columns["is_stable"].sum()),
        stable_profitable_accounts=profitable,
        reasons=why.frozen(),
        table=table,
        **carried,
    )


def _axis(scope: Scope, table: AccountTable, axis: Dimension) -> AxisTotals:
    leaves, revenue = leaves_of(scope, table.shown_ids, axis), table.columns["revenue"]
    parts = (
        PartTotal(key, label, *_part(revenue, leaves.place == place))
        for place, (key, label) in enumerate(zip(leaves.keys, leaves.labels, strict=True))
    )
    return AxisTotals(axis, tuple(sorted(parts, key=lambda part: (-part.revenue, part.key))))


def _part(revenue: FloatArray, is_in: BoolArray) -> tuple[int, Decimal, float | None]:
    """Accounts of a part, their revenue, and its share of the revenue above 0."""
    known = np.nan_to_num(revenue)
    whole = exact_total(positive_part(known))
    share = float(exact_total(positive_part(known[is_in])) / whole) if whole else None
    return int(is_in.sum()), exact_total(known[is_in]), share
