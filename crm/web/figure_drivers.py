"""What the drawers of figures about drivers say: the answer a figure belongs to, its value, and the accounts behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period
from crm.web.drivers_form import DecompositionForm, DoublingForm, decomposition_defaults, doubling_defaults
from crm.web.figure import Kind
from crm.web.metric_form import ChoicesForm
from metrics.services.base import AccountRow, Answer
from metrics.services.choices import Choices
from metrics.services.decomposition import BEHIND, decomposition
from metrics.services.directions import directions
from metrics.services.doubling import BELOW_PEERS, WITHOUT_ORDER, doubling

EFFECT = "_effect"
EFFECTS = frozenset(f"{name}{EFFECT}" for name in BEHIND)
GROWTHS = frozenset({"horizontal_growth", "vertical_growth"})
SCENARIOS = frozenset(
    {"scenario_revenue", "scenario_multiple", "target_revenue", "equal_factor", "without_order_revenue", "peer_gap"}
)
KEYS = EFFECTS | GROWTHS | SCENARIOS
FOUR = frozenset({"order_frequency_effect", "average_order_value_effect"})
Head = tuple[Any, str, Kind]
CHANGE_HEADS: tuple[Head, ...] = (
    (_("Base"), "base", Kind.MONEY),
    (_("Comparison"), "comparison", Kind.MONEY),
    (_("Change"), "change", Kind.MONEY),
)
SCENARIO_HEADS: Mapping[str, tuple[Head, ...]] = {
    "without_order_revenue": (
        (_("A year before"), "prior_revenue", Kind.MONEY),
        (_("Last order"), "last_order_on", Kind.DAY),
    ),
    "peer_gap": (
        (_("Gap to it"), "peer_gap", Kind.MONEY),
        (_("Median of peers"), "peer_median", Kind.MONEY),
        (_("Revenue"), "revenue", Kind.MONEY),
    ),
}
PERIOD_HEADS: tuple[Head, ...] = ((_("Revenue"), "revenue", Kind.MONEY), (_("Orders"), "orders", Kind.COUNT))


@dataclass(frozen=True, slots=True)
class Driven:
    """``reason``: why the value is None; ``read_rows``: the accounts behind it, as many as asked."""

    answer: Answer
    value: Any
    reason: str
    heads: Sequence[Head]
    read_rows: Callable[[int | None], list[AccountRow]]


def change_of(
    key: str, accounts: AccountQuerySet, params: Any, *, base: Period, comparison: Period, **choices: Any
) -> Driven:
    """A figure of two periods. Raises PeriodError for choices that the page would refuse."""
    if key in GROWTHS:
        grown = directions(accounts, base=base, comparison=comparison, **choices)
        table = grown.behind(key) if not grown.reasons else grown.table
        heads: tuple[Head, ...] = CHANGE_HEADS if grown.reasons else (*CHANGE_HEADS[:2], (_("Adds"), key, Kind.MONEY))
        order = heads[-1][1]
        return Driven(
            grown, getattr(grown, key).amount, grown.reasons.get(key, ""), heads,
            lambda limit: table.rows(order_by=order, by_size=True, limit=limit),
        )  # fmt: skip
    form = _form(DecompositionForm, params, decomposition_defaults, choices["currency"])
    asked = {name: value for name, value in form.choices().items() if name in ("by", "method", "factors")}
    if key in FOUR or key == f"revenue_per_active_account{EFFECT}":
        asked["factors"] = 4 if key in FOUR else 3
    name = key.removesuffix(EFFECT)
    found = decomposition(accounts, base=base, comparison=comparison, **asked, **choices)
    return Driven(
        found,
        found.effects[name],
        found.reasons.get(f"effects.{name}", ""),
        CHANGE_HEADS,
        lambda limit: found.behind(name, limit=limit),
    )


def scenario_of(key: str, accounts: AccountQuerySet, params: Any, *, period: Period, **choices: Any) -> Driven:
    """A figure of the what-if. Raises PeriodError for drivers that the page would refuse."""
    form = _form(DoublingForm, params, doubling_defaults, choices["currency"])
    asked = {name: value for name, value in form.choices().items() if name not in Choices.__annotations__}
    found = doubling(accounts, period=period, **asked, **choices)
    standing = {"without_order_revenue": WITHOUT_ORDER, "peer_gap": BELOW_PEERS}.get(key)
    table = found.standing(standing) if standing else found.table
    heads = SCENARIO_HEADS.get(key, PERIOD_HEADS)
    return Driven(
        found,
        getattr(found, key),
        found.reasons.get(key, ""),
        heads,
        lambda limit: table.rows(order_by=heads[0][1], limit=limit),
    )


def _form(kind: type[ChoicesForm], params: Any, defaults: Callable[[Any, Any], dict[str, str]], currency: Any) -> Any:
    from metrics.selectors import default_as_of

    form = kind(params, currencies=[currency] if currency else [], defaults=defaults(params, default_as_of()))
    if not form.is_valid():
        raise PeriodError(next(error for errors in form.errors.values() for error in errors))
    return form
