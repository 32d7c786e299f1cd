"""All that is kept about a person, out and gone, over REST."""

import pytest

from crm.models import Erasure
from crm.trail.persons import Person, export_person
from tests.api.conftest import allow, assert_problem, pointers
from tests.factories import make_account, make_contact, make_superuser, make_user

pytestmark = pytest.mark.django_db


def of(person, step=""):
    return f"/api/v1/persons/{person.name.replace(':', '/')}/{step}"


@pytest.fixture
def anna():
    return Person("contact", make_contact(name="Annabelle Wu", email="anna.wu@example.com").pk)


def test_what_is_kept_is_told_in_numbers_and_exported_whole(admin, anna):
    told = admin.get(of(anna)).json()
    out = admin.get(of(anna, "export/"))

    assert told["person"] == anna.name
    assert {one["model"]: one["rows"] for one in told["kept"]} == {
        "accounts.contact": 1, "accounts.attitudenote": 0, "accounts.courtesy": 0,
    }  # fmt: skip
    assert "email" in next(one["fields"] for one in told["kept"] if one["model"] == "accounts.contact")
    assert "no-store" in out.headers["Cache-Control"]
    assert out.json()["records"].keys() == export_person(anna)["records"].keys()
    assert "anna.wu@example.com" in out.content.decode()


def test_erasure_asks_for_reason_and_person_and_is_done_once_and_for_all(admin, anna):
    contact = make_contact(name="Somebody Else")

    for body, where in (
        ({}, ["/reason", "/confirm"]),
        ({"reason": "asked", "confirm": f"contact:{contact.pk}"}, ["/confirm"]),
        ({"reason": "asked", "confirm": anna.name, "by": 1}, ["/by"]),
    ):
        assert pointers(assert_problem(admin.post(of(anna, "erase/"), body, format="json"), 400)) == where
    assert not Erasure.objects.exists()
    done = admin.post(of(anna, "erase/"), {"reason": "asked", "confirm": anna.name}, format="json")

    assert done.status_code == 200
    assert done.json()["counts"]["fields"] > 0
    assert Erasure.objects.get().erased_by_id == admin.user.pk
    assert "Annabelle" not in admin.get(of(anna, "export/")).content.decode()
    assert len(admin.get(of(anna)).json()["erasures"]) == 1


def test_a_contact_of_a_hidden_account_is_answered_like_nobody(rest, anna):
    client = rest(allow(make_user(), "crm.export_person", "crm.erase_person"))
    body = {"reason": "asked", "confirm": anna.name}

    for step in ("", "export/"):
        hidden, missing = client.get(of(anna, step)), client.get(of(Person("contact", 2**40), step))
        assert (hidden.status_code, hidden.content) == (missing.status_code, missing.content) == (404, hidden.content)
    assert_problem(client.post(of(anna, "erase/"), body, format="json"), 404)
    assert not Erasure.objects.exists()


def test_each_right_opens_its_own_door(rest):
    owner = allow(make_user(), "crm.export_person")
    person = Person("contact", make_contact(account=make_account(owner=owner)).pk)
    client = rest(owner)

    assert client.get(of(person)).status_code == 200
    assert client.get(of(person, "export/")).status_code == 200
    assert_problem(client.post(of(person, "erase/"), {"reason": "x", "confirm": person.name}, format="json"), 403)
    stranger = rest(make_user(role="director"))
    assert [stranger.get(of(person, step)).status_code for step in ("", "export/")] == [403, 403]


def test_odd_persons_and_superusers(admin):
    assert_problem(admin.get("/api/v1/persons/account/1/"), 404)
    assert_problem(admin.get(f"/api/v1/persons/user/{2**70}/"), 404)
    assert_problem(admin.get(f"/api/v1/persons/user/{admin.user.pk}/?x=1"), 400)
    root = Person("user", make_superuser().pk)
    body = {"reason": "x", "confirm": root.name}
    assert_problem(admin.post(of(root, "erase/"), body, format="json"), 409)
