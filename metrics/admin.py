from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import RangeDateFilter

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from crm.lib.admin_parts import LargeTableAdmin
from metrics.models import (
    AccountDay,
    AccountFigures,
    AccountMonth,
    AccountSpan,
    GrowthNote,
    LifetimeFit,
    ReportedAccount,
    ReportedFigure,
    SuggestionRejection,
)

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


@admin.register(ReportedFigure)
class ReportedFigureAdmin(LargeTableAdmin):
    """What was reported, as it was: nobody adds, changes or removes it here."""

    list_display = (
        *("title", "question", "base_label", "comparison_label", "currency", "level", "accounts", "as_of"),
        *("author", "created_at", "withdrawn_at"),
    )
    list_filter = ("question", "level", "basis")
    list_select_related = ("author",)
    search_fields = ("title", "note")
    date_hierarchy = "created_at"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportedFigure]:
        return super().get_queryset(request).visible_to(request.user)


@admin.register(ReportedAccount)
class ReportedAccountAdmin(LargeTableAdmin):
    list_display = ("code", "name", "base_amount", "comparison_amount", "figure")
    list_select_related = ("figure",)
    raw_id_fields = ("figure", "account", "root")
    search_fields = ("code", "name")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReportedAccount]:
        seen = ReportedFigure.objects.visible_to(request.user)
        return super().get_queryset(request).filter(figure__in=seen.order_by().values("pk"))


@admin.register(GrowthNote)
class GrowthNoteAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    """Words about a growth that was measured; withdrawn on the page by whoever wrote them."""

    list_display = ("account", "base_label", "comparison_label", "factor", "author", "created_at", "withdrawn_at")
    list_filter = ("factor",)
    list_select_related = ("account", "author")


@admin.register(SuggestionRejection)
class SuggestionRejectionAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "product", "reason", "rejected_by", "rejected_at", "withdrawn_at")
    list_select_related = ("account", "product", "rejected_by")
