from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import RangeDateFilter
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.access import Role
from accounts.admin.shared import VisibleMixin
from accounts.enums import UserRole
from accounts.models import Contact, OrgUnit, TeamMember, User
from crm.lib.admin_parts import ModelAdmin

RIGHTS = ("role", "groups", "user_permissions")


def _is_administrator(user: Any) -> bool:
    return isinstance(user, User) and user.effective_role is Role.ADMINISTRATOR


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = (
        "display_name",
        "username",
        "email",
        "role",
        "unit",
        "accounts_owned",
        "is_active",
        "is_staff",
        "last_login",
    )
    list_select_related = ("unit",)
    list_display_links = ("display_name", "username")
    list_filter = ("role", "is_active", "is_staff", "groups", "unit")
    search_fields = ("username", "first_name", "last_name", "email")
    ordering = ("username",)
    date_hierarchy = "date_joined"
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": ("first_name", "last_name", "email", "language", "unit", "capacity")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", *RIGHTS)}),
        (_("Dates"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {"fields": ("username", "first_name", "last_name", "email", "usable_password", "password1", "password2")},
        ),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).annotate(owned=Count("owned_accounts"))

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only administrators hand out rights; a staff user with the right to change users cannot raise himself, nor by
        placing himself in another unit."""
        fixed = tuple(super().get_readonly_fields(request, obj))
        return fixed if _is_administrator(request.user) else (*fixed, "is_staff", "unit", *RIGHTS)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        """The role decides: an administrator is a superuser, and nobody else is."""
        obj.is_superuser = obj.role == UserRole.ADMINISTRATOR
        super().save_model(request, obj, form, change)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor does staff take over an administrator, by a new password for instance."""
        if isinstance(obj, User) and _is_administrator(obj) and not _is_administrator(request.user):
            return False
        return super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        if isinstance(obj, User) and _is_administrator(obj) and not _is_administrator(request.user):
            return False
        return super().has_delete_permission(request, obj)

    @display(description=_("accounts owned"), ordering="owned")
    def accounts_owned(self, user: User) -> int:
        return user.owned


@admin.register(Contact)
class ContactAdmin(VisibleMixin, ModelAdmin):
    list_display = ("name", "account", "title", "department", "email", "phone", "is_primary", "is_active", "attitude")
    list_filter = ("is_primary", "is_active", "is_decision_maker", "attitude")
    list_select_related = ("account",)
    search_fields = ("name", "email", "phone", "account__search_text")
    autocomplete_fields = ("account",)
    readonly_fields = ("created_at", "updated_at")


@admin.register(TeamMember)
class TeamMemberAdmin(VisibleMixin, ModelAdmin):
    list_display = ("account", "role", "user", "is_deputy", "valid_from", "valid_to")
    list_filter = ("role", "is_deputy", ("user", admin.RelatedOnlyFieldListFilter), ("valid_from", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "user")
    search_fields = ("account__search_text", "user__username", "user__first_name", "user__last_name")
    autocomplete_fields = ("account", "user")
    date_hierarchy = "valid_from"
    readonly_fields = ("created_at", "updated_at")
    ordering = ("-valid_from", "-pk")


@admin.register(OrgUnit)
class OrgUnitAdmin(ModelAdmin):
    list_display = ("name", "level", "parent", "head")
    list_filter = ("level",)
    list_select_related = ("parent", "head")
    search_fields = ("name", "head__username", "head__first_name", "head__last_name")
    autocomplete_fields = ("parent", "head")
    readonly_fields = ("created_at", "updated_at")
