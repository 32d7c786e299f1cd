"""What could they buy besides, on the wire: the matrix, related products with their reason, and rejected suggestions."""

from typing import Any

import django_filters
from django.db.models import QuerySet
from django.urls import path
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account, Product
from accounts.querysets import AccountQuerySet
from crm.api.answers import AnswerSerializer, Count, Money, Rate
from crm.api.fields import StrictKeyField, VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.metrics import FigureView, question
from crm.api.queries import Query, portfolio
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet
from metrics.models import SuggestionRejection
from metrics.models_rejections import REASON_LENGTH
from metrics.services.suggestions import Suggestion, reject_suggestion, suggested, withdraw_rejection
from metrics.services.whitespace import MATRIX_ACCOUNTS, MAX_MATRIX_ACCOUNTS, By, MatrixRow, whitespace


class WhitespaceQuery(Query):
    credit_notes = None  # the night sums up products as they were booked
    by = serializers.ChoiceField(
        choices=[(str(one), str(one)) for one in By], required=False, help_text="Columns; default category."
    )
    rows = serializers.IntegerField(
        required=False,
        min_value=1,
        max_value=MAX_MATRIX_ACCOUNTS,
        help_text=f"Accounts with the most revenue that are listed; default {MATRIX_ACCOUNTS}.",
    )


class WhitespaceColumnSerializer(serializers.Serializer):
    """`key` is the category, "" for products without one, or the key of the product."""

    key = serializers.CharField()
    label = serializers.CharField()
    revenue = Money()
    gap_revenue = Money()
    gap_value = Money()


class GapCellSerializer(serializers.Serializer):
    """In a gap: `buyers` of `peers` like it buy, for a median of `peer_spend`; value = revenue × gross margin."""

    status = serializers.SerializerMethodField()
    spend = Money()
    peers = Count()
    buyers = Count()
    chance = Rate()
    peer_spend = Money()
    gap_revenue = Money()
    gap_value = Money()
    reason = serializers.CharField()

    @extend_schema_field({"type": "string", "enum": ["owned", "open_deal", "lost", "not_eligible", "gap"]})
    def get_status(self, cell: Any) -> str:
        return cell.status.name.lower()


class SuggestionSerializer(serializers.Serializer):
    """Related: `joint` of the `owners` of `because` also buy it. Else popular: `joint` of all `owners` buy it."""

    product = serializers.IntegerField(source="product.pk")
    code = serializers.CharField(source="product.code")
    name = serializers.CharField(source="product.name")
    is_related = serializers.BooleanField()
    because = serializers.IntegerField(source="because.pk", allow_null=True, default=None)
    joint = Count()
    owners = Count()
    sentence = serializers.CharField()


class WhitespaceRowSerializer(serializers.Serializer):
    """`cells` in the order of the columns."""

    account = serializers.IntegerField(source="account.account_id")
    code = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    ttm_revenue = Money(source="account.values.ttm_revenue")
    gap_revenue = Money(source="account.values.gap_revenue")
    gap_value = Money(source="account.values.gap_value")
    cells = GapCellSerializer(many=True)
    suggestions = serializers.SerializerMethodField()

    @extend_schema_field(SuggestionSerializer(many=True))
    def get_suggestions(self, row: MatrixRow) -> list[dict[str, Any]]:
        found: tuple[Suggestion, ...] = self.context["suggested"].by_account.get(row.account.account_id, ())
        return SuggestionSerializer(found, many=True).data


class SuggestionTestSerializer(serializers.Serializer):
    """Share of accounts that bought one of three suggestions in 12 months, made from what they owned before."""

    accounts = Count()
    top = Count()
    related = Rate()
    popular = Rate()
    is_better = serializers.BooleanField(help_text="Related products are suggested; else the most popular ones.")
    reason = serializers.CharField()


class WhitespaceSerializer(AnswerSerializer):
    """The accounts and columns with the most revenue. Sums are over every account in view; peers, suggestions and the
    test are over all customers of the ledger, as the last night summed them up."""

    by = serializers.CharField(read_only=True)
    products_as_of = serializers.DateField(read_only=True, allow_null=True)
    columns = WhitespaceColumnSerializer(many=True, read_only=True)
    owned_cells = Count()
    gap_cells = Count()
    lost_cells = Count()
    gap_revenue = Money()
    gap_value = Money()
    test = serializers.SerializerMethodField()
    results = serializers.SerializerMethodField()

    @extend_schema_field(SuggestionTestSerializer)
    def get_test(self, _figures: Any) -> dict[str, Any]:
        return SuggestionTestSerializer(self.context["suggested"].test).data

    @extend_schema_field(WhitespaceRowSerializer(many=True))
    def get_results(self, figures: Any) -> list[dict[str, Any]]:
        return WhitespaceRowSerializer(figures.rows, many=True, context=self.context).data


@question(WhitespaceQuery, WhitespaceSerializer, "What could they buy besides?")
class WhitespaceView(FigureView):
    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        figures = self.answer(portfolio(request), **choices)
        found = suggested([row.account.account_id for row in figures.rows], basis=choices.get("basis"))
        return Response(self.serializer_class(figures, context={"suggested": found}).data)

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return whitespace(accounts, **choices)


class RejectionSerializer(serializers.ModelSerializer):
    rejected_by_name = serializers.CharField(source="rejected_by.display_name", read_only=True)

    class Meta:
        model = SuggestionRejection
        fields = (
            "id", "account", "product", "reason", "rejected_by", "rejected_by_name", "rejected_at", "withdrawn_by",
            "withdrawn_at",
        )  # fmt: skip
        read_only_fields = fields


class NewRejectionSerializer(StrictSerializer):
    account = VisibleKeyField()
    product = StrictKeyField(queryset=Product.objects.all())
    reason = serializers.CharField(max_length=REASON_LENGTH)


class RejectionFilter(FilterSet):
    account = VisibleAccountFilter()
    withdrawn = django_filters.BooleanFilter(
        field_name="withdrawn_at", lookup_expr="isnull", exclude=True, help_text="Default: all."
    )

    class Meta:
        model = SuggestionRejection
        fields = {"product": ["exact"]}


class SuggestionRejectionViewSet(ReadableViewSet):
    """Products that are not suggested to an account any more, and why. Withdrawn ones stay in the list."""

    serializer_class = RejectionSerializer
    filterset_class = RejectionFilter
    ordering_fields = {"id": "pk", "rejected_at": "rejected_at"}
    queryset = SuggestionRejection.objects.none()

    def get_queryset(self) -> QuerySet[SuggestionRejection]:
        mine = Account.objects.visible_to(self.request.user)
        return SuggestionRejection.objects.filter(account__in=mine).select_related("rejected_by")

    @extend_schema(request=NewRejectionSerializer, responses={201: RejectionSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewRejectionSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        found = reject_suggestion(user=request.user, **form.validated_data)
        return self.tagged(found, code=status.HTTP_201_CREATED, Location=self.location_of(found))

    @extend_schema(
        description="Let the product be suggested to the account again.", request=None, responses=RejectionSerializer
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.tagged(withdraw_rejection(rejection=self.get_object(), user=request.user))


routes = [path("metrics/whitespace/", WhitespaceView.as_view(), name="metrics-whitespace")]
