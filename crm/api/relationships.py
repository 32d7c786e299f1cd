"""Relationships on the wire: who decides, how they stand to us, how close the companies are, courtesies, targets, plans.

Whoever sees an account reads them; people and attitudes are for those who may read personal data (`policy.py`).
"""

from typing import Any

import django_filters
from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services_relations as services
from accounts.enums import Attitude
from accounts.enums_relations import ChainRole, CourtesyKind, DepartmentKind, Layer, OrganisationalLevel, Partnership
from accounts.models import (
    Account,
    AttitudeNote,
    BuyingCentre,
    CentreMember,
    Courtesy,
    LevelEvidence,
    PartnershipState,
    RelationshipRule,
    RelationshipTarget,
)
from accounts.models.relations import EVIDENCE_LENGTH
from crm.api.accounts import STAMPS
from crm.api.etag import TaggedUpdateMixin
from crm.api.fields import StrictKeyField, UserKeyField, VisibleContactField, VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import EditableViewSet, ListedViewSet, ReadableViewSet
from crm.lib.exceptions import CrmError
from plans.models import RelationshipAction, RelationshipPlan
from plans.services_relations import add_relationship_step, save_relationship_plan
from plans.services_work import change_step


class VisibleRowField(StrictKeyField):
    """A row of an account the caller may see, of a model whose queryset says so; a hidden one is like a missing one."""

    def __init__(self, *, of: type[Model], **kwargs: Any) -> None:
        self.of = of
        super().__init__(**kwargs)

    def get_queryset(self) -> QuerySet:
        return self.of.objects.visible_to(self.context["request"].user)  # type: ignore[attr-defined]


class VisiblePlanField(StrictKeyField):
    """A relationship plan of an account the caller may see."""

    def get_queryset(self) -> QuerySet:
        return RelationshipPlan.objects.filter(account__in=Account.objects.visible_to(self.context["request"].user))


class AddedViewSet(ReadableViewSet):
    """What is added and never edited: list, detail, create."""

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        made = serializer.save()
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))


def _stays(serializer: Any, attrs: dict[str, Any], name: str) -> None:
    """A row does not move to another parent. Raises ValidationError."""
    if serializer.instance is not None and attrs.pop(name, None) not in (None, getattr(serializer.instance, name)):
        raise serializers.ValidationError({name: [_("It stays where it is; add another one there.")]})


class BuyingCentreSerializer(RuledSerializer):
    account = VisibleKeyField()

    class Meta:
        model = BuyingCentre
        fields = ("id", "account", "name", "is_active", "notes", *STAMPS)
        read_only_fields = STAMPS

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _stays(self, attrs, "account")
        return super().validate(attrs)

    def create(self, validated_data: dict[str, Any]) -> BuyingCentre:
        centre = BuyingCentre(account=validated_data.pop("account"))
        return services.save_centre(centre=centre, **validated_data)

    def update(self, instance: BuyingCentre, validated_data: dict[str, Any]) -> BuyingCentre:
        kept = {name: getattr(instance, name) for name in ("name", "is_active", "notes")}
        return services.save_centre(centre=instance, **(kept | validated_data))


class BuyingCentreFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = BuyingCentre
        fields = ["is_active"]


class BuyingCentreViewSet(EditableViewSet):
    """Those who decide together at a customer; only active ones count in the figures."""

    serializer_class = BuyingCentreSerializer
    filterset_class = BuyingCentreFilter
    search_fields = ("name",)
    ordering_fields = {"id": "pk", "name": "name", "account": "account_id"}
    queryset = BuyingCentre.objects.none()

    def get_queryset(self) -> QuerySet[BuyingCentre]:
        return BuyingCentre.objects.visible_to(self.request.user)


class CentreMemberSerializer(RuledSerializer):
    """Several roles a person; `weight` is the influence from 1 to 5; a target needs its day."""

    centre = VisibleRowField(of=BuyingCentre)
    contact = VisibleContactField()
    contact_name = serializers.CharField(source="contact.name", read_only=True)
    roles = serializers.ListField(
        child=serializers.ChoiceField(choices=ChainRole.choices), allow_empty=False, max_length=8
    )
    owner = UserKeyField(required=False, allow_null=True)

    class Meta:
        model = CentreMember
        fields = (
            *("id", "centre", "contact", "contact_name", "roles", "weight", "owner", "target_attitude", "target_on"),
            *STAMPS,
        )
        read_only_fields = STAMPS

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _stays(self, attrs, "centre")
        return super().validate(attrs)

    def create(self, validated_data: dict[str, Any]) -> CentreMember:
        return services.set_member(**({"weight": 3} | validated_data))

    def update(self, instance: CentreMember, validated_data: dict[str, Any]) -> CentreMember:
        names = ("contact", "roles", "weight", "owner", "target_attitude", "target_on")
        kept = {name: getattr(instance, name) for name in names}
        return services.set_member(centre=instance.centre, member=instance, **(kept | validated_data))


