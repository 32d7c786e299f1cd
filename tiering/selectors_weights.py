"""What surveys say about weights, and what the spread of the last night advises (domain.md 3.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

import numpy as np
from django.db.models import Count, QuerySet

from accounts.backends import holders_of
from accounts.models import User
from accounts.querysets import AccountQuerySet
from tiering import evaluation, weights
from tiering.checks import weights_of
from tiering.enums import SurveyState
from tiering.models import Judgement, ScoringModel, TierRun, WeightSurvey
from tiering.scoring import Bools, Floats
from tiering.simulation import measured_of, normalised, snapshot
from tiering.weights import Judgements

JUDGE = "tiering.judge_weights"
LEAST_KNOWN_SHARE = 0.5  # of the accounts; below it an indicator says nothing about how they differ


@dataclass(frozen=True, slots=True)
class Said:
    """One set of judgements over the items of a survey, in their order.

    judge : None for all judges together; worst : the pair that deviates most, what was said of it and what would agree
    with the rest (both a_ij), None where nothing can disagree
    """

    judge: User | None
    given_at: datetime | None
    found: Judgements
    worst: tuple[str, str, float, float] | None


@dataclass(frozen=True, slots=True)
class SurveyResult:
    """said : the judges that gave every pair, by name; waiting : those invited that have not; joint : None without a judge."""

    survey: WeightSurvey
    said: tuple[Said, ...]
    waiting: tuple[User, ...]
    joint: Said | None


@dataclass(frozen=True, slots=True)
class Advice:
    """Weights by dispersion beside the weights of a version, in percent by code.

    accounts : those with every score known; entropy : e of each code; left_out : code → "unknown" or "zero", they keep their weight
    advised : None where fewer than two accounts, or no code, is left
    """

    manual: Mapping[str, Decimal]
    advised: Mapping[str, Decimal] | None
    entropy: Mapping[str, float]
    left_out: Mapping[str, str]
    accounts: int

    def blended(self, manual_share: float) -> dict[str, Decimal]:
        """Manual and advised weights together; codes that were left out keep theirs. Only with ``advised``."""
        kept = [code for code in self.manual if code not in self.left_out]
        total = sum((self.manual[code] for code in kept), Decimal(0))
        own = np.array([float(self.manual[code] / total) for code in kept])
        other = np.array([float((self.advised or {})[code] / total) for code in kept])
        mixed = weights.blended_weights(own / own.sum(), other / other.sum(), manual_share=manual_share)
        found = dict(self.manual) | {code: float(total) * share for code, share in zip(kept, mixed, strict=True)}
        return dict(zip(found, weights.percentages([float(one) for one in found.values()]), strict=True))


def possible_judges() -> QuerySet[User]:
    """Who may be invited to compare, by name."""
    return holders_of(JUDGE).order_by("first_name", "last_name", "pk")


def surveys() -> QuerySet[WeightSurvey]:
    """Newest first, with how many are invited."""
    found = WeightSurvey.objects.select_related("model", "created_by").annotate(invited=Count("judges"))
    return found.order_by("-created_at", "-pk")  # counting drops the model's own order


def waiting_for(user: User) -> QuerySet[WeightSurvey]:
    """Open surveys in which the user is invited and has not judged."""
    judged = Judgement.objects.filter(judge=user).values("survey")
    return user.weight_surveys.filter(state=SurveyState.OPEN).exclude(pk__in=judged)


def survey_results(found: list[WeightSurvey]) -> list[SurveyResult]:
    """What each survey says so far; two queries for all of them."""
    given: dict[int, dict[User, list[Judgement]]] = {survey.pk: {} for survey in found}
    rows = Judgement.objects.filter(survey__in=found).select_related("judge").order_by("judge__first_name", "judge_id")
    for row in rows:
        given[row.survey_id].setdefault(row.judge, []).append(row)
    invited: dict[int, list[User]] = {survey.pk: [] for survey in found}
    through = WeightSurvey.judges.through.objects.filter(weightsurvey__in=found).select_related("user")
    for link in through.order_by("user__first_name", "user_id"):
        invited[link.weightsurvey_id].append(link.user)
    return [_result(survey, given[survey.pk], invited[survey.pk]) for survey in found]


def scales_of(survey: WeightSurvey, judge: User) -> dict[tuple[str, str], int]:
    """What the judge has said, by pair; empty before."""
    rows = Judgement.objects.filter(survey=survey, judge=judge)
    return {(row.left, row.right): row.scale for row in rows}


def dispersion_advice(
    *, run: TierRun, model: ScoringModel, part: str, accounts: AccountQuerySet, fiscal_start_month: int
) -> Advice:
    """Weights by entropy of the night's scores of ``accounts``: of the dimensions, or of the indicators inside one.

    Scores are 0 to 100, so none is negative. Codes known for fewer than half of the accounts in business, or 0 for all,
    are left out. One read of the night for each process, one of the accounts where not all are in view.
    """
    design = normalised(model.design())
    found = snapshot(run)
    if not accounts.is_everything:
        seen = np.array(sorted(accounts.order_by().values_list("pk", flat=True)), dtype=np.int64)
        found = found.where(np.isin(found.ids, seen))
    measured = measured_of(found, run=run, fiscal_start_month=fiscal_start_month)
    composed = evaluation.score(measured, design=design)
    rows = composed.dimension_scores if not part else dict(zip(design.scheme().codes, composed.scores, strict=True))
    manual = weights_of(design, part)
    scores = {code: rows[code][measured.in_business] for code in manual}
    return _advice(manual, scores)


def _advice(manual: Mapping[str, Decimal], scores: Mapping[str, Floats]) -> Advice:
    left_out = {code: "unknown" for code, values in scores.items() if _known_share(values) < LEAST_KNOWN_SHARE}
    complete = _complete([values for code, values in scores.items() if code not in left_out])
    left_out |= {
        code: "zero" for code, values in scores.items() if code not in left_out and not (values[complete] > 0).any()
    }
    codes = [code for code in manual if code not in left_out]
    count, total = int(complete.sum()), sum((manual[code] for code in codes), Decimal(0))
    if count < 2 or not total:
        return Advice(manual, None, {}, left_out, count)
    found = weights.entropy_weights(np.array([scores[code][complete] for code in codes]).T)
    shares = [float(total) * float(weight) for weight in found.weights]
    advised = dict(manual) | {code: Decimal(str(round(share, 4))) for code, share in zip(codes, shares, strict=True)}
    return Advice(manual, advised, dict(zip(codes, found.entropy.tolist(), strict=True)), left_out, count)


def _known_share(values: Floats) -> float:
    return float((~np.isnan(values)).mean()) if len(values) else 0.0


def _complete(columns: list[Floats]) -> Bools:
    """Accounts of which every score is known."""
    return ~np.isnan(np.array(columns)).any(axis=0) if columns else np.zeros(0, dtype=bool)


def _result(survey: WeightSurvey, given: dict[User, list[Judgement]], invited: list[User]) -> SurveyResult:
    pairs, matrices, said = set(survey.pairs), [], []
    for judge, rows in given.items():
        values = {(row.left, row.right): float(row.value) for row in rows}
        if set(values) != pairs:
            continue
        matrices.append(_matrix(survey, values))
        said.append(_said(survey, matrices[-1], judge=judge, given_at=max(row.given_at for row in rows)))
    joint = _said(survey, weights.joint_judgements(matrices)) if matrices else None
    done = {one.judge for one in said}
    return SurveyResult(survey, tuple(said), tuple(user for user in invited if user not in done), joint)


def _matrix(survey: WeightSurvey, values: Mapping[tuple[str, str], float]) -> Floats:
    places = {code: place for place, code in enumerate(survey.items)}
    matrix = np.ones((len(places), len(places)))
    for (left, right), value in values.items():
        matrix[places[left], places[right]], matrix[places[right], places[left]] = value, 1 / value
    return matrix


def _said(survey: WeightSurvey, matrix: Floats, *, judge: User | None = None, given_at: datetime | None = None) -> Said:
    found = weights.judged_weights(matrix)
    worst = None
    if found.worst is not None:
        row, column = found.worst
        agreeing = float(found.weights[row] / found.weights[column])
        worst = (survey.items[row], survey.items[column], float(matrix[row, column]), agreeing)
    return Said(judge, given_at, found, worst)
