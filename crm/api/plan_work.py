"""Account plans, and the steps of account plans and of remediation plans: the same services and rights as their pages."""

from datetime import date
from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from crm.api.etag import TaggedUpdateMixin
from crm.api.fields import UserKeyField, VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import RuledSerializer
from crm.api.views import ListedViewSet
from plans.models import AccountPlan, PlanAction, RemediationAction, RemediationPlan
from plans.selectors import account_plans_in_view, remediations_in_view
from plans.services_work import add_step, approve_account_plan, change_account_plan, change_step, make_account_plan

NEVER_REMOVED = ["get", "post", "put", "patch", "head"]


class PlanStepInPlanSerializer(serializers.ModelSerializer):
    class Meta:
        model = PlanAction
        fields = ("id", "text", "owner", "due_on", "done_on")
        read_only_fields = fields


class AccountPlanSerializer(RuledSerializer):
    """What we want with an account in one time, half-open; `approved_on` null: it waits for somebody else than its maker."""

    account = VisibleKeyField()
    owner = UserKeyField(allow_null=True, required=False)
    made_by = serializers.CharField(source="made_by.username", read_only=True, default=None, allow_null=True)
    approved_by = serializers.CharField(source="approved_by.username", read_only=True, default=None, allow_null=True)
    actions = PlanStepInPlanSerializer(many=True, read_only=True)

    class Meta:
        model = AccountPlan
        fields = (
            *("id", "account", "valid_from", "valid_to", "goal", "priority_rank", "planned_hours", "owner", "made_by"),
            *("approved_by", "approved_on", "actions", "created_at", "updated_at"),
        )
        read_only_fields = ("id", "approved_on", "created_at", "updated_at")

    def validate_account(self, account: Account) -> Account:
        if self.instance is not None and account.pk != self.instance.account_id:
            raise serializers.ValidationError(_("A plan stays with its account. Make a new one for the other."))
        return account

    def create(self, validated_data: dict[str, Any]) -> AccountPlan:
        return make_account_plan(made_by=self.context["request"].user, **validated_data)

    def update(self, instance: AccountPlan, validated_data: dict[str, Any]) -> AccountPlan:
        fields = {name: value for name, value in validated_data.items() if name != "account"}
        return change_account_plan(plan=instance, by=self.context["request"].user, **fields)


class AccountPlanFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = AccountPlan
        fields = {"approved_on": ["isnull"], "valid_from": ["lte", "gte"], "valid_to": ["lte", "gt"]}


class AddedViewSet(TaggedUpdateMixin, ListedViewSet):
    """Listed, added and changed with If-Match; nothing is removed."""

    http_method_names = NEVER_REMOVED

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        made = form.save()
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))


class AccountPlanViewSet(AddedViewSet):
    """Account plans. Seeing the account is enough to make one and to change one that waits; then who changed it is its
    maker."""

    serializer_class = AccountPlanSerializer
    filterset_class = AccountPlanFilter
    ordering_fields = {"id": "pk", "valid_from": "valid_from", "priority_rank": "priority_rank"}
    queryset = AccountPlan.objects.none()

    def get_queryset(self) -> QuerySet[AccountPlan]:
        return account_plans_in_view(Account.objects.visible_to(self.request.user))

    @extend_schema(description="Approve a plan that somebody else made; twice changes nothing.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def approve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        done = approve_account_plan(plan=self.get_object(), approved_by=request.user, on=timezone.localdate())
        return self.tagged(done)


class _PlanField(serializers.PrimaryKeyRelatedField):
    """A plan of an account the caller may see; it cannot be changed afterwards."""

    def to_internal_value(self, data: Any) -> Model:
        step = getattr(self.parent, "instance", None)
        if isinstance(step, Model) and data != step.plan_id:  # type: ignore[attr-defined]
            raise serializers.ValidationError(_("A step stays with its plan. Add it to the other one."))
        if isinstance(data, bool):
            self.fail("incorrect_type", data_type="bool")
        return super().to_internal_value(data)


class _AccountPlanField(_PlanField):
    def get_queryset(self) -> QuerySet[AccountPlan]:
        return account_plans_in_view(Account.objects.visible_to(self.context["request"].user))


class _RemediationField(_PlanField):
    def get_queryset(self) -> QuerySet[RemediationPlan]:
        return remediations_in_view(Account.objects.visible_to(self.context["request"].user))


class _StepSerializer(RuledSerializer):
    """`owner`: whoever adds the step unless named; `done_on` null: open."""

    account = serializers.IntegerField(source="plan.account_id", read_only=True)
    owner = UserKeyField(allow_null=True, required=False)

    class Meta:
        fields = ("id", "plan", "account", "text", "owner", "due_on", "done_on")
        read_only_fields = ("id",)

    def validate_done_on(self, day: date | None) -> date | None:
        if day is not None and day > timezone.localdate():
            raise serializers.ValidationError(_("It cannot be done on a day that is still ahead."))
        return day

    def create(self, validated_data: dict[str, Any]) -> Model:
        done_on = validated_data.pop("done_on", None)
        validated_data.setdefault("owner", self.context["request"].user)
        step = add_step(**validated_data)
        return change_step(step=step, done_on=done_on) if done_on else step

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Model:
        fields = {name: value for name, value in validated_data.items() if name != "plan"}
        return change_step(step=instance, **fields)


class AccountPlanStepSerializer(_StepSerializer):
    plan = _AccountPlanField()

    class Meta(_StepSerializer.Meta):
        model = PlanAction


class RemediationStepSerializer(_StepSerializer):
    plan = _RemediationField()

    class Meta(_StepSerializer.Meta):
        model = RemediationAction


class AccountPlanStepFilter(FilterSet):
    account = VisibleAccountFilter(field_name="plan__account")

    class Meta:
        model = PlanAction
        fields = {"plan": ["exact"], "done_on": ["isnull", "gte"], "due_on": ["lt", "gte"]}


class RemediationStepFilter(FilterSet):
    account = VisibleAccountFilter(field_name="plan__account")

    class Meta:
        model = RemediationAction
        fields = {"plan": ["exact"], "done_on": ["isnull", "gte"], "due_on": ["lt", "gte"]}


STEP_ORDERING = {"id": "pk", "due_on": "due_on", "done_on": "done_on"}


class AccountPlanStepViewSet(AddedViewSet):
    """Steps of account plans."""

    serializer_class = AccountPlanStepSerializer
    filterset_class = AccountPlanStepFilter
    ordering_fields = STEP_ORDERING
    queryset = PlanAction.objects.none()

    def get_queryset(self) -> QuerySet[PlanAction]:
        mine = Account.objects.visible_to(self.request.user).order_by().values("pk")
        return PlanAction.objects.filter(plan__account__in=mine).select_related("plan")


class RemediationStepViewSet(AddedViewSet):
    """Steps of remediation plans; those of a closed plan stay as they are."""

    serializer_class = RemediationStepSerializer
    filterset_class = RemediationStepFilter
    ordering_fields = STEP_ORDERING
    queryset = RemediationAction.objects.none()

    def get_queryset(self) -> QuerySet[RemediationAction]:
        mine = Account.objects.visible_to(self.request.user).order_by().values("pk")
        return RemediationAction.objects.filter(plan__account__in=mine).select_related("plan")
