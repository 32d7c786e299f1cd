from django.contrib import admin
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesCheckboxFilter

from tiering.admin.overrides import ReadOnlyMixin
from tiering.models import Judgement, WeightOrigin, WeightSurvey


@admin.register(WeightSurvey)
class WeightSurveyAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ("title", "model", "part", "state", "created_by", "created_at")
    list_filter = (("state", ChoicesCheckboxFilter),)
    list_filter_submit = True
    list_select_related = ("model", "created_by")
    search_fields = ("title",)
    date_hierarchy = "created_at"


@admin.register(Judgement)
class JudgementAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ("survey", "judge", "left", "right", "scale", "given_at")
    list_select_related = ("survey", "judge")
    search_fields = ("survey__title", "judge__username")
    date_hierarchy = "given_at"


@admin.register(WeightOrigin)
class WeightOriginAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ("model", "part", "source", "survey", "consistency_ratio", "manual_share")
    list_filter = (("source", ChoicesCheckboxFilter),)
    list_filter_submit = True
    list_select_related = ("model", "survey")
    search_fields = ("model__name",)
