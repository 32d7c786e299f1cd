"""Why an account has its grade: a pure function of its score row, the model version and the grade before.

The same words and numbers on page, export and API. Nothing is queried but the parts of the model, and those once: a
version that has been in use never changes.
"""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from accounts.enums import Grade
from tiering import changes, grading, reasons, scoring, wording
from tiering.design import Design
from tiering.enums import INDICATOR_UNIT, DimensionCode, IndicatorCode, Rule, Unit
from tiering.grading import LADDER, MONEY_DECIMALS, RANK, Condition, Flag
from tiering.models import Score, ScoringModel
from tiering.parts import ConditionPart, DimensionPart, Explanation, GradePart, IndicatorPart, Mark, Run
from tiering.scoring import TOP_SCORE
from tiering.stability import STATE

__all__ = [
    "ConditionPart",
    "DimensionPart",
    "Explanation",
    "GradePart",
    "IndicatorPart",
    "Mark",
    "design_of",
    "explain",
]


def explain(score: Score) -> Explanation:
    """The explanation of one row; give ``run__model`` along (`select_related`) to save two queries."""
    model = score.run.model
    if model is None:
        raise ValueError("a score row always belongs to a run with a model")
    design = design_of(model)
    values, state = values_of(score)
    dimensions = _dimensions(score, values, design)
    grades = _grades(score, values, design, held=state.get("held", 0.0))
    next_grade = LADDER.get(RANK.get(score.ladder, 0) + 1, "") if score.ladder else ""
    failing = _failing(grades, next_grade)
    composite, run = _known(score.composite), run_of(score, state, design)
    return Explanation(
        account_id=score.account_id,
        run_id=score.run_id,
        as_of=score.run.as_of,
        model=str(model),
        currency=model.currency,
        grade=score.grade,
        grade_label=str(Grade(score.grade).label),
        ladder=score.ladder,
        previous_grade=score.previous_grade,
        composite=composite,
        evidence=score.evidence,
        dimensions=dimensions,
        grades=grades,
        next_grade=next_grade,
        failing=failing,
        missing=tuple(part for dimension in dimensions for part in dimension.indicators if part.value is None),
        marks=_marks(design),
        notes=tuple(wording.notes(score.flags if _reads_cost(design) else score.flags & ~Flag.NO_COST)),
        signal_points=_known(values.get("signal_points")),
        candidate_run=run,
        sentence=reasons.sentence(score, grades=grades, failing=failing, next_grade=next_grade, run=run, design=design),
        nearest=changes.targets(
            score, values, design=design, held=state.get("held", 0.0), next_grade=next_grade, run=run
        ),
    )


def _failing(grades: tuple[GradePart, ...], grade: str) -> tuple[ConditionPart, ...]:
    """The conditions that one line lacks."""
    lines = [line for line in grades if line.grade == grade]
    return tuple(condition for line in lines for condition in line.conditions if not condition.passed)


def values_of(score: Score) -> tuple[dict[str, float], dict[str, float]]:
    """(raw values by the codes of the model's layout, the state after the night by the names of STATE); a row from before
    states were kept has none."""
    if score.run.model is None:
        raise ValueError("a score row always belongs to a run with a model")
    layout = score.run.model.raw_layout
    return dict(zip(layout, score.raw, strict=False)), dict(zip(STATE, score.raw[len(layout) :], strict=False))


def run_of(score: Score, state: dict[str, float], design: Design) -> Run | None:
    """The unbroken run of nights that support another grade, None where there is none."""
    since = state.get("run_since", math.nan)
    if math.isnan(since):
        return None
    is_up = since > 0
    first = date(1970, 1, 1) + timedelta(days=int(abs(since)))
    days = design.confirm_up_days if is_up else design.confirm_down_days
    target = LADDER[int(state["run_support"])]
    return Run(
        grade=target,
        label=str(Grade(target).label),
        is_up=is_up,
        since=first,
        moves_on=first + timedelta(days=days),
        days_needed=days,
        days_held=(score.run.as_of - first).days,
    )


def design_of(model: ScoringModel) -> Design:
    """The parts of a version; kept in memory once it can no longer change."""
    if model.is_draft:
        return model.design()
    return _frozen_design(model.pk, str(model.activated_at))


@lru_cache(maxsize=16)
def _frozen_design(pk: int, activated_at: str) -> Design:
    return ScoringModel.objects.prefetch_related("dimensions", "indicators", "rules").get(pk=pk).design()


