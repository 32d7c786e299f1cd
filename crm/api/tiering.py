"""Scoring models, nights, their results and the history of grades."""

import math
from typing import Any

import django_filters
from django.db.models import DateField, Prefetch, Q, QuerySet, Value
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import Grade
from accounts.models import Account
from crm.api.filters import VisibleAccountFilter, VisibleRowFilter
from crm.api.idempotency import idempotent
from crm.api.model_activation import ActivationActions, ActivationSerializer
from crm.api.queries import DayField
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet, ReadableViewSet
from tiering.enums import Preset
from tiering.grading import Flag
from tiering.models import (
    Activation,
    Dimension,
    GradePeriod,
    GradeRule,
    Indicator,
    ReplacedPeriod,
    Score,
    ScoringModel,
)
from tiering.selectors import latest_run, published_runs
from tiering.services import create_model
from tiering.wording import remark


class DimensionSerializer(serializers.ModelSerializer):
    class Meta:
        model = Dimension
        fields = ("code", "weight")


class IndicatorSerializer(serializers.ModelSerializer):
    dimension = serializers.CharField(source="dimension.code", read_only=True)
    anchors = serializers.ListField(child=serializers.ListField(child=serializers.FloatField()))
    remark = serializers.SerializerMethodField()

    class Meta:
        model = Indicator
        fields = ("code", "dimension", "weight", "anchors", "remark")

    def get_remark(self, found: Indicator) -> str:
        """What to know of it before it is weighed; or empty."""
        return remark(found.code)


class GradeRuleSerializer(serializers.ModelSerializer):
    class Meta:
        model = GradeRule
        fields = ("grade", "condition", "threshold")


class ScoringModelSerializer(serializers.ModelSerializer):
    """One version: weights in percent, scales as pairs of value and score, thresholds by grade and condition."""

    dimensions = DimensionSerializer(many=True, read_only=True)
    indicators = IndicatorSerializer(many=True, read_only=True)
    rules = GradeRuleSerializer(many=True, read_only=True)
    activations = ActivationSerializer(many=True, read_only=True)

    class Meta:
        model = ScoringModel
        fields = (
            "id",
            "name",
            "version",
            "preset",
            "state",
            "currency",
            "basis",
            "as_of",
            "note",
            "gross_profit_test",
            "min_base",
            "evidence_any",
            "evidence_up",
            "min_dimension_evidence",
            "min_valid_weight",
            "buffer_score",
            "buffer_growth",
            "buffer_money",
            "confirm_up_days",
            "confirm_down_days",
            "confirm_problem_days",
            "dimensions",
            "indicators",
            "rules",
            "activations",
            "created_at",
            "activated_at",
            "review_on",
        )
        read_only_fields = fields


class NewModelSerializer(StrictSerializer):
    """A draft from a preset; what the preset takes from the ledger is written into it as plain numbers."""

    preset = serializers.ChoiceField(choices=Preset.choices)
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")
    diamond = serializers.DecimalField(
        19, 4, required=False, min_value=1, help_text="Revenue a year that makes a Diamond."
    )
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)


class ModelFilter(FilterSet):
    class Meta:
        model = ScoringModel
        fields = {"state": ["exact"], "preset": ["exact"], "name": ["exact"]}


