"""What the drawer of a figure says: its value, its passport and the accounts behind it, from the same services as pages and REST."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import Http404, HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period, prior_ttm, ttm
from crm.web import figure_drivers, lifetime_words
from crm.web.basis import ledger_choices
from crm.web.economics_form import inputs_of
from crm.web.figure import Figure, Kind
from crm.web.figure_cohorts import KIND_KEYS, kinds_answer
from crm.web.figure_contracts import CONTRACT_KEYS, contract_answer
from crm.web.figure_efforts import EFFORT_KEYS, effort_answer
from crm.web.figure_next import NEXT_KEYS, next_answer
from crm.web.figure_receivables import RECEIVABLES_KEYS, receivables_figure
from crm.web.figure_relationships import RELATIONSHIP_KEYS, relationship_figure
from crm.web.filters import AccountFilter, Asked
from crm.web.htmx import user_of
from crm.web.levels import level_choices
from crm.web.period_choices import base_of
from crm.web.scope import accounts_in_scope
from metrics import definitions_economics
from metrics.definitions import METRICS, Metric, Unit
from metrics.formulas.economics import Reading
from metrics.periods import read_period
from metrics.selectors import default_as_of
from metrics.services.account import AccountMetrics, account_metrics
from metrics.services.activity import activity
from metrics.services.base import AccountRow, Answer, Passport
from metrics.services.choices import Choices
from metrics.services.churn import LossState, loss_split
from metrics.services.concentration import concentration
from metrics.services.economics import economics_of
from metrics.services.economics_portfolio import portfolio_economics
from metrics.services.lifetime import lifetime
from metrics.services.lifetime_interval import ENDS
from metrics.services.portfolio import BridgeFigures, TwoPeriods, two_periods

SHOWN_ACCOUNTS = 20
RENAMED = {"sleeping_revenue": "without_order_revenue"}  # in addresses that people kept
PERIODS = frozenset({"base", "comparison", "period"})  # with one of them an account is a filter, not the subject
GROWTH = frozenset({
    "growth_rate", "overall_growth_rate", "cohort_accounts", "base_revenue", "comparison_revenue", "total_base_revenue",
    "total_comparison_revenue", "constant_growth_rate", "constant_overall_growth_rate", "constant_comparison_revenue",
    "total_constant_comparison_revenue", "cohort_fx_effect", "fx_effect",
})  # fmt: skip
OF_ALL = frozenset({
    "overall_growth_rate", "total_base_revenue", "total_comparison_revenue", "ttm_revenue", "constant_overall_growth_rate",
    "total_constant_comparison_revenue", "fx_effect",
})  # fmt: skip
OF_RATES = frozenset({"cohort_fx_effect", "fx_effect"})
RETENTION = frozenset({"net_revenue_retention", "gross_revenue_retention", "logo_retention", "retained_accounts"})
BRIDGE = frozenset({
    "opening", "expansion", "contraction", "churned", "reactivated", "new", "adjustment", "closing",
})  # fmt: skip
LOSSES = {"bridge_churned": LossState.CHURNED, "bridge_lapsed": LossState.LAPSED}
ACTIVITY = frozenset({
    "covered_accounts", "active_accounts", "active_rate", "orders", "average_order_value", "revenue_per_active_account",
    "revenue", "repeat_rate", "returning_rate", "order_frequency",
})  # fmt: skip
CONCENTRATION = frozenset({
    "top_1_share", "top_5_share", "top_10_share", "top_20_percent_share", "hhi", "effective_accounts", "gini",
    "largest_group_share",
})  # fmt: skip
ECONOMICS = frozenset(one.key for one in definitions_economics.ECONOMICS)
LIFETIME = frozenset({"clv", "expected_revenue", "expected_orders", "contract_value", *ENDS})
CHANGES = frozenset({
    "growth_rate", "overall_growth_rate", "constant_growth_rate", "constant_overall_growth_rate", "contract_growth_rate",
    "contract_overall_growth", "breadth_change",
}) | {f"{reading}_lift" for reading in Reading}  # fmt: skip
CHANCES = frozenset({"rule_p_value"})
KINDS = {Unit.MONEY: Kind.MONEY, Unit.RATE: Kind.PERCENT, Unit.COUNT: Kind.COUNT, Unit.DAYS: Kind.COUNT}
Head = tuple[Any, str, Kind]
TWO_PERIOD_HEADS: tuple[Head, ...] = (
    (_("Base"), "base", Kind.MONEY),
    (_("Comparison"), "comparison", Kind.MONEY),
    (_("Change"), "change", Kind.MONEY),
)
CONSTANT_HEADS: tuple[Head, ...] = (
    *TWO_PERIOD_HEADS[:2],
    (_("At constant rates"), "constant", Kind.MONEY),
    (_("Exchange rate effect"), "fx_effect", Kind.MONEY),
)
ACTIVITY_HEADS: tuple[Head, ...] = ((_("Revenue"), "revenue", Kind.MONEY), (_("Orders"), "orders", Kind.COUNT))
CONCENTRATION_HEADS: tuple[Head, ...] = ((_("Revenue"), "revenue", Kind.MONEY), (_("Share"), "share", Kind.PERCENT))
ECONOMICS_HEADS: tuple[Head, ...] = (
    (_("Revenue, 12 months"), "comparison", Kind.MONEY),
    (_("Revenue, 12 months before"), "base", Kind.MONEY),
    (_("Gross profit"), "gross_profit", Kind.MONEY),
)
_CLV, _EXPECTED, _ALIVE = (
    (_("Lifetime value"), "clv", Kind.MONEY),
    (_("Expected revenue"), "expected_revenue", Kind.MONEY),
    (_("Still a customer"), "p_alive", Kind.PERCENT),
)
LIFETIME_HEADS: Mapping[str, tuple[Head, ...]] = {
    "clv": (_CLV, _EXPECTED, _ALIVE),
    "expected_revenue": (_EXPECTED, _CLV, _ALIVE),
    "expected_orders": (_EXPECTED, _CLV, _ALIVE),
    **{end: ((METRICS[end].label, end, Kind.MONEY), _CLV, _EXPECTED) for end in ("contract_value", *ENDS)},
}


@dataclass(frozen=True, slots=True)
class FigureAnswer:
    """One figure with everything known about it. ``heads`` are the columns of the accounts behind it."""

    definition: Metric
    figure: Figure
    passport: Passport
    currency: str
    heads: Sequence[Head] = ()
    read_rows: Callable[[int | None], list[AccountRow]] = field(default=lambda _limit: [])
    account: Account | None = None
    remarks: Sequence[str] = ()

    @property
    def rows(self) -> list[AccountRow]:
        return self.read_rows(SHOWN_ACCOUNTS)

    def export_rows(self) -> Iterator[list[Any]]:
        for row in self.read_rows(None):
            yield [row.code, row.name, *(row.values.get(name) for _label, name, _kind in self.heads)]


def answer_for(request: HttpRequest, metric: str) -> FigureAnswer:
    """The answer to one address of a drawer. Raises Http404 for an unknown figure or account, PeriodError for a bad period."""
    metric = RENAMED.get(metric, metric)
    definition = METRICS.get(metric)
    if definition is None or definition.unit is Unit.GROUP_OF_FIGURES:
        raise Http404
    if metric in KIND_KEYS:
        return _of_kinds(request, definition)
    if metric in NEXT_KEYS:
        return _of_next(request, definition)
    if metric in CONTRACT_KEYS | RECEIVABLES_KEYS | RELATIONSHIP_KEYS:
        return _of_papers(request, definition)
    if metric in EFFORT_KEYS:
        return _of_efforts(request, definition)
    if request.GET.get("account") and not PERIODS & set(request.GET):
        return _of_account(request, definition, _one_account(request))
    return _of_portfolio(request, definition)


def _one_account(request: HttpRequest) -> Account:
    """The account an address asks for; one that the reader may not see is not there."""
    asked = request.GET["account"]
    is_id = asked.isascii() and asked.isdecimal() and len(asked) < 19
    account = Account.objects.visible_to(request.user).filter(pk=int(asked)).first() if is_id else None
    if account is None:
        raise Http404
    return account


def _of_account(request: HttpRequest, definition: Metric, account: Account) -> FigureAnswer:
    found: AccountMetrics = account_metrics(account)
    if not hasattr(found, definition.key):
        raise Http404
    value = getattr(found, definition.key)
    figure = _figure(definition, value, found.currency, found.reasons, {"account": account.pk})
    said = lifetime_words.remarks(found, definition.key)
    return FigureAnswer(definition, figure, found.passport, found.currency, account=account, remarks=said)


def _of_portfolio(request: HttpRequest, definition: Metric) -> FigureAnswer:
    params = request.GET
    accounts = filtered_accounts(request)
    choices = _choices(params)
    currency, key = choices["currency"], definition.key
    if key in GROWTH | RETENTION | BRIDGE | LOSSES.keys() or key == "ttm_revenue":
        base, comparison = periods_of(params)
        return _two_periods(definition, two_periods(accounts, base=base, comparison=comparison, **choices), params)
    if key in ACTIVITY:
        return _simple(
            definition, activity(accounts, period=_period(params.get("period")), **choices), ACTIVITY_HEADS, params
        )
    if key in figure_drivers.KEYS:
        return _driven(definition, accounts, params, choices)
    if key in CONCENTRATION:
        found = concentration(accounts, period=_period(params.get("period")), **choices)
        return _simple(definition, found, CONCENTRATION_HEADS, params)
    if key in ECONOMICS:
        inputs = inputs_of(params, currencies=[currency] if currency else [])
        answer = economics_of(portfolio_economics(accounts, **choices), inputs)
        return _simple(definition, answer, ECONOMICS_HEADS, params)
    if key in LIFETIME:
        worth = lifetime(accounts, **choices, **lifetime_words.outlook_of(params))
        return replace(
            _simple(definition, worth, LIFETIME_HEADS[key], params), remarks=lifetime_words.remarks(worth, key)
        )
    raise Http404


def _of_kinds(request: HttpRequest, definition: Metric) -> FigureAnswer:
    """Cohorts, sleepers, kinds of customers; an account is a filter here."""
    params = request.GET
    choices = _choices(params)
    found, heads = kinds_answer(
        definition.key, filtered_accounts(request), params, _period(params.get("period")), **choices
    )
    return _simple(definition, found, heads, params)


def _of_next(request: HttpRequest, definition: Metric) -> FigureAnswer:
    """Forecast and risk of decline; an account is a filter here."""
    params = request.GET
    choices = _choices(params)
    found, heads = next_answer(definition.key, filtered_accounts(request), params, **choices)
    return _simple(definition, found, heads, params)


def _of_papers(request: HttpRequest, definition: Metric) -> FigureAnswer:
    """Contracts on two days, their backlog, invoices to be paid, relationships; an account is a filter here."""
    params = request.GET
    asked = {**level_choices(params.get("level", "")), "currency": _currency(params.get("currency", ""))}
    answer = receivables_figure if definition.key in RECEIVABLES_KEYS else contract_answer
    answer = relationship_figure if definition.key in RELATIONSHIP_KEYS else answer
    return _as_driven(definition, answer(definition.key, filtered_accounts(request), params, **asked), params)


def _of_efforts(request: HttpRequest, definition: Metric) -> FigureAnswer:
    """What customers cost and earn; an account is a filter here."""
    params = request.GET
    accounts, period = filtered_accounts(request), _period(params.get("period"))
    found, heads = effort_answer(definition.key, accounts, params, period, **_choices(params))
    return _simple(definition, found, heads, params)


def _two_periods(definition: Metric, found: TwoPeriods, params: Mapping[str, Any]) -> FigureAnswer:
    key = definition.key
    heads, order, by_size = TWO_PERIOD_HEADS, "change", True
    if key in LOSSES:
        return _loss(definition, found, params)
    if key in BRIDGE:
        bridge: BridgeFigures = found.bridge()
        figure = _figure(definition, bridge.bars[key].amount, bridge.currency, bridge.reasons, _kept(params))
        column = {"opening": "base", "closing": "comparison"}.get(key, key)
        heads = (*TWO_PERIOD_HEADS[:2], (definition.label, column, Kind.MONEY))
        return FigureAnswer(
            definition, figure, bridge.passport, bridge.currency, heads, lambda limit: bridge.behind(key, limit=limit)
        )
    answer: Answer = found.retention() if key in RETENTION else found.growth()
    name = "total_comparison_revenue" if key == "ttm_revenue" else key
    if key in {"base_revenue", "total_base_revenue", "logo_retention", "retained_accounts", "cohort_accounts"}:
        order, by_size = "base", False
    elif key in {"comparison_revenue", "total_comparison_revenue", "ttm_revenue"}:
        order, by_size = "comparison", False
    table = answer.table
    if found.is_translated and (key in OF_RATES or key.startswith(("constant", "total_constant"))):
        heads, order = CONSTANT_HEADS, "fx_effect" if key in OF_RATES else "constant"
    if key not in OF_ALL:
        table = table.where(table.columns["base"] > 0)
    figure = _figure(definition, getattr(answer, name), answer.currency, answer.reasons, _kept(params), name=name)
    return FigureAnswer(
        definition,
        figure,
        answer.passport,
        answer.currency,
        heads,
        lambda limit: table.rows(order_by=order, by_size=by_size, limit=limit),
    )


def _loss(definition: Metric, found: TwoPeriods, params: Mapping[str, Any]) -> FigureAnswer:
    """The churned or the lapsed of the line that holds both."""
    bridge, state = found.bridge(), LOSSES[definition.key]
    split = loss_split(found, bridge)
    reasons = {definition.key: bridge.reasons.get("churned", "")}
    figure = _figure(definition, split.of(state).amount, bridge.currency, reasons, _kept(params))
    table = split.behind(state)
    heads = (*TWO_PERIOD_HEADS[:2], (definition.label, "change", Kind.MONEY))
    return FigureAnswer(
        definition, figure, bridge.passport, bridge.currency, heads,
        lambda limit: table.rows(order_by="base", limit=limit),
    )  # fmt: skip


def _driven(definition: Metric, accounts: AccountQuerySet, params: Mapping[str, Any], choices: Choices) -> FigureAnswer:
    key = definition.key
    if key in figure_drivers.SCENARIOS:
        found = figure_drivers.scenario_of(key, accounts, params, period=_period(params.get("period")), **choices)
    else:
        base, comparison = periods_of(params)
        found = figure_drivers.change_of(key, accounts, params, base=base, comparison=comparison, **choices)
    return _as_driven(definition, found, params)


def _as_driven(definition: Metric, found: figure_drivers.Driven, params: Mapping[str, Any]) -> FigureAnswer:
    reasons = {definition.key: found.reason}
    figure = _figure(definition, found.value, found.answer.currency, reasons, _kept(params))
    return FigureAnswer(definition, figure, found.answer.passport, found.answer.currency, found.heads, found.read_rows)


def _simple(definition: Metric, found: Answer, heads: Sequence[Head], params: Mapping[str, Any]) -> FigureAnswer:
    figure = _figure(definition, getattr(found, definition.key), found.currency, found.reasons, _kept(params))
    return FigureAnswer(
        definition,
        figure,
        found.passport,
        found.currency,
        heads,
        lambda limit: found.table.rows(order_by=heads[0][1], limit=limit),
    )


def _figure(
    definition: Metric,
    value: Any,
    currency: str,
    reasons: Mapping[str, str],
    query: Mapping[str, Any],
    *,
    name: str = "",
) -> Figure:
    kind = kind_of(definition, value)
    return Figure(
        definition.key,
        definition.label,
        value,
        kind,
        currency=currency if kind is Kind.MONEY else "",
        reason=reasons.get(name or definition.key, ""),
        query=query,
    )


def kind_of(definition: Metric, value: Any = None) -> Kind:
    if definition.key in CHANGES:
        return Kind.CHANGE
    if definition.key in CHANCES:
        return Kind.CHANCE
    if definition.unit is Unit.DATE:
        return Kind.DAY
    if definition.unit is Unit.DAYS and isinstance(value, float):
        return Kind.SCORE
    return KINDS.get(definition.unit, Kind.NUMBER)


def filtered_accounts(request: HttpRequest) -> AccountQuerySet:
    """The accounts in the reader's scope, narrowed by the account filters of the address."""
    asked = Asked(user_of(request), default_as_of())
    found = AccountFilter(request.GET, asked).apply(accounts_in_scope(request))
    return found.filter(pk=_one_account(request).pk) if request.GET.get("account") else found


