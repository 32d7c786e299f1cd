"""Where weights come from: what people judged, what the night's dispersion advises, and what each version took over."""

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from crm.lib.exceptions import CrmError
from crm.web.drawing import Share
from crm.web.htmx import page_or_fragment, signed_in, user_of, wants_fragment
from crm.web.rights import may_draft, may_start_survey, require_draft
from crm.web.scope import accounts_in_scope
from tiering.checks import is_as_taken_over, label_of, weights_of
from tiering.enums import DimensionCode, ModelState
from tiering.models import ScoringModel, TierRun, WeightOrigin
from tiering.selectors import latest_run
from tiering.selectors_weights import (
    Advice,
    SurveyResult,
    dispersion_advice,
    survey_results,
    surveys,
    waiting_for,
)
from tiering.services_weights import take_over_blend
from tiering.weights import LEAST_MANUAL_SHARE

SURVEYS_SHOWN = 25
DEFAULT_SHARE = Decimal("0.8")
LEAST_SHARE = Decimal(str(LEAST_MANUAL_SHARE))


@dataclass(frozen=True, slots=True)
class AdviceLine:
    """One code: its weight, what dispersion advises, and both blended; ``bar`` is the advised weight drawn."""

    label: str
    manual: Decimal
    advised: Decimal | None
    entropy: float | None
    blended: Decimal | None
    bar: Share
    left_out: str


@dataclass(frozen=True, slots=True)
class OriginLine:
    """Where the weights of one part of the version come from."""

    label: str
    weights: str
    origin: WeightOrigin | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The version, the part of it and the share of the manual weights that are looked at."""

    models: list[ScoringModel]
    model: ScoringModel | None
    part: str
    share: Decimal

    @classmethod
    def of(cls, params: QueryDict) -> "Choice":
        models = list(usable_models())
        named = [one for one in models if str(one.pk) == params.get("model", "")]
        active = [one for one in models if one.state == ModelState.ACTIVE]
        part = params.get("part", "")
        return cls(
            models=models,
            model=next(iter(named or active or models), None),
            part=part if part in DimensionCode.values else "",
            share=_share(params.get("share", "")),
        )


def usable_models() -> Any:
    """Versions that weights can be taken over from or into, the newest first."""
    found = ScoringModel.objects.exclude(state=ModelState.RETIRED)
    return found.prefetch_related("dimensions", "indicators", "rules").order_by("-pk")


def part_choices() -> list[tuple[str, str]]:
    """What can be weighed, in words: the dimensions, or what stands inside one of them."""
    inside = [(code, _("Inside %(dimension)s") % {"dimension": label}) for code, label in DimensionCode.choices]
    return [("", _("The four dimensions")), *inside]


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Surveys, where the weights of a version come from, and what dispersion advises."""
    choice, run = Choice.of(request.GET), latest_run()
    context: dict[str, Any] = {
        "choice": choice,
        "parts": part_choices(),
        "run": run,
        "may_draft": may_draft(request.user),
        "least_share": LEAST_SHARE,
        **_advice_context(request, choice, run),
    }
    if not wants_fragment(request):
        context |= {
            "results": [_row(result) for result in survey_results(list(surveys()[:SURVEYS_SHOWN]))],
            "waiting": list(waiting_for(user_of(request))),
            "may_start": may_start_survey(request.user),
            "origins": origin_lines(choice.model) if choice.model else [],
        }
    return page_or_fragment(request, "tiering/weights.html", "tiering/_weights_advice.html", context)


@signed_in
@require_POST
def blend(request: HttpRequest) -> HttpResponse:
    """Take the blend over into a draft."""
    require_draft(request.user)
    choice, run = Choice.of(request.POST), latest_run()
    if choice.model is None or run is None:
        return redirect("tiering:weights")
    try:
        draft = take_over_blend(
            run=run, base=choice.model, part=choice.part, manual_share=choice.share, by=user_of(request),
            accounts=accounts_in_scope(request), fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
        )  # fmt: skip
    except CrmError as refused:
        messages.error(request, str(refused))
        return redirect(f"{reverse('tiering:weights')}?model={choice.model.pk}&part={choice.part}&share={choice.share}")
    messages.success(
        request, _("%(model)s is kept as a draft. Propose it, and somebody else can approve it.") % {"model": draft}
    )
    return redirect("tiering:model_version", draft.pk)


def origin_lines(model: ScoringModel) -> list[OriginLine]:
    """Where the weights of each part come from; edited since they were taken over, they are manual. One query."""
    design = model.design()
    origins = {one.part: one for one in model.origins.select_related("survey", "run")}
    kept = {part: one for part, one in origins.items() if is_as_taken_over(one, design)}
    lines = []
    for part, label in part_choices():
        found = weights_of(design, part)
        if found:
            words = ", ".join(f"{label_of(part, code)} {weight.normalize():f}%" for code, weight in found.items())
            lines.append(OriginLine(label, words, kept.get(part)))
    return lines


def _advice_context(request: HttpRequest, choice: Choice, run: TierRun | None) -> dict[str, Any]:
    if choice.model is None or run is None or run.model is None:
        return {}
    if run.model.currency != choice.model.currency:
        return {"advice_refusal": _("This version counts in another currency than the last night.")}
    if len(weights_of(choice.model.design(), choice.part)) < 2:
        return {"advice_refusal": _("There is only one thing inside; it has the whole weight.")}
    advice = dispersion_advice(
        run=run, model=choice.model, part=choice.part, accounts=accounts_in_scope(request),
        fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
    )  # fmt: skip
    return {"advice": advice, "lines": _advice_lines(advice, choice)}


def _advice_lines(advice: Advice, choice: Choice) -> list[AdviceLine]:
    blended = advice.blended(float(choice.share)) if advice.advised is not None else {}
    largest = max([*advice.manual.values(), *(advice.advised or {}).values(), Decimal(1)])
    lines = []
    for code, manual in advice.manual.items():
        advised = None if advice.advised is None or code in advice.left_out else advice.advised[code]
        lines.append(
            AdviceLine(
                label=label_of(choice.part, code),
                manual=manual,
                advised=advised,
                entropy=advice.entropy.get(code),
                blended=blended.get(code),
                bar=Share.of(advised or 0, largest),
                left_out=advice.left_out.get(code, ""),
            )
        )
    return lines


def _row(result: SurveyResult) -> dict[str, Any]:
    return {
        "survey": result.survey,
        "part": dict(part_choices())[result.survey.part],
        "given": len(result.said),
        "invited": len(result.said) + len(result.waiting),
        "joint": result.joint,
    }


def _share(text: str) -> Decimal:
    """λ, or the usual one where none can be read."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return DEFAULT_SHARE
    return min(max(value, LEAST_SHARE), Decimal(1)).quantize(Decimal("0.01")) if value.is_finite() else DEFAULT_SHARE
