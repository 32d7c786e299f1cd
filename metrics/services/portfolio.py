"""Do our customers grow, do they stay, and what moved the revenue? Growth, retention and the bridge of two periods."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.enums import RevenueBasis
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, check_comparable
from metrics import frames
from metrics.formulas import bridge as bridge_formula
from metrics.formulas import growth as growth_formula
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.exact import DateArray, FloatArray
from metrics.formulas.retention import cohort_retention
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope, scope_of
from metrics.selectors import default_as_of
from metrics.services.base import AccountRow, AccountTable, Answer, Reasons, blank, passport, rates_missing, units_of
from metrics.services.choices import Choices
from metrics.services.constant import ConstantWindow, constant_growth, constant_window
from metrics.services.empty_basis import reason_without_records

CONSTANT_BRIDGE = ("constant_lines", "fx_effect", "constant_growth_rate", "constant_overall_growth_rate")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Growth(Answer):
    """Money has 4 decimals, rates are fractions; what is None has its reason.

    constant_…: the comparison at the rates of the base period; reported = constant + fx_effect. cohort_fx_effect is the
    part of the same customers, fx_effect that of all accounts; missing_rates are those that some figure waits for.
    """

    cohort_accounts: int | None
    base_revenue: Decimal | None
    comparison_revenue: Decimal | None
    growth_rate: float | None
    total_base_revenue: Decimal | None
    total_comparison_revenue: Decimal | None
    overall_growth_rate: float | None
    constant_growth_rate: float | None
    constant_comparison_revenue: Decimal | None
    cohort_fx_effect: Decimal | None
    constant_overall_growth_rate: float | None
    total_constant_comparison_revenue: Decimal | None
    fx_effect: Decimal | None
    missing_rates: tuple[MissingRate, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RetentionFigures(Answer):
    cohort_accounts: int | None
    retained_accounts: int | None
    logo_retention: float | None
    gross_revenue_retention: float | None
    net_revenue_retention: float | None


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar of the bridge."""

    amount: Decimal | None
    accounts: int | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BridgeFigures(Answer):
    """opening + the lines = closing, to the last digit; contraction and churned are negative.

    ``table`` has, beside base and comparison, one column a line: what each account adds to it. opening +
    constant_lines (the same lines with the comparison at the rates of the base period) + fx_effect = closing, too.
    """

    bars: Mapping[str, Bar]
    new_in_comparison: Bar
    new_between: Bar
    constant_lines: Mapping[str, Bar]
    fx_effect: Bar
    constant_growth_rate: float | None
    constant_overall_growth_rate: float | None
    missing_rates: tuple[MissingRate, ...]

    def behind(self, line: str, *, limit: int | None = None, offset: int = 0) -> list[AccountRow]:
        """Accounts of one line, largest effect first; its count is ``bars[line].accounts``."""
        column = {"opening": "base", "closing": "comparison"}.get(line, line)
        effect = self.table.columns[column]
        mask = effect > 0 if line in ("opening", "closing") else effect != 0
        chosen = self.table.where(np.asarray(mask))
        return chosen.rows(order_by=column, by_size=True, limit=limit, offset=offset)


