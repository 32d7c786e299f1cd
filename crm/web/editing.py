"""Editing what others may edit at the same time: nobody's change is lost, and whoever comes second sees both.

A form carries the moment its row was last changed when the page was made. The row is locked and compared before the
service writes, so of two who saw the same version the second is refused; the page then shows what is stored beside what
was typed, and saving again is a choice made with open eyes. REST has ``If-Match`` for the same (crm.api.etag).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from django import forms
from django.db import transaction
from django.db.models import Model
from django.forms.models import ModelChoiceField, model_to_dict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from crm.lib.exceptions import CrmError

M = TypeVar("M", bound=Model)
CONFLICT = 409


class StaleEdit(CrmError):
    """Somebody else changed the row since the page was made. ``row`` is what is stored now."""

    code = "stale-edit"
    status = CONFLICT

    def __init__(self, row: Any) -> None:
        changed = date_format(timezone.localtime(row.updated_at), "H:i")
        words = _("Somebody else changed this at %(time)s, after you opened it. Compare, and save again what is right.")
        super().__init__(words % {"time": changed})
        self.row = row


class SeenMixin(forms.Form):
    """A form of one row with ``updated_at``: what was seen travels along."""

    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def remember(self, row: Any) -> None:
        """Say which version the page shows; to be called by ``__init__``."""
        self.fields["seen"].initial = stamp_of(row)


@dataclass(frozen=True, slots=True)
class Clash:
    """One field that is stored otherwise than it was typed, in words."""

    label: str
    stored: str
    typed: str


def stamp_of(row: Any) -> str:
    """The version of a row, as forms carry it; empty for one that is not stored yet."""
    return row.updated_at.isoformat() if row.pk else ""


@contextmanager
def as_seen(row: M, seen: str) -> Iterator[M]:
    """The row as it is stored, locked until the block ends; raises StaleEdit where it is not the version ``seen``."""
    with transaction.atomic():
        now = type(row)._base_manager.select_for_update(of=("self",)).get(pk=row.pk)  # noqa: SLF001 - Django's public name
        if seen != stamp_of(now):
            raise StaleEdit(now)
        yield now


def clashes(form: forms.BaseForm, row: Model) -> list[Clash]:
    """The fields of a bound form that differ from what is stored, in the order of the form."""
    stored = model_to_dict(row)
    found = []
    for name, field in form.fields.items():
        if name not in stored or name == "seen":
            continue
        typed = form.cleaned_data.get(name)
        theirs, yours = _words(field, _row_of(field, stored[name])), _words(field, typed)
        if theirs != yours:
            found.append(Clash(str(form[name].label), theirs, yours))
    return found


def show_both(form: forms.BaseForm, stale: StaleEdit) -> list[Clash]:
    """Put the refusal on the form, let saving again mean the version stored now, and give what differs."""
    found = clashes(form, stale.row)
    form.add_error(None, str(stale))
    form.data = form.data.copy()
    form.data[form.add_prefix("seen")] = stamp_of(stale.row)
    return found


def _row_of(field: forms.Field, stored: Any) -> Any:
    """What a key stands for, where the field chooses among rows; the key itself where it may not be chosen any more."""
    if not isinstance(field, ModelChoiceField) or isinstance(stored, list):
        return stored
    rows = field.queryset.model._default_manager if field.queryset is not None else None  # noqa: SLF001
    return (rows.filter(pk=stored).first() if rows is not None else None) or stored


def _is_choice_of_rows(field: forms.Field) -> bool:
    return isinstance(field, ModelChoiceField)


def _words(field: forms.Field, value: Any) -> str:
    if value in (None, ""):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if hasattr(value, "all") or isinstance(value, list | tuple):
        return ", ".join(sorted(str(one) for one in value)) or "–"
    choices = getattr(field, "choices", None)
    if choices is not None and not _is_choice_of_rows(field):
        return str(dict(choices).get(value, value))
    return date_format(value, "Y-m-d") if hasattr(value, "isoformat") else str(value)
