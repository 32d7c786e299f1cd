"""What services write about accounts over time: to look at. Changing it here would pass by the locks that keep it whole."""

from django.contrib import admin
from unfold.admin import ModelAdmin

from accounts.admin.shared import FoundByAccountMixin, VisibleMixin
from accounts.models import (
    AccountLink,
    AccountLinkType,
    AccountMerge,
    DuplicateDismissal,
    GroupMembership,
    ResentRow,
)
from crm.lib.admin_parts import LargeTableAdmin


@admin.register(GroupMembership)
class GroupMembershipAdmin(FoundByAccountMixin, VisibleMixin, LargeTableAdmin):
    list_display = ("account", "parent", "valid_from", "valid_to", "created_by")
    list_select_related = ("account", "parent", "created_by")


@admin.register(AccountMerge)
class AccountMergeAdmin(VisibleMixin, LargeTableAdmin):
    """Undone on the page of the account that stayed."""

    visible_by = "survivor"
    list_display = ("merged", "survivor", "merged_at", "by", "reason", "undone_at")
    list_select_related = ("merged", "survivor", "by")
    search_fields = ("merged__code", "survivor__search_text", "reason")
    date_hierarchy = "merged_at"


@admin.register(AccountLinkType)
class AccountLinkTypeAdmin(ModelAdmin):
    """The words of a type may be mended; its key and what it follows stay, for links hang on them."""

    list_display = ("key", "forward", "backward", "is_mutual", "is_active")
    list_filter = ("is_active", "is_mutual")
    readonly_fields = ("key", "is_mutual", "follows", "created_at", "updated_at")

    def has_add_permission(self, request: object) -> bool:
        return False

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(AccountLink)
class AccountLinkAdmin(VisibleMixin, LargeTableAdmin):
    visible_by = "source"
    list_display = ("source", "type", "target", "valid_from", "valid_to", "created_by")
    list_filter = ("type",)
    list_select_related = ("source", "type", "target", "created_by")
    search_fields = ("source__search_text", "target__search_text")


@admin.register(DuplicateDismissal)
class DuplicateDismissalAdmin(VisibleMixin, LargeTableAdmin):
    """Removing one lets the pair be proposed again."""

    visible_by = "first"
    list_display = ("first", "second", "by", "at")
    list_select_related = ("first", "second", "by")

    def has_delete_permission(self, request: object, obj: object = None) -> bool:
        return bool(request.user.has_perm("accounts.delete_duplicatedismissal"))  # type: ignore[attr-defined]


@admin.register(ResentRow)
class ResentRowAdmin(LargeTableAdmin):
    list_display = ("batch", "row_number", "posted_batch")
    list_select_related = ("batch", "posted_batch")
