from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import ForeignKey, QuerySet, TextField
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from accounts.models.base import CURRENCY_FORM
from crm.lib.admin_parts import SharedChoicesMixin
from crm.lib.exceptions import CrmError
from tiering.admin.editing import design_as_sent
from tiering.admin.formsets import (
    DimensionFormSet,
    IndicatorForm,
    IndicatorFormSet,
    PlainNumbersForm,
    RuleForm,
    RuleFormSet,
    plain,
)
from tiering.admin.preview import candidates, last_night, preview, score_of, weight_lines
from tiering.design import HUNDRED, Design
from tiering.enums import ModelState, Preset
from tiering.models import Dimension, GradeRule, Indicator, ScoringModel
from tiering.services import ModelRefused, create_model, new_version
from tiering.services_activation import (
    approve_activation,
    earliest_effective_day,
    open_activation,
    propose_activation,
)

STATE_STYLES = {
    ModelState.DRAFT.value: "info",
    ModelState.PROPOSED.value: "warning",
    ModelState.APPROVED.value: "warning",
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
    tab = True
    hide_title = True

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
    form = PlainNumbersForm
    formset = DimensionFormSet
    fields = ("code", "weight")
    readonly_fields = ("code",)

    def has_add_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ScoringModel | None = None) -> bool:
        return False


class DimensionChoiceField(forms.ModelChoiceField):
    def label_from_instance(self, obj: Dimension) -> str:
        return str(obj.get_code_display())


class IndicatorInline(PartInline):
    model = Indicator
    form = IndicatorForm
    formset = IndicatorFormSet
    fields = ("dimension", "code", "weight", "anchors")
    shared_choices = ("dimension",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("dimension")

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> forms.Field | None:
        """Only the dimensions of this model."""
        if db_field.name == "dimension" and request.resolver_match is not None:
            model_id = request.resolver_match.kwargs.get("object_id")
            kwargs["queryset"] = Dimension.objects.filter(model=model_id)
            kwargs["form_class"] = DimensionChoiceField
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class RuleInline(PartInline):
    model = GradeRule
    form = RuleForm
    formset = RuleFormSet
    fields = ("grade", "condition", "threshold")


class PresetForm(BaseDialogForm):
    preset = forms.ChoiceField(label=_("Preset"), choices=Preset.choices, widget=UnfoldAdminSelectWidget)
    diamond = forms.DecimalField(
        label=_("Diamond, net revenue a year"),
        required=False,
        min_value=0,
        max_digits=19,
        decimal_places=4,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Empty: as the preset finds it."),
    )
    currency = forms.CharField(
        label=_("Currency"),
        required=False,
        validators=[CURRENCY_FORM],
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Empty: that of the ledger."),
    )


class VersionForm(BaseDialogForm):
    note = forms.CharField(
        label=_("Note"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}),
        help_text=_("Why it is made."),
    )


