"""The sales organisation over REST: the same services as the pages, the same part of the tree for each reader."""

from __future__ import annotations

from typing import Any, cast

import django_filters
from django.db.models import Model, QuerySet
from django.db.models.expressions import RawSQL
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import organisation
from accounts.locks import org_lock
from accounts.models import OrgUnit, User
from accounts.models.org import UNITS_BELOW
from accounts.selectors_org import organisation as tree_of
from crm.api.accounts import STAMPS
from crm.api.fields import PeopleField, StrictKeyField, UserKeyField
from crm.api.filters import UserFilter, VisibleRowFilter, check_parameters
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import EditableViewSet


def visible_units(request: Request | None) -> QuerySet[OrgUnit]:
    """Units the caller may name; none while the schema is made."""
    return OrgUnit.objects.none() if request is None else OrgUnit.objects.visible_to(request.user)


@extend_schema_field(serializers.IntegerField())
class VisibleUnitField(StrictKeyField):
    """A unit the caller may see; a hidden one is answered like a missing one."""

    def get_queryset(self) -> QuerySet[OrgUnit]:
        return visible_units(self.context["request"])


class OrgUnitSerializer(RuledSerializer):
    """`head`: who sees the accounts of everybody placed in it and below, with the role of a manager. A level stands below
    its own or a higher one; a unit stands never below itself."""

    parent = VisibleUnitField(allow_null=True, required=False)
    head = UserKeyField(allow_null=True, required=False)

    class Meta:
        model = OrgUnit
        fields = ("id", "name", "level", "parent", "head", *STAMPS)
        read_only_fields = ("id", *STAMPS)
        validators = ()  # that a name is once in a place, the model says; DRF's own would make ``parent`` required


class OrgUnitFilter(FilterSet):
    parent = VisibleRowFilter(queryset=visible_units)
    head = UserFilter()
    below = VisibleRowFilter(queryset=visible_units, method="at_or_below", help_text="The unit and all below it.")
    is_top = django_filters.BooleanFilter(field_name="parent", lookup_expr="isnull")

    class Meta:
        model = OrgUnit
        fields = {"level": ["exact"], "name": ["exact"]}

    def at_or_below(self, rows: QuerySet, _name: str, unit: OrgUnit) -> QuerySet:
        return rows.filter(pk__in=RawSQL(UNITS_BELOW, [unit.pk]))  # noqa: S611  # nosec B611 # constant text, the key is bound


class NodeSerializer(serializers.Serializer):
    """A unit in the tree. `people` and `accounts` are those of the unit alone; accounts are those the caller may see, by the
    unit of their owner."""

    id = serializers.IntegerField(source="unit.pk")
    name = serializers.CharField(source="unit.name")
    level = serializers.CharField(source="unit.level")
    parent = serializers.IntegerField(source="unit.parent_id", allow_null=True)
    head = serializers.IntegerField(source="unit.head_id", allow_null=True)
    depth = serializers.IntegerField()
    people = serializers.IntegerField()
    people_below = serializers.IntegerField(help_text="Here and below.")
    accounts = serializers.IntegerField()
    accounts_below = serializers.IntegerField(help_text="Here and below.")


class PlacedSerializer(serializers.ModelSerializer):
    class Meta:
        model = User
        fields = ("id", "username", "first_name", "last_name", "role", "is_active", "unit")
        read_only_fields = fields


class PeopleToPlaceSerializer(StrictSerializer):
    users = PeopleField(of=User)


class PeopleToMoveSerializer(PeopleToPlaceSerializer):
    """`into`: the unit they move to; null: none. Whoever is placed elsewhere by now stays there."""

    into = VisibleUnitField(allow_null=True, required=False, default=None)


class MovedSerializer(serializers.Serializer):
    moved = serializers.IntegerField(help_text="People whose place has changed.")


@extend_schema(tags=["org-units"])
class OrgUnitViewSet(EditableViewSet):
    """Units of the sales organisation: all of them for those who see every account; for others those they head, what stands
    below, and their own."""

    serializer_class = OrgUnitSerializer
    filterset_class = OrgUnitFilter
    search_fields = ("name", "head__username", "head__first_name", "head__last_name")
    ordering_fields = {"id": "pk", "name": "name", "level": "level"}
    queryset = OrgUnit.objects.none()

    def get_queryset(self) -> QuerySet[OrgUnit]:
        return OrgUnit.objects.visible_to(self.request.user)

    def get_locked_object(self) -> Model:
        org_lock()  # before the row, as the services take them
        return super().get_locked_object()

    def perform_create(self, serializer: Any) -> Model:
        return organisation.save_unit(OrgUnit(), **serializer.validated_data)

    def perform_update(self, serializer: Any) -> None:
        organisation.save_unit(serializer.instance, **serializer.validated_data)

    def perform_destroy(self, instance: Model) -> None:
        """Only an empty unit goes; else 409 says what is still there."""
        organisation.remove_unit(cast(OrgUnit, instance))

    @extend_schema(responses=NodeSerializer(many=True), filters=False)
    @action(detail=False, methods=["get"], pagination_class=None, filterset_class=None)
    def tree(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Every unit the caller sees, each below its parent, with the numbers below it."""
        check_parameters(request, ())
        return Response(NodeSerializer(tree_of(cast(User, request.user)), many=True).data)

    @extend_schema(responses=PlacedSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def people(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Who is placed in the unit itself."""
        return Response(PlacedSerializer(self.get_object().people.order_by("username", "pk"), many=True).data)

    @extend_schema(request=PeopleToPlaceSerializer, responses=MovedSerializer)
    @action(detail=True, methods=["post"])
    def place(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Place people in the unit, wherever they were."""
        unit, given = self.get_object(), self._given(PeopleToPlaceSerializer)
        return Response({"moved": organisation.place(given["users"], unit)})

    @extend_schema(request=PeopleToMoveSerializer, responses=MovedSerializer)
    @action(detail=True, methods=["post"], url_path="take-out", url_name="take_out")
    def take_out(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Place people of the unit in another one, or in none."""
        unit, given = self.get_object(), self._given(PeopleToMoveSerializer)
        return Response({"moved": organisation.move_out(given["users"], out_of=unit, into=given["into"])})

    def _given(self, kind: type[serializers.Serializer]) -> dict[str, Any]:
        form = kind(data=self.request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        return cast(dict[str, Any], form.validated_data)
