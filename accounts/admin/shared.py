"""What the admin classes of this app share: visibility and the grade badge."""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from accounts.enums import GRADE_ICON, Grade
from accounts.models import Account

# Unfold's label styles that come closest to the hues of the grades; icon and word carry the meaning.
GRADE_STYLES = {
    Grade.DIAMOND.value: "info",
    Grade.GOLD.value: "warning",
    Grade.STRATEGIC.value: "primary",
    Grade.POTENTIAL.value: "success",
    Grade.GENERAL.value: "default",
    Grade.PROBLEM.value: "danger",
    Grade.NOT_GRADED.value: "default",
}


class VisibleMixin:
    """Staff sees what the pages would show: rows of the accounts visible to the user.

    ``visible_by`` is the path from the row to its account; "" where the row is the account.
    """

    visible_by: ClassVar[str] = "account"

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)  # type: ignore[misc]
        if request.user.is_superuser:
            return rows
        if not self.visible_by:
            return rows.visible_to(request.user)
        return rows.filter(**{f"{self.visible_by}__in": Account.objects.visible_to(request.user)})


class FoundByAccountMixin:
    """Search that finds rows by their account, through the index of its search text."""

    search_fields = ("account__search_text",)
    search_help_text = _("Name, short name, code, pinyin or initials of the account.")

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        if not search_term.strip():
            return queryset, False
        return queryset.filter(account__in=Account.objects.search(search_term).order_by().values("pk")), False


def grade_label(grade: str) -> tuple[str, str]:
    """(value for the style, icon and word)."""
    return grade, f"{GRADE_ICON[Grade(grade)]} {Grade(grade).label}"


class GradeColumnMixin:
    @display(description=_("grade"), ordering="grade", label=GRADE_STYLES)
    def grade_badge(self, row: Any) -> tuple[str, str]:
        return grade_label(row.grade)
