"""The drawers of the figures of what comes next: the answer, and the accounts behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.querysets import AccountQuerySet
from crm.web.figure import Kind
from crm.web.products_form import rule_of
from metrics.definitions import METRICS
from metrics.formulas.decline import RiskBand
from metrics.periods import read_period
from metrics.services.association import association
from metrics.services.base import Answer
from metrics.services.decline import decline
from metrics.services.forecast import HORIZON_MONTHS, MAX_HORIZON_MONTHS, forecast
from metrics.services.patterns import patterns
from metrics.services.whitespace import By, whitespace

Heads = Sequence[tuple[Any, str, Kind]]
FORECAST = frozenset({"forecast_revenue", "forecast_mase", "forecast_wape", "baseline_mase", "baseline_wape"})
BANDS = {"at_risk_accounts": RiskBand.HIGH, "at_risk_money": RiskBand.HIGH, "watch_accounts": RiskBand.WATCH}
LATE = frozenset({"late_rhythm_accounts", "late_rhythm_money"})
DECLINE = frozenset({*BANDS, *LATE, "points_precision", "baseline_precision"})
WHITESPACE = frozenset({"gap_value", "gap_revenue"})
ASSOCIATION = frozenset({
    "tested_pairs", "met_rules", "shown_rules", "missing_accounts", "rule_support", "rule_confidence", "rule_lift",
    "rule_leverage", "rule_p_value",
})  # fmt: skip
PATTERNS = frozenset({
    "usual_interval_days", "order_day_size", "breadth", "breadth_change", "products_bought", "new_product_share",
    "peak_month_index", "peak_weekday_share",
})  # fmt: skip
NEXT_KEYS = FORECAST | DECLINE | WHITESPACE | ASSOCIATION | PATTERNS
_STAKE, _POINTS, _RHYTHM = (
    (_("At stake"), "money_at_stake", Kind.MONEY),
    (_("Points"), "points", Kind.SCORE),
    (_("Order rhythm"), "rhythm", Kind.SCORE),
)
FORECAST_HEADS: Heads = (
    (_("Revenue, 12 months"), "ttm_revenue", Kind.MONEY),
    (_("12 months before"), "prior_ttm_revenue", Kind.MONEY),
)
PATTERN_HEADS: Heads = (
    (_("Revenue"), "revenue", Kind.MONEY),
    (_("Usual interval, days"), "usual_interval", Kind.SCORE),
    (_("Products"), "products", Kind.COUNT),
)
RULE_HEADS: Heads = (FORECAST_HEADS[0], (_("of it with A"), "antecedent_revenue", Kind.MONEY))


def next_answer(key: str, accounts: AccountQuerySet, params: Mapping[str, Any], **choices: Any) -> tuple[Answer, Heads]:
    """(answer with the accounts behind the figure, their columns). Raises PeriodError for a bad period."""
    if key in FORECAST:
        return forecast(accounts, horizon_months=_horizon(params.get("horizon_months", "")), **choices), FORECAST_HEADS
    if key in WHITESPACE:
        by = By.PRODUCT if params.get("by") == By.PRODUCT else By.CATEGORY
        heads = ((METRICS[key].label, key, Kind.MONEY), FORECAST_HEADS[0])
        return whitespace(accounts, by=by, currency=choices.get("currency"), basis=choices.get("basis")), heads
    if key in ASSOCIATION | PATTERNS:
        return _of_products(key, accounts, params, currency=choices.get("currency"), basis=choices.get("basis"))
    risks = decline(accounts, **choices)
    table = risks.table
    if key in BANDS:
        return replace(risks, table=table.where(table.columns["band"] == str(BANDS[key]))), (_STAKE, _POINTS, _RHYTHM)
    if key in LATE:
        return replace(risks, table=table.where(risks.is_late_rhythm)), (_STAKE, _RHYTHM, _POINTS)
    return risks, ((_POINTS, _RHYTHM, _STAKE) if key == "points_precision" else (_RHYTHM, _POINTS, _STAKE))


def _of_products(key: str, accounts: AccountQuerySet, params: Mapping[str, Any], **ledger: Any) -> tuple[Answer, Heads]:
    """Products are summed up as they were booked, wherever credit notes count."""
    if key in ASSOCIATION:
        rule: dict[str, Any] = rule_of(params.get("rule", ""))
        return association(accounts, **ledger, **rule), RULE_HEADS
    period = read_period(params["period"]) if params.get("period") else None
    return patterns(accounts, period=period, **ledger), PATTERN_HEADS


def _horizon(text: str) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) < 4
    return min(max(int(text), 1), MAX_HORIZON_MONTHS) if is_number else HORIZON_MONTHS
