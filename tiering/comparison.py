"""What changed in one account between two nights: indicator by indicator, condition by condition.

A pure function of the two explanations, so page and REST say what each night said. Differences of contributions sum to the
difference of the composites, because the contributions of each night sum to its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tiering.parts import ConditionPart, Explanation, IndicatorPart, Run


@dataclass(frozen=True, slots=True)
class IndicatorChange:
    """One indicator in both nights; None in the one whose model does not hold it.

    difference : points of the composite after less before, an indicator without points counts as 0; None where a night
    has no composite
    """

    dimension: str
    code: str
    label: str
    unit: str
    before: IndicatorPart | None
    after: IndicatorPart | None
    difference: float | None

    @property
    def is_moved(self) -> bool:
        """Whether value, score or points differ."""
        return _figures(self.before) != _figures(self.after)


@dataclass(frozen=True, slots=True)
class Flip:
    """A condition that holds in one night and not in the other; None where a night's model does not test it."""

    grade: str
    grade_label: str
    label: str
    reads: str
    before: ConditionPart | None
    after: ConditionPart | None

    @property
    def sides(self) -> tuple[ConditionPart | None, ConditionPart | None]:
        return self.before, self.after

    @property
    def is_gain(self) -> bool:
        return self.after is not None and self.after.passed


@dataclass(frozen=True, slots=True)
class Comparison:
    """before, after : what each night said. difference : of the composites, None where one has none.

    gone, come : notes (warning signs and the like) that only the first, and only the second night has
    """

    before: Explanation
    after: Explanation
    difference: float | None
    indicators: tuple[IndicatorChange, ...]
    flips: tuple[Flip, ...]
    gone: tuple[str, ...]
    come: tuple[str, ...]

    @property
    def sides(self) -> tuple[Explanation, Explanation]:
        return self.before, self.after

    @property
    def is_same_night(self) -> bool:
        return self.before.run_id == self.after.run_id

    @property
    def is_other_model(self) -> bool:
        return self.before.model != self.after.model

    @property
    def is_other_grade(self) -> bool:
        return self.before.grade != self.after.grade

    @property
    def is_other_run(self) -> bool:
        return _run(self.before.candidate_run) != _run(self.after.candidate_run)


def compare(before: Explanation, after: Explanation) -> Comparison:
    """What differs from ``before`` to ``after``, two explanations of one account."""
    if before.account_id != after.account_id:
        raise ValueError("two nights of one account are compared")
    known = before.composite is not None and after.composite is not None
    return Comparison(
        before=before,
        after=after,
        difference=_less(after.composite, before.composite) if known else None,
        indicators=_indicators(before, after, known=known),
        flips=_flips(before, after),
        gone=tuple(note for note in before.notes if note not in after.notes),
        come=tuple(note for note in after.notes if note not in before.notes),
    )


def _indicators(before: Explanation, after: Explanation, *, known: bool) -> tuple[IndicatorChange, ...]:
    """In the order of the later night's model, then what only the earlier one holds."""
    old, new = _by_code(before), _by_code(after)
    found = []
    for code in dict.fromkeys((*new, *old)):
        was, now = old.get(code), new.get(code)
        dimension, part = new.get(code) or old[code]
        points = [one[1].contribution if one else None for one in (was, now)]
        difference = _less(points[1], points[0]) if known else None
        found.append(
            IndicatorChange(
                dimension, code, part.label, part.unit, was[1] if was else None, now[1] if now else None, difference
            )
        )
    return tuple(found)


def _by_code(found: Explanation) -> dict[str, tuple[str, IndicatorPart]]:
    return {part.code: (one.label, part) for one in found.dimensions for part in one.indicators}


def _flips(before: Explanation, after: Explanation) -> tuple[Flip, ...]:
    """Best grade first. A condition that one model does not test flips where the other says that it fails or holds."""
    labels = {line.grade: line.label for line in (*before.grades, *after.grades)}
    old, new = _tested(before), _tested(after)
    keys = dict.fromkeys((*new, *old))
    order = {line.grade: place for place, line in enumerate(after.grades)}
    found = []
    for grade, reads in sorted(keys, key=lambda key: order.get(key[0], len(order))):
        was, now = old.get((grade, reads)), new.get((grade, reads))
        part = now or was
        if part is not None and (was is None or now is None or was.passed != now.passed):
            found.append(Flip(grade, labels[grade], part.label, reads, was, now))
    return tuple(found)


def _tested(found: Explanation) -> dict[tuple[str, str], ConditionPart]:
    conditions: Iterable[ConditionPart] = (one for line in found.grades for one in line.conditions)
    return {(condition.grade, condition.reads): condition for condition in conditions}


def _less(after: float | None, before: float | None) -> float:
    return (after or 0.0) - (before or 0.0)


def _figures(part: IndicatorPart | None) -> tuple[float | None, ...]:
    return (None,) * 3 if part is None else (part.value, part.score, part.contribution)


def _run(run: Run | None) -> tuple[object, ...]:
    """What makes it the same run of nights; the days it has lasted do not."""
    return () if run is None else (run.grade, run.since, run.is_up)
