"""What was spent on winning and keeping customers: one by one, or up to 1,000 at once."""

import copy
from typing import Any

from django.core.exceptions import ValidationError as ModelError
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account, MarketEffort
from crm.api.accounts import STAMPS
from crm.api.errors import PayloadTooLarge
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import EditableViewSet

MAX_ROWS = 1_000


@extend_schema_field(serializers.IntegerField())
class KnownKeyField(VisibleKeyField):
    """An account the caller may see; out of those of the request where it brings many rows, so that none asks again."""

    def to_internal_value(self, data: Any) -> Model:
        known = self.context.get("accounts")
        if known is not None and isinstance(data, int) and not isinstance(data, bool):
            if data not in known:
                self.fail("does_not_exist", pk_value=data)
            return known[data]
        return super().to_internal_value(data)


class EffortSerializer(StrictSerializer, serializers.ModelSerializer):
    """The rules of a row are the model's own, checked without asking the database: a request may bring many rows."""

    account = KnownKeyField(
        required=False,
        allow_null=True,
        help_text="Null: for no account in particular; only callers who see every account may say so.",
    )

    class Meta:
        model = MarketEffort
        fields = (
            "id",
            "month",
            "purpose",
            "category",
            "amount",
            "currency",
            "hours",
            "account",
            "source",
            "note",
            *STAMPS,
        )
        read_only_fields = STAMPS

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        candidate = copy.copy(self.instance) if isinstance(self.instance, MarketEffort) else MarketEffort()
        for name, value in attrs.items():
            setattr(candidate, name, value)
        if candidate.account_id is None and not self._sees_everything():
            raise serializers.ValidationError(
                {"account": [_("Name the account. What is spent on none is for those who see every account.")]}
            )
        try:
            candidate.clean_fields(exclude={"account"})
            candidate.clean()
        except ModelError as error:
            raise serializers.ValidationError(get_error_detail(error)) from error
        return attrs

    def _sees_everything(self) -> bool:
        return Account.objects.visible_to(self.context["request"].user).is_everything


class PostedEffortsSerializer(serializers.Serializer):
    """What became of the rows of one request; all of them, or none."""

    posted = serializers.IntegerField()
    ids = serializers.ListField(child=serializers.IntegerField(), help_text="In the order of the rows.")


class EffortFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = MarketEffort
        fields = {
            "month": ["exact", "gte", "lte", "lt"],
            "purpose": ["exact"],
            "category": ["exact"],
            "currency": ["exact"],
            "source": ["exact"],
        }


@extend_schema_view(
    create=extend_schema(
        description="One effort as an object, or up to 1,000 as an array: all of them are kept, or none.",
        request=PolymorphicProxySerializer(
            component_name="EffortRows",
            serializers=[EffortSerializer, EffortSerializer(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={
            201: PolymorphicProxySerializer(
                component_name="PostedEffort",
                serializers=[EffortSerializer, PostedEffortsSerializer],
                resource_type_field_name=None,
                many=False,
            ),
        },
    )
)
class EffortViewSet(EditableViewSet):
    """Money and hours by month for winning or keeping customers. Those for no account in particular are seen by who sees
    every account."""

    serializer_class = EffortSerializer
    filterset_class = EffortFilter
    search_fields = ("category", "source", "note")
    ordering_fields = {"id": "pk", "month": "month", "amount": "amount", "hours": "hours", "category": "category"}
    queryset = MarketEffort.objects.none()

    def get_queryset(self) -> QuerySet[MarketEffort]:
        return MarketEffort.objects.visible_to(self.request.user)

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if isinstance(request.data, list):
            return self._create_many(request)
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            effort = serializer.save()
        return self.tagged(effort, code=status.HTTP_201_CREATED, Location=self.location_of(effort))

    def _create_many(self, request: Request) -> Response:
        """Two statements however many rows there are."""
        rows = request.data
        if len(rows) > MAX_ROWS:
            raise PayloadTooLarge(
                _("At most 1,000 rows are taken at once; send them in several requests or as a file.")
            )
        if not rows:
            raise ValidationError([_("There is no row in the array.")])
        keys = {row.get("account") for row in rows if isinstance(row, dict)}
        wanted = {key for key in keys if isinstance(key, int) and not isinstance(key, bool) and 0 < key < 2**63}
        context = self.get_serializer_context()
        context["accounts"] = Account.objects.visible_to(request.user).in_bulk(wanted)
        serializer = EffortSerializer(data=rows, many=True, context=context)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            kept = MarketEffort.objects.bulk_create([MarketEffort(**row) for row in serializer.validated_data])
        answer = {"posted": len(kept), "ids": [effort.pk for effort in kept]}
        return Response(PostedEffortsSerializer(answer).data, status=status.HTTP_201_CREATED)
