"""What keeps a version of a scoring model from grading, as sentences that say what to mend (domain.md 3.3, 3.6)."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext as _

from accounts.enums import Grade
from crm.lib.exceptions import FormulaError
from tiering import presets
from tiering.design import HUNDRED, SETTINGS, Design
from tiering.enums import DimensionCode, IndicatorCode, Rule, Unit, WeightSource
from tiering.models import ScoringModel, WeightOrigin
from tiering.scoring import TOP_SCORE, check_anchors
from tiering.weights import CONSISTENT_BELOW
from tiering.wording import RULE_UNIT

# Thresholds of which Diamond's may not lie below Gold's.
RISING = ((Rule.REVENUE_EACH_YEAR, Rule.REVENUE_TTM), (Rule.SAL, Rule.SAL), (Rule.COMPOSITE, Rule.COMPOSITE))
DROPPABLE = frozenset({Rule.SAL, Rule.COMPOSITE})  # a minimum of 0 is not tested (domain.md 3.6)


def activation_problems(model: ScoringModel) -> list[str]:
    """What keeps a version from being activated; empty when nothing does. About seven queries."""
    design = model.design()
    not_numbers = _number_problems(design)
    if not_numbers:  # nothing else can be asked of them
        return not_numbers
    return [
        *_weight_problems(design),
        *_scale_problems(design),
        *_threshold_problems(design),
        *(problem for origin in model.origins.select_related("survey") for problem in _origin_problems(origin, design)),
    ]


def weights_of(design: Design, part: str) -> dict[str, Decimal]:
    """Percent by code: of the dimensions (``part`` empty), or of the indicators inside one."""
    if not part:
        return dict(design.dimensions)
    return {code: weight for of, code, weight, _anchors in design.indicators if of == part}


def is_as_taken_over(origin: WeightOrigin, design: Design) -> bool:
    """Whether the part still has the weights it took over; edited since, they count as set by hand."""
    taken = {code: Decimal(weight) for code, weight in origin.weights.items()}
    return taken == weights_of(design, origin.part)


def _number_problems(design: Design) -> list[str]:
    """No form takes NaN, but the database can hold it."""
    problems = []
    weights = [*design.dimensions.values(), *(weight for _of, _code, weight, _anchors in design.indicators)]
    if not all(threshold.is_finite() for threshold in design.thresholds.values()):
        problems.append(_("Every threshold must be a number."))
    if not all(Decimal(getattr(design, name)).is_finite() for name in SETTINGS):
        problems.append(_("Every setting of the model must be a number."))
    if not all(weight.is_finite() for weight in weights):
        problems.append(_("Every weight must be a number."))
    return problems


def _weight_problems(design: Design) -> list[str]:
    problems = []
    if sum(design.dimensions.values()) != HUNDRED:
        problems.append(_("The weights of the dimensions must sum to 100 %."))
    if not design.dimensions.get(DimensionCode.SAL):
        problems.append(_("Sales contribution needs a weight above 0."))
    for code in design.dimensions:
        inside = weights_of(design, code)
        if sum(inside.values(), Decimal(0)) != HUNDRED:
            problems.append(
                _("The weights inside %(dimension)s must sum to 100 %%.") % {"dimension": DimensionCode(code).label}
            )
    return problems


def _scale_problems(design: Design) -> list[str]:
    problems = []
    for _of, code, _weight, anchors in design.indicators:
        try:
            check_anchors(anchors)
        except FormulaError:
            problems.append(_("The scale of %(indicator)s must rise or fall throughout.") % {"indicator": code})
    return problems


def _threshold_problems(design: Design) -> list[str]:
    needed = {key for key in presets.full().thresholds if key[1] not in {"opportunity", "gross_profit_each_year"}}
    missing = sorted(needed - set(design.thresholds))
    problems = []
    if missing:
        names = ", ".join(f"{grade}: {rule}" for grade, rule in missing)
        problems.append(_("Fill in these thresholds: %(names)s.") % {"names": names})
    for (grade, rule), threshold in design.thresholds.items():
        if RULE_UNIT[rule] == Unit.SCORE and not 0 <= threshold <= TOP_SCORE:
            words = _("%(grade)s, %(rule)s: a score lies between 0 and 100.")
            problems.append(words % {"grade": Grade(grade).label, "rule": Rule(rule).label})
    return problems + [problem for upper, lower in RISING for problem in _order_problem(design, upper, lower)]


def _order_problem(design: Design, upper: Rule, lower: Rule) -> list[str]:
    """Diamond asks for less than Gold: then Gold would be harder to reach than Diamond."""
    diamond, gold = design.thresholds.get((Grade.DIAMOND, upper)), design.thresholds.get((Grade.GOLD, lower))
    if diamond is None or gold is None or diamond >= gold or (upper in DROPPABLE and diamond == 0):
        return []
    return [
        _(
            "Diamond asks for less than Gold: %(rule)s %(diamond)s against %(gold)s. Raise Diamond's threshold or lower Gold's."
        )
        % {"rule": Rule(upper).label, "diamond": f"{diamond.normalize():f}", "gold": f"{gold.normalize():f}"}
    ]


def _origin_problems(origin: WeightOrigin, design: Design) -> list[str]:
    if origin.source != WeightSource.AHP or origin.consistency_ratio is None or not is_as_taken_over(origin, design):
        return []
    if origin.consistency_ratio < CONSISTENT_BELOW:
        return []
    return [
        _("The judgements behind the weights contradict each other: consistency ratio %(ratio)s, below 0.1 is needed.")
        % {"ratio": f"{origin.consistency_ratio:.3f}"}
    ]


def label_of(part: str, code: str) -> str:
    """The words for a dimension, or for an indicator inside one."""
    return str(IndicatorCode(code).label if part else DimensionCode(code).label)
