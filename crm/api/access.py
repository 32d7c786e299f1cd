"""Who may do what, and what somebody sees: the pages' answers on the wire, from the same table and selectors."""

from __future__ import annotations

from typing import Any, cast

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.access import COLUMNS, REACH, TABLE, TOKEN_SCOPES, Action, Reach, permissions_for
from accounts.enums import UserRole
from accounts.fields import Hidden, hidden_from
from accounts.models import Account, User
from accounts.querysets import today_local
from accounts.sight import EACH, Found, Obstacle, Way, condition, counts, explain, seen_by, sight_of, ways_to
from crm.api.errors import BadParameter
from crm.api.filters import check_parameters
from crm.api.paging import LARGEST_KEY, PAGING_PARAMETERS, positive
from crm.api.views import ApiViewSet
from crm.web.access_words import WORDS

REACHES = [(reach.value, reach.value) for reach in Reach]
WAYS = [(way.value, way.value) for way in Way]


class RoleSerializer(serializers.Serializer):
    role = serializers.ChoiceField(choices=UserRole.choices)
    reach = serializers.ChoiceField(choices=REACHES, help_text="Which accounts: all, of units headed and below, own.")


class RightOfRolesSerializer(serializers.Serializer):
    """One action, who may do it by role, and which explicit permissions add it. `is_scope`: a token may carry it."""

    action = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    roles = serializers.ListField(child=serializers.ChoiceField(choices=UserRole.choices))
    permissions = serializers.ListField(child=serializers.CharField())
    is_scope = serializers.BooleanField()


class AccessTableSerializer(serializers.Serializer):
    roles = RoleSerializer(many=True)
    actions = RightOfRolesSerializer(many=True)


@extend_schema(tags=["access"])
class AccessTableView(APIView):
    """Roles × actions: the table the product itself asks."""

    http_method_names = ["get", "head"]

    @extend_schema(responses=AccessTableSerializer)
    def get(self, request: Request) -> Response:
        check_parameters(request, ())
        roles = [{"role": role.value, "reach": REACH[role].value} for role in COLUMNS]
        actions = [
            {
                "action": one.value,
                "label": WORDS[one],
                "roles": [role.value for role in COLUMNS if one in TABLE.of(role)],
                "permissions": permissions_for(one),
                "is_scope": one in TOKEN_SCOPES,
            }
            for one in Action
        ]
        return Response(AccessTableSerializer({"roles": roles, "actions": actions}).data)


class WayToAllSerializer(serializers.Serializer):
    way = serializers.ChoiceField(choices=WAYS)
    group = serializers.CharField(allow_blank=True, help_text="The group of rights, where it is one.")


class AccessPersonSerializer(serializers.Serializer):
    """What one person sees. `everything`: by which ways all accounts are seen; `by_way`: how many each single way leads to,
    an account counts in each of its ways."""

    user = serializers.IntegerField(source="sight.user.pk")
    role = serializers.CharField(source="sight.user.effective_role")
    is_active = serializers.BooleanField(source="sight.user.is_active")
    reach = serializers.ChoiceField(choices=REACHES, source="sight.reach")
    everything = WayToAllSerializer(many=True)
    units_headed = serializers.ListField(child=serializers.IntegerField())
    hidden = serializers.ListField(child=serializers.ChoiceField(choices=[(one.value, one.value) for one in Hidden]))
    total = serializers.IntegerField()
    by_way = serializers.DictField(child=serializers.IntegerField())


class WayToAccountSerializer(serializers.Serializer):
    """`user`: whose account it is, for the way `unit`; `role` and `since`: of the seat, where it is one."""

    way = serializers.ChoiceField(choices=WAYS)
    group = serializers.CharField(source="name", allow_blank=True)
    role = serializers.CharField(allow_blank=True)
    since = serializers.DateField(allow_null=True)
    user = serializers.SerializerMethodField()

    def get_user(self, found: Found) -> int | None:
        return found.person.pk if found.person else None


class SeenAccountSerializer(serializers.Serializer):
    account = serializers.IntegerField()
    code = serializers.CharField()
    name = serializers.CharField()
    is_seen = serializers.BooleanField()
    ways = WayToAccountSerializer(many=True)


class WhySerializer(SeenAccountSerializer):
    """`obstacles`: what would have to be otherwise; empty where it is seen."""

    obstacles = serializers.ListField(
        child=serializers.ChoiceField(choices=[(one.value, one.value) for one in Obstacle])
    )


@extend_schema(tags=["access"])
class AccessPersonViewSet(ApiViewSet):
    """What somebody sees, and why. Told of accounts that the caller sees too."""

    serializer_class = AccessPersonSerializer
    queryset = User.objects.all()

    @extend_schema(responses=AccessPersonSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        check_parameters(request, ())
        user = get_object_or_404(User, pk=self.kwargs["pk"])
        sight = sight_of(user)
        numbers = counts(sight, viewer=cast(User, request.user), on=today_local())
        told = {
            "sight": sight,
            "everything": [{"way": way, "group": name} for way, name in sight.everything],
            "units_headed": [unit.pk for unit in sight.units],
            "hidden": sorted(hidden_from(user)) if user.is_active else sorted(Hidden),
            "total": numbers.pop("total"),
            "by_way": numbers,
        }
        return Response(AccessPersonSerializer(told).data)

    @extend_schema(
        responses=SeenAccountSerializer(many=True), filters=False,
        parameters=[OpenApiParameter("way", enum=list(EACH), description="Only those this way leads to.")],
    )  # fmt: skip
    @action(detail=True, methods=["get"])
    def accounts(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The accounts a person sees, with every way to each."""
        check_parameters(request, {*PAGING_PARAMETERS, "way"})
        sight, on = sight_of(get_object_or_404(User, pk=self.kwargs["pk"])), today_local()
        rows = seen_by(sight.user, viewer=cast(User, request.user)).order_by("sort_key", "pk")
        if wanted := request.query_params.get("way"):
            if wanted not in set(EACH):
                raise BadParameter({"way": [_("Give one of: %(names)s.") % {"names": ", ".join(EACH)}]})
            rows = rows.filter(condition(sight, Way(wanted), on=on))
        page = list(self.paginate_queryset(rows) or [])
        found = ways_to(sight, page, on=on)
        return self.get_paginated_response([_row(one, found[one.pk], is_seen=True) for one in page])

    @extend_schema(
        responses=WhySerializer, filters=False,
        parameters=[OpenApiParameter("account", int, required=True, description="An account that the caller sees.")],
    )  # fmt: skip
    @action(detail=True, methods=["get"], pagination_class=None)
    def why(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Whether a person sees one account, by which ways, or what stands in the way."""
        check_parameters(request, {"account"})
        key, viewer = positive(request, "account"), cast(User, request.user)
        account = Account.objects.visible_to(viewer).with_merged().filter(pk=min(key or 0, LARGEST_KEY)).first()
        if account is None:
            raise BadParameter({"account": [_("There is no such object, or you do not see it.")]})
        told = explain(sight_of(get_object_or_404(User, pk=self.kwargs["pk"])), account, on=today_local())
        row = _row(account, told.ways, is_seen=told.sees) | {"obstacles": [one.value for one, _what in told.obstacles]}
        return Response(row)


def _row(account: Account, ways: list[Found], *, is_seen: bool) -> dict[str, Any]:
    ways_told = WayToAccountSerializer(ways, many=True).data
    return {"account": account.pk, "code": account.code, "name": account.name, "is_seen": is_seen, "ways": ways_told}
