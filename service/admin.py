from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter, RangeDateTimeFilter

from accounts.admin.shared import VisibleMixin
from crm.lib.admin_parts import ModelAdmin, TabularInline
from service.models import (
    Attachment,
    Discount,
    IncomingMail,
    Interaction,
    MailAddress,
    RequestStep,
    ServiceRequest,
    Sponsor,
)


class AttachmentInline(TabularInline):
    """Files, to read and to remove; pages and REST add them, after they were looked at."""

    model = Attachment
    extra = 0
    fields = readonly_fields = ("name", "media_type", "size", "added_by", "added_at")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("added_by")


@admin.register(Interaction)
class InteractionAdmin(VisibleMixin, ModelAdmin):
    list_display = ("account", "kind", "purpose", "held_on", "is_remote", "next_step", "next_step_on", "logged_by")
    list_filter = ("kind", "purpose", "is_remote", ("held_on", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "logged_by")
    search_fields = ("summary", "next_step", "account__search_text")
    inlines = (AttachmentInline,)
    autocomplete_fields = ("account", "logged_by", "our_people", "their_people")
    date_hierarchy = "held_on"
    readonly_fields = ("created_at", "updated_at")


class StepInline(TabularInline):
    """What was done, to read; the pages and REST add to it."""

    model = RequestStep
    extra = 0
    fields = readonly_fields = ("kind", "at", "by", "text")
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("by")


@admin.register(ServiceRequest)
class ServiceRequestAdmin(VisibleMixin, ModelAdmin):
    list_display = ("number", "account", "subject", "kind", "severity", "opened_at", "resolved_at", "assigned_to")
    list_filter = ("kind", "severity", ("opened_at", RangeDateTimeFilter))
    list_filter_submit = True
    list_select_related = ("account", "assigned_to")
    search_fields = ("number", "subject", "account__search_text")
    autocomplete_fields = ("account", "contact", "assigned_to", "opened_by")
    date_hierarchy = "opened_at"
    readonly_fields = ("number", "created_at", "updated_at")
    inlines = (StepInline,)


@admin.register(Sponsor)
class SponsorAdmin(VisibleMixin, ModelAdmin):
    list_display = ("account", "kind", "user", "is_exclusive", "valid_from", "valid_to")
    list_filter = ("kind", "is_exclusive", ("valid_from", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "user")
    search_fields = ("account__search_text", "user__username", "user__first_name", "user__last_name")
    autocomplete_fields = ("account", "user")
    date_hierarchy = "valid_from"
    readonly_fields = ("created_at", "updated_at")


@admin.register(Discount)
class DiscountAdmin(VisibleMixin, ModelAdmin):
    list_display = ("account", "granted_on", "percent", "granted_by", "approved_by", "reference")
    list_filter = (("granted_on", RangeDateFilter),)
    list_filter_submit = True
    list_select_related = ("account", "granted_by", "approved_by")
    search_fields = ("reference", "reason", "account__search_text")
    autocomplete_fields = ("account", "granted_by", "approved_by")
    date_hierarchy = "granted_on"
    readonly_fields = ("created_at", "updated_at")


class _Closed(ModelAdmin):
    """Rows that the product writes: to look at, without the words of a mail, which are its user's own."""

    list_select_related = ("user",)
    search_fields = ("user__username", "user__first_name", "user__last_name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(IncomingMail)
class IncomingMailAdmin(_Closed):
    list_display = ("user", "state", "received_at", "sent_at")
    list_filter = ("state", ("received_at", RangeDateTimeFilter))
    list_filter_submit = True
    fields = ("user", "state", "message_id", "received_at", "sent_at", "interactions")


@admin.register(MailAddress)
class MailAddressAdmin(_Closed):
    """Removing one is how an administrator shuts it; its user gets another one on the page Mail."""

    list_display = fields = ("user", "made_at")
