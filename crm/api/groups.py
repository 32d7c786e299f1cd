"""Which group each account belonged to on which days; a change is made on the account, with `parent_since`."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied

from accounts.groups import GroupRefused, change_parent
from accounts.models import Account, GroupMembership, User
from crm.api.filters import VisibleAccountFilter
from crm.api.views import ReadableViewSet
from crm.web.rights import may_change_group


class GroupMembershipSerializer(serializers.ModelSerializer):
    """The parent from `valid_from` on (null: since ever) until `valid_to` (exclusive; null: still)."""

    class Meta:
        model = GroupMembership
        fields = ("id", "account", "parent", "valid_from", "valid_to", "created_at", "updated_at")
        read_only_fields = fields


class GroupMembershipFilter(FilterSet):
    account = VisibleAccountFilter()
    parent = VisibleAccountFilter()

    class Meta:
        model = GroupMembership
        fields = {
            "valid_from": ["exact", "gte", "lte", "isnull"],
            "valid_to": ["exact", "gte", "lte", "isnull"],
        }


@extend_schema(tags=["group-memberships"])
class GroupMembershipViewSet(ReadableViewSet):
    """Groups as they were: rows of the accounts the caller may see. An account without rows has its `parent` since ever;
    one with rows stands alone on days that none of them covers."""

    serializer_class = GroupMembershipSerializer
    filterset_class = GroupMembershipFilter
    ordering_fields = {"id": "pk", "account": "account_id", "valid_from": "valid_from", "valid_to": "valid_to"}
    queryset = GroupMembership.objects.none()

    def get_queryset(self) -> QuerySet[GroupMembership]:
        return GroupMembership.objects.filter(account__in=Account.objects.visible_to(self.request.user))


def move_account(account: Account, attrs: dict[str, Any], *, by: User) -> None:
    """Take parent and day out of what is to be saved and change the group; the day alone changes nothing.

    Without a day the new parent is a correction, unless the account has a dated history: then it must be said.
    Raises ValidationError, by field.
    """
    is_dated = "parent_since" in attrs
    since = attrs.pop("parent_since", None)
    if "parent" not in attrs:
        if since is not None:
            raise serializers.ValidationError({"parent_since": [_("Name the new parent too.")]})
        return
    parent = attrs.pop("parent")
    if account.parent_id == (parent.pk if parent else None) and since is None and not is_dated:
        return
    if not is_dated and account.memberships.exists():
        raise serializers.ValidationError(
            {
                "parent_since": [
                    _("The groups of this account are dated: say since when, or null if it has always been so.")
                ]
            }
        )
    if not may_change_group(by):
        raise PermissionDenied(_("Your log-in may not change groups. An administrator can give you that right."))
    try:
        change_parent(account=account, parent=parent, since=since, by=by)
    except GroupRefused as refused:
        raise serializers.ValidationError({"parent": [str(refused)]}) from refused
