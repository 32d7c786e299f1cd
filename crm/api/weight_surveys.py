"""Surveys in which people compare weights in pairs (AHP): started, judged by those invited, closed, taken over."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from crm.api.etag import check_match, etag_of
from crm.api.fields import UserKeyField
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.tiering import ScoringModelSerializer
from crm.api.views import ReadableViewSet
from crm.web.weights import part_choices, usable_models
from tiering.models import ScoringModel, WeightSurvey
from tiering.models_weights import MOST
from tiering.selectors_weights import Said, SurveyResult, scales_of, survey_results, surveys
from tiering.services_weights import (
    close_survey,
    contradiction_words,
    give_judgements,
    invite_judges,
    open_survey,
    take_over_survey,
)

SAID = {
    "type": "object",
    "properties": {
        "judge": {"type": ["integer", "null"]},
        "weights": {"type": "object", "additionalProperties": {"type": "number"}},
        "consistency_ratio": {"type": "number"},
        "is_consistent": {"type": "boolean"},
        "contradiction": {"type": "string"},
    },
}


class WeightSurveySerializer(serializers.ModelSerializer):
    """`part` empty: the dimensions are compared, else the indicators of that one. `said`: weights (fractions) of each judge
    who compared every pair, with the consistency ratio, which has to be below 0.1, and the pair that deviates most;
    `joint`: all judges together, null before the first. `waiting`: those invited who have not judged."""

    created_by = serializers.CharField(source="created_by.username", read_only=True, default=None, allow_null=True)
    pairs = serializers.SerializerMethodField()
    said = serializers.SerializerMethodField()
    joint = serializers.SerializerMethodField()
    waiting = serializers.SerializerMethodField()

    class Meta:
        model = WeightSurvey
        fields = (
            *("id", "title", "model", "part", "items", "pairs", "state", "created_by", "created_at", "closed_at"),
            *("said", "joint", "waiting"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "array", "items": {"type": "string"}}})
    def get_pairs(self, survey: WeightSurvey) -> list[list[str]]:
        return [list(pair) for pair in survey.pairs]

    @extend_schema_field({"type": "array", "items": SAID})
    def get_said(self, survey: WeightSurvey) -> list[dict[str, Any]]:
        return [_said(survey, one) for one in self._result(survey).said]

    @extend_schema_field({**SAID, "type": ["object", "null"]})
    def get_joint(self, survey: WeightSurvey) -> dict[str, Any] | None:
        joint = self._result(survey).joint
        return None if joint is None else _said(survey, joint)

    @extend_schema_field({"type": "array", "items": {"type": "integer"}})
    def get_waiting(self, survey: WeightSurvey) -> list[int]:
        return [user.pk for user in self._result(survey).waiting]

    def _result(self, survey: WeightSurvey) -> SurveyResult:
        """Of all surveys of a page at once."""
        known = self.context.setdefault("results", {})
        if survey.pk not in known:
            page = self.parent.instance if self.parent is not None else [survey]
            known |= {one.survey.pk: one for one in survey_results(list(page))}
        return known[survey.pk]


def _said(survey: WeightSurvey, said: Said) -> dict[str, Any]:
    return {
        "judge": said.judge.pk if said.judge else None,
        "weights": dict(zip(survey.items, [float(weight) for weight in said.found.weights], strict=True)),
        "consistency_ratio": float(said.found.consistency_ratio),
        "is_consistent": bool(said.found.is_consistent),
        "contradiction": "" if said.found.is_consistent else contradiction_words(survey, said),
    }


class JudgesSerializer(StrictSerializer):
    judges = serializers.ListField(child=UserKeyField(), allow_empty=False, max_length=50)


class NewSurveySerializer(JudgesSerializer):
    """`part`: a dimension whose indicators are compared; empty: the dimensions."""

    title = serializers.CharField(max_length=120)
    model = serializers.PrimaryKeyRelatedField(queryset=ScoringModel.objects.all())
    part = serializers.ChoiceField(choices=[], required=False, default="", allow_blank=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["part"].choices = [choice for choice in part_choices() if choice[0]]

    def validate_model(self, model: ScoringModel) -> ScoringModel:
        return _usable(model)


class JudgementSerializer(StrictSerializer):
    """1: both alike; 2 to 9: `left` matters more; -2 to -9: `right` does."""

    left = serializers.CharField(max_length=3)
    right = serializers.CharField(max_length=3)
    scale = serializers.IntegerField(min_value=-MOST, max_value=MOST)


class JudgementsSerializer(StrictSerializer):
    """Every pair of the survey, as in its `pairs`."""

    judgements = JudgementSerializer(many=True)


class TakeOverSerializer(StrictSerializer):
    base = serializers.PrimaryKeyRelatedField(
        queryset=ScoringModel.objects.all(), required=False, help_text="Default: the version of the survey."
    )

    def validate_base(self, base: ScoringModel) -> ScoringModel:
        return _usable(base)


def _usable(model: ScoringModel) -> ScoringModel:
    if not usable_models().filter(pk=model.pk).exists():
        raise serializers.ValidationError(_("Choose a version that is in force, or a draft."))
    return model


class WeightSurveyFilter(FilterSet):
    class Meta:
        model = WeightSurvey
        fields = {"state": ["exact"], "model": ["exact"], "part": ["exact"]}


class WeightSurveyViewSet(ReadableViewSet):
    """Surveys of weights with what they say so far; everybody may read them."""

    serializer_class = WeightSurveySerializer
    filterset_class = WeightSurveyFilter
    ordering_fields = {"id": "pk", "created_at": "created_at"}
    queryset = WeightSurvey.objects.none()

    def get_queryset(self) -> QuerySet[WeightSurvey]:
        return surveys()

    @extend_schema(
        description="Start a survey and invite its judges.",
        request=NewSurveySerializer,
        responses={201: WeightSurveySerializer},
    )
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = self._form(NewSurveySerializer)
        made = open_survey(created_by=request.user, **form)
        return self._answer(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="Invite more judges to an open survey.", request=JudgesSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def invite(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        survey = self.get_object()
        invite_judges(survey=survey, **self._form(JudgesSerializer))
        return self._answer(survey)

    @extend_schema(description="Take no more judgements.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def close(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._answer(close_survey(survey=self.get_object()))

    @extend_schema(responses=JudgementsSerializer, description="What the caller has said; empty before.")
    @action(detail=True, methods=["get"])
    def judgements(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._said_by(self.get_object(), request.user)

    @extend_schema(
        request=JudgementsSerializer,
        responses=JudgementsSerializer,
        description="Every pair as the caller sees it, in place of what was said before; needs If-Match.",
    )
    @judgements.mapping.put
    def give(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        survey = self.get_object()
        if not survey.judges.filter(pk=request.user.pk).exists():
            raise PermissionDenied(_("You are not invited to this survey. Whoever made it can invite you."))
        with transaction.atomic():
            WeightSurvey.objects.select_for_update(of=("self",)).get(pk=survey.pk)
            check_match(request, _judgements(survey, request.user))
            given = self._form(JudgementsSerializer)["judgements"]
            scales = {(one["left"], one["right"]): one["scale"] for one in given}
            if len(scales) < len(given):
                raise serializers.ValidationError({"judgements": [_("A pair is named twice.")]})
            give_judgements(survey=survey, judge=request.user, scales=scales)
        return self._said_by(survey, request.user)

    @extend_schema(
        description="A draft with the weights of all judges together, refused while they contradict each other.",
        request=TakeOverSerializer,
        responses={201: ScoringModelSerializer},
    )
    @action(detail=True, methods=["post"], url_path="take-over", url_name="takeover")
    @idempotent()
    def take_over(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        survey = self.get_object()
        base = self._form(TakeOverSerializer).get("base") or survey.model
        draft = take_over_survey(survey=survey, base=base, by=request.user)
        data = ScoringModelSerializer(draft, context=self.get_serializer_context()).data
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": _address_of(draft)})

    def _form(self, form: type[StrictSerializer]) -> dict[str, Any]:
        sent = form(data=self.request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        return dict(sent.validated_data)

    def _answer(self, survey: WeightSurvey, *, code: int = status.HTTP_200_OK, **headers: str) -> Response:
        return self.tagged(self.get_queryset().get(pk=survey.pk), code=code, **headers)

    def _said_by(self, survey: WeightSurvey, judge: User) -> Response:
        data = _judgements(survey, judge)
        return Response(data, headers={"ETag": etag_of(data)})


def _judgements(survey: WeightSurvey, judge: User) -> dict[str, Any]:
    scales = scales_of(survey, judge)
    return {
        "judgements": [
            {"left": left, "right": right, "scale": scales[left, right]}
            for left, right in survey.pairs
            if (left, right) in scales
        ]
    }


def _address_of(draft: ScoringModel) -> str:
    return reverse("api:models-detail", args=[draft.pk])
