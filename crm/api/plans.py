"""Policies in versions, promises against what was delivered, and remediation plans."""

from typing import Any

from django.core.exceptions import ValidationError as ModelError
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.fields import get_error_detail
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import Grade
from accounts.models import Account
from crm.api.answers import Money, Rate
from crm.api.etag import check_match, locked_to_delete
from crm.api.fields import UserKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet, ReadableViewSet
from crm.lib.wall import narrowed
from plans.enums import PROMISED_GRADES, Clock, Level, Outcome, PromiseKind, PromiseState, PromiseType, Span
from plans.models import AccountCompliance, PolicyVersion, Promise, RemediationAction, RemediationPlan, Strategy
from plans.selectors import AccountPromises, remediations_in_view, versions
from plans.selectors_portfolio import grade_sums, latest, overall
from plans.services import activate_policy, discard_draft, draft_policy, edit_grade
from plans.services_work import change_remediation, close_remediation
from plans.wording import promise_text

WORDS = tuple(f"{name}_{language}" for name in ("purpose", "strategy") for language in ("en", "zh_hans", "zh_hant"))
TEXTS = ("customer_text_en", "customer_text_zh_hans", "customer_text_zh_hant")


class PromiseSerializer(serializers.ModelSerializer):
    """One row of a policy. `unit_cost` is the cost of one time where it is counted, of a year elsewhere; `text` says what is
    promised in the reader's language."""

    kind = serializers.ChoiceField(choices=PromiseKind.choices, read_only=True)
    text = serializers.SerializerMethodField()
    version = serializers.IntegerField(source="version_id", read_only=True)

    class Meta:
        model = Promise
        fields = (
            *(
                "id",
                "version",
                "grade",
                "type",
                "kind",
                "text",
                "target",
                "level",
                "unit",
                "period",
                "clock",
                "severity",
            ),
            *("start_event", "stop_event", "evidence", "counts_remote", "weight", "unit_cost", "currency", *TEXTS),
        )
        read_only_fields = fields

    def get_text(self, promise: Promise) -> str:
        return promise_text(promise)


class GradeStrategySerializer(serializers.ModelSerializer):
    class Meta:
        model = Strategy
        fields = ("grade", *WORDS)
        read_only_fields = fields


class PolicySerializer(serializers.ModelSerializer):
    """A version. Half-open: `valid_to` is the first day it no longer holds. `is_default`: the starting values."""

    made_by = serializers.CharField(source="made_by.username", read_only=True, default=None, allow_null=True)
    activated_by = serializers.CharField(source="activated_by.username", read_only=True, default=None, allow_null=True)
    strategies = GradeStrategySerializer(many=True, read_only=True)

    class Meta:
        model = PolicyVersion
        fields = (
            *("id", "number", "state", "note", "is_default", "valid_from", "valid_to", "made_by", "activated_by"),
            *("activated_at", "strategies", "created_at", "updated_at"),
        )
        read_only_fields = fields


class NewPolicySerializer(StrictSerializer):
    """A draft equal to the version that was put into force last."""

    note = serializers.CharField(max_length=300, required=False, default="")


class StartSerializer(StrictSerializer):
    valid_from = serializers.DateField(help_text="First day it holds: today or later.")


class NewPromiseSerializer(StrictSerializer):
    """What may be set of a promise; the rest follows from its type."""

    type = serializers.ChoiceField(choices=PromiseType.choices)
    target = serializers.DecimalField(8, 2, min_value=0, required=False, allow_null=True)
    level = serializers.ChoiceField(choices=Level.choices, required=False, allow_blank=True)
    period = serializers.ChoiceField(choices=Span.choices, required=False, allow_blank=True)
    clock = serializers.ChoiceField(choices=Clock.choices, required=False)
    severity = serializers.IntegerField(min_value=1, max_value=4, required=False, allow_null=True)
    counts_remote = serializers.BooleanField(required=False)
    weight = serializers.DecimalField(5, 2, min_value=0, required=False)
    unit_cost = serializers.DecimalField(19, 4, min_value=0, required=False)
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    customer_text_en = serializers.CharField(max_length=300, required=False, allow_blank=True)
    customer_text_zh_hans = serializers.CharField(max_length=300, required=False, allow_blank=True)
    customer_text_zh_hant = serializers.CharField(max_length=300, required=False, allow_blank=True)


