"""The append-only ledger: read it, add to it; nothing is ever changed or removed."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer, extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import RevenueBasis, RevenueKind
from accounts.imports.results import ImportResult, RowsRejected
from accounts.imports.services import post_rows
from accounts.models import Account, Contract, ImportBatch, Product, RevenueRecord
from accounts.querysets import RevenueQuerySet
from crm.api.errors import PayloadTooLarge
from crm.api.filters import VisibleAccountFilter, VisibleRowFilter, check_parameters, visible_contracts
from crm.api.idempotency import idempotent
from crm.api.renderers import CsvRenderer
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from crm.web.export import ledger_file

SOURCE = "api"
MAX_ROWS = 1_000
# On the wire → as the door names it. References by key are turned into the code the door knows.
BY_KEY = {"account": "account_code", "product": "product_code", "contract": "contract_number"}
MEASURES = (
    "booked_on",
    "kind",
    "basis",
    "reference",
    "credits_reference",
    "external_id",
    "quantity",
    "unit_price",
    "amount",
    "cost",
    "currency",
)


class RevenueSerializer(serializers.ModelSerializer):
    """One line of the ledger as it is read."""

    account_code = serializers.CharField(source="account.code", read_only=True)
    product_code = serializers.CharField(source="product.code", read_only=True, default=None, allow_null=True)
    contract_number = serializers.CharField(source="contract.number", read_only=True, default=None, allow_null=True)

    class Meta:
        model = RevenueRecord
        fields = (
            "id",
            "account",
            "account_code",
            "product",
            "product_code",
            "contract",
            "contract_number",
            *MEASURES,
            "source",
            "source_row",
            "batch",
        )
        read_only_fields = fields


class RevenueRowSerializer(StrictSerializer):
    """One line to add. Accounts, products and contracts by key or by code; amount, or quantity and unit price.

    Texts and numbers are judged by the door that files go through, so that both follow the same rules.
    """

    account = serializers.IntegerField(required=False, min_value=1)
    account_code = serializers.CharField(required=False)
    product = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    product_code = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    contract = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    contract_number = serializers.CharField(required=False, allow_blank=True, allow_null=True)
    booked_on = serializers.DateField()
    kind = serializers.ChoiceField(choices=RevenueKind.choices, required=False)
    basis = serializers.ChoiceField(choices=RevenueBasis.choices, required=False)
    reference = serializers.CharField(required=False, allow_blank=True, max_length=64)
    credits_reference = serializers.CharField(
        required=False,
        allow_blank=True,
        allow_null=True,
        max_length=64,
        help_text="Of a credit note: the reference of the original of the same account. A line that gives it and no kind"
        " is a credit note.",
    )
    external_id = serializers.CharField(required=False, allow_blank=True, max_length=120)
    quantity = serializers.DecimalField(19, 6, required=False, allow_null=True)
    unit_price = serializers.DecimalField(19, 6, required=False, allow_null=True)
    amount = serializers.DecimalField(19, 4, required=False, allow_null=True)
    cost = serializers.DecimalField(19, 4, required=False, allow_null=True)
    currency = serializers.RegexField(r"^[A-Z]{3}$", required=False)


class PostedRowsSerializer(serializers.Serializer):
    """What became of the rows of one request: one batch."""

    batch = serializers.IntegerField()
    read = serializers.IntegerField()
    posted = serializers.IntegerField()
    already_there = serializers.IntegerField()
    rejected = serializers.IntegerField()
    reasons = serializers.DictField(child=serializers.IntegerField())
    seconds = serializers.FloatField()


def visible_batches(request: Request) -> QuerySet[ImportBatch]:
    return ImportBatch.objects.visible_to(request.user)


class RevenueFilter(FilterSet):
    """A contract or batch the caller may not see is as unknown as a missing one."""

    account = VisibleAccountFilter(
        method="of_accounts", help_text="Accounts by id, with those merged into them; repeat the name for several."
    )
    contract = VisibleRowFilter(queryset=visible_contracts)
    batch = VisibleRowFilter(queryset=visible_batches)

    def of_accounts(self, queryset: RevenueQuerySet, name: str, value: Any) -> RevenueQuerySet:
        return queryset.of_accounts(Account.objects.filter(pk__in=[one.pk for one in value])) if value else queryset

    class Meta:
        model = RevenueRecord
        fields = {
            "booked_on": ["exact", "gte", "lte", "lt"],
            "kind": ["exact"],
            "basis": ["exact"],
            "currency": ["exact"],
            "reference": ["exact"],
            "credits_reference": ["exact"],
            "external_id": ["exact"],
            "source": ["exact"],
            "product": ["exact"],
        }


@extend_schema_view(
    create=extend_schema(
        description="One line as an object, or up to 1,000 as an array; they form one batch. All of them are posted, or"
        " none. Lines that are there already are counted, not added: 200 where nothing was new.",
        request=PolymorphicProxySerializer(
            component_name="RevenueRows",
            serializers=[RevenueRowSerializer, RevenueRowSerializer(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={
            201: PolymorphicProxySerializer(
                component_name="PostedRevenue",
                serializers=[RevenueSerializer, PostedRowsSerializer],
                resource_type_field_name=None,
                many=False,
            ),
        },
    )
)
class RevenueViewSet(mixins.RetrieveModelMixin, ListedViewSet):
    """Lines that count; those of withdrawn batches are not shown."""

    serializer_class = RevenueSerializer
    filterset_class = RevenueFilter
    ordering_fields = {"id": "pk", "booked_on": "booked_on", "amount": "amount", "account": "account_id"}
    queryset = RevenueRecord.objects.none()

    def get_queryset(self) -> QuerySet[RevenueRecord]:
        rows = RevenueRecord.objects.of_visible_accounts(self.request.user)
        return rows.select_related("account", "product", "contract").order_by("-pk")

    @extend_schema(
        description="The records as one CSV, in the order in which they were posted: what the profile `facet` of"
        " `POST imports/` reads back, into this ledger without a new line, into an empty one record for record.",
        filters=True,
        responses={(200, "text/csv"): OpenApiResponse(OpenApiTypes.BINARY)},
    )
    @action(detail=False, ordering_fields={}, pagination_class=None, renderer_classes=[JSONRenderer, CsvRenderer])
    def export(self, request: Request, *args: Any, **kwargs: Any) -> StreamingHttpResponse:
        check_parameters(request, RevenueFilter.base_filters)
        records = self.filter_queryset(self.get_queryset())
        return ledger_file(records, visible=Account.objects.visible_to(request.user))

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        many = isinstance(request.data, list)
        if many and len(request.data) > MAX_ROWS:
            raise PayloadTooLarge(
                _("At most 1,000 rows are taken at once; send them in several requests or as a file.")
            )
        if many and not request.data:
            raise ValidationError([_("There is no row in the array.")])
        serializer = RevenueRowSerializer(data=request.data, many=many)
        serializer.is_valid(raise_exception=True)
        sent = serializer.validated_data if many else [serializer.validated_data]
        with transaction.atomic():
            rows = Rows(sent, request=request, many=many).for_the_door()
            result = _posted(rows, request=request, many=many)
            return self._answer_many(result) if many else self._answer_one(result, rows[0])

    def _answer_many(self, result: ImportResult) -> Response:
        code = status.HTTP_201_CREATED if result.posted else status.HTTP_200_OK
        return Response(PostedRowsSerializer(result).data, status=code)

    def _answer_one(self, result: ImportResult, row: dict[str, Any]) -> Response:
        """The new line, or the one that says the same and was there already."""
        if result.posted:
            record = self.get_queryset().get(batch_id=result.batch)
            headers = {"Location": self.location_of(record)}
            return Response(self.get_serializer(record).data, status=status.HTTP_201_CREATED, headers=headers)
        same = self.get_queryset().filter(source=SOURCE, account__code=row["account_code"])
        if row.get("external_id"):
            same = same.filter(external_id=row["external_id"])
        else:
            told = {name: row[name] for name in ("amount", "quantity", "unit_price", "currency") if name in row}
            same = same.filter(booked_on=row["booked_on"], reference=row.get("reference", ""), **told)
        record = same.order_by("pk").first()
        return Response(self.get_serializer(record).data if record else PostedRowsSerializer(result).data)


def _posted(rows: list[dict[str, Any]], *, request: Request, many: bool) -> ImportResult:
    try:
        return post_rows(rows=rows, user=request.user, source=SOURCE)
    except RowsRejected as rejected:
        errors: dict[Any, Any] = {}
        for row, field, _value, code, text in rejected.faults:
            fault = serializers.ErrorDetail(text, code=code)
            where = errors if not many else errors.setdefault(str(row - 1), {})
            where.setdefault(field or serializers.api_settings.NON_FIELD_ERRORS_KEY, []).append(fault)
        raise ValidationError(errors) from rejected


class Rows:
    """The rows of one request with every reference checked: four statements however many rows there are."""

    def __init__(self, sent: list[dict[str, Any]], *, request: Request, many: bool) -> None:
        self._sent, self._many = sent, many
        self._errors: dict[Any, Any] = {}
        visible = Account.objects.visible_to(request.user)
        self._accounts = dict(visible.filter(pk__in=self._keys("account")).values_list("pk", "code"))
        codes = self._texts("account_code")
        named = visible.with_merged().filter(
            code__in=codes
        )  # the code of a merged account books for the one that stays
        self._known = set(self._accounts.values()) | set(named.values_list("code", flat=True))
        self._products = dict(Product.objects.filter(pk__in=self._keys("product")).values_list("pk", "code"))
        contracts = Contract.objects.filter(pk__in=self._keys("contract")) | Contract.objects.filter(
            number__in=self._texts("contract_number")
        )
        found = list(contracts.values_list("pk", "number", "account__code"))
        self._contracts = {key: number for key, number, _code in found}
        self._holders = {number: code for _key, number, code in found}

    def for_the_door(self) -> list[dict[str, Any]]:
        """Raises ValidationError naming each row whose account or contract the caller cannot name."""
        rows = [self._row(place, sent) for place, sent in enumerate(self._sent)]
        if self._errors:
            raise ValidationError(self._errors)
        return rows

    def _row(self, place: int, sent: dict[str, Any]) -> dict[str, Any]:
        row = {name: sent[name] for name in (*BY_KEY.values(), *MEASURES) if sent.get(name) is not None}
        for name, known in (("account", self._accounts), ("product", self._products), ("contract", self._contracts)):
            if sent.get(name) is not None:
                code = known.get(sent[name])
                if code is None or row.get(BY_KEY[name], code) != code:
                    self._wrong(place, name, _("There is no such row, or the code beside it names another."))
                row[BY_KEY[name]] = code or ""
        code = row.get("account_code")
        if code is None:
            self._wrong(place, "account", _("Name the account by its key or its code."))
        elif code not in self._known and sent.get("account") is None:
            self._wrong(place, "account_code", _("There is no such account."))
        number = row.get("contract_number")
        if number and self._holders.get(number) != code:
            self._wrong(place, "contract_number", _("The account has no such contract."))
        return row

    def _wrong(self, place: int, name: str, text: str) -> None:
        where = self._errors.setdefault(str(place), {}) if self._many else self._errors
        where.setdefault(name, []).append(text)

    def _keys(self, name: str) -> set[int]:
        return {row[name] for row in self._sent if row.get(name) is not None}

    def _texts(self, name: str) -> set[str]:
        return {row[name] for row in self._sent if row.get(name)}
