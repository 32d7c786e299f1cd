"""Account teams over REST: load, gaps, rules and tasks."""

from __future__ import annotations

import math
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.enums import Grade, TeamRole
from crm.api.accounts import STAMPS
from crm.api.answers import Rate
from crm.api.errors import BadParameter
from crm.api.etag import TaggedUpdateMixin, check_match
from crm.api.fields import UserKeyField, VisibleKeyField
from crm.api.filters import PortfolioFilter, UserFilter, VisibleAccountFilter, check_parameters
from crm.api.idempotency import idempotent
from crm.api.queries import portfolio
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import ReadableViewSet
from plans import services_tasks
from plans.enums_team import TaskOutcome, TeamGap
from plans.models import Task, TeamRule
from plans.team_frames import GRADES, ROLES
from plans.team_health import GAPS, NO_ROLE, PersonLoad, TeamHealth, team_health
from plans.wording_team import task_text

A_PAGE, MOST = 50, 500


class PageQuery(serializers.Serializer):
    page = serializers.IntegerField(min_value=1, max_value=10**6, required=False, default=1)
    page_size = serializers.IntegerField(min_value=1, required=False, default=A_PAGE, help_text="At most 500.")


class GapQuery(PageQuery):
    gap = serializers.ChoiceField(choices=TeamGap.choices, required=False)
    role = serializers.ChoiceField(choices=TeamRole.choices, required=False)


class PersonLoadSerializer(serializers.Serializer):
    """Over the accounts the caller may see: each account once, deputies carry nothing."""

    user = serializers.IntegerField(source="user.pk")
    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.display_name")
    is_active = serializers.BooleanField(source="user.is_active")
    load = serializers.IntegerField()
    capacity = serializers.IntegerField()
    is_over = serializers.BooleanField()
    accounts = serializers.IntegerField()
    seats = serializers.SerializerMethodField()
    deputies = serializers.IntegerField()

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "integer"}})
    def get_seats(self, one: PersonLoad) -> dict[str, int]:
        return dict(zip(ROLES, one.seats, strict=True))


class GradeStandingSerializer(serializers.Serializer):
    grade = serializers.ChoiceField(choices=Grade.choices)
    accounts = serializers.IntegerField()
    incomplete = serializers.IntegerField(help_text="Accounts with a required seat that does not stand.")
    share = Rate(help_text="Share of required seats that stand.")


class LoadAnswerSerializer(serializers.Serializer):
    as_of = serializers.DateField()
    accounts = serializers.IntegerField()
    incomplete = serializers.IntegerField()
    share = Rate()
    count = serializers.IntegerField(
        help_text="People in all; `results` is one page of them, the most overloaded first."
    )
    grades = GradeStandingSerializer(many=True)
    results = PersonLoadSerializer(many=True)


class TeamGapRowSerializer(serializers.Serializer):
    account = serializers.IntegerField()
    grade = serializers.ChoiceField(choices=Grade.choices)
    gap = serializers.ChoiceField(choices=TeamGap.choices)
    role = serializers.CharField(allow_null=True, help_text="The seat; null where the gap is about the whole team.")
    user = serializers.IntegerField(allow_null=True, help_text="Who holds the seat.")


class GapAnswerSerializer(serializers.Serializer):
    as_of = serializers.DateField()
    count = serializers.IntegerField()
    results = TeamGapRowSerializer(many=True)


class _TeamView(APIView):
    http_method_names = ["get", "head"]
    query: type[PageQuery] = PageQuery

    def asked(self, request: Request) -> dict[str, Any]:
        names = [str(name) for name in self.query().fields]
        found = self.query(data={name: request.query_params[name] for name in names if name in request.query_params})
        check_parameters(request, {*found.fields, *PortfolioFilter.base_filters})
        if not found.is_valid():
            raise BadParameter(found.errors)
        return dict(found.validated_data)

    def health(self, request: Request) -> TeamHealth:
        return team_health(portfolio(request), on=timezone.localdate())


def _slice(asked: dict[str, Any]) -> slice:
    size = min(asked["page_size"], MOST)
    return slice((asked["page"] - 1) * size, asked["page"] * size)


class TeamLoadView(_TeamView):
    """What each person carries, and how the triangles stand by grade."""

    serializer_class = LoadAnswerSerializer

    @extend_schema(
        description="Load against capacity, a row a person; accounts as the caller may see them.",
        parameters=[PageQuery],
        responses=LoadAnswerSerializer,
        tags=["teams"],
    )
    def get(self, request: Request) -> Response:
        asked, health = self.asked(request), self.health(request)
        people = health.people()
        answer = {
            "as_of": health.on, "accounts": len(health.ids), "incomplete": int(health.is_incomplete.sum()),
            "share": None if math.isnan(health.share) else health.share, "count": len(people),
            "grades": health.by_grade(), "results": people[_slice(asked)],
        }  # fmt: skip
        return Response(LoadAnswerSerializer(answer).data)


