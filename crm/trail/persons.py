"""What is kept about one person: all of it out, or all of it gone.

A person is named ``contact:12`` or ``user:3``. Which fields are personal, and in which tables, says ``registry.PERSONAL``;
``LEFT_BEHIND`` adds where a person's words and addresses lie beside that.

An erasure clears the fields, puts a name without meaning in place of the one that must be given, takes the values out of
the admin's log, kept answers, the cache and files, and removes the key under which the trail holds them; links of the
chain stay valid, because they were made over ciphertext. It cannot be undone. **Not reached:** free texts of the business
(summaries, requests) and pictures, PDF and archives that hang on interactions, which the result counts so that somebody can
read them; old row versions until VACUUM; backups and
archived WAL until they run out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import structlog
from django.apps import apps
from django.core.cache import cache
from django.db import connection, transaction
from django.db.models import CharField, ForeignKey, Model, Q, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.enums_logins import SessionEnd
from accounts.models import Account, Contact, Invitation, LoginEvent, LoginLimit, User
from accounts.security.sessions import end_access
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall
from crm.models import Erasure, IdempotencyKey, PersonKey, TrailEntry
from crm.trail import registry
from crm.trail.scrub import scrub_attachments, scrub_media
from crm.trail.sealed import is_sealed, keys_of, opened
from service.mails import forget_person

logger = structlog.get_logger(__name__)

MODELS: dict[str, type[Model]] = {"contact": Contact, "user": User}
# Columns with words or addresses of a user, in tables that the trail does not watch: cleared with them.
LEFT_BEHIND: dict[str, tuple[tuple[str, str, dict[str, Any]], ...]] = {
    "contact": (),
    "user": (
        ("accounts.LoginEvent", "user_id", {"username": "", "address": None, "agent": "", "detail": ""}),
        ("accounts.UserSession", "user_id", {"address": None, "agent": ""}),
        ("accounts.Invitation", "user_id", {"first_name": "", "last_name": ""}),  # the address: _clear_invitations
    ),
}
# Rows that go with a user.
GONE_WITH: dict[str, tuple[tuple[str, str], ...]] = {
    "contact": (),
    "user": (
        ("accounts.AccessToken", "user_id"),
        ("service.MailAddress", "user_id"),
        ("service.IncomingMail", "user_id"),
        ("account.EmailAddress", "user_id"),
        ("mfa.Authenticator", "user_id"),
        ("socialaccount.SocialAccount", "user_id"),
    ),
}
SEARCHED_FIELDS = frozenset({"name", "username", "first_name", "last_name", "email", "phone"})
SHORTEST, SHORTEST_HAN = 5, 2  # characters of a value that is looked for in other places


class ErasureRefused(CrmError):
    """An erasure that cannot be; the message says why."""

    code = "erasure-refused"
    status = 409


@dataclass(frozen=True, slots=True)
class Person:
    kind: str
    pk: int

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.pk}"

    @property
    def model(self) -> type[Model]:
        return MODELS[self.kind]

    @classmethod
    def read(cls, text: str) -> Person | None:
        """``contact:12``; None for anything else."""
        kind, _colon, number = text.partition(":")
        return cls(kind, int(number)) if kind in MODELS and number.isdecimal() and len(number) < 19 else None


def tables_about(person: Person) -> list[tuple[type[Model], registry.Personal]]:
    """Every table with personal fields of this kind of person."""
    return [(apps.get_model(label), about) for label, about in registry.PERSONAL.items() if about.kind == person.kind]


@beyond_the_wall("whose account a person's row hangs on, to ask whether the reader sees it")
def account_of(person: Person) -> int | None:
    """The account whose visibility decides who may see the person; None for users."""
    if person.kind != "contact":
        return None
    found = Contact.objects.filter(pk=person.pk).values_list("account_id", flat=True).first()
    if found is None:
        told = TrailEntry.objects.filter(table_name=Contact._meta.db_table, row_key=str(person.pk))  # noqa: SLF001
        found = told.exclude(account_id=None).values_list("account_id", flat=True).first()
    return found


@beyond_the_wall("whether there is such a person; the doors ask for the right, and for the account, beside this")
def is_known(person: Person) -> bool:
    """There is a row, or a trail of one that was removed."""
    there = person.model._default_manager.filter(pk=person.pk).exists()  # noqa: SLF001
    return there or PersonKey.objects.filter(pk=person.name).exists()


@beyond_the_wall("how often, and when and by whom a person was erased; no value of theirs is told")
def history_of(person: Person) -> tuple[int, list[Erasure]]:
    """Entries of the trail about the person, and the erasures there were, latest first."""
    erased = Erasure.objects.filter(person=person.name).order_by("-erased_at", "-pk")
    return TrailEntry.objects.filter(person=person.name).count(), list(erased)


# --- Out ---


def export_person(person: Person) -> dict[str, Any]:
    """Everything that is kept about the person, as JSON-ready values: own rows, rows that name them, the trail."""
    entries = list(TrailEntry.objects.filter(person=person.name).order_by("pk"))
    keys = keys_of(entries)
    return {
        "person": person.name,
        "exported_at": timezone.now().isoformat(),
        "records": {model._meta.label: _rows(model, about.column, person.pk) for model, about in tables_about(person)},  # noqa: SLF001
        "named_in": _named_in(person),
        "changes": [_entry(entry, keys.get(entry.person)) for entry in entries],
        "erasures": list(Erasure.objects.filter(person=person.name).values("erased_at", "reason")),
    }


@beyond_the_wall("all of a person, wherever it lies; the doors ask for the right over people and for the account")
def export_json(person: Person) -> str:
    return json.dumps(export_person(person), ensure_ascii=False, indent=1, default=str)


def _rows(model: type[Model], column: str, key: int) -> list[dict[str, Any]]:
    """Whole rows but for what is secret."""
    table, secret = model._meta.db_table, set(registry.watch_of(model).secret)  # noqa: SLF001
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t)::text FROM "{table}" t WHERE t."{column}" = %s ORDER BY t::text', [key])
        found = [json.loads(row) for (row,) in cursor.fetchall()]
    return [{name: value for name, value in row.items() if name not in secret} for row in found]


def _named_in(person: Person) -> dict[str, list[dict[str, Any]]]:
    """Rows of other tables that point to the person: whole where they say something about a contact or belong to a user,
    else by their key."""
    own = {model for model, _about in tables_about(person)}
    found: dict[str, list[dict[str, Any]]] = {}
    for model in apps.get_models(include_auto_created=True):
        if model in own or model._meta.proxy or not model._meta.managed:  # noqa: SLF001
            continue
        for field in model._meta.local_concrete_fields:  # noqa: SLF001
            if isinstance(field, ForeignKey) and field.related_model is person.model:
                rows = _rows(model, str(field.column), person.pk)
                if not _is_own(person, field):
                    rows = [{name: row[name] for name in ("id", "account_id") if name in row} for row in rows]
                if rows:
                    found[f"{model._meta.label}.{field.name}"] = rows  # noqa: SLF001
    return found


def _is_own(person: Person, field: ForeignKey) -> bool:
    from django.db.models import CASCADE

    left = {(label, column) for label, column, _cleared in LEFT_BEHIND[person.kind]}
    place = (field.model._meta.label, str(field.column))  # noqa: SLF001
    return person.kind == "contact" or field.remote_field.on_delete is CASCADE or place in left


def _entry(entry: TrailEntry, key: bytes | None) -> dict[str, Any]:
    return {
        "at": entry.at.isoformat(),
        "table": entry.table_name,
        "row": entry.row_key,
        "action": entry.action,
        "before": {name: opened(value, key) for name, value in entry.before.items()},
        "after": {name: opened(value, key) for name, value in entry.after.items()},
    }


# --- Gone ---


@transaction.atomic
def erase_person(person: Person, *, by: User | None, reason: str) -> Erasure:
    """Clear all personal data of the person for good; one transaction, files and cache before it ends.

    Repeating it clears what came since. Raises ErasureRefused without a reason, for nobody, for a superuser and for
    oneself.
    """
    if not reason.strip():
        raise ErasureRefused(_("Say why: who asked for it, and when."))
    if not is_known(person):
        raise ErasureRefused(_("There is no such person."))
    row = person.model._default_manager.select_for_update().filter(pk=person.pk).first()  # noqa: SLF001
    if isinstance(row, User) and (row.is_superuser or row == by):
        raise ErasureRefused(_("A superuser, and whoever asks, cannot be erased: take the rank away first."))
    account_id, values = account_of(person), values_of(person)
    if isinstance(row, User):
        end_access(user=row, reason=SessionEnd.OFF, now=timezone.now())
    left = _clear_invitations(person, values) + _clear_left_behind(person) + _clear_typed_names(values)
    counts = {"left": left, "fields": _clear(person)}
    counts["log"] = _clear_admin_log(person, values)
    counts["answers"] = _clear_answers(values)
    erasure = Erasure.objects.create(
        person=person.name, account_id=account_id, reason=reason.strip(), erased_by_id=by.pk if by else None,
        erased_at=timezone.now(), counts={},
    )  # fmt: skip
    counts["keys"] = PersonKey.objects.filter(pk=person.name).delete()[0]
    counts["texts"] = _mentions(values)
    cleared, left = scrub_attachments(values)
    counts["files"], counts["files_left"] = scrub_media(values) + cleared, left
    counts["mails"] = forget_person(values)
    counts["cache"] = _clear_cache(values)
    logger.info("person_erased", person=person.name, erasure=erasure.pk, **counts)
    erasure.counts = counts
    return erasure


def values_of(person: Person) -> list[str]:
    """Names, addresses and numbers the person has or had, longest first: what is looked for in other places."""
    found: set[str] = set()
    for model, about in tables_about(person):
        for row in _rows(model, about.column, person.pk):
            found |= {str(row[name]) for name in about.fields & SEARCHED_FIELDS if row.get(name)}
    entries = list(TrailEntry.objects.filter(person=person.name))
    keys = keys_of(entries)
    for entry in entries:
        for side in (entry.before, entry.after):
            for name, value in side.items():
                if name in SEARCHED_FIELDS and is_sealed(value):
                    found.add(str(opened(value, keys.get(entry.person)) or ""))
    return sorted((value for value in found if is_telling(value)), key=len, reverse=True)


def is_telling(value: str) -> bool:
    """Long enough that finding it means the person: two Chinese characters, or five of anything."""
    has_han = any("\u3400" <= letter <= "\u9fff" for letter in value)
    return len(value.strip()) >= (SHORTEST_HAN if has_han else SHORTEST) and not value.startswith("erased-")


def _clear(person: Person) -> int:
    """Empty every personal field; where a value must be given, the person's number stands in. Returns fields."""
    cleared = 0
    for model, about in tables_about(person):
        fields = [field for field in model._meta.local_concrete_fields if field.column in about.fields]  # noqa: SLF001
        values: dict[str, Any] = {field.attname: _empty(field, person) for field in fields}
        if model is User:
            values |= {"is_active": False, "is_staff": False, "password": "!"}
        rows = model._default_manager.filter(**{about.column: person.pk})  # noqa: SLF001
        cleared += len(fields) * rows.update(**values)
    return cleared


