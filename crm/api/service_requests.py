"""What customers ask for, and the steps by which it is solved; each step is written down with who took it."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.accounts import STAMPS
from crm.api.etag import TaggedUpdateMixin
from crm.api.fields import UserKeyField, VisibleContactField, VisibleKeyField
from crm.api.filters import UserFilter, VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import ListedViewSet
from service import services
from service.enums import RequestKind, RequestState, Severity
from service.models import LINE_LENGTH, TEXT_LENGTH, RequestStep, ServiceRequest


class RequestStepSerializer(serializers.ModelSerializer):
    by_name = serializers.CharField(source="by.display_name", read_only=True)

    class Meta:
        model = RequestStep
        fields = ("kind", "at", "by", "by_name", "text")
        read_only_fields = fields


class ServiceRequestSerializer(RuledSerializer):
    """The times come from the steps alone. `state` follows from them; `is_severe`: a complaint or dispute of severity 1."""

    contact = VisibleContactField(required=False, allow_null=True)
    assigned_to = UserKeyField(required=False, allow_null=True)
    assigned_to_name = serializers.CharField(
        source="assigned_to.display_name", read_only=True, default=None, allow_null=True
    )
    number = serializers.CharField(read_only=True)
    state = serializers.ChoiceField(choices=RequestState.choices, read_only=True)
    is_severe = serializers.BooleanField(read_only=True)
    steps = RequestStepSerializer(many=True, read_only=True)

    class Meta:
        model = ServiceRequest
        fields = (
            *("id", "account", "number", "subject", "text", "kind", "severity", "state", "is_severe", "opened_at"),
            *("first_response_at", "escalated_at", "resolved_at", "resolution", "contact", "assigned_to"),
            *("assigned_to_name", "opened_by", "steps", *STAMPS),
        )
        read_only_fields = (
            *("account", "opened_at", "first_response_at", "escalated_at", "resolved_at", "resolution", "opened_by"),
            *STAMPS,
        )

    def update(self, instance: ServiceRequest, validated_data: dict[str, Any]) -> ServiceRequest:
        user = self.context["request"].user
        return services.change_request(request=instance, by=user, at=timezone.now(), **validated_data)


class NewServiceRequestSerializer(StrictSerializer):
    """`opened_at`: when it came in, now unless given."""

    account = VisibleKeyField()
    kind = serializers.ChoiceField(choices=RequestKind.choices)
    severity = serializers.ChoiceField(choices=Severity.choices, required=False)
    subject = serializers.CharField(max_length=LINE_LENGTH)
    text = serializers.CharField(max_length=TEXT_LENGTH, required=False, allow_blank=True)
    contact = VisibleContactField(required=False, allow_null=True)
    assigned_to = UserKeyField(required=False, allow_null=True)
    opened_at = serializers.DateTimeField(required=False)


class StepSerializer(StrictSerializer):
    """`at`: when it happened, now unless given; never later than now."""

    text = serializers.CharField(max_length=TEXT_LENGTH, required=False, allow_blank=True)
    at = serializers.DateTimeField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        now = timezone.now()
        if attrs.setdefault("at", now) > now:
            raise serializers.ValidationError({"at": [_("It lies in the future.")]})
        return attrs


class ReasonedStepSerializer(StepSerializer):
    text = serializers.CharField(max_length=TEXT_LENGTH)


class EscalationSerializer(ReasonedStepSerializer):
    """`assigned_to`: who takes it over."""

    assigned_to = UserKeyField(required=False, allow_null=True)


class ServiceRequestFilter(FilterSet):
    account = VisibleAccountFilter()
    assigned_to = UserFilter()
    number = django_filters.CharFilter()
    state = django_filters.ChoiceFilter(choices=RequestState.choices, method="in_state")
    is_open = django_filters.BooleanFilter(field_name="resolved_at", lookup_expr="isnull")

    class Meta:
        model = ServiceRequest
        fields = {
            "kind": ["exact", "in"],
            "severity": ["exact", "lte"],
            "opened_at": ["gte", "lte"],
            "first_response_at": ["gte", "lte", "isnull"],
            "escalated_at": ["gte", "lte", "isnull"],
            "resolved_at": ["gte", "lte"],
        }

    def in_state(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.in_state(value) if value else queryset


class ServiceRequestViewSet(TaggedUpdateMixin, ListedViewSet):
    """Questions, complaints, disputes, and calls for support, experts or resources. Seeing the account is enough to open
    one and to take its steps; nothing is removed."""

    serializer_class = ServiceRequestSerializer
    filterset_class = ServiceRequestFilter
    search_fields = ("number", "subject", "text")
    ordering_fields = {"id": "pk", "opened_at": "opened_at", "severity": "severity", "resolved_at": "resolved_at"}
    queryset = ServiceRequest.objects.none()

    def get_queryset(self) -> QuerySet[ServiceRequest]:
        rows = ServiceRequest.objects.visible_to(self.request.user)
        return rows.select_related("assigned_to").prefetch_related("steps__by")

    @extend_schema(request=NewServiceRequestSerializer, responses={201: ServiceRequestSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewServiceRequestSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        made = services.open_request(opened_by=request.user, now=timezone.now(), **form.validated_data)
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="The first response to the customer.", request=StepSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def respond(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, given = self.get_object(), self._given(StepSerializer)
        return self.tagged(services.respond(request=found, by=request.user, **given))

    @extend_schema(description="Bring it before a director.", request=EscalationSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def escalate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, given = self.get_object(), self._given(EscalationSerializer)
        return self.tagged(services.escalate(request=found, by=request.user, **given))

    @extend_schema(
        description="Close it; `text` says what solved it. Without a response before, this is the first one too.",
        request=ReasonedStepSerializer,
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def resolve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, given = self.get_object(), self._given(ReasonedStepSerializer)
        return self.tagged(services.resolve(request=found, by=request.user, resolution=given["text"], at=given["at"]))

    @extend_schema(description="It was not solved after all: open again, with its age.", request=ReasonedStepSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def reopen(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, given = self.get_object(), self._given(ReasonedStepSerializer)
        return self.tagged(services.reopen(request=found, by=request.user, **given))

    def _given(self, form: type[StepSerializer]) -> dict[str, Any]:
        serializer = form(data=self.request.data, context=self.get_serializer_context())
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
