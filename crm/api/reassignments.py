"""What a leaver held, given to others in one transaction, over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account, User
from crm.api.accounts import STAMPS
from crm.api.fields import StrictKeyField, UserKeyField
from crm.api.filters import UserFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet
from plans.departures import preview, reassign, undo_reassignment
from plans.enums_team import MoveRule
from plans.models import Reassignment


class ReassignmentSerializer(serializers.ModelSerializer):
    """`counts` and `restored`: rows by kind that moved, and of them those that were given back."""

    counts = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    restored = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    regions = serializers.DictField(child=serializers.IntegerField(), read_only=True)

    class Meta:
        model = Reassignment
        fields = (
            *("id", "leaver", "rule", "successor", "regions", "on", "made_by", "counts", "undone_at", "undone_by"),
            *("restored", *STAMPS),
        )
        read_only_fields = fields


class NewReassignmentSerializer(StrictSerializer):
    """At the accounts the caller may see. `successor` takes over where the rule names nobody. `regions`: region → id of a
    user. `dry_run` answers what would move and leaves nothing behind."""

    leaver = StrictKeyField(queryset=User.objects.all())
    rule = serializers.ChoiceField(choices=MoveRule.choices, default=MoveRule.PERSON)
    successor = UserKeyField()
    regions = serializers.DictField(child=UserKeyField(), required=False)
    dry_run = serializers.BooleanField(required=False, default=False)


class PreviewSerializer(serializers.Serializer):
    counts = serializers.DictField(child=serializers.IntegerField())


class ReassignmentFilter(FilterSet):
    leaver = UserFilter()

    class Meta:
        model = Reassignment
        fields = {"undone_at": ["isnull"], "on": ["gte", "lte"]}


class ReassignmentViewSet(ReadableViewSet):
    """What leavers held and others were given; for those with the right to re-assign: their own, and all for those who see
    every account."""

    serializer_class = ReassignmentSerializer
    filterset_class = ReassignmentFilter
    ordering_fields = {"id": "pk", "on": "on"}
    queryset = Reassignment.objects.none()

    def get_queryset(self) -> QuerySet[Reassignment]:
        return Reassignment.objects.visible_to(self.request.user)

    @extend_schema(request=NewReassignmentSerializer, responses={201: ReassignmentSerializer, 200: PreviewSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewReassignmentSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        given = dict(form.validated_data)
        is_trial = given.pop("dry_run")
        given |= {
            "accounts": Account.objects.visible_to(request.user),
            "made_by": request.user,
            "on": timezone.localdate(),
        }
        if is_trial:
            return Response(PreviewSerializer({"counts": preview(**given).counts}).data)
        made = reassign(**given)
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="Give back what is still as it was left; `restored` says how much.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def undo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.tagged(undo_reassignment(move=self.get_object(), by=request.user))
