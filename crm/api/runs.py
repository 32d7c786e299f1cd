"""Nights: asked for, followed, and what they set apart."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Reach
from accounts.enums import Grade
from accounts.models import Account, User
from crm import nights, tasks
from crm.api.idempotency import idempotent
from crm.api.paging import PAGING_PARAMETERS
from crm.api.queries import DayField
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from tiering.enums import RunState, RunTrigger
from tiering.models import Quarantine, TierRun
from tiering.querysets import STANDING


class RunSerializer(serializers.ModelSerializer):
    """One night. `counts`, `accounts`, `quarantined` and `moves` are over the accounts the caller may see."""

    requested_by = serializers.CharField(source="requested_by.username", read_only=True, default=None, allow_null=True)
    seconds = serializers.FloatField(read_only=True, allow_null=True)
    counts = serializers.SerializerMethodField()
    accounts = serializers.SerializerMethodField()
    quarantined = serializers.SerializerMethodField()
    moves = serializers.SerializerMethodField()
    phases = serializers.ListField(child=serializers.DictField(), read_only=True)

    class Meta:
        model = TierRun
        fields = (
            "id",
            "as_of",
            "model",
            "state",
            "trigger",
            "phases",
            "counts",
            "accounts",
            "quarantined",
            "moves",
            "attempts",
            "error",
            "requested_by",
            "created_at",
            "started_at",
            "finished_at",
            "published_at",
            "seconds",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_counts(self, run: TierRun) -> dict[str, int]:
        """Accounts per grade, every grade present."""
        seen = self.context.get("seen")
        return run.counts if seen is None else dict.fromkeys(Grade.values, 0) | seen[run.pk]["counts"]

    def get_accounts(self, run: TierRun) -> int:
        seen = self.context.get("seen")
        return run.accounts if seen is None else sum(seen[run.pk]["counts"].values())

    def get_quarantined(self, run: TierRun) -> int:
        """Accounts whose figures could not be computed with; they keep the grade they had."""
        seen = self.context.get("seen")
        return run.quarantined if seen is None else seen[run.pk]["quarantined"]

    def get_moves(self, run: TierRun) -> int:
        seen = self.context.get("seen")
        return run.moves if seen is None else seen[run.pk]["moves"]


class QuarantineSerializer(serializers.ModelSerializer):
    """An account that the night set apart: the first figure that is at fault, and why."""

    account_code = serializers.CharField(source="account.code", read_only=True)
    account_name = serializers.CharField(source="account.name", read_only=True)

    class Meta:
        model = Quarantine
        fields = ("account", "account_code", "account_name", "reason", "figure", "value")
        read_only_fields = fields


class NewRunSerializer(StrictSerializer):
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")


class RunFilter(FilterSet):
    class Meta:
        model = TierRun
        fields = {"state": ["exact"], "as_of": ["exact", "gte", "lte"], "trigger": ["exact"], "model": ["exact"]}


class RunViewSet(ListedViewSet):
    """Nights: published, under way, failed. The scores of published ones can be read."""

    serializer_class = RunSerializer
    filterset_class = RunFilter
    ordering_fields = {"id": "pk", "as_of": "as_of", "started_at": "started_at"}
    queryset = TierRun.objects.select_related("requested_by")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self._rendered(page, many=True))

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self._rendered(self.get_object(), many=False))

    @extend_schema(
        description="Ask for a night; one that is asked for already is given again. A worker does it.",
        request=NewRunSerializer,
        responses={202: RunSerializer},
    )
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewRunSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        run = nights.request_night(requested_by=request.user, as_of=form.validated_data.get("as_of"))
        transaction.on_commit(
            lambda: tasks.send(tasks.nightly_task, as_of=run.as_of.isoformat(), trigger=RunTrigger.PAGE)
        )
        headers = {"Location": self.location_of(run)}
        return Response(self._rendered(run, many=False), status=status.HTTP_202_ACCEPTED, headers=headers)

    @extend_schema(
        description="The accounts that the night set apart, of those the caller may see.",
        responses=QuarantineSerializer(many=True),
    )
    @action(detail=True, detail_parameters=PAGING_PARAMETERS, filterset_class=None)
    def quarantined(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        mine = Account.objects.visible_to(request.user)
        rows = Quarantine.objects.filter(run=self.get_object(), run__state=RunState.PUBLISHED, account__in=mine)
        page = self.paginate_queryset(rows.select_related("account").order_by("account"))
        return self.get_paginated_response(QuarantineSerializer(page, many=True).data)

    def _rendered(self, runs: Any, *, many: bool) -> Any:
        context = {**self.get_serializer_context(), "seen": _seen(runs if many else [runs], self.request.user)}
        return RunSerializer(runs, many=many, context=context).data


def _seen(runs: Sequence[TierRun], user: User) -> dict[int, dict[str, Any]] | None:
    """Counts and moves of these runs over the visible accounts, a query or two; None for those who see every account."""
    if user.reach is Reach.ALL:
        return None
    seen: dict[int, dict[str, Any]] = {run.pk: {"counts": {}, "moves": 0, "quarantined": 0} for run in runs}
    visible = Account.objects.visible_to(user)
    nights = TierRun.objects.filter(STANDING, pk__in=[run.pk for run in runs], base__rows__account__in=visible)
    moved = ~Q(base__rows__previous_grade__in=["", F("base__rows__grade")]) & Q(base__rows__run=F("pk"))
    counted = nights.order_by().values("pk", "base__rows__grade")
    for row in counted.annotate(found=Count("base__rows__pk"), moved=Count("base__rows__pk", filter=moved)):
        seen[row["pk"]]["counts"][row["base__rows__grade"]] = row["found"]
        seen[row["pk"]]["moves"] += row["moved"]
    with_faults = [run for run in runs if run.quarantined]
    if not with_faults:
        return seen
    apart = Quarantine.objects.filter(run__in=with_faults)
    apart = apart.filter(account__in=Account.objects.visible_to(user)).order_by()
    for pk, found in apart.values_list("run").annotate(found=Count("pk")):
        seen[pk]["quarantined"] = found
    return seen
