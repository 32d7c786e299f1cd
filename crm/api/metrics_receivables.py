"""What customers owe, on the wire: open invoices of many accounts by age."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import Count, MissingRateSerializer, Money, Rate
from crm.api.metrics import question
from crm.api.metrics_cohorts import RowSerializer, RowsQuery, RowsSerializer, RowsView
from metrics.services.receivables_ageing import ReceivablesFigures, receivables_ageing


class ReceivablesQuery(RowsQuery):
    """The basis of these figures is `receivables`; what the ledger is read by is not asked for."""

    def get_fields(self) -> dict[str, serializers.Field]:
        left_out = {"basis", "credit_notes"}
        return {name: field for name, field in super().get_fields().items() if name not in left_out}


class OwingAccountSerializer(RowSerializer):
    owed = Money(source="values.owed")
    owed_not_due = Money(source="values.owed_not_due")
    owed_30 = Money(source="values.owed_30")
    owed_60 = Money(source="values.owed_60")
    owed_90 = Money(source="values.owed_90")
    owed_older = Money(source="values.owed_older")
    owed_overdue = Money(source="values.owed_overdue")
    fell_due = Money(source="values.fell_due")
    paid_in_time = Money(source="values.paid_in_time")
    on_time_share = Rate(source="values.on_time_share")
    oldest = Rate(
        source="values.oldest", help_text="Days after the due day of its oldest open invoice; below 0 before it."
    )
    open_invoices = Count(source="values.open_invoices")


class ReceivablesSerializer(RowsSerializer):
    """owed = owed_not_due + owed_overdue, which is owed_30 + owed_60 + owed_90 + owed_older: open up to 30, 31 to 60, 61 to
    90 and more than 90 days after the due day. Closing rates of the day. Who owes most first."""

    since = serializers.DateField(help_text="First day of the 12 whole months.")
    owed = Money()
    owed_not_due = Money()
    owed_30 = Money()
    owed_60 = Money()
    owed_90 = Money()
    owed_older = Money()
    owed_overdue = Money()
    overdue_share = Rate()
    fell_due = Money(help_text="Due since the first day of the last 12 whole months.")
    paid_in_time = Money(help_text="What of it was paid by its due day.")
    on_time_share = Rate()
    issued = Money(help_text="Invoices issued since the first day of the last 12 whole months.")
    days_outstanding = Rate(help_text="owed ÷ issued × the days since the first of those months.")
    open_invoices = Count()
    owing_accounts = Count()
    late_accounts = Count()
    missing_rates = MissingRateSerializer(many=True)
    results = serializers.SerializerMethodField()

    @extend_schema_field(OwingAccountSerializer(many=True))
    def get_results(self, _answer: ReceivablesFigures) -> list[dict[str, Any]]:
        return OwingAccountSerializer(self.context["page"].rows, many=True).data


@question(ReceivablesQuery, ReceivablesSerializer, "What do they owe us, and since when?")
class ReceivablesView(RowsView):
    order_by = "owed"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> ReceivablesFigures:
        return receivables_ageing(accounts, **choices)


routes = [path("metrics/receivables/", ReceivablesView.as_view(), name="metrics-receivables")]
