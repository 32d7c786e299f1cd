from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter
from unfold.decorators import display
from unfold.widgets import UnfoldAdminDateWidget

from accounts.admin.shared import GradeColumnMixin, VisibleMixin
from accounts.groups import GroupRefused, change_parent, stays_of
from accounts.models import Account, Contact, Contract, Rating, TeamMember, WalletEstimate
from crm.lib.admin_parts import ModelAdmin, SharedChoicesMixin, TabularInline


class AccountInline(SharedChoicesMixin, TabularInline):
    """A tab of the account's page in the admin."""

    tab = True
    extra = 0


class ContactInline(AccountInline):
    model = Contact
    fields = (
        *("name", "title", "department", "email", "phone", "is_primary", "is_active"),
        *("is_decision_maker", "attitude", "attitude_since"),
    )


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


class AccountForm(forms.ModelForm):
    """The parent is changed by the service that keeps the history of groups."""

    parent_since = forms.DateField(
        label=_("in this group since"),
        required=False,
        widget=UnfoldAdminDateWidget,
        help_text=_("With a new parent: its first day, past or to come. Empty: it has always been so."),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        has_moved = "parent" in self.changed_data
        if cleaned.get("parent_since") and not has_moved:
            self.add_error("parent_since", _("Name the new parent too."))
        elif has_moved and self.instance.pk and not cleaned.get("parent_since") and self.instance.memberships.exists():
            self.add_error("parent_since", _("The groups of this account are dated: say since when."))
        return cleaned

    def _post_clean(self) -> None:
        """Try the change and take it back, so that a refusal stands at its field; ``save_model`` makes it."""
        super()._post_clean()
        if self.errors or "parent" not in self.changed_data or not self.instance.pk:
            return
        sid = transaction.savepoint()
        try:
            self.move(by=None)
        except GroupRefused as refused:
            self.add_error("parent", str(refused))
        finally:
            transaction.savepoint_rollback(sid)

    def move(self, *, by: Any) -> None:
        since, parent = self.cleaned_data.get("parent_since"), self.cleaned_data.get("parent")
        change_parent(account=Account.objects.get(pk=self.instance.pk), parent=parent, since=since, by=by)


@admin.register(Account)
class AccountAdmin(GradeColumnMixin, VisibleMixin, ModelAdmin):
    visible_by = ""
    list_display = (
        *(
            "code",
            "name",
            "grade_badge",
            "status",
            "segment",
            "channel",
            "industry",
            "region",
            "owner",
            "parent",
            "opened_on",
        ),
    )
    list_display_links = ("code", "name")
    list_filter = (
        ("grade", ChoicesCheckboxFilter),
        ("status", ChoicesCheckboxFilter),
        *("region", "segment", "channel", "industry"),
        *(("size", ChoicesCheckboxFilter), ("need", ChoicesCheckboxFilter), ("potential", ChoicesCheckboxFilter)),
        ("owner", admin.RelatedOnlyFieldListFilter),
        ("opened_on", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("owner", "parent")
    list_per_page = 50
    search_fields = ("search_text",)
    search_help_text = _("Name, short name, code, pinyin or initials.")
    autocomplete_fields = ("parent", "owner", "dealer", "referred_by")
    date_hierarchy = "opened_on"
    ordering = ("sort_key", "pk")
    warn_unsaved_form = True
    form = AccountForm
    inlines = (ContactInline, TeamInline, ContractInline, RatingInline, WalletInline)
    readonly_fields = (
        *("grade", "underlying_grade", "grade_since", "composite", "is_watched", "graded_as_of"),
        *("created_at", "updated_at", "groups_so_far"),
    )
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("code", "status"),
                    "name",
                    ("latin_name", "short_name"),
                    ("parent", "parent_since"),
                    "groups_so_far",
                    "owner",
                )
            },
        ),
        (
            _("Market"),
            {
                "fields": (
                    ("segment", "industry"),
                    ("channel", "dealer"),
                    ("region", "country"),
                    ("size", "currency"),
                    "referred_by",
                    ("turnover", "turnover_currency"),
                    ("turnover_year", "turnover_source"),
                    ("need", "potential"),
                )
            },
        ),
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

    @display(description=_("groups so far"))
    def groups_so_far(self, account: Account) -> str:
        """Which group it belonged to from when until when, oldest first."""
        if account.pk is None:
            return "–"
        stays = stays_of(account)
        names = dict(Account.objects.filter(pk__in=[stay.parent_id for stay in stays]).values_list("pk", "name"))
        lines = ((names.get(stay.parent_id, _("in no group")), stay.start or "…", stay.end or "…") for stay in stays)
        return format_html_join(SafeString("<br>"), "{}: {} – {}", lines)

    def save_model(self, request: HttpRequest, obj: Account, form: Any, change: bool) -> None:  # noqa: FBT001
        """A new parent goes through the history of groups; the rest is saved as it is."""
        if not isinstance(form, AccountForm) or "parent" not in form.changed_data:
            super().save_model(request, obj, form, change)
            return
        parent = obj.parent
        obj.parent_id = form.initial.get("parent") if change else None
        super().save_model(request, obj, form, change)
        change_parent(account=obj, parent=parent, since=form.cleaned_data.get("parent_since"), by=request.user)

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
