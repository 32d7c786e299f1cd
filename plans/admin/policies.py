from django.contrib import admin
from unfold.admin import TabularInline

from crm.lib.admin_parts import LargeTableAdmin, ReadOnlyMixin
from plans.models import PolicyVersion, Promise, Strategy


class PromiseInline(ReadOnlyMixin, TabularInline):
    model = Promise
    fields = ("grade", "type", "target", "level", "period", "clock", "severity", "weight", "unit_cost", "currency")
    extra = 0


class StrategyInline(ReadOnlyMixin, TabularInline):
    model = Strategy
    fields = ("grade", "purpose_en", "purpose_zh_hans", "purpose_zh_hant")
    extra = 0


@admin.register(PolicyVersion)
class PolicyVersionAdmin(LargeTableAdmin):
    """Versions are drafted and put into force on the page of the policies; here they can be looked at."""

    list_display = ("number", "state", "valid_from", "valid_to", "made_by", "activated_by", "activated_at")
    list_filter = ("state",)
    list_select_related = ("made_by", "activated_by")
    ordering = ("-number",)
    inlines = (PromiseInline, StrategyInline)


@admin.register(Promise)
class PromiseAdmin(LargeTableAdmin):
    list_display = ("version", "grade", "type", "target", "level", "period", "weight", "unit_cost", "currency")
    list_filter = ("version", "grade", "type")
    list_select_related = ("version",)


@admin.register(Strategy)
class StrategyAdmin(LargeTableAdmin):
    list_display = ("version", "grade", "purpose_en")
    list_filter = ("version", "grade")
    list_select_related = ("version",)
