"""Backtests over REST: asked for, done by a worker, read once they are done."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from crm import tasks
from crm.api.idempotency import idempotent
from crm.api.queries import DayField
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from tiering.models import BacktestRun, ScoringModel
from tiering.services_backtests import request_backtest


class BacktestRunSerializer(serializers.ModelSerializer):
    """`result` is null until it is done. It counts every account. `validity`: rank correlation of score and of last year's
    revenue with the `measure` of the next 12 months, by month-end; `by_grade`: what became of each grade, an account once
    for every month-end; `with_rules` and `without_rules`: moves, and those taken back within four evaluations."""

    requested_by = serializers.CharField(source="requested_by.username", read_only=True, default=None, allow_null=True)
    model_name = serializers.CharField(source="model.__str__", read_only=True)
    seconds = serializers.FloatField(read_only=True, allow_null=True)
    result = serializers.SerializerMethodField()

    class Meta:
        model = BacktestRun
        fields = (
            *("id", "model", "model_name", "first_on", "last_on", "state", "done_days", "days", "attempts", "error"),
            *("requested_by", "created_at", "started_at", "finished_at", "seconds", "result"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": ["object", "null"]})
    def get_result(self, run: BacktestRun) -> dict[str, Any] | None:
        return run.result


class NewBacktestSerializer(StrictSerializer):
    """Over the month-ends from one day to another; the version is the active one or a draft."""

    model = serializers.PrimaryKeyRelatedField(queryset=ScoringModel.objects.all())
    first = DayField()
    last = DayField()


class BacktestFilter(FilterSet):
    class Meta:
        model = BacktestRun
        fields = {"state": ["exact"], "model": ["exact"]}


class BacktestViewSet(ListedViewSet):
    """How versions of the model would have graded the past; nothing but the result is written."""

    serializer_class = BacktestRunSerializer
    filterset_class = BacktestFilter
    ordering_fields = {"id": "pk", "created_at": "created_at"}
    queryset = BacktestRun.objects.none()

    def get_queryset(self) -> QuerySet[BacktestRun]:
        return BacktestRun.objects.select_related("model", "requested_by")

    @extend_schema(responses=BacktestRunSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        description="Ask for a backtest; the same one that is not done yet is given again. A worker does it.",
        request=NewBacktestSerializer,
        responses={202: BacktestRunSerializer},
    )
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewBacktestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        run = request_backtest(requested_by=request.user, **form.validated_data)
        transaction.on_commit(lambda: tasks.send(tasks.backtest_task, backtest_id=run.pk))
        headers = {"Location": self.location_of(run)}
        return Response(self.get_serializer(run).data, status=status.HTTP_202_ACCEPTED, headers=headers)
