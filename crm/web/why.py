"""The why card: how one account came to its grade, drawn from the explanation of its last published score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from accounts.models import Account
from tiering.explain import DimensionPart, Explanation, GradePart, Mark, explain
from tiering.models import GradePeriod, ReplacedPeriod
from tiering.selectors import grade_corrections, grade_history, nights_of, score_of

FULL_SCALE = 100
DIMENSION_SERIES = {"SAL": 1, "STR": 4, "GRO": 2, "LOY": 3}
FADE_STEP = 0.22  # of opacity from one indicator of a dimension to the next
FAINTEST = 0.35
NIGHTS_SHOWN = 12
CORRECTIONS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class WhyCard:
    """Everything the tab shows; ``explanation`` is None where no night has graded the account."""

    explanation: Explanation | None
    history: list[GradePeriod]
    corrections: list[ReplacedPeriod]
    scores: list[tuple[Any, float | None]]

    @property
    def bar(self) -> SafeString:
        return (
            composite_bar(self.explanation.dimensions, self.explanation.marks) if self.explanation else SafeString("")
        )

    @property
    def marks(self) -> list[tuple[int, Mark]]:
        """Each threshold with its place in whole percent of the scale."""
        return [(round(mark.score), mark) for mark in self.explanation.marks] if self.explanation else []

    @property
    def lines(self) -> list[tuple[GradePart, bool]]:
        """The rules from the best grade down, and whether to show the conditions at once: what decided, and what is next."""
        found = self.explanation
        if found is None:
            return []
        opened = {found.ladder, found.next_grade}
        return [(line, line.grade in opened and bool(line.conditions)) for line in found.grades]


def why_card(account: Account, *, with_reasons: bool = True) -> WhyCard:
    """A handful of queries, whatever the number of runs; the scores are those of the last nights, newest first."""
    last = score_of(account) if with_reasons else None
    return WhyCard(
        explanation=explain(last) if last else None,
        history=list(grade_history(account)),
        corrections=list(grade_corrections(account)[:CORRECTIONS_SHOWN]),
        scores=list(nights_of(account).values_list("as_of", "composite")[:NIGHTS_SHOWN]),
    )


def composite_bar(dimensions: Sequence[DimensionPart], marks: Sequence[Mark]) -> SafeString:
    """The composite as one bar from 0 to 100: a hue a dimension, a shade an indicator, lines at the thresholds."""
    rects, start = [], 0.0
    for dimension in dimensions:
        known = [part for part in dimension.indicators if part.contribution]
        for place, part in enumerate(known):
            width = float(part.contribution or 0)
            opacity = max(FAINTEST, 1 - FADE_STEP * place)
            rects.append(
                (f"dim-{dimension.code}", f"{start:.3f}", f"{width:.3f}", f"{opacity:.2f}", part.label, f"{width:.1f}")
            )
            start += width
    drawn = format_html_join(
        "",
        '<rect class="{}" x="{}" y="0" width="{}" height="10" fill-opacity="{}"><title>{}: {}</title></rect>',
        rects,
    )
    lines = format_html_join(
        "", '<line x1="{}" x2="{}" y1="0" y2="10"></line>', ((f"{m.score:.3f}", f"{m.score:.3f}") for m in marks)
    )
    return format_html(
        '<svg class="why-bar" viewBox="0 0 {} 10" preserveAspectRatio="none" aria-hidden="true">{}{}</svg>',
        FULL_SCALE,
        drawn,
        lines,
    )
