"""Cohorts, sleepers and kinds of customers on the wire: the figures, and the accounts behind them a page at a time."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.querysets import AccountQuerySet
from crm.api.answers import AnswerSerializer, Count, Money, Rate
from crm.api.errors import BadParameter
from crm.api.metrics import FigureView, question
from crm.api.paging import DEFAULT_SIZE, MAX_SIZE
from crm.api.queries import DayField, LevelQuery, PeriodField, portfolio
from crm.lib.exceptions import PeriodError
from metrics.formulas.cohorts import CohortBase
from metrics.services.base import AccountRow, AccountTable
from metrics.services.cohorts import cohorts
from metrics.services.segments import segments
from metrics.services.sleepers import sleepers
from metrics.services.trend import Interval


class CohortsQuery(LevelQuery):
    interval = serializers.ChoiceField(
        choices=[(str(name), str(name)) for name in Interval], required=False, help_text="Default quarter."
    )
    share_base = serializers.ChoiceField(
        choices=[(str(name), str(name)) for name in CohortBase],
        required=False,
        help_text="Period that revenue shares are measured from: the first (default), which is only a part of one, or"
        " the first full one.",
    )
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")


class RowsQuery(LevelQuery):
    """A question whose answer lists accounts."""

    page = serializers.IntegerField(
        required=False, min_value=1, help_text="Number of the page, from 1; past the end 404."
    )
    page_size = serializers.IntegerField(
        required=False, min_value=1, help_text=f"Rows a page: {DEFAULT_SIZE} unless given, at most {MAX_SIZE}."
    )
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")


class SegmentsQuery(RowsQuery):
    period = PeriodField(required=False, help_text="Of orders, revenue and profit; default the last 12 whole months.")


class CellSerializer(serializers.Serializer):
    """A period that is not over has `is_finished` false and nulls; `reason` says why something is null."""

    age = serializers.IntegerField()
    period = serializers.CharField(source="period.label")
    is_finished = serializers.BooleanField()
    active = Count()
    active_share = Rate()
    revenue = Money()
    revenue_share = Rate()
    reason = serializers.CharField()


class CohortSerializer(serializers.Serializer):
    period = serializers.CharField(source="period.label")
    first_day = serializers.DateField(source="period.start")
    last_day = serializers.DateField(source="period.last_day")
    accounts = serializers.IntegerField()
    cells = CellSerializer(many=True)


class PooledSerializer(serializers.Serializer):
    age = serializers.IntegerField()
    accounts = serializers.IntegerField(help_text="Of the cohorts that have reached the age.")
    active_share = Rate()
    revenue_share = Rate()
    reason = serializers.CharField()


class CohortsSerializer(AnswerSerializer):
    """Rows are the periods of first positive revenue, oldest first; cells go by age, up to the period of the as-of day."""

    interval = serializers.CharField(read_only=True)
    share_base = serializers.CharField(read_only=True)
    placed_accounts = Count()
    left_out_accounts = Count(help_text="Customers from before the data start: in no cohort.")
    cohorts = CohortSerializer(many=True, read_only=True)
    pooled = PooledSerializer(many=True, read_only=True)
    next_active_share = Rate()
    next_revenue_share = Rate()
    year_active_share = Rate()
    year_revenue_share = Rate()


class RowSerializer(serializers.Serializer):
    """One account, or at group level the root of the group or its first member in view."""

    account = serializers.IntegerField(source="account_id")
    code = serializers.CharField()
    name = serializers.CharField()
    members = serializers.IntegerField(help_text="Accounts of the group in view; 1 for a legal entity.")


class SleeperSerializer(RowSerializer):
    state = serializers.CharField(source="values.state", help_text="late or churned.")
    next_step = serializers.CharField(source="values.next_step", help_text="offer, contact, win_back or decide.")
    last_order_on = serializers.DateField(source="values.last_order_on")
    days_silent = Rate(source="values.days_silent")
    usual_interval = Rate(source="values.usual_interval", help_text="Median days between order days; null under three.")
    rhythm = Rate(source="values.rhythm", help_text="Days silent ÷ usual interval; null under four order days.")
    ttm_revenue = Money(source="values.ttm_revenue")
    prior_ttm_revenue = Money(source="values.prior_ttm_revenue")
    money_at_stake = Money(source="values.money_at_stake")


class SegmentedSerializer(RowSerializer):
    """Scores 1 to 5, higher is better; null, and segment and band empty, where the revenue is not known."""

    recency = Rate(source="values.recency")
    frequency = Rate(source="values.frequency")
    monetary = Rate(source="values.monetary")
    segment = serializers.CharField(source="values.segment")
    band = serializers.CharField(source="values.band")
    stability = Rate(
        source="values.stability", help_text="1 ÷ (1 + variation of the intervals); null under four order days."
    )
    is_stable = serializers.BooleanField(source="values.is_stable")
    is_stable_profitable = serializers.BooleanField(source="values.is_stable_profitable")
    days_silent = Rate(source="values.days_silent")
    orders = Count(source="values.orders")
    revenue = Money(source="values.revenue")
    profit = Money(source="values.profit")


@dataclass(frozen=True, slots=True)
class RowsPage:
    """One page of the accounts behind an answer, and the addresses of its neighbours."""

    count: int
    rows: list[AccountRow]
    next: str | None
    previous: str | None

    @classmethod
    def of(cls, table: AccountTable, request: Request, *, order_by: str, number: int, size: int) -> Self:
        """Raises NotFound past the last page."""
        last = max(1, -(-len(table) // size))
        if number > last:
            raise NotFound(_("There are %(count)s pages.") % {"count": last})
        address = request.build_absolute_uri()
        return cls(
            count=len(table),
            rows=table.rows(order_by=order_by, limit=size, offset=(number - 1) * size),
            next=replace_query_param(address, "page", number + 1) if number < last else None,
            previous=replace_query_param(address, "page", number - 1) if number > 1 else None,
        )


class RowsSerializer(AnswerSerializer):
    """Figures over all accounts, and one page of the accounts, which the context carries."""

    count = serializers.SerializerMethodField(help_text="Accounts on all pages.")
    next = serializers.SerializerMethodField()
    previous = serializers.SerializerMethodField()

    def get_count(self, _answer: Any) -> int:
        return self.context["page"].count

    def get_next(self, _answer: Any) -> str | None:
        return self.context["page"].next

    def get_previous(self, _answer: Any) -> str | None:
        return self.context["page"].previous


class SleepersSerializer(RowsSerializer):
    """Most money at stake first."""

    watched_accounts = Count()
    sleeping_accounts = Count()
    late_accounts = Count()
    churned_accounts = Count()
    no_rhythm_accounts = Count()
    sleeping_share = Rate()
    money_at_stake = Money()
    late_money = Money()
    churned_money = Money()
    results = serializers.SerializerMethodField()

    @extend_schema_field(SleeperSerializer(many=True))
    def get_results(self, _answer: Any) -> list[dict[str, Any]]:
        return SleeperSerializer(self.context["page"].rows, many=True).data


class SegmentTotalSerializer(serializers.Serializer):
    segment = serializers.CharField()
    accounts = serializers.IntegerField()
    revenue = Money()
    revenue_share = Rate()


class BandTotalSerializer(serializers.Serializer):
    band = serializers.CharField()
    action = serializers.CharField(help_text="focus, cultivate or reassess.")
    accounts = serializers.IntegerField()
    revenue = Money()
    revenue_share = Rate()


class PartTotalSerializer(serializers.Serializer):
    key = serializers.CharField(help_text="As the filter of this name takes it; empty where none is given.")
    label = serializers.CharField()
    accounts = serializers.IntegerField()
    revenue = Money()
    revenue_share = Rate()


class AxisTotalsSerializer(serializers.Serializer):
    axis = serializers.CharField(help_text="need, potential, size or industry.")
    parts = PartTotalSerializer(many=True)


class SegmentsSerializer(RowsSerializer):
    """Largest revenue first. `measure` says what value bands are made of: gross_profit, or revenue where cost
    is missing, or hidden from who asks."""

    measure = serializers.CharField(read_only=True)
    scored_accounts = Count()
    unscored_accounts = Count()
    is_few = serializers.BooleanField(read_only=True, help_text="So few accounts that scores say little.")
    segments = SegmentTotalSerializer(many=True, read_only=True)
    bands = BandTotalSerializer(many=True, read_only=True)
    axes = AxisTotalsSerializer(many=True, read_only=True)
    high_value_accounts = Count()
    high_value_share = Rate()
    stable_accounts = Count()
    stable_profitable_accounts = Count()
    results = serializers.SerializerMethodField()

    @extend_schema_field(SegmentedSerializer(many=True))
    def get_results(self, _answer: Any) -> list[dict[str, Any]]:
        return SegmentedSerializer(self.context["page"].rows, many=True).data


@question(CohortsQuery, CohortsSerializer, "How do cohorts develop?")
class CohortsView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        try:
            return cohorts(accounts, **choices)
        except PeriodError as error:
            raise BadParameter({"interval": [str(error)]}) from error


class RowsView(FigureView):
    """A question whose answer lists accounts, ordered by ``order_by``, largest first."""

    order_by: ClassVar[str]

    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        number, size = choices.pop("page", 1), min(choices.pop("page_size", DEFAULT_SIZE), MAX_SIZE)
        answer = self.answer(portfolio(request), **choices)
        page = RowsPage.of(answer.table, request, order_by=self.order_by, number=number, size=size)
        return Response(self.serializer_class(answer, context={"page": page}).data)


@question(RowsQuery, SleepersSerializer, "Who sleeps?")
class SleepersView(RowsView):
    order_by = "money_at_stake"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return sleepers(accounts, **choices)


@question(SegmentsQuery, SegmentsSerializer, "Which kinds of customers do we have?")
class SegmentsView(RowsView):
    order_by = "revenue"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return segments(accounts, with_axes=True, **choices)


routes = [
    path("metrics/cohorts/", CohortsView.as_view(), name="metrics-cohorts"),
    path("metrics/sleepers/", SleepersView.as_view(), name="metrics-sleepers"),
    path("metrics/segments/", SegmentsView.as_view(), name="metrics-segments"),
]
