"""Visits, calls, meetings, e-mails and notes: written down by whoever sees the account, corrected by whoever wrote them."""

from typing import Any

from django.db.models import Model, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Contact, User
from crm.api.accounts import STAMPS
from crm.api.fields import PeopleField, VisibleKeyField
from crm.api.filters import UserFilter, VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import RuledSerializer
from crm.api.views import EditableViewSet
from crm.web.rights import CHANGE_INTERACTION, DELETE_INTERACTION, require_correct
from service import services
from service.models import Interaction

PEOPLE = ("our_people", "their_people")


class InteractionSerializer(RuledSerializer):
    """`held_on` is today unless given. `their_people` are contacts of the account. A visit is never remote."""

    account = VisibleKeyField()
    our_people = PeopleField(of=User, required=False)
    their_people = PeopleField(of=Contact, required=False)
    logged_by_name = serializers.CharField(source="logged_by.display_name", read_only=True)

    class Meta:
        model = Interaction
        fields = (
            *("id", "account", "kind", "purpose", "held_on", "minutes", "is_remote", "summary", "next_step"),
            *("next_step_on", "next_step_done_on", *PEOPLE, "logged_by", "logged_by_name", *STAMPS),
        )
        read_only_fields = ("logged_by", *STAMPS)
        extra_kwargs = {"held_on": {"required": False}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        people = {name: attrs.pop(name) for name in PEOPLE if name in attrs}
        if self.instance is None:
            attrs.setdefault("held_on", timezone.localdate())
        elif attrs.pop("account", self.instance.account) != self.instance.account:
            raise serializers.ValidationError({"account": [_("An interaction stays with its account; log another.")]})
        return super().validate(attrs) | people

    def create(self, validated_data: dict[str, Any]) -> Interaction:
        user, today = self.context["request"].user, timezone.localdate()
        done_on = validated_data.pop("next_step_done_on", None)
        made = services.log_interaction(logged_by=user, today=today, **validated_data)
        return services.finish_next_step(interaction=made, on=done_on) if done_on else made

    def update(self, instance: Interaction, validated_data: dict[str, Any]) -> Interaction:
        return services.correct_interaction(interaction=instance, today=timezone.localdate(), **validated_data)


class InteractionFilter(FilterSet):
    account = VisibleAccountFilter()
    logged_by = UserFilter()
    our_people = UserFilter(help_text="Somebody of ours who took part.")

    class Meta:
        model = Interaction
        fields = {
            "kind": ["exact", "in"],
            "purpose": ["exact"],
            "is_remote": ["exact"],
            "held_on": ["exact", "gte", "lte"],
            "next_step_on": ["gte", "lte", "isnull"],
            "next_step_done_on": ["gte", "lte", "isnull"],
        }


class InteractionViewSet(EditableViewSet):
    """What was held with customers. Seeing the account is enough to write one down; only whoever wrote it, or holds the
    right over others' words, changes or removes it."""

    serializer_class = InteractionSerializer
    filterset_class = InteractionFilter
    search_fields = ("summary", "next_step")
    ordering_fields = {"id": "pk", "held_on": "held_on", "next_step_on": "next_step_on"}
    queryset = Interaction.objects.none()

    def get_queryset(self) -> QuerySet[Interaction]:
        rows = Interaction.objects.visible_to(self.request.user)
        return rows.select_related("logged_by").prefetch_related(*PEOPLE)

    def check_object_permissions(self, request: Request, instance: Model) -> None:
        """Others' words can be read, not changed."""
        super().check_object_permissions(request, instance)
        if isinstance(instance, Interaction) and request.method in {"PUT", "PATCH", "DELETE"}:
            right = DELETE_INTERACTION if request.method == "DELETE" else CHANGE_INTERACTION
            require_correct(request.user, logged_by=instance.logged_by_id, right=right)

    def perform_destroy(self, instance: Model) -> None:
        if isinstance(instance, Interaction):
            services.delete_interaction(interaction=instance)

    @extend_schema(description="The next step is done, as of today; whoever sees the account may say so.", request=None)
    @action(detail=True, methods=["post"])
    @idempotent()
    def done(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.tagged(services.finish_next_step(interaction=self.get_object(), on=timezone.localdate()))
