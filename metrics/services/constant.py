"""Revenue at the exchange rates of the base period: growth and bridge without what currencies did (固定汇率)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from crm.lib.periods import Period
from metrics import frames_currency, reasons
from metrics.formulas.currency import constant_currency
from metrics.formulas.exact import FloatArray
from metrics.formulas.retention import Retention, cohort_retention
from metrics.frames import IntArray
from metrics.rates import rate_book
from metrics.reasons import MissingRate
from metrics.scope import Level, Scope
from metrics.services.base import Reasons

COHORT_FIELDS = ("constant_growth_rate", "constant_comparison_revenue", "cohort_fx_effect")
TOTAL_FIELDS = ("constant_overall_growth_rate", "total_constant_comparison_revenue", "fx_effect")


@dataclass(frozen=True, slots=True, eq=False)
class ConstantWindow:
    """Comparison revenue of each account or group at the rates of the same months of the base, shape (u,).

    net : NaN where a rate that it needs is missing; reason : why, empty where every one is known
    is_translated : some record is in another currency than the figures; else net is what was reported
    """

    net: FloatArray
    missing: tuple[MissingRate, ...]
    reason: str
    is_translated: bool

    @classmethod
    def unknown(cls, reported: FloatArray) -> ConstantWindow:
        """Of a comparison that lacks rates itself."""
        return cls(np.full(len(reported), np.nan), (), "", is_translated=True)

    def only(self, chosen: Any) -> ConstantWindow:
        """The same of some of the units."""
        return ConstantWindow(self.net[chosen], self.missing, self.reason, self.is_translated)

    def fx_effect(self, reported: FloatArray) -> FloatArray:
        """Reported - constant, shape (u,)."""
        return np.round(reported - self.net, 4)


def constant_window(
    scope: Scope, ids: IntArray, reported: FloatArray, *, base: Period, comparison: Period, level: Level
) -> ConstantWindow:
    """What was reported where one currency is all there is, without a query; else two small look-ups and one read.

    ids, reported : accounts or groups, ascending, and their revenue of the comparison, (u,)
    """
    if not scope.is_translated:
        return ConstantWindow(reported, (), "", is_translated=False)
    months = rate_months(base, comparison)
    rows = frames_currency.currency_months(scope, comparison, level=level)
    rates = _base_rates(scope, months, count=comparison.months)
    found = constant_currency(
        np.searchsorted(ids, rows.unit_ids), rows.currency, rows.month, np.zeros(len(rows.net)), rows.net,
        accounts=len(ids), base_rates=rates, comparison_rates=rates,
    )  # fmt: skip
    net = np.round(found.constant, 4)
    if months is None:
        reason = reasons.sentence("no_base_month") if found.missing else ""
        return ConstantWindow(net, (), reason, is_translated=True)
    lacking = {(months[rate.month], scope.currencies[rate.currency]) for rate in found.missing}
    missing = tuple(MissingRate(month, currency, scope.currency) for month, currency in sorted(lacking))
    reason = reasons.missing_rates_sentence(missing) if missing else ""
    return ConstantWindow(net, missing, reason, is_translated=True)


def _base_rates(scope: Scope, months: tuple[date, ...] | None, *, count: int) -> list[list[float]]:
    """The rate of each currency in view (rows) for each month of the comparison, NaN where there is none.

    months : those of the base whose rates they take; None where the base lacks some: then only the currency of the
    figures has a rate, which suffices those who bought in no other
    """
    if months is None:
        return [[1.0 if currency == scope.currency else np.nan] * count for currency in scope.currencies]
    book = rate_book(scope.currency, currencies=scope.currencies, first=min(months), last=max(months))
    return [[_as_float(book.of_month(currency, month)) for month in months] for currency in scope.currencies]


def rate_months(base: Period, comparison: Period) -> tuple[date, ...] | None:
    """For each month that the comparison touches, the month of the base whose rates it takes; None where one has none.

    The same month of the year; of periods of several years that begin in the same month, the one as far into the base.
    A quarter against the one before has no such month: there the first stands for the first, and so on.
    """
    wanted, known = comparison.month_starts, base.month_starts
    is_as_long = len(wanted) == len(known)
    if is_as_long and wanted[0].month == known[0].month:
        return known
    by_name = {month.month: month for month in known}  # of several years the last
    if all(month.month in by_name for month in wanted):
        return tuple(by_name[month.month] for month in wanted)
    return known if is_as_long else None


def constant_growth(base_net: FloatArray, found: Retention, window: ConstantWindow, why: Reasons) -> Mapping[str, Any]:
    """COHORT_FIELDS and TOTAL_FIELDS; each None with its reason where a rate that it needs is missing.

    found : the reported figures; reported = constant + effect, in money to the last digit, in rates as fractions of the
    base. fx_effect counts all accounts, cohort_fx_effect the same customers.
    """
    fields: dict[str, Any] = dict.fromkeys((*COHORT_FIELDS, *TOTAL_FIELDS))
    existing, is_known = base_net > 0, ~np.isnan(window.net)
    if is_known[existing].all():
        cohort = cohort_retention(base_net[existing], window.net[existing])
        fields |= {
            "constant_growth_rate": why.rate("constant_growth_rate", cohort.growth_rate, "no_cohort"),
            "constant_comparison_revenue": cohort.comparison_revenue,
            "cohort_fx_effect": found.comparison_revenue - cohort.comparison_revenue,
        }
    else:
        why.undefined(COHORT_FIELDS, window.reason)
    if is_known.all():
        every = cohort_retention(base_net, window.net)
        fields |= {
            "constant_overall_growth_rate": why.rate(
                "constant_overall_growth_rate", every.overall_growth_rate, "no_base"
            ),
            "total_constant_comparison_revenue": every.total_comparison_revenue,
            "fx_effect": found.total_comparison_revenue - every.total_comparison_revenue,
        }
    else:
        why.undefined(TOTAL_FIELDS, window.reason)
    return fields


def _as_float(rate: Any) -> float:
    return float("nan") if rate is None else float(rate)
