"""The trail and webhooks in the admin: to look at. Values stand on the page of the trail, where each reader sees those that
are for them; keys and secrets stand nowhere."""

from django.contrib import admin

from crm.lib.admin_parts import LargeTableAdmin
from crm.models import Erasure, TrailEntry, TrailLink, TrailSeal, WebhookDelivery, WebhookEndpoint


@admin.register(TrailEntry)
class TrailEntryAdmin(LargeTableAdmin):
    list_display = ("at", "table_name", "row_key", "action", "actor_id", "via")
    list_filter = ("action",)
    search_fields = ("table_name", "row_key", "request_id")
    exclude = ("before", "after")


@admin.register(TrailLink)
class TrailLinkAdmin(LargeTableAdmin):
    list_display = ("position", "entry_id")
    ordering = ("-position",)


@admin.register(TrailSeal)
class TrailSealAdmin(LargeTableAdmin):
    list_display = ("number", "sealed_at", "until_transaction", "position")
    ordering = ("-number",)


@admin.register(Erasure)
class ErasureAdmin(LargeTableAdmin):
    list_display = ("person", "reason", "erased_by_id", "erased_at")
    search_fields = ("person",)


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(LargeTableAdmin):
    """Changed on the page Webhooks, which looks at the address first."""

    list_display = ("name", "url", "owner", "is_active", "stopped_because")
    list_filter = ("is_active",)
    list_select_related = ("owner",)
    search_fields = ("name", "url")
    exclude = ("sealed_secret",)


@admin.register(WebhookDelivery)
class WebhookDeliveryAdmin(LargeTableAdmin):
    list_display = ("endpoint", "event", "state", "attempts", "status", "created_at", "delivered_at")
    list_filter = ("state", "event")
    list_select_related = ("endpoint",)
    exclude = ("payload",)
