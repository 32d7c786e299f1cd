"""What customers cost and earn, on the wire: winning and keeping them, effort against result, margins, share of wallet."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import Count, Money, PointSerializer, Rate
from crm.api.metrics import question
from crm.api.metrics_cohorts import RowSerializer, RowsQuery, RowsSerializer, RowsView
from crm.api.queries import PeriodField
from crm.lib.periods import ttm
from metrics.formulas.advice import Advice
from metrics.selectors import default_as_of
from metrics.services.acquisition import MAX_LAG_MONTHS, acquisition
from metrics.services.effort_split import Side, SplitFigures, effort_split
from metrics.services.margins import MarginFigures, margins
from metrics.services.wallet import WalletState, share_of_wallet

COMPANY_WIDE = "Efforts for no account in particular count only for callers who see every account, over all of them."


class EffortsQuery(RowsQuery):
    """A question about one period; efforts are kept by month, so it should be of whole months."""

    period = PeriodField(required=False, help_text="Default the last 12 whole months.")


class AcquisitionQuery(EffortsQuery):
    lag_months = serializers.IntegerField(
        required=False,
        min_value=0,
        max_value=MAX_LAG_MONTHS,
        help_text="Months from spending to winning: the spending of that much earlier is held against the period. Default 0.",
    )


class WalletQuery(RowsQuery):
    """Legal entities only: an estimate is of one."""

    level = None  # type: ignore[assignment]


class NewAccountSerializer(RowSerializer):
    """A new customer; `effort_money` and `effort_hours` are what was spent on it by name, null where nothing is recorded."""

    first_revenue_on = serializers.DateField(source="values.first_revenue_on")
    months = Rate(source="values.months", help_text="Months it was a customer in, within the period.")
    revenue = Money(source="values.revenue")
    gross_profit = Money(source="values.gross_profit")
    margin = Rate(source="values.margin")
    effort_money = Money(source="values.effort_money")
    effort_hours = Rate(source="values.effort_hours")


class AcquisitionSerializer(RowsSerializer):
    __doc__ = f"""`cac` = `acquisition_money` ÷ `new_accounts`; largest revenue first. {COMPANY_WIDE}"""

    lag_months = Count()
    acquisition_money = Money()
    acquisition_hours = Money()
    new_accounts = Count()
    cac = Money()
    monthly_margin = Money(help_text="Gross profit of a new customer and month.")
    payback_months = Rate()
    is_never_paid_back = serializers.BooleanField(read_only=True, help_text="`payback_months` is null for this reason.")
    retention_money = Money()
    retention_hours = Money()
    kept_accounts = Count()
    keeping_cost = Money(help_text="Of one kept customer, for 12 months.")
    acquisition_cost_ratio = Rate(help_text="`cac` ÷ `keeping_cost`.")
    claimed_ratio = Rate(help_text="An article's claim, source unknown.")
    acquisition_months = Count(help_text="Months of the spending with an effort recorded.")
    hours_only = Count(help_text="Efforts recorded in hours alone: they have no cost.")
    trend = serializers.SerializerMethodField(help_text="`cac` by quarter, oldest first.")
    results = serializers.SerializerMethodField()

    @extend_schema_field(PointSerializer(many=True))
    def get_trend(self, answer: Any) -> list[dict[str, Any]]:
        return PointSerializer(answer.trend, many=True, context={"metric": "cac"}).data

    @extend_schema_field(NewAccountSerializer(many=True))
    def get_results(self, _answer: Any) -> list[dict[str, Any]]:
        return NewAccountSerializer(self.context["page"].rows, many=True).data


class SplitLineSerializer(serializers.Serializer):
    """`reason` says why an amount is null, `share_reason` why only the shares are."""

    new = Money()
    existing = Money()
    new_share = Rate()
    existing_share = Rate()
    new_accounts = Count(help_text="With an amount above 0; null for efforts.")
    existing_accounts = Count()
    reason = serializers.CharField()
    share_reason = serializers.CharField()


class SplitLinesSerializer(serializers.Serializer):
    effort_money = SplitLineSerializer()
    effort_hours = SplitLineSerializer()
    revenue = SplitLineSerializer()
    gross_profit = SplitLineSerializer()


class GapSerializer(serializers.Serializer):
    """Where effort and result of the new customers lie furthest apart; `share_gap` = effort − result."""

    effort = serializers.CharField()
    result = serializers.CharField()
    effort_share = Rate()
    result_share = Rate()
    share_gap = Rate()


class SplitAccountSerializer(RowSerializer):
    side = serializers.CharField(source="values.side", help_text=f"One of: {', '.join(Side)}.")
    revenue = Money(source="values.revenue")
    gross_profit = Money(source="values.gross_profit")
    effort_money = Money(source="values.effort_money")
    effort_hours = Rate(source="values.effort_hours")


class SplitSerializer(RowsSerializer):
    __doc__ = f"""New customers had no revenue before the period. Largest revenue first. {COMPANY_WIDE}"""

    lines = SplitLinesSerializer(read_only=True)
    gap = GapSerializer(read_only=True, allow_null=True)
    new_effort_share = Rate()
    new_hours_share = Rate()
    new_revenue_share = Rate()
    new_gross_profit_share = Rate()
    results = serializers.SerializerMethodField()

    @extend_schema_field(SplitAccountSerializer(many=True))
    def get_results(self, _answer: SplitFigures) -> list[dict[str, Any]]:
        return SplitAccountSerializer(self.context["page"].rows, many=True).data


class MarginAccountSerializer(RowSerializer):
    """`cost_to_serve` is null where none is recorded; `contribution` = gross profit − cost to serve."""

    revenue = Money(source="values.revenue")
    cost = Money(source="values.cost")
    gross_profit = Money(source="values.gross_profit")
    margin = Rate(source="values.margin")
    cost_to_serve = Money(source="values.cost_to_serve")
    contribution = Money(source="values.contribution")
    lines_without_cost = Count(source="values.lines_without_cost")
    abc = serializers.CharField(source="values.abc", help_text="Class by revenue: A, B, C, or N.")
    abc_profit = serializers.CharField(source="values.abc_profit", help_text="Class by gross profit.")
    advice = serializers.CharField(source="values.advice", help_text=f"One of: {', '.join(Advice)}.")


class MarginsSerializer(RowsSerializer):
    """Totals are null while any account lacks a cost; `known_…` are over those whose every line has one. Largest gross
    profit first."""

    accounts = Count()
    revenue = Money()
    cost = Money()
    gross_profit = Money()
    margin = Rate()
    known_gross_profit = Money()
    known_margin = Rate()
    known_revenue_share = Rate()
    missing_cost_accounts = Count()
    missing_cost_lines = Count()
    cost_to_serve = Money()
    contribution = Money(help_text="Over the `served_accounts`, which have both parts of it.")
    served_accounts = Count()
    main_accounts = Count()
    main_profit_accounts = Count()
    advice_accounts = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    results = serializers.SerializerMethodField()

    @extend_schema_field(MarginAccountSerializer(many=True))
    def get_results(self, _answer: MarginFigures) -> list[dict[str, Any]]:
        return MarginAccountSerializer(self.context["page"].rows, many=True).data


class WalletAccountSerializer(RowSerializer):
    revenue = Money(source="values.revenue", help_text="Of the last 12 whole months.")
    wallet = Money(source="values.wallet")
    share = Rate(source="values.share")
    headroom = Money(source="values.headroom")
    state = serializers.CharField(source="values.state", help_text=f"One of: {', '.join(WalletState)}.")
    estimated_on = serializers.DateField(source="values.estimated_on", allow_null=True)
    expires_on = serializers.DateField(source="values.expires_on", allow_null=True)


class WalletSerializer(RowsSerializer):
    """`portfolio_share` = `own_revenue` ÷ `wallet`, sums over the `valid_accounts`. Most headroom first."""

    accounts = Count()
    valid_accounts = Count()
    invalid_accounts = Count(help_text="The estimate is below our own revenue: it is to be made anew.")
    expired_accounts = Count()
    no_rate_accounts = Count()
    none_accounts = Count()
    own_revenue = Money()
    wallet = Money()
    headroom = Money()
    portfolio_share = Rate()
    account_coverage = Rate()
    revenue_coverage = Rate()
    results = serializers.SerializerMethodField()

    @extend_schema_field(WalletAccountSerializer(many=True))
    def get_results(self, _answer: Any) -> list[dict[str, Any]]:
        return WalletAccountSerializer(self.context["page"].rows, many=True).data


def _with_period(choices: dict[str, Any]) -> dict[str, Any]:
    return {"period": ttm(choices.get("as_of") or default_as_of())} | choices


@question(AcquisitionQuery, AcquisitionSerializer, "What does a new customer cost?")
class AcquisitionView(RowsView):
    order_by = "revenue"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return acquisition(accounts, **_with_period(choices))


@question(EffortsQuery, SplitSerializer, "New or existing: where do we put our effort?")
class SplitView(RowsView):
    order_by = "revenue"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return effort_split(accounts, **_with_period(choices))


@question(EffortsQuery, MarginsSerializer, "What do they earn us?")
class MarginsView(RowsView):
    order_by = "gross_profit"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return margins(accounts, **_with_period(choices))


@question(WalletQuery, WalletSerializer, "How much of their spending is ours?")
class WalletView(RowsView):
    order_by = "headroom"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return share_of_wallet(accounts, **choices)


routes = [
    path("metrics/acquisition/", AcquisitionView.as_view(), name="metrics-acquisition"),
    path("metrics/split/", SplitView.as_view(), name="metrics-split"),
    path("metrics/margins/", MarginsView.as_view(), name="metrics-margins"),
    path("metrics/wallet/", WalletView.as_view(), name="metrics-wallet"),
]
