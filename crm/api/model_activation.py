"""How a version comes into force over REST: proposed by one person, approved or refused by another."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.idempotency import idempotent
from crm.api.overrides import ClosingSerializer
from crm.api.queries import DayField
from crm.api.serializers import StrictSerializer
from crm.web.rights import may_activate
from tiering.models import Activation
from tiering.models_overrides import TEXT_LENGTH
from tiering.services_activation import approve_activation, close_activation, open_activation, propose_activation


class ActivationSerializer(serializers.ModelSerializer):
    """In force from `effective_on` until before `ended_on`, by the day the data of a night go up to. Without
    `proposed_by` it was activated at once, by the operator or the first night."""

    proposed_by = serializers.CharField(source="proposed_by.username", read_only=True, default=None, allow_null=True)
    decided_by = serializers.CharField(source="decided_by.username", read_only=True, default=None, allow_null=True)

    class Meta:
        model = Activation
        fields = (
            *("id", "state", "effective_on", "ended_on", "text", "proposed_by", "proposed_at"),
            *("decided_by", "decided_at", "closing_text"),
        )
        read_only_fields = fields


class ProposalSerializer(StrictSerializer):
    effective_on = DayField(help_text="The first night, by the day its data go up to, that grades with the version.")
    text = serializers.CharField(max_length=TEXT_LENGTH)


class ActivationActions:
    """The decisions on one version, for its viewset; each answers with the version."""

    @extend_schema(
        description="Propose a draft; from then on it cannot be edited until it is decided.", request=ProposalSerializer
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def propose(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = ProposalSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        model = self.get_object()
        propose_activation(model=model, proposed_by=request.user, today=timezone.localdate(), **form.validated_data)
        return self.tagged(self.get_object())

    @extend_schema(
        description="Approve a proposal of somebody else; the night of its day grades with the version.", request=None
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        approve_activation(activation=open_activation(self.get_object()), approved_by=request.user)
        return self.tagged(self.get_object())

    @extend_schema(
        description="Refuse a proposal, stop an approved one, or take back one's own.", request=ClosingSerializer
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def refuse(self: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = ClosingSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        activation = open_activation(self.get_object())
        if activation.proposed_by_id != request.user.pk and not may_activate(request.user):
            raise PermissionDenied
        close_activation(activation=activation, by=request.user, text=form.validated_data["text"])
        return self.tagged(self.get_object())
