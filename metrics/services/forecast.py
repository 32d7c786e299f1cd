"""What comes next? Revenue of the coming months, shown only where the method has beaten the same month last year."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import FormulaError
from crm.lib.periods import MONTHS_PER_YEAR, Period, add_months, last_complete_month
from metrics import frames, reasons
from metrics.formulas.exact import FloatArray, exact_total
from metrics.formulas.forecast_backtest import (
    INTERVAL_COVERAGE,
    ForecastReason,
    Forecasts,
    best_forecasts,
    months_needed,
)
from metrics.leaves import Dimension, Leaves, leaves_of
from metrics.reasons import missing_rates_sentence
from metrics.scope import Level, Scope
from metrics.selectors import data_start, default_as_of
from metrics.services.base import NOBODY, AccountTable, Answer, passport, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import reason_without_records

HORIZON_MONTHS = 12
MAX_HORIZON_MONTHS = 24
HISTORY_MONTHS = 60  # five seasons; what lies further back says little about the next
SHOWN_PAST_MONTHS = 24
ACCURACY = ("mase", "wape", "baseline_mase", "baseline_wape")


@dataclass(frozen=True, slots=True)
class MonthForecast:
    """One month ahead; low and high hold the actual with the coverage of the answer, None where they are not known."""

    period: Period
    value: Decimal
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True, slots=True)
class PastMonth:
    """One complete month of the past; no value before the series began or where a rate is missing."""

    period: Period
    value: Decimal | None


@dataclass(frozen=True, slots=True)
class SeriesForecast:
    """One series: the whole portfolio, or a leaf whose ``key`` is its value as account filters take it.

    forecast_revenue : sum of ``months``; past_revenue : of as many complete months before them. ``months`` is empty and
    ``reason`` says why where nothing is shown. mase, wape : backtest of the method shown, ``baseline_…`` of the same
    month last year; below the baseline is better. method, pattern, origins, train_months : what was tried on what.
    """

    key: str
    label: Any
    history_months: int
    forecast_revenue: Decimal | None
    past_revenue: Decimal | None
    method: str | None
    pattern: str
    origins: int
    train_months: int
    mase: float | None
    wape: float | None
    baseline_mase: float | None
    baseline_wape: float | None
    months: tuple[MonthForecast, ...]
    past: tuple[PastMonth, ...]
    reason: str

    @property
    def is_shown(self) -> bool:
        return bool(self.months)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ForecastFigures(Answer):
    """``whole`` and each leaf are forecast on their own, so leaves need not add up to the whole.

    ``table`` has ttm_revenue and prior_ttm_revenue of the accounts that had revenue in either year.
    """

    horizon_months: int
    coverage: float
    by: Dimension | None
    whole: SeriesForecast
    leaves: tuple[SeriesForecast, ...]

    @property
    def forecast_revenue(self) -> Decimal | None:
        return self.whole.forecast_revenue

    @property
    def forecast_mase(self) -> float | None:
        return self.whole.mase

    @property
    def forecast_wape(self) -> float | None:
        return self.whole.wape

    @property
    def baseline_mase(self) -> float | None:
        return self.whole.baseline_mase

    @property
    def baseline_wape(self) -> float | None:
        return self.whole.baseline_wape


@dataclass(frozen=True, slots=True)
class _Timeline:
    """First day of the history, its complete months, the months ahead; why the history is not known, where it is not."""

    first: date
    months: int
    horizon: int
    missing: str = ""

    @property
    def end(self) -> date:
        return add_months(self.first, self.months)

    def period(self, number: int) -> Period:
        start = add_months(self.first, number)
        return Period(start, add_months(start, 1), f"{start:%Y-%m}")


def forecast(
    accounts: AccountQuerySet,
    *,
    horizon_months: int = HORIZON_MONTHS,
    by: Dimension | str | None = None,
    **choices: Unpack[Choices],
) -> ForecastFigures:
    """Forecast of ``accounts`` (already limited to what the caller may see) from complete months; two queries.

    Two more queries with ``by``: leaves as the accounts stand today, the largest of the last 12 months first. A missing
    rate within the history leaves nothing to forecast from, and the reason names it.
    raises FormulaError : horizon_months outside 1..MAX_HORIZON_MONTHS
    """
    if not 1 <= horizon_months <= MAX_HORIZON_MONTHS:
        raise FormulaError(_("Forecast 1 to %(most)s months ahead.") % {"most": MAX_HORIZON_MONTHS})
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    dimension = Dimension(by) if by else None
    line = _timeline(as_of, horizon_months)
    table, series, leaves = NOBODY, np.zeros((1, 0)), None
    if line.months:
        spans, net, lacking = frames.monthly(scope, first=line.first, months=line.months, level=level)
        units = units_of(spans, level)
        table = AccountTable(units.ids, {}, units.members)
        series, leaves = _series(scope, table, units.sums(net), dimension)
        table = _behind(table, units.sums(net))
        no_records = "" if len(units.ids) else reason_without_records(accounts, choices.get("basis"))
        line = replace(line, missing=missing_rates_sentence(lacking) if lacking else no_records)
    found = _forecasts(series, line, leaves)
    whole = found[0]
    return ForecastFigures(
        horizon_months=horizon_months,
        coverage=INTERVAL_COVERAGE,
        by=dimension,
        whole=whole,
        leaves=tuple(sorted(found[1:], key=_by_size)),
        currency=scope.currency,
        reasons=_reasons(whole, is_tried=bool(whole.origins and not line.missing)),
        passport=passport(
            "forecast", scope=scope, level=level, as_of=as_of, accounts=len(table),
            comparison=Period(line.end, add_months(line.end, horizon_months)),
        ),
        table=table,
    )  # fmt: skip


def _timeline(as_of: date, horizon: int) -> _Timeline:
    last = last_complete_month(as_of)
    known_from = data_start() or add_months(last, 1)
    months = (last.year - known_from.year) * MONTHS_PER_YEAR + last.month - known_from.month + 1
    months = min(max(months, 0), HISTORY_MONTHS)
    return _Timeline(add_months(last, 1 - months), months, horizon)


def _series(
    scope: Scope, table: AccountTable, net: FloatArray, dimension: Dimension | None
) -> tuple[FloatArray, Leaves | None]:
    """(net revenue of the whole and of each leaf, shape (1 + leaves, months); the leaves)."""
    whole = net.sum(axis=0, keepdims=True)
    if dimension is None or not len(table):
        return np.round(whole, 4), None
    leaves = leaves_of(scope, table.shown_ids, dimension)
    parts = np.zeros((len(leaves.keys), net.shape[1]))
    np.add.at(parts, leaves.place, net)
    return np.round(np.concatenate([whole, parts]), 4), leaves


def _behind(table: AccountTable, net: FloatArray) -> AccountTable:
    """The accounts with revenue in the last 24 months, as far as the history reaches."""
    year, before = net[:, -MONTHS_PER_YEAR:], net[:, -2 * MONTHS_PER_YEAR : -MONTHS_PER_YEAR]
    columns = {"ttm_revenue": np.round(year.sum(axis=1), 4), "prior_ttm_revenue": np.round(before.sum(axis=1), 4)}
    return table.with_columns(columns).where((year != 0).any(axis=1) | (before != 0).any(axis=1))


def _forecasts(series: FloatArray, line: _Timeline, leaves: Leaves | None) -> list[SeriesForecast]:
    """Each series with its forecast; months before its first revenue are not part of it."""
    begun = np.logical_or.accumulate(series != 0, axis=1)
    history = np.where(begun, series, np.nan)
    found = best_forecasts(history, horizon=line.horizon)
    names: list[tuple[str, Any]] = [("", "")]
    if leaves is not None:
        names += list(zip(leaves.keys, leaves.labels, strict=True))
    return [_one(name, history[place], found, place, line) for place, name in enumerate(names)]


def _one(name: tuple[str, Any], history: FloatArray, found: Forecasts, place: int, line: _Timeline) -> SeriesForecast:
    known = int(np.isfinite(history).sum())
    months = _months(found, place, line) if found.is_shown[place] and not line.missing else ()
    past = [
        PastMonth(line.period(number), None if line.missing else _amount(history[number]))
        for number in range(max(line.months - SHOWN_PAST_MONTHS, 0), line.months)
    ]
    before = history[-line.horizon :]
    is_known = not line.missing and line.months >= line.horizon
    chosen, baseline = found.chosen, found.baseline
    accuracy: dict[str, FloatArray] = {}
    if not line.missing:
        accuracy |= {"baseline_mase": baseline.mase, "baseline_wape": baseline.wape}
        accuracy |= {"mase": chosen.mase, "wape": chosen.wape} if months else {}
    return SeriesForecast(
        key=name[0],
        label=name[1],
        history_months=known,
        forecast_revenue=sum((month.value for month in months), Decimal(0)) if months else None,
        past_revenue=exact_total(np.nan_to_num(before)) if is_known else None,
        method=str(found.method[place]) if months else None,
        pattern=str(found.pattern[place]),
        origins=int(found.origins[place]),
        train_months=int(found.train_months[place]),
        **{key: _number(accuracy[key][place]) if key in accuracy else None for key in ACCURACY},
        months=months,
        past=tuple(past),
        reason="" if months else line.missing or _why_not(str(found.reason[place]), known, line.horizon),
    )


def _months(found: Forecasts, place: int, line: _Timeline) -> tuple[MonthForecast, ...]:
    return tuple(
        MonthForecast(
            line.period(line.months + step),
            exact_total(found.values[place, step : step + 1]),
            _amount(found.low[place, step]),
            _amount(found.high[place, step]),
        )
        for step in range(line.horizon)
    )


def _why_not(key: str, known: int, horizon: int) -> str:
    if key == ForecastReason.SHORT_HISTORY:
        return reasons.sentence(key, found=known, needed=months_needed(horizon=horizon))
    return reasons.sentence(key)


def _reasons(whole: SeriesForecast, *, is_tried: bool) -> Mapping[str, str]:
    """Why fields of the whole are None, by field."""
    why = {} if whole.is_shown else {"forecast_revenue": whole.reason}
    for name in ACCURACY:
        if getattr(whole, name) is None:
            field = name if name.startswith("baseline") else f"forecast_{name}"
            is_shown = whole.is_shown or name.startswith("baseline")
            why[field] = reasons.sentence("forecast_no_scale") if is_tried and is_shown else whole.reason
    return why


def _by_size(one: SeriesForecast) -> tuple[Decimal, str]:
    year = [month.value for month in one.past[-MONTHS_PER_YEAR:] if month.value is not None]
    return -sum(year, Decimal(0)), one.key


def _amount(value: NDArray[Any] | float) -> Decimal | None:
    return exact_total([float(value)]) if np.isfinite(value) else None


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
