from datetime import date

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import ChoicesCheckboxFilter, RangeDateFilter
from unfold.decorators import display

from accounts.admin.shared import VisibleMixin
from accounts.models import Rating, RatingAnchor, WalletEstimate
from accounts.querysets import today_local
from crm.lib.admin_parts import ModelAdmin


class ExpiryMixin:
    @display(description=_("counts today"), boolean=True)
    def is_good(self, row: Rating | WalletEstimate) -> bool:
        since: date = row.rated_on if isinstance(row, Rating) else row.estimated_on
        return since <= today_local() < row.expires_on


@admin.register(Rating)
class RatingAdmin(ExpiryMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "indicator", "score", "evaluator", "function", "rated_on", "expires_on", "is_good")
    list_filter = (
        ("indicator", ChoicesCheckboxFilter),
        ("function", ChoicesCheckboxFilter),
        "score",
        ("rated_on", RangeDateFilter),
        ("expires_on", RangeDateFilter),
    )
    list_filter_submit = True
    list_select_related = ("account", "evaluator")
    search_fields = ("account__search_text", "evaluator__username", "evidence")
    autocomplete_fields = ("account", "evaluator")
    date_hierarchy = "rated_on"
    readonly_fields = ("created_at", "updated_at")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        return {"evaluator": str(request.user.pk), **super().get_changeform_initial_data(request)}


@admin.register(WalletEstimate)
class WalletEstimateAdmin(ExpiryMixin, VisibleMixin, ModelAdmin):
    list_display = ("account", "amount", "currency", "source", "author", "estimated_on", "expires_on", "is_good")
    list_filter = ("currency", ("estimated_on", RangeDateFilter), ("expires_on", RangeDateFilter))
    list_filter_submit = True
    list_select_related = ("account", "author")
    search_fields = ("account__search_text", "author__username", "source")
    autocomplete_fields = ("account", "author")
    date_hierarchy = "estimated_on"
    readonly_fields = ("created_at", "updated_at")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        return {"author": str(request.user.pk), **super().get_changeform_initial_data(request)}


@admin.register(RatingAnchor)
class RatingAnchorAdmin(ModelAdmin):
    """What each level means; the words stand beside the choice wherever somebody rates."""

    list_display = ("indicator", "level", "text")
    list_filter = (("indicator", ChoicesCheckboxFilter),)
    list_filter_submit = True
    search_fields = ("text_en", "text_zh_hans", "text_zh_hant")
    readonly_fields = ("created_at", "updated_at")

    @display(description=_("text"))
    def text(self, row: RatingAnchor) -> str:
        return row.text
