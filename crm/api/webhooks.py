"""Webhooks over REST: the same services as the pages."""

from __future__ import annotations

from typing import Any

from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.accounts import STAMPS
from crm.api.views import EditableViewSet, ReadableViewSet
from crm.models import SUBSCRIBED, WebhookDelivery, WebhookEndpoint
from crm.webhooks import services

EVENTS = [(event.value, event.label) for event in SUBSCRIBED]


class WebhookSerializer(serializers.ModelSerializer):
    """`secret` is answered once: where the webhook is made, and where it gets a new one."""

    events = serializers.ListField(child=serializers.ChoiceField(choices=EVENTS), allow_empty=False)
    secret = serializers.SerializerMethodField(help_text="Signs every message; empty but in the answers that make it.")

    class Meta:
        model = WebhookEndpoint
        fields = ("id", "name", "url", "events", "is_active", "stopped_because", "owner", "since", "secret", *STAMPS)
        read_only_fields = ("id", "stopped_because", "owner", "since", "secret", *STAMPS)

    def get_secret(self, endpoint: WebhookEndpoint) -> str:
        return str(self.context.get("secret", ""))


class WebhookFilter(FilterSet):
    class Meta:
        model = WebhookEndpoint
        fields = {"is_active": ["exact"], "owner": ["exact"]}


@extend_schema(tags=["webhooks"])
class WebhookViewSet(EditableViewSet):
    """Addresses that are told what happens, with the accounts their owner may see: whoever made them."""

    serializer_class = WebhookSerializer
    filterset_class = WebhookFilter
    ordering_fields = {"id": "pk", "name": "name"}
    queryset = WebhookEndpoint.objects.all()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Without the memory of an Idempotency-Key: it would keep the secret."""
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        given = serializer.validated_data
        endpoint, secret = services.create_webhook(
            name=given["name"], url=given["url"], events_told=given["events"], owner=request.user
        )
        place = {"Location": self.location_of(endpoint)}
        return Response(self._with_secret(endpoint, secret), status=status.HTTP_201_CREATED, headers=place)

    def perform_update(self, serializer: Any) -> None:
        stored: WebhookEndpoint = serializer.instance
        given = {name: getattr(stored, name) for name in ("name", "url", "is_active")} | {"events_told": stored.events}
        wanted = dict(serializer.validated_data)
        if "events" in wanted:
            wanted["events_told"] = wanted.pop("events")
        services.change_webhook(stored, **(given | wanted))

    @extend_schema(request=None, responses=WebhookSerializer, description="A new signing secret; the old one is void.")
    @action(detail=True, methods=["post"])
    def secret(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        endpoint = self.get_object()
        return Response(self._with_secret(endpoint, services.rotate_secret(endpoint)))

    def _with_secret(self, endpoint: WebhookEndpoint, secret: str) -> Any:
        return WebhookSerializer(endpoint, context={**self.get_serializer_context(), "secret": secret}).data

    @extend_schema(
        request=None, responses={202: None}, description="Send a trial message; look for it among the deliveries."
    )
    @action(detail=True, methods=["post"])
    def ping(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        services.send_ping(self.get_object())
        return Response(status=status.HTTP_202_ACCEPTED)


class WebhookDeliverySerializer(serializers.ModelSerializer):
    class Meta:
        model = WebhookDelivery
        fields = (
            "id", "endpoint", "message_id", "event", "subject_id", "part", "payload", "state", "attempts", "next_at",
            "status", "error", "created_at", "delivered_at",
        )  # fmt: skip
        read_only_fields = fields


class WebhookDeliveryFilter(FilterSet):
    class Meta:
        model = WebhookDelivery
        fields = {"endpoint": ["exact"], "event": ["exact"], "state": ["exact"]}


@extend_schema(tags=["webhooks"])
class WebhookDeliveryViewSet(ReadableViewSet):
    """Messages of the last 90 days and what became of them."""

    serializer_class = WebhookDeliverySerializer
    filterset_class = WebhookDeliveryFilter
    ordering_fields = {"id": "pk"}
    queryset = WebhookDelivery.objects.all()

    @extend_schema(request=None, responses=WebhookDeliverySerializer, description="Send it again, under the id it had.")
    @action(detail=True, methods=["post"])
    def again(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(WebhookDeliverySerializer(services.send_again(self.get_object())).data)
