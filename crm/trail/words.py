"""Entries of the trail in words: which record, by whom, and each field that changed from what to what.

What a reader may not see elsewhere is not shown here: the names of its fields are, as "hidden". A constant number of
statements for any number of entries: one for the people, one for each kind of record that is named, one for the keys.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, ForeignKey, Model, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.encoding import force_str
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Action
from accounts.models import Account, User
from crm.models import TrailAction, TrailEntry
from crm.trail import registry
from crm.trail.sealed import is_sealed, keys_of, opened

LONGEST = 200  # characters of one value
# By model: fields that take an action of accounts.access to be seen. A user's own data stands under USER_VIEW.
HIDDEN: dict[str, tuple[Action, frozenset[str]]] = {
    "accounts.Contact": (
        Action.PERSONAL_VIEW, frozenset({"email", "phone", "notes", "attitude", "attitude_since"}),
    ),
    "accounts.AttitudeNote": (Action.PERSONAL_VIEW, frozenset({"attitude", "held_from", "evidence"})),
    "accounts.Courtesy": (Action.PERSONAL_VIEW, frozenset({"occasion", "reason"})),
    "accounts.User": (Action.USER_VIEW, frozenset({"username", "email", "first_name", "last_name"})),
    "plans.Promise": (Action.MARGIN_VIEW, frozenset({"unit_cost"})),
    "metrics.ReportedFigure": (Action.MARGIN_VIEW, frozenset({"figures"})),
}  # fmt: skip
# How a record is called, by model; the others by their number. Each belongs to an account by ``account``, where it does.
NAMED_BY: dict[str, tuple[str, ...]] = {
    "accounts.Account": ("name",),
    "accounts.Contact": ("name",),
    "accounts.Contract": ("number",),
    "accounts.ContractMilestone": ("title",),
    "accounts.Product": ("name",),
    "accounts.User": ("first_name", "last_name", "username"),
    "auth.Group": ("name",),
    "plans.PolicyVersion": ("number",),
    "service.ServiceRequest": ("number",),
    "tiering.ScoringModel": ("name", "version"),
}
VIAS = {
    "page": gettext_lazy("a page"),
    "rest": gettext_lazy("REST"),
    "admin": gettext_lazy("the admin"),
    "database": gettext_lazy("the database itself"),
}
Reference = tuple[str, str]  # label of a model, key


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field in words; empty where there was, or is, nothing."""

    name: str
    label: str
    before: str = ""
    after: str = ""
    is_hidden: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """An entry as a reader sees it."""

    entry: TrailEntry
    what: str
    record: str
    actor: str
    via: str
    changes: tuple[FieldChange, ...]

    @property
    def done(self) -> str:
        return str(TrailAction(self.entry.action).label)


def via_in_words(via: str) -> str:
    """By which way: a page, REST, the admin, a command or a task by its name."""
    kind, _space, name = via.partition(" ")
    if kind == "command":
        return _("the command %(name)s") % {"name": name}
    if kind == "task":
        return _("the task %(name)s") % {"name": name.rpartition(".")[2]}
    return str(VIAS.get(via, via))


def record_label(table: str) -> str:
    model = registry.model_of(table)
    return force_str(model._meta.verbose_name) if model else table  # noqa: SLF001


def tell(entries: Sequence[TrailEntry], viewer: User) -> list[Told]:
    """The entries in words, in their order."""
    keys, names = keys_of(entries), _Names(viewer)
    for entry in entries:
        names.want("accounts.User", entry.actor_id)
        model = registry.model_of(entry.table_name)
        if model is not None:
            names.want(model._meta.label, entry.row_key)  # noqa: SLF001
            for label, key in _references(model, entry):
                names.want(label, key)
    names.read()
    return [_tell(entry, viewer, names, keys.get(entry.person)) for entry in entries]


def _tell(entry: TrailEntry, viewer: User, names: _Names, key: bytes | None) -> Told:
    model = registry.model_of(entry.table_name)
    columns = [column for column in dict.fromkeys([*entry.before, *entry.after]) if column != "id"]
    order = _order(model)
    reading = _Reading(model, viewer, names, key)
    changes = [reading.change(entry, column) for column in columns]
    return Told(
        entry=entry,
        what=record_label(entry.table_name),
        record=_record(entry, model, names, key),
        actor=names.of("accounts.User", entry.actor_id) if entry.actor_id else "",
        via=via_in_words(entry.via),
        changes=tuple(sorted(changes, key=lambda one: order.get(one.name, len(order)))),
    )


def _record(entry: TrailEntry, model: type[Model] | None, names: _Names, key: bytes | None) -> str:
    """How the record is called now, or was when it was added or removed."""
    label = model._meta.label if model else ""  # noqa: SLF001
    if found := names.known(label, entry.row_key):
        return found
    for column in NAMED_BY.get(label, ())[:1]:
        value = opened(entry.before.get(column, entry.after.get(column)), key)
        if isinstance(value, str | int):
            return str(value)
    return f"#{entry.row_key}" if entry.row_key else ""


