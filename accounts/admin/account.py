from typing import Any

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter

from accounts.admin.shared import GradeColumnMixin, VisibleMixin
from accounts.models import Account, Contact, Contract, Rating, TeamMember, WalletEstimate
from crm.lib.admin_parts import SharedChoicesMixin


class AccountInline(SharedChoicesMixin, TabularInline):
    """A tab of the account's page in the admin."""

    tab = True
    extra = 0


class ContactInline(AccountInline):
    model = Contact
    fields = ("name", "title", "department", "email", "phone", "is_primary", "is_active")


class TeamInline(AccountInline):
    model = TeamMember
    fields = ("role", "user", "valid_from", "valid_to")
    shared_choices = ("user",)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).select_related("user")


class ContractInline(AccountInline):
    model = Contract
    fields = ("number", "title", "amount", "currency", "signed_on", "starts_on", "ends_on", "status")
    show_change_link = True


class RatingInline(AccountInline):
    model = Rating
    fields = ("indicator", "score", "evaluator", "function", "rated_on", "expires_on", "evidence")
    shared_choices = ("evaluator",)


class WalletInline(AccountInline):
    model = WalletEstimate
    fields = ("amount", "currency", "source", "author", "estimated_on", "expires_on")
    shared_choices = ("author",)


@admin.register(Account)
class AccountAdmin(GradeColumnMixin, VisibleMixin, ModelAdmin):
    visible_by = ""
    list_display = (
        *("code", "name", "grade_badge", "status", "segment", "industry", "region", "owner", "parent", "opened_on"),
    )
    list_display_links = ("code", "name")
    list_filter = (
        ("grade", ChoicesCheckboxFilter),
        ("status", ChoicesCheckboxFilter),
        *("region", "segment", "industry"),
        ("owner", admin.RelatedOnlyFieldListFilter),
        ("opened_on", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("owner", "parent")
    list_per_page = 50
    search_fields = ("search_text",)
    search_help_text = _("Name, short name, code, pinyin or initials.")
    autocomplete_fields = ("parent", "owner")
    date_hierarchy = "opened_on"
    ordering = ("sort_key", "pk")
    warn_unsaved_form = True
    inlines = (ContactInline, TeamInline, ContractInline, RatingInline, WalletInline)
    readonly_fields = (
        *("grade", "underlying_grade", "grade_since", "composite", "is_watched", "graded_as_of"),
        *("created_at", "updated_at"),
    )
    fieldsets = (
        (None, {"fields": (("code", "status"), "name", ("latin_name", "short_name"), ("parent", "owner"))}),
        (_("Market"), {"fields": (("segment", "industry"), ("region", "country"), ("size", "currency"))}),
        (_("Dates"), {"fields": (("opened_on", "closed_on"), "before_data_start")}),
        (
            _("Warnings"),
            {
                "fields": (("credit_stop_on", "litigation_on", "insolvency_on"),),
                "description": _("Each makes the account a Problem from that day on, in the next night."),
            },
        ),
        (
            _("Grade"),
            {
                "fields": (
                    ("grade", "underlying_grade"),
                    ("grade_since", "composite"),
                    ("is_watched", "graded_as_of"),
                ),
                "description": _("Written by the night only."),
            },
        ),
        (_("Record"), {"fields": (("created_at", "updated_at"),), "classes": ("collapse",)}),
    )

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, ...]:
        """What was computed for an account goes with it and needs no right of its own; its ledger still keeps it."""
        shown, counts, wanting, protected = super().get_deleted_objects(objs, request)
        models = apps.get_app_config("accounts").get_models()
        own = {model._meta.verbose_name for model in models}  # noqa: SLF001 - Django's public name
        return shown, counts, wanting & own, protected

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet, search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """The same search as on the pages: pinyin and initials too, answered by its index."""
        return queryset.search(search_term), False
