from django.contrib import admin

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from crm.lib.admin_parts import ModelAdmin, TabularInline
from plans.models import AccountPlan, PlanAction, RemediationAction, RemediationPlan


class PlanActionInline(TabularInline):
    model = PlanAction
    extra = 0
    autocomplete_fields = ("owner",)


class RemediationActionInline(TabularInline):
    model = RemediationAction
    extra = 0
    autocomplete_fields = ("owner",)


@admin.register(AccountPlan)
class AccountPlanAdmin(FoundByAccountMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "valid_from", "valid_to", "owner", "priority_rank", "planned_hours", "approved_by")
    list_select_related = ("account", "owner", "approved_by")
    autocomplete_fields = ("account", "owner")
    readonly_fields = ("made_by", "approved_by", "approved_on", "created_at", "updated_at")
    inlines = (PlanActionInline,)


@admin.register(RemediationPlan)
class RemediationPlanAdmin(FoundByAccountMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "opened_on", "due_on", "owner", "closed_on", "outcome")
    list_filter = ("outcome",)
    list_select_related = ("account", "owner", "closed_by")
    autocomplete_fields = ("account", "owner")
    readonly_fields = ("closed_by", "created_at", "updated_at")
    inlines = (RemediationActionInline,)
