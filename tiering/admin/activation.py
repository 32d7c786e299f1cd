from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter

from tiering.admin.overrides import ReadOnlyMixin
from tiering.models import Activation, ModelReview


@admin.register(Activation)
class ActivationAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ("model", "state", "effective_on", "ended_on", "proposed_by", "decided_by")
    list_filter = (("state", ChoicesCheckboxFilter), ("effective_on", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("model", "proposed_by", "decided_by")
    search_fields = ("model__name", "text")
    date_hierarchy = "effective_on"


@admin.register(ModelReview)
class ModelReviewAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ("model", "was_due_on", "next_on", "reviewed_by", "reviewed_at")
    list_select_related = ("model", "reviewed_by")
    search_fields = ("text",)
    date_hierarchy = "reviewed_at"
