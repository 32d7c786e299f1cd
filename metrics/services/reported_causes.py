"""Why a reported figure and the live one differ, account by account: each account of either side has one cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy, ngettext_lazy
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, FloatArray, units_total, whole_units
from metrics.frames_spans import IntArray, roots
from metrics.models import ReportedFigure
from metrics.scope import Scope
from metrics.services.base import AccountTable


class CauseCode(StrEnum):
    """Causes that move amounts come first; the others change how accounts are grouped, named or counted."""

    DOCUMENTS = "documents"
    RATES = "rates"
    DOCUMENTS_OR_RATES = "documents_or_rates"
    MERGED = "merged"
    GONE = "gone"
    OUT_OF_VIEW = "out_of_view"
    OUT_OF_FILTERS = "out_of_filters"
    CAME_IN = "came_in"
    REGROUPED = "regrouped"
    CLOSED = "closed"
    RENAMED = "renamed"
    VERSION = "version"
    FACTS = "facts"
    MISSING_RATES = "missing_rates"


@dataclass(frozen=True, slots=True)
class Cause:
    """Something that has changed since, with what it did to the revenue of both periods (live - reported).

    None where it moves no amount by itself. Over all causes the differences add up to that of total revenue."""

    code: CauseCode
    accounts: int
    base_difference: Decimal | None = None
    comparison_difference: Decimal | None = None

    @property
    def sentence(self) -> str:
        """In the reader's language."""
        if self.code in _COUNTED:
            return str(_COUNTED[self.code] % {"count": self.accounts})
        return str(_SAID[self.code])


@dataclass(frozen=True, slots=True, eq=False)
class CohortFacts:
    """The cohort as kept, ascending by account, and what became of each account since, each shape (n,)."""

    account_ids: IntArray
    base: FloatArray
    comparison: FloatArray
    merged_into: IntArray
    is_there: BoolArray
    is_visible: BoolArray
    is_counted: BoolArray
    is_regrouped: BoolArray
    is_closed: BoolArray
    is_renamed: BoolArray


def facts_now(figure: ReportedFigure, *, scope: Scope, visible: AccountQuerySet) -> CohortFacts:
    """One query.

    scope : of the live answer; visible : what the reader may see, filters aside
    """
    in_scope, scope_params = scope.within("r.account_id")
    in_view, view_params = replace(scope, accounts=visible).within("r.account_id")
    columns: dict[str, tuple[str, Kind]] = {
        "account_ids": ("r.account_id", "int8"),
        "base": ("r.base_amount", "float8"),
        "comparison": ("r.comparison_amount", "float8"),
        "merged_into": ("a.merged_into_id", "int8"),
        "is_there": ("(a.id IS NOT NULL)::int", "int4"),
        "is_visible": (f"({in_view})::int", "int4"),
        "is_counted": (f"({in_scope})::int", "int4"),
        "is_regrouped": ("(t.root <> r.root_id)::int", "int4"),
        "is_closed": ("(a.closed_on > %s)::int", "int4"),
        "is_renamed": ("((a.code, a.name) <> (r.code, r.name))::int", "int4"),
    }
    sql = (
        f"{roots()} SELECT {', '.join(as_sql(expression, kind) for expression, kind in columns.values())}"
        " FROM metrics_reportedaccount r LEFT JOIN accounts_account a ON a.id = r.account_id"
        " LEFT JOIN tree t ON t.id = r.account_id WHERE r.figure_id = %s ORDER BY r.account_id"
    )
    params = [*view_params, *scope_params, figure.as_of, figure.pk]
    rows = fetch(sql, params, {name: kind for name, (_sql, kind) in columns.items()}, using=scope.using)
    found: dict[str, Any] = {name: values > 0 if name.startswith("is_") else values for name, values in rows.items()}
    return CohortFacts(**found)


def causes_of(
    figure: ReportedFigure,
    facts: CohortFacts,
    *,
    live: AccountTable,
    state: Mapping[str, str],
    version: str,
    is_known: bool,
    is_different: bool,
) -> tuple[Cause, ...]:
    """The causes that are found, largest first among those that move amounts.

    live : the legal entities counted now, with base and comparison; is_known : no exchange rate is missing now
    """
    found = _of_amounts(figure, facts, live, state) if is_known else [Cause(CauseCode.MISSING_RATES, 0)]
    found.sort(key=lambda cause: (-_size(cause), cause.code))
    counted = facts.is_counted
    for code, mask in (
        (CauseCode.REGROUPED, facts.is_regrouped & counted),
        (CauseCode.CLOSED, facts.is_closed),
        (CauseCode.RENAMED, facts.is_renamed),
    ):
        if mask.any():
            found.append(Cause(code, int(mask.sum())))
    if version != figure.version:
        found.append(Cause(CauseCode.VERSION, 0))
    if is_different and not found:
        found.append(Cause(CauseCode.FACTS, 0))
    return tuple(found)


