"""The lifetime model of one day: fitted once on the whole base, remembered until the ledger changes.

A fit on all accounts speaks for each of them; one on the few that a person may see would be another model for everybody.
The night also refits it on resampled customers, for intervals: no page ever does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any

import numpy as np
from django.db.models import Count, Max

from accounts.models import Account, ExchangeRate
from crm.lib.exceptions import FormulaError, InsufficientData
from crm.lib.wall import beyond_the_wall
from metrics import frames, reasons
from metrics.formulas import bgnbd, gammagamma, uncertainty
from metrics.formulas.bgnbd import BgNbd
from metrics.formulas.exact import FloatArray
from metrics.formulas.gammagamma import GammaGamma
from metrics.formulas.uncertainty import ParameterDraws
from metrics.frames import Histories
from metrics.models import LifetimeFit
from metrics.scope import Scope, scope_of
from metrics.selectors import ledger_fingerprint

METHOD = "bg-nbd + gamma-gamma"
TIME_UNIT = "weeks"
DAYS_PER_UNIT = 7.0


@dataclass(frozen=True, slots=True)
class FittedLifetime:
    """What the whole base's orders say. model None: too few orders, and reason says what is missing; spend None: the
    values of orders could not be fitted, and spend_reason says why; draws None: no interval, and draws_reason says why.
    intervals are those of every account together, as the night stored them."""

    model: BgNbd | None
    spend: GammaGamma | None
    log_likelihood: float | None
    spend_log_likelihood: float | None
    accounts: int
    groups: int
    correlation: float | None
    reason: str = ""
    spend_reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    draws: ParameterDraws | None = field(default=None, compare=False)
    draws_reason: str = field(default="interval_not_drawn", compare=False)
    intervals: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def method(self) -> str | None:
        return METHOD if self.model else None

    @property
    def parameters(self) -> dict[str, float]:
        """r, alpha, a, b and p, q, gamma as far as they were fitted."""
        return (asdict(self.model) if self.model else {}) | (asdict(self.spend) if self.spend else {})

    def sentence(self) -> str:
        """Why there is no model, in the reader's language; empty where there is one."""
        return reasons.sentence(self.reason, **self.details) if self.reason else ""

    def spend_sentence(self) -> str:
        """Why orders have no expected value; empty where they have."""
        return reasons.sentence(self.spend_reason) if self.spend_reason else ""


@dataclass(frozen=True, slots=True, eq=False)
class Purchases:
    """Histories in the units of the model: x, t_x and T in weeks, m̄ money (NaN where x = 0 or a rate is missing)."""

    frequency: FloatArray
    recency: FloatArray
    age: FloatArray
    mean_value: FloatArray


def purchases_of(histories: Histories, *, as_of: date) -> Purchases:
    today = np.datetime64(as_of)
    x = histories.repeat_days.astype(np.float64)
    recency = (histories.last_order_on - histories.first_order_on).astype(np.float64) / DAYS_PER_UNIT
    mean = np.full(x.shape, np.nan)
    np.divide(histories.repeat_revenue, x, out=mean, where=x > 0)
    return Purchases(x, recency, (today - histories.first_order_on).astype(np.float64) / DAYS_PER_UNIT, mean)


def fit_purchases(purchases: Purchases, *, is_rate_missing: bool = False) -> FittedLifetime:
    """Fit both models; too little data or a likelihood without a maximum is an answer, not an error."""
    x, tx, age = purchases.frequency, purchases.recency, purchases.age
    nothing = FittedLifetime(None, None, None, None, len(x), 0, None)
    try:
        bgnbd.check_sufficient(x, tx, age)
        found = bgnbd.fit(bgnbd.group_customers(x, tx, age))
    except InsufficientData as short:
        return replace(nothing, reason=short.reason, details=short.details)
    except FormulaError:
        return replace(nothing, reason="lifetime_no_fit")
    fitted = replace(nothing, model=found.model, log_likelihood=found.log_likelihood, groups=found.groups)
    if is_rate_missing:
        return replace(fitted, spend_reason="lifetime_missing_rates")
    try:
        spend = gammagamma.fit(x, purchases.mean_value)
    except FormulaError:
        return replace(fitted, spend_reason="lifetime_no_spend")
    correlation = None if np.isnan(spend.correlation) else spend.correlation
    return replace(
        fitted, spend=spend.model, spend_log_likelihood=spend.log_likelihood, correlation=correlation
    )  # fmt: skip


def with_draws(fitted: FittedLifetime, purchases: Purchases, *, scope: Scope, as_of: date) -> FittedLifetime:
    """The fit with the parameters of its refits: customers of the whole base drawn with replacement (case bootstrap).

    Seconds of work, half a minute and more for 100,000 accounts. The day is the seed: the same night again would draw the
    same customers, so it takes the draws that are stored for the same ledger and fit.
    """
    if fitted.model is None or fitted.spend is None:
        return fitted
    kept = _stored(scope, as_of)
    if kept and kept.draws and (kept.model, kept.spend) == (fitted.model, fitted.spend):
        return replace(fitted, draws=kept.draws, draws_reason="")
    own = (purchases.frequency, purchases.recency, purchases.age, purchases.mean_value)
    try:
        draws = uncertainty.bootstrap(*own, seed=as_of.toordinal())
    except FormulaError:
        return replace(fitted, draws_reason="interval_unstable")
    return replace(fitted, draws=replace(draws, point=fitted.model, spend=fitted.spend), draws_reason="")


