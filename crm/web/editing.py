"""Editing what others may edit at the same time: nobody's change is lost, and whoever comes second sees both.

A form or button carries the version of what the page shows: a keyed hash of the values stored, but for what nights and
machines write. The rows are locked and hashed again before the service writes, so of two who saw the same version the
second is refused; the page then shows what is stored beside what was typed or asked, and saving again is a choice made
with open eyes. A version that is absent is refused as well. REST has ``If-Match`` for the same (crm.api.etag), the admin
``crm.admin_versions``.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import cache
from typing import Any, TypeVar

from django import forms
from django.conf import settings
from django.db import transaction
from django.db.models import Field, JSONField, Model
from django.db.models.query import QuerySet
from django.forms.models import ModelChoiceField, model_to_dict
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.fields import is_hidden
from accounts.models import User
from crm.lib.exceptions import CrmError
from crm.trail.registry import CLOCKS, IGNORED, NIGHTLY, SECRET

M = TypeVar("M", bound=Model)
T = TypeVar("T")
CONFLICT = 409
WHOLE, EACH = 32, 4  # hex digits of the hash of everything, and of each field
TOLD = 4  # fields named in one sentence
Shown = Model | Iterable[Model]


class StaleEdit(CrmError):
    """Somebody else changed what the page shows. ``row`` is what is stored now, None where it is gone or many rows."""

    code = "stale-edit"
    status = CONFLICT

    def __init__(self, row: Any, *, stored: str = "", asked: str = "", is_unsaid: bool = False) -> None:
        words = _reason(row, is_unsaid=is_unsaid)
        if stored and asked:
            words = _("%(why)s Stored now: %(stored)s. You asked for: %(asked)s.") % {
                "why": words, "stored": stored, "asked": asked,
            }  # fmt: skip
        super().__init__(words)
        self.row = row


def _reason(row: Any, *, is_unsaid: bool) -> str:
    if is_unsaid:
        return _("The page did not say which version it showed, so nothing was changed. Open it again.")
    changed = getattr(row, "updated_at", None)
    if changed is None:
        return _("Somebody else changed this after you opened it. Compare, and save again what is right.")
    words = _("Somebody else changed this at %(time)s, after you opened it. Compare, and save again what is right.")
    return words % {"time": date_format(timezone.localtime(changed), "H:i")}


class RemovedMeanwhile(CrmError):
    """What the page shows is not there any more."""

    code = "removed"
    status = CONFLICT

    def __init__(self) -> None:
        super().__init__(_("Somebody else removed this after you opened it. Nothing was changed."))


class SeenMixin(forms.Form):
    """A form of one row: the version that was seen travels along."""

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


def stamp_of(shown: Shown | None) -> str:
    """The version of a row, or of several together, as forms carry it; empty for one that is not stored yet.

    Of one row each field is hashed as well, so that a refusal can say which of them changed.
    """
    if shown is None or (isinstance(shown, Model) and not shown.pk):
        return ""
    if isinstance(shown, Model):
        values = _values(shown)
        return _hash(f"{shown.pk}", *values.values())[:WHOLE] + "".join(_hash(one)[:EACH] for one in values.values())
    rows = sorted(shown, key=lambda row: (row._meta.label, row.pk))  # noqa: SLF001 - Django's public name
    return _hash("rows", *(stamp_of(row)[:WHOLE] for row in rows))[:WHOLE]


@contextmanager
def as_seen(
    shown: M | QuerySet[M] | Sequence[QuerySet[Any]],
    seen: str,
    *,
    asked: str = "",
    under: Model | None = None,
    words: Callable[[list[M]], str] | None = None,
) -> Iterator[Any]:
    """What is stored, locked until the block ends; raises StaleEdit where it is not the version ``seen``.

    asked : what the sender wants, in words, for a button that has no form to show it
    under : a row to lock first, where the services lock it first or the rows may be none
    words : what is stored, of several rows, which may be of several tables
    """
    with transaction.atomic():
        if under is not None:
            _locked(type(under)._base_manager.filter(pk=under.pk))  # noqa: SLF001 - Django's public name
        is_one = isinstance(shown, Model)
        rows = _locked(type(shown)._base_manager.filter(pk=shown.pk)) if is_one else _all_locked(shown)  # noqa: SLF001
        if is_one and not rows:
            raise RemovedMeanwhile
        now: Any = rows[0] if is_one else rows
        if not seen or seen != stamp_of(now):
            say = words or (lambda found: _changes(found[0], seen) if is_one else "; ".join(map(str, found)))
            raise StaleEdit(now if is_one else None, stored=say(rows) or "–", asked=asked, is_unsaid=not seen)
        yield now


@contextmanager
def as_seen_once(rows: QuerySet[M], seen: str, *, under: Model) -> Iterator[M | None]:
    """The one row of ``rows`` there is, or is not yet, while ``under`` is locked; raises StaleEdit where the page showed
    another version, or none before somebody made it."""
    with transaction.atomic():
        _locked(type(under)._base_manager.filter(pk=under.pk))  # noqa: SLF001 - Django's public name
        now = next(iter(_locked(rows)), None)
        if now is None and seen:
            raise RemovedMeanwhile
        if seen != stamp_of(now):
            raise StaleEdit(now)
        yield now


def on_seen(
    shown: M | QuerySet[M] | Sequence[QuerySet[Any]], sent: Mapping[str, Any], act: Callable[[], T], **how: Any
) -> T:
    """Act on what the page showed, whose version was sent with it; raises StaleEdit as ``as_seen`` does."""
    with as_seen(shown, str(sent.get("seen", "")), **how):
        return act()


def clashes(form: forms.BaseForm, row: Model, more: Mapping[str, Any] | None = None) -> list[Clash]:
    """The fields of a bound form that differ from what is stored, in the order of the form.

    more : what is stored behind fields that the row does not have under their name
    """
    stored = model_to_dict(row) | dict(more or {})
    found = []
    for name, field in form.fields.items():
        if name not in stored or name == "seen":
            continue
        typed = form.cleaned_data.get(name)
        theirs, yours = _words(field, _row_of(field, stored[name])), _words(field, typed)
        if theirs != yours:
            found.append(Clash(str(form[name].label), theirs, yours))
    return found


def show_both(form: forms.BaseForm, stale: StaleEdit, more: Mapping[str, Any] | None = None) -> list[Clash]:
    """Put the refusal on the form, let saving again mean the version stored now, and give what differs."""
    found = clashes(form, stale.row, more)
    form.add_error(None, str(stale))
    form.data = form.data.copy()
    form.data[form.add_prefix("seen")] = stamp_of(stale.row)
    return found


def _locked(rows: QuerySet[M]) -> list[M]:
    return list(rows.order_by("pk").select_for_update(of=("self",)))


def _all_locked(shown: QuerySet[Any] | Sequence[QuerySet[Any]]) -> list[Any]:
    return [row for rows in ([shown] if isinstance(shown, QuerySet) else shown) for row in _locked(rows)]


def _hash(*texts: str) -> str:
    """Keyed, so that nobody finds out a value they may not see by trying."""
    key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
    return hashlib.blake2b("\x1f".join(texts).encode(), key=key, digest_size=WHOLE // 2).hexdigest()


@cache
def _kept_fields(model: type[Model]) -> tuple[Field, ...]:
    """Columns that people write."""
    label = model._meta.label  # noqa: SLF001 - Django's public name
    left_out = NIGHTLY.get(label, frozenset()) | IGNORED.get(label, frozenset())
    fields = model._meta.concrete_fields  # noqa: SLF001
    return tuple(one for one in fields if one.name not in left_out and not one.generated)


def _values(row: Model) -> dict[str, str]:
    """Field → its value as text, without what is hidden from the reader: a page must not tell that it changed."""
    return {one.name: _text(one, row) for one in _kept_fields(type(row)) if not is_hidden(one.name)}


def _text(field: Any, row: Model) -> str:
    if isinstance(field, JSONField):  # the database keeps no order of keys
        return json.dumps(getattr(row, field.attname), sort_keys=True, default=str)
    return "" if getattr(row, field.attname) is None else str(field.value_to_string(row))


def _changes(row: Model, seen: str) -> str:
    """The fields that are otherwise than in the version ``seen``, with what they hold now."""
    values = _values(row)
    marks = [seen[at : at + EACH] for at in range(WHOLE, len(seen), EACH)]
    if len(marks) != len(values):
        marks = [""] * len(values)
    told = []
    for (name, value), mark in zip(values.items(), marks, strict=True):
        field: Any = row._meta.get_field(name)  # noqa: SLF001 - Django's public name
        if mark != _hash(value)[:EACH] and name not in CLOCKS and not field.primary_key:
            told.append(f"{capfirst(str(field.verbose_name))}: {_stored_words(row, field)}")
    return ", ".join(told[:TOLD])


def _stored_words(row: Model, field: Any) -> str:
    """A value for a sentence; of what stands behind a key only people are named, whom everybody may see."""
    if field.is_relation:
        behind = getattr(row, field.name) if field.related_model is User else None
        return str(behind) if behind else (_("another one") if getattr(row, field.attname) else "–")
    display = getattr(row, f"get_{field.name}_display", None)
    value = display() if display else getattr(row, field.name)
    if SECRET.search(field.column) or isinstance(value, bytes | memoryview | dict):
        return _("another one")
    return _words(forms.Field(), value)


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
    return _moment(value) or str(value)


def _moment(value: Any) -> str:
    """A day or an hour in words; empty for another value."""
    if isinstance(value, datetime):
        return date_format(timezone.localtime(value), "Y-m-d H:i")
    if isinstance(value, date):
        return date_format(value, "Y-m-d")
    return f"{value:%H:%M}" if isinstance(value, time) else ""
