"""The admin's change forms carry the version they show, as the product's own pages do (crm.web.editing).

The version is that of the row and of the rows of each tab. The row and its tabs are locked and hashed again in the
transaction that saves, so a form that others overtook is refused, with what is stored beside what was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.forms.models import _get_foreign_key
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from crm.web.editing import StaleEdit, clashes, stamp_of

SEEN = "seen"
TOLD = 5  # rows of a tab named in the refusal


def carry_versions(site: AdminSite) -> None:
    """Let every change form of the site carry its version; to be called once all models are registered."""
    for model, admin in list(site._registry.items()):  # noqa: SLF001 - Django's public name
        if isinstance(admin, VersionMixin):
            continue
        site.unregister(model)
        site.register(model, type(type(admin).__name__, (VersionMixin, type(admin)), {}))


class VersionMixin:
    """Of a ModelAdmin."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Locked while a form is saved, so that what is compared is what is written over."""
        from_field = from_field or None  # `_to_field=` names none
        row = super().get_object(request, object_id, from_field)  # type: ignore[misc]
        if row is None or request.method != "POST" or not connection.in_atomic_block:
            return row
        list(type(row)._base_manager.filter(pk=row.pk).select_for_update(of=("self",)))  # noqa: SLF001 - Django's public name
        return super().get_object(request, object_id, from_field)  # type: ignore[misc]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        form = super().get_form(request, obj, change=change, **kwargs)  # type: ignore[misc]
        if obj is None or request.method != "POST":
            return form
        tabs = self.tabs_of(request, obj)
        return type(form.__name__, (_SeenForm, form), {"tabs": tabs})

    def tabs_of(self, request: HttpRequest, obj: Any) -> list[tuple[str, list[Model]]]:
        """The rows of each tab that can be changed, with its title."""
        found = []
        for inline in self.get_inline_instances(request, obj):  # type: ignore[attr-defined]
            if inline.has_change_permission(request, obj):
                key = _get_foreign_key(type(obj), inline.model, fk_name=inline.fk_name)
                rows = inline.model._base_manager.filter(**{key.name: obj.pk}).order_by("pk")  # noqa: SLF001
                if request.method == "POST" and connection.in_atomic_block:
                    rows = rows.select_for_update(of=("self",))
                found.append((str(inline.verbose_name_plural), list(rows)))
        return found

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], **kwargs: Any) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None and kwargs.get("change"):
            form = context["adminform"].form
            sent = request.POST.get(SEEN, "") if not getattr(form, "is_stale", False) else ""
            stored = type(obj)._base_manager.get(pk=obj.pk)  # noqa: SLF001 - the form may have filled in ``obj``
            context[SEEN] = sent or version_of(stored, self.tabs_of(request, obj))
        return super().render_change_form(request, context, **kwargs)  # type: ignore[misc]


def version_of(row: Model, tabs: Sequence[tuple[str, Sequence[Model]]]) -> str:
    return ".".join([stamp_of(row), *(stamp_of(rows) for _title, rows in tabs)])


class _SeenForm(forms.ModelForm):
    """Checked before the sent values are put into the row."""

    tabs: Sequence[tuple[str, Sequence[Model]]] = ()
    is_stale = False

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        seen, now = str(self.data.get(SEEN, "")), version_of(self.instance, self.tabs)
        if self.instance.pk and seen != now:
            self.is_stale = bool(seen)
            raise ValidationError([str(StaleEdit(self.instance, is_unsaid=not seen)), *self._differences(seen, now)])
        return cleaned

    def _differences(self, seen: str, now: str) -> list[str]:
        """What is stored beside what was typed; of the tabs the rows as they are stored."""
        before, after = seen.split("."), now.split(".")
        found = [
            _("%(field)s: stored now %(stored)s; you typed %(typed)s.")
            % {"field": one.label, "stored": one.stored, "typed": one.typed}
            for one in clashes(self, self.instance)
        ]
        for at, (title, rows) in enumerate(self.tabs, start=1):
            if len(before) == len(after) and before[at] != after[at]:
                stored = "; ".join(map(str, rows[:TOLD])) or "–"
                found.append(_("%(tab)s has changed. Stored now: %(stored)s.") % {"tab": title, "stored": stored})
        return found
