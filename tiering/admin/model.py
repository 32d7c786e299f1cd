from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, QuerySet
from django.forms import Field
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import display

from crm.lib.admin_parts import SharedChoicesMixin
from tiering.admin.formsets import DimensionFormSet, IndicatorForm, IndicatorFormSet, RuleForm
from tiering.enums import ModelState
from tiering.models import Dimension, GradeRule, Indicator, ScoringModel

STATE_STYLES = {
    ModelState.DRAFT.value: "info",
    ModelState.ACTIVE.value: "success",
    ModelState.RETIRED.value: "default",
}


class DraftMixin:
    """A version that has been in use can be looked at; a draft can be changed, by those who may change models."""

    def has_change_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_draft)  # type: ignore[misc]

    def has_delete_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.is_draft)  # type: ignore[misc]


class PartInline(DraftMixin, SharedChoicesMixin, TabularInline):
    """A part of a model; who may change the model may change its parts."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return request.user.has_perm("tiering.view_scoringmodel") or self._may_change(request)

    def has_add_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return self._may_change(request) and obj is not None and obj.is_draft

    def has_change_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return self._may_change(request) and (obj is None or obj.is_draft)

    def has_delete_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return self.has_change_permission(request, obj)

    @staticmethod
    def _may_change(request: HttpRequest) -> bool:
        return request.user.has_perm("tiering.change_scoringmodel")


class DimensionInline(PartInline):
    model = Dimension
    formset = DimensionFormSet
    fields = ("code", "weight")
    readonly_fields = ("code",)

    def has_add_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return False


class IndicatorInline(PartInline):
    model = Indicator
    form = IndicatorForm
    formset = IndicatorFormSet
    fields = ("dimension", "code", "weight", "anchors", "position")
    shared_choices = ("dimension",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("dimension")

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Field | None:
        """Only the dimensions of this model."""
        if db_field.name == "dimension" and request.resolver_match is not None:
            model_id = request.resolver_match.kwargs.get("object_id")
            kwargs["queryset"] = Dimension.objects.filter(model=model_id)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class RuleInline(PartInline):
    model = GradeRule
    form = RuleForm
    fields = ("grade", "condition", "threshold")


@admin.register(ScoringModel)
class ScoringModelAdmin(DraftMixin, ModelAdmin):
    list_display = (
        "__str__",
        "state_badge",
        "preset",
        "currency",
        "as_of",
        "created_by",
        "activated_at",
        "activated_by",
    )
    list_filter = ("state", "preset")
    list_select_related = ("created_by", "activated_by")
    search_fields = ("name", "note")
    date_hierarchy = "created_at"
    ordering = ("-pk",)
    inlines = (DimensionInline, IndicatorInline, RuleInline)
    readonly_fields = (
        *("state_badge", "version", "preset", "currency", "basis", "as_of"),
        *("created_by", "created_at", "activated_by", "activated_at"),
    )
    fieldsets = (
        (None, {"fields": (("name", "version", "state_badge"), "note")}),
        (_("Where it comes from"), {"fields": (("preset", "as_of"), ("currency", "basis"))}),
        (
            _("Evidence"),
            {
                "fields": (
                    ("evidence_any", "evidence_up"),
                    ("min_dimension_evidence", "min_valid_weight"),
                    ("min_base", "gross_profit_test"),
                ),
            },
        ),
        (_("Record"), {"fields": (("created_by", "created_at"), ("activated_by", "activated_at"))}),
    )
    warn_unsaved_form = True

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @display(description=_("state"), label=STATE_STYLES, ordering="state")
    def state_badge(self, model: ScoringModel) -> tuple[str, str]:
        return model.state, model.get_state_display()
