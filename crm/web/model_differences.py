"""What a version changes against another, in words and side by side."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.enums import Grade
from crm.web import formats
from crm.web.formats import NumberStyle
from crm.web.scales import in_unit, steps
from crm.web.tiering_model import percent_text
from tiering.design import Design
from tiering.differences import Difference, Part, differences
from tiering.enums import INDICATOR_UNIT, DimensionCode, IndicatorCode, Rule, Unit
from tiering.models import ScoringModel
from tiering.wording import RULE_UNIT

NOTHING = "–"
SHARES = frozenset({"evidence_any", "evidence_up", "min_dimension_evidence", "min_valid_weight", "buffer_money"})


@dataclass(frozen=True, slots=True)
class Line:
    """One difference. ``group`` says what kind of number it is."""

    group: str
    label: str
    before: str
    after: str


def difference_lines(before: Design, model: ScoringModel, *, style: NumberStyle) -> list[Line]:
    """What ``model`` changes against ``before``; its parts are prefetched by the caller."""
    return [_line(one, model.currency, style) for one in differences(before, model.design())]


def _line(one: Difference, currency: str, style: NumberStyle) -> Line:
    group, label = _heading(one)
    before, after = (_text(one, value, currency, style) for value in (one.before, one.after))
    return Line(group, label, before, after)


def _heading(one: Difference) -> tuple[str, str]:
    if one.part == Part.DIMENSION:
        return _("Weight of a dimension"), str(DimensionCode(one.key).label)
    if one.part == Part.INDICATOR:
        return _("Weight inside its dimension"), str(IndicatorCode(one.key).label)
    if one.part == Part.SCALE:
        return _("Scale"), str(IndicatorCode(one.key).label)
    if one.part == Part.THRESHOLD:
        grade, rule = one.key.split(".", 1)
        return _("Threshold of %(grade)s") % {"grade": Grade(grade).label}, str(Rule(rule).label)
    field: Any = ScoringModel._meta.get_field(one.key)  # noqa: SLF001 - Django's public name
    return _("Setting"), str(field.verbose_name).capitalize()


def _text(one: Difference, value: Any, currency: str, style: NumberStyle) -> str:
    if value is None:
        return NOTHING
    if one.part in (Part.DIMENSION, Part.INDICATOR):
        return percent_text(value)
    if one.part == Part.SCALE:
        points = steps(value, INDICATOR_UNIT[one.key], style=style)
        return ", ".join(f"{step.value} → {step.score}" for step in points)
    if one.part == Part.THRESHOLD:
        unit = RULE_UNIT[one.key.split(".", 1)[1]]
        return _("yes") if unit == Unit.PRESENT else in_unit(value, unit, currency=currency, style=style)
    return _setting(one.key, value, currency, style)


def _setting(name: str, value: Any, currency: str, style: NumberStyle) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "min_base":
        return in_unit(value, Unit.MONEY, currency=currency, style=style)
    if name in SHARES:
        return formats.percent(value, decimals=0)
    return f"{Decimal(value).normalize():f}"
