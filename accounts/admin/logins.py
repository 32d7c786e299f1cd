from django.contrib import admin

from accounts.models import Invitation, LoginEvent, LoginLimit, LoginRule, UserSession
from crm.lib.admin_parts import LargeTableAdmin


@admin.register(LoginEvent)
class LoginEventAdmin(LargeTableAdmin):
    list_display = ("at", "kind", "ok", "reason", "user", "username", "actor", "address")
    list_filter = ("kind", "ok", "reason")
    list_select_related = ("user", "actor")
    search_fields = ("username", "user__username")
    date_hierarchy = "at"
    ordering = ("-at", "-pk")


@admin.register(UserSession)
class UserSessionAdmin(LargeTableAdmin):
    list_display = ("user", "started_at", "last_seen_at", "address", "agent", "ended_at", "ended_reason")
    list_filter = ("ended_reason",)
    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")
    date_hierarchy = "last_seen_at"
    ordering = ("-last_seen_at", "-pk")


@admin.register(LoginLimit)
class LoginLimitAdmin(LargeTableAdmin):
    """Counts of tries; a lock is lifted on the page Locks, which writes it down."""

    list_display = ("kind", "subject", "attempts", "since")
    list_filter = ("kind",)
    search_fields = ("subject",)
    ordering = ("-since", "-pk")


@admin.register(LoginRule)
class LoginRuleAdmin(LargeTableAdmin):
    """Changed on the page Second factor, which signs out whom it asks."""

    list_display = ("__str__", "changed_at", "changed_by")
    list_select_related = ("changed_by",)


@admin.register(Invitation)
class InvitationAdmin(LargeTableAdmin):
    """Made and withdrawn on the page Invitations. What its link is made of is shown nowhere."""

    list_display = ("email", "role", "unit", "invited_by", "invited_at", "expires_at", "used_at", "withdrawn_at")
    list_filter = ("role",)
    list_select_related = ("unit", "invited_by")
    search_fields = ("email", "first_name", "last_name")
    date_hierarchy = "invited_at"
    exclude = ("nonce",)
