from django.contrib import admin
from unfold.contrib.filters.admin import RangeDateFilter

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from crm.lib.admin_parts import LargeTableAdmin
from metrics.models import AccountDay, AccountFigures, AccountMonth, AccountSpan, LifetimeFit

SUMS = ("net", "credits", "cost", "lines_without_cost", "quantity", "lines", "orders")


class AccountFiguresBase(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    """Figures of accounts, found by the account."""

    list_select_related = ("account",)


@admin.register(AccountDay)
class AccountDayAdmin(AccountFiguresBase):
    list_display = ("account", "day", "currency", "basis", *SUMS)
    list_filter = ("basis", "currency", ("day", RangeDateFilter))
    list_filter_submit = True
    date_hierarchy = "day"


@admin.register(AccountMonth)
class AccountMonthAdmin(AccountFiguresBase):
    list_display = ("account", "month", "currency", "basis", *SUMS, "active_days")
    list_filter = ("basis", "currency", ("month", RangeDateFilter))
    list_filter_submit = True
    date_hierarchy = "month"


@admin.register(AccountSpan)
class AccountSpanAdmin(AccountFiguresBase):
    list_display = ("account", "basis", "first_revenue_on", "first_order_on", "last_order_on", "last_booked_on")
    list_filter = ("basis",)


@admin.register(AccountFigures)
class AccountFiguresAdmin(AccountFiguresBase):
    list_display = (
        *("account", "as_of", "currency", "ttm_revenue", "prior_ttm_revenue", "growth_rate", "margin", "orders_ttm"),
        *("last_order_on", "clv", "p_alive"),
    )


@admin.register(LifetimeFit)
class LifetimeFitAdmin(LargeTableAdmin):
    list_display = ("as_of", "method", "basis", "currency", "accounts", "log_likelihood", "reason", "created_at")
    list_filter = ("method", "basis", "currency")
    date_hierarchy = "as_of"
    ordering = ("-as_of", "-pk")
