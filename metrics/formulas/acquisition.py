"""What does a new customer cost, what does the one we have cost and leave, and how much of its spend is ours?

Pure, no Django import. Sources: domain.md 1.8, EX-8; the split of new against existing customers after [S000], [S002].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
from numpy.typing import ArrayLike

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import (
    BoolArray,
    DateArray,
    FloatArray,
    exact_ratio,
    exact_total,
    positive_part,
    whole_units,
)


@dataclass(frozen=True, slots=True)
class Payback:
    """months : until the margin has paid the cost, (n,), NaN where it never does or is unknown; is_never : which of
    the two, (n,)."""

    months: FloatArray
    is_never: BoolArray


@dataclass(frozen=True, slots=True)
class Split:
    """One quantity (revenue, budget, hours) of new and of existing accounts; amounts add up to the whole exactly.

    accounts : with an amount above 0; a share is NaN unless both amounts are 0 or more and one is above
    """

    new_amount: Decimal
    existing_amount: Decimal
    new_accounts: int
    existing_accounts: int
    new_share: float
    existing_share: float


@dataclass(frozen=True, slots=True)
class WalletShare:
    """share : (n,), 0 .. 1; headroom : wallet - R+, money, (n,); both NaN where the wallet is missing or invalid.

    is_invalid : the wallet is smaller than what the account buys from us alone: ask for a new estimate, (n,)
    """

    share: FloatArray
    headroom: FloatArray
    is_invalid: BoolArray


@dataclass(frozen=True, slots=True)
class PooledWallet:
    """Sums over ``accounts`` with a wallet that is known and valid; headroom = wallet - revenue; share NaN without any."""

    accounts: int
    revenue: Decimal
    wallet: Decimal
    headroom: Decimal
    share: float


def acquisition_cost(cost: ArrayLike, new_accounts: ArrayLike, *, lag: int = 0) -> FloatArray:
    """CAC = sales and marketing cost of winning customers / customers won, per period, shape (n,), money.

    cost : of each period in a row, >= 0, NaN where it is not known, (n,); new_accounts : new logos, >= 0, (n,)
    lag : periods from spending to winning (the median sales cycle, in whole periods): the cost of period t - lag is
    laid against the customers won in t, so the first ``lag`` periods are NaN.
    NaN where nobody was won: the cost is there, a cost per customer is not. The same ratio over accounts kept and what
    was spent on them gives the cost of keeping one.
    raises FormulaError : shapes differ, a cost or count is negative or infinite, or the lag is negative
    """
    spent, won = np.asarray(cost, dtype=np.float64), np.asarray(new_accounts, dtype=np.float64)
    if spent.ndim != 1 or spent.shape != won.shape:
        raise FormulaError("cost and new_accounts must have one value a period")
    if (spent < 0).any() or (won < 0).any() or np.isinf(spent).any() or not np.isfinite(won).all() or lag < 0:
        raise FormulaError("cost, new accounts and lag must be 0 or more")
    lagged = np.concatenate([np.full(min(lag, len(spent)), np.nan), spent[: max(len(spent) - lag, 0)]])
    each = np.full(won.shape, np.nan)
    np.divide(lagged, won, out=each, where=won > 0)
    return each


def payback(acquisition: ArrayLike, monthly_margin: ArrayLike) -> Payback:
    """Months until a customer's gross margin has paid its acquisition: CAC / monthly gross margin, shape (n,).

    acquisition : CAC, money >= 0, NaN unknown, (n,); monthly_margin : gross margin of one customer and month, money, (n,)
    A margin of 0 or below never pays: NaN with ``is_never``, not infinity. Undiscounted, constant margin, no churn.
    raises FormulaError : shapes differ, a value is infinite, or a cost is negative
    """
    cac, margin = np.asarray(acquisition, dtype=np.float64), np.asarray(monthly_margin, dtype=np.float64)
    if cac.shape != margin.shape:
        raise FormulaError("acquisition and monthly_margin must have one value each")
    if (cac < 0).any() or np.isinf(cac).any() or np.isinf(margin).any():
        raise FormulaError("acquisition cost must be 0 or more, and both must be numbers")
    months = np.full(cac.shape, np.nan)
    np.divide(cac, margin, out=months, where=margin > 0)
    return Payback(months=months, is_never=np.asarray((margin <= 0) & ~np.isnan(cac)))


def is_new_account(first_revenue_on: ArrayLike, *, start: np.datetime64) -> BoolArray:
    """Accounts to be won in the window that begins on ``start``, shape (n,): no positive revenue before it.

    first_revenue_on : F, datetime64[D], NaT where there never was any (a prospect); the rest are existing accounts
    """
    first: DateArray = np.asarray(first_revenue_on, dtype="datetime64[D]")
    return np.asarray(~(first < start))


def new_existing_split(amounts: ArrayLike, is_new: ArrayLike) -> Split:
    """Split one quantity over new and existing accounts.

    amounts : revenue, budget or hours, signed, at most 4 decimals, (n,); is_new : from ``is_new_account``, (n,)
    raises FormulaError : shapes differ, or an amount is NaN or infinite
    """
    values, new = np.asarray(amounts, dtype=np.float64), np.asarray(is_new, dtype=bool)
    if values.shape != new.shape:
        raise FormulaError("amounts and is_new must have one value an account")
    if not np.isfinite(values).all():
        raise FormulaError("an amount is missing; leave accounts without a known amount out")
    won, kept = exact_total(values[new]), exact_total(values[~new])
    whole = won + kept if won >= 0 and kept >= 0 else Decimal(0)
    return Split(
        new_amount=won,
        existing_amount=kept,
        new_accounts=int((values[new] > 0).sum()),
        existing_accounts=int((values[~new] > 0).sum()),
        new_share=exact_ratio(won, whole),
        existing_share=exact_ratio(kept, whole),
    )


def wallet_share(revenue: ArrayLike, wallet: ArrayLike) -> WalletShare:
    """Share of wallet (钱包份额) = our revenue in a category / the account's spend in it, shape (n,).

    revenue : ours, net, (n,), taken as R+ = max(R, 0); wallet : estimated spend of the same window, category and
    currency, >= 0, NaN without an unexpired estimate, (n,)
    A wallet below R+ cannot be right: invalid, and the share NaN, not cut to 1. A wallet of 0 has no share.
    raises FormulaError : shapes differ, revenue is NaN, a value is infinite, or a wallet is negative
    Compared in whole ten-thousandths of the currency.
    """
    net, spend = np.asarray(revenue, dtype=np.float64), np.asarray(wallet, dtype=np.float64)
    if net.shape != spend.shape:
        raise FormulaError("revenue and wallet must have one value an account")
    if not np.isfinite(net).all() or np.isinf(spend).any() or (spend < 0).any():
        raise FormulaError("revenue must be a number, a wallet a number of 0 or more, or NaN where there is none")
    is_known, ours = ~np.isnan(spend), positive_part(net)
    our_units, their_units = whole_units(ours, np.where(is_known, spend, 0.0))
    is_invalid = np.asarray(is_known & (their_units < our_units))
    is_valid = is_known & ~is_invalid
    share = np.full(net.shape, np.nan)
    np.divide(ours, spend, out=share, where=is_valid & (their_units > 0))
    headroom = np.where(is_valid, np.maximum(spend - ours, 0.0), np.nan)
    return WalletShare(share=np.minimum(share, 1.0), headroom=headroom, is_invalid=is_invalid)


def pooled_wallet_share(revenue: ArrayLike, wallet: ArrayLike) -> PooledWallet:
    """Share of wallet of many accounts = sum R+ / sum wallet, over those whose wallet is known and not below R+.

    revenue, wallet : as for ``wallet_share``, (n,); sums of both, never a mean of shares
    NaN where no account counts, or all their wallets are 0. Raises FormulaError as ``wallet_share`` does.
    """
    found = wallet_share(revenue, wallet)
    counts = ~np.isnan(found.headroom)
    ours = exact_total(positive_part(revenue)[counts])
    theirs = exact_total(np.asarray(wallet, dtype=np.float64)[counts])
    return PooledWallet(
        accounts=int(counts.sum()), revenue=ours, wallet=theirs, headroom=theirs - ours, share=exact_ratio(ours, theirs)
    )


def customer_months(first_revenue_on: ArrayLike, *, start: np.datetime64, end: np.datetime64) -> FloatArray:
    """Calendar months in which each account was a customer within [start, end), shape (n,): from the month of its first
    revenue, or of ``start`` where that came before; 0 where it came after, or there never was any.

    first_revenue_on : datetime64[D], NaT where there never was any; a month that is touched counts whole
    """
    first = np.asarray(first_revenue_on, dtype="datetime64[M]")
    begun = np.maximum(first, start.astype("datetime64[M]"))
    last = (end - np.timedelta64(1, "D")).astype("datetime64[M]")
    months = (last - begun).astype(np.float64) + 1  # NaT becomes NaN
    return np.where(np.isnan(months) | (months < 0), 0.0, months)


def contribution(gross_profit: ArrayLike, costs_to_serve: Mapping[str, ArrayLike]) -> FloatArray:
    """Gross profit - cost to serve, shape (n,), money.

    gross_profit : NaN where a line has no cost, (n,); costs_to_serve : by name (visits, rebates, freight, finance of
    overdue, dedicated staff), each (n,), NaN where it is not known, below 0 where one is taken back
    NaN where any part is: a cost that is not known is not 0. Give only the kinds of cost that are kept at all.
    raises FormulaError : shapes differ, or a value is infinite
    """
    left = np.array(gross_profit, dtype=np.float64)
    for name, cost in costs_to_serve.items():
        spent = np.asarray(cost, dtype=np.float64)
        if spent.shape != left.shape:
            raise FormulaError(f"{name} must have one value an account")
        if np.isinf(spent).any():
            raise FormulaError(f"{name} must be a number, or NaN where it is not known")
        left = left - spent
    if np.isinf(left).any():
        raise FormulaError("gross profit must be a number, or NaN where it is not known")
    return left
