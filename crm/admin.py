"""The admin as a whole: log-in through the product's own page, and third-party tables in the same dress."""

from typing import Any
from urllib.parse import urlencode

from allauth.account import admin as _account_admin  # noqa: F401 - these register first, whatever the order of the apps
from allauth.account.models import EmailAddress
from allauth.mfa import admin as _mfa_admin  # noqa: F401
from allauth.mfa.models import Authenticator
from allauth.socialaccount import admin as _social_admin  # noqa: F401
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.models import AccessToken
from crm import admin_trail as _admin_trail  # noqa: F401 - registers
from crm.lib.admin_parts import LargeTableAdmin, ModelAdmin
from crm.models import IdempotencyKey, ListLayout, SavedView


def login_by_page(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
    """There is one log-in. Someone who is logged in and comes here has no right to the admin."""
    if request.user.is_authenticated:
        raise PermissionDenied(_("Only staff may use the admin. An administrator can give you that right."))
    wanted = request.GET.get("next") or reverse("admin:index")
    return HttpResponseRedirect(f"{reverse('login')}?{urlencode({'next': wanted})}")


admin.site.login = login_by_page  # type: ignore[method-assign]

admin.site.unregister(Group)
# Their rows hold secrets; people's second factors are looked after on /logins/.
for foreign in (Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(foreign)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    """Rights under a name."""


@admin.register(AccessToken)
class AccessTokenAdmin(LargeTableAdmin):
    """Tokens can be looked at and revoked; new ones are made on "My tokens" and by ``create_api_token``, shown once."""

    list_display = ("name", "user", "first_characters", "created", "expiry", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("name", "user__username", "user__first_name", "user__last_name", "token_key")
    date_hierarchy = "created"
    ordering = ("-created", "pk")
    fields = ("name", "user", "first_characters", "scopes", "created", "expiry", "last_used_at", "last_address")

    def has_delete_permission(self, request: HttpRequest, obj: AccessToken | None = None) -> bool:
        return request.user.has_perm("accounts.delete_accesstoken")

    @display(description=_("begins with"))
    def first_characters(self, token: AccessToken) -> str:
        return f"{token.token_key}…"


@admin.register(SavedView)
class SavedViewAdmin(ModelAdmin):
    list_display = ("name", "page", "owner", "is_shared", "query", "updated_at")
    list_filter = ("page", "is_shared")
    list_select_related = ("owner",)
    search_fields = ("name", "owner__username", "query")
    autocomplete_fields = ("owner",)
    readonly_fields = ("created_at", "updated_at")


@admin.register(ListLayout)
class ListLayoutAdmin(LargeTableAdmin):
    list_display = ("user", "density", "columns")
    list_select_related = ("user",)


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(LargeTableAdmin):
    list_display = ("user", "key", "status", "created_at")
    list_select_related = ("user",)
    search_fields = ("key", "user__username")
    date_hierarchy = "created_at"
    exclude = ("body",)
