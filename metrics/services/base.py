"""What every answer carries: passport, reasons, currency, and the accounts behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from accounts.enums import CreditNotes
from accounts.models import Account
from crm.lib.fiscal import weeks_differ
from crm.lib.periods import Period
from metrics import reasons
from metrics.definitions import METRICS
from metrics.formulas.bridge import BridgeLine
from metrics.formulas.exact import BoolArray, exact_total
from metrics.frames import IntArray, Spans
from metrics.reasons import MissingRate
from metrics.scope import Level, Membership, Scope

MONEY_COLUMNS = frozenset({
    "base", "comparison", "change", "constant", "fx_effect",
    "revenue", "clv", "expected_revenue", "prior_revenue", "peer_median", "peer_gap", "potential",
    "gap_revenue", "gap_value", "antecedent_revenue", "new_product_revenue",
    "horizontal_growth", "vertical_growth", "money_at_stake", "ttm_revenue", "prior_ttm_revenue",
    "cost", "gross_profit", "cost_to_serve", "contribution", "effort_money", "wallet", "headroom", "own_revenue",
    "profit", "clv_low", "clv_high", "expected_revenue_low", "expected_revenue_high", "contract_value",
    "signed", "recognised", "recognised_from_records", "recognised_by_proxy", "backlog", "overrun", "next_12_months",
    "later", "overdue", "undated",
    "owed", "owed_overdue", "owed_not_due", "owed_30", "owed_60", "owed_90", "owed_older", "fell_due", "paid_in_time",
    "issued",
    *map(str, BridgeLine),
})  # fmt: skip
NAMED_ACCOUNTS = 20  # behind a bar or a figure, before "and n more"


@dataclass(frozen=True, slots=True)
class Passport:
    """Which figure this is: definition and version, periods, basis, level, as-of, number of accounts (or groups), and
    into which period credit notes count.

    membership : of groups, None where legal entities are counted
    """

    metric: str
    version: str
    base: Period | None
    comparison: Period | None
    basis: str
    level: str
    as_of: date
    accounts: int
    credit_notes: str = CreditNotes.BOOKED
    membership: Membership | None = None

    def as_dict(self) -> dict[str, Any]:
        """For JSON: periods as first and last day, both inclusive, with the label they were asked by."""
        return {
            "metric": self.metric,
            "version": self.version,
            "base": _period_dict(self.base),
            "comparison": _period_dict(self.comparison),
            "basis": self.basis,
            "credit_notes": str(self.credit_notes),
            "level": self.level,
            "membership": str(self.membership) if self.membership else None,
            "as_of": self.as_of.isoformat(),
            "accounts": self.accounts,
            "flags": self.flags,
        }

    @property
    def flags(self) -> list[str]:
        """What makes the two periods compare badly: ``weeks_differ``, one has the 53rd week."""
        if self.base and self.comparison and weeks_differ(self.base, self.comparison):
            return ["weeks_differ"]
        return []


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account (or group) behind a figure. At group level the id is the root's, or that of the first member in view
    where the root is not; ``members`` counts the accounts in view."""

    account_id: int
    code: str
    name: str
    members: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class AccountTable:
    """The accounts behind a figure, column by column: unit_ids (n,), and per name an array (n,).

    Names and codes are looked up only for the rows somebody reads.
    """

    unit_ids: IntArray
    columns: dict[str, NDArray[Any]]
    members: dict[int, list[int]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.unit_ids)

    @property
    def shown_ids(self) -> IntArray:
        """The account that stands for each unit: itself, or for a group its root, or the first member in view."""
        if not self.members:
            return self.unit_ids
        return np.array([self._shown_id(unit) for unit in self.unit_ids.tolist()], dtype=np.int64)

    def with_columns(self, more: Mapping[str, NDArray[Any]]) -> AccountTable:
        return AccountTable(self.unit_ids, self.columns | dict(more), self.members)

    def where(self, mask: BoolArray) -> AccountTable:
        columns = {name: values[mask] for name, values in self.columns.items()}
        return AccountTable(self.unit_ids[mask], columns, self.members)

    def rows(
        self,
        *,
        order_by: str | None = None,
        descending: bool = True,
        by_size: bool = False,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[AccountRow]:
        """Rows with names, ordered by a column or its size (missing values last, then id); one query."""
        order = np.arange(len(self))
        if order_by:
            key = self.columns[order_by].astype(np.float64)
            key = np.abs(key) if by_size else key
            key = np.where(np.isnan(key), np.inf, -key if descending else key)
            order = np.lexsort((self.unit_ids, key))
        order = order[offset : None if limit is None else offset + limit]
        shown = {int(unit): self._shown_id(int(unit)) for unit in self.unit_ids[order]}
        found = Account.objects.filter(pk__in=shown.values()).values_list("pk", "code", "name")
        names = {pk: (code, name) for pk, code, name in found}
        return [
            AccountRow(
                account_id=shown[unit],
                code=names[shown[unit]][0],
                name=names[shown[unit]][1],
                members=len(self.members.get(unit, ())) or 1,
                values={name: _plain(name, values[place]) for name, values in self.columns.items()},
            )
            for place, unit in zip(order.tolist(), self.unit_ids[order].tolist(), strict=True)
        ]

    def _shown_id(self, unit: int) -> int:
        in_view = self.members.get(unit)
        return unit if in_view is None or unit in in_view else in_view[0]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What every answer carries: the currency of its money, why a field is None, its passport, the accounts behind it."""

    currency: str
    reasons: Mapping[str, str]
    passport: Passport
    table: AccountTable


NOBODY = AccountTable(np.empty(0, dtype=np.int64), {})
A = TypeVar("A", bound=Answer)


def without_accounts(answer: A) -> A:
    """The figures alone, to be kept: nobody reads the accounts behind them there."""
    return replace(answer, table=NOBODY)


def blank(answer: type[Answer]) -> dict[str, Any]:
    """The own fields of an answer, all undefined."""
    return {name: None for name in answer.__dataclass_fields__ if name not in Answer.__dataclass_fields__}


@dataclass(frozen=True, slots=True)
class Units:
    """Accounts or groups, ascending by id, and for each account row its place among them."""

    ids: IntArray
    place: IntArray
    members: dict[int, list[int]]

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        """Sum per unit of values an account, shape (n, ...) → (u, ...); money keeps 4 decimals."""
        if len(self.ids) == len(self.place) and (self.place[1:] > self.place[:-1]).all():  # each account is a unit
            return values
        total = np.zeros((len(self.ids), *values.shape[1:]), dtype=values.dtype)
        np.add.at(total, self.place, values)
        return np.round(total, 4) if values.dtype.kind == "f" else total

    def any(self, mask: BoolArray) -> BoolArray:
        found = np.zeros((len(self.ids), *mask.shape[1:]), dtype=bool)
        np.logical_or.at(found, self.place, mask)
        return found

    def earliest(self, dates: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """First date per unit, NaT where none of its accounts has one."""
        far = np.datetime64(date.max)
        first = np.full(len(self.ids), far)
        np.minimum.at(first, self.place, np.where(np.isnat(dates), far, dates))
        first[first == far] = np.datetime64("NaT")
        return first

    def latest(self, dates: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
        """Last date per unit, NaT where none of its accounts has one."""
        never = np.datetime64(date.min)
        last = np.full(len(self.ids), never)
        np.maximum.at(last, self.place, np.where(np.isnat(dates), never, dates))
        last[last == never] = np.datetime64("NaT")
        return last


def units_of(spans: Spans, level: Level) -> Units:
    """How account rows gather to the level asked for."""
    key = spans.unit_ids if level == Level.GROUP else spans.account_ids
    ids, place = np.unique(key, return_inverse=True)
    members: dict[int, list[int]] = {}
    if level == Level.GROUP:
        pairs = zip(spans.unit_ids.tolist(), spans.account_ids.tolist(), strict=True)
        for unit, account in pairs:
            members.setdefault(unit, []).append(account)
        if spans.is_root_seen is not None:  # a root without revenue of its own is a member too
            for unit in np.unique(spans.unit_ids[spans.is_root_seen]).tolist():
                if unit not in members[unit]:
                    members[unit].append(unit)
    return Units(ids, place.astype(np.int64), members)


def passport(
    metric: str,
    *,
    scope: Scope,
    level: Level,
    as_of: date,
    accounts: int,
    base: Period | None = None,
    comparison: Period | None = None,
) -> Passport:
    version = METRICS[metric].version
    return Passport(
        metric, version, base, comparison, scope.basis, str(level), as_of, accounts, credit_notes=scope.credit_notes,
        membership=scope.membership if level == Level.GROUP else None,
    )  # fmt: skip


class Reasons:
    """Collects why values are undefined, in the reader's language."""

    def __init__(self) -> None:
        self.by_field: dict[str, str] = {}

    def rate(self, name: str, value: float, key: str, **details: object) -> float | None:
        """``value``, or None with its reason where it is NaN."""
        if not math.isnan(value):
            return float(value)
        self.by_field[name] = reasons.sentence(key, **details)
        return None

    def undefined(self, names: Sequence[str], sentence: str) -> None:
        self.by_field.update(dict.fromkeys(names, sentence))

    def frozen(self) -> Mapping[str, str]:
        return dict(self.by_field)


def rates_missing(missing: Sequence[MissingRate], fields: Sequence[str]) -> dict[str, str]:
    """The same sentence for every field that needs a missing rate; empty where none is missing."""
    return dict.fromkeys(fields, reasons.missing_rates_sentence(missing)) if missing else {}


def _period_dict(period: Period | None) -> dict[str, str] | None:
    if period is None:
        return None
    return {"label": period.label, "first_day": str(period.start), "last_day": str(period.last_day)}


def _plain(name: str, value: Any) -> Any:
    """A numpy scalar as Python knows it, money as Decimal; NaN and NaT as None."""
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else value.item()
    if isinstance(value, np.floating):
        if np.isnan(value):
            return None
        return exact_total([value]) if name in MONEY_COLUMNS else float(value)
    return value.item() if isinstance(value, np.generic) else value
