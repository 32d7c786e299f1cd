"""New or existing customers: where do money and hours go, and where do revenue and profit come from?"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Unpack

import numpy as np

from accounts.enums import EffortPurpose
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics import frames, reasons
from metrics.formulas.acquisition import Split, is_new_account, new_existing_split
from metrics.formulas.advice import most_apart
from metrics.formulas.exact import BoolArray, FloatArray
from metrics.formulas.margin import gross_profit
from metrics.scope import Level
from metrics.selectors import data_start, default_as_of
from metrics.services.acquisition import is_new_known
from metrics.services.base import AccountTable, Answer, Units, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.efforts import EffortBook, effort_book

EFFORTS = ("effort_money", "effort_hours")
RESULTS = ("revenue", "gross_profit")


class Side(StrEnum):
    NEW = "new"
    EXISTING = "existing"


@dataclass(frozen=True, slots=True)
class SplitLine:
    """One quantity of new and of existing customers; shares None unless both are 0 or more and one is above.

    accounts : with an amount above 0, None of efforts, which are not all for an account
    """

    new: Decimal | None
    existing: Decimal | None
    new_accounts: int | None = None
    existing_accounts: int | None = None
    new_share: float | None = None
    existing_share: float | None = None
    reason: str = ""
    share_reason: str = ""

    @property
    def total(self) -> Decimal | None:
        return None if self.new is None or self.existing is None else self.new + self.existing


@dataclass(frozen=True, slots=True)
class Gap:
    """The effort and the result whose shares lie furthest apart; share_gap = effort − result, of the new customers."""

    effort: str
    result: str
    effort_share: float
    result_share: float

    @property
    def share_gap(self) -> float:
        return self.effort_share - self.result_share


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SplitFigures(Answer):
    """lines : by EFFORTS and RESULTS; the table has each account with ``side``, revenue, gross profit and its own efforts.

    Money and hours for winning customers stand on the side of the new, those for keeping them on that of the existing.
    """

    lines: dict[str, SplitLine]
    gap: Gap | None
    new_effort_share: float | None
    new_revenue_share: float | None
    new_gross_profit_share: float | None
    new_hours_share: float | None


def effort_split(accounts: AccountQuerySet, *, period: Period, **choices: Unpack[Choices]) -> SplitFigures:
    """Effort and result of new against existing among ``accounts`` (already limited to what the caller may see).

    One query for the accounts and those of the efforts. New: no revenue before the period.
    """
    scope = asked_scope(accounts, choices)
    level, as_of = Level(choices.get("level", Level.ENTITY)), choices.get("as_of") or default_as_of()
    frame = frames.windows(scope, [period], level=level, with_cost=True)
    units = units_of(frame.spans, level)
    book = effort_book(scope, period)
    net, cost = units.sums(frame.net[:, 0]), units.sums(frame.cost[:, 0])
    profit = gross_profit(net, cost, units.sums(frame.lines_without_cost[:, 0]))
    first = units.earliest(frame.spans.first_revenue_on)
    is_new = is_new_account(first, start=np.datetime64(period.start))
    lines = {name: _effort_line(book, period, name) for name in EFFORTS}
    unknown = "" if is_new_known(period, data_start()) else reasons.sentence("new_unknown")
    unknown = next(iter(rates_missing(frame.missing, ["revenue"]).values()), unknown)
    for name, amounts in (("revenue", net), ("gross_profit", profit)):
        lines[name] = SplitLine(None, None, reason=unknown) if unknown else _result_line(amounts, is_new)
    own = {purpose: book.by_unit(purpose, period, frame.spans, units) for purpose in EffortPurpose}
    money, hours = (np.where(is_new, *(own[purpose][at] for purpose in EffortPurpose)) for at in (0, 1))
    columns = {"revenue": net, "gross_profit": profit, "effort_money": money, "effort_hours": hours}
    table = _table(units, columns, is_new, is_missing=units.any(frame.is_missing[:, 0]))
    shares = {f"new_{_short(name)}_share": lines[name].new_share for name in (*EFFORTS, *RESULTS)}
    why = {f"new_{_short(name)}_share": line.reason or line.share_reason for name, line in lines.items()}
    gap = _gap(lines)
    if gap is None:  # the first share that is not known says why
        why["gap"] = next((why[name] for name in shares if why[name]), reasons.sentence("share_undefined"))
    return SplitFigures(
        lines=lines,
        gap=gap,
        **shares,
        currency=scope.currency,
        reasons={name: sentence for name, sentence in why.items() if sentence},
        passport=passport(
            "effort_split", scope=scope, level=level, as_of=as_of, accounts=len(table), comparison=period
        ),
        table=table,
    )


def _table(units: Units, columns: dict[str, FloatArray], is_new: BoolArray, *, is_missing: BoolArray) -> AccountTable:
    """The accounts behind the split, with the side each stands on; who has neither result nor effort is left out."""
    side = np.where(is_new, Side.NEW.value, Side.EXISTING.value)
    has_effort = ~np.isnan(columns["effort_money"]) | ~np.isnan(columns["effort_hours"])
    is_behind = (columns["revenue"] != 0) | has_effort | is_missing
    return AccountTable(units.ids, {**columns, "side": side}, units.members).where(np.asarray(is_behind))


def _short(name: str) -> str:
    return {"effort_money": "effort", "effort_hours": "hours"}.get(name, name)


def _effort_line(book: EffortBook, period: Period, name: str) -> SplitLine:
    """Money or hours of both purposes; one that is not recorded is not 0, so there are no shares then."""
    won, kept = (book.total(purpose, period) for purpose in EffortPurpose)
    sides = (won.money, kept.money) if name == "effort_money" else (won.hours, kept.hours)
    whys = (won.money_reason, kept.money_reason) if name == "effort_money" else (won.hours_reason, kept.hours_reason)
    reason = next((why for why in whys if why), "")
    if reason:
        return SplitLine(*sides, reason=reason)
    return _line(new_existing_split([float(side or 0) for side in sides], [True, False]), with_accounts=False)


def _result_line(amounts: FloatArray, is_new: BoolArray) -> SplitLine:
    unknown = int(np.isnan(amounts).sum())
    if unknown:
        return SplitLine(None, None, reason=reasons.sentence("cost_missing_for_accounts", found=unknown))
    return _line(new_existing_split(amounts, is_new), with_accounts=True)


def _line(split: Split, *, with_accounts: bool) -> SplitLine:
    has_shares = not np.isnan(split.new_share)
    return SplitLine(
        split.new_amount,
        split.existing_amount,
        split.new_accounts if with_accounts else None,
        split.existing_accounts if with_accounts else None,
        split.new_share if has_shares else None,
        split.existing_share if has_shares else None,
        share_reason="" if has_shares else reasons.sentence("share_undefined"),
    )


def _gap(lines: dict[str, SplitLine]) -> Gap | None:
    efforts, results = (
        np.array([np.nan if lines[name].new_share is None else lines[name].new_share for name in names], dtype=float)
        for names in (EFFORTS, RESULTS)
    )
    found = most_apart(efforts, results)
    if found is None:
        return None
    return Gap(EFFORTS[found[0]], RESULTS[found[1]], float(efforts[found[0]]), float(results[found[1]]))
