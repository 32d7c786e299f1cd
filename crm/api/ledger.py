"""What accounts bought: products, contracts, exchange rates and the append-only revenue ledger."""

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from rest_framework import serializers

from accounts.enums import RecognitionMethod
from accounts.models import Account, Contract, ExchangeRate, Product
from crm.api.accounts import STAMPS
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.serializers import RuledSerializer
from crm.api.views import EditableViewSet


class ProductSerializer(RuledSerializer):
    class Meta:
        model = Product
        fields = ("id", "code", "name", "category", *STAMPS)
        read_only_fields = STAMPS


class ProductFilter(FilterSet):
    class Meta:
        model = Product
        fields = ["code", "category"]


class ProductViewSet(EditableViewSet):
    """What is sold; everybody who is logged in sees every product."""

    serializer_class = ProductSerializer
    filterset_class = ProductFilter
    search_fields = ("code", "name", "category")
    ordering_fields = {"id": "pk", "code": "code", "name": "name", "category": "category"}
    queryset = Product.objects.all()


class ContractSerializer(RuledSerializer):
    """`recognition` is milestones where the contract has some, else straight_line: how the stand-in for recognised revenue
    spreads it."""

    account = VisibleKeyField()
    recognition = serializers.ChoiceField(choices=RecognitionMethod.choices, read_only=True)

    class Meta:
        model = Contract
        fields = (
            "id",
            "account",
            "number",
            "title",
            "amount",
            "currency",
            "signed_on",
            "starts_on",
            "ends_on",
            "status",
            "cancelled_on",
            "recognition",
            *STAMPS,
        )
        read_only_fields = STAMPS


class ContractFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = Contract
        fields = {
            "number": ["exact"],
            "status": ["exact"],
            "currency": ["exact"],
            "signed_on": ["exact", "gte", "lte"],
            "starts_on": ["exact", "gte", "lte"],
            "ends_on": ["exact", "gte", "lte"],
            "cancelled_on": ["exact", "gte", "lte", "isnull"],
        }


class ContractViewSet(EditableViewSet):
    serializer_class = ContractSerializer
    filterset_class = ContractFilter
    search_fields = ("number", "title")
    ordering_fields = {
        "id": "pk",
        "number": "number",
        "amount": "amount",
        "starts_on": "starts_on",
        "ends_on": "ends_on",
    }
    queryset = Contract.objects.none()

    def get_queryset(self) -> QuerySet[Contract]:
        mine = Account.objects.visible_to(self.request.user)
        return Contract.objects.filter(account__in=mine).prefetch_related("milestones")


class RateSerializer(RuledSerializer):
    class Meta:
        model = ExchangeRate
        fields = ("id", "from_currency", "to_currency", "valid_on", "rate", "kind", "source", *STAMPS)
        read_only_fields = STAMPS


class RateFilter(FilterSet):
    class Meta:
        model = ExchangeRate
        fields = {
            "from_currency": ["exact"],
            "to_currency": ["exact"],
            "kind": ["exact"],
            "valid_on": ["exact", "gte", "lte"],
        }


class RateViewSet(EditableViewSet):
    """Exchange rates: units of the second currency for one unit of the first."""

    serializer_class = RateSerializer
    filterset_class = RateFilter
    ordering_fields = {
        "id": "pk",
        "valid_on": "valid_on",
        "from_currency": "from_currency",
        "to_currency": "to_currency",
    }
    queryset = ExchangeRate.objects.all()
