"""D1: all that is kept about a person comes out, and all of it goes: a token seeded everywhere is found nowhere."""

import gzip
import json
from datetime import timedelta

import openpyxl
import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, LoginEvent, User, UserSession
from crm.models import Erasure, PersonKey, TrailEntry
from crm.trail import chain
from crm.trail.persons import ErasureRefused, Person, erase_person, export_person, tables_about
from tests.api.conftest import allow
from tests.crm.seeded_persons import OLDER, TOKEN, everything, seed_other_places, seeded_contact, seeded_user
from tests.factories import make_account, make_contact, make_interaction, make_request, make_superuser, make_user


def test_export_lists_every_personal_field(db):
    contact = seeded_contact()
    make_interaction(account=contact.account, their_people=[contact])
    make_request(account=contact.account, contact=contact)

    told = export_person(Person("contact", contact.pk))

    for model, about in tables_about(Person("contact", contact.pk)):
        rows = told["records"][model._meta.label]
        assert about.fields <= set(rows[0]), model
        assert any(TOKEN in str(row[field]) for row in rows for field in about.fields), model
    assert set(told["named_in"]) >= {"service.Interaction_their_people.contact", "service.ServiceRequest.contact"}
    assert any(entry["after"].get("name") == f"{OLDER} Name" for entry in told["changes"])
    assert any(entry["before"].get("title") == f"{OLDER} title" for entry in told["changes"])


def test_export_of_a_user_leaves_secrets_out(db):
    user = make_user(first_name=TOKEN, email=f"{TOKEN}@example.com")
    make_account(owner=user)

    told = json.dumps(export_person(Person("user", user.pk)), default=str)

    assert TOKEN in told
    assert user.password not in told
    assert "accounts.Account.owner" in told


def test_a_token_in_every_field_is_found_nowhere_after_the_erasure(transactional_db, settings, tmp_path):
    settings.MEDIA_ROOT, settings.TRAIL_HEADS = tmp_path, tmp_path / "trail-heads.log"
    chain.seal()
    contact = seeded_contact()
    by = make_superuser()
    seed_other_places(contact, tmp_path)
    chain.seal()
    assert everything().count(TOKEN) > 8

    erasure = erase_person(Person("contact", contact.pk), by=by, reason="Asked for by letter of 1 March")

    assert [place for place in (TOKEN, OLDER) if place in everything()] == []
    assert not PersonKey.objects.filter(person=f"contact:{contact.pk}").exists()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert_clean(path)
    assert cache.get("holds-it") is None
    assert cache.get("holds-another") == "kept"
    assert erasure.counts["files"] == 4
    assert erasure.counts["texts"] == 0
    contact.refresh_from_db()
    assert (contact.name, contact.email, contact.attitude) == (f"erased-{contact.pk}", "", 1)
    report = chain.verify()
    assert report.faults == []
    told = TrailEntry.objects.filter(table_name="accounts_contact", row_key=str(contact.pk)).count()
    assert told == 3  # added, changed, erased
    with_key = TrailEntry.objects.filter(table_name="crm_erasure").latest("pk")
    assert with_key.after["person"] == f"contact:{contact.pk}"


def assert_clean(path) -> None:
    if path.suffix == ".gz":
        content = gzip.decompress(path.read_bytes())
    elif path.suffix == ".xlsx":
        content = str(list(openpyxl.load_workbook(path).active.values)).encode()
        assert b"kept" in content
    else:
        content = path.read_bytes()
    for value in (TOKEN, OLDER):
        for encoding in ("utf-8", "utf-16-le"):
            assert value.encode(encoding) not in content, path


def test_texts_that_still_name_the_person_are_counted(db):
    contact = make_contact(name="Li Weiguo")
    make_interaction(account=contact.account, summary="Met Li Weiguo about prices")

    erasure = erase_person(Person("contact", contact.pk), by=make_superuser(), reason="asked")

    assert erasure.counts["texts"] == 1


def test_user_is_erased_with_sessions_tokens_and_log_of_log_ins(db, client):
    from accounts.models import AccessToken

    user = make_user(username="anna.wu", first_name="Annabelle", email="anna.wu@example.com")
    client.post("/login/", {"username": "anna.wu", "password": "a-long-Passw0rd"})
    AccessToken.objects.create(user=user)
    client.post("/login/", {"username": "anna.wu", "password": "wrong"})
    Invitation.objects.create(
        email="anna.wu@example.com", first_name="Annabelle", nonce="n", invited_by=make_superuser(), user=user,
        invited_at=timezone.now(), expires_at=timezone.now() + timedelta(days=1), used_at=timezone.now(),
    )  # fmt: skip
    account = make_account(owner=user)

    erase_person(Person("user", user.pk), by=make_superuser(), reason="Left, asked for it")

    told = everything()
    assert [word for word in ("anna.wu", "Annabelle") if word in told] == []
    user = User.objects.get(pk=user.pk)
    assert (user.username, user.is_active, user.email) == (f"erased-{user.pk}", False, "")
    assert not AccessToken.objects.filter(user=user).exists()
    account.refresh_from_db()
    assert account.owner == user
    assert client.get("/accounts/").status_code == 302


