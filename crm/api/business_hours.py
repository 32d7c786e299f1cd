"""Business hours by day of effect, and the days that are off or worked against the rule."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.idempotency import idempotent
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import EditableViewSet
from plans.models import BusinessDay, BusinessHours
from plans.services_hours import import_days


class BusinessHoursSerializer(RuledSerializer):
    """`working_days`: 1 is Monday, 7 is Sunday. `time_zone` empty: that of the installation."""

    working_days = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=7), min_length=1, max_length=7, required=False
    )

    class Meta:
        model = BusinessHours
        fields = (
            *("id", "valid_from", "opens_at", "closes_at", "working_days", "time_zone", "created_at", "updated_at"),
        )
        read_only_fields = ("id", "created_at", "updated_at")


class BusinessHoursFilter(FilterSet):
    class Meta:
        model = BusinessHours
        fields = {"valid_from": ["lte", "gte"]}


class BusinessHoursViewSet(EditableViewSet):
    """Hours that promises in business hours run by: each row from its day until the next one begins."""

    serializer_class = BusinessHoursSerializer
    filterset_class = BusinessHoursFilter
    ordering_fields = {"id": "pk", "valid_from": "valid_from"}
    queryset = BusinessHours.objects.none()

    def get_queryset(self) -> QuerySet[BusinessHours]:
        return BusinessHours.objects.all()


class BusinessDaySerializer(RuledSerializer):
    """One day that is off, or worked (`is_working`), whatever day of the week it is."""

    class Meta:
        model = BusinessDay
        fields = ("id", "day", "is_working", "name", "created_at", "updated_at")
        read_only_fields = ("id", "created_at", "updated_at")


class BusinessDayFilter(FilterSet):
    class Meta:
        model = BusinessDay
        fields = {"day": ["exact", "lte", "gte"], "is_working": ["exact"]}


class DayListSerializer(StrictSerializer):
    """One day or range a line: `2026-10-01..2026-10-07, off, National Day`, `2026年10月10日 班`."""

    days = serializers.CharField(max_length=100_000)


class TakenSerializer(serializers.Serializer):
    new = serializers.IntegerField()
    changed = serializers.IntegerField()
    there = serializers.IntegerField()


class BusinessDayViewSet(EditableViewSet):
    """Days off and make-up days."""

    serializer_class = BusinessDaySerializer
    filterset_class = BusinessDayFilter
    ordering_fields = {"id": "pk", "day": "day"}
    queryset = BusinessDay.objects.none()

    def get_queryset(self) -> QuerySet[BusinessDay]:
        return BusinessDay.objects.all()

    @extend_schema(
        description="Take in a list; the same list twice changes nothing, and a line that cannot be read refuses it whole.",
        request=DayListSerializer,
        responses=TakenSerializer,
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="import", url_name="import", pagination_class=None)
    @idempotent()
    def take_in(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = DayListSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return Response(TakenSerializer(import_days(form.validated_data["days"])).data)