class CentreMemberFilter(FilterSet):
    account = VisibleAccountFilter(field_name="centre__account")
    centre = django_filters.NumberFilter(field_name="centre_id")
    contact = django_filters.NumberFilter(field_name="contact_id")
    role = django_filters.ChoiceFilter(choices=ChainRole.choices, method="with_role")

    class Meta:
        model = CentreMember
        fields = {"weight": ["exact", "gte", "lte"]}

    def with_role(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(roles__contains=[value])


class CentreMemberViewSet(EditableViewSet):
    """People in buying centres, with what they do there."""

    serializer_class = CentreMemberSerializer
    filterset_class = CentreMemberFilter
    ordering_fields = {"id": "pk", "weight": "weight", "centre": "centre_id"}
    queryset = CentreMember.objects.none()

    def get_queryset(self) -> QuerySet[CentreMember]:
        rows = CentreMember.objects.visible_to(self.request.user)
        return rows.select_related("centre", "contact") if self.action != "update" else rows.select_related("contact")

    def perform_destroy(self, instance: Model) -> None:
        if isinstance(instance, CentreMember):
            services.remove_member(member=instance)


class AttitudeNoteSerializer(StrictSerializer, serializers.ModelSerializer):
    """`held_from` is today unless given, and never before that of the last entry; `attitude` null: no longer known."""

    contact = VisibleContactField()
    attitude = serializers.ChoiceField(choices=Attitude.choices, allow_null=True)
    held_from = serializers.DateField(required=False)
    evidence = serializers.CharField(required=False, allow_blank=True, max_length=EVIDENCE_LENGTH, default="")

    class Meta:
        model = AttitudeNote
        fields = ("id", "contact", "attitude", "held_from", "evidence", "noted_by", "noted_at")
        read_only_fields = ("noted_by", "noted_at")

    def create(self, validated_data: dict[str, Any]) -> AttitudeNote:
        contact = services.note_attitude(
            contact=validated_data["contact"],
            attitude=validated_data["attitude"],
            since=validated_data.get("held_from") or timezone.localdate(),
            evidence=validated_data["evidence"],
            by=self.context["request"].user,
        )
        last = contact.attitude_notes.order_by("-held_from", "-pk").first()
        if last is None:
            raise CrmError(_("The attitude was not known before either: nothing is noted."))
        return last


class AttitudeNoteFilter(FilterSet):
    account = VisibleAccountFilter(field_name="contact__account")
    contact = django_filters.NumberFilter(field_name="contact_id")

    class Meta:
        model = AttitudeNote
        fields = {"attitude": ["exact"], "held_from": ["exact", "gte", "lte"]}


class AttitudeNoteViewSet(AddedViewSet):
    """The log of attitudes; a contact shows its last entry. The same attitude without evidence adds nothing."""

    serializer_class = AttitudeNoteSerializer
    filterset_class = AttitudeNoteFilter
    ordering_fields = {"id": "pk", "held_from": "held_from"}
    queryset = AttitudeNote.objects.none()

    def get_queryset(self) -> QuerySet[AttitudeNote]:
        return AttitudeNote.objects.visible_to(self.request.user)


class LevelEvidenceSerializer(StrictSerializer, serializers.ModelSerializer):
    """`reached_on` is today unless given; it expires twelve months later unless said otherwise."""

    account = VisibleKeyField()
    level = serializers.ChoiceField(choices=OrganisationalLevel.choices)
    reached_on = serializers.DateField(required=False)
    expires_on = serializers.DateField(required=False)

    class Meta:
        model = LevelEvidence
        fields = ("id", "account", "level", "evidence", "reached_on", "expires_on", "noted_by", *STAMPS)
        read_only_fields = ("noted_by", *STAMPS)

    def create(self, validated_data: dict[str, Any]) -> LevelEvidence:
        return services.record_level(
            **({"reached_on": timezone.localdate()} | validated_data), by=self.context["request"].user
        )


class LevelEndSerializer(StrictSerializer):
    on = serializers.DateField(required=False, help_text="First day it no longer counts; today unless given.")


class LevelEvidenceFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = LevelEvidence
        fields = {"level": ["exact", "gte"], "reached_on": ["gte", "lte"], "expires_on": ["gt", "lte"]}


class LevelEvidenceViewSet(AddedViewSet):
    """What shows the organisational level of an account; the highest that counts on a day is its level."""

    serializer_class = LevelEvidenceSerializer
    filterset_class = LevelEvidenceFilter
    ordering_fields = {"id": "pk", "level": "level", "reached_on": "reached_on", "expires_on": "expires_on"}
    queryset = LevelEvidence.objects.none()

    def get_queryset(self) -> QuerySet[LevelEvidence]:
        return LevelEvidence.objects.visible_to(self.request.user)

    @extend_schema(description="It no longer counts from a day on.", request=LevelEndSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, form = self.get_object(), LevelEndSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self.tagged(services.end_level(evidence=found, on=form.validated_data.get("on", timezone.localdate())))


class PartnershipStateSerializer(StrictSerializer, serializers.ModelSerializer):
    """`since` is today unless given; the last one is what the customer is now."""

    account = VisibleKeyField()
    state = serializers.ChoiceField(choices=Partnership.choices)
    since = serializers.DateField(required=False)

    class Meta:
        model = PartnershipState
        fields = ("id", "account", "state", "since", "evidence", "noted_by", *STAMPS)
        read_only_fields = ("noted_by", *STAMPS)

    def create(self, validated_data: dict[str, Any]) -> PartnershipState:
        return services.note_partnership(
            **({"since": timezone.localdate()} | validated_data), by=self.context["request"].user
        )


class PartnershipStateFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = PartnershipState
        fields = {"state": ["exact"], "since": ["gte", "lte"]}


class PartnershipStateViewSet(AddedViewSet):
    """What customers have become for us, with what shows it."""

    serializer_class = PartnershipStateSerializer
    filterset_class = PartnershipStateFilter
    ordering_fields = {"id": "pk", "since": "since"}
    queryset = PartnershipState.objects.none()

    def get_queryset(self) -> QuerySet[PartnershipState]:
        return PartnershipState.objects.visible_to(self.request.user)


class CourtesySerializer(StrictSerializer, serializers.ModelSerializer):
    """In the caller's own name. Beyond a limit it is refused, or waits for approval where `reason` is given."""

    contact = VisibleContactField()
    kind = serializers.ChoiceField(choices=CourtesyKind.choices)

    class Meta:
        model = Courtesy
        fields = (
            *("id", "contact", "kind", "given_on", "occasion", "amount", "currency", "reason", "state", "given_by"),
            *("decided_by", "decided_on", *STAMPS),
        )
        read_only_fields = ("state", "given_by", "decided_by", "decided_on", *STAMPS)

    def create(self, validated_data: dict[str, Any]) -> Courtesy:
        user = self.context["request"].user
        return services.record_courtesy(**validated_data, given_by=user, today=timezone.localdate())


class DecisionSerializer(StrictSerializer):
    is_approved = serializers.BooleanField()


class CourtesyFilter(FilterSet):
    account = VisibleAccountFilter(field_name="contact__account")
    contact = django_filters.NumberFilter(field_name="contact_id")

    class Meta:
        model = Courtesy
        fields = {"kind": ["exact"], "state": ["exact"], "given_on": ["gte", "lte"]}


class CourtesyViewSet(AddedViewSet):
    """Gifts and hospitality within limits of an occasion and of a year."""

    serializer_class = CourtesySerializer
    filterset_class = CourtesyFilter
    ordering_fields = {"id": "pk", "given_on": "given_on", "amount": "amount"}
    queryset = Courtesy.objects.none()

    def get_queryset(self) -> QuerySet[Courtesy]:
        return Courtesy.objects.visible_to(self.request.user)

    @extend_schema(description="Somebody else than the giver approves or refuses.", request=DecisionSerializer)
    @action(detail=True, methods=["post"])
    @idempotent()
    def decide(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found, form = self.get_object(), DecisionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        return self.tagged(
            services.decide_courtesy(
                courtesy=found, by=request.user, on=timezone.localdate(), is_approved=form.validated_data["is_approved"]
            )
        )


class RelationshipTargetSerializer(RuledSerializer):
    """Null follows the rule of the grade. `general_target` in per cent."""

    account = VisibleKeyField()
    departments = serializers.ListField(
        child=serializers.ChoiceField(choices=DepartmentKind.choices), allow_null=True, required=False, max_length=11
    )

    class Meta:
        model = RelationshipTarget
        fields = ("id", "account", "key_target", "general_target", "organisational_target", "departments", *STAMPS)
        read_only_fields = STAMPS

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _stays(self, attrs, "account")
        return super().validate(attrs)

    def create(self, validated_data: dict[str, Any]) -> RelationshipTarget:
        return services.set_targets(**validated_data)

    def update(self, instance: RelationshipTarget, validated_data: dict[str, Any]) -> RelationshipTarget:
        return services.set_targets(account=instance.account, **validated_data)


class RelationshipTargetFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = RelationshipTarget
        fields: list[str] = []


class RelationshipTargetViewSet(EditableViewSet):
    """Where accounts depart from the rule of their grade, one an account."""

    serializer_class = RelationshipTargetSerializer
    filterset_class = RelationshipTargetFilter
    ordering_fields = {"id": "pk", "account": "account_id"}
    queryset = RelationshipTarget.objects.none()

    def get_queryset(self) -> QuerySet[RelationshipTarget]:
        return RelationshipTarget.objects.visible_to(self.request.user)


class RelationshipRuleSerializer(RuledSerializer):
    """What is asked of the relationships with accounts of a grade; null: the layer is not asked for."""

    departments = serializers.ListField(child=serializers.ChoiceField(choices=DepartmentKind.choices), max_length=11)
    levels = serializers.ListField(child=serializers.CharField(max_length=8), max_length=4)

    class Meta:
        model = RelationshipRule
        fields = (
            *("id", "grade", "cadence_days", "key_target", "general_target", "organisational_target", "departments"),
            *("levels", *STAMPS),
        )
        read_only_fields = ("grade", *STAMPS)


class RelationshipRuleFilter(FilterSet):
    class Meta:
        model = RelationshipRule
        fields = ["grade"]


class RelationshipRuleViewSet(TaggedUpdateMixin, ListedViewSet):
    """The rules by grade: contact cadence, targets, departments and levels to know."""

    serializer_class = RelationshipRuleSerializer
    filterset_class = RelationshipRuleFilter
    ordering_fields = {"id": "pk", "grade": "grade"}
    queryset = RelationshipRule.objects.all()


class RelationshipStepSerializer(RuledSerializer):
    """A step of a relationship plan; `owner` is the caller unless given."""

    plan = VisiblePlanField()
    layer = serializers.ChoiceField(choices=Layer.choices)
    contact = VisibleContactField(required=False, allow_null=True)
    owner = UserKeyField(required=False, allow_null=True)

    class Meta:
        model = RelationshipAction
        fields = ("id", "plan", "layer", "text", "contact", "owner", "due_on", "done_on")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _stays(self, attrs, "plan")
        return super().validate(attrs)

    def create(self, validated_data: dict[str, Any]) -> RelationshipAction:
        done_on = validated_data.pop("done_on", None)
        fields = {"owner": self.context["request"].user} | validated_data
        made = add_relationship_step(**fields)
        return change_step(step=made, done_on=done_on) if done_on else made  # type: ignore[return-value]

    def update(self, instance: RelationshipAction, validated_data: dict[str, Any]) -> RelationshipAction:
        return change_step(step=instance, **validated_data)  # type: ignore[return-value]


class RelationshipStepFilter(FilterSet):
    account = VisibleAccountFilter(field_name="plan__account")
    is_open = django_filters.BooleanFilter(field_name="done_on", lookup_expr="isnull")

    class Meta:
        model = RelationshipAction
        fields = {"layer": ["exact"], "due_on": ["gte", "lte"]}


class RelationshipStepViewSet(EditableViewSet):
    """Dated steps of relationship plans, each for one layer."""

    serializer_class = RelationshipStepSerializer
    filterset_class = RelationshipStepFilter
    ordering_fields = {"id": "pk", "due_on": "due_on"}
    queryset = RelationshipAction.objects.none()

    def get_queryset(self) -> QuerySet[RelationshipAction]:
        seen = Account.objects.visible_to(self.request.user).order_by().values("pk")
        return RelationshipAction.objects.filter(plan__account__in=seen)


class RelationshipPlanSerializer(RuledSerializer):
    account = VisibleKeyField()
    owner = UserKeyField(required=False, allow_null=True)

    class Meta:
        model = RelationshipPlan
        fields = ("id", "account", "goal", "owner", "review_on", *STAMPS)
        read_only_fields = STAMPS

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        _stays(self, attrs, "account")
        return super().validate(attrs)

    def create(self, validated_data: dict[str, Any]) -> RelationshipPlan:
        return save_relationship_plan(**({"owner": None} | validated_data))

    def update(self, instance: RelationshipPlan, validated_data: dict[str, Any]) -> RelationshipPlan:
        kept = {name: getattr(instance, name) for name in ("goal", "owner", "review_on")}
        return save_relationship_plan(account=instance.account, **(kept | validated_data))


class RelationshipPlanFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = RelationshipPlan
        fields = {"review_on": ["gte", "lte"]}


class RelationshipPlanViewSet(EditableViewSet):
    """Relationship plans, one an account: the goal, who sees to it, and by when it is gone through again."""

    serializer_class = RelationshipPlanSerializer
    filterset_class = RelationshipPlanFilter
    ordering_fields = {"id": "pk", "review_on": "review_on"}
    queryset = RelationshipPlan.objects.none()

    def get_queryset(self) -> QuerySet[RelationshipPlan]:
        return RelationshipPlan.objects.filter(account__in=Account.objects.visible_to(self.request.user))
