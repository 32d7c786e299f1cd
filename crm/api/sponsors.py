"""Who from our top stands by an account, and the discounts it was granted."""

from datetime import date
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.accounts import STAMPS
from crm.api.fields import UserKeyField, VisibleKeyField
from crm.api.filters import UserFilter, VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet
from service import services
from service.enums import SponsorKind
from service.models import REFERENCE_LENGTH, TEXT_LENGTH, Discount, Sponsor


class SponsorSerializer(serializers.ModelSerializer):
    """Half-open: `valid_to` is the first day without; null: still."""

    user_name = serializers.CharField(source="user.display_name", read_only=True)

    class Meta:
        model = Sponsor
        fields = ("id", "account", "user", "user_name", "kind", "is_exclusive", "valid_from", "valid_to", *STAMPS)
        read_only_fields = fields


class NewSponsorSerializer(StrictSerializer):
    """`valid_from` is today unless given. Nobody sponsors more than ten accounts at a time, or the account they manage."""

    account = VisibleKeyField()
    user = UserKeyField()
    kind = serializers.ChoiceField(choices=SponsorKind.choices)
    is_exclusive = serializers.BooleanField(required=False, default=False)
    valid_from = serializers.DateField(required=False)
    valid_to = serializers.DateField(required=False, allow_null=True)


class SponsorEndSerializer(StrictSerializer):
    on = serializers.DateField(required=False, help_text="First day without; today unless given.")


class SponsorFilter(FilterSet):
    account = VisibleAccountFilter()
    user = UserFilter()
    on = django_filters.DateFilter(method="held_on", help_text="Those who are sponsors on that day.")

    class Meta:
        model = Sponsor
        fields = {
            "kind": ["exact"],
            "is_exclusive": ["exact"],
            "valid_from": ["exact", "gte", "lte"],
            "valid_to": ["exact", "gte", "lte", "isnull"],
        }

    def held_on(self, queryset: QuerySet, name: str, value: date) -> QuerySet:
        return queryset.current(value)


class SponsorViewSet(ReadableViewSet):
    """Executive sponsors and senior partners of accounts, from a day on, until a day."""

    serializer_class = SponsorSerializer
    filterset_class = SponsorFilter
    ordering_fields = {"id": "pk", "account": "account_id", "valid_from": "valid_from", "valid_to": "valid_to"}
    queryset = Sponsor.objects.none()

    def get_queryset(self) -> QuerySet[Sponsor]:
        return Sponsor.objects.visible_to(self.request.user).select_related("user")

    @extend_schema(request=NewSponsorSerializer, responses={201: SponsorSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewSponsorSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        made = services.name_sponsor(**{"valid_from": timezone.localdate(), **form.validated_data})
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="End a sponsorship; it lasts a day at least.", request=SponsorEndSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, form = self.get_object(), SponsorEndSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        on = form.validated_data.get("on", timezone.localdate())
        return self.tagged(services.end_sponsor(sponsor=found, on=on))


class DiscountSerializer(serializers.ModelSerializer):
    """`percent` off the list price: 12.50 is 12.5 %."""

    granted_by_name = serializers.CharField(source="granted_by.display_name", read_only=True)
    approved_by_name = serializers.CharField(
        source="approved_by.display_name", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Discount
        fields = (
            *("id", "account", "granted_on", "percent", "granted_by", "granted_by_name", "approved_by"),
            *("approved_by_name", "reference", "reason", *STAMPS),
        )
        read_only_fields = fields


class NewDiscountSerializer(StrictSerializer):
    """In the caller's own name; `granted_on` is today unless given."""

    account = VisibleKeyField()
    percent = serializers.DecimalField(max_digits=5, decimal_places=2, min_value=0, max_value=100)
    granted_on = serializers.DateField(required=False)
    reference = serializers.CharField(max_length=REFERENCE_LENGTH, required=False, allow_blank=True)
    reason = serializers.CharField(max_length=TEXT_LENGTH)


class DiscountFilter(FilterSet):
    account = VisibleAccountFilter()
    granted_by = UserFilter()
    is_approved = django_filters.BooleanFilter(field_name="approved_by", lookup_expr="isnull", exclude=True)

    class Meta:
        model = Discount
        fields = {"granted_on": ["exact", "gte", "lte"], "percent": ["gte", "lte"], "reference": ["exact"]}


class DiscountViewSet(ReadableViewSet):
    """Discounts off the list price; what goes beyond the own authority is approved by somebody else."""

    serializer_class = DiscountSerializer
    filterset_class = DiscountFilter
    search_fields = ("reference", "reason")
    ordering_fields = {"id": "pk", "granted_on": "granted_on", "percent": "percent"}
    queryset = Discount.objects.none()

    def get_queryset(self) -> QuerySet[Discount]:
        return Discount.objects.visible_to(self.request.user).select_related("granted_by", "approved_by")

    @extend_schema(request=NewDiscountSerializer, responses={201: DiscountSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewDiscountSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        today = timezone.localdate()
        fields = {"granted_on": today, **form.validated_data}
        made = services.grant_discount(granted_by=request.user, today=today, **fields)
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="Somebody else than who granted it allows it.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.tagged(services.approve_discount(discount=self.get_object(), by=request.user))
