"""Whose accounts a page is about: mine, or all that I may see. Chosen in the top bar, kept in the session."""

from django.http import HttpRequest

from accounts.access import Reach
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.web.formats import NumberStyle

MINE, ALL = "mine", "all"
SCOPES = (MINE, ALL)
SESSION_SCOPE = "scope"
SESSION_UNITS = "units"
UNITS = ("m", "wan")


def scope_of(request: HttpRequest) -> str:
    chosen = request.session.get(SESSION_SCOPE, ALL)
    return chosen if chosen in SCOPES else ALL


def can_choose_scope(request: HttpRequest) -> bool:
    """Only for those who see more than their own accounts is there something to choose."""
    return request.user.is_authenticated and request.user.reach is not Reach.OWN


def accounts_in_scope(request: HttpRequest) -> AccountQuerySet:
    """The accounts a page may count: visible to the user, and only the user's own where that was chosen."""
    visible = Account.objects.visible_to(request.user)
    if scope_of(request) == MINE and request.user.is_authenticated:
        return visible.mine(request.user)
    return visible


def number_style(request: HttpRequest) -> NumberStyle:
    units = request.session.get(SESSION_UNITS, "m")
    return NumberStyle(units if units in UNITS else "m")
