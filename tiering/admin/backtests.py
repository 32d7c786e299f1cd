"""Backtests and decisions on customers of low value: asked for and decided on the pages; here they can be looked at."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter

from accounts.admin.shared import VisibleMixin
from tiering.admin.overrides import ReadOnlyMixin
from tiering.models import BacktestRun, BandDecision


@admin.register(BacktestRun)
class BacktestRunAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ("model", "first_on", "last_on", "state", "done_days", "days", "requested_by", "created_at")
    list_filter = (("state", ChoicesCheckboxFilter),)
    list_filter_submit = True
    list_select_related = ("model", "requested_by")
    date_hierarchy = "created_at"


@admin.register(BandDecision)
class BandDecisionAdmin(ReadOnlyMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "verdict", "review_on", "decided_by", "decided_on")
    list_filter = (("verdict", ChoicesCheckboxFilter), ("review_on", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "decided_by")
    search_fields = ("account__search_text", "text")
    search_help_text = _("Account or words of the reason.")
    date_hierarchy = "decided_on"