class TeamGapsView(_TeamView):
    serializer_class = GapAnswerSerializer
    query = GapQuery

    @extend_schema(
        description="Gaps of account teams, the weightiest accounts first.",
        parameters=[GapQuery],
        responses=GapAnswerSerializer,
        tags=["teams"],
    )
    def get(self, request: Request) -> Response:
        asked, health = self.asked(request), self.health(request)
        gaps = health.gaps
        if "gap" in asked:
            gaps = gaps.where(gaps.gap == GAPS.index(asked["gap"]))
        if "role" in asked:
            gaps = gaps.where(gaps.role == ROLES.index(asked["role"]))
        places = range(len(gaps))[_slice(asked)]
        rows = [
            {
                "account": int(health.ids[gaps.at[one]]),
                "grade": GRADES[health.facts.grade[gaps.at[one]]],
                "gap": GAPS[gaps.gap[one]],
                "role": None if gaps.role[one] == NO_ROLE else ROLES[gaps.role[one]],
                "user": int(gaps.user[one]) or None,
            }
            for one in places
        ]
        return Response(GapAnswerSerializer({"as_of": health.on, "count": len(gaps), "results": rows}).data)


class TeamRuleSerializer(RuledSerializer):
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=TeamRole.choices), max_length=len(TeamRole.values)
    )

    class Meta:
        model = TeamRule
        fields = ("id", "grade", "roles", "needs_deputy", "points", *STAMPS)
        read_only_fields = ("id", "grade", *STAMPS)


class TeamRuleFilter(FilterSet):
    class Meta:
        model = TeamRule
        fields = ["grade"]


class TeamRuleViewSet(TaggedUpdateMixin, ReadableViewSet):
    """What each grade asks of its team: seats, deputies, and the points an account weighs on a person."""

    serializer_class = TeamRuleSerializer
    filterset_class = TeamRuleFilter
    ordering_fields = {"id": "pk"}
    queryset = TeamRule.objects.all()


class TaskSerializer(serializers.ModelSerializer):
    """`text` of a task that a gap opened follows from `gap` and `role`, in the language of the request."""

    text = serializers.CharField(max_length=300)
    owner = UserKeyField(allow_null=True)
    owner_name = serializers.CharField(source="owner.display_name", read_only=True, default=None, allow_null=True)

    class Meta:
        model = Task
        fields = (
            *("id", "text", "account", "about", "owner", "owner_name", "due_on", "origin", "gap", "role", "done_on"),
            *("outcome", *STAMPS),
        )
        read_only_fields = ("id", "account", "about", "origin", "gap", "role", "done_on", "outcome", *STAMPS)

    def to_representation(self, task: Task) -> dict[str, Any]:
        return super().to_representation(task) | {"text": task_text(task)}


class NewTaskSerializer(StrictSerializer):
    """The caller's own unless `owner` is given."""

    text = serializers.CharField(max_length=300)
    account = VisibleKeyField(required=False, allow_null=True)
    owner = UserKeyField(required=False)
    due_on = serializers.DateField()


class ChangedTaskSerializer(StrictSerializer):
    text = serializers.CharField(max_length=300, required=False)
    owner = UserKeyField(required=False, allow_null=True)
    due_on = serializers.DateField(required=False)


class EndTaskSerializer(StrictSerializer):
    outcome = serializers.ChoiceField(
        choices=[TaskOutcome.DONE.value, TaskOutcome.DROPPED.value], required=False, default="done"
    )


class TaskFilter(FilterSet):
    account = VisibleAccountFilter()
    owner = UserFilter()

    class Meta:
        model = Task
        fields = {
            "gap": ["exact"], "role": ["exact"], "origin": ["exact"], "due_on": ["lt", "gte"],
            "done_on": ["isnull", "gte"], "outcome": ["exact"],
        }  # fmt: skip


class TaskViewSet(ReadableViewSet):
    """Tasks: written down, or opened by the night where a team has a gap; those close by themselves with the gap."""

    serializer_class = TaskSerializer
    filterset_class = TaskFilter
    ordering_fields = {"id": "pk", "due_on": "due_on", "account": "account_id"}
    queryset = Task.objects.none()

    def get_queryset(self) -> QuerySet[Task]:
        return Task.objects.visible_to(self.request.user).select_related("owner", "about")

    @extend_schema(request=NewTaskSerializer, responses={201: TaskSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewTaskSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        made = services_tasks.write_task(made_by=request.user, **({"owner": request.user} | form.validated_data))
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="Words, owner and day of an open task; needs If-Match.", request=ChangedTaskSerializer)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            rows = Task.objects.filter(pk=self.get_object().pk).select_for_update(of=("self",))
            check_match(request, self.get_serializer(rows.get()).data)
            form = ChangedTaskSerializer(data=request.data, context=self.get_serializer_context())
            form.is_valid(raise_exception=True)
            changed = services_tasks.change_task(task=rows.get(), **form.validated_data)
        return self.tagged(changed)

    @extend_schema(description="Done, or dropped; a task of a gap closes by itself.", request=EndTaskSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = EndTaskSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        done = services_tasks.end_task(
            task=self.get_object(), by=request.user, on=timezone.localdate(), **form.validated_data
        )
        return self.tagged(done)
