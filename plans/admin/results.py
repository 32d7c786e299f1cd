from django.contrib import admin

from accounts.admin.shared import VisibleMixin
from crm.lib.admin_parts import LargeTableAdmin
from plans.models import AccountCompliance, Measurement, PromiseResult


@admin.register(Measurement)
class MeasurementAdmin(LargeTableAdmin):
    list_display = ("as_of", "measured_at", "accounts")


@admin.register(PromiseResult)
class PromiseResultAdmin(VisibleMixin, LargeTableAdmin):
    list_display = ("account", "type", "state", "promised", "delivered", "compliance", "missing", "due_on")
    list_filter = ("state", "type")
    list_select_related = ("account", "promise")


@admin.register(AccountCompliance)
class AccountComplianceAdmin(VisibleMixin, LargeTableAdmin):
    list_display = ("account", "grade", "compliance", "due", "broken", "violations", "service_ratio", "surplus_cost")
    list_filter = ("grade",)
    list_select_related = ("account",)
