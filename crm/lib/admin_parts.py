"""What the admin classes of every app share. Knows no model."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest
from django.utils.functional import cached_property
from unfold import admin as unfold

COUNTED_ROWS = 10_000


class KeySelect(AutocompleteSelect):
    """A pick list that passes over what was sent and is no key: Django's own would break on showing the form again."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if self._is_key(one)], attr)

    def _is_key(self, text: str) -> bool:
        try:
            self.choices.field.queryset.model._meta.pk.to_python(text)  # noqa: SLF001 - Django's public name
        except ValidationError:
            return False
        return True


class _PicksMixin:
    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> FormField | None:
        if db_field.name in self.get_autocomplete_fields(request) and "widget" not in kwargs:  # type: ignore[attr-defined]
            kwargs["widget"] = KeySelect(db_field, self.admin_site, using=kwargs.get("using"))  # type: ignore[attr-defined]
        return super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]


class ModelAdmin(_PicksMixin, unfold.ModelAdmin):
    """The one to derive from where rows are picked by a search."""


class TabularInline(_PicksMixin, unfold.TabularInline):
    """Its like for rows below another."""


class CappedPaginator(Paginator):
    """Counts to COUNTED_ROWS and no further: the tail of a ledger is found by a filter, not by its page number."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if not isinstance(rows, QuerySet):
            return len(rows)
        return rows.order_by().values("pk")[:COUNTED_ROWS].count()


class ReadOnlyMixin:
    """Rows that only the services write: they can be looked at, by those who may view them."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class LargeTableAdmin(ReadOnlyMixin, ModelAdmin):
    """A read-only list that stays quick over millions of rows."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    ordering: "ClassVar[Sequence[str]]" = ("-pk",)


class SharedChoicesMixin:
    """One query for the choices of a pick list, however many rows of a formset show it.

    ``shared_choices`` names foreign keys whose table is small; the choices are kept on the request.
    """

    shared_choices: ClassVar[tuple[str, ...]] = ()

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> FormField | None:
        field = super().formfield_for_foreignkey(db_field, request, **kwargs)  # type: ignore[misc]
        if field is not None and db_field.name in self.shared_choices:
            field.choices = _kept_choices(request, db_field, field)
        return field


def _kept_choices(request: HttpRequest, db_field: Field, field: Any) -> list[tuple[Any, str]]:
    kept = request.__dict__.setdefault("_admin_choices", {})
    name = (db_field.model, db_field.name)
    if name not in kept:
        kept[name] = list(field.choices)
    return kept[name]