def _of_amounts(
    figure: ReportedFigure, facts: CohortFacts, live: AccountTable, state: Mapping[str, str]
) -> list[Cause]:
    """One cause for each account whose amounts differ between then and now."""
    ids = np.union1d(facts.account_ids, live.unit_ids)
    then, now = np.searchsorted(ids, facts.account_ids), np.searchsorted(ids, live.unit_ids)
    moved = {}
    for name, kept in (("base", facts.base), ("comparison", facts.comparison)):
        before, after = np.zeros(len(ids)), np.zeros(len(ids))
        before[then], after[now] = kept, live.columns[name]
        units = whole_units(before, after)
        moved[name] = units[1] - units[0]
    was_there = np.zeros(len(ids), dtype=bool)
    was_there[then] = True
    code = np.full(len(ids), _of_documents(figure, state), dtype=object)
    if not figure.ledger_state.get("is_everything"):
        code[~was_there] = CauseCode.CAME_IN
    lost = ~facts.is_counted
    code[then[lost]] = CauseCode.OUT_OF_FILTERS
    code[then[lost & ~facts.is_visible]] = CauseCode.OUT_OF_VIEW
    code[then[~facts.is_there]] = CauseCode.GONE
    code[then[facts.merged_into > 0]] = CauseCode.MERGED
    code[np.isin(ids, facts.merged_into[facts.merged_into > 0])] = CauseCode.MERGED
    is_moved = np.asarray((moved["base"] != 0) | (moved["comparison"] != 0), dtype=bool)
    return [
        Cause(one, int(mask.sum()), units_total(moved["base"][mask]), units_total(moved["comparison"][mask]))
        for one in CauseCode
        if (mask := _is(code, one) & is_moved).any()
    ]


def _of_documents(figure: ReportedFigure, state: Mapping[str, str]) -> CauseCode:
    """What moved the amounts of an account that is counted as before: its documents, or the rates they are shown at."""
    then = figure.ledger_state
    has_rates = bool(then.get("is_translated")) and then.get("rates") != state["rates"]
    if not has_rates:
        return CauseCode.DOCUMENTS
    return CauseCode.RATES if then.get("ledger") == state["ledger"] else CauseCode.DOCUMENTS_OR_RATES


def _is(codes: NDArray[Any], one: CauseCode) -> BoolArray:
    return np.asarray(codes == one, dtype=bool)


def _size(cause: Cause) -> Decimal:
    return abs(cause.base_difference or Decimal(0)) + abs(cause.comparison_difference or Decimal(0))


# What is said of how many accounts.
_COUNTED: Mapping[CauseCode, Any] = {
    CauseCode.DOCUMENTS: ngettext_lazy(
        "Documents booked or withdrawn since in the periods: the revenue of %(count)s account changed.",
        "Documents booked or withdrawn since in the periods: the revenue of %(count)s accounts changed.",
        "count",
    ),
    CauseCode.RATES: ngettext_lazy(
        "Exchange rates changed since: the revenue of %(count)s account reads otherwise.",
        "Exchange rates changed since: the revenue of %(count)s accounts reads otherwise.",
        "count",
    ),
    CauseCode.DOCUMENTS_OR_RATES: ngettext_lazy(
        "Documents in the periods or exchange rates changed since: the revenue of %(count)s account is another.",
        "Documents in the periods or exchange rates changed since: the revenue of %(count)s accounts is another.",
        "count",
    ),
    CauseCode.MERGED: ngettext_lazy(
        "Accounts were merged since: the revenue of %(count)s account is counted with another, or another's with it.",
        "Accounts were merged since: the revenue of %(count)s accounts is counted with another, or another's with it.",
        "count",
    ),
    CauseCode.GONE: ngettext_lazy(
        "%(count)s account is no longer there: merged into another, or removed.",
        "%(count)s accounts are no longer there: merged into others, or removed.",
        "count",
    ),
    CauseCode.OUT_OF_VIEW: ngettext_lazy(
        "%(count)s account of the report is not among those you see.",
        "%(count)s accounts of the report are not among those you see.",
        "count",
    ),
    CauseCode.OUT_OF_FILTERS: ngettext_lazy(
        "%(count)s account no longer meets the filters of the report.",
        "%(count)s accounts no longer meet the filters of the report.",
        "count",
    ),
    CauseCode.CAME_IN: ngettext_lazy(
        "%(count)s account is counted now and was not then: booked since, or now in view and within the filters.",
        "%(count)s accounts are counted now and were not then: booked since, or now in view and within the filters.",
        "count",
    ),
    CauseCode.REGROUPED: ngettext_lazy(
        "%(count)s account belongs to another group since.",
        "%(count)s accounts belong to another group since.",
        "count",
    ),
    CauseCode.CLOSED: ngettext_lazy(
        "%(count)s account was closed since; that alone moves none of these figures.",
        "%(count)s accounts were closed since; that alone moves none of these figures.",
        "count",
    ),
    CauseCode.RENAMED: ngettext_lazy(
        "%(count)s account has another code or name since.",
        "%(count)s accounts have another code or name since.",
        "count",
    ),
}
_SAID: Mapping[CauseCode, Any] = {
    CauseCode.VERSION: gettext_lazy("The formula has another version since."),
    CauseCode.MISSING_RATES: gettext_lazy("Exchange rates are missing now, so the live figures are not known."),
    CauseCode.FACTS: gettext_lazy(
        "Revenue of both periods is the same; when accounts bought for the first time is known otherwise since."
    ),
}
