"""Relationships: what is kept of people and levels. Notes that are only added to can be looked at alone."""

from django.contrib import admin

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from accounts.models import (
    AttitudeNote,
    BuyingCentre,
    CentreMember,
    Courtesy,
    CourtesyLimit,
    LevelEvidence,
    PartnershipState,
    RelationshipRule,
    RelationshipTarget,
)
from crm.lib.admin_parts import LargeTableAdmin, ModelAdmin, TabularInline

STAMPS = ("created_at", "updated_at")


class CentreMemberInline(TabularInline):
    model = CentreMember
    extra = 0
    autocomplete_fields = ("contact", "owner")


@admin.register(BuyingCentre)
class BuyingCentreAdmin(FoundByAccountMixin, VisibleMixin, ModelAdmin):
    list_display = ("name", "account", "is_active")
    list_filter = ("is_active",)
    list_select_related = ("account",)
    autocomplete_fields = ("account",)
    readonly_fields = STAMPS
    inlines = (CentreMemberInline,)


@admin.register(AttitudeNote)
class AttitudeNoteAdmin(VisibleMixin, LargeTableAdmin):
    """The log of attitudes: added to by the pages, never changed."""

    visible_by = "contact__account"
    list_display = ("contact", "attitude", "held_from", "noted_by", "noted_at")
    list_filter = ("attitude",)
    list_select_related = ("contact", "noted_by")
    search_fields = ("contact__name",)


@admin.register(LevelEvidence)
class LevelEvidenceAdmin(FoundByAccountMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "level", "reached_on", "expires_on", "noted_by")
    list_filter = ("level",)
    list_select_related = ("account", "noted_by")
    autocomplete_fields = ("account", "noted_by")
    readonly_fields = STAMPS


@admin.register(PartnershipState)
class PartnershipStateAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    """States follow each other; a new one is noted on the account's page."""

    list_display = ("account", "state", "since", "noted_by")
    list_filter = ("state",)
    list_select_related = ("account", "noted_by")


@admin.register(RelationshipRule)
class RelationshipRuleAdmin(ModelAdmin):
    """One row a grade: there are as many as there are grades."""

    list_display = ("grade", "cadence_days", "key_target", "general_target", "organisational_target")
    readonly_fields = ("grade", *STAMPS)

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(RelationshipTarget)
class RelationshipTargetAdmin(FoundByAccountMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "key_target", "general_target", "organisational_target")
    list_select_related = ("account",)
    autocomplete_fields = ("account",)
    readonly_fields = STAMPS


@admin.register(CourtesyLimit)
class CourtesyLimitAdmin(ModelAdmin):
    """Above them a gift or an invitation asks for approval."""

    list_display = ("kind", "per_occasion", "per_year", "currency")
    readonly_fields = STAMPS


@admin.register(Courtesy)
class CourtesyAdmin(VisibleMixin, LargeTableAdmin):
    """Written and decided on the pages, where the limits are asked."""

    visible_by = "contact__account"
    list_display = ("contact", "kind", "given_on", "amount", "currency", "given_by", "state", "decided_by")
    list_filter = ("kind", "state")
    list_select_related = ("contact", "given_by", "decided_by")
    search_fields = ("contact__name", "occasion")
