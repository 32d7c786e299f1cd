"""Growth at constant rates (固定汇率), and what exchange rates did as a line of its own. Pure, no Django import."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, FloatArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class MissingRate:
    """A rate that amounts need and that is not there. is_base : a rate of the base window, else of the comparison.

    currency, month : their places; rows : amounts other than 0 that wait for it
    """

    currency: int
    month: int
    is_base: bool
    rows: int


@dataclass(frozen=True, slots=True)
class ConstantCurrency:
    """Amounts of each account in the currency of the figure, (n,); NaN where a rate that they need is missing.

    base : B at base rates; reported : C at comparison rates; constant : C at base rates
    fx_effect : reported - constant
    """

    base: FloatArray
    reported: FloatArray
    constant: FloatArray
    fx_effect: FloatArray
    missing: tuple[MissingRate, ...]

    def total(self, members: ArrayLike | None = None) -> CurrencyTotal:
        """Sums over all accounts, or over those of a mask (the existing ones, a team); NaN if one of them is NaN."""
        chosen: BoolArray = np.ones(self.base.shape, bool) if members is None else np.asarray(members, dtype=bool)
        if chosen.shape != self.base.shape:
            raise FormulaError("members must have one value an account")
        base, reported, constant = (
            float(amounts[chosen].sum()) for amounts in (self.base, self.reported, self.constant)
        )
        fx_effect = float(self.fx_effect[chosen].sum())
        return CurrencyTotal(
            base=base,
            reported=reported,
            constant=constant,
            fx_effect=fx_effect,
            reported_growth=_over(reported - base, base),
            constant_growth=_over(constant - base, base),
            fx_growth=_over(fx_effect, base),
        )


@dataclass(frozen=True, slots=True)
class CurrencyTotal:
    """reported = constant + fx_effect, and reported_growth = constant_growth + fx_growth (to float precision).

    A growth is a fraction of the base, NaN unless the base lies above 0.
    """

    base: float
    reported: float
    constant: float
    fx_effect: float
    reported_growth: float
    constant_growth: float
    fx_growth: float


def constant_currency(
    account: ArrayLike,
    currency: ArrayLike,
    month: ArrayLike,
    base: ArrayLike,
    comparison: ArrayLike,
    *,
    accounts: int,
    base_rates: ArrayLike,
    comparison_rates: ArrayLike,
) -> ConstantCurrency:
    """Base, reported and constant-currency amount of each account.

    account, currency, month : places (month: the same month of both windows, k-th to k-th), (m,)
    base, comparison : net amounts of the row in its own currency, in either window, (m,); rows of one place add up
    accounts : n; base_rates, comparison_rates : money of the figure for one unit, by currency and month, (c, k), above
    0, NaN where there is none; 1 in the row of the figure's own currency
    B = sum b r0, C reported = sum c r1, C constant = sum c r0, FX effect = C reported - C constant, with r0 and r1 the
    rates of the same month of the base and of the comparison window.
    A missing rate leaves NaN what needs it and nothing else: no amount is ever taken at 1, an amount of 0 needs none.
    raises FormulaError : shapes differ, a place is out of range, an amount is NaN or infinite, a rate is 0, negative or
        infinite
    Assumes windows of the same months. Source: domain.md 1.5, EX-6; constant currency as commonly defined [R15].
    """
    who, where, when = (np.asarray(array, dtype=np.int64) for array in (account, currency, month))
    b, c = np.asarray(base, dtype=np.float64), np.asarray(comparison, dtype=np.float64)
    before, after = _rates(base_rates), _rates(comparison_rates)
    _check(who, where, when, b, c, accounts=accounts, before=before, after=after)
    r0, r1 = before[where, when], after[where, when]
    base_total, reported, constant = (
        _by_account(who, _translated(amounts, rates), accounts) for amounts, rates in ((b, r0), (c, r1), (c, r0))
    )
    return ConstantCurrency(
        base=base_total,
        reported=reported,
        constant=constant,
        fx_effect=_by_account(who, _translated(c, r1 - r0), accounts),
        missing=(
            *_missing(where, when, np.isnan(r0) & ((b != 0) | (c != 0)), is_base=True),
            *_missing(where, when, np.isnan(r1) & (c != 0), is_base=False),
        ),
    )


def _translated(amounts: FloatArray, rates: FloatArray) -> FloatArray:
    """amounts x rates; nothing stays nothing, rate or no rate."""
    return np.where(amounts == 0, 0.0, amounts * rates)


def _by_account(who: IntArray, amounts: FloatArray, accounts: int) -> FloatArray:
    return np.asarray(np.bincount(who, amounts, minlength=accounts), dtype=np.float64)


def _missing(currency: IntArray, month: IntArray, is_needed: BoolArray, *, is_base: bool) -> list[MissingRate]:
    """The rates that are needed and not there, by currency and month."""
    places, rows = np.unique(np.stack([currency[is_needed], month[is_needed]]), axis=1, return_counts=True)
    return [
        MissingRate(currency=place, month=when, is_base=is_base, rows=count)
        for place, when, count in zip(*places.tolist(), rows.tolist(), strict=True)
    ]


def _over(part: float, base: float) -> float:
    return part / base if base > 0 else float("nan")


def _rates(rates: ArrayLike) -> FloatArray:
    table = np.asarray(rates, dtype=np.float64)
    if table.ndim != 2 or (table <= 0).any() or np.isinf(table).any():
        raise FormulaError("rates must be a table of currency by month, above 0, NaN where there is none")
    return table


def _check(
    who: IntArray,
    where: IntArray,
    when: IntArray,
    b: FloatArray,
    c: FloatArray,
    *,
    accounts: int,
    before: FloatArray,
    after: FloatArray,
) -> None:
    if not (who.ndim == 1 and who.shape == where.shape == when.shape == b.shape == c.shape):
        raise FormulaError("account, currency, month, base and comparison must have one value a row")
    if before.shape != after.shape:
        raise FormulaError("both tables of rates must have the same currencies and months")
    for places, count, name in ((who, accounts, "account"), (where, before.shape[0], "currency"),
                                (when, before.shape[1], "month")):  # fmt: skip
        if ((places < 0) | (places >= count)).any():
            raise FormulaError(f"{name} must be one of the places 0 to {count - 1}")
    if not (np.isfinite(b).all() and np.isfinite(c).all()):
        raise FormulaError("an amount is missing; leave rows without a known amount out")
