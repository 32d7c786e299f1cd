from django.contrib import admin

from accounts.models import LoginEvent, UserSession
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
