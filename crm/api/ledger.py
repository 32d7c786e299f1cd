"""What accounts bought: products, contracts and exchange rates."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import OpenApiParameter, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import RateKind, RecognitionMethod
from accounts.imports.rates import RatesResult, post_rates
from accounts.imports.reasons import row_reason
from accounts.models import Account, Contract, ExchangeRate, Product
from crm.api.accounts import STAMPS
from crm.api.answers import Money
from crm.api.errors import BadParameter, PayloadTooLarge
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter, check_parameters
from crm.api.idempotency import idempotent
from crm.api.queries import Query
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import EditableViewSet
from crm.web.rights import CHANGE_RATE
from metrics.services.missing_rates import WaitingRecords, missing_rates

MAX_RATES = 1_000
FIRST_ROW = 1  # of rows in memory: they have no header


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
            "non_renewal_notice_on",
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


class RateRowSerializer(StrictSerializer):
    """One rate; the door that files go through judges it."""

    from_currency = serializers.RegexField(r"^[A-Z]{3}$")
    to_currency = serializers.RegexField(r"^[A-Z]{3}$")
    valid_on = serializers.DateField()
    rate = serializers.DecimalField(20, 10)
    kind = serializers.ChoiceField(choices=RateKind.choices, required=False)
    source = serializers.CharField(required=False, allow_blank=True, max_length=80)


class PostedRatesSerializer(serializers.Serializer):
    """What became of the rates of one request: read = new + already_there + replaced."""

    read = serializers.IntegerField()
    new = serializers.IntegerField()
    already_there = serializers.IntegerField()
    replaced = serializers.IntegerField()


class MissingRateLineSerializer(serializers.Serializer):
    """Records of one month that no rate covers; `amount` is their net in `from_currency`."""

    basis = serializers.CharField()
    from_currency = serializers.CharField()
    to_currency = serializers.CharField()
    month = serializers.SerializerMethodField()
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    records = serializers.IntegerField()
    amount = Money()

    def get_month(self, line: WaitingRecords) -> str:
        return f"{line.month:%Y-%m}"


class MissingRatesSerializer(serializers.Serializer):
    results = MissingRateLineSerializer(many=True)


class MissingRatesQuery(Query):
    takes_portfolio = False
    credit_notes = None  # type: ignore[assignment]  # the records are the same


@extend_schema_view(
    create=extend_schema(
        description="One rate as an object, or up to 1,000 as an array: all of them are posted, or none. In an array a rate"
        " that is there with the same value is counted, not added; with another value it is an error, unless"
        " `?replace=true` takes the new one.",
        parameters=[OpenApiParameter("replace", bool, description="Of an array alone.")],
        request=PolymorphicProxySerializer(
            component_name="Rates",
            serializers=[RateSerializer, RateRowSerializer(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={
            201: PolymorphicProxySerializer(
                component_name="PostedRate",
                serializers=[RateSerializer, PostedRatesSerializer],
                resource_type_field_name=None,
                many=False,
            ),
        },
    )
)
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

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not isinstance(request.data, list):
            return self.create_one(request)
        check_parameters(request, {"replace"})
        if len(request.data) > MAX_RATES:
            raise PayloadTooLarge(
                _("At most 1,000 rows are taken at once; send them in several requests or as a file.")
            )
        if not request.data:
            raise ValidationError([_("There is no row in the array.")])
        serializer = RateRowSerializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        rows = [{**row, "rate": f"{row['rate']:f}"} for row in serializer.validated_data]
        result = post_rates(rows=rows, replace=_replaces(request))
        if result.rejected:
            raise ValidationError(_rejections(result))
        code = status.HTTP_201_CREATED if result.new or result.replaced else status.HTTP_200_OK
        return Response(PostedRatesSerializer(result).data, status=code)

    @extend_schema(
        description="Rates that the records the caller may see wait for, by basis, currencies and month, newest first.",
        parameters=[MissingRatesQuery],
        responses=MissingRatesSerializer,
        filters=False,
    )
    @action(detail=False, ordering_fields={}, pagination_class=None, filterset_class=None)
    def missing(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        choices = MissingRatesQuery.read(request)
        found = missing_rates(Account.objects.visible_to(request.user), **choices)
        return Response(MissingRatesSerializer({"results": found}).data)


def _replaces(request: Request) -> bool:
    asked = request.query_params.get("replace", "false")
    if asked not in ("true", "false"):
        raise BadParameter({"replace": [_("Give true or false.")]})
    if asked == "true" and not request.user.has_perm(CHANGE_RATE):
        raise PermissionDenied(
            _("Your log-in may not change exchange rates. An administrator can give you that right.")
        )
    return asked == "true"


def _rejections(result: RatesResult) -> dict[str, dict[str, list[str]]]:
    """By place in the array and field, as every list of errors."""
    found: dict[str, dict[str, list[str]]] = {}
    for rejection in result.rejections:
        for fault in rejection.faults:
            where = found.setdefault(str(rejection.number - FIRST_ROW), {})
            where.setdefault(fault.column or "rate", []).append(row_reason(fault.code, fault.details))
    return found
