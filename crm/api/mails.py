"""Mail into the log over REST: a raw message in, one's own mails that wait for an account, and what becomes of them."""

from typing import IO, Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.errors import PayloadTooLarge
from crm.api.fields import VisibleKeyField
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from service import mails
from service.enums import MailState
from service.models import IncomingMail


class RawMailParser(BaseParser):
    """A message as it came over the wire."""

    media_type = "message/rfc822"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> bytes:
        raw = stream.read(mails.largest() + 1)
        if len(raw) > mails.largest():
            raise PayloadTooLarge(mails.too_large_words())
        return raw


class MailSerializer(serializers.ModelSerializer):
    """`logged`, with the interactions it became, `waiting` for an account, or put `aside`. Words and addresses are kept
    while it waits."""

    state = serializers.ChoiceField(choices=MailState.choices, read_only=True)
    interactions = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = IncomingMail
        fields = (
            *("id", "message_id", "state", "subject", "sender", "recipients", "text", "sent_at", "received_at"),
            "interactions",
        )
        read_only_fields = fields


class ReceivedSerializer(serializers.Serializer):
    """`is_new`: it had not come before. `refused`: its files that were not taken, each with the reason."""

    mail = MailSerializer()
    is_new = serializers.BooleanField()
    refused = serializers.ListField(child=serializers.CharField())


class AssignSerializer(StrictSerializer):
    account = VisibleKeyField()


class MailFilter(FilterSet):
    class Meta:
        model = IncomingMail
        fields = {"state": ["exact"], "message_id": ["exact"], "received_at": ["gte", "lte"]}


class MailViewSet(ListedViewSet):
    """One's own mails, and nobody else's."""

    serializer_class = MailSerializer
    filterset_class = MailFilter
    search_fields = ("subject", "sender")
    ordering_fields = {"id": "pk", "received_at": "received_at"}
    queryset = IncomingMail.objects.none()

    def get_queryset(self) -> QuerySet[IncomingMail]:
        return IncomingMail.objects.filter(user=self.request.user).prefetch_related("interactions")

    def get_parsers(self) -> list[Any]:
        method = (getattr(self.request, "method", None) or "").lower()
        is_create = bool(self.action_map) and self.action_map.get(method) == "create"
        return [RawMailParser()] if is_create else super().get_parsers()

    @extend_schema(
        description="A mail as it is (RFC 5322): logged at the account of the contact who wrote it or to whom it was written,"
        " as far as the caller sees that; else it waits. 201, or 200 where it had come before.",
        request={"message/rfc822": OpenApiTypes.BINARY},
        responses={200: ReceivedSerializer, 201: ReceivedSerializer},
    )
    @idempotent(atomic=False)
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        done = mails.receive(raw=request.data, user=request.user, now=timezone.now())
        return self._told(done, status.HTTP_201_CREATED if done.is_new else status.HTTP_200_OK)

    @extend_schema(
        description="Log a mail that waits, at this account.", request=AssignSerializer, responses=ReceivedSerializer
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def assign(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        mail = self.get_object()
        form = AssignSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return self._told(mails.assign(mail=mail, account=form.validated_data["account"], now=timezone.now()))

    @extend_schema(description="It belongs in no log: its words and files go.", request=None, responses=MailSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def aside(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        mail = self.get_object()
        mails.put_aside(mail=mail)
        mail.refresh_from_db()
        return Response(self.get_serializer(mail).data)

    def _told(self, done: mails.Received, code: int = status.HTTP_200_OK) -> Response:
        return Response(ReceivedSerializer(done, context=self.get_serializer_context()).data, status=code)
