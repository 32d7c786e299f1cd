"""What is planned money worth today? Discounting by a survival curve, by plan period, and by due date of contracts.

Pure, no Django import. A plan or a schedule is a long table of (account, when, amount); accounts are numbered 0..n-1 and
their terms are added by ``np.bincount``, a segment sum, so that accounts with few amounts cost little.
Source: domain.md 2.1 (DCF by curve) and 2.4 (contracts + probability-weighted pipeline, curve from peers).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray

DAYS_PER_YEAR = 365.0  # a due date is discounted by its days / 365, leap years too
_MID_PERIOD = 0.5


def curve_weights(survival: ArrayLike, *, discount: float, is_mid_period: bool = False) -> FloatArray:
    """S(t) / (1 + d)**t for t = 0..T, or with exponent t + 1/2, shape of ``survival``: today's worth of one unit in t.

    survival : S(t), chance to be a customer in t, S(0) = 1, never rising; shape (T+1,), or (n, T+1) a curve an account
    discount : d per period, a fraction > -1; is_mid_period : money arrives in the middle of its period
    raises FormulaError : S is no survival curve, or d <= -1
    """
    s = np.asarray(survival, dtype=np.float64)
    if s.ndim not in (1, 2) or s.shape[-1] == 0:
        raise FormulaError("survival must be one curve, or one curve an account, of one period or more")
    if not np.isfinite(s).all() or np.any(s[..., 0] != 1) or np.any(s < 0) or np.any(np.diff(s, axis=-1) > 0):
        raise FormulaError("survival must start at 1 and never rise nor fall below 0")
    _check_discount(discount)
    exponent = np.arange(s.shape[-1]) + (_MID_PERIOD if is_mid_period else 0.0)
    return np.asarray(s * (1 + discount) ** -exponent)


def curve_value(margins: ArrayLike, survival: ArrayLike, *, discount: float, is_mid_period: bool = False) -> FloatArray:
    """Sum over t = 0..T of m_t S(t) / (1 + d)**t for each account, shape (n,), money.

    margins : m_t, shape (n, T+1); NaN in a period that is not planned makes the account's value NaN
    survival, discount, is_mid_period : as for ``curve_weights``
    raises FormulaError : as ``curve_weights``, or the periods of margins and survival differ
    """
    m = np.asarray(margins, dtype=np.float64)
    weights = curve_weights(survival, discount=discount, is_mid_period=is_mid_period)
    if m.ndim != 2 or m.shape[1] != weights.shape[-1] or (weights.ndim == 2 and len(weights) != len(m)):
        raise FormulaError("margins must have a row an account, and a column a period of the survival curve")
    return np.asarray((m * weights).sum(axis=1))


def plan_value(
    account: ArrayLike,
    period: ArrayLike,
    amount: ArrayLike,
    survival: ArrayLike,
    *,
    accounts: int,
    discount: float,
    is_mid_period: bool = False,
) -> FloatArray:
    """``curve_value`` of a long table: m_t of an account is the sum of its amounts in period t; shape (accounts,), money.

    account : number of the account, 0..accounts-1; period : t, 0..T; amount : money, signed; all shape (m,)
    survival, discount, is_mid_period : as for ``curve_weights``; shape (T+1,) or (accounts, T+1)
    An account without an amount has value 0: nothing is planned.
    raises FormulaError : as ``curve_weights``, or a number, period or amount is outside its range or missing
    """
    who, money = _table(account, amount, accounts=accounts)
    t = _whole(period, what="period")
    weights = curve_weights(survival, discount=discount, is_mid_period=is_mid_period)
    if weights.ndim == 2 and len(weights) != accounts:
        raise FormulaError("survival must be one curve, or one curve an account")
    if t.shape != who.shape or np.any(t >= weights.shape[-1]):
        raise FormulaError("each amount needs a period within the survival curve")
    unit = weights[t] if weights.ndim == 1 else weights[who, t]
    return _per_account(who, money * unit, accounts=accounts)


def schedule_value(
    account: ArrayLike,
    due_on: ArrayLike,
    amount: ArrayLike,
    *,
    as_of: np.datetime64,
    accounts: int,
    discount: float,
    chance: ArrayLike = 1.0,
) -> FloatArray:
    """Value on ``as_of`` of dated amounts: sum of chance x amount / (1 + d)**(days / 365), shape (accounts,), money.

    account : number of the account, 0..accounts-1; due_on : datetime64[D]; amount : money, signed; all shape (m,)
    discount : d per year, a fraction > -1; chance : that the amount comes, 0..1, (m,) or one for all: the probability of
    an open deal, or of the contract still running then
    What was due before as_of is past and does not count; an account with nothing due has value 0.
    raises FormulaError : a date or amount is missing, or a number, chance or discount is outside its range
    """
    who, money = _table(account, amount, accounts=accounts)
    due = np.asarray(due_on, dtype="datetime64[D]")
    if due.shape != who.shape or np.isnat(due).any() or np.isnat(as_of):
        raise FormulaError("each amount needs the date on which it is due")
    p = np.asarray(chance, dtype=np.float64)
    if p.shape not in ((), who.shape) or not np.all((p >= 0) & (p <= 1)):
        raise FormulaError("chance must lie in 0 to 1")
    _check_discount(discount)
    days = (due - np.asarray(as_of, dtype="datetime64[D]")).astype(np.float64)
    years = np.maximum(days, 0.0) / DAYS_PER_YEAR
    return _per_account(who, np.where(days >= 0, p * money * (1 + discount) ** -years, 0.0), accounts=accounts)


def _per_account(who: NDArray[np.int64], terms: FloatArray, *, accounts: int) -> FloatArray:
    return np.asarray(np.bincount(who, weights=terms, minlength=accounts), dtype=np.float64)


def _table(account: ArrayLike, amount: ArrayLike, *, accounts: int) -> tuple[NDArray[np.int64], FloatArray]:
    who, money = _whole(account, what="account"), np.asarray(amount, dtype=np.float64)
    if who.ndim != 1 or who.shape != money.shape or np.any(who >= accounts):
        raise FormulaError("each amount needs the number of its account, below the number of accounts")
    if not np.isfinite(money).all():
        raise FormulaError("an amount is missing; leave what has no amount out")
    return who, money


def _whole(numbers: ArrayLike, *, what: str) -> NDArray[np.int64]:
    values = np.asarray(numbers, dtype=np.float64)
    if not np.all((values >= 0) & (values == np.floor(values)) & np.isfinite(values)):
        raise FormulaError(f"the number of a {what} must be whole, 0 or more")
    return values.astype(np.int64)


def _check_discount(discount: float) -> None:
    if not -1 < discount < np.inf:
        raise FormulaError("discount must be above -1")
