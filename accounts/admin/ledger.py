import json
from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, DropdownFilter, RangeDateFilter
from unfold.decorators import display

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from accounts.enums import BatchState
from accounts.models import Contract, ContractMilestone, ExchangeRate, ImportBatch, Product, RevenueRecord, SavedMapping
from accounts.validators import check_milestones_fit
from crm.lib.admin_parts import LargeTableAdmin, ModelAdmin, TabularInline

BATCH_STYLES = {
    BatchState.DRAFT.value: "default",
    BatchState.QUEUED.value: "info",
    BatchState.READING.value: "info",
    BatchState.POSTED.value: "success",
    BatchState.FAILED.value: "danger",
    BatchState.WITHDRAWN.value: "warning",
}


@admin.register(Product)
class ProductAdmin(ModelAdmin):
    list_display = ("code", "name", "category")
    list_filter = ("category",)
    search_fields = ("code", "name", "category")
    readonly_fields = ("created_at", "updated_at")


class MilestonesFormSet(BaseInlineFormSet):
    """All milestones of a contract at once: together, as they will be, they are at most its amount."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        form = super()._construct_form(i, **kwargs)
        form.instance.is_checked_with_others = True
        return form

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if getattr(form, "cleaned_data", None)]
        amounts = [one["amount"] for one in kept if not one.get("DELETE") and one.get("amount") is not None]
        try:
            check_milestones_fit(self.instance, amounts)
        except ValidationError as error:
            raise ValidationError(error.messages) from error  # of the whole, not of one field


class MilestoneInline(TabularInline):
    model = ContractMilestone
    formset = MilestonesFormSet
    fields = ("title", "amount", "planned_on", "accepted_on")
    extra = 0


@admin.register(Contract)
class ContractAdmin(VisibleMixin, ModelAdmin):
    inlines = (MilestoneInline,)
    list_display = ("number", "title", "account", "amount", "currency", "starts_on", "ends_on", "status")
    list_filter = (
        ("status", ChoicesCheckboxFilter),
        "currency",
        ("starts_on", RangeDateFilter),
        ("ends_on", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("account",)
    search_fields = ("number", "title", "account__search_text")
    autocomplete_fields = ("account",)
    date_hierarchy = "starts_on"
    readonly_fields = ("created_at", "updated_at")


@admin.register(ExchangeRate)
class ExchangeRateAdmin(ModelAdmin):
    list_display = ("from_currency", "to_currency", "valid_on", "rate", "kind", "source")
    list_filter = (
        *("from_currency", "to_currency"),
        ("kind", ChoicesCheckboxFilter),
        ("valid_on", RangeDateFilter),
    )
    list_filter_submit = True
    search_fields = ("from_currency", "to_currency", "source")
    date_hierarchy = "valid_on"
    readonly_fields = ("created_at", "updated_at")


class CountingFilter(DropdownFilter):
    title = _("state")
    parameter_name = "withdrawn"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("0", _("Counts")), ("1", _("Withdrawn"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() not in {"0", "1"}:
            return queryset
        return queryset.filter(withdrawn_at__isnull=self.value() == "0")


@admin.register(RevenueRecord)
class RevenueRecordAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = (
        *(
            "booked_on",
            "account",
            "kind",
            "reference",
            "product",
            "quantity",
            "unit_price",
            "amount",
            "cost",
            "currency",
        ),
        *("counts", "batch"),
    )
    list_display_links = ("booked_on", "reference")
    list_filter = (
        CountingFilter,
        ("kind", ChoicesCheckboxFilter),
        ("basis", ChoicesCheckboxFilter),
        ("booked_on", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("account", "product", "batch")
    search_help_text = _("Name, code, pinyin or initials of the account, or a whole document number.")
    date_hierarchy = "booked_on"
    exclude = ("identity",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        """Withdrawn rows too: here staff looks for what became of a row."""
        rows = RevenueRecord.all_objects.order_by(*self.ordering)
        if request.user.is_superuser:
            return rows
        return rows.of_visible_accounts(request.user)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Rows of accounts, and those of one document number as it is written."""
        by_account, _may_repeat = super().get_search_results(request, queryset, search_term)
        if not search_term.strip():
            return by_account, False
        return by_account | queryset.filter(reference=search_term.strip()), False

    @display(description=_("counts"), boolean=True, ordering="withdrawn_at")
    def counts(self, record: RevenueRecord) -> bool:
        return record.withdrawn_at is None


@admin.register(ImportBatch)
class ImportBatchAdmin(LargeTableAdmin):
    list_display = (
        *("pk", "file_name", "source", "state_badge", "read", "posted", "already_there", "rejected", "created_by"),
        "created_at",
    )
    list_display_links = ("pk", "file_name")
    list_filter = (
        ("state", ChoicesCheckboxFilter),
        "source",
        ("created_by", admin.RelatedOnlyFieldListFilter),
        ("created_at", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("created_by",)
    search_fields = ("file_name", "source", "withdrawn_reason")
    date_hierarchy = "created_at"
    exclude = ("mapping", "options", "reasons")
    readonly_fields = ("mapping_text", "options_text", "reasons_text")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).visible_to(request.user)

    @display(description=_("state"), ordering="state", label=BATCH_STYLES)
    def state_badge(self, batch: ImportBatch) -> tuple[str, str]:
        return batch.state, batch.get_state_display()

    @display(description=_("mapping"))
    def mapping_text(self, batch: ImportBatch) -> str:
        return _json_text(batch.mapping)

    @display(description=_("options"))
    def options_text(self, batch: ImportBatch) -> str:
        return _json_text(batch.options)

    @display(description=_("reasons"))
    def reasons_text(self, batch: ImportBatch) -> str:
        return "\n".join(f"{reason}: {number_format(count)}" for reason, count in batch.reasons.items()) or "–"


@admin.register(SavedMapping)
class SavedMappingAdmin(ModelAdmin):
    list_display = ("name", "created_by", "created_at")
    list_select_related = ("created_by",)
    search_fields = ("name",)
    readonly_fields = ("created_by", "created_at")


def _json_text(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) if content else "–"
