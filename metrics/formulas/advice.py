"""What to do about the margin of an account, by a rule that can be read off the figures. Pure, no Django import.

Source: [S003] ("compare margins: high margin, personal service; low, improve or cut cost"); where high and low begin is
ours, to be set by a company for itself.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import FloatArray

HIGH_ABOVE = 0.05  # points of margin above that of all accounts together, from which a margin is high
LOW_BELOW = 0.05  # points below it, from which a margin is low
DECIMALS = 9  # a margin is rounded to before it meets a threshold, so that noise of floats never decides


class Advice(StrEnum):
    """In the order in which the rule asks."""

    NO_REVENUE = "no_revenue"  # nothing sold: there is no margin to speak of
    RECORD_COST = "record_cost"  # a line has no cost: first know it
    STOP_LOSS = "stop_loss"  # sold below cost: raise prices, or let go
    CUT_SERVICE = "cut_service"  # the margin does not pay for serving it: cut cost to serve
    IMPROVE = "improve"  # low margin: better prices or product mix, or cheaper delivery
    PERSONAL_SERVICE = "personal_service"  # high margin: personal service, it pays for it
    KEEP = "keep"  # in between: as it is


def margin_advice(
    revenue: ArrayLike, margin: ArrayLike, contribution: ArrayLike, *, pooled_margin: float
) -> NDArray[np.str_]:
    """The first advice whose condition holds, shape (n,).

    revenue : net, (n,); margin : gross, a fraction, NaN where cost is missing, (n,); contribution : gross profit less cost
    to serve, NaN where cost to serve is not recorded, (n,); pooled_margin : of the accounts with known cost together,
    a fraction, NaN where there is none
    no_revenue R <= 0; record_cost margin NaN; stop_loss margin < 0; cut_service contribution < 0; improve margin <=
    pooled - LOW_BELOW; personal_service margin >= pooled + HIGH_ABOVE; else keep, also where there is no pooled margin.
    raises FormulaError : shapes differ, revenue is NaN, or a value is infinite
    """
    net, rate, left = (np.asarray(values, dtype=np.float64) for values in (revenue, margin, contribution))
    if net.shape != rate.shape or net.shape != left.shape:
        raise FormulaError("revenue, margin and contribution must have one value an account")
    if not np.isfinite(net).all() or np.isinf(rate).any() or np.isinf(left).any() or np.isinf(pooled_margin):
        raise FormulaError("revenue must be a number, margin and contribution numbers or NaN")
    rate, pooled = np.round(rate, DECIMALS), _round(pooled_margin)
    conditions = {
        Advice.NO_REVENUE: net <= 0,
        Advice.RECORD_COST: np.isnan(rate),
        Advice.STOP_LOSS: rate < 0,
        Advice.CUT_SERVICE: left < 0,
        Advice.IMPROVE: rate <= _round(pooled - LOW_BELOW),
        Advice.PERSONAL_SERVICE: rate >= _round(pooled + HIGH_ABOVE),
    }
    return np.select(list(conditions.values()), [one.value for one in conditions], default=Advice.KEEP.value)


def most_apart(efforts: FloatArray, results: FloatArray) -> tuple[int, int] | None:
    """Places of the effort and the result whose shares lie furthest apart; None where no pair is known.

    efforts, results : shares of the new customers, fractions, NaN where undefined, (e,) and (r,); of equal pairs the first
    """
    gaps = np.abs(np.asarray(efforts)[:, None] - np.asarray(results)[None, :])
    if not gaps.size or np.isnan(gaps).all():
        return None
    effort, result = np.unravel_index(int(np.nanargmax(np.round(gaps, DECIMALS))), gaps.shape)
    return int(effort), int(result)


def _round(value: float) -> float:
    return float(np.round(value, DECIMALS))
