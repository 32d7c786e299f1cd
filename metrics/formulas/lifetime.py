"""What is a customer worth? Closed forms with constant margin and retention, and discounting by a survival curve.

Pure, no Django import. Letters: m margin per period, r retention per period, d discount per period, q margin growth per
period. Sources: Gupta et al. 2006, J. Service Research 9(2) [R7]; Fader and Hardie 2010 on what the closed forms hide.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray

DAYS_PER_YEAR = 365.25


def simple_lifetime_value(
    margin: ArrayLike,
    retention: ArrayLike,
    *,
    discount: float,
    growth: float = 0.0,
    horizon: int | None = None,
    is_first_margin_now: bool = False,
) -> FloatArray:
    """Present value of a margin that comes every period for as long as the customer stays, shape (n,), money.

    value = m r / (1 + d - r (1 + q)), times 1 - (r (1 + q) / (1 + d))**T for a horizon of T periods
    margin : m of one period, money, shape (n,); retention : r, chance to stay a period, 0 <= r <= 1, shape (n,)
    discount : d per period, a fraction >= 0; growth : q per period, a fraction > -1; horizon : T periods, None endless
    is_first_margin_now : add one margin that is received at once
    Without it the first margin comes one period from now, if the customer stayed. Constant m and r: one aggregate r
    understates the value where customers differ, because survivors are better than average.
    raises FormulaError : an argument is NaN or outside its domain, or the endless sum diverges (r (1 + q) >= 1 + d)
    """
    m, r = np.broadcast_arrays(np.asarray(margin, dtype=np.float64), np.asarray(retention, dtype=np.float64))
    _check_rates(r, discount=discount, growth=growth)
    if not np.isfinite(m).all():
        raise FormulaError("margin must be a number; leave customers without a margin out")
    step = r * (1 + growth) / (1 + discount)
    if horizon is None:
        if np.any(step >= 1):
            raise FormulaError("retention x growth reaches the discount: the endless sum has no value; set a horizon")
        multiple = r / (1 + discount - r * (1 + growth))
    else:
        multiple = _finite_multiple(r, step, discount=discount, horizon=horizon)
    return np.asarray(m * multiple + (m if is_first_margin_now else 0.0))


def _finite_multiple(r: FloatArray, step: FloatArray, *, discount: float, horizon: int) -> FloatArray:
    """Sum over t = 1..T of r step**(t-1) / (1 + d); at step = 1 every term is the same."""
    if horizon < 1:
        raise FormulaError("the horizon must be 1 period or more")
    terms = np.full(step.shape, float(horizon))
    np.divide(1 - step**horizon, 1 - step, out=terms, where=step != 1)
    return np.asarray(r / (1 + discount) * terms)


def discounted_value(
    margins: ArrayLike, survival: ArrayLike, *, discount: float, is_mid_period: bool = False
) -> FloatArray:
    """The single terms m_t S(t) / (1 + d)**t for t = 0..T, shape (T+1,); their sum is the value.

    margins : m_t, money, shape (T+1,); survival : S(t), chance to be a customer in t, S(0) = 1, never rising, (T+1,)
    is_mid_period : margins arrive in the middle of the period, exponent t + 1/2
    raises FormulaError : shapes differ, d <= -1, or S is no survival curve
    """
    m, s = np.asarray(margins, dtype=np.float64), np.asarray(survival, dtype=np.float64)
    if m.shape != s.shape or m.ndim != 1 or not len(m):
        raise FormulaError("margins and survival must be lists of one length")
    if not (np.isfinite(m).all() and np.isfinite(s).all()) or s[0] != 1 or s[-1] < 0 or np.any(np.diff(s) > 0):
        raise FormulaError("survival must start at 1 and never rise nor fall below 0")
    if not discount > -1:
        raise FormulaError("discount must be above -1")
    exponent = np.arange(len(m)) + (0.5 if is_mid_period else 0.0)
    return np.asarray(m * s / (1 + discount) ** exponent)


def compounded_value(amounts: ArrayLike, age_days: ArrayLike, *, rate: float) -> FloatArray:
    """What each amount is worth today with interest from its day on, shape (n,): amount x (1 + rate)**(days / 365.25).

    amounts : money, NaN stays NaN, shape (n,); age_days : days from the amount to today, 0 or more, shape (n,)
    rate : a year, a fraction >= 0
    raises FormulaError : shapes differ, an amount lies after today, or the rate is out of its domain
    """
    m, age = np.asarray(amounts, dtype=np.float64), np.asarray(age_days, dtype=np.float64)
    if m.shape != age.shape:
        raise FormulaError("every amount needs its age")
    if not 0 <= rate < np.inf:
        raise FormulaError("the rate must be 0 or more")
    if np.any(age < 0):
        raise FormulaError("an amount lies after today; leave it out")
    return np.asarray(m * (1 + rate) ** (age / DAYS_PER_YEAR))


def per_step_discount(yearly: float, *, steps_per_year: float) -> float:
    """The discount of one step that compounds to ``yearly`` over ``steps_per_year`` steps."""
    if not yearly > -1:
        raise FormulaError("discount must be above -1")
    return float((1 + yearly) ** (1 / steps_per_year) - 1)


def _check_rates(r: FloatArray, *, discount: float, growth: float) -> None:
    if not np.all((r >= 0) & (r <= 1)):
        raise FormulaError("retention must lie in [0, 1]")
    if not 0 <= discount < np.inf:
        raise FormulaError("discount must be 0 or more")
    if not -1 < growth < np.inf:
        raise FormulaError("growth must be above -1")
    if discount == 0 and growth == 0 and np.any(r == 1):
        raise FormulaError("with discount 0, a retention of 1 has no finite value; set a discount above 0")