class ScoringModelViewSet(ActivationActions, ReadableViewSet):
    """How accounts are scored and graded, in versions; one is active. Drafts are edited in the admin, proposed by one person
    and approved by another."""

    serializer_class = ScoringModelSerializer
    filterset_class = ModelFilter
    ordering_fields = {"id": "pk", "created_at": "created_at", "activated_at": "activated_at"}
    queryset = ScoringModel.objects.prefetch_related(
        "dimensions", "indicators__dimension", "rules",
        Prefetch("activations", Activation.objects.select_related("proposed_by", "decided_by")),
    )  # fmt: skip

    @extend_schema(request=NewModelSerializer, responses={201: ScoringModelSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewModelSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        model = create_model(**form.validated_data, created_by=request.user)
        return self.tagged(model, code=status.HTTP_201_CREATED, Location=self.location_of(model))


class ScoreSerializer(serializers.ModelSerializer):
    """The result of one account in one published night; `accounts/<id>/tiering/` explains it in words."""

    run = serializers.IntegerField(source="night", read_only=True)
    as_of = serializers.DateField(source="night_as_of", read_only=True)
    account_code = serializers.CharField(source="account.code", read_only=True)
    account_name = serializers.CharField(source="account.name", read_only=True)
    raw = serializers.SerializerMethodField()
    contributions = serializers.SerializerMethodField()
    flags = serializers.SerializerMethodField()

    class Meta:
        model = Score
        fields = (
            "id",
            "run",
            "as_of",
            "account",
            "account_code",
            "account_name",
            "grade",
            "ladder",
            "previous_grade",
            "composite",
            "evidence",
            "flags",
            "raw",
            "contributions",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {"type": ["number", "null"]}})
    def get_raw(self, score: Score) -> dict[str, float | None]:
        """What was measured, by code; null is not known."""
        layout = score.run.model.raw_layout if score.run.model else []
        return {code: _known(value) for code, value in zip(layout, score.raw, strict=False)}

    @extend_schema_field({"type": "object", "additionalProperties": {"type": ["number", "null"]}})
    def get_contributions(self, score: Score) -> dict[str, float | None]:
        """Points of each indicator; they sum to the composite."""
        layout = score.run.model.raw_layout if score.run.model else []
        return {code: _known(value) for code, value in zip(layout, score.contributions, strict=False)}

    def get_flags(self, score: Score) -> list[str]:
        return [str(flag.name).lower() for flag in Flag if score.has_flag(flag)]


class ScoreFilter(FilterSet):
    """Without `run` or `as_of`: the latest published night."""

    run = VisibleRowFilter(queryset=lambda request: published_runs(), method="stands")
    as_of = django_filters.DateFilter(method="stands")
    account = VisibleAccountFilter()
    grade = django_filters.MultipleChoiceFilter(choices=Grade.choices)
    previous_grade = django_filters.MultipleChoiceFilter(choices=Grade.choices)

    def filter_queryset(self, queryset: QuerySet[Score]) -> QuerySet[Score]:
        chosen = self.form.cleaned_data
        run, as_of = chosen.get("run"), chosen.get("as_of")
        night = run or (published_runs().filter(as_of=as_of).first() if as_of else latest_run())
        if night is None or as_of not in (None, night.as_of):
            return queryset.none()
        rows = super().filter_queryset(queryset).of(night)
        return rows.annotate(night=Value(night.pk), night_as_of=Value(night.as_of, DateField()))

    def stands(self, queryset: QuerySet[Score], name: str, value: Any) -> QuerySet[Score]:
        """The night is chosen by ``filter_queryset``."""
        return queryset


class ScoreViewSet(ListedViewSet):
    """Results of the accounts the caller may see: every account has a row each night, a grade or a reason. A row stands
    until a night finds another result; its `id` is then the same for several nights."""

    serializer_class = ScoreSerializer
    filterset_class = ScoreFilter
    ordering_fields = {"id": "pk", "composite": "composite", "evidence": "evidence", "account": "account_id"}
    queryset = Score.objects.none()

    def get_queryset(self) -> QuerySet[Score]:
        rows = Score.objects.filter(account__in=Account.objects.visible_to(self.request.user))
        return rows.select_related("run__model", "account").order_by("account")


class GradePeriodSerializer(serializers.ModelSerializer):
    account_code = serializers.CharField(source="account.code", read_only=True)

    class Meta:
        model = GradePeriod
        fields = (
            "id",
            "account",
            "account_code",
            "grade",
            "underlying",
            "valid_from",
            "valid_to",
            "run",
            "recorded_at",
        )
        read_only_fields = fields


class GradePeriodFilter(FilterSet):
    account = VisibleAccountFilter()
    grade = django_filters.MultipleChoiceFilter(choices=Grade.choices)
    on = django_filters.DateFilter(method="held_on", help_text="Grades as they were on this day.")

    class Meta:
        model = GradePeriod
        fields = {
            "valid_from": ["exact", "gte", "lte"],
            "valid_to": ["exact", "gte", "lte", "isnull"],
            "run": ["exact"],
        }

    def held_on(self, queryset: QuerySet[GradePeriod], name: str, value: Any) -> QuerySet[GradePeriod]:
        return queryset.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=value), valid_from__lte=value)


class GradePeriodViewSet(ListedViewSet):
    """What an account was from a day on, until a day (exclusive; null: still)."""

    serializer_class = GradePeriodSerializer
    filterset_class = GradePeriodFilter
    ordering_fields = {"id": "pk", "valid_from": "valid_from", "account": "account_id"}
    queryset = GradePeriod.objects.none()

    def get_queryset(self) -> QuerySet[GradePeriod]:
        mine = Account.objects.visible_to(self.request.user)
        return GradePeriod.objects.filter(account__in=mine).select_related("account")


class ReplacedPeriodSerializer(serializers.ModelSerializer):
    class Meta:
        model = ReplacedPeriod
        fields = (
            *("id", "account", "grade", "underlying", "valid_from", "valid_to", "run", "recorded_at", "replaced_at"),
        )
        read_only_fields = fields


class ReplacedPeriodFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = ReplacedPeriod
        fields = {"replaced_at": ["gte", "lt"], "valid_from": ["lte", "gte"]}


class ReplacedPeriodViewSet(ListedViewSet):
    """Rows of the grade history as they were before a night that was done again corrected them."""

    serializer_class = ReplacedPeriodSerializer
    filterset_class = ReplacedPeriodFilter
    ordering_fields = {"id": "pk", "replaced_at": "replaced_at"}
    queryset = ReplacedPeriod.objects.none()

    def get_queryset(self) -> QuerySet[ReplacedPeriod]:
        return ReplacedPeriod.objects.filter(account__in=Account.objects.visible_to(self.request.user))


def _known(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value
