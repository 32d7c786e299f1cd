"""What a model as it stands in the form would make of one account, from the raw values of the last published night.

Nothing is read but that account's stored row, and nothing is written.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from accounts.enums import GRADE_ICON, Grade
from accounts.models import Account, User
from tiering import evaluation
from tiering.admin.formsets import plain
from tiering.design import HUNDRED, Anchors, Design
from tiering.enums import INDICATOR_UNIT, DimensionCode, IndicatorCode, RunState
from tiering.evaluation import GRADES, Before
from tiering.grading import RANK
from tiering.models import Score, TierRun
from tiering.scoring import Composed
from tiering.simulation import Snapshot, measured_of, normalised
from tiering.wording import value_text

MOST_FOUND = 8
IndicatorRow = tuple[str, str, Decimal, Anchors]


@dataclass(frozen=True, slots=True)
class IndicatorLine:
    label: str
    weight_text: str
    raw_text: str
    score: float | None
    points: float | None


@dataclass(frozen=True, slots=True)
class DimensionLine:
    """``weight`` and ``inside`` (the sum of its indicators) in percent, as typed; score and points as composed."""

    label: str
    weight: Decimal
    inside: Decimal
    score: float | None
    points: float | None
    indicators: list[IndicatorLine]

    @property
    def weight_text(self) -> str:
        return plain(self.weight)

    @property
    def inside_text(self) -> str:
        return plain(self.inside)

    @property
    def adds_up(self) -> bool:
        return self.inside == HUNDRED


@dataclass(frozen=True, slots=True)
class Preview:
    """What ``design`` makes of an account; ``before`` is the grade it has now."""

    composite: float | None
    evidence: float
    before: Grade
    grade: Grade
    ladder: Grade
    unmeasured: list[str]
    known: dict[str, float]
    composed: Composed

    @property
    def moves(self) -> bool:
        return self.before != self.grade

    @property
    def grade_text(self) -> str:
        return f"{GRADE_ICON[self.grade]} {self.grade.label}"


def last_night() -> TierRun | None:
    return TierRun.objects.filter(state=RunState.PUBLISHED).select_related("model").order_by("-as_of", "-pk").first()


def candidates(user: User, *, search: str, run: TierRun) -> list[Score]:
    """Accounts to choose from: those found by ``search``, else the best of each grade."""
    scores = Score.objects.of(run).filter(account__in=Account.objects.visible_to(user)).select_related("account")
    if search.strip():
        found = Account.objects.visible_to(user).search(search).order_by("sort_key", "pk").values("pk")[:MOST_FOUND]
        return list(scores.filter(account__in=list(found.values_list("pk", flat=True))))
    best = scores.filter(composite__isnull=False).order_by("grade", "-composite", "account").distinct("grade")
    return sorted(best, key=lambda score: -RANK.get(score.grade, 0))


def score_of(user: User, *, account_id: int, run: TierRun) -> Score | None:
    """The row of one account the user may see."""
    visible = Account.objects.visible_to(user).filter(pk=account_id)
    return Score.objects.of(run).filter(account__in=visible).select_related("account").first()


def preview(*, design: Design, score: Score, run: TierRun, fiscal_start_month: int) -> Preview:
    """Grade one account by ``design``, starting from the grade it has now."""
    balanced = normalised(design)
    known = dict(zip(run.model.raw_layout if run.model else [], score.raw, strict=False))
    row = Snapshot(
        run_id=run.pk,
        ids=np.array([score.account_id]),
        raw={name: np.array([value], dtype=np.float64) for name, value in known.items()},
        flags=np.array([score.flags]),
        ladder=np.array([RANK.get(score.ladder, 0)], dtype=np.int8),
        shown=np.array([GRADES.index(score.grade)]),
        groups=np.array([0]),
    )
    measured = measured_of(row, run=run, fiscal_start_month=fiscal_start_month)
    composed = evaluation.score(measured, design=balanced)
    before = Before.plain(row.ladder, row.shown)
    graded = evaluation.grade(measured, composed, design=balanced, before=before, at_once=True)
    return Preview(
        composite=_number(graded.composite[0]),
        evidence=float(graded.evidence[0]),
        before=Grade(score.grade),
        grade=Grade(GRADES[graded.shown[0]]),
        ladder=Grade(GRADES[graded.ladder[0]] or Grade.NOT_GRADED),
        unmeasured=[str(IndicatorCode(c).label) for _of, c, _w, _a in design.indicators if c not in known],
        known=known,
        composed=composed,
    )


def weight_lines(design: Design, shown: Preview | None) -> list[DimensionLine]:
    """Weights and their sums, with the scores and points of the previewed account where there is one."""
    return [
        _dimension_line(
            code,
            weight,
            [(place, row) for place, row in enumerate(design.indicators) if row[0] == code],
            shown,
        )
        for code, weight in design.dimensions.items()
    ]


def _dimension_line(
    code: str, weight: Decimal, rows: list[tuple[int, IndicatorRow]], shown: Preview | None
) -> DimensionLine:
    indicators = [_indicator_line(place, row, shown) for place, row in rows]
    points = [line.points for line in indicators if line.points is not None]
    return DimensionLine(
        label=str(DimensionCode(code).label),
        weight=weight,
        inside=sum((row[2] for _place, row in rows), Decimal(0)),
        score=_number(shown.composed.dimension_scores[code][0]) if shown else None,
        points=sum(points) if points else None,
        indicators=indicators,
    )


def _indicator_line(place: int, row: IndicatorRow, shown: Preview | None) -> IndicatorLine:
    _of, code, weight, _anchors = row
    return IndicatorLine(
        label=str(IndicatorCode(code).label),
        weight_text=plain(weight),
        raw_text=value_text(shown.known.get(code), INDICATOR_UNIT[code]) if shown else "",
        score=_number(shown.composed.scores[place][0]) if shown else None,
        points=_number(shown.composed.contributions[place][0]) if shown else None,
    )


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
