"""The frame: navigation, search, choices of the reader, pages for what went wrong."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from crm.web import errors
from crm.web.htmx import wants_fragment
from crm.web.standing import standing
from tests.factories import make_account, make_batch, make_revenue, make_superuser, make_user
from tests.web.people import grant, make_cast
from tiering.enums import ModelState, RunState, RunTrigger
from tiering.models import ScoringModel, TierRun

pytestmark = pytest.mark.django_db


def found(client, text, **headers):
    return client.get("/search/", {"q": text}, headers=headers).content.decode()


@pytest.mark.parametrize(
    ("headers", "fragment"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Request-Type": "partial"}, True),
        ({"HX-Request": "true", "HX-Request-Type": "full"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_fragment_is_for_htmx_parts_alone(headers, fragment):
    assert wants_fragment(RequestFactory().get("/", headers=headers)) is fragment


@pytest.mark.parametrize("text", ["智慧", "zhihui", "ZHWL", "smart log", "A-77"])
def test_search_finds_an_account_by_characters_pinyin_initials_latin_name_and_code(client, text):
    cast = make_cast(name="智慧物流", latin_name="Smart Logistics", code="A-77")
    seen = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        seen[role] = cast.account.get_absolute_url() in found(client, text)

    assert seen == {"owner": True, "teammate": True, "stranger": False}


def test_search_finds_pages_and_actions(client):
    client.force_login(make_user())

    assert 'href="/tiering/"' in found(client, "tier")
    assert reverse("password_change") in found(client, "密码")
    assert "Nothing answers to" in found(client, "qqqq")


def test_search_of_htmx_is_the_list_alone(client):
    client.force_login(make_user())

    assert "<html" not in found(client, "a", **{"HX-Request": "true"})
    assert "<html" in found(client, "a")


def test_search_escapes_and_survives_odd_text(client):
    client.force_login(make_user())

    assert "<b>" not in found(client, "<b>\x00")


def test_admin_is_linked_for_staff_alone(client):
    client.force_login(make_user())
    plain = client.get("/accounts/").content.decode()
    client.force_login(make_superuser())

    assert reverse("admin:index") not in plain
    assert reverse("admin:index") in client.get("/accounts/").content.decode()


@pytest.mark.parametrize(("name", "data"), [("set_scope", {"scope": "mine"}), ("set_units", {"units": "wan"})])
def test_choice_leads_back_and_never_elsewhere(client, name, data):
    client.force_login(make_user())

    inside = client.post(reverse(name), data | {"next": "/accounts/?grade=gold"})
    outside = client.post(reverse(name), data | {"next": "https://evil.example/"})

    assert inside.headers["Location"] == "/accounts/?grade=gold"
    assert outside.headers["Location"] == "/"
    assert client.get(reverse(name)).status_code == 405


def test_units_choice_changes_how_amounts_read(client):
    from tests.web.people import make_figures

    cast = make_cast()
    make_figures(cast.account, ttm_revenue=6_230_000)
    client.force_login(cast.owner)
    before = client.get(cast.account.get_absolute_url()).content.decode()
    client.post(reverse("set_units"), {"units": "wan"})

    assert "6.23M" in before
    assert "623万" in client.get(cast.account.get_absolute_url()).content.decode()


def test_language_choice_is_kept_with_the_user(client):
    user = make_user()
    client.force_login(user)

    response = client.post(reverse("set_language"), {"language": "zh-hant", "next": "/"})
    client.post(reverse("set_language"), {"language": "xx", "next": "/"})

    user.refresh_from_db()
    assert response.cookies[settings.LANGUAGE_COOKIE_NAME].value == "zh-hant"
    assert user.language == "zh-hant"


def test_retier_is_offered_to_those_who_may(client):
    make_revenue()
    user = make_user()
    client.force_login(user)
    without = client.get("/accounts/").content.decode()
    client.force_login(grant(user, "retier"))

    assert "Grade again now" not in without
    assert "Grade again now" in client.get("/accounts/").content.decode()


def publish_run(as_of, *, started_at):
    model = ScoringModel.objects.create(
        name="m", preset="ledger-only", state=ModelState.DRAFT, currency="CNY", as_of=as_of
    )
    return TierRun.objects.create(
        as_of=as_of, model=model, state=RunState.PUBLISHED, trigger=RunTrigger.NIGHT, started_at=started_at,
        published_at=started_at,
    )  # fmt: skip


def test_standing_of_an_empty_ledger_is_nothing():
    found = standing(RequestFactory().get("/"))

    assert (found.data_until, found.graded_as_of, found.is_behind) == (None, None, False)


def test_standing_names_the_batch_that_came_after_the_night():
    record = make_revenue()
    started = timezone.now()
    publish_run(record.booked_on, started_at=started)
    before = standing(RequestFactory().get("/"))
    late = make_batch(posted_at=started + timedelta(minutes=1))
    after = standing(RequestFactory().get("/"))

    assert (before.data_until, before.graded_as_of, before.is_behind) == (record.booked_on, record.booked_on, False)
    assert (after.newest_batch_id, after.is_behind) == (late.pk, True)


def test_unknown_address_answers_in_the_frame(client):
    client.force_login(make_user())

    response = client.get("/nowhere/")

    assert response.status_code == 404
    assert 'class="nav"' in response.content.decode()
    assert client.logout() is None
    assert client.get("/nowhere/").status_code == 404


def test_missing_right_says_who_can_give_it(client):
    client.force_login(make_user())

    response = client.post(reverse("accounts:bulk"), {"action": "owner"})

    assert response.status_code == 403
    assert "Your administrator can give it." in response.content.decode()


def test_old_form_is_explained(client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(make_user())

    response = strict.post(reverse("set_scope"), {"scope": "mine"})

    assert response.status_code == 403
    assert "Please send the form again" in response.content.decode()


def test_server_error_has_a_reference_and_needs_no_database(django_db_blocker):
    with django_db_blocker.block():
        response = errors.server_error(RequestFactory().get("/"))

    assert response.status_code == 500
    assert "give your administrator this number" in response.content.decode()
    assert len(response.content.decode().split("<code>")[1].split("</code>")[0]) == 36


def test_server_error_page_that_breaks_itself_still_gives_the_reference(settings):
    settings.TEMPLATES = []

    response = errors.server_error(RequestFactory().get("/"))

    assert response.status_code == 500
    assert b"Reference: " in response.content


def test_every_symbol_the_templates_name_is_in_the_sprite():
    import re
    from pathlib import Path

    base = Path(settings.BASE_DIR)
    sprite = set(re.findall(r'<symbol id="([^"]+)"', (base / "static/img/icons.svg").read_text()))
    texts = [path.read_text() for path in (base / "templates").rglob("*.html")]
    used = {name for text in texts for name in re.findall(r'{% icon "([^"]+)"', text)}
    used |= {name for text in texts for name in re.findall(r'icon="([^"]+)"', text)}

    assert used - sprite == set()


def test_vendored_files_are_those_that_were_written_down():
    import hashlib
    from pathlib import Path

    vendor = Path(settings.BASE_DIR) / "static" / "vendor"
    lines = (vendor / "VERSIONS").read_text().splitlines()[1:]
    listed = {line.split("  ")[0]: line.split("sha256:")[1].split()[0] for line in lines}
    there = {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()} - {"VERSIONS"}

    assert there == {name for name in listed if not name.startswith("..")}
    assert {name: hashlib.sha256((vendor / name).read_bytes()).hexdigest() for name in listed} == listed
    assert not [name for name in there if b"sourceMappingURL" in (vendor / name).read_bytes()]


def test_account_page_of_a_new_user_is_empty_not_broken(client):
    make_account()
    client.force_login(make_user())

    assert "No accounts yet" in client.get("/accounts/").content.decode()