@dataclass(frozen=True, slots=True, eq=False)
class TwoPeriods:
    """Both windows of every account or group, loaded once; growth, retention and bridge are read off it.

    constant : the comparison at the rates of the base period
    """

    scope: Scope
    level: Level
    base: Period
    comparison: Period
    as_of: date
    table: AccountTable
    base_net: FloatArray
    comparison_net: FloatArray
    first_revenue_on: DateArray
    missing: tuple[MissingRate, ...]
    constant: ConstantWindow
    no_records: str = ""  # why nothing can be said on this basis, empty where something can

    @property
    def is_unknown(self) -> bool:
        return bool(self.missing or self.no_records)

    @property
    def is_translated(self) -> bool:
        """Some record is in another currency than the figures, so that rates move them."""
        return self.scope.is_translated

    @property
    def no_cohort(self) -> str:
        """Why no ratio of the cohort exists; recognised revenue that nobody booked has a stand-in elsewhere, never here."""
        is_unbooked = self.scope.basis == RevenueBasis.RECOGNISED and not len(self.table)
        return "no_recognised" if is_unbooked else "no_cohort"

    def growth(self) -> Growth:
        if self.is_unknown:
            unknown: dict[str, Any] = {name: None for name in blank(Growth) if name != "missing_rates"}
            return Growth(**self._answer("growth", undefined=unknown), **unknown, missing_rates=self.missing)
        found, why = cohort_retention(self.base_net, self.comparison_net), Reasons()
        return Growth(
            cohort_accounts=found.cohort_accounts,
            base_revenue=found.base_revenue,
            comparison_revenue=found.comparison_revenue,
            growth_rate=why.rate("growth_rate", found.growth_rate, self.no_cohort),
            total_base_revenue=found.total_base_revenue,
            total_comparison_revenue=found.total_comparison_revenue,
            overall_growth_rate=why.rate("overall_growth_rate", found.overall_growth_rate, "no_base"),
            missing_rates=self.constant.missing,
            **constant_growth(self.base_net, found, self.constant, why),
            **self._answer("growth", why=why),
        )

    def retention(self) -> RetentionFigures:
        if self.is_unknown:
            return RetentionFigures(
                **self._answer("retention", undefined=blank(RetentionFigures)), **blank(RetentionFigures)
            )
        found, why = cohort_retention(self.base_net, self.comparison_net), Reasons()
        return RetentionFigures(
            cohort_accounts=found.cohort_accounts,
            retained_accounts=found.retained_accounts,
            logo_retention=why.rate("logo_retention", found.logo_retention, self.no_cohort),
            gross_revenue_retention=why.rate("gross_revenue_retention", found.gross_revenue_retention, self.no_cohort),
            net_revenue_retention=why.rate("net_revenue_retention", found.net_revenue_retention, self.no_cohort),
            **self._answer("retention", why=why),
        )

    def bridge(self) -> BridgeFigures:
        names, lines = ["opening", *map(str, BridgeLine), "closing"], tuple(map(str, BridgeLine))
        if self.is_unknown:
            empty = Bar(None, None)
            return BridgeFigures(
                bars=dict.fromkeys(names, empty), new_in_comparison=empty, new_between=empty,
                constant_lines=dict.fromkeys(lines, empty), fx_effect=empty, constant_growth_rate=None,
                constant_overall_growth_rate=None, missing_rates=self.missing,
                **self._answer("bridge", undefined=[*names, *CONSTANT_BRIDGE]),
            )  # fmt: skip
        found, why = self._bridge_of(self.comparison_net), Reasons()
        constant = constant_growth(
            self.base_net, cohort_retention(self.base_net, self.comparison_net), self.constant, why
        )
        shares = {str(line): effect for line, effect in found.effects.items()}
        answer = self._answer("bridge", why=why)
        return BridgeFigures(
            bars={"opening": bar_of(found.opening), **bars_of(found.lines), "closing": bar_of(found.closing)},
            new_in_comparison=bar_of(found.new_in_comparison),
            new_between=bar_of(found.new_between),
            constant_lines=self._constant_lines(constant["fx_effect"], why),
            fx_effect=self._fx_bar(constant["fx_effect"]),
            constant_growth_rate=constant["constant_growth_rate"],
            constant_overall_growth_rate=constant["constant_overall_growth_rate"],
            missing_rates=self.constant.missing,
            **(answer | {"reasons": _of_bridge(why), "table": self.table.with_columns(shares)}),
        )

    def _bridge_of(self, comparison: FloatArray) -> bridge_formula.Bridge:
        return bridge_formula.revenue_bridge(
            self.base_net, comparison, self.first_revenue_on,
            base_end=np.datetime64(self.base.end), comparison_start=np.datetime64(self.comparison.start),
        )  # fmt: skip

    def _constant_lines(self, fx_effect: Decimal | None, why: Reasons) -> dict[str, Bar]:
        """The lines with the comparison at the rates of the base period."""
        if fx_effect is None:
            why.undefined(["constant_lines"], self.constant.reason)
            return dict.fromkeys(map(str, BridgeLine), Bar(None, None))
        return bars_of(self._bridge_of(self.constant.net).lines)

    def _fx_bar(self, amount: Decimal | None) -> Bar:
        if amount is None:
            return Bar(None, None)
        return Bar(amount, int((self.constant.fx_effect(self.comparison_net) != 0).sum()))

    def _why_unknown(self, names: list[str]) -> dict[str, str]:
        return dict.fromkeys(names, self.no_records) if self.no_records else rates_missing(self.missing, names)

    def _answer(self, metric: str, *, undefined: Iterable[str] = (), why: Reasons | None = None) -> dict[str, Any]:
        return {
            "currency": self.scope.currency,
            "reasons": why.frozen() if why else self._why_unknown(list(undefined)),
            "passport": passport(
                metric, scope=self.scope, level=self.level, as_of=self.as_of, accounts=len(self.table),
                base=self.base, comparison=self.comparison,
            ),
            "table": self.table,
        }  # fmt: skip


