"""The shapes of answers about figures: money as decimal strings, rates as numbers, null with its reason."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from crm.lib.money import average_text, money_text
from metrics.reasons import MissingRate
from metrics.services.base import Passport
from metrics.services.concentration import ConcentrationFigures
from metrics.services.lifetime_contracts import RenewalCohort
from metrics.services.portfolio import Bar, BridgeFigures
from metrics.services.trend import Trend

AVERAGES = frozenset({"average_order_value", "revenue_per_active_account"})


@extend_schema_field({"type": ["string", "null"], "format": "decimal", "examples": ["1234.5000"]})
class Money(serializers.Field):
    """A decimal string with 4 decimals, null where undefined."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: Decimal | float | None) -> str | None:
        return None if value is None else money_text(Decimal(value))


@extend_schema_field({"type": ["string", "null"], "format": "decimal", "examples": ["1851.887238770073"]})
class AverageMoney(Money):
    """An average of money: 12 decimals."""

    def to_representation(self, value: Decimal | None) -> str | None:
        return average_text(value)


class Rate(serializers.FloatField):
    """An unrounded number: fractions for rates and shares."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)


class Count(serializers.IntegerField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **kwargs)


class WindowSerializer(serializers.Serializer):
    label = serializers.CharField()
    first_day = serializers.DateField()
    last_day = serializers.DateField(help_text="Included.")


class PassportSerializer(serializers.Serializer):
    """Which figure this is."""

    metric = serializers.CharField()
    version = serializers.CharField()
    base = WindowSerializer(allow_null=True)
    comparison = WindowSerializer(allow_null=True)
    basis = serializers.CharField()
    credit_notes = serializers.CharField()
    level = serializers.CharField()
    membership = serializers.CharField(
        allow_null=True, help_text="Of groups: `as_was` on each day, or `as_now` on all days; null for legal entities."
    )
    as_of = serializers.DateField()
    accounts = serializers.IntegerField()
    flags = serializers.ListField(
        child=serializers.CharField(),
        help_text="`weeks_differ`: one of the fiscal periods has the 53rd week; `FY2012R` leaves out its first one.",
    )

    def to_representation(self, instance: Passport) -> dict[str, Any]:
        return instance.as_dict()


class AnswerSerializer(serializers.Serializer):
    """What is undefined is null, and `reasons` says why, by field."""

    currency = serializers.CharField(read_only=True)
    passport = PassportSerializer(read_only=True)
    reasons = serializers.DictField(child=serializers.CharField(), read_only=True)


class MissingRateSerializer(serializers.Serializer):
    """A rate that some figure waits for: of documents of this month, from their currency into that of the figures."""

    month = serializers.SerializerMethodField()
    from_currency = serializers.CharField()
    to_currency = serializers.CharField()

    def get_month(self, rate: MissingRate) -> str:
        return f"{rate.month:%Y-%m}"


class GrowthSerializer(AnswerSerializer):
    """`constant_…`: the comparison at the exchange rates of the base period; reported = constant + effect. `fx_effect` is
    that of all accounts, `cohort_fx_effect` that of the same customers; 0 where one currency is all there is."""

    cohort_accounts = Count()
    base_revenue = Money()
    comparison_revenue = Money()
    growth_rate = Rate()
    total_base_revenue = Money()
    total_comparison_revenue = Money()
    overall_growth_rate = Rate()
    constant_growth_rate = Rate()
    constant_comparison_revenue = Money()
    cohort_fx_effect = Money()
    constant_overall_growth_rate = Rate()
    total_constant_comparison_revenue = Money()
    fx_effect = Money()
    missing_rates = MissingRateSerializer(many=True, read_only=True)


class BarSerializer(serializers.Serializer):
    amount = Money()
    accounts = Count()


class LinesSerializer(serializers.Serializer):
    expansion = BarSerializer()
    contraction = BarSerializer()
    churned = BarSerializer()
    new = BarSerializer()
    reactivated = BarSerializer()
    adjustment = BarSerializer()


class BridgeSerializer(AnswerSerializer):
    """opening + all lines = closing; contraction and churned are negative. `new_in_comparison` and `new_between` split `new`.

    opening + all `constant_lines` + `fx_effect` = closing, too: the lines at the exchange rates of the base period, and
    what rates did as a line of its own."""

    opening = BarSerializer()
    expansion = BarSerializer()
    contraction = BarSerializer()
    churned = BarSerializer()
    new = BarSerializer()
    reactivated = BarSerializer()
    adjustment = BarSerializer()
    closing = BarSerializer()
    new_in_comparison = BarSerializer()
    new_between = BarSerializer()
    constant_lines = LinesSerializer()
    fx_effect = BarSerializer()
    constant_growth_rate = Rate()
    constant_overall_growth_rate = Rate()
    missing_rates = MissingRateSerializer(many=True, read_only=True)

    def to_representation(self, instance: BridgeFigures) -> dict[str, Any]:
        bars: dict[str, Bar] = dict(instance.bars)
        bars |= {
            "new_in_comparison": instance.new_in_comparison,
            "new_between": instance.new_between,
            "fx_effect": instance.fx_effect,
        }
        shared = {name: self.fields[name].to_representation(getattr(instance, name)) for name in _SHARED}
        shared |= {name: getattr(instance, name) for name in ("constant_growth_rate", "constant_overall_growth_rate")}
        shared["missing_rates"] = MissingRateSerializer(instance.missing_rates, many=True).data
        shared["constant_lines"] = {name: BarSerializer(bar).data for name, bar in instance.constant_lines.items()}
        return {name: BarSerializer(bar).data for name, bar in bars.items()} | shared


_SHARED = ("currency", "passport", "reasons")


class RetentionSerializer(AnswerSerializer):
    cohort_accounts = Count()
    retained_accounts = Count()
    logo_retention = Rate()
    gross_revenue_retention = Rate()
    net_revenue_retention = Rate()


class ActivitySerializer(AnswerSerializer):
    covered_accounts = Count()
    active_accounts = Count()
    active_rate = Rate()
    orders = Count()
    average_order_value = AverageMoney()
    revenue_per_active_account = AverageMoney()
    revenue = Money()
    unattributed = Money()
    repeat_rate = Rate()
    returning_rate = Rate()
    order_frequency = Rate()


class ConcentrationSerializer(AnswerSerializer):
    """`abc` counts accounts by class, `abc_revenue` and `abc_share` are theirs."""

    accounts = Count()
    total = Money()
    top_1_share = Rate()
    top_5_share = Rate()
    top_10_share = Rate()
    top_20_percent_share = Rate()
    hhi = Rate()
    normalised_hhi = Rate()
    effective_accounts = Rate()
    gini = Rate()
    largest_group_share = Rate()
    abc = serializers.SerializerMethodField()
    abc_revenue = serializers.SerializerMethodField()
    abc_share = serializers.SerializerMethodField()

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": "integer"}})
    def get_abc(self, figures: ConcentrationFigures) -> dict[str, int] | None:
        return figures.abc and {letter: total.accounts for letter, total in figures.abc.items()}

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": "string"}})
    def get_abc_revenue(self, figures: ConcentrationFigures) -> dict[str, str | None] | None:
        return figures.abc and {letter: money_text(total.revenue) for letter, total in figures.abc.items()}

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": ["number", "null"]}})
    def get_abc_share(self, figures: ConcentrationFigures) -> dict[str, float | None] | None:
        return figures.abc and {letter: total.share for letter, total in figures.abc.items()}

    def to_representation(self, instance: ConcentrationFigures) -> dict[str, Any]:
        answer: dict[str, Any] = super().to_representation(instance)
        if instance.abc is None:  # one figure of the catalogue, three fields here
            told = answer["reasons"].get("abc", "")
            answer["reasons"] = {**answer["reasons"], "abc_revenue": told, "abc_share": told}
        return answer


class RenewalCohortSerializer(serializers.Serializer):
    """Contracts of one length of term over the whole base; null with its `reason` where they have no model."""

    term_months = serializers.IntegerField()
    contracts = Count(help_text="That came to a first renewal; null where a part of the base is in view.")
    points = Count(help_text="Renewals in a row that were seen; null where a part of the base is in view.")
    method = serializers.CharField(allow_null=True)
    parameters = serializers.SerializerMethodField()
    reason = serializers.CharField(source="sentence", allow_blank=True)

    @extend_schema_field({"type": ["object", "null"], "additionalProperties": {"type": "number"}})
    def get_parameters(self, cohort: RenewalCohort) -> dict[str, float] | None:
        return asdict(cohort.model) if cohort.model else None


class LifetimeSerializer(AnswerSerializer):
    """The model is fitted on the whole base; values are those of the accounts in view. How large the base is
    (`accounts`, the likelihoods, contracts behind `renewals`) is null where a part of it is in view."""

    method = serializers.CharField(read_only=True, allow_null=True)
    time_unit = serializers.CharField(read_only=True)
    parameters = serializers.DictField(child=serializers.FloatField(), read_only=True, allow_null=True)
    log_likelihood = Rate()
    spend_log_likelihood = Rate()
    correlation = Rate()
    is_dependent = serializers.BooleanField(read_only=True)
    accounts = Count()
    horizon_months = Count()
    discount = Rate()
    clv = Money()
    clv_low = Money(help_text="Lower end of the 80 % interval of the expectation.")
    clv_high = Money()
    expected_revenue = Money()
    expected_revenue_low = Money()
    expected_revenue_high = Money()
    expected_orders = Rate()
    clv_accounts = Count()
    contract_value = Money(
        help_text="What running contracts still bring; a part of expected_revenue where it is by contract."
    )
    methods = serializers.DictField(
        child=serializers.IntegerField(), read_only=True, help_text="Accounts by the method that values them."
    )
    renewals = RenewalCohortSerializer(many=True, read_only=True)
    simple_clv_low = Money()
    simple_clv_high = Money()


class PointSerializer(serializers.Serializer):
    period = serializers.CharField(source="period.label")
    first_day = serializers.DateField(source="period.start")
    last_day = serializers.DateField(source="period.last_day")
    value = serializers.SerializerMethodField()

    @extend_schema_field({"type": ["string", "number", "null"]})
    def get_value(self, point: Any) -> str | float | None:
        if isinstance(point.value, Decimal):
            return (average_text if self.context["metric"] in AVERAGES else money_text)(point.value)
        return point.value


class TrendSerializer(AnswerSerializer):
    """Oldest first; money as decimal strings, rates and counts as numbers. `reasons` is by period."""

    metric = serializers.CharField(read_only=True)
    interval = serializers.CharField(read_only=True)
    points = serializers.SerializerMethodField()
    reasons = serializers.SerializerMethodField()

    @extend_schema_field(PointSerializer(many=True))
    def get_points(self, trend: Trend) -> list[dict[str, Any]]:
        return PointSerializer(trend.points, many=True, context={"metric": trend.metric}).data

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
    def get_reasons(self, trend: Trend) -> dict[str, str]:
        return {point.period.label: point.reason for point in trend.points if point.reason}


class AccountMetricsSerializer(AnswerSerializer):
    """Every figure of one account; `data_grade` tells how far lifetime figures hold for this one account."""

    ttm_revenue = Money()
    prior_ttm_revenue = Money()
    growth_rate = Rate()
    arc_growth = Rate()
    is_small_base = serializers.BooleanField(read_only=True)
    ttm_gross_profit = Money()
    margin = Rate()
    orders_ttm = Count()
    average_order_value = AverageMoney()
    active_months = Count()
    first_order_on = serializers.DateField(read_only=True, allow_null=True)
    last_order_on = serializers.DateField(read_only=True, allow_null=True)
    first_revenue_on = serializers.DateField(read_only=True, allow_null=True)
    tenure_days = Count()
    order_days = Count()
    order_interval_days = Rate()
    rhythm = Rate()
    historical_revenue = Money()
    historical_gross_profit = Money()
    p_alive = Rate()
    expected_orders = Rate()
    expected_revenue = Money()
    expected_revenue_low = Money(help_text="Lower end of the 80 % interval of the expectation.")
    expected_revenue_high = Money()
    clv = Money()
    clv_low = Money()
    clv_high = Money()
    simple_clv_low = Money()
    simple_clv_high = Money()
    contract_value = Money()
    renewal_method = serializers.CharField(read_only=True, allow_null=True)
    contract_signed = Money()
    contract_recognised = Money(help_text="By the books, or a stand-in: see `recognised_source`.")
    recognised_source = serializers.CharField(read_only=True, help_text="records, proxy, both or none.")
    backlog = Money()
    method = serializers.CharField(read_only=True)
    data_grade = serializers.CharField(read_only=True)
    horizon_months = Count()
    discount = Rate()
