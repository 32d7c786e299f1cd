"""Rules of teams can be mended; hand-overs, re-assignments and tasks are steps of people and are taken on the pages."""

from django.contrib import admin

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from crm.lib.admin_parts import LargeTableAdmin, ModelAdmin, TabularInline
from plans.models import (
    BusinessDay,
    BusinessHours,
    HandOver,
    MovedRow,
    Reassignment,
    RelationshipAction,
    RelationshipPlan,
    Task,
    TeamRule,
)

STAMPS = ("created_at", "updated_at")


@admin.register(TeamRule)
class TeamRuleAdmin(ModelAdmin):
    """One row a grade: there are as many as there are grades."""

    list_display = ("grade", "roles", "needs_deputy", "points")
    readonly_fields = ("grade", *STAMPS)

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(HandOver)
class HandOverAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "role", "giver", "taker", "on", "state", "done_on")
    list_filter = ("state", "role")
    list_select_related = ("account", "giver", "taker")


@admin.register(Reassignment)
class ReassignmentAdmin(LargeTableAdmin):
    list_display = ("leaver", "successor", "rule", "on", "made_by", "undone_at")
    list_filter = ("rule",)
    list_select_related = ("leaver", "successor", "made_by")


@admin.register(MovedRow)
class MovedRowAdmin(LargeTableAdmin):
    """What a re-assignment moved; thousands of rows, so a list of its own."""

    list_display = ("reassignment", "kind", "row", "successor", "made", "valid_to")
    list_filter = ("kind",)
    list_select_related = ("reassignment__leaver", "reassignment__successor", "successor")


@admin.register(Task)
class TaskAdmin(VisibleMixin, LargeTableAdmin):
    list_display = ("text", "account", "owner", "due_on", "done_on", "origin", "outcome")
    list_filter = ("origin", "outcome")
    list_select_related = ("account", "owner")
    search_fields = ("text", "account__search_text")
    date_hierarchy = "due_on"


class RelationshipActionInline(TabularInline):
    model = RelationshipAction
    extra = 0
    autocomplete_fields = ("owner", "contact")


@admin.register(RelationshipPlan)
class RelationshipPlanAdmin(FoundByAccountMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "goal", "owner", "review_on")
    list_select_related = ("account", "owner")
    autocomplete_fields = ("account", "owner")
    readonly_fields = STAMPS
    inlines = (RelationshipActionInline,)


@admin.register(BusinessHours)
class BusinessHoursAdmin(ModelAdmin):
    list_display = ("valid_from", "opens_at", "closes_at", "working_days", "time_zone")
    readonly_fields = STAMPS


@admin.register(BusinessDay)
class BusinessDayAdmin(ModelAdmin):
    list_display = ("day", "is_working", "name")
    list_filter = ("is_working",)
    date_hierarchy = "day"
    search_fields = ("name",)
    readonly_fields = STAMPS
