from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter

from accounts.admin.shared import GradeColumnMixin, VisibleMixin
from tiering.models import Override, ProblemDecision


class ReadOnlyMixin:
    """Asked for and decided on the pages, where the rules are; here it can be looked at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Override)
class OverrideAdmin(ReadOnlyMixin, VisibleMixin, GradeColumnMixin, ModelAdmin):
    list_display = (
        "account",
        "grade_badge",
        "state",
        "reason",
        "valid_from",
        "valid_to",
        "requested_by",
        "approved_by",
    )
    list_filter = (("state", ChoicesCheckboxFilter), ("grade", ChoicesCheckboxFilter), ("valid_to", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "requested_by", "approved_by")
    search_fields = ("account__search_text", "text")
    search_help_text = _("Account or words of the reason.")
    date_hierarchy = "valid_from"


@admin.register(ProblemDecision)
class ProblemDecisionAdmin(ReadOnlyMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "verdict", "since", "decided_by", "decided_at")
    list_filter = (("verdict", ChoicesCheckboxFilter), ("since", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "decided_by")
    search_fields = ("account__search_text", "text")
    search_help_text = _("Account or words of the reason.")
    date_hierarchy = "decided_at"
