"""The permissions the pages ask for, by name: one place for views, navigation and buttons."""

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _

from accounts.models import User

IMPORT_REVENUE = "accounts.import_revenue"
WITHDRAW_BATCH = "accounts.withdraw_batch"
ADD_RATE, CHANGE_RATE = "accounts.add_exchangerate", "accounts.change_exchangerate"
RETIER = "tiering.retier"

Reader = User | AnonymousUser


def may_import(user: Reader) -> bool:
    return user.has_perm(IMPORT_REVENUE)


def may_withdraw(user: Reader) -> bool:
    return user.has_perm(WITHDRAW_BATCH)


def may_retier(user: Reader) -> bool:
    return user.has_perm(RETIER)


def may_import_rates(user: Reader) -> bool:
    return user.has_perms((ADD_RATE, CHANGE_RATE))


def require_import_rates(user: Reader) -> None:
    """Raises PermissionDenied that says who can give the right."""
    if not may_import_rates(user):
        raise PermissionDenied(_("Your log-in may not add exchange rates. An administrator can give you that right."))


def require_import(user: Reader) -> None:
    """Raises PermissionDenied that says who can give the right."""
    if not may_import(user):
        raise PermissionDenied(_("Your log-in may not import revenue. An administrator can give you that right."))


def require_withdraw(user: Reader) -> None:
    if not may_withdraw(user):
        raise PermissionDenied(_("Your log-in may not withdraw a batch. An administrator can give you that right."))


def require_retier(user: Reader) -> None:
    if not may_retier(user):
        raise PermissionDenied(_("Your log-in may not start a re-tier. An administrator can give you that right."))