class ProposeForm(BaseDialogForm):
    effective_on = forms.DateField(
        label=_("In force from"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "date"}),
        help_text=_("Empty: from the next night on."),
    )
    text = forms.CharField(label=_("Why"), max_length=1000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class ApproveForm(BaseDialogForm):
    """Nothing to fill in; the button is the consent."""


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
        *("state", "version", "preset", "currency", "basis", "as_of"),
        *("created_by", "created_at", "activated_by", "activated_at", "review_on"),
    )
    fieldsets = (
        (None, {"fields": (("name", "version"), ("state", "preset"), "note")}),
        (_("Where it comes from"), {"fields": (("as_of", "currency"), "basis")}),
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
        (
            _("Stability"),
            {
                "fields": (
                    ("buffer_score", "buffer_growth", "buffer_money"),
                    ("confirm_up_days", "confirm_down_days", "confirm_problem_days"),
                ),
            },
        ),
        (_("Record"), {"fields": (("created_by", "created_at"), ("activated_by", "activated_at"), "review_on")}),
    )
    warn_unsaved_form = True
    formfield_overrides = {TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 2})}}
    change_form_before_template = "admin/tiering/preview_panel.html"
    actions_list = ("new_from_preset",)
    actions_detail = ("new_version", "propose", "approve")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A model begins as a preset or as a copy, never empty: see the actions."""
        return False

    def has_make_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("tiering.add_scoringmodel")

    def has_propose_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("tiering.add_scoringmodel") and _is_in(object_id, ModelState.DRAFT)

    def has_approve_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("tiering.activate_model") and _is_in(object_id, ModelState.PROPOSED)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.preview_view)
        return [path("<path:object_id>/preview/", view, name="tiering_scoringmodel_preview"), *super().get_urls()]

    def preview_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """The fragment beside the form: sums of weights, and one account's score by what the form says now."""
        model = self.get_object(request, object_id)
        if model is None or not self.has_view_permission(request, model):
            raise PermissionDenied
        design, problems = design_as_sent(self, request, model)
        shown = _preview(request, model, design)
        total = sum(design.dimensions.values(), Decimal(0))
        context = {
            "problems": problems,
            "lines": weight_lines(design, shown.get("preview")),
            "total_text": plain(total),
            "adds_up": total == HUNDRED,
            **shown,
        }
        return TemplateResponse(request, "admin/tiering/_preview.html", context)

    @action(
        description=_("New from a preset"),
        url_path="new-from-preset",
        icon="add",
        permissions=["make"],
        dialog={
            "title": _("New scoring model"),
            "description": _("A draft: nothing changes for any account until somebody activates it."),
            "form_class": PresetForm,
            "form_submit_text": _("Make the draft"),
        },
    )
    def new_from_preset(self, request: HttpRequest, form: PresetForm) -> HttpResponse:
        try:
            draft = create_model(
                preset=form.cleaned_data["preset"],
                diamond=form.cleaned_data["diamond"],
                currency=form.cleaned_data["currency"] or None,
                created_by=request.user,
            )
        except CrmError as error:
            self.message_user(request, str(error), messages.ERROR)
            return _go(reverse("admin:tiering_scoringmodel_changelist"))
        self.message_user(request, _("The draft %(model)s is made.") % {"model": draft}, messages.SUCCESS)
        return _go(reverse("admin:tiering_scoringmodel_change", args=[draft.pk]))

    @action(
        description=_("Make a new version"),
        url_path="new-version",
        icon="content_copy",
        permissions=["make"],
        dialog={
            "title": _("Make a new version"),
            "description": _("A draft equal to this version, to be edited. This version stays as it is."),
            "form_class": VersionForm,
            "form_submit_text": _("Make the draft"),
        },
    )
    def new_version(self, request: HttpRequest, form: VersionForm, object_id: str) -> HttpResponse:
        model = self._existing(request, object_id)
        draft = new_version(model=model, created_by=request.user, note=form.cleaned_data["note"])
        self.message_user(request, _("The draft %(model)s is made.") % {"model": draft}, messages.SUCCESS)
        return _go(reverse("admin:tiering_scoringmodel_change", args=[draft.pk]))

    @action(
        description=_("Propose for activation"),
        url_path="propose",
        icon="send",
        permissions=["propose"],
        dialog={
            "title": _("Propose this version"),
            "description": _(
                "Once somebody else has approved it, it grades every account from the night of its day on. Until it is "
                "decided nobody can edit it."
            ),
            "form_class": ProposeForm,
            "form_submit_text": _("Propose it"),
        },
    )
    def propose(self, request: HttpRequest, form: ProposeForm, object_id: str) -> HttpResponse:
        model, today = self._existing(request, object_id), timezone.localdate()
        done = _("Proposed. It comes into force once somebody else has approved it.")
        fields = {
            "effective_on": form.cleaned_data["effective_on"] or earliest_effective_day(today=today),
            "text": form.cleaned_data["text"],
        }
        return self._decided(
            request,
            model,
            done,
            lambda: propose_activation(model=model, proposed_by=request.user, today=today, **fields),
        )

    @action(
        description=_("Approve"),
        url_path="approve",
        icon="check_circle",
        permissions=["approve"],
        dialog={
            "title": _("Approve this version"),
            "description": _("From the night of its day on every account is scored and graded by it."),
            "form_class": ApproveForm,
            "form_submit_text": _("Approve"),
        },
    )
    def approve(self, request: HttpRequest, form: ApproveForm, object_id: str) -> HttpResponse:
        model, done = self._existing(request, object_id), _("Approved. The night of its day takes it up.")
        return self._decided(
            request, model, done,
            lambda: approve_activation(activation=open_activation(model), approved_by=request.user),
        )  # fmt: skip

    def _decided(
        self, request: HttpRequest, model: ScoringModel, done: str, decide: Callable[[], object]
    ) -> HttpResponse:
        try:
            decide()
        except ModelRefused as refused:
            for problem in refused.problems:
                self.message_user(request, problem, messages.ERROR)
        except CrmError as refused:
            self.message_user(request, str(refused), messages.ERROR)
        else:
            self.message_user(request, done, messages.SUCCESS)
        return _go(reverse("admin:tiering_scoringmodel_change", args=[model.pk]))

    def _existing(self, request: HttpRequest, object_id: str) -> ScoringModel:
        model = self.get_object(request, object_id)
        if model is None:
            raise Http404
        return model

    @display(description=_("state"), label=STATE_STYLES, ordering="state")
    def state_badge(self, model: ScoringModel) -> tuple[str, str]:
        return model.state, model.get_state_display()


def _preview(request: HttpRequest, model: ScoringModel, design: Design) -> dict[str, Any]:
    """What the fragment shows of an account: the chosen one, else the first candidate."""
    run = last_night()
    if run is None or run.model is None:
        return {"reason": _("No night has been published yet: the preview needs its figures.")}
    if (run.model.currency, run.model.basis) != (model.currency, model.basis):
        reason = _(
            "The last night was graded in %(night)s, this version is in %(currency)s: no preview before its night."
        )
        return {"reason": reason % {"night": run.model.currency, "currency": model.currency}}
    found = candidates(request.user, search=request.POST.get("preview_search", ""), run=run)
    wanted = request.POST.get("preview_account", "")
    chosen = score_of(request.user, account_id=int(wanted), run=run) if wanted.isdecimal() else None
    if chosen is None and found:
        chosen = found[0]
    if chosen is not None and chosen not in found:
        found = [chosen, *found]
    if chosen is None or not design.indicators:
        return {"run": run, "candidates": found, "reason": _("No account matches.")}
    shown = preview(design=design, score=chosen, run=run, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
    return {"run": run, "candidates": found, "chosen": chosen, "preview": shown}


def _is_in(object_id: str | None, state: ModelState) -> bool:
    """Whether the version, if one is on show, is in that state."""
    if object_id is None:
        return True
    return str(object_id).isdecimal() and ScoringModel.objects.filter(pk=object_id, state=state).exists()


def _go(url: str) -> HttpResponse:
    """Leads the browser on from a dialog, which htmx sends."""
    return HttpResponse(headers={"HX-Redirect": url})