def _dimensions(score: Score, values: dict[str, float], design: Design) -> tuple[DimensionPart, ...]:
    raw = np.array([[values[code]] for _of, code, _weight, _anchors in design.indicators])
    composed = scoring.compose(raw, scheme=design.scheme())
    gains = _possible_gains(raw[:, 0], design)
    parts: dict[str, list[IndicatorPart]] = {code: [] for code in design.dimensions}
    for position, (dimension, code, weight, _anchors) in enumerate(design.indicators):
        unit = INDICATOR_UNIT[code]
        parts[dimension].append(
            IndicatorPart(
                code=code,
                label=str(IndicatorCode(code).label),
                unit=unit,
                value=_known(raw[position, 0]),
                value_text=wording.value_text(raw[position, 0], unit),
                score=_known(composed.scores[position, 0]),
                weight=float(weight),
                contribution=_known(score.contributions[position]),
                could_add=gains[position],
                reason=wording.unknown(code, score.flags) if math.isnan(raw[position, 0]) else "",
            )
        )
    return tuple(
        DimensionPart(
            code=code,
            label=str(DimensionCode(code).label),
            weight=float(weight),
            score=_known(composed.dimension_scores[code][0]),
            evidence=float(composed.dimension_evidence[code][0]),
            counts=bool(scoring.settled(composed.dimension_evidence[code][0]) >= float(design.min_dimension_evidence)),
            contribution=_total(parts[code]),
            indicators=tuple(parts[code]),
        )
        for code, weight in design.dimensions.items()
    )


def _possible_gains(raw: np.ndarray, design: Design) -> list[float | None]:
    """For each indicator that is not known: the composite with it at its best, less the composite now."""
    unknown = np.flatnonzero(np.isnan(raw))
    gains: list[float | None] = [None] * len(raw)
    variants = np.repeat(raw[:, None], len(unknown) + 1, axis=1)
    for column, position in enumerate(unknown, start=1):
        anchors = design.indicators[position][3]
        variants[position, column] = max(anchors, key=lambda anchor: anchor[1])[0]
    composite = scoring.compose(variants, scheme=design.scheme()).composite
    if math.isnan(composite[0]):
        return gains
    for column, position in enumerate(unknown, start=1):
        gains[position] = max(0.0, float(composite[column] - composite[0]))
    return gains


def _grades(score: Score, values: dict[str, float], design: Design, *, held: float) -> tuple[GradePart, ...]:
    """Every line with the thresholds the night held it to: relaxed for the grade in force and those below."""
    composite = math.nan if score.composite is None else score.composite
    inputs = {name: np.array([value]) for name, value in values.items()} | {"composite": np.array([composite])}
    rules = design.rules()
    lines = []
    for grade in sorted(RANK, key=RANK.__getitem__, reverse=True):
        relaxed = RANK[grade] <= held
        tests = grading.tested_conditions(grade, inputs, rules=rules, relaxed=relaxed)
        conditions = tuple(_condition(test, flags=score.flags) for test in tests)
        holds = grading.line_holds(tests, relaxed=relaxed) if tests else grade == grading.GENERAL
        is_decisive = score.ladder == grade
        lines.append(GradePart(grade, str(Grade(grade).label), holds, is_decisive, conditions, relaxed))
    return tuple(lines)


def _condition(test: grading.Tested, *, flags: int) -> ConditionPart:
    condition: Condition = test.condition
    unit = wording.RULE_UNIT[condition.rule]
    margin = _known(test.margin[0])
    passed = bool(test.passed[0])
    decimals = MONEY_DECIMALS if unit == Unit.MONEY else scoring.THRESHOLD_DECIMALS
    return ConditionPart(
        grade=condition.grade,
        rule=condition.rule,
        reads=condition.reads,
        label=str(wording.INPUT_LABEL.get(condition.reads, Rule(condition.rule).label)),
        unit=unit,
        value=_known(test.value[0]),
        value_text=wording.value_text(test.value[0], unit),
        threshold=test.threshold,
        threshold_text=wording.value_text(test.threshold, unit),
        passed=passed,
        margin=None if margin is None else round(margin, decimals),
        margin_text=wording.value_text(test.margin[0], Unit.COUNT if unit == Unit.PRESENT else unit),
        reason="" if passed else wording.failure(condition.rule, flags),
    )


def _reads_cost(design: Design) -> bool:
    """Whether cost matters to this model at all."""
    codes = {code for _of, code, _weight, _anchors in design.indicators}
    return design.gross_profit_test or not codes.isdisjoint({IndicatorCode.S2, IndicatorCode.S3})


def _marks(design: Design) -> tuple[Mark, ...]:
    """Where Gold and Diamond begin on the scale of the composite."""
    found = [(grade, float(design.thresholds.get((grade, Rule.COMPOSITE), 0))) for grade in ("gold", "diamond")]
    return tuple(Mark(grade, str(Grade(grade).label), score) for grade, score in found if 0 < score <= TOP_SCORE)


def _total(parts: list[IndicatorPart]) -> float | None:
    known = [part.contribution for part in parts if part.contribution is not None]
    return sum(known) if known else None


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)
