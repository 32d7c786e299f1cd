"""Rights that come with a role, where Django asks its backends: lists of permissions, menus of the admin, who holds one.

``User.has_perm`` asks the table itself, so that the scopes of a token hold for superusers too.
"""

from typing import Any

from django.contrib.auth.backends import BaseBackend, ModelBackend
from django.db.models import Q, QuerySet

from accounts.access import permissions_of, role_holds, roles_holding
from accounts.models import User


class RoleBackend(BaseBackend):
    """Logs nobody in."""

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        if not isinstance(user_obj, User) or not user_obj.is_active or obj is not None:
            return set()
        return set(permissions_of(user_obj.effective_role))

    def has_perm(self, user_obj: Any, perm: str, obj: Any = None) -> bool:
        return isinstance(user_obj, User) and user_obj.is_active and role_holds(user_obj.effective_role, perm)

    def has_module_perms(self, user_obj: Any, app_label: str) -> bool:
        return any(perm.partition(".")[0] == app_label for perm in self.get_all_permissions(user_obj))


def holders_of(permission: str) -> QuerySet[User]:
    """Everybody active who holds it: by role, explicitly or through a group."""
    explicit = ModelBackend().with_perm(permission, include_superusers=True)
    return User.objects.filter(
        Q(pk__in=explicit.order_by().values("pk")) | Q(role__in=roles_holding(permission)), is_active=True
    )