def lifetime_fit(
    *, as_of: date, basis: str | None = None, currency: str | None = None, credit_notes: str | None = None
) -> FittedLifetime:
    """The fit for the whole base: last night's where it still holds, else computed and kept in this process."""
    scope = scope_of(Account.objects.all(), basis=basis, currency=currency, credit_notes=credit_notes)
    return _stored(scope, as_of) or _computed(_state(scope), as_of, scope.basis, scope.currency, scope.credit_notes)


def _stored(scope: Scope, as_of: date) -> FittedLifetime | None:
    """The night's fit of the day, where the ledger is still the one it speaks of; it knows credit notes as booked."""
    if scope.has_moves:
        return None
    row = LifetimeFit.objects.filter(as_of=as_of, basis=scope.basis, currency=scope.currency).first()
    return _from_row(row) if row and row.parameters.get("state") == _state(scope) else None


def store_fit(
    fitted: FittedLifetime, *, scope: Scope, as_of: date, intervals: Mapping[str, Any] | None = None
) -> LifetimeFit:
    """Keep a fit of the whole base as the one of ``as_of``, with what its draws say of all accounts; a repeat replaces
    it."""
    LifetimeFit.objects.filter(as_of=as_of, basis=scope.basis, currency=scope.currency).delete()
    return LifetimeFit.objects.create(
        as_of=as_of,
        basis=scope.basis,
        currency=scope.currency,
        method=fitted.method or "none",
        parameters={
            **fitted.parameters,
            **{name: getattr(fitted, name) for name in _KEPT},
            "details": dict(fitted.details),
            "draws_reason": fitted.draws_reason,
            "state": _state(scope),
        },
        draws=_drawn(fitted.draws),
        intervals=intervals,
        log_likelihood=fitted.log_likelihood,
        accounts=fitted.accounts,
        reason=fitted.reason,
    )


def stored_night(*, as_of: date, basis: str, currency: str) -> int | None:
    """Which night's fit and intervals a page of this day would find; another night is another number."""
    found = LifetimeFit.objects.filter(as_of=as_of, basis=basis, currency=currency)
    return found.order_by("-pk").values_list("pk", flat=True).first()


_KEPT = ("groups", "correlation", "spend_log_likelihood", "spend_reason")


def _from_row(row: LifetimeFit) -> FittedLifetime:
    stored = row.parameters
    return FittedLifetime(
        model=BgNbd(*(stored[name] for name in ("r", "alpha", "a", "b"))) if "r" in stored else None,
        spend=GammaGamma(*(stored[name] for name in ("p", "q", "gamma"))) if "p" in stored else None,
        log_likelihood=row.log_likelihood,
        accounts=row.accounts,
        reason=row.reason,
        details=stored["details"],
        draws=_draws_of(row),
        draws_reason=stored.get("draws_reason", "interval_not_drawn"),
        intervals=row.intervals or {},
        **{name: stored[name] for name in _KEPT},
    )


def _drawn(draws: ParameterDraws | None) -> dict[str, Any] | None:
    """For JSON, which keeps every digit: r, alpha, a, b, p, q, gamma of each refit."""
    if draws is None:
        return None
    pairs = zip(draws.purchases, draws.spends, strict=True)
    return {"asked": draws.asked, "models": [[*astuple(model), *astuple(spend)] for model, spend in pairs]}


def _draws_of(row: LifetimeFit) -> ParameterDraws | None:
    if not row.draws:
        return None
    stored, models = row.parameters, row.draws["models"]
    return ParameterDraws(
        purchases=tuple(BgNbd(*values[:4]) for values in models),
        spends=tuple(GammaGamma(*values[4:]) for values in models),
        point=BgNbd(*(stored[name] for name in ("r", "alpha", "a", "b"))),
        spend=GammaGamma(*(stored[name] for name in ("p", "q", "gamma"))),
        asked=row.draws["asked"],
    )


def _state(scope: Scope) -> str:
    """Changes with the ledger, and with the rates where the figures need any."""
    if not scope.is_translated:
        return ledger_fingerprint()
    rates = ExchangeRate.objects.aggregate(last=Max("updated_at"), count=Count("pk"))
    return f"{ledger_fingerprint()}/{rates['count']}/{rates['last']}"


@lru_cache(maxsize=16)
@beyond_the_wall("fitted to every customer of the ledger, for every reader the same")
def _computed(state: str, as_of: date, basis: str, currency: str, credit_notes: str) -> FittedLifetime:
    scope = scope_of(Account.objects.all(), basis=basis, currency=currency, credit_notes=credit_notes)
    histories = frames.histories(scope, as_of=as_of)
    return fit_purchases(purchases_of(histories, as_of=as_of), is_rate_missing=bool(histories.missing))
