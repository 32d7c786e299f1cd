"""How they buy, on the wire: the figures, the products, and the accounts a page at a time."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from crm.api.answers import AverageMoney, Count, Money, Rate
from crm.api.metrics import FigureView, question
from crm.api.metrics_association import PagedQuery, page_of
from crm.api.metrics_cohorts import RowSerializer, RowsPage, RowsSerializer
from crm.api.queries import DayField, PeriodField, portfolio
from metrics.services.patterns import PatternFigures, patterns

MOST_PRODUCTS = 500


class PatternsQuery(PagedQuery):
    period = PeriodField(required=False, help_text="Of orders and revenue; default the last 12 whole months.")
    products = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MOST_PRODUCTS,
        help_text="Products with the most revenue that are listed; default 15.",
    )
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")


class BoughtProductSerializer(serializers.Serializer):
    """`product` is null for lines without one. `buyers` are accounts, `new_buyers` those that bought it for the first time."""

    product = serializers.IntegerField(source="product_id", allow_null=True)
    code = serializers.CharField()
    name = serializers.CharField()
    revenue = Money()
    share = Rate()
    order_days = Count()
    buyers = Count()
    new_buyers = Count()
    first_on = serializers.DateField(allow_null=True)
    last_on = serializers.DateField(allow_null=True)


class BreadthMonthSerializer(serializers.Serializer):
    month = serializers.CharField()
    breadth = Rate()


class BuyerSerializer(RowSerializer):
    revenue = Money(source="values.revenue")
    orders = Count(source="values.orders")
    order_days = Count(source="values.order_days")
    usual_interval = Rate(source="values.usual_interval", help_text="Median days between order days; null under three.")
    products = Count(source="values.products")
    new_products = Count(source="values.new_products")
    new_product_revenue = Money(source="values.new_product_revenue")


class PatternsSerializer(RowsSerializer):
    """revenue = known_product_revenue + new_product_revenue + no_product_revenue. `season`: January first, 1 is average;
    `weekdays`: Monday first. Accounts with the most revenue come first."""

    usual_interval_days = Rate()
    interval_low_days = Rate()
    interval_high_days = Rate()
    rhythm_accounts = Count()
    orders = Count()
    order_days = Count()
    average_order_value = AverageMoney()
    order_day_size = Money()
    order_day_low = Money()
    order_day_high = Money()
    breadth = Rate()
    breadth_before = Rate()
    breadth_change = Rate()
    breadth_months = serializers.SerializerMethodField()
    revenue = Money()
    known_product_revenue = Money()
    new_product_revenue = Money()
    no_product_revenue = Money()
    new_product_share = Rate()
    products_bought = Count()
    season = serializers.ListField(child=serializers.FloatField(), allow_null=True, read_only=True)
    season_years = Count()
    spring_index = Rate(help_text="Of January and February together: the Spring Festival moves between them.")
    peak_month_index = Rate()
    weekdays = serializers.ListField(child=serializers.FloatField(), allow_null=True, read_only=True)
    peak_weekday_share = Rate()
    products = serializers.SerializerMethodField()
    results = serializers.SerializerMethodField()

    @extend_schema_field(BreadthMonthSerializer(many=True))
    def get_breadth_months(self, answer: PatternFigures) -> list[dict[str, Any]]:
        return [{"month": f"{month:%Y-%m}", "breadth": mean} for month, mean in answer.breadth_months]

    @extend_schema_field(BoughtProductSerializer(many=True))
    def get_products(self, answer: PatternFigures) -> list[dict[str, Any]]:
        return BoughtProductSerializer(answer.products[: self.context["products"]], many=True).data

    @extend_schema_field(BuyerSerializer(many=True))
    def get_results(self, _answer: PatternFigures) -> list[dict[str, Any]]:
        return BuyerSerializer(self.context["page"].rows, many=True).data


@question(PatternsQuery, PatternsSerializer, "How do they buy?")
class PatternsView(FigureView):
    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        number, size = page_of(choices)
        products = choices.pop("products", 15)
        answer = patterns(portfolio(request), **choices)
        page = RowsPage.of(answer.table, request, order_by="revenue", number=number, size=size)
        return Response(self.serializer_class(answer, context={"page": page, "products": products}).data)


routes = [path("metrics/patterns/", PatternsView.as_view(), name="metrics-patterns")]
