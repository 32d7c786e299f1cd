"""Who carries us?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Unpack

import numpy as np
from numpy.typing import NDArray

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics import frames
from metrics.formulas import concentration as formula
from metrics.formulas.exact import FloatArray, exact_total, positive_part
from metrics.scope import Level
from metrics.selectors import default_as_of
from metrics.services.base import AccountTable, Answer, Reasons, blank, passport, rates_missing, units_of
from metrics.services.choices import Choices, asked_scope
from metrics.services.empty_basis import says_why_empty

CLASSES = ("A", "B", "C", "N")
CURVE_POINTS = 200


@dataclass(frozen=True, slots=True)
class ClassTotal:
    """One ABC class; share is of revenue above 0, None where there is none."""

    accounts: int
    revenue: Decimal
    share: float | None


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The ``accounts`` largest accounts have this share of revenue above 0."""

    accounts: int
    share: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConcentrationFigures(Answer):
    """Shares are of revenue above 0; ``total`` is all revenue. ``accounts`` have revenue above 0."""

    accounts: int | None
    total: Decimal | None
    top_1_share: float | None
    top_5_share: float | None
    top_10_share: float | None
    top_20_percent_share: float | None
    hhi: float | None
    effective_accounts: float | None
    normalised_hhi: float | None
    gini: float | None
    largest_group_share: float | None
    abc: Mapping[str, ClassTotal] | None
    curve: tuple[CurvePoint, ...] | None


SHARES = ("top_1_share", "top_5_share", "top_10_share", "top_20_percent_share", "hhi", "effective_accounts", "gini")


@says_why_empty
def concentration(accounts: AccountQuerySet, *, period: Period, **choices: Unpack[Choices]) -> ConcentrationFigures:
    """Concentration of ``accounts`` (already limited to what the caller may see) in one period; one query."""
    scope = asked_scope(accounts, choices)
    level = Level(choices.get("level", Level.ENTITY))
    frame = frames.windows(scope, [period], level=Level.GROUP)
    units = units_of(frame.spans, level)
    net = units.sums(frame.net[:, 0])
    is_behind = (net != 0) | units.any(frame.is_missing[:, 0])
    net, ids = net[is_behind], units.ids[is_behind]
    table = AccountTable(ids, {"revenue": net}, units.members)
    carried = passport(
        "concentration", scope=scope, level=level, as_of=choices.get("as_of") or default_as_of(), accounts=len(ids),
        comparison=period,
    )  # fmt: skip
    if frame.missing:
        why = rates_missing(frame.missing, list(blank(ConcentrationFigures)))
        return ConcentrationFigures(
            currency=scope.currency, reasons=why, passport=carried, table=table, **blank(ConcentrationFigures)
        )
    found, reasons = formula.concentration(net), Reasons()
    groups = units_of(frame.spans, Level.GROUP).sums(frame.net[:, 0])
    classes = formula.abc_classes(net, ids)
    return ConcentrationFigures(
        accounts=found.accounts,
        total=found.total,
        **{name: reasons.rate(name, getattr(found, name), "no_revenue") for name in SHARES},
        normalised_hhi=reasons.rate(
            "normalised_hhi", found.normalised_hhi, "one_account" if found.accounts else "no_revenue"
        ),
        largest_group_share=reasons.rate("largest_group_share", formula.top_share(groups, 1), "no_revenue"),
        abc=_classes(net, classes),
        curve=_curve(net),
        currency=scope.currency,
        reasons=reasons.frozen(),
        passport=carried,
        table=table.with_columns({"share": _shares(net), "abc": classes}),
    )


def _classes(net: FloatArray, classes: NDArray[np.str_]) -> dict[str, ClassTotal]:
    whole = exact_total(positive_part(net))
    totals = {}
    for letter in CLASSES:
        is_in = classes == letter
        revenue = exact_total(net[is_in])
        share = float(max(revenue, Decimal(0)) / whole) if whole else None
        totals[letter] = ClassTotal(int(is_in.sum()), revenue, share)
    return totals


def _curve(net: FloatArray) -> tuple[CurvePoint, ...]:
    ranks, shares = formula.cumulative_curve(net, points=CURVE_POINTS)
    return tuple(CurvePoint(rank, share) for rank, share in zip(ranks.tolist(), shares.tolist(), strict=True))


def _shares(net: FloatArray) -> FloatArray:
    positive = positive_part(net)
    whole = positive.sum()
    return positive / whole if whole else np.full(net.shape, np.nan)