@dataclass(frozen=True, slots=True)
class _Reading:
    """One entry as one reader reads it."""

    model: type[Model] | None
    viewer: User
    names: _Names
    key: bytes | None

    def change(self, entry: TrailEntry, column: str) -> FieldChange:
        field = _field(self.model, column)
        label = force_str(field.verbose_name) if field is not None else column
        if not may_see(self.viewer, self.model, column):
            return FieldChange(column, label, is_hidden=True)
        before, after = (self._side(side, column, field) for side in (entry.before, entry.after))
        return FieldChange(column, label, before, after)

    def _side(self, side: Mapping[str, Any], column: str, field: Field | None) -> str:
        value = side.get(column)
        if is_sealed(value):
            value = opened(value, self.key)
            return _("erased") if value is None else self._words(value, field)
        return "" if value is None or value == "" else self._words(value, field)

    def _words(self, value: Any, field: Field | None) -> str:
        if isinstance(field, ForeignKey):
            return self.names.of(field.related_model._meta.label, value)  # noqa: SLF001
        if isinstance(value, bool):
            return _("yes") if value else _("no")
        if isinstance(value, dict | list):
            return _("not shown") if value == {"secret": True} else _("details")
        if field is not None and field.choices:
            return force_str(dict(field.flatchoices).get(value, value))
        return _text(value, field)


def may_see(viewer: User, model: type[Model] | None, column: str) -> bool:
    """Whether the reader may see values of a column, here as elsewhere."""
    rule = HIDDEN.get(model._meta.label) if model else None  # noqa: SLF001
    return rule is None or column not in rule[1] or viewer.may(rule[0])


def _text(value: Any, field: Field | None) -> str:
    """Days and moments as this reader's language writes them, the rest as it is."""
    from crm.web import formats

    kind = field.get_internal_type() if field is not None else ""
    if kind == "DateTimeField" and isinstance(value, str):
        moment: datetime | None = parse_datetime(value)
        return f"{formats.day(timezone.localtime(moment))} {timezone.localtime(moment):%H:%M}" if moment else value
    if kind == "DateField" and isinstance(value, str):
        day: date | None = parse_date(value)
        return formats.day(day) if day else value
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _field(model: type[Model] | None, column: str) -> Field | None:
    if model is None:
        return None
    for field in model._meta.local_concrete_fields:  # noqa: SLF001
        if field.column == column:
            return field
    try:
        found = model._meta.get_field(column)  # noqa: SLF001
    except FieldDoesNotExist:
        return None
    return found if isinstance(found, Field) else None


def _order(model: type[Model] | None) -> dict[str, int]:
    fields = model._meta.local_concrete_fields if model else ()  # noqa: SLF001
    return {str(field.column): place for place, field in enumerate(fields)}


def _references(model: type[Model], entry: TrailEntry) -> Iterable[tuple[str, Any]]:
    for field in model._meta.local_concrete_fields:  # noqa: SLF001
        if isinstance(field, ForeignKey):
            for side in (entry.before, entry.after):
                if side.get(field.column) is not None:
                    yield field.related_model._meta.label, side[field.column]  # noqa: SLF001


class _Names:
    """What records are called, read at once; an account or what hangs on one only where the reader may see it."""

    def __init__(self, viewer: User) -> None:
        self.viewer = viewer
        self._wanted: dict[str, set[int]] = defaultdict(set)
        self._names: dict[Reference, str] = {}

    def want(self, label: str, key: Any) -> None:
        if label in NAMED_BY and str(key or "").isdecimal():
            self._wanted[label].add(int(key))

    def read(self) -> None:
        for label, keys in self._wanted.items():
            for row in self._rows(label).filter(pk__in=keys).values("pk", *NAMED_BY[label]):
                self._names[label, str(row["pk"])] = self._call(label, row)

    def known(self, label: str, key: Any) -> str:
        return self._names.get((label, str(key)), "")

    def of(self, label: str, key: Any) -> str:
        return self.known(label, key) or f"#{key}"

    def _rows(self, label: str) -> QuerySet[Any]:
        model = next(one for one in registry.watched_models() if one._meta.label == label)  # noqa: SLF001
        if model is Account:
            return Account.objects.visible_to(self.viewer)
        rows: QuerySet[Any] = model._default_manager.all()  # noqa: SLF001 - Django's public name
        if any(field.name == "account" for field in model._meta.local_concrete_fields):  # noqa: SLF001
            return rows.filter(account__in=Account.objects.visible_to(self.viewer).values("pk"))
        return rows

    @staticmethod
    def _call(label: str, row: Mapping[str, Any]) -> str:
        if label == "accounts.User":
            return f"{row['first_name']} {row['last_name']}".strip() or str(row["username"])
        return " ".join(str(row[name]) for name in NAMED_BY[label])
