"""Growth notes on the wire: why revenue changed, by whom, and what is to be done about it."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.answers import WindowSerializer
from crm.api.fields import VisibleKeyField
from crm.api.filters import UserFilter, VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.queries import PeriodField
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet
from crm.lib.exceptions import PeriodError
from crm.lib.periods import Period, check_comparable
from metrics.enums import GrowthFactor, GrowthStrategy
from metrics.models import GrowthNote
from metrics.models_notes import NOTE_LENGTH
from metrics.services.growth_notes import add_note, may_note_portfolio, withdraw_note


class NotePeriodField(WindowSerializer):
    def to_representation(self, instance: Period) -> dict[str, Any]:
        return {"label": instance.label, "first_day": str(instance.start), "last_day": str(instance.last_day)}


class GrowthNoteSerializer(serializers.ModelSerializer):
    base = NotePeriodField(read_only=True)
    comparison = NotePeriodField(read_only=True)
    author_name = serializers.CharField(source="author.display_name", read_only=True)

    class Meta:
        model = GrowthNote
        fields = (
            "id", "account", "base", "comparison", "factor", "strategy", "text", "author", "author_name", "created_at",
            "withdrawn_by", "withdrawn_at",
        )  # fmt: skip
        read_only_fields = fields


class NewGrowthNoteSerializer(StrictSerializer):
    """Without an account the note is about all of them, which takes the right to see every account."""

    account = VisibleKeyField(required=False, allow_null=True)
    base = PeriodField()
    comparison = PeriodField()
    factor = serializers.ChoiceField(choices=GrowthFactor.choices)
    strategy = serializers.ChoiceField(choices=GrowthStrategy.choices, required=False, allow_blank=True)
    text = serializers.CharField(max_length=NOTE_LENGTH)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_comparable(attrs["base"], attrs["comparison"])
        except PeriodError as error:
            raise serializers.ValidationError({"base": [str(error)]}) from error
        if attrs.get("account") is None and not may_note_portfolio(self.context["request"].user):
            raise serializers.ValidationError({"account": [_("Choose an account: you do not see all of them.")]})
        return attrs


class GrowthNoteFilter(FilterSet):
    account = VisibleAccountFilter()
    author = UserFilter()
    withdrawn = django_filters.BooleanFilter(
        field_name="withdrawn_at", lookup_expr="isnull", exclude=True, help_text="Default: all."
    )

    class Meta:
        model = GrowthNote
        fields = {
            "factor": ["exact"],
            "strategy": ["exact"],
            "comparison_start_on": ["gte", "lte"],
            "comparison_last_on": ["gte", "lte"],
        }


class GrowthNoteViewSet(ReadableViewSet):
    """What people put growth or decline down to: one of five factors, and one of four strategies where they propose one.
    Notes on an account are seen by whoever sees it, notes on all accounts by whoever sees all. Withdrawn ones stay."""

    serializer_class = GrowthNoteSerializer
    filterset_class = GrowthNoteFilter
    search_fields = ("text",)
    ordering_fields = {"id": "pk", "created_at": "created_at", "comparison_start_on": "comparison_start_on"}
    queryset = GrowthNote.objects.none()

    def get_queryset(self) -> QuerySet[GrowthNote]:
        return GrowthNote.objects.visible_to(self.request.user).select_related("author")

    @extend_schema(request=NewGrowthNoteSerializer, responses={201: GrowthNoteSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewGrowthNoteSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        found = add_note(author=request.user, **({"account": None} | form.validated_data))
        return self.tagged(found, code=status.HTTP_201_CREATED, Location=self.location_of(found))

    @extend_schema(description="Take the note back.", request=None, responses=GrowthNoteSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.tagged(withdraw_note(note=self.get_object(), user=request.user))
