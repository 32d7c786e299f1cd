from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter

from accounts.models import Account, MarketEffort
from crm.lib.admin_parts import ModelAdmin


@admin.register(MarketEffort)
class MarketEffortAdmin(ModelAdmin):
    list_display = ("month", "purpose", "category", "amount", "currency", "hours", "account", "source")
    list_filter = (("purpose", ChoicesCheckboxFilter), "currency", ("month", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account",)
    search_fields = ("category", "source", "note", "account__search_text")
    autocomplete_fields = ("account",)
    date_hierarchy = "month"
    readonly_fields = ("created_at", "updated_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows if request.user.is_superuser else rows.visible_to(request.user)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Who does not see every account must name one: an effort without it is the company's."""
        if db_field.name == "account":
            visible = Account.objects.visible_to(request.user)
            kwargs["queryset"] = visible
            kwargs["required"] = not visible.is_everything
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
