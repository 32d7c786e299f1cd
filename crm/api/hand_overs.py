"""Hand-overs of seats over REST."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import TeamRole
from accounts.models import TeamMember
from crm.api.accounts import STAMPS
from crm.api.fields import UserKeyField, VisibleKeyField
from crm.api.filters import UserFilter, VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet
from crm.lib.wall import beyond_the_wall
from crm.web.rights import may_change_team
from plans import services_handover
from plans.models import HandOver
from plans.models_team import NOTE_LENGTH
from plans.open_items import open_items


class HandOverSerializer(serializers.ModelSerializer):
    """A seat that goes from `giver` to `taker` on a day, once both have signed. `items`: as they stood with the second
    signature, empty before."""

    items = serializers.SerializerMethodField()

    class Meta:
        model = HandOver
        fields = (
            *("id", "account", "role", "giver", "taker", "on", "note", "state", "made_by", "giver_signed_at"),
            *("taker_signed_at", "done_on", "items", *STAMPS),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
    def get_items(self, row: HandOver) -> list[dict[str, Any]]:
        return list(row.items)


class OpenItemSerializer(serializers.Serializer):
    kind = serializers.CharField()
    key = serializers.IntegerField()
    text = serializers.CharField()
    due_on = serializers.DateField(allow_null=True)
    person = serializers.CharField(allow_blank=True)


class OpenItemsSerializer(serializers.Serializer):
    items = OpenItemSerializer(many=True)


class NewHandOverSerializer(StrictSerializer):
    """From whoever holds the seat today; `on` is today or later."""

    account = VisibleKeyField()
    role = serializers.ChoiceField(choices=TeamRole.choices)
    taker = UserKeyField()
    on = serializers.DateField()
    note = serializers.CharField(max_length=NOTE_LENGTH, required=False, allow_blank=True)


class HandOverFilter(FilterSet):
    account = VisibleAccountFilter()
    giver, taker = UserFilter(), UserFilter()

    class Meta:
        model = HandOver
        fields = {"role": ["exact"], "state": ["exact"], "on": ["gte", "lte"]}


class HandOverViewSet(ReadableViewSet):
    """Hand-overs of the accounts the caller may see, and those that wait for the caller to take over."""

    serializer_class = HandOverSerializer
    filterset_class = HandOverFilter
    ordering_fields = {"id": "pk", "on": "on", "account": "account_id"}
    queryset = HandOver.objects.none()

    def get_queryset(self) -> QuerySet[HandOver]:
        return HandOver.objects.visible_to(self.request.user).select_related("giver", "taker")

    @extend_schema(request=NewHandOverSerializer, responses={201: HandOverSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewHandOverSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        given, today = form.validated_data, timezone.localdate()
        seats = TeamMember.objects.filter(account=given["account"], role=given["role"], user=request.user)
        if not may_change_team(request.user) and not seats.holders().current(today).exists():
            raise PermissionDenied(_("The holder of the seat hands it over, or somebody who may change account teams."))
        made = services_handover.agree_hand_over(made_by=request.user, today=today, **given)
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="Sign as oneself; the second signature makes it hold.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def sign(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = services_handover.sign_hand_over(
            hand_over=self.get_object(), by=request.user, at=timezone.now(), for_leaver=may_change_team(request.user)
        )
        return self.tagged(row)

    @extend_schema(description="Call it off before its day.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def cancel(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        if not may_change_team(request.user) and request.user.pk not in {row.giver_id, row.taker_id}:
            raise PermissionDenied(
                _("Those whom it is about call a hand-over off, or somebody who may change account teams.")
            )
        return self.tagged(services_handover.cancel_hand_over(hand_over=row))

    @extend_schema(description="What is open at the account now.", responses=OpenItemsSerializer, filters=False)
    @action(detail=True, url_path="open-items", url_name="open_items")
    def open_items(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with beyond_the_wall("whoever is to take a seat reads what is open at the account before they may open it"):
            account = self.get_object().account
        found = open_items(account, today=timezone.localdate())
        return Response(OpenItemsSerializer({"items": found}).data)
