"""Whether the lifetime model knew, on the wire: its forecasts of a past stretch against what came."""

import math
from typing import Any

from django.urls import path
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import AnswerSerializer, Count, Money, Rate
from crm.api.metrics import FigureView, question
from crm.api.queries import DayField, Query
from metrics.services.lifetime_backtest import HOLDOUT_MONTHS, MAX_HOLDOUT_MONTHS, lifetime_backtest


class BacktestQuery(Query):
    as_of = DayField(required=False, help_text="Last day of the holdout; default: the day the data go up to.")
    holdout_months = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_HOLDOUT_MONTHS, help_text=f"Default {HOLDOUT_MONTHS}."
    )


class Share(Rate):
    """A number that may be undefined."""

    def to_representation(self, value: float) -> float | None:
        return None if math.isnan(value) else super().to_representation(value)


class QualitySerializer(serializers.Serializer):
    """Null where nothing came to compare with, or where all accounts are alike."""

    total = Rate()
    mean_error = Rate(help_text="Mean absolute error an account.")
    total_error = Share(help_text="(total - actual) / actual, a fraction.")
    rank_correlation = Share(help_text="Spearman's.")


class MoneyQualitySerializer(QualitySerializer):
    total = Money()
    mean_error = Money(help_text="Mean absolute error an account.")


class ContestSerializer(serializers.Serializer):
    actual = Rate()
    model = QualitySerializer()
    naive = QualitySerializer(help_text="The same number of months before, taken as the forecast.")
    is_better = serializers.BooleanField(help_text="The model's mean error is the smaller one.")


class MoneyContestSerializer(ContestSerializer):
    actual = Money()
    model = MoneyQualitySerializer()
    naive = MoneyQualitySerializer(help_text="The same number of months before, taken as the forecast.")


class BacktestSerializer(AnswerSerializer):
    """orders counts days with an order; accounts: those in view that had ordered by `cut_on`, the last day the model knew."""

    cut_on = serializers.DateField(read_only=True)
    holdout_months = Count()
    accounts = Count()
    orders = ContestSerializer(read_only=True, allow_null=True)
    revenue = MoneyContestSerializer(read_only=True, allow_null=True)


@question(BacktestQuery, BacktestSerializer, "Would the lifetime model have known what came?")
class BacktestView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return lifetime_backtest(accounts, **choices)


routes = [path("metrics/lifetime/backtest/", BacktestView.as_view(), name="metrics-backtest")]