class GradePolicySerializer(StrictSerializer):
    """All that a draft promises to one grade; types that are left out are not promised."""

    grade = serializers.ChoiceField(choices=Grade.choices)
    promises = NewPromiseSerializer(many=True)
    purpose_en = serializers.CharField(max_length=600)
    purpose_zh_hans = serializers.CharField(max_length=600, required=False, allow_blank=True)
    purpose_zh_hant = serializers.CharField(max_length=600, required=False, allow_blank=True)
    strategy_en = serializers.CharField(max_length=1200)
    strategy_zh_hans = serializers.CharField(max_length=1200, required=False, allow_blank=True)
    strategy_zh_hant = serializers.CharField(max_length=1200, required=False, allow_blank=True)

    def validate_grade(self, value: str) -> str:
        if value not in PROMISED_GRADES:
            raise serializers.ValidationError(_("An account without a grade is promised nothing."))
        return value


class PolicyFilter(FilterSet):
    class Meta:
        model = PolicyVersion
        fields = {"state": ["exact"], "number": ["exact"], "valid_from": ["lte", "gte"]}


class PolicyViewSet(ReadableViewSet):
    """What the grades are promised, in versions: drafted by one person, put into force by another from a day on."""

    serializer_class = PolicySerializer
    filterset_class = PolicyFilter
    ordering_fields = {"id": "pk", "number": "number"}
    queryset = PolicyVersion.objects.none()

    def get_queryset(self) -> QuerySet[PolicyVersion]:
        return versions().prefetch_related("strategies")

    @extend_schema(request=NewPolicySerializer, responses={201: PolicySerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewPolicySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = draft_policy(made_by=request.user, **form.validated_data)
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(description="Throw a draft away.")
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with locked_to_delete(self, request) as version:
            discard_draft(version=version)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(description="Put a draft into force; by another person than who made it.", request=StartSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def activate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = StartSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        done = activate_policy(version=self.get_object(), activated_by=request.user, **form.validated_data)
        return self.tagged(done)

    @extend_schema(description="Replace what a draft promises to one grade.", request=GradePolicySerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def grade(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = GradePolicySerializer(data=request.data)
        form.is_valid(raise_exception=True)
        words = dict(form.validated_data)
        rows, grade, draft = words.pop("promises"), words.pop("grade"), self.get_object()
        promises = {row["type"]: {name: row[name] for name in row if name != "type"} for row in rows}
        try:
            edit_grade(version=draft, grade=grade, promises=promises, words=words)
        except ModelError as error:
            raise serializers.ValidationError(get_error_detail(error)) from error
        return self.tagged(draft)


class PromiseFilter(FilterSet):
    class Meta:
        model = Promise
        fields = {"version": ["exact"], "grade": ["exact"], "type": ["exact"], "version__state": ["exact"]}


class PromiseViewSet(ReadableViewSet):
    """The rows of the policies. Drafts are changed grade by grade at `plans/policies/<id>/grade/`."""

    serializer_class = PromiseSerializer
    filterset_class = PromiseFilter
    ordering_fields = {"id": "pk"}
    queryset = Promise.objects.select_related("version")


class LineSerializer(serializers.Serializer):
    """Promised against delivered: times, or cases that were due and cases in time. `compliance` is a fraction, null where
    nothing is due."""

    promise = PromiseSerializer(read_only=True)
    state = serializers.ChoiceField(choices=PromiseState.choices)
    promised = serializers.FloatField()
    delivered = serializers.FloatField()
    missing = serializers.IntegerField(help_text="Whole times that are owed, or cases late.")
    compliance = Rate()
    median_hours = Rate()
    p90_hours = Rate()
    due_on = serializers.DateField(allow_null=True)
    owner = serializers.SerializerMethodField()
    evidence = serializers.SerializerMethodField()

    def get_owner(self, line: Any) -> str | None:
        return line.owner.username if line.owner else None

    @extend_schema_field({"type": "array", "items": {"type": "object", "additionalProperties": True}})
    def get_evidence(self, line: Any) -> list[dict[str, Any]]:
        """Newest first: kind interaction, request or discount with its id; `is_good` null: open, not yet due."""
        return [
            {"kind": one.kind, "id": one.key, "day": one.day.isoformat(), "is_good": one.is_good, "hours": one.hours}
            for one in line.proofs
        ]


class AccountPromisesSerializer(serializers.Serializer):
    """What one account is promised and was given. `policy_grade` is the grade whose policy holds: thirty days longer after a
    step down."""

    as_of = serializers.SerializerMethodField()
    policy_grade = serializers.CharField(source="grade", allow_blank=True)
    policy = serializers.SerializerMethodField()
    compliance = Rate()
    promises = LineSerializer(source="lines", many=True)

    def get_as_of(self, found: AccountPromises) -> str:
        return found.window.as_of.isoformat()

    @extend_schema_field({"type": ["integer", "null"]})
    def get_policy(self, found: AccountPromises) -> int | None:
        return found.version.number if found.version else None


class ComplianceSerializer(serializers.ModelSerializer):
    account_name = serializers.CharField(source="account.name", read_only=True)
    compliance, service_ratio = Rate(), Rate()
    surplus_cost = Money()

    class Meta:
        model = AccountCompliance
        fields = (
            *("account", "account_name", "grade", "compliance", "due", "broken", "violations", "service_ratio"),
            *("surplus_cost", "currency"),
        )
        read_only_fields = fields


class GradeComplianceSerializer(serializers.Serializer):
    grade = serializers.CharField()
    compliance = Rate()
    accounts = serializers.IntegerField()
    measured = serializers.IntegerField()
    broken = serializers.IntegerField()
    violations = serializers.IntegerField()
    under_served = serializers.IntegerField(source="under")
    over_served = serializers.IntegerField(source="over")


class PortfolioComplianceSerializer(serializers.Serializer):
    """Pooled by weight over the accounts the caller may see; null before the first measurement."""

    as_of = serializers.DateField(allow_null=True)
    compliance = Rate()
    grades = GradeComplianceSerializer(many=True)


class ComplianceFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = AccountCompliance
        fields = {"grade": ["exact"], "compliance": ["lt", "gte"], "broken": ["gte"], "service_ratio": ["gte"]}


class ComplianceViewSet(ListedViewSet):
    """Compliance of each account, as last measured: after each night, and within minutes of a change."""

    serializer_class = ComplianceSerializer
    filterset_class = ComplianceFilter
    ordering_fields = {"account": "account_id", "compliance": "compliance", "broken": "broken"}
    queryset = AccountCompliance.objects.none()

    def get_queryset(self) -> QuerySet[AccountCompliance]:
        mine = Account.objects.visible_to(self.request.user)
        return AccountCompliance.objects.filter(account__in=mine).select_related("account").order_by("account_id")

    @extend_schema(responses=PortfolioComplianceSerializer, filters=False, description="By grade and over all.")
    @action(detail=False, pagination_class=None)
    def grades(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        sums, measured = grade_sums(Account.objects.visible_to(request.user)), latest()
        found = {"as_of": measured.as_of if measured else None, "compliance": overall(sums), "grades": sums}
        return Response(PortfolioComplianceSerializer(found).data)


class StepSerializer(serializers.ModelSerializer):
    class Meta:
        model = RemediationAction
        fields = ("id", "text", "owner", "due_on", "done_on")
        read_only_fields = fields


class RemediationSerializer(StrictSerializer, serializers.ModelSerializer):
    """How an account gets out of the problem state. A night opens it; owner, day and exit test may be changed."""

    owner = UserKeyField(allow_null=True, required=False)
    actions = StepSerializer(many=True, read_only=True)
    closed_by = serializers.CharField(source="closed_by.username", read_only=True, default=None, allow_null=True)

    class Meta:
        model = RemediationPlan
        fields = (
            *("id", "account", "owner", "opened_on", "due_on", "exit_test", "closed_on", "outcome", "closing_text"),
            *("closed_by", "actions", "created_at", "updated_at"),
        )
        read_only_fields = (
            "id",
            "account",
            "opened_on",
            "closed_on",
            "outcome",
            "closing_text",
            "created_at",
            "updated_at",
        )


class EndSerializer(StrictSerializer):
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    text = serializers.CharField(max_length=300)


class RemediationFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = RemediationPlan
        fields = {"closed_on": ["isnull", "gte"], "due_on": ["lt", "gte"], "outcome": ["exact"]}


class RemediationViewSet(ReadableViewSet):
    """Remediation plans of problem accounts, with their steps."""

    serializer_class = RemediationSerializer
    filterset_class = RemediationFilter
    ordering_fields = {"id": "pk", "due_on": "due_on", "opened_on": "opened_on"}
    queryset = RemediationPlan.objects.none()

    def get_queryset(self) -> QuerySet[RemediationPlan]:
        return remediations_in_view(Account.objects.visible_to(self.request.user))

    @extend_schema(description="Owner, day and exit test of an open plan; needs If-Match.")
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with transaction.atomic():
            with narrowed():
                plan = get_object_or_404(self.get_queryset().select_for_update(of=("self",)), pk=self.kwargs["pk"])
            check_match(request, self.get_serializer(plan).data)
            sent = self.get_serializer(plan, data=request.data, partial=True)
            sent.is_valid(raise_exception=True)
            now = {"owner": plan.owner, "due_on": plan.due_on, "exit_test": plan.exit_test}
            changed = change_remediation(plan=plan, **now | dict(sent.validated_data))
        return self.tagged(changed)

    @extend_schema(description="End the plan with what came of it.", request=EndSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def close(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = EndSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        done = close_remediation(
            plan=self.get_object(), by=request.user, on=timezone.localdate(), **form.validated_data
        )
        return self.tagged(done)
