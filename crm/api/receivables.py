"""What customers owe: invoices to be paid, and the payments of each."""

from decimal import Decimal

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import Account, Receivable, ReceivablePayment
from crm.api.accounts import STAMPS
from crm.api.fields import StrictKeyField, VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.serializers import RuledSerializer
from crm.api.views import EditableViewSet
from crm.lib.money import money_text


class ReceivableSerializer(RuledSerializer):
    """`paid`: the sum of its payments, whatever their day."""

    account = VisibleKeyField()
    paid = serializers.SerializerMethodField()

    class Meta:
        model = Receivable
        fields = ("id", "account", "number", "issued_on", "due_on", "amount", "currency", "source", "paid", *STAMPS)
        read_only_fields = STAMPS

    @extend_schema_field({"type": "string", "format": "decimal"})
    def get_paid(self, receivable: Receivable) -> str:
        return money_text(getattr(receivable, "paid", None) or Decimal(0))


class ReceivableFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = Receivable
        fields = {
            "number": ["exact"],
            "currency": ["exact"],
            "issued_on": ["exact", "gte", "lte"],
            "due_on": ["exact", "gte", "lte"],
        }


class ReceivableViewSet(EditableViewSet):
    """Invoices with the day they fall due."""

    serializer_class = ReceivableSerializer
    filterset_class = ReceivableFilter
    search_fields = ("number",)
    ordering_fields = {"id": "pk", "due_on": "due_on", "issued_on": "issued_on", "amount": "amount"}
    queryset = Receivable.objects.none()

    def get_queryset(self) -> QuerySet[Receivable]:
        mine = Account.objects.visible_to(self.request.user)
        payments = ReceivablePayment.objects.filter(receivable=OuterRef("pk")).order_by().values("receivable")
        paid = Subquery(payments.annotate(paid=Sum("amount")).values("paid"))
        return Receivable.objects.filter(account__in=mine).annotate(paid=paid).order_by("-due_on", "-pk")


class VisibleReceivableField(StrictKeyField):
    """An invoice of an account the caller may see; another one is not there."""

    def get_queryset(self) -> QuerySet[Receivable]:
        return Receivable.objects.filter(account__in=Account.objects.visible_to(self.context["request"].user))


class PaymentSerializer(RuledSerializer):
    """Money that came in for one invoice, in its currency; all of them together do not exceed it."""

    receivable = VisibleReceivableField()

    class Meta:
        model = ReceivablePayment
        fields = ("id", "receivable", "paid_on", "amount", *STAMPS)
        read_only_fields = STAMPS

    def validate(self, attrs: dict) -> dict:
        attrs = super().validate(attrs)
        receivable = attrs.get("receivable") or self.instance.receivable
        amount = attrs.get("amount", getattr(self.instance, "amount", Decimal(0)))
        others = receivable.payments.exclude(pk=self.instance.pk) if self.instance else receivable.payments
        paid = others.aggregate(paid=Sum("amount"))["paid"] or Decimal(0)
        if paid + amount > receivable.amount:
            open_amount = money_text(receivable.amount - paid)
            raise serializers.ValidationError(
                {"amount": [_("Only %(open)s of this invoice is open.") % {"open": open_amount}]}
            )
        return attrs


class PaymentFilter(FilterSet):
    class Meta:
        model = ReceivablePayment
        fields = {"receivable": ["exact"], "paid_on": ["exact", "gte", "lte"]}


class PaymentViewSet(EditableViewSet):
    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    ordering_fields = {"id": "pk", "paid_on": "paid_on", "amount": "amount"}
    queryset = ReceivablePayment.objects.none()

    def get_queryset(self) -> QuerySet[ReceivablePayment]:
        mine = Account.objects.visible_to(self.request.user)
        return ReceivablePayment.objects.filter(receivable__account__in=mine).select_related("receivable")
