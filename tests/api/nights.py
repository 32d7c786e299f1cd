"""A night without the work: a model, a published run and the result rows a test names."""

import math
from datetime import date
from typing import Any

from django.utils import timezone

from accounts.models import Account
from tiering.enums import Preset, RunState, RunTrigger
from tiering.models import GradePeriod, Score, ScoringModel, TierRun
from tiering.services import activate_model, create_model

AS_OF = date(2024, 6, 30)


def make_scoring_model(*, active: bool = True) -> ScoringModel:
    model = create_model(preset=Preset.FULL, as_of=AS_OF)
    return activate_model(model=model) if active else model


def make_published_run(
    model: ScoringModel, grades: dict[Account, str], *, as_of: date = AS_OF, previous: str = "", **fields: Any
) -> TierRun:
    """Every account of ``grades`` has a row of unknown values, the grade and an open period from the as-of on."""
    now = timezone.now()
    counts = {grade: list(grades.values()).count(grade) for grade in grades.values()}
    run = TierRun.objects.create(
        as_of=as_of,
        model=model,
        state=RunState.PUBLISHED,
        trigger=RunTrigger.NIGHT,
        counts=counts,
        accounts=len(grades),
        moves=len(grades) if previous else 0,
        started_at=now,
        finished_at=now,
        published_at=now,
        **fields,
    )
    run.base = run
    run.save()
    unknown, indicators = [math.nan] * len(model.raw_layout), model.indicators.count()
    for account, grade in grades.items():
        Score.objects.create(
            run=run,
            base=run,
            valid_from=as_of,
            account=account,
            grade=grade,
            ladder=grade,
            previous_grade=previous,
            composite=55.5,
            evidence=0.75,
            raw=unknown,
            contributions=[math.nan] * indicators,
        )
        GradePeriod.objects.filter(account=account, valid_to=None).update(valid_to=as_of)
        GradePeriod.objects.create(account=account, grade=grade, underlying=grade, valid_from=as_of, run=run)
    return run