def two_periods(
    accounts: AccountQuerySet,
    *,
    base: Period,
    comparison: Period,
    basis: str | None = None,
    level: Level | str = Level.ENTITY,
    membership: Membership | str | None = None,
    currency: str | None = None,
    as_of: date | None = None,
    credit_notes: str | None = None,
) -> TwoPeriods:
    """Revenue of every account of ``accounts`` (already limited to what the caller may see) in two periods.

    One query over the monthly roll-up (the daily one for windows that cut a month); where records are in another currency
    than the figures, one more of the comparison and the rates of the base. Accounts without revenue in either
    window are left out. Raises PeriodError unless the base ends before the comparison begins.
    """
    check_comparable(base, comparison)
    scope = scope_of(accounts, basis=basis, currency=currency, credit_notes=credit_notes, membership=membership)
    level = Level(level)
    frame = frames.windows(scope, [base, comparison], level=level)
    units = units_of(frame.spans, level)
    net, first = units.sums(frame.net), units.earliest(frame.spans.first_revenue_on)
    constant = (
        ConstantWindow.unknown(net[:, 1])
        if frame.missing
        else constant_window(scope, units.ids, net[:, 1], base=base, comparison=comparison, level=level)
    )
    is_behind = (net != 0).any(axis=1) | units.any(frame.is_missing).any(axis=1) | (constant.net != 0)
    net, first, ids, constant = net[is_behind], first[is_behind], units.ids[is_behind], constant.only(is_behind)
    columns: dict[str, NDArray[np.float64]] = {
        "base": net[:, 0], "comparison": net[:, 1], "change": np.round(net[:, 1] - net[:, 0], 4),
        "growth_rate": growth_formula.growth_rate(net[:, 0], net[:, 1]),
    }  # fmt: skip
    if constant.is_translated:
        columns |= {"constant": constant.net, "fx_effect": constant.fx_effect(net[:, 1])}
    return TwoPeriods(
        scope=scope,
        level=level,
        base=base,
        comparison=comparison,
        as_of=as_of or default_as_of(),
        table=AccountTable(ids, dict(columns), units.members),
        base_net=net[:, 0],
        comparison_net=net[:, 1],
        first_revenue_on=first,
        missing=frame.missing,
        constant=constant,
        no_records="" if len(ids) else reason_without_records(accounts, basis),
    )


def bar_of(total: bridge_formula.LineTotal) -> Bar:
    return Bar(total.amount, total.accounts)


def bars_of(lines: Mapping[BridgeLine, bridge_formula.LineTotal]) -> dict[str, Bar]:
    return {str(line): bar_of(total) for line, total in lines.items()}


def _of_bridge(why: Reasons) -> dict[str, str]:
    """Reasons of the fields that a bridge has; growth gives more."""
    return {name: reason for name, reason in why.frozen().items() if name in CONSTANT_BRIDGE}


def growth(accounts: AccountQuerySet, *, base: Period, comparison: Period, **choices: Unpack[Choices]) -> Growth:
    """Same-customer and overall growth; choices as in ``two_periods``."""
    return two_periods(accounts, base=base, comparison=comparison, **choices).growth()


def retention(
    accounts: AccountQuerySet, *, base: Period, comparison: Period, **choices: Unpack[Choices]
) -> RetentionFigures:
    """Net, gross and customer retention; choices as in ``two_periods``."""
    return two_periods(accounts, base=base, comparison=comparison, **choices).retention()


def bridge(accounts: AccountQuerySet, *, base: Period, comparison: Period, **choices: Unpack[Choices]) -> BridgeFigures:
    """The revenue bridge; choices as in ``two_periods``."""
    return two_periods(accounts, base=base, comparison=comparison, **choices).bridge()
