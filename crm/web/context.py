"""What every page's frame shows; worked out only when a template asks for it, so fragments pay nothing."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language, get_language_info
from django.utils.translation import gettext_lazy as _

from accounts.access import Action
from crm.models.trail import VIEW_TRAIL
from crm.web import scope
from crm.web.rights import may_change_webhooks, may_retier
from crm.web.standing import Standing, standing


@dataclass(frozen=True)
class NavItem:
    label: Any
    path: str
    icon: str
    is_here: bool = False


NAVIGATION = (
    (_("Dashboard"), "/", "layout-dashboard"),
    (_("Accounts"), "/accounts/", "building"),
    (_("Teams"), "/teams/", "users"),
    (_("Metrics"), "/metrics/", "chart-line"),
    (_("Tiering"), "/tiering/", "stairs-up"),
    (_("Plans"), "/plans/", "flag"),
    (_("Service"), "/service/", "inbox"),
    (_("Relationships"), "/relationships/", "sitemap"),
    (_("Imports"), "/imports/", "file-import"),
)


# Pages that stand under an entry without beginning with its address.
UNDER = {"/ratings/": "/tiering/", "/tasks/": "/teams/", "/organisation/": "/teams/", "/access/": "/teams/"}


class Frame:
    """Navigation, scope, as-of and choices of the reader, for base.html."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def navigation(self) -> list[NavItem]:
        here = self.request.path
        here = next((entry for path, entry in UNDER.items() if here.startswith(path)), here)
        return [
            NavItem(label, path, icon, is_here=here == path if path == "/" else here.startswith(path))
            for label, path, icon in NAVIGATION
        ]

    @cached_property
    def may_see_trail(self) -> bool:
        return bool(self.request.user.has_perm(VIEW_TRAIL))

    @cached_property
    def standing(self) -> Standing:
        return standing(self.request)

    @cached_property
    def can_retier(self) -> bool:
        return may_retier(self.request.user)

    @cached_property
    def can_manage_logins(self) -> bool:
        user = self.request.user
        return user.is_authenticated and user.may(Action.USER_VIEW)

    @cached_property
    def can_view_access(self) -> bool:
        user = self.request.user
        return user.is_authenticated and user.may(Action.ACCESS_VIEW)

    @cached_property
    def can_change_webhooks(self) -> bool:
        return may_change_webhooks(self.request.user)

    @cached_property
    def can_choose_scope(self) -> bool:
        return scope.can_choose_scope(self.request)

    @cached_property
    def scope(self) -> str:
        return scope.scope_of(self.request)

    @cached_property
    def units(self) -> str:
        return scope.number_style(self.request).units

    @cached_property
    def languages(self) -> list[dict[str, Any]]:
        now = get_language()
        return [
            {"code": code, "name": get_language_info(code)["name_local"], "is_now": code == now}
            for code, _name in settings.LANGUAGES
        ]


def frame(request: HttpRequest) -> dict[str, Any]:
    return {"frame": SimpleLazyObject(lambda: Frame(request)), "demo_mode": settings.DEMO}