def _empty(field: Any, person: Person) -> Any:
    if field.null:
        return None
    if isinstance(field, CharField | TextField):
        return "" if field.blank else f"erased-{person.pk}"
    if field.has_default():
        return field.get_default()
    raise TypeError(f"{field} can be neither empty nor without meaning: make it nullable")


def _clear_left_behind(person: Person) -> int:
    cleared = 0
    for label, column, values in LEFT_BEHIND[person.kind]:
        cleared += apps.get_model(label)._default_manager.filter(**{column: person.pk}).update(**values)  # noqa: SLF001
    for label, column in GONE_WITH[person.kind]:
        cleared += apps.get_model(label)._default_manager.filter(**{column: person.pk}).delete()[0]  # noqa: SLF001
    return cleared


def _clear_typed_names(values: list[str]) -> int:
    """What was typed at the log-in, by whom ever, and what administrators' lines say of whom they invited or let in again,
    where one of the values stands in it, in capitals or not; and the counts of tries for it."""
    cleared = 0
    for value in values:
        cleared += LoginEvent.objects.filter(username__icontains=value).update(username="")
        cleared += LoginEvent.objects.filter(detail__icontains=value).update(detail="")
        cleared += LoginLimit.objects.filter(subject__icontains=value).delete()[0]
    return cleared


