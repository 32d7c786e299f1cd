"""A person with a token nobody else's data hold, in every place where something about people is kept."""

import gzip
import json
from datetime import date, timedelta

import openpyxl
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from accounts.models import AttitudeNote, Contact, Courtesy, Invitation, LoginEvent, LoginLimit, User
from crm.models import IdempotencyKey
from crm.trail import registry
from tests.factories import make_contact, make_superuser, make_user

TOKEN = "Zq7-Xenon"
OLDER = "Zq7-Argon"


def seeded_contact() -> Contact:
    """A contact with the token in every personal field of every table, now and in its history."""
    contact = make_contact(name=f"{OLDER} Name", title=f"{OLDER} title", department=f"{OLDER} dept")
    for number, field in enumerate(sorted(registry.PERSONAL["accounts.Contact"].fields)):
        value = f"{TOKEN}.{number}@example.com" if field == "email" else f"{TOKEN} {field}"
        setattr(contact, field, value)
    contact.attitude, contact.attitude_since = 1, date(2024, 1, 1)
    contact.save()
    AttitudeNote.objects.create(contact=contact, attitude=1, held_from=date(2024, 2, 1), evidence=f"{TOKEN} evidence")
    Courtesy.objects.create(
        contact=contact, kind="gift", given_on=date(2024, 1, 1), occasion=f"{TOKEN} occasion", amount=10,
        currency="CNY", given_by=make_user(), reason=f"{TOKEN} reason",
    )  # fmt: skip
    return contact


def seed_other_places(contact: Contact, media) -> None:
    """Where a person's values lie beside their fields."""
    kind = ContentType.objects.get_for_model(Contact)
    LogEntry.objects.create(
        user=make_user(), content_type=kind, object_id=str(contact.pk), object_repr=contact.name, action_flag=CHANGE,
        change_message=json.dumps([{"changed": {"name": "contact", "object": contact.name}}]),
    )  # fmt: skip
    IdempotencyKey.objects.create(
        user=make_user(), key="k", fingerprint="f", status=201, body=json.dumps({"name": contact.name})
    )
    cache.set("holds-it", {"rows": [contact.name]})
    cache.set("holds-another", "kept")
    (media / "errors").mkdir()
    (media / "errors" / "rows.csv").write_text(f"name,why\n{contact.name},bad\nSomebody else,bad\n")
    (media / "errors" / "odd.csv").write_bytes(f"name\n{contact.email}\n".encode("utf-16"))
    with gzip.open(media / "errors" / "rows.csv.gz", "wt") as file:
        file.write(f"{contact.phone}\n")
    book = openpyxl.Workbook()
    book.active.append([contact.name, "kept"])
    book.save(media / "book.xlsx")
    (media / "other.csv").write_text("nobody\n")


def seeded_user(client) -> User:
    """Somebody with the token in every column of the log of log-ins, of sessions and of invitations, as theirs and in what
    others did about them."""
    name, address = f"{TOKEN}.anna", f"{TOKEN}@example.com"
    user, admin, now = (
        make_user(username=name, email=address, first_name=TOKEN, last_name=TOKEN),
        make_superuser(),
        timezone.now(),
    )
    client.post("/login/", {"username": name, "password": "a-long-Passw0rd"}, headers={"user-agent": f"{TOKEN} phone"})
    client.post("/login/", {"username": name.upper(), "password": "wrong"}, headers={"user-agent": "other"})
    client.post("/login/", {"username": f" {address.lower()} x", "password": "wrong"}, headers={"user-agent": "other"})
    for about, by, detail in (
        (user, None, f"{TOKEN} key"),
        (admin, None, f"user: {name.casefold()}"),
        (admin, None, f"{address.upper()}: Manager"),
    ):
        LoginEvent.objects.create(at=now, kind="unlocked", ok=True, user=about, actor=by, username=name, detail=detail)
    LoginLimit.objects.create(kind="user", subject=name.casefold(), attempts=1, since=now)
    for number, fields in enumerate(({"user": user, "used_at": now}, {"withdrawn_at": now}, {})):
        Invitation.objects.create(
            email=address if number else address.upper(), first_name=TOKEN, last_name=TOKEN, nonce=f"n{number}",
            invited_by=admin, invited_at=now, expires_at=now + timedelta(days=1), **fields,
        )  # fmt: skip
    return user


def everything() -> str:
    """Every row of every table, as a dump writes them."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
        tables = [name for (name,) in cursor.fetchall()]
        told = []
        for table in tables:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            told += [row for (row,) in cursor.fetchall()]
    return "\n".join(told)
