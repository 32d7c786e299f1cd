"""What are our customers still worth? Expected orders, their value, their margin, discounted; account by account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import FormulaError
from crm.lib.periods import Period, ttm
from metrics import frames, reasons
from metrics.formulas import bgnbd, gammagamma, uncertainty
from metrics.formulas.exact import BoolArray, FloatArray, exact_total
from metrics.formulas.lifetime import simple_lifetime_value
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.frames import LEDGER_START, Histories, Windows
from metrics.frames_contracts import contract_state
from metrics.scope import Level, Scope
from metrics.selectors import data_start, default_as_of
from metrics.services.base import AccountTable, Answer, passport
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty
from metrics.services.lifetime_contracts import ContractValues, RenewalCohort, contract_values, renewal_cohorts
from metrics.services.lifetime_fit import METHOD, TIME_UNIT, FittedLifetime, Purchases, lifetime_fit, purchases_of
from metrics.services.lifetime_interval import Intervals, Outlook, Valued, intervals

HORIZON_MONTHS = 36
MAX_HORIZON_MONTHS = 120
YEARLY_DISCOUNT = 0.10
MAX_YEARLY_DISCOUNT = 1.0
OF_THE_BASE = ("accounts", "log_likelihood", "spend_log_likelihood")  # tell how large the whole base is
FORMULA = "formula"  # method of an account that no model speaks for: history, and a value by formula for a range
RETENTION_RANGE = (0.6, 0.9)  # of the formula, where the model has too little data; a range says that it is one


@dataclass(frozen=True, slots=True, eq=False)
class AccountLifetimes:
    """Per account that has ordered by the as-of, ascending by id; NaN where undefined.

    expected_revenue is discounted; clv is its margin. method: of the account (domain.md 2.4), FORMULA where no model
    speaks for it. grade: how far one account's figure can be trusted, as ``metrics.formulas.uncertainty.data_grades``
    says.
    """

    account_ids: NDArray[np.int64]
    p_alive: FloatArray
    expected_orders: FloatArray
    expected_revenue: FloatArray
    margin: FloatArray
    clv: FloatArray
    grade: NDArray[np.str_]
    is_closed: BoolArray
    repeats: NDArray[np.int64]
    purchases: Purchases
    method: NDArray[np.str_]
    contracts: ContractValues

    def valued(self, *, rests_on: str) -> Valued:
        """What an interval needs of them."""
        fixed = {"clv": self.clv, "expected_revenue": self.expected_revenue}
        is_drawn = ~self.is_closed & (self.method == METHOD)
        return Valued(self.account_ids, self.purchases, self.margin, is_drawn, fixed, rests_on)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LifetimeFigures(Answer):
    """The model and the portfolio's value. accounts: customers of the whole base behind the fit, known like the
    likelihoods only where all of them are in view; clv_accounts: of those
    in view, the ones whose margin is known; methods: how many of them are valued by which; contract_value: what running
    contracts still bring, a part of expected_revenue; renewals: the models of contracts. simple_clv_low and _high: by formula for RETENTION_RANGE. The other
    ends are the middle 80 % of refits on resampled customers: of the expectation, not of what chance then brings."""

    method: str | None
    time_unit: str
    parameters: dict[str, float] | None
    log_likelihood: float | None
    spend_log_likelihood: float | None
    correlation: float | None
    is_dependent: bool
    accounts: int | None
    horizon_months: int
    discount: float
    clv: Decimal | None
    clv_low: Decimal | None
    clv_high: Decimal | None
    expected_revenue: Decimal | None
    expected_revenue_low: Decimal | None
    expected_revenue_high: Decimal | None
    expected_orders: float | None
    clv_accounts: int
    contract_value: Decimal | None
    methods: Mapping[str, int]
    renewals: tuple[RenewalCohort, ...]
    simple_clv_low: Decimal | None
    simple_clv_high: Decimal | None


@says_why_empty
def lifetime(
    accounts: AccountQuerySet,
    *,
    horizon_months: int = HORIZON_MONTHS,
    discount: float = YEARLY_DISCOUNT,
    **choices: Unpack[Choices],
) -> LifetimeFigures:
    """Model of the whole base, value of ``accounts`` (already limited to what the caller may see).

    Entity level throughout: a group's value is the sum of its members'. Raises FormulaError for a horizon outside
    1..MAX_HORIZON_MONTHS or a discount outside 0..MAX_YEARLY_DISCOUNT.
    """
    check_outlook(horizon_months, discount)
    as_of = choices.get("as_of") or default_as_of()
    scope, is_whole = asked_scope(accounts, choices), accounts.is_everything
    fitted = lifetime_fit(as_of=as_of, basis=scope.basis, currency=scope.currency, credit_notes=scope.credit_notes)
    histories, windows = load(scope, as_of=as_of)
    signed = contract_values(
        scope, histories.account_ids, as_of=as_of, horizon_months=horizon_months, discount=discount
    )  # fmt: skip
    found = account_lifetimes(
        fitted, histories, windows, signed, as_of=as_of, horizon_months=horizon_months, discount=discount
    )
    why: dict[str, str] = {}
    totals = _totals(fitted, found, why)
    _explain_spend(fitted, why)
    state = contract_state(currency=scope.currency)
    sure = intervals(scope, fitted, found.valued(rests_on=state), Outlook(as_of, horizon_months, discount))
    explain_intervals(sure, why)
    low, high = _simple_range(windows, discount, why)
    if not is_whole:
        why = dict.fromkeys(OF_THE_BASE, reasons.sentence("lifetime_of_the_base")) | why
    ends: dict[str, Any] = dict(sure.totals)
    return LifetimeFigures(
        **_of_fit(fitted, is_whole=is_whole),
        **ends,
        horizon_months=horizon_months,
        discount=discount,
        clv=totals[0],
        expected_revenue=totals[1],
        expected_orders=totals[2],
        clv_accounts=int(np.isfinite(found.clv).sum()),
        contract_value=_signed_total(found.contracts, why),
        methods=_counted(found.method),
        renewals=_renewals(state, as_of, found.contracts, is_whole=is_whole),
        simple_clv_low=low,
        simple_clv_high=high,
        currency=scope.currency,
        reasons=why,
        passport=passport(
            "lifetime", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=len(found.account_ids),
            comparison=ttm(as_of),
        ),
        table=_table(found, sure),
    )  # fmt: skip


def _of_fit(fitted: FittedLifetime, *, is_whole: bool) -> dict[str, Any]:
    """What the figures say of the model behind them; whoever sees a part of the base is not told how large it is."""
    known: dict[str, Any] = {
        "method": fitted.method,
        "time_unit": TIME_UNIT,
        "parameters": fitted.parameters or None,
        "log_likelihood": fitted.log_likelihood,
        "spend_log_likelihood": fitted.spend_log_likelihood,
        "correlation": fitted.correlation,
        "is_dependent": abs(fitted.correlation or 0) > gammagamma.STRONG_CORRELATION,
        "accounts": fitted.accounts,
    }
    return known if is_whole else known | dict.fromkeys(OF_THE_BASE)


def _renewals(state: str, as_of: date, signed: ContractValues, *, is_whole: bool) -> tuple[RenewalCohort, ...]:
    """Of whom a part is in view, the lengths that running contracts of theirs have, without counts of the whole base."""
    cohorts = renewal_cohorts(state, as_of)
    if is_whole:
        return tuple(cohorts.values())
    terms = set(signed.cohort.tolist())
    return tuple(replace(cohort, contracts=None, points=None) for months, cohort in cohorts.items() if months in terms)


def _counted(methods: NDArray[Any]) -> dict[str, int]:
    used, times = np.unique(methods, return_counts=True)
    return dict(zip(used.tolist(), times.tolist(), strict=True))


def _table(found: AccountLifetimes, sure: Intervals) -> AccountTable:
    return AccountTable(
        found.account_ids,
        {
            "clv": found.clv, "expected_revenue": found.expected_revenue, "expected_orders": found.expected_orders,
            "p_alive": found.p_alive, "margin": found.margin, "grade": found.grade, "method": found.method,
            "contract_value": found.contracts.signed, **sure.columns,
        },
    )  # fmt: skip


def _explain_spend(fitted: FittedLifetime, why: dict[str, str]) -> None:
    """Why nothing is known of what orders are worth, or of how far that hangs on their number."""
    if fitted.spend is None:
        sentence = fitted.sentence() or fitted.spend_sentence()
        why |= dict.fromkeys(("spend_log_likelihood", "correlation"), sentence)
    elif fitted.correlation is None:
        why["correlation"] = reasons.sentence("no_correlation")


def explain_intervals(sure: Intervals, why: dict[str, str]) -> None:
    """Why an end is None: a value that is not known has no interval either."""
    for name, end in ((end.rsplit("_", 1)[0], end) for end in sure.totals):
        if sure.totals[end] is None:
            why[end] = why.get(name) or sure.reason or reasons.sentence("interval_unknown")


def check_outlook(horizon_months: int, discount: float) -> None:
    if not 1 <= horizon_months <= MAX_HORIZON_MONTHS:
        raise FormulaError(f"horizon_months must lie in 1 to {MAX_HORIZON_MONTHS}")
    if not 0 <= discount <= MAX_YEARLY_DISCOUNT:
        raise FormulaError(f"discount must lie in 0 to {MAX_YEARLY_DISCOUNT:g}, a fraction a year")


def load(scope: Scope, *, as_of: date) -> tuple[Histories, Windows]:
    """Order histories to ``as_of``, and sums of the TTM and of everything up to its end; two queries."""
    year = ttm(as_of)
    return frames.histories(scope, as_of=as_of), frames.windows(
        scope, [year, Period(LEDGER_START, year.end)], with_cost=True
    )


def account_lifetimes(
    fitted: FittedLifetime,
    histories: Histories,
    windows: Windows,
    signed: ContractValues,
    *,
    as_of: date,
    horizon_months: int = HORIZON_MONTHS,
    discount: float = YEARLY_DISCOUNT,
) -> AccountLifetimes:
    """Value of each account; windows as from ``load``: the margin is that of the TTM, or of all history where the TTM
    has no revenue. An account whose contracts have a model is valued by it, any other by its orders; a closed one expects
    nothing."""
    n = len(histories.account_ids)
    place = np.searchsorted(windows.spans.account_ids, histories.account_ids)
    is_closed = np.asarray(windows.spans.closed_on[place] <= np.datetime64(as_of))
    margin = known_margin(windows)[place]
    purchases = purchases_of(histories, as_of=as_of)
    alive, orders, revenue = np.full(n, np.nan), np.full(n, np.nan), np.full(n, np.nan)
    if fitted.model:
        own = (purchases.frequency, purchases.recency, purchases.age)
        outlook = Outlook(as_of, horizon_months, discount)
        alive = np.where(purchases.frequency > 0, bgnbd.probability_alive(fitted.model, *own), np.nan)
        orders = bgnbd.expected_purchases(fitted.model, *own, outlook.steps)
        discounted = bgnbd.discounted_purchases(
            fitted.model, *own, steps=outlook.steps, discount=outlook.weekly
        )  # fmt: skip
        orders, discounted = np.where(is_closed, 0.0, orders), np.where(is_closed, 0.0, discounted)
        if fitted.spend:
            revenue = discounted * _expected_values(fitted.spend, purchases.frequency, purchases.mean_value)
    method = np.where(signed.method == "", METHOD if fitted.model else FORMULA, signed.method)
    by_contract = np.where(is_closed, 0.0, signed.expected)
    revenue = np.where(signed.method == "", revenue, by_contract)
    clv = np.where(revenue == 0, 0.0, revenue * margin)
    alive = np.where(is_closed, np.nan, alive)
    grade = uncertainty.data_grades(
        is_minimum_met=method != FORMULA, repeats=histories.repeat_days, has_schedule=signed.has_schedule
    )
    return AccountLifetimes(
        histories.account_ids, alive, orders, revenue, margin, clv, grade, is_closed, histories.repeat_days, purchases,
        method, signed,
    )  # fmt: skip


def known_margin(windows: Windows) -> FloatArray:
    """Gross margin of each account: of the first window, or of the second where the first has no revenue."""
    profit = gross_profit(windows.net, windows.cost, windows.lines_without_cost)
    margins = gross_margin(windows.net, np.where(windows.is_missing, np.nan, profit))
    return np.where(windows.net[:, 0] > 0, margins[:, 0], margins[:, 1])


def _expected_values(spend: gammagamma.GammaGamma, x: FloatArray, mean: FloatArray) -> FloatArray:
    is_known = (x == 0) | np.isfinite(mean)
    values = np.full(x.shape, np.nan)
    values[is_known] = gammagamma.expected_value(spend, x[is_known], mean[is_known])
    return values


def _totals(
    fitted: FittedLifetime, found: AccountLifetimes, why: dict[str, str]
) -> tuple[Decimal | None, Decimal | None, float | None]:
    """(CLV, expected revenue, expected orders) of the portfolio; None with its reason."""
    orders = float(found.expected_orders.sum()) if fitted.model else None
    if fitted.model is None:
        why |= dict.fromkeys(("method", "parameters", "log_likelihood", "expected_orders"), fitted.sentence())
    is_said = np.isfinite(found.expected_revenue)
    if (fitted.model is None or fitted.spend is None) and not (len(is_said) and is_said.all()):
        sentence = fitted.sentence() or fitted.spend_sentence()
        why |= dict.fromkeys(("clv", "expected_revenue"), sentence)
        return None, None, orders
    expected = exact_total(np.round(found.expected_revenue, 4))
    is_unknown = ~np.isfinite(found.clv)
    if not is_unknown.any():
        return exact_total(np.round(found.clv, 4)), expected, orders
    if is_unknown.all() or not np.isfinite(found.margin).any():
        why["clv"] = reasons.sentence("no_cost_at_all")
    else:
        why["clv"] = reasons.sentence("cost_missing_for_accounts", found=int(is_unknown.sum()))
    return None, expected, orders


def _signed_total(signed: ContractValues, why: dict[str, str]) -> Decimal | None:
    """What running contracts still bring; None where there is none, or one without its amount."""
    is_running = signed.cohort > 0
    if is_running.any() and signed.has_schedule[is_running].all():
        return exact_total(np.round(signed.signed[is_running], 4))
    gaps = int((is_running & ~signed.has_schedule).sum())
    sentence = reasons.sentence("contract_no_amount_of", found=gaps) if gaps else reasons.sentence("no_contract")
    why["contract_value"] = sentence
    return None


def _simple_range(windows: Windows, discount: float, why: dict[str, str]) -> tuple[Decimal | None, Decimal | None]:
    """Value by formula of the gross profit of the TTM, for the two ends of RETENTION_RANGE; it takes 12 months of data."""
    known_from = data_start()
    if known_from is None or windows.periods[0].start < known_from:
        why |= dict.fromkeys(("simple_clv_low", "simple_clv_high"), reasons.sentence("formula_short_history"))
        return None, None
    profit = gross_profit(windows.net[:, 0], windows.cost[:, 0], windows.lines_without_cost[:, 0])
    if windows.missing or not np.isfinite(profit).all():
        key = reasons.missing_rates_sentence(windows.missing) if windows.missing else reasons.sentence("no_cost")
        why |= dict.fromkeys(("simple_clv_low", "simple_clv_high"), key)
        return None, None
    total = float(exact_total(profit))
    low, high = (simple_lifetime_value([total], [r], discount=discount)[0] for r in RETENTION_RANGE)
    return exact_total([low]), exact_total([high])