def periods_of(params: Mapping[str, Any]) -> tuple[Period, Period]:
    """Base and comparison of an address; by default the rolling year before and the rolling year. Raises PeriodError."""
    as_of = default_as_of()
    comparison = _read(params.get("comparison")) or ttm(as_of)
    base = _read(params.get("base")) or (prior_ttm(as_of) if comparison == ttm(as_of) else base_of(comparison))
    return base, comparison


def _period(text: str | None) -> Period:
    return _read(text) or ttm(default_as_of())


def _read(text: str | None) -> Period | None:
    return read_period(text) if text else None


def _choices(params: Mapping[str, Any]) -> Choices:
    """What an address chooses beside periods. Raises PeriodError for what there is not."""
    read = ledger_choices(params)
    return {
        **level_choices(params.get("level", "")),
        "currency": _currency(params.get("currency", "")),
        "basis": read["basis"],
        "credit_notes": read["credit_notes"],
    }


def _currency(text: str) -> str | None:
    if not text:
        return None
    if len(text) == 3 and text.isascii() and text.isupper():
        return text
    raise PeriodError(gettext("Give the currency as three letters, such as CNY."))


def _kept(params: Mapping[str, Any]) -> dict[str, Any]:
    lists = params.lists() if hasattr(params, "lists") else params.items()
    return {key: values for key, values in lists if key != "csrfmiddlewaretoken"}
