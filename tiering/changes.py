"""The nearest change in words: what the next grade lacks, and what may fall before the present one is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.enums import Grade
from tiering import grading, wording
from tiering.design import Design
from tiering.enums import INDICATOR_UNIT, IndicatorCode, Rule, Unit
from tiering.grading import DIAMOND, GOLD, MONEY, NOT_GRADED, RANK, SCORE, Flag, Tested
from tiering.models import Score
from tiering.nearest import REVENUE, Move, Need, needs_of, single_gain, single_loss
from tiering.parts import ChangePart, NeedPart, Run, TargetPart
from tiering.scoring import settled

CHANGES_SHOWN = 3  # indicators named for one condition, the least effort first
OVER = gettext_lazy("These years are over; the next complete year counts.")
# What it takes where no indicator is measured by the condition.
HINTS: MappingProxyType[str, Promise] = MappingProxyType(
    {
        Rule.REVENUE_EACH_YEAR: OVER,
        Rule.GROSS_PROFIT_EACH_YEAR: OVER,
        Rule.PRIOR_REVENUE: gettext_lazy("These months are over; the window moves on each month."),
        Rule.MONTHS: gettext_lazy("Time alone changes it."),
        Rule.GRO_EVIDENCE: gettext_lazy("It takes values that are not known yet."),
        Rule.EVALUATORS: gettext_lazy("It takes ratings by more people."),
        Rule.OPPORTUNITY: gettext_lazy("It takes a wallet estimate or a pipeline."),
        Rule.BUSINESS: gettext_lazy("It takes an order or a contract."),
    }
)


def targets(
    score: Score, values: Mapping[str, float], *, design: Design, held: float, next_grade: str, run: Run | None
) -> tuple[TargetPart, ...]:
    """The next grade up, where it is not on its way already, then the present one; none where nothing is graded.

    values : raw values by the codes of the model's layout; held : ladder rank in force as the night began
    """
    if score.grade == NOT_GRADED or not score.ladder:
        return ()
    found = []
    if next_grade:
        found.append(_target(next_grade, score, values, design=design, held=held, is_next=True))
    present = _target(score.ladder, score, values, design=design, held=held, is_next=False)
    is_waiting = run is not None and run.is_up
    shown = [target for target in (*found, present) if target.needs and not (is_waiting and target.is_next)]
    return tuple(target for target in shown if not (target.is_next and target.holds and not target.evidence_missing))


def _target(
    grade: str, score: Score, values: Mapping[str, float], *, design: Design, held: float, is_next: bool
) -> TargetPart:
    by_floor = not is_next and grade == GOLD and score.has_flag(Flag.FLOOR)
    relaxed = RANK[grade] <= held
    tests = _tests(grade, score, values, design=design, relaxed=relaxed, by_floor=by_floor)
    raw = np.array([values[code] for _of, code, _weight, _anchors in design.indicators])
    needs = needs_of(tests, raw=raw, scheme=design.scheme(), relaxed=relaxed)
    holds = not any(need.is_blocking for need in needs)
    move = single_loss(needs) if holds else single_gain(needs)
    label, single = str(Grade(grade).label), _change(move) if move else None
    missing = _evidence_missing(score, grade, design) if is_next else 0.0
    return TargetPart(
        grade=grade,
        label=label,
        is_next=is_next,
        holds=holds,
        needs=tuple(_need(need) for need in needs if need.is_blocking is not holds),
        single=single,
        evidence_missing=missing,
        sentence=_sentence(label, needs, single, holds=holds, missing=missing),
    )


def _tests(
    grade: str, score: Score, values: Mapping[str, float], *, design: Design, relaxed: bool, by_floor: bool
) -> Sequence[Tested]:
    """The conditions of a line; of Gold by contribution those of Diamond's money."""
    composite = math.nan if score.composite is None else score.composite
    inputs = {name: np.array([value]) for name, value in values.items()} | {"composite": np.array([composite])}
    line = DIAMOND if by_floor else grade
    tests = grading.tested_conditions(line, inputs, rules=design.rules(), relaxed=relaxed)
    return [test for test in tests if test.condition.kind == MONEY] if by_floor else tests


def _evidence_missing(score: Score, grade: str, design: Design) -> float:
    """Share of all weights that has to be known on top of what is, before the grade can be reached."""
    least = design.evidence_up if RANK[grade] >= RANK[GOLD] else design.evidence_any
    return max(0.0, float(settled(float(least) - score.evidence)))