def _clear_invitations(person: Person, values: list[str]) -> int:
    """Whoever was asked in under the person's address, or joined as the person; what is still open is withdrawn."""
    if person.kind != "user":
        return 0
    found = Q(user_id=person.pk)
    for value in values:
        found |= Q(email__iexact=value)
    rows = Invitation.objects.filter(found)
    rows.filter(used_at=None, withdrawn_at=None).update(withdrawn_at=timezone.now())
    nobody = Concat(Value("erased-"), Cast("pk", CharField()), Value("@example.invalid"))
    return rows.update(email=nobody, first_name="", last_name="")


def _clear_admin_log(person: Person, values: Iterable[str]) -> int:
    """Lines of the admin's log call records by their names, in Chinese as escapes."""
    table = person.model._meta.db_table  # noqa: SLF001
    app, _underline, model = table.partition("_")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE django_admin_log SET object_repr = %s WHERE object_id = %s AND content_type_id ="
            " (SELECT id FROM django_content_type WHERE app_label = %s AND model = %s)",
            [f"erased-{person.pk}", str(person.pk), app, model],
        )
        changed = cursor.rowcount
        for value in values:
            escaped = json.dumps(value)[1:-1]
            cursor.execute(
                "UPDATE django_admin_log SET change_message = replace(replace(change_message, %s, '-'), %s, '-'),"
                " object_repr = replace(object_repr, %s, '-')"
                " WHERE position(%s IN change_message) + position(%s IN change_message) + position(%s IN object_repr) > 0",
                [value, escaped, value, value, escaped, value],
            )
            changed += cursor.rowcount
    return changed