def test_a_token_in_every_column_about_a_log_in_is_found_nowhere_after_the_erasure(db, client):
    """The log, sessions and invitations, whoever wrote the line and in whichever spelling."""
    user = seeded_user(client)
    other = make_user(username="somebody.else")
    kept = LoginEvent.objects.create(
        at=timezone.now(), kind="unlocked", ok=True, user=other, username="somebody.else", detail="x"
    )
    session = UserSession.objects.get(user=user)
    assert everything().casefold().count(TOKEN.casefold()) > 12

    erase_person(Person("user", user.pk), by=make_superuser(), reason="Asked for by letter of 1 March")

    assert TOKEN.casefold() not in everything().casefold()
    assert not Invitation.objects.filter(used_at=None, withdrawn_at=None).exists()
    assert Invitation.objects.count() == 3
    assert UserSession.objects.get(pk=session.pk).ended_at is not None
    assert not Session.objects.filter(session_key=session.session_key).exists()
    kept.refresh_from_db()
    assert (kept.username, kept.detail) == ("somebody.else", "x")
    told = [(one.address, one.agent) for one in LoginEvent.objects.filter(user=user)]
    assert set(told) == {(None, "")}


def test_export_of_a_user_holds_log_sessions_and_invitations_without_what_opens_the_door(db, client):
    user = seeded_user(client)
    session = UserSession.objects.get(user=user)
    Authenticator.objects.create(user=user, type="totp", data={"secret": "sealed-secret"})

    told = export_person(Person("user", user.pk))

    assert {"accounts.LoginEvent.user", "accounts.UserSession.user", "accounts.Invitation.user"} <= set(
        told["named_in"]
    )
    words = json.dumps(told, default=str)
    assert "sealed-secret" not in words
    assert session.session_key not in words
    assert '"nonce"' not in words


@pytest.mark.parametrize("reason", ["", "  "])
def test_erasure_needs_a_reason_and_a_person(db, reason):
    contact = make_contact()

    with pytest.raises(ErasureRefused):
        erase_person(Person("contact", contact.pk), by=None, reason=reason)
    with pytest.raises(ErasureRefused):
        erase_person(Person("contact", 2**40), by=None, reason="asked")
    with pytest.raises(ErasureRefused):
        erase_person(Person("user", make_superuser().pk), by=None, reason="asked")


def test_a_removed_contact_can_still_be_erased(transactional_db, settings, tmp_path):
    settings.MEDIA_ROOT, settings.TRAIL_HEADS = tmp_path, tmp_path / "heads.log"
    contact = make_contact(name=f"{TOKEN} gone")
    key = contact.pk
    contact.delete()

    erase_person(Person("contact", key), by=None, reason="asked")

    assert not PersonKey.objects.filter(person=f"contact:{key}").exists()
    assert chain.verify().faults == []


def test_a_key_goes_with_an_erasure_alone(db):
    from django.db import DatabaseError, transaction

    contact = make_contact()
    with pytest.raises(DatabaseError, match="only added to"), transaction.atomic():
        PersonKey.objects.filter(person=f"contact:{contact.pk}").delete()


def test_page_asks_for_reason_and_number_and_erases(client, db):
    contact = make_contact(name="Page Person")
    address = reverse("trail:person_erase", args=["contact", contact.pk])
    client.force_login(make_superuser())

    assert "Page Person" in client.get(reverse("trail:person", args=["contact", contact.pk])).content.decode()
    wrong = client.post(address, {"reason": "asked", "typed": "contact"})
    assert wrong.status_code == 422
    contact.refresh_from_db()
    assert contact.name == "Page Person"
    done = client.post(address, {"reason": "asked", "typed": f"contact:{contact.pk}"}, follow=True)
    assert "erased" in done.content.decode()
    contact.refresh_from_db()
    assert contact.name == f"erased-{contact.pk}"
    assert Erasure.objects.get(person=f"contact:{contact.pk}").reason == "asked"


def test_pages_of_a_person_open_for_somebody_who_sees_some_accounts_and_holds_the_right(client, db):
    keeper = allow(make_user(), "crm.export_person", "crm.erase_person")
    person = Person("contact", make_contact(account=make_account(owner=keeper), name="Annabelle Wu").pk)
    client.force_login(keeper)

    page = client.get(reverse("trail:person", args=["contact", person.pk]))
    out = client.get(reverse("trail:person_export", args=["contact", person.pk]))

    assert (page.status_code, out.status_code) == (200, 200)
    assert json.loads(out.content)["changes"][0]["after"]["name"] == "Annabelle Wu"


def test_pages_of_a_person_are_for_whom_they_are_for(client, db):
    contact = make_contact()
    owner = make_user()
    contact.account.owner = owner
    contact.account.save()
    places = [
        reverse(f"trail:{name}", args=["contact", contact.pk]) for name in ("person", "person_export", "person_erase")
    ]

    for reader in (owner, make_user(role="director")):
        client.force_login(reader)
        assert [client.get(place).status_code for place in places] == [404, 404, 404]
    client.force_login(make_superuser())
    assert [client.get(place).status_code for place in places] == [200, 200, 200]
    assert client.get(reverse("trail:person", args=["robot", 1])).status_code == 404
    export = client.get(places[1])
    assert json.loads(export.content)["person"] == f"contact:{contact.pk}"


def test_commands_export_and_erase(db, capsys, tmp_path):
    contact = make_contact(name="By Command")
    admin = make_superuser()
    person = f"contact:{contact.pk}"
    file = tmp_path / "person.json"

    call_command("export_person", person, "--output", str(file))
    assert json.loads(file.read_text())["records"]["accounts.Contact"][0]["name"] == "By Command"
    for wrong in ("robot:1", "contact:99999999", "contact"):
        with pytest.raises(CommandError) as refused:
            call_command("export_person", wrong)
        assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="cannot be undone"):
        call_command("erase_person", person, "--reason", "asked", "--by", admin.username)
    with pytest.raises(CommandError, match="may not erase"):
        call_command("erase_person", person, "--reason", "asked", "--by", make_user().username, "--yes", person)
    call_command("erase_person", person, "--reason", "asked", "--by", admin.username, "--yes", person)
    contact.refresh_from_db()
    assert contact.name == f"erased-{contact.pk}"