def _need(need: Need) -> NeedPart:
    condition, gap = need.test.condition, need.gap
    unit = wording.RULE_UNIT[condition.rule]
    return NeedPart(
        rule=condition.rule,
        reads=condition.reads,
        label=str(wording.INPUT_LABEL.get(condition.reads, Rule(condition.rule).label)),
        unit=unit,
        is_blocking=need.is_blocking,
        gap=gap,
        text=_distance(need, unit),
        hint=_hint(need),
        changes=tuple(_change(move) for move in need.moves[:CHANGES_SHOWN]),
    )


def _distance(need: Need, unit: str) -> str:
    """What is missing, or what may be lost."""
    if need.gap is None:
        return _("not known")
    if unit == Unit.PRESENT:
        return _("missing") if need.is_blocking else _("there")
    size = abs(need.gap)
    if not need.is_blocking:
        return _("%(size)s to spare") % {"size": wording.value_text(size, unit)}
    if unit == Unit.SCORE:
        size = _up(size)
    words = {"size": wording.amount_up(size) if unit == Unit.MONEY else wording.value_text(size, unit)}
    return _("more than %(size)s missing") % words if need.test.condition.strict else _("%(size)s missing") % words


def _hint(need: Need) -> str:
    """Why no single indicator changes a condition, "" where one does."""
    if need.moves:
        return ""
    hint = HINTS.get(need.test.condition.rule)
    if hint is not None:
        return str(hint) if need.is_blocking else ""
    if need.gap is None:
        return _("Too little is known for a score.")
    return _("No indicator can reach it alone.") if need.is_blocking else _("No indicator can lose it alone.")


def _change(move: Move) -> ChangePart:
    code = IndicatorCode.S1 if move.code == REVENUE else move.code
    unit = INDICATOR_UNIT[code]
    return ChangePart(
        code=code,
        label=str(IndicatorCode(code).label),
        unit=unit,
        value=move.value,
        to=move.step,
        change=move.step - move.value,
        text=change_text(move.value, move.step, unit),
    )


def change_text(value: float, to: float, unit: str) -> str:
    """Money by its difference and where it leads, all else from one value to the other."""
    words = {"value": wording.value_text(value, unit), "to": wording.value_text(to, unit)}
    if unit != Unit.MONEY:
        return _("%(value)s → %(to)s") % words
    goal = wording.amount_up(to)
    if to < value:
        return _("−%(size)s, to %(to)s") % {"size": wording.amount_text(value - to), "to": goal}
    return _("+%(size)s, to %(to)s") % {"size": wording.amount_up(to - value), "to": goal}


def _sentence(label: str, needs: Sequence[Need], single: ChangePart | None, *, holds: bool, missing: float) -> str:
    """The shortest way to say it: "+3.4 points of the composite score, or +0.6 M of revenue, for Gold"."""
    words = {"grade": label, "indicator": single.label if single else "", "change": single.text if single else ""}
    if holds and missing:
        more = {"grade": label, "share": wording.value_text(missing, Unit.SHARE)}
        return _("%(grade)s has all its conditions; %(share)s more of the evidence has to be known.") % more
    if holds:
        if single is None:
            return _("No single indicator can lose %(grade)s.") % words
        return _("The first to lose %(grade)s, if it fell further: %(indicator)s, %(change)s.") % words
    blocking = [need for need in needs if need.is_blocking]
    if len(blocking) == 1 and single and blocking[0].test.condition.kind == SCORE and blocking[0].gap is not None:
        points, rule = wording.value_text(_up(blocking[0].gap), Unit.SCORE), blocking[0].test.condition.rule
        score = {"points": points, "score": str(Rule(rule).label)}
        return _("%(grade)s is +%(points)s points away (%(score)s), for example by %(indicator)s: %(change)s.") % (
            words | score
        )
    if single:
        return _("One change would do for %(grade)s: %(indicator)s, %(change)s.") % words
    return ngettext(
        "No single indicator leads to %(grade)s; %(count)s condition is open.",
        "No single indicator leads to %(grade)s; %(count)s conditions are open.",
        len(blocking),
    ) % (words | {"count": len(blocking)})


def _up(points: float) -> float:
    """To one decimal, never less than what is missing."""
    return math.ceil(round(points * 10, 6)) / 10
