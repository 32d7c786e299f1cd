"""What customers owe: invoices to be paid, and the payments of each."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.imports.lists import ListResult
from accounts.imports.receivables import post_receivables
from accounts.models import Account, Receivable, ReceivablePayment
from crm.api.accounts import STAMPS
from crm.api.fields import StrictKeyField, VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.lists import ListedCreateViewSet, ListRowSerializer, takes_lists
from crm.api.serializers import RuledSerializer
from crm.api.views import EditableViewSet
from crm.lib.money import money_text
from crm.web.rights import ADD_RECEIVABLES


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


class ReceivableRowSerializer(ListRowSerializer):
    """One invoice, or one for each of its payments."""

    number = serializers.CharField(max_length=64)
    issued_on = serializers.DateField()
    due_on = serializers.DateField()
    amount = serializers.DecimalField(19, 4)
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    paid_on = serializers.DateField(required=False, allow_null=True)
    paid_amount = serializers.DecimalField(19, 4, required=False, allow_null=True)
    source = serializers.CharField(required=False, allow_blank=True, max_length=60)


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


@extend_schema_view(create=takes_lists(name="Receivable", single=ReceivableSerializer, row=ReceivableRowSerializer))
class ReceivableViewSet(ListedCreateViewSet):
    """Invoices with the day they fall due."""

    serializer_class = ReceivableSerializer
    row_serializer = ReceivableRowSerializer
    filterset_class = ReceivableFilter
    search_fields = ("number",)
    ordering_fields = {"id": "pk", "due_on": "due_on", "issued_on": "issued_on", "amount": "amount"}
    queryset = Receivable.objects.none()

    def post_rows(self, request: Request, rows: Sequence[Mapping[str, Any]]) -> ListResult:
        if any(row.get("paid_amount") for row in rows) and not request.user.has_perms(ADD_RECEIVABLES):
            raise PermissionDenied(_("Your log-in may not add payments. An administrator can give you that right."))
        return post_receivables(rows=rows, accounts=Account.objects.visible_to(request.user))

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
