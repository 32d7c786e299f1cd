"""The trail of changes on the wire; it is only read."""

from typing import Any, cast

import django_filters
from django.apps import apps
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from crm.api.filters import VisibleAccountFilter
from crm.api.paging import LARGEST_KEY
from crm.api.views import ListedViewSet
from crm.models import TrailAction, TrailEntry
from crm.trail import registry
from crm.trail.words import Told, tell

ACTIONS = tuple(one.name.lower() for one in TrailAction)


class FieldChangeSerializer(serializers.Serializer):
    """One field in words of the caller's language. Values the caller may not see elsewhere are null, and `is_hidden` says so."""

    field = serializers.CharField(source="name")
    label = serializers.CharField()  # type: ignore[assignment]
    before = serializers.SerializerMethodField()
    after = serializers.SerializerMethodField()
    is_hidden = serializers.BooleanField()

    @extend_schema_field({"type": ["string", "null"]})
    def get_before(self, change: Any) -> str | None:
        return None if change.is_hidden else change.before

    @extend_schema_field({"type": ["string", "null"]})
    def get_after(self, change: Any) -> str | None:
        return None if change.is_hidden else change.after


class TrailEntrySerializer(serializers.Serializer):
    """One change of one record. `actor` is null where no user acted: `via` then names the command, the task or the database."""

    id = serializers.IntegerField(source="entry.pk")
    at = serializers.DateTimeField(source="entry.at")
    actor = serializers.IntegerField(source="entry.actor_id", allow_null=True)
    actor_name = serializers.CharField(source="actor", allow_blank=True)
    via = serializers.CharField(source="entry.via")
    request_id = serializers.CharField(source="entry.request_id")
    model = serializers.SerializerMethodField(help_text="Such as accounts.contract; the table where the model is gone.")
    record = serializers.CharField(source="entry.row_key")
    record_name = serializers.CharField(source="record", allow_blank=True)
    account = serializers.IntegerField(source="entry.account_id", allow_null=True)
    action = serializers.SerializerMethodField()
    changes = FieldChangeSerializer(many=True)

    @extend_schema_field({"type": "string"})
    def get_model(self, told: Told) -> str:
        model = registry.model_of(told.entry.table_name)
        return model._meta.label_lower if model else told.entry.table_name  # noqa: SLF001

    @extend_schema_field({"type": "string", "enum": list(ACTIONS)})
    def get_action(self, told: Told) -> str:
        return TrailAction(told.entry.action).name.lower()


@extend_schema_field({"type": "string"})
class ModelFilter(django_filters.ChoiceFilter):
    """By the name of the model, such as accounts.contract."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=_models, **kwargs)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return qs.filter(table_name=apps.get_model(value)._meta.db_table) if value else qs  # noqa: SLF001


def _models() -> list[tuple[str, str]]:
    return [(model._meta.label_lower, model._meta.label_lower) for model in registry.watched_models()]  # noqa: SLF001


@extend_schema_field({"type": "string", "enum": list(ACTIONS)})
class ActionFilter(django_filters.ChoiceFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, choices=[(name, name) for name in ACTIONS], **kwargs)

    def filter(self, qs: QuerySet, value: str) -> QuerySet:
        return qs.filter(action=TrailAction[value.upper()]) if value else qs


class TrailFilter(FilterSet):
    account = VisibleAccountFilter(field_name="account_id", method="of_accounts")
    actor = django_filters.NumberFilter(field_name="actor_id", min_value=1, max_value=LARGEST_KEY)
    model = ModelFilter()
    record = django_filters.CharFilter(field_name="row_key")
    action = ActionFilter()

    class Meta:
        model = TrailEntry
        fields = {"at": ["gte", "lte"], "request_id": ["exact"]}

    def of_accounts(self, rows: QuerySet, _name: str, accounts: Any) -> QuerySet:
        return rows.filter(account_id__in=[one.pk for one in accounts]) if accounts else rows


class TrailViewSet(ListedViewSet):
    """Every change of business data: who, when, from what to what, in which request. With the right to the whole trail all
    of it; else what belongs to accounts the caller may see."""

    serializer_class = TrailEntrySerializer
    filterset_class = TrailFilter
    ordering_fields = {"id": "pk", "at": "at"}
    queryset = TrailEntry.objects.none()

    def get_queryset(self) -> QuerySet[TrailEntry]:
        return TrailEntry.objects.visible_to(self.request.user)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(
            self.get_serializer(tell(page or [], cast(User, request.user)), many=True).data
        )

    @extend_schema(responses=TrailEntrySerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(tell([self.get_object()], cast(User, request.user))[0]).data)
