"""How much of their spending is ours?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import ttm
from metrics import frames
from metrics.formulas.acquisition import pooled_wallet_share, wallet_share
from metrics.formulas.exact import BoolArray, FloatArray, exact_ratio, exact_total, positive_part
from metrics.frames import IntArray
from metrics.frames_wallets import Wallets, wallets
from metrics.scope import Level
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, passport, rates_missing
from metrics.services.choices import Choices, asked_scope


class WalletState(StrEnum):
    VALID = "valid"
    INVALID = "invalid"  # smaller than what the account buys from us alone: to be estimated anew
    EXPIRED = "expired"  # counts as missing
    NO_RATE = "no_rate"  # in a currency without a rate for its month
    NONE = "none"  # never estimated


MONEY = ("own_revenue", "wallet", "headroom")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WalletFigures(Answer):
    """portfolio_share = own_revenue ÷ wallet, sums over the ``valid_accounts``; headroom is the rest of those wallets.

    account_coverage, revenue_coverage : the part that they are of the accounts in view and of their revenue above 0
    The table has revenue (last 12 whole months), wallet, share, headroom, state, estimated_on, expires_on.
    """

    accounts: int
    valid_accounts: int
    invalid_accounts: int
    expired_accounts: int
    no_rate_accounts: int
    none_accounts: int
    own_revenue: Decimal | None
    wallet: Decimal | None
    headroom: Decimal | None
    portfolio_share: float | None
    account_coverage: float | None
    revenue_coverage: float | None

    def behind(self, state: WalletState) -> AccountTable:
        return self.table.where(self.table.columns["state"] == state.value)


def share_of_wallet(accounts: AccountQuerySet, **choices: Unpack[Choices]) -> WalletFigures:
    """Share of wallet of each of ``accounts`` (already limited to what the caller may see) on the as-of day.

    Legal entities only: an estimate is of one. Who has revenue in 12 months or an estimate is in it. One query for the
    revenue and those of the estimates.
    """
    scope = asked_scope(accounts, choices)
    as_of = choices.get("as_of") or default_as_of()
    year = ttm(as_of)
    frame = frames.windows(scope, [year])
    found = wallets(scope, as_of=as_of)
    net, is_missing = frame.net[:, 0], frame.is_missing[:, 0]
    buys = (net != 0) | is_missing
    ids = np.union1d(frame.spans.account_ids[buys], found.account_ids).astype(np.int64)
    revenue = _placed(np.where(is_missing, np.nan, net)[buys], frame.spans.account_ids[buys], ids, nothing=0.0)
    table = _table(ids, revenue, found)
    state, why = table.columns["state"], Reasons()
    counts = {one: state == one.value for one in WalletState}
    totals: dict[str, Any] = {f"{one.value}_accounts": int(mask.sum()) for one, mask in counts.items()}
    carried = passport("wallet_share", scope=scope, level=Level.ENTITY, as_of=as_of, accounts=len(ids), comparison=year)
    figures = _pooled(revenue, table.columns["wallet"], counts[WalletState.VALID], why)
    if frame.missing:
        unknown = [*MONEY, "portfolio_share", "revenue_coverage"]
        figures |= dict.fromkeys(unknown, None)
        why.by_field |= rates_missing(frame.missing, unknown)
    return WalletFigures(
        accounts=len(ids),
        **totals,
        **figures,
        account_coverage=why.rate(
            "account_coverage", _over(int(counts[WalletState.VALID].sum()), len(ids)), "no_covered"
        ),
        currency=scope.currency,
        reasons=why.frozen(),
        passport=carried,
        table=table,
    )


def _table(ids: IntArray, revenue: FloatArray, found: Wallets) -> AccountTable:
    """Every account with the state of its estimate; wallet, share and headroom only where it counts, or is too small."""
    has = np.isin(ids, found.account_ids)
    amount = _placed(found.amount, found.account_ids, ids, nothing=np.nan)
    is_expired = _placed(found.is_expired.astype(float), found.account_ids, ids, nothing=0.0) > 0
    counted = np.where(is_expired, np.nan, amount)
    share = wallet_share(np.nan_to_num(revenue), counted)
    unknown = np.isnan(revenue)  # a missing rate of ours: nothing can be said of the share
    state: NDArray[np.str_] = np.select(
        [~has, is_expired, np.isnan(amount) | unknown, share.is_invalid],
        [WalletState.NONE.value, WalletState.EXPIRED.value, WalletState.NO_RATE.value, WalletState.INVALID.value],
        default=WalletState.VALID.value,
    )
    never = np.datetime64("NaT")
    columns = {
        "revenue": revenue,
        "wallet": counted,
        "share": np.where(unknown, np.nan, share.share),
        "headroom": np.where(unknown, np.nan, share.headroom),
        "state": state,
        "estimated_on": _days(found.estimated_on, found.account_ids, ids, never),
        "expires_on": _days(found.expires_on, found.account_ids, ids, never),
    }
    return AccountTable(ids, columns)


def _pooled(revenue: FloatArray, wallet: FloatArray, is_valid: BoolArray, why: Reasons) -> dict[str, Any]:
    pooled = pooled_wallet_share(revenue[is_valid], wallet[is_valid])
    everything = exact_total(positive_part(np.nan_to_num(revenue)))
    figures: dict[str, Any] = {
        "own_revenue": pooled.revenue if pooled.accounts else None,
        "wallet": pooled.wallet if pooled.accounts else None,
        "headroom": pooled.headroom if pooled.accounts else None,
        "portfolio_share": why.rate("portfolio_share", pooled.share, "no_valid_wallet"),
        "revenue_coverage": why.rate("revenue_coverage", exact_ratio(pooled.revenue, everything), "no_revenue"),
    }
    if not pooled.accounts:
        why.by_field |= dict.fromkeys(MONEY, why.by_field["portfolio_share"])
    return figures


def _placed(values: FloatArray, of: IntArray, among: IntArray, *, nothing: float) -> FloatArray:
    """``values`` of the accounts ``of``, at their places in ``among`` (ascending)."""
    placed = np.full(len(among), nothing)
    placed[np.searchsorted(among, of)] = values
    return placed


def _days(days: NDArray[np.datetime64], of: IntArray, among: IntArray, never: np.datetime64) -> NDArray[np.datetime64]:
    placed = np.full(len(among), never, dtype="datetime64[D]")
    placed[np.searchsorted(among, of)] = days
    return placed


def _over(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
