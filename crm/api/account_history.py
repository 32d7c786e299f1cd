"""The history of one account on the wire."""

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.api.answers import Count, Money, PassportSerializer, Rate
from crm.api.queries import DayField, Query
from metrics.services.account_history import MAX_ACQUISITION_COST, MAX_COMPOUND_RATE, AccountHistory


class HistoryQuery(Query):
    """The account stands in the address."""

    takes_portfolio = False
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")
    compound_rate = serializers.FloatField(
        required=False, min_value=0, max_value=MAX_COMPOUND_RATE, help_text="Interest a year, as a fraction."
    )
    acquisition_cost = serializers.DecimalField(
        required=False,
        min_value=Decimal(0),
        max_value=MAX_ACQUISITION_COST,
        max_digits=25,
        decimal_places=4,
        help_text="What winning the customer cost; it is not recorded, and subtracted only where it is given.",
    )

    def validate_compound_rate(self, value: float) -> float:
        if value != value:  # noqa: PLR0124 (NaN passes both bounds)
            raise serializers.ValidationError(_("Give a fraction from 0 to 1."))
        return value


class YearSerializer(serializers.Serializer):
    year = serializers.IntegerField()
    revenue = Money()
    gross_profit = Money()
    orders = serializers.IntegerField()
    cumulated_revenue = Money()
    cumulated_gross_profit = Money()
    is_running = serializers.BooleanField(help_text="The as-of day lies within the year.")


class AccountHistorySerializer(serializers.Serializer):
    """Calendar years from the first record on. `historical_value` = gross profit, with interest where `compound_rate` was
    given, − `acquisition_cost` where given. Gross profit is null where a record has no cost."""

    years = YearSerializer(many=True)
    first_record_on = serializers.DateField()
    revenue = Money()
    gross_profit = Money()
    orders = Count()
    compound_rate = Rate()
    compounded_revenue = Money()
    compounded_gross_profit = Money()
    acquisition_cost = Money()
    historical_value = Money()
    best_year = serializers.SerializerMethodField()
    currency = serializers.CharField()
    reasons = serializers.DictField(child=serializers.CharField())
    passport = PassportSerializer()

    @extend_schema_field({"type": ["integer", "null"]})
    def get_best_year(self, history: AccountHistory) -> Any:
        return history.best_year.year if history.best_year else None