def _clear_answers(values: Iterable[str]) -> int:
    """Answers of REST that are kept for a day."""
    cleared = 0
    for value in values:
        for form in {value, json.dumps(value)[1:-1]}:
            cleared += IdempotencyKey.objects.filter(body__contains=form).delete()[0]
    return cleared


def _clear_cache(values: Iterable[str]) -> int:
    """Whatever the cache holds with one of the values in it; pickles hold text as UTF-8. A cache that is away holds
    nothing for longer than three days."""
    wanted = [value.encode() for value in values]
    if not wanted:
        return 0
    try:
        client = cache._cache.get_client()  # type: ignore[attr-defined]  # noqa: SLF001
        found = [
            key
            for key in client.scan_iter(match=f"{cache.key_prefix}:*", count=1000)
            if any(value in (client.get(key) or b"") for value in wanted)
        ]
        if found:
            client.delete(*found)
    except Exception:
        logger.warning("cache_not_searched", exc_info=True)
        return 0
    return len(found)


def _mentions(values: Iterable[str]) -> int:
    """Rows of watched tables whose free texts still hold one of the values: business words that somebody must judge."""
    wanted, found = list(values), 0
    if not wanted:
        return 0
    for model in registry.watched_models():
        texts = [
            field.column
            for field in model._meta.local_concrete_fields  # noqa: SLF001
            if isinstance(field, CharField | TextField) and not field.choices
        ]
        if not texts or model is Account:
            continue
        told = " || ' ' || ".join(f't."{column}"' for column in texts)
        with connection.cursor() as cursor:
            cursor.execute(
                f'SELECT count(*) FROM "{model._meta.db_table}" t WHERE ({told}) LIKE ANY (%s)',  # noqa: SLF001
                [[f"%{_escaped(value)}%" for value in wanted]],
            )
            found += cursor.fetchone()[0]
    return found


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", r"\%").replace("_", r"\_")
