"""A reported figure as its page shows it: figures beside the live ones, what differs with sign and arrow, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.enums import CreditNotes, RevenueBasis
from crm import reported
from crm.lib.money import MINOR_PLACES, MONEY_PLACES, rounded
from crm.lib.periods import Period
from crm.web import formats
from crm.web.basis import credit_note_facts
from crm.web.figure import Kind, format_value
from crm.web.figure_answers import kind_of
from crm.web.formats import NumberStyle
from crm.web.levels import level_of, level_words
from metrics.definitions import METRICS
from metrics.enums import ReportedQuestion
from metrics.metric import Direction, Unit
from metrics.models import ReportedFigure
from metrics.scope import Level
from metrics.selectors import company_basis
from metrics.services.reported import ACCOUNTS_SUFFIX, BRIDGE_LINES, RATE_PLACES, Compared
from metrics.services.reported_causes import Cause

HEADLINES = {
    ReportedQuestion.GROWTH: "growth_rate",
    ReportedQuestion.RETENTION: "net_revenue_retention",
    ReportedQuestion.BRIDGE: "closing",
}
RATE_DECIMALS = 2


@dataclass(frozen=True, slots=True)
class FigureLine:
    """One figure: as reported, live, and the difference; ``reason`` says why one is undefined.

    count : the number of accounts behind a line of the bridge
    """

    label: Any
    reported: str
    live: str
    difference: SafeString | str
    reason: str
    count: "FigureLine | None" = None


@dataclass(frozen=True, slots=True)
class CauseLine:
    sentence: str
    base: SafeString | str
    comparison: SafeString | str


def figure_lines(figures: Sequence[Compared]) -> list[FigureLine]:
    counts = {one.key.removesuffix(ACCOUNTS_SUFFIX): _line(one) for one in figures if _is_line_count(one.key)}
    return [_line(one, counts.get(one.key)) for one in figures if not _is_line_count(one.key)]


def _line(one: Compared, count: FigureLine | None = None) -> FigureLine:
    reason = one.reported_reason or one.live_reason
    return FigureLine(
        label_of(one.key), _text(one.key, one.reported), _text(one.key, one.live), _difference(one), reason, count
    )


def cause_lines(causes: Sequence[Cause]) -> list[CauseLine]:
    return [CauseLine(one.sentence, _signed(one.base_difference), _signed(one.comparison_difference)) for one in causes]


def headline(figure: ReportedFigure, style: NumberStyle) -> tuple[Any, str]:
    """(what it is, its value) of the one figure that lists show."""
    key = HEADLINES[ReportedQuestion(figure.question)]
    text = figure.figures.get(key)
    definition = METRICS[key]
    kind = kind_of(definition)
    value = _("n/a") if text is None else format_value(Decimal(text), kind, style)
    return definition.label, f"{value} {figure.currency}" if kind is Kind.MONEY and text is not None else value


def label_of(key: str) -> Any:
    if _is_line_count(key):
        return _("%(figure)s, accounts") % {"figure": METRICS[key.removesuffix(ACCOUNTS_SUFFIX)].label}
    return METRICS[key].label if key in METRICS else key


def period_words(period: Period) -> str:
    """A period as people say it: a rolling year by its end, others as they were asked for or by their days."""
    kind = period.label.lower()
    if kind.startswith("ttm@"):
        return _("12 months to %(month)s") % {"month": formats.month(period.last_day)}
    return formats.period(period.start, period.last_day) if kind.startswith("ytd") else period.label


def about(figure: ReportedFigure) -> list[tuple[Any, Any]]:
    """What stands behind the figures, in words: page and file say the same."""
    spans = ((_("Base"), figure.base), (_("Comparison"), figure.comparison))
    filters = "; ".join(f"{label}: {value}" for label, value in figure.filter_words)
    return [
        (_("Question"), figure.get_question_display()),
        *((label, formats.period(one.start, one.last_day)) for label, one in spans),
        (_("Currency"), figure.currency),
        (_("Revenue basis"), dict(RevenueBasis.choices)[figure.basis]),
        *credit_note_facts(figure.credit_notes),
        (_("Counted in"), level_words(reported.passport(figure))),
        (_("Accounts"), formats.number(figure.accounts)),
        (_("Filter"), filters or _("none")),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": figure.author.display_name}),
        (_("Data until"), formats.day(figure.as_of)),
        (_("Version"), f"{figure.question} v{figure.version}"),
    ]


def live_address(figure: ReportedFigure) -> str:
    """The question of today with the dates and filters of the report."""
    key = next(name for name, question in reported.PAGE_QUESTIONS.items() if question == figure.question)
    kept = {name: values for name, values in figure.filters.items() if name != reported.SCOPE}
    chosen = {"base": figure.base_label, "comparison": figure.comparison_label, "currency": figure.currency}
    if figure.basis != company_basis():
        chosen["basis"] = figure.basis
    if figure.credit_notes != CreditNotes.BOOKED:
        chosen["credit_notes"] = figure.credit_notes
    if figure.level == Level.GROUP:
        chosen["level"] = level_of(figure.level, figure.membership)
    return f"{reverse('metrics:question', args=[key])}?{urlencode({**chosen, **kept}, doseq=True)}"


def _is_line_count(key: str) -> bool:
    return key.endswith(ACCOUNTS_SUFFIX) and key.removesuffix(ACCOUNTS_SUFFIX) in BRIDGE_LINES


def _text(key: str, value: Decimal | None) -> str:
    if value is None:
        return _("n/a")
    unit = reported.unit_of(key)
    if unit is Unit.MONEY:
        return formats.money(value, decimals=MINOR_PLACES)
    if unit is Unit.RATE:
        return formats.percent(value, decimals=RATE_DECIMALS, signed=kind_of(METRICS[key]) is Kind.CHANGE)
    return formats.number(value)


def _points(points: Decimal) -> str:
    """With as many decimals as it takes to tell it from nothing."""
    places = next((places for places in range(RATE_DECIMALS, RATE_PLACES) if round(points, places)), RATE_PLACES)
    return formats.points(points, decimals=places)


def _places(value: Decimal) -> int:
    """Two decimals, or all four where that would read as nothing."""
    return MINOR_PLACES if rounded(value, places=MINOR_PLACES) else MONEY_PLACES


def _difference(one: Compared) -> SafeString | str:
    """Sign and arrow first, colour last and only where more is better or worse."""
    if not one.is_different:
        if _is_line_count(one.key):
            return ""
        return format_html('<span class="muted">{}</span>', _("the same"))
    if one.difference is None:
        return format_html('<span class="flat">{}</span>', _("known on one side only"))
    unit = reported.unit_of(one.key)
    if unit is Unit.RATE:
        text = _("%(points)s points") % {"points": _points(100 * one.difference)}
    else:
        places = _places(one.difference) if unit is Unit.MONEY else 0
        text = f"{'+' if one.difference > 0 else ''}{formats.money(one.difference, decimals=places)}"
    rises = one.difference > 0
    direction = Direction.NEITHER if _is_line_count(one.key) else METRICS[one.key].direction
    css = "flat" if direction is Direction.NEITHER else ("up" if rises == (direction is Direction.UP) else "down")
    return format_html('<span class="{}">{} {}</span>', css, "↑" if rises else "↓", text)


def _signed(amount: Decimal | None) -> SafeString | str:
    if amount is None:
        return format_html('<span class="muted">{}</span>', "–")
    if not amount:
        return formats.money(0, decimals=MINOR_PLACES)
    text = formats.money(amount, decimals=_places(amount))
    return f"↑ +{text}" if amount > 0 else f"↓ {text}"
