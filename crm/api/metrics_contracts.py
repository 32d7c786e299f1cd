"""Contracts on the wire: what their value by the year became between two days, and what is signed and still to come."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import BarSerializer, Count, MissingRateSerializer, Money, Rate
from crm.api.errors import BadParameter
from crm.api.metrics import question
from crm.api.metrics_breakdown import BreakdownSerializer
from crm.api.metrics_cohorts import RowSerializer, RowsQuery, RowsSerializer, RowsView
from crm.api.queries import DayField
from crm.lib.exceptions import PeriodError
from metrics.leaves import Dimension
from metrics.services.backlog import BacklogFigures, RecognisedSource, backlog
from metrics.services.contract_growth import BARS, ContractGrowth, contract_growth


class ContractsQuery(RowsQuery):
    """Figures of contracts have the basis `contracts`; what the ledger is read by is not asked for."""

    def get_fields(self) -> dict[str, serializers.Field]:
        left_out = {"basis", "credit_notes"}
        return {name: field for name, field in super().get_fields().items() if name not in left_out}


class ContractGrowthQuery(ContractsQuery):
    base = DayField(help_text="The earlier day.")
    comparison = DayField(help_text="The later day; contracts signed by it are known.")
    by = serializers.ChoiceField(
        choices=[(str(one), str(one)) for one in Dimension],
        required=False,
        help_text="Splits the bridge into leaves; a group lies in the leaf of its top.",
    )

    def get_fields(self) -> dict[str, serializers.Field]:
        return {name: field for name, field in super().get_fields().items() if name != "as_of"}


class ListedContractSerializer(serializers.Serializer):
    """A contract, and what is to be said of it; its amount in its own currency."""

    contract = serializers.IntegerField()
    number = serializers.CharField()
    account = serializers.IntegerField()
    account_name = serializers.CharField()
    reason = serializers.CharField()
    amount = Money()
    currency = serializers.CharField()


class ListingSerializer(serializers.Serializer):
    """How many contracts there are, and the first 50 of them."""

    count = serializers.IntegerField()
    shown = ListedContractSerializer(many=True)


class ContractStockSerializer(RowSerializer):
    """Value by the year on both days; `contracts` in force on the comparison day."""

    base = Money(source="values.base")
    comparison = Money(source="values.comparison")
    change = Money(source="values.change")
    growth_rate = Rate(source="values.growth_rate")
    contracts = Count(source="values.contracts")


class ContractGrowthSerializer(RowsSerializer):
    """Value by the year of contracts in force on two days: amount ÷ (whole months ÷ 12 + days beyond ÷ 365), at the exchange
    rate of the day of signing. The bridge: opening + all lines = closing. `breakdown` is there with `by`; largest growth
    first."""

    cohort_accounts = Count(help_text="With a contract in force on the base day.")
    retained_accounts = Count()
    base_value = Money(help_text="Of these accounts.")
    comparison_value = Money()
    total_base_value = Money()
    total_comparison_value = Money()
    growth_rate = Rate()
    overall_growth_rate = Rate()
    net_revenue_retention = Rate()
    gross_revenue_retention = Rate()
    logo_retention = Rate()
    base_contracts = Count()
    comparison_contracts = Count()
    left_out = ListingSerializer(help_text="Contracts that are in no amount, and why.")
    missing_rates = MissingRateSerializer(many=True)
    breakdown = BreakdownSerializer(required=False)
    results = serializers.SerializerMethodField()

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | {name: BarSerializer(source=f"bridge.bars.{name}") for name in BARS}

    @extend_schema_field(ContractStockSerializer(many=True))
    def get_results(self, _answer: ContractGrowth) -> list[dict[str, Any]]:
        return ContractStockSerializer(self.context["page"].rows, many=True).data

    def to_representation(self, answer: ContractGrowth) -> dict[str, Any]:
        told = super().to_representation(answer)
        return told if answer.breakdown else {name: value for name, value in told.items() if name != "breakdown"}


class MonthAheadSerializer(serializers.Serializer):
    month = serializers.CharField(source="period.label")
    first_day = serializers.DateField(source="period.start")
    last_day = serializers.DateField(source="period.last_day")
    amount = Money()


class BacklogRowSerializer(RowSerializer):
    signed = Money(source="values.signed")
    recognised = Money(source="values.recognised")
    recognised_from_records = Money(source="values.recognised_from_records")
    recognised_by_proxy = Money(source="values.recognised_by_proxy")
    backlog = Money(source="values.backlog")
    overrun = Money(source="values.overrun")
    next_12_months = Money(source="values.next_12_months")
    later = Money(source="values.later")
    overdue = Money(source="values.overdue")
    undated = Money(source="values.undated")
    contracts = Count(source="values.contracts")


class BacklogSerializer(RowsSerializer):
    """signed − recognised = backlog − overrun; backlog = next_12_months + later + overdue + undated. Recognised is what the
    books say where they say anything of a contract, else a proxy that decides no recognition (straight line, or milestones
    at acceptance). Largest backlog first."""

    signed = Money()
    recognised = Money()
    recognised_from_records = Money()
    recognised_by_proxy = Money(help_text="A stand-in: straight line, or milestones at acceptance.")
    recognised_source = serializers.ChoiceField(choices=[str(one) for one in RecognisedSource])
    backlog = Money()
    overrun = Money(help_text="Recognised beyond what was signed; the backlog of these contracts is 0.")
    next_12_months = Money()
    later = Money()
    overdue = Money(help_text="Its day has passed.")
    undated = Money(help_text="Nothing says when it comes.")
    contracts = Count()
    contracts_from_records = Count()
    contracts_by_proxy = Count()
    months = MonthAheadSerializer(many=True)
    overrun_contracts = ListingSerializer(help_text="`amount` is what is recognised beyond the contract.")
    left_out = ListingSerializer(help_text="Contracts that are in no amount, and why.")
    missing_rates = MissingRateSerializer(many=True)
    results = serializers.SerializerMethodField()

    @extend_schema_field(BacklogRowSerializer(many=True))
    def get_results(self, _answer: BacklogFigures) -> list[dict[str, Any]]:
        return BacklogRowSerializer(self.context["page"].rows, many=True).data


@question(ContractGrowthQuery, ContractGrowthSerializer, "Do our contracts grow?")
class ContractGrowthView(RowsView):
    order_by = "change"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> ContractGrowth:
        try:
            return contract_growth(accounts, **choices)
        except PeriodError as error:
            raise BadParameter({"base": [str(error)]}) from error


@question(ContractsQuery, BacklogSerializer, "What is signed and still to come?")
class BacklogView(RowsView):
    order_by = "backlog"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> BacklogFigures:
        return backlog(accounts, **choices)


routes = [
    path("metrics/contract-growth/", ContractGrowthView.as_view(), name="metrics-contract-growth"),
    path("metrics/backlog/", BacklogView.as_view(), name="metrics-backlog"),
]
