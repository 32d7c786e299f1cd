"""What the tab Model shows: weights, scales and thresholds of one version, as they work."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from accounts.enums import Grade
from crm.web import formats
from crm.web.formats import NumberStyle
from crm.web.scales import Step, anchor_chart, in_unit, steps
from tiering.design import HUNDRED
from tiering.enums import INDICATOR_UNIT, DimensionCode, IndicatorCode, Rule, Unit
from tiering.grading import CONDITIONS
from tiering.models import Dimension, GradeRule, Indicator, ScoringModel
from tiering.wording import RULE_UNIT, remark

STRICT_RULES = frozenset(condition.rule for condition in CONDITIONS if condition.strict)
# As the conditions of each grade are written down: money first.
RULE_ORDER = tuple(dict.fromkeys((condition.grade, condition.rule) for condition in CONDITIONS))
RULED_GRADES = (Grade.DIAMOND, Grade.GOLD, Grade.STRATEGIC, Grade.POTENTIAL)


@dataclass(frozen=True, slots=True)
class IndicatorPart:
    """One indicator: its weight in the dimension and in the whole score, its scale drawn and in words."""

    code: str
    label: str
    weight: str
    share: str
    chart: SafeString
    steps: list[Step]
    remark: str = ""


@dataclass(frozen=True, slots=True)
class DimensionPart:
    code: str
    label: str
    weight: str
    is_counted: bool
    indicators: list[IndicatorPart]


@dataclass(frozen=True, slots=True)
class Threshold:
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class GradePart:
    grade: str
    thresholds: list[Threshold]


def weights_bar(dimensions: Sequence[Dimension]) -> SafeString:
    """The weights of the dimensions as one bar of 100 parts."""
    pieces, at = [], Decimal(0)
    for dimension in dimensions:
        pieces.append((at, dimension.weight, f"dimension-{dimension.code.lower()}", _dimension_title(dimension)))
        at += dimension.weight
    return format_html(
        '<svg class="weights" viewBox="0 0 100 8" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        ", ".join(title for *_rest, title in pieces),
        format_html_join(
            "",
            '<rect x="{}" y="0" width="{}" height="8" class="{}"><title>{}</title></rect>',
            ((f"{x:f}", f"{width:f}", css, title) for x, width, css, title in pieces if width),
        ),
    )


def dimension_parts(model: ScoringModel, *, style: NumberStyle) -> list[DimensionPart]:
    """The dimensions with their indicators; the model's parts are prefetched by the caller."""
    indicators = list(model.indicators.all())
    return [
        DimensionPart(
            code=dimension.code,
            label=str(DimensionCode(dimension.code).label),
            weight=percent_text(dimension.weight),
            is_counted=dimension.weight > 0,
            indicators=[
                _indicator_part(indicator, dimension, currency=model.currency, style=style)
                for indicator in indicators
                if indicator.dimension_id == dimension.pk
            ],
        )
        for dimension in model.dimensions.all()
    ]


def grade_parts(model: ScoringModel, *, style: NumberStyle) -> list[GradePart]:
    """The thresholds of the grades that are entered by rule, in the order in which they are tried."""
    rules = sorted(model.rules.all(), key=lambda rule: RULE_ORDER.index((rule.grade, rule.condition)))
    return [
        GradePart(
            grade=grade,
            thresholds=[
                _threshold(rule, model, style=style)
                for rule in rules
                if rule.grade == grade and _is_tested(rule, model)
            ],
        )
        for grade in RULED_GRADES
    ]


def percent_text(weight: Decimal) -> str:
    """A weight in percent without trailing zeros: 12.5%."""
    text = f"{weight:f}"
    return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"


def _indicator_part(indicator: Indicator, dimension: Dimension, *, currency: str, style: NumberStyle) -> IndicatorPart:
    unit = INDICATOR_UNIT[indicator.code]
    label = str(IndicatorCode(indicator.code).label)
    title = _("Scale of “%(name)s”: value against points") % {"name": label}
    return IndicatorPart(
        code=indicator.code,
        label=_("%(name)s, %(currency)s") % {"name": label, "currency": currency} if unit == Unit.MONEY else label,
        weight=percent_text(indicator.weight),
        share=formats.percent(indicator.weight * dimension.weight / HUNDRED / HUNDRED),
        chart=anchor_chart(indicator.anchors, unit, label=title, style=style),
        steps=steps(indicator.anchors, unit, style=style),
        remark=remark(indicator.code),
    )


def _is_tested(rule: GradeRule, model: ScoringModel) -> bool:
    """A minimum score of 0 and a gross-profit test that is switched off are not tested (domain.md 3.6)."""
    if rule.condition == Rule.GROSS_PROFIT_EACH_YEAR:
        return model.gross_profit_test
    is_droppable = rule.condition in (Rule.SAL, Rule.COMPOSITE)
    return not (is_droppable and rule.threshold == 0)


def _threshold(rule: GradeRule, model: ScoringModel, *, style: NumberStyle) -> Threshold:
    label: Any = Rule(rule.condition).label
    unit = RULE_UNIT[rule.condition]
    if unit == Unit.PRESENT:
        return Threshold(str(label), _("yes"))
    value = in_unit(rule.threshold, unit, currency=model.currency, style=style)
    sign = ">" if rule.condition in STRICT_RULES else "≥"
    return Threshold(str(label), f"{sign} {value}")


def _dimension_title(dimension: Dimension) -> str:
    return f"{DimensionCode(dimension.code).label} {percent_text(dimension.weight)}"
