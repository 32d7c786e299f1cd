"""Surveys of weights: started by one, judged pair by pair by those invited, taken over into a draft."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from crm.lib.exceptions import CrmError
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of
from crm.web.rights import may_draft, may_start_survey, require_draft, require_start_survey
from crm.web.weights import part_choices, usable_models
from tiering.checks import label_of, weights_of
from tiering.models import WeightSurvey
from tiering.models_weights import MOST
from tiering.selectors_weights import Said, possible_judges, scales_of, survey_results, surveys
from tiering.services_weights import (
    close_survey,
    contradiction_words,
    give_judgements,
    invite_judges,
    open_survey,
    take_over_survey,
)
from tiering.weights import CONSISTENT_BELOW

UNPROCESSABLE = 422
# How much more one of a pair matters, 2 to 9 (Saaty); %(item)s is the one that does.
MORE_WORDS: dict[int, Any] = {
    2: gettext_lazy("%(item)s matters a little more (2)"),
    3: gettext_lazy("%(item)s matters moderately more (3)"),
    4: gettext_lazy("%(item)s matters moderately to strongly more (4)"),
    5: gettext_lazy("%(item)s matters strongly more (5)"),
    6: gettext_lazy("%(item)s matters strongly to very strongly more (6)"),
    7: gettext_lazy("%(item)s matters very strongly more (7)"),
    8: gettext_lazy("%(item)s matters very strongly to extremely more (8)"),
    9: gettext_lazy("%(item)s matters extremely more (9)"),
}


class SurveyForm(forms.Form):
    """What whoever starts a survey fills in; the rules are those of the service."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=120)
    model = forms.ModelChoiceField(label=gettext_lazy("Version"), queryset=None, empty_label=None)
    part = forms.ChoiceField(label=gettext_lazy("What is compared"), required=False)
    judges = forms.ModelMultipleChoiceField(
        label=gettext_lazy("Judges"),
        queryset=None,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy(
            "People who may compare weights; three to seven from different functions are a good number."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["model"].queryset = usable_models()
        fields["part"].choices = part_choices()
        fields["judges"].queryset = possible_judges()
        fields["judges"].label_from_instance = lambda user: user.display_name
        dress(self)


@dataclass(frozen=True, slots=True)
class Pair:
    """One comparison. ``place`` is the slider's: -8 the left matters extremely more, 0 alike, 8 the right does; ``words``
    say each place."""

    name: str
    left: str
    right: str
    place: int
    words: list[str]

    @property
    def words_json(self) -> str:
        return json.dumps(self.words, ensure_ascii=False)

    @property
    def now(self) -> str:
        return self.words[self.place + MOST - 1]


@dataclass(frozen=True, slots=True)
class SaidLine:
    """One judge, or all together: weights in percent, consistency, and what contradicts most where it is too much."""

    name: str
    weights: list[tuple[str, str]]
    ratio: float
    is_consistent: bool
    contradiction: str
    is_me: bool


@signed_in
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    require_start_survey(request.user)
    form = SurveyForm(request.POST or None, initial={"title": _("Weights of the dimensions")})
    if form.is_valid():
        try:
            made = open_survey(created_by=user_of(request), **form.cleaned_data)
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _("The survey is open; those invited find it under Weights."))
            return redirect("tiering:survey", made.pk)
    return render(request, "tiering/survey_new.html", {"form": form}, status=UNPROCESSABLE if form.is_bound else 200)


@signed_in
@require_GET
def survey(request: HttpRequest, pk: int) -> HttpResponse:
    """What the judges said, each and together."""
    found = get_object_or_404(surveys(), pk=pk)
    result, me = survey_results([found])[0], user_of(request)
    invited = {one.judge for one in result.said} | set(result.waiting)
    matching = [one for one in usable_models() if list(weights_of(one.design(), found.part)) == found.items]
    context = {
        "survey": found,
        "part": dict(part_choices())[found.part],
        "columns": [label_of(found.part, code) for code in found.items],
        "lines": [_line(found, one, me=me.pk) for one in result.said],
        "joint": _line(found, result.joint, me=None) if result.joint else None,
        "waiting": result.waiting,
        "may_judge": found.is_open and me in invited,
        "may_manage": may_start_survey(request.user) and found.is_open,
        "may_draft": may_draft(request.user),
        "bases": matching,
        "others": [user for user in possible_judges() if user not in invited] if found.is_open else [],
        "limit": CONSISTENT_BELOW,
    }
    return render(request, "tiering/survey.html", context)


@signed_in
@require_http_methods(["GET", "POST"])
def judge(request: HttpRequest, pk: int) -> HttpResponse:
    """Compare every pair; after saving the page says how consistent the judgements are."""
    found, me = get_object_or_404(surveys(), pk=pk), user_of(request)
    if not found.judges.filter(pk=me.pk).exists():
        raise PermissionDenied(_("You are not invited to this survey. Whoever made it can invite you."))
    refusal = ""
    if request.method == "POST":
        try:
            give_judgements(survey=found, judge=me, scales=_sent(found, request.POST))
        except CrmError as refused:
            refusal = str(refused)
        else:
            messages.success(request, _("Your judgements are kept."))
            return redirect("tiering:survey_judge", found.pk)
    scales = scales_of(found, me)
    mine = next((one for one in survey_results([found])[0].said if one.judge == me), None)
    context = {
        "survey": found,
        "part": dict(part_choices())[found.part],
        "pairs": [_pair(found, left, right, scales.get((left, right), 1)) for left, right in found.pairs],
        "mine": _line(found, mine, me=me.pk) if mine else None,
        "refusal": refusal,
        "limit": CONSISTENT_BELOW,
    }
    return render(request, "tiering/survey_judge.html", context, status=UNPROCESSABLE if refusal else 200)


@signed_in
@require_POST
def invite(request: HttpRequest, pk: int) -> HttpResponse:
    require_start_survey(request.user)
    found = get_object_or_404(WeightSurvey, pk=pk)

    def act() -> str:
        asked = [int(key) for key in request.POST.getlist("judges") if key.isascii() and key.isdigit()]
        invite_judges(survey=found, judges=possible_judges().filter(pk__in=asked))
        return _("Invited.")

    return _done(request, act, found)


@signed_in
@require_POST
def close(request: HttpRequest, pk: int) -> HttpResponse:
    require_start_survey(request.user)
    found = get_object_or_404(WeightSurvey, pk=pk)

    def act() -> str:
        close_survey(survey=found)
        return _("The survey is closed.")

    return _done(request, act, found)


@signed_in
@require_POST
def take_over(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft with the weights of all judges together."""
    require_draft(request.user)
    found = get_object_or_404(WeightSurvey.objects.select_related("model"), pk=pk)
    named = [one for one in usable_models() if str(one.pk) == request.POST.get("base", "")]
    try:
        draft = take_over_survey(survey=found, base=named[0] if named else found.model, by=user_of(request))
    except CrmError as refused:
        messages.error(request, str(refused))
        return redirect("tiering:survey", found.pk)
    words = _("%(model)s is kept as a draft. Propose it, and somebody else can approve it.")
    messages.success(request, words % {"model": draft})
    return redirect("tiering:model_version", draft.pk)


def _sent(found: WeightSurvey, sent: QueryDict) -> dict[tuple[str, str], int]:
    """Scales of the pairs that can be read; the service refuses where one is missing."""
    scales = {}
    for left, right in found.pairs:
        try:
            place = int(sent.get(f"{left}-{right}", ""))
        except ValueError:
            continue
        scales[left, right] = 1 if place == 0 else (1 - place if place < 0 else -(place + 1))
    return scales


def _pair(found: WeightSurvey, left: str, right: str, scale: int) -> Pair:
    """A scale of 9 is the place -8: the slider leans to what matters more."""
    place = 1 - scale if scale > 0 else -scale - 1
    names = label_of(found.part, left), label_of(found.part, right)
    leaning = [[str(MORE_WORDS[step]) % {"item": name} for step in sorted(MORE_WORDS)] for name in names]
    words = [*reversed(leaning[0]), _("Both matter alike (1)"), *leaning[1]]
    return Pair(f"{left}-{right}", *names, place, words)


def _line(found: WeightSurvey, said: Said, *, me: int | None) -> SaidLine:
    return SaidLine(
        name=said.judge.display_name if said.judge else "",
        weights=[
            (label_of(found.part, code), f"{100 * weight:.1f}%")
            for code, weight in zip(found.items, said.found.weights, strict=True)
        ],
        ratio=said.found.consistency_ratio,
        is_consistent=said.found.is_consistent,
        contradiction="" if said.found.is_consistent else contradiction_words(found, said),
        is_me=said.judge is not None and said.judge.pk == me,
    )


def _done(request: HttpRequest, act: Callable[[], str], found: WeightSurvey) -> HttpResponse:
    try:
        messages.success(request, act())
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("tiering:survey", found.pk)
