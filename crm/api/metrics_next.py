"""What comes next, on the wire: forecast, and the accounts that may leave with the reasons for it."""

from typing import Any

from django.urls import path
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.querysets import AccountQuerySet
from crm.api.answers import AnswerSerializer, Count, Money, Rate
from crm.api.metrics import FigureView, question
from crm.api.metrics_cohorts import RowSerializer, RowsPage, RowsQuery, RowsSerializer
from crm.api.metrics_decomposition import NO_LEAVES
from crm.api.paging import DEFAULT_SIZE, MAX_SIZE
from crm.api.queries import DayField, LevelQuery, portfolio
from metrics.leaves import Dimension
from metrics.services.decline import SIGNALS, DeclineFigures, decline
from metrics.services.forecast import HORIZON_MONTHS, MAX_HORIZON_MONTHS, ForecastFigures, forecast


class ForecastQuery(LevelQuery):
    horizon_months = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_HORIZON_MONTHS, help_text=f"Default {HORIZON_MONTHS}."
    )
    by = serializers.ChoiceField(
        choices=[(name, name) for name in (NO_LEAVES, *map(str, Dimension))],
        required=False,
        help_text="Leaves to forecast on their own, as the accounts stand today. Default: none.",
    )
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")

    def validate_by(self, value: str) -> str | None:
        return None if value == NO_LEAVES else value


class ForecastMonthSerializer(serializers.Serializer):
    month = serializers.CharField(source="period.label")
    value = Money()
    low = Money()
    high = Money()


class ForecastPastSerializer(serializers.Serializer):
    month = serializers.CharField(source="period.label")
    value = Money()


class ForecastSeriesSerializer(serializers.Serializer):
    """`months` is empty, and `reason` says why, unless a method was closer than the same month of the year before in a
    backtest from `origins` past months. `mase` and `wape` are its misses, `baseline_…` those of the year before."""

    is_shown = serializers.BooleanField(read_only=True)
    reason = serializers.CharField(read_only=True)
    history_months = Count()
    forecast_revenue = Money()
    past_revenue = Money(help_text="Of as many complete months before.")
    method = serializers.CharField(read_only=True, allow_null=True)
    pattern = serializers.CharField(read_only=True)
    origins = Count()
    train_months = Count(help_text="Months before the first origin.")
    mase = Rate()
    wape = Rate()
    baseline_mase = Rate()
    baseline_wape = Rate()
    months = ForecastMonthSerializer(many=True, read_only=True)
    past = ForecastPastSerializer(many=True, read_only=True)


class ForecastLeafSerializer(ForecastSeriesSerializer):
    """`key` is the value as the account filters take it, "" where none is given."""

    key = serializers.CharField()
    label = serializers.CharField()


class ForecastSerializer(AnswerSerializer):
    """The whole and each leaf are forecast on their own, so leaves need not add up to the whole."""

    horizon_months = Count()
    coverage = Rate(help_text="Share of months that should fall between low and high.")
    by = serializers.SerializerMethodField()
    whole = ForecastSeriesSerializer(read_only=True)
    leaves = ForecastLeafSerializer(many=True, read_only=True)

    def get_by(self, figures: ForecastFigures) -> str:
        return str(figures.by or NO_LEAVES)


class DeclineQualitySerializer(serializers.Serializer):
    """Of the accounts at the top of a list: hits ÷ listed, hits ÷ all declines, and how many times better than chance."""

    listed = Count()
    hits = Rate()
    precision = serializers.SerializerMethodField()
    recall = serializers.SerializerMethodField()
    lift = serializers.SerializerMethodField()

    def get_precision(self, quality: Any) -> float | None:
        return _known(quality.precision)

    def get_recall(self, quality: Any) -> float | None:
        return _known(quality.recall)

    def get_lift(self, quality: Any) -> float | None:
        return _known(quality.lift)


class DeclineBandSerializer(serializers.Serializer):
    """Accounts with `first` to `last` points on the cut date, and the share of them that declined."""

    first = Count()
    last = Count()
    accounts = Count()
    expected = Rate(help_text="From the year before that; null where it had none.")
    observed = Rate()


class DeclineBacktestSerializer(serializers.Serializer):
    """Over all customers of the ledger: signals as known on `cut_on`, declines of the 12 months after it."""

    cut_on = serializers.DateField(allow_null=True)
    accounts = Count()
    declines = Count()
    points = DeclineQualitySerializer(allow_null=True)
    baseline = DeclineQualitySerializer(allow_null=True)
    flagged = DeclineQualitySerializer(allow_null=True, help_text="All by the plain rule.")
    points_as_many = DeclineQualitySerializer(allow_null=True, help_text="As many by points.")
    bands = DeclineBandSerializer(many=True)
    calibration_error = Rate()
    is_better = serializers.BooleanField(allow_null=True)
    reason = serializers.CharField()


CONTRIBUTIONS = {
    "type": "object",
    "properties": {str(signal): {"type": ["number", "null"]} for signal in SIGNALS},
}


class DeclinerSerializer(RowSerializer):
    """`contributions` add up to `points`; null where a signal is not known for the account."""

    points = Rate(source="values.points")
    band = serializers.CharField(source="values.band", help_text="high, watch, low or unknown.")
    contributions = serializers.SerializerMethodField()
    evidence = Rate(source="values.evidence", help_text="Share of the 100 points that the known signals can give.")
    rhythm = Rate(source="values.rhythm", help_text="Days since the last order ÷ own median interval.")
    last_order_on = serializers.DateField(source="values.last_order_on")
    ttm_revenue = Money(source="values.ttm_revenue")
    prior_ttm_revenue = Money(source="values.prior_ttm_revenue")
    money_at_stake = Money(source="values.money_at_stake")

    @extend_schema_field(CONTRIBUTIONS)
    def get_contributions(self, row: Any) -> dict[str, float | None]:
        return {str(signal): row.values[f"{signal}_points"] for signal in SIGNALS}


class DeclineSerializer(RowsSerializer):
    """Accounts that bought within 12 months, most at risk first: by `points`, or by `rhythm` where the backtest found
    points no better."""

    watched_accounts = Count()
    at_risk_accounts = Count()
    watch_accounts = Count()
    unknown_accounts = Count()
    late_rhythm_accounts = Count()
    at_risk_money = Money()
    late_rhythm_money = Money()
    order_by = serializers.CharField(read_only=True)
    backtest = DeclineBacktestSerializer(read_only=True)
    results = serializers.SerializerMethodField()

    @extend_schema_field(DeclinerSerializer(many=True))
    def get_results(self, _answer: DeclineFigures) -> list[dict[str, Any]]:
        return DeclinerSerializer(self.context["page"].rows, many=True).data


@question(ForecastQuery, ForecastSerializer, "What comes next?")
class ForecastView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return forecast(accounts, **choices)


@question(RowsQuery, DeclineSerializer, "Who is about to leave?")
class DeclineView(FigureView):
    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        number, size = choices.pop("page", 1), min(choices.pop("page_size", DEFAULT_SIZE), MAX_SIZE)
        answer = decline(portfolio(request), **choices)
        page = RowsPage.of(answer.table, request, order_by=answer.order_by, number=number, size=size)
        return Response(self.serializer_class(answer, context={"page": page}).data)


def _known(value: float) -> float | None:
    return None if value != value else value  # noqa: PLR0124 (NaN is no JSON)


routes = [
    path("metrics/forecast/", ForecastView.as_view(), name="metrics-forecast"),
    path("metrics/decline/", DeclineView.as_view(), name="metrics-decline"),
]
