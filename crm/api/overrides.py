"""Grades set by hand and decisions on proposed problems: asked for by one person, decided by others."""

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import Grade
from accounts.models import Account
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from crm.web.rights import may_approve
from metrics.selectors import default_as_of
from tiering.enums import OverrideReason, ProblemVerdict
from tiering.models import Override, ProblemDecision
from tiering.models_overrides import TEXT_LENGTH
from tiering.selectors_overrides import overrides_in_view
from tiering.services_overrides import (
    approve_override,
    decide_problem,
    end_override,
    refuse_override,
    request_override,
)


class OverrideSerializer(serializers.ModelSerializer):
    """Half-open: `valid_to` is the first day it no longer holds. `approvals_missing`: approvers it still waits for."""

    requested_by = serializers.CharField(source="requested_by.username", read_only=True)
    approved_by = serializers.CharField(source="approved_by.username", read_only=True, default=None, allow_null=True)
    seconded_by = serializers.CharField(source="seconded_by.username", read_only=True, default=None, allow_null=True)
    closed_by = serializers.CharField(source="closed_by.username", read_only=True, default=None, allow_null=True)
    approvals_missing = serializers.IntegerField(read_only=True)

    class Meta:
        model = Override
        fields = (
            *("id", "account", "grade", "state", "reason", "text", "valid_from", "valid_to"),
            *("requested_by", "requested_at", "approved_by", "approved_at", "seconded_by", "seconded_at"),
            *("closed_by", "closed_at", "closing_text", "approvals_missing"),
        )
        read_only_fields = fields


class NewOverrideSerializer(StrictSerializer):
    """A request; with the reason `freeze` the grade is the one shown now."""

    account = VisibleKeyField()
    grade = serializers.ChoiceField(
        choices=[choice for choice in Grade.choices if choice[0] != Grade.NOT_GRADED], required=False, default=""
    )
    reason = serializers.ChoiceField(choices=OverrideReason.choices)
    text = serializers.CharField(max_length=TEXT_LENGTH)
    valid_from = serializers.DateField(required=False, help_text="Default: the day the data go up to.")
    valid_to = serializers.DateField(help_text="First day it no longer holds; 12 months at most.")


class ClosingSerializer(StrictSerializer):
    text = serializers.CharField(max_length=300)


class OverrideFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = Override
        fields = {"state": ["exact"], "grade": ["exact"], "valid_from": ["lte", "gte"], "valid_to": ["lte", "gt"]}


class OverrideViewSet(ListedViewSet):
    """Grades set by hand: requested, approved by somebody else (two people for Diamond), expiring by themselves."""

    serializer_class = OverrideSerializer
    filterset_class = OverrideFilter
    ordering_fields = {"id": "pk", "requested_at": "requested_at", "valid_to": "valid_to"}
    queryset = Override.objects.none()

    def get_queryset(self) -> QuerySet[Override]:
        return overrides_in_view(Account.objects.visible_to(self.request.user))

    @extend_schema(responses=OverrideSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=NewOverrideSerializer, responses={201: OverrideSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewOverrideSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        fields = {"valid_from": default_as_of(), **form.validated_data}
        made = request_override(requested_by=request.user, **fields)
        headers = {"Location": self.location_of(made)}
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(description="One approval, by somebody else than who asked.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        done = approve_override(override=self.get_object(), approved_by=request.user)
        return Response(self.get_serializer(done).data)

    @extend_schema(description="Turn a request down, or take back one's own.", request=ClosingSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        override = self.get_object()
        if override.requested_by_id != request.user.pk and not may_approve(request.user):
            raise PermissionDenied
        done = refuse_override(override=override, by=request.user, text=self._text(request))
        return Response(self.get_serializer(done).data)

    @extend_schema(description="End one in force before its last day.", request=ClosingSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        done = end_override(override=self.get_object(), by=request.user, text=self._text(request), on=default_as_of())
        return Response(self.get_serializer(done).data)

    @staticmethod
    def _text(request: Request) -> str:
        form = ClosingSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return str(form.validated_data["text"])


class ProblemDecisionSerializer(serializers.ModelSerializer):
    """`since`: first day of the run of warning signs the decision is about."""

    decided_by = serializers.CharField(source="decided_by.username", read_only=True)

    class Meta:
        model = ProblemDecision
        fields = ("id", "account", "since", "verdict", "text", "decided_by", "decided_at")
        read_only_fields = fields


class NewDecisionSerializer(StrictSerializer):
    """A word on the problem that the last night proposed; the next evaluation acts on it."""

    account = VisibleKeyField()
    verdict = serializers.ChoiceField(choices=ProblemVerdict.choices)
    text = serializers.CharField(max_length=TEXT_LENGTH)


class DecisionFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = ProblemDecision
        fields = {"verdict": ["exact"], "since": ["lte", "gte"]}


class ProblemDecisionViewSet(ListedViewSet):
    """What managers said of proposed problems of Diamond and Gold accounts."""

    serializer_class = ProblemDecisionSerializer
    filterset_class = DecisionFilter
    ordering_fields = {"id": "pk", "decided_at": "decided_at", "since": "since"}
    queryset = ProblemDecision.objects.none()

    def get_queryset(self) -> QuerySet[ProblemDecision]:
        mine = Account.objects.visible_to(self.request.user)
        return ProblemDecision.objects.filter(account__in=mine).select_related("decided_by")

    @extend_schema(request=NewDecisionSerializer, responses={201: ProblemDecisionSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewDecisionSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        made = decide_problem(decided_by=request.user, **form.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)
