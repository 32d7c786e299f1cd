"""What one account is still worth, by which method, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrics import frames, reasons
from metrics.formulas.exact import exact_total
from metrics.formulas.lifetime import simple_lifetime_value
from metrics.formulas.margin import gross_profit
from metrics.frames import Windows
from metrics.frames_contracts import contract_state
from metrics.scope import Scope
from metrics.selectors import data_start
from metrics.services.lifetime import (
    FORMULA,
    RETENTION_RANGE,
    AccountLifetimes,
    account_lifetimes,
    explain_intervals,
)
from metrics.services.lifetime_contracts import ContractValues, RenewalCohort, contract_values, renewal_cohorts
from metrics.services.lifetime_fit import FittedLifetime, lifetime_fit
from metrics.services.lifetime_interval import Outlook, intervals

ESTIMATES = ("p_alive", "expected_orders", "expected_revenue", "clv")


def lifetime_of_account(
    pk: int, *, scope: Scope, windows: Windows, outlook: Outlook, why: dict[str, str]
) -> dict[str, Any]:
    """The lifetime fields of AccountMetrics; ``scope`` holds the account alone, ``windows`` begin with its TTM."""
    fitted = lifetime_fit(as_of=outlook.as_of, basis=scope.basis, currency=scope.currency)
    histories = frames.histories(scope, as_of=outlook.as_of)
    asked: dict[str, Any] = {
        "as_of": outlook.as_of, "horizon_months": outlook.horizon_months, "discount": outlook.discount,
    }  # fmt: skip
    mine = contract_values(scope, np.array([pk], dtype=np.int64), **asked)
    has_ordered = len(histories.account_ids) > 0
    signed = mine if has_ordered else contract_values(scope, histories.account_ids, **asked)
    found = account_lifetimes(fitted, histories, windows, signed, **asked)
    if has_ordered:
        _explain(fitted, found, why)
    else:
        why |= dict.fromkeys(ESTIMATES, reasons.sentence("no_order"))
    state = contract_state(currency=scope.currency)
    sure = intervals(scope, fitted, found.valued(rests_on=state), outlook)
    ends = sure.totals if has_ordered else dict.fromkeys(sure.totals)
    explain_intervals(replace(sure, totals=ends), why)
    low, high = _by_formula(windows, outlook, why)
    return {
        **ends,
        **_contracts(mine, renewal_cohorts(state, outlook.as_of), why),
        "p_alive": _first(found.p_alive),
        "expected_orders": _first(found.expected_orders),
        "expected_revenue": _money(_first(found.expected_revenue)),
        "clv": _money(_first(found.clv)),
        "simple_clv_low": low,
        "simple_clv_high": high,
        "method": str(found.method[0]) if has_ordered else FORMULA,
        "data_grade": str(found.grade[0]) if has_ordered else "C",
    }


def _explain(fitted: FittedLifetime, found: AccountLifetimes, why: dict[str, str]) -> None:
    """Why a lifetime figure of the one account is undefined."""
    if fitted.model is None:
        why |= dict.fromkeys(("p_alive", "expected_orders"), fitted.sentence())
    elif found.is_closed[0]:
        why["p_alive"] = reasons.sentence("account_closed")
    elif found.repeats[0] == 0:
        why["p_alive"] = reasons.sentence("one_order_day")
    if not np.isfinite(found.expected_revenue[0]):
        sentence = fitted.sentence() or fitted.spend_sentence() or reasons.sentence("lifetime_missing_rates")
        why |= dict.fromkeys(("expected_revenue", "clv"), sentence)
    elif not np.isfinite(found.clv[0]):
        why["clv"] = reasons.sentence("no_cost")


def _contracts(mine: ContractValues, cohorts: Mapping[int, RenewalCohort], why: dict[str, str]) -> dict[str, Any]:
    """What is signed, and by which model the renewals of the account's contracts are valued, if by any."""
    months, method = int(mine.cohort[0]), str(mine.method[0]) or None
    if not months:
        why |= dict.fromkeys(("contract_value", "renewal_method"), reasons.sentence("no_contract"))
    elif not mine.has_schedule[0]:
        why |= dict.fromkeys(("contract_value", "renewal_method"), reasons.sentence("contract_no_amount"))
    elif method is None:
        why["renewal_method"] = cohorts[months].sentence()
    return {"contract_value": _money(_first(mine.signed)), "renewal_method": method}


def _by_formula(windows: Windows, outlook: Outlook, why: dict[str, str]) -> tuple[Decimal | None, Decimal | None]:
    """Value by formula of the gross profit of the TTM, for the two ends of RETENTION_RANGE."""
    parts = (windows.net, windows.cost, windows.lines_without_cost)
    profit = gross_profit(*(values[0, :1] if len(values) else np.zeros(1) for values in parts))
    known_from = data_start()
    sentence = ""
    if known_from is None or windows.periods[0].start < known_from:
        sentence = reasons.sentence("formula_short_history")
    elif windows.missing or not np.isfinite(profit).all():
        sentence = why.get("ttm_gross_profit") or reasons.sentence("no_cost")
    if sentence:
        why |= dict.fromkeys(("simple_clv_low", "simple_clv_high"), sentence)
        return None, None
    low, high = (exact_total(simple_lifetime_value(profit, [r], discount=outlook.discount)) for r in RETENTION_RANGE)
    return low, high


def _first(values: NDArray[Any]) -> float | None:
    return float(values[0]) if len(values) and np.isfinite(values[0]) else None


def _money(value: float | None) -> Decimal | None:
    return None if value is None else exact_total([value])
