"""Surveys in which people compare weights in pairs, and drafts that take weights over (domain.md 3.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from tiering.checks import label_of, weights_of
from tiering.design import Design
from tiering.enums import SurveyState, WeightSource
from tiering.models import Judgement, ScoringModel, TierRun, WeightOrigin, WeightSurvey
from tiering.models_weights import MOST
from tiering.selectors_weights import Said, dispersion_advice, possible_judges, survey_results
from tiering.services import draft_of
from tiering.weights import CONSISTENT_BELOW, LEAST_MANUAL_SHARE, MAX_INDICATORS, percentages


class SurveyRefused(CrmError):
    """A survey that cannot be made, or a judgement that it cannot take."""

    code = "survey-refused"
    status = 422


class Contradiction(CrmError):
    """Judgements that contradict each other too much to give weights; the message names the worst of them."""

    code = "judgements-contradict"
    status = 422


class AdviceRefused(CrmError):
    """Dispersion that advises nothing, or a blend in which it would decide."""

    code = "advice-refused"
    status = 422


@transaction.atomic
def open_survey(
    *, model: ScoringModel, part: str, title: str, judges: Iterable[User], created_by: User
) -> WeightSurvey:
    """Ask judges to compare the dimensions of a version (``part`` empty), or the indicators of one dimension.

    raises SurveyRefused : no title, fewer than two things to compare or too many, or a judge without the right
    """
    items = list(weights_of(model.design(), part))
    if not title.strip():
        raise SurveyRefused(_("Give the survey a title."))
    if not 2 <= len(items) <= MAX_INDICATORS:
        raise SurveyRefused(_("Two to ten things can be compared in pairs; here there are %(n)s.") % {"n": len(items)})
    survey = WeightSurvey.objects.create(
        model=model, part=part, title=title.strip(), items=items, created_by=created_by
    )
    invite_judges(survey=survey, judges=judges)
    return survey


@transaction.atomic
def invite_judges(*, survey: WeightSurvey, judges: Iterable[User]) -> None:
    """Invite more people to an open survey; who is invited already stays so.

    raises SurveyRefused : the survey is closed, nobody is named, or somebody may not judge
    """
    _require_open(survey)
    asked = {judge.pk for judge in judges}
    if not asked or possible_judges().filter(pk__in=asked).count() != len(asked):
        raise SurveyRefused(_("Choose one or more people who may compare weights."))
    survey.judges.add(*asked)


@transaction.atomic
def close_survey(*, survey: WeightSurvey) -> WeightSurvey:
    """Take no more judgements; a closed survey can still be taken over."""
    _require_open(survey)
    survey.state, survey.closed_at = SurveyState.CLOSED, timezone.now()
    survey.save(update_fields=["state", "closed_at"])
    return survey


@transaction.atomic
def give_judgements(*, survey: WeightSurvey, judge: User, scales: Mapping[tuple[str, str], int]) -> None:
    """Every pair of the survey as ``judge`` sees it, in place of what was said before.

    scales : (first, second) → 1 both alike, 2..9 the first matters more, -2..-9 the second does
    raises SurveyRefused : the survey is closed, the judge is not invited, a pair is missing or off the scale
    """
    _require_open(survey)
    if not survey.judges.filter(pk=judge.pk).exists():
        raise SurveyRefused(_("You are not invited to this survey. Whoever made it can invite you."))
    if set(scales) != set(survey.pairs):
        raise SurveyRefused(_("Compare every pair of the survey, and no other."))
    if any(scale in {0, -1} or abs(scale) > MOST for scale in scales.values()):
        raise SurveyRefused(_("A judgement is 1 for alike, or from 2 to 9 for one of the two."))
    Judgement.objects.bulk_create(
        [
            Judgement(survey=survey, judge=judge, left=left, right=right, scale=scale)
            for (left, right), scale in scales.items()
        ],
        update_conflicts=True,
        unique_fields=["survey", "judge", "left", "right"],
        update_fields=["scale", "given_at"],
    )


@transaction.atomic
def take_over_survey(*, survey: WeightSurvey, base: ScoringModel, by: User) -> ScoringModel:
    """A draft of ``base`` with the weights of all judges together, to exactly 100 %.

    raises Contradiction : their consistency ratio is 0.1 or more; SurveyRefused : nobody has judged, or ``base`` measures
    other things
    """
    result = survey_results([survey])[0]
    if result.joint is None:
        raise SurveyRefused(_("Nobody has compared every pair yet."))
    if not result.joint.found.is_consistent:
        raise Contradiction(contradiction_words(survey, result.joint))
    design = base.design()
    if list(weights_of(design, survey.part)) != survey.items:
        raise SurveyRefused(_("%(model)s measures other things than the survey compares.") % {"model": base})
    found = dict(zip(survey.items, percentages(result.joint.found.weights), strict=True))
    note = _("Weights of the survey “%(title)s”.") % {"title": survey.title}
    about = {
        "source": WeightSource.AHP, "survey": survey, "judges": len(result.said),
        "consistency_ratio": result.joint.found.consistency_ratio,
    }  # fmt: skip
    return _draft_with(base, design, survey.part, found, by=by, note=note, about=about)


@transaction.atomic
def take_over_blend(
    *, run: TierRun, base: ScoringModel, part: str, manual_share: Decimal, accounts: AccountQuerySet, by: User,
    fiscal_start_month: int,
) -> ScoringModel:  # fmt: skip
    """A draft of ``base`` whose weights are ``manual_share`` its own, the rest by the dispersion of the night's scores.

    raises AdviceRefused : the share lies outside 0.5..1, or the night advises nothing
    """
    if not Decimal(str(LEAST_MANUAL_SHARE)) <= manual_share <= 1:
        raise AdviceRefused(_("The manual weights count for half or more: dispersion is not importance."))
    advice = dispersion_advice(run=run, model=base, part=part, accounts=accounts, fiscal_start_month=fiscal_start_month)
    if advice.advised is None:
        raise AdviceRefused(_("Too few accounts have every score known: the night advises nothing."))
    found = advice.blended(float(manual_share))
    note = _("Manual weights blended with the dispersion of the night of %(day)s.") % {"day": run.as_of}
    about = {"source": WeightSource.BLEND, "manual_share": manual_share, "run": run, "accounts": advice.accounts}
    return _draft_with(base, base.design(), part, found, by=by, note=note, about=about)


def contradiction_words(survey: WeightSurvey, said: Said) -> str:
    """What contradicts the rest most, and what would agree with it; one sentence with its numbers."""
    ratio = f"{said.found.consistency_ratio:.2f}"
    if said.worst is None:
        return _("The consistency ratio is %(ratio)s; below 0.1 is needed.") % {"ratio": ratio}
    left, right, value, agreeing = said.worst
    return _(
        "The consistency ratio is %(ratio)s; below %(limit)s is needed. Furthest from the rest: “%(left)s” against “%(right)s” is "
        "judged %(value)s, the other judgements speak for %(agreeing)s. Compare that pair again."
    ) % {
        "ratio": ratio, "limit": CONSISTENT_BELOW, "value": ratio_text(value), "agreeing": ratio_text(agreeing),
        "left": label_of(survey.part, left), "right": label_of(survey.part, right),
    }  # fmt: skip


def ratio_text(value: float) -> str:
    """How much the first matters against the second: 3 : 1, 1 : 2.5."""
    return f"{_short(value)} : 1" if value >= 1 else f"1 : {_short(1 / value)}"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _draft_with(
    base: ScoringModel,
    design: Design,
    part: str,
    found: Mapping[str, Decimal],
    *,
    by: User,
    note: str,
    about: dict[str, Any],
) -> ScoringModel:
    if part:
        indicators = tuple(
            (of, code, found.get(code, weight) if of == part else weight, anchors)
            for of, code, weight, anchors in design.indicators
        )
        design = replace(design, indicators=indicators)
    else:
        design = replace(design, dimensions={code: found[code] for code in design.dimensions})
    draft = draft_of(model=base, design=design, created_by=by, note=note)
    stored = {code: str(weight) for code, weight in found.items()}
    WeightOrigin.objects.update_or_create(
        model=draft, part=part, defaults=dict.fromkeys(ORIGIN_FIELDS) | about | {"weights": stored}
    )
    return draft


ORIGIN_FIELDS = ("survey", "judges", "consistency_ratio", "manual_share", "run", "accounts")


def _require_open(survey: WeightSurvey) -> None:
    if not survey.is_open:
        raise SurveyRefused(_("The survey is closed. Start a new one to compare again."))
