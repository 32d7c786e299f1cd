"""What would better retention be worth? The answer of the calculator: a sentence, three cards, where the claims hold."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import economics_charts, formats
from crm.web.charts import Chart
from crm.web.economics_form import EconomicsForm, portfolio_defaults
from crm.web.figure import Figure, Kind
from crm.web.metric_asked import Asked, Shown, unsaid
from crm.web.period_choices import period_text
from metrics.formulas.economics import Reading, UpliftKind
from metrics.services.economics import EconomicsFigures, economics_of
from metrics.services.economics_portfolio import PortfolioEconomics, Source, portfolio_economics

SAID = {
    Reading.CUSTOMER_VALUE: gettext_lazy("What a customer of today still brings, in today's money."),
    Reading.STEADY_STATE: gettext_lazy("What a year brings once as many leave as come. That takes years."),
    Reading.FIRST_YEAR: gettext_lazy("What a customer of today brings within the coming year."),
}
SOURCES = {
    Source.GIVEN: gettext_lazy("typed"),
    Source.GROSS_PROFIT: gettext_lazy("gross profit of the last 12 months per account that ordered"),
    Source.REVENUE: gettext_lazy(
        "revenue of the last 12 months per account that ordered: cost is missing on some lines"
    ),
    Source.EFFORTS: gettext_lazy("recorded efforts of the last 12 months"),
    Source.LEDGER: gettext_lazy("last 12 months against the 12 before"),
}


@dataclass(frozen=True, slots=True)
class Card:
    """One reading beside the others."""

    name: Any
    said: Any
    css: str
    lift: Figure
    parts: Sequence[Figure]
    claim: str


@dataclass(frozen=True, slots=True)
class EconomicsShown(Shown):
    """``unsaid`` names what must be typed before there is an answer; ``rows`` are the curve as a file has it."""

    answer: EconomicsFigures | None = None
    cards: Sequence[Card] = ()
    claims: Any = ""
    ratio: Chart | None = None
    costs: Sequence[Figure] = ()
    losses: Sequence[Figure] = ()
    unsaid: Sequence[str] = ()
    assumptions: Sequence[tuple[Any, str]] = ()


def economics_answer(asked: Asked, portfolio: PortfolioEconomics | None = None) -> EconomicsShown:
    """Raises FormulaError for values that no answer exists for; one load of the portfolio, unless it is given."""
    form = asked.form
    if not isinstance(form, EconomicsForm):
        raise TypeError
    known = portfolio or portfolio_economics(asked.accounts, as_of=asked.as_of, **form.choices())
    answer = economics_of(known, form.inputs())
    words = economics_charts.names()
    return EconomicsShown(
        sentence=_sentence(asked, answer),
        figures=(),
        chart=economics_charts.lift_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        note=_note(form, answer),
        answer=answer,
        cards=[_card(asked, answer, reading, words[reading]) for reading in Reading],
        claims=_claims(asked, answer),
        ratio=economics_charts.ratio_chart(answer),
        costs=[asked.figure(key, answer) for key in ("cost_ratio", "own_profit_ratio")],
        losses=_losses(asked, answer),
        unsaid=answer.inputs.unsaid(),
        assumptions=_assumptions(form, answer),
    )


def _losses(asked: Asked, answer: EconomicsFigures) -> list[Figure]:
    """Lost spend as it was, the margin that goes with a customer as the calculator has it, and word of mouth, unknown."""
    expected = _("Margin still expected of a customer, in today's money")
    return [
        asked.figure("lost_spend_per_account", answer),
        asked.figure("lost_accounts", answer),
        asked.figure("customer_value_before", answer, label=expected),
        asked.figure("lost_word_of_mouth", answer),
    ]


def portfolio_figures(known: PortfolioEconomics, links: dict[str, Any]) -> dict[str, Figure]:
    """What the ledger knows, each with the link to its drawer, whatever was typed."""
    kept = {name: value for name, value in links.items() if name not in ("margin_per_customer", "retention")}
    windows = {"base": period_text(known.base), "comparison": period_text(known.comparison)}
    return {
        "margin_per_customer": Figure(
            "margin_per_customer", _("Margin per customer and year"), known.margin_per_customer, Kind.MONEY,
            currency=known.scope.currency, reason=known.reasons.get("margin_per_customer", ""), query=kept,
        ),
        "retention": Figure(
            "logo_retention", _("Customer retention"), known.retention, Kind.PERCENT,
            reason=known.reasons.get("retention", ""), query=kept | windows,
        ),
        **{name: _cost_figure(name, label, known, kept) for name, label in COSTS.items()},
    }  # fmt: skip


COSTS = {
    "acquisition_cost": gettext_lazy("Cost of a new customer (CAC)"),
    "keeping_cost": gettext_lazy("Cost of keeping a customer, a year"),
}


def _cost_figure(name: str, label: Any, known: PortfolioEconomics, links: dict[str, Any]) -> Figure:
    """What winning or keeping a customer cost, by the recorded efforts."""
    query = {key: value for key, value in links.items() if key not in COSTS}
    metric = {"acquisition_cost": "cac"}.get(name, name)
    return Figure(
        metric, label, getattr(known, name), Kind.MONEY, currency=known.scope.currency, reason=known.reasons.get(name, ""),
        query=query | {"period": period_text(known.comparison)},
    )  # fmt: skip


def _sentence(asked: Asked, answer: EconomicsFigures) -> SafeString:
    inputs = answer.inputs
    if answer.raised_retention is None or inputs.retention is None:
        return unsaid(answer.reasons.get("raised_retention", ""))
    lifts = {str(reading): asked.said(_lift(asked, answer, reading)) for reading in Reading}
    return format_html(
        _(
            "If {raised} of the customers stay each year instead of {retention}, the value of a customer changes by"
            " {customer_value}, yearly profit in the long run by {steady_state}, the margin within one year by {first_year}."
        ),
        raised=asked.said(asked.figure("raised_retention", answer)),
        retention=format_html("<strong>{}</strong>", formats.percent(inputs.retention)),
        **lifts,
    )


def _lift(asked: Asked, answer: EconomicsFigures, reading: Reading) -> Figure:
    return asked.figure(f"{reading}_lift", answer, kind=Kind.CHANGE)


def _card(asked: Asked, answer: EconomicsFigures, reading: Reading, name: str) -> Card:
    def part(key: str, label: str) -> Figure:
        return asked.figure(f"{reading}_{key}", answer, label=label)

    return Card(
        name=name,
        said=SAID[reading],
        css=f"mark-{economics_charts.COLOURS[reading][2:]}",
        lift=_lift(asked, answer, reading),
        parts=[
            part("before", _("Today")),
            part("after", _("With the uplift")),
            part("break_even_cost", _("Pays up to, per customer and year")),
        ],
        claim=_claim(answer, reading),
    )


def _claim(answer: EconomicsFigures, reading: Reading) -> str:
    """Where the claim is true by this reading, in one sentence."""
    found = getattr(answer, f"{reading}_claim_true_at")
    if found is None:
        return _("%(claim)s: %(reason)s.") % {
            "claim": _claimed(answer), "reason": answer.reasons.get(f"{reading}_claim_true_at", "")
        }  # fmt: skip
    if not found:
        return _("%(claim)s is true at no retention.") % {"claim": _claimed(answer)}
    return _("%(claim)s is true only at a retention of %(retentions)s.") % {
        "claim": _claimed(answer),
        "retentions": _listed(found),
    }


def _claimed(answer: EconomicsFigures) -> str:
    """The claim as the article puts it, with the uplift that was typed."""
    inputs = answer.inputs
    uplift, lift = formats.percent(inputs.uplift, signed=True), formats.percent(inputs.claimed_lift, signed=True)
    if inputs.uplift_kind is UpliftKind.POINTS:
        points = formats.points(100 * inputs.uplift)
        return _("“%(uplift)s points → %(lift)s”") % {"uplift": points, "lift": lift}
    return _("“%(uplift)s → %(lift)s”") % {"uplift": uplift, "lift": lift}


def _listed(retentions: Sequence[float]) -> str:
    return get_text_list([formats.percent(one) for one in retentions], _("and"))


def _claims(asked: Asked, answer: EconomicsFigures) -> SafeString:
    """Where 3× and 16× hold together."""
    inputs = answer.inputs
    return format_html(
        _(
            "That a new customer costs {multiple}× and an existing one earns {ratio}× is true together only where keeping"
            " a customer costs {cost_share} of its yearly margin and winning one {acquisition_share}: a new customer then"
            " hardly earns anything in its first year."
        ),
        multiple=economics_charts.times(inputs.cost_multiple),
        ratio=economics_charts.times(inputs.profit_ratio),
        cost_share=asked.said(asked.figure("claimed_cost_share", answer)),
        acquisition_share=asked.said(asked.figure("claimed_acquisition_share", answer)),
    )


def margin_source(form: EconomicsForm, known: PortfolioEconomics) -> Source | None:
    """Where the margin in the form comes from: the ledger, as long as its value stands there untouched."""
    shown = form["margin_per_customer"].value()
    if not shown:
        return None
    return known.margin_source if shown == portfolio_defaults(known).get("margin_per_customer") else Source.GIVEN


def _note(form: EconomicsForm, answer: EconomicsFigures) -> str:
    if answer.is_capped:
        return _("The uplift stops at a retention of %(cap)s.") % {
            "cap": formats.percent(answer.raised_retention or 0)
        }  # fmt: skip
    if margin_source(form, answer.portfolio) is Source.REVENUE:
        return _("Cost is missing on some lines, so revenue stands in for margin: type the margin to have profit.")
    return ""


def _assumptions(form: EconomicsForm, answer: EconomicsFigures) -> list[tuple[Any, str]]:
    """Every input as it was used, for paper and files."""
    found = []
    for slider in (*form.customers, *form.uplifts, *form.others, *form.claims):
        value = form.cleaned_data.get(slider.field.name)
        shown = economics_charts.times(value) if value is not None else _("not said")
        found.append((slider.field.label, f"{shown} {slider.unit}".strip() if value is not None else shown))
    kinds = dict(form.fields["uplift_kind"].choices)  # type: ignore[attr-defined]
    found.append((form["uplift_kind"].label, str(kinds.get(str(answer.inputs.uplift_kind), _("not said")))))
    source = margin_source(form, answer.portfolio)
    found.append((_("Margin from"), str(SOURCES[source]) if source else _("not said")))
    return found
