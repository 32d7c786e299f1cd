"""Every address that changes a row names the version its page showed: of two who saw the same, the second is refused, sees
both values, and nothing of theirs is written. What carries no version says why, by name."""

import re

import pytest
from django.core import serializers
from django.urls import reverse

from crm.access import PAGES, SPACES
from crm.lib import outbound
from crm.lib.outbound import Door
from tests.factories import make_account, make_superuser
from tests.seen import EXEMPT, VERSIONS
from tests.test_policy import methods_of, pages
from tests.web.version_scenes import SCENES, Scene

pytestmark = pytest.mark.django_db


def sent_routes() -> set[str]:
    """Every page that takes a POST."""
    found = set()
    for name, _path, view in pages():
        methods = set(PAGES[name]) if name in PAGES else methods_of(view) or {"POST"}
        if "POST" in methods and (name in PAGES or name.partition(":")[0] in SPACES):
            found.add(name)
    return found


def test_every_address_that_is_sent_carries_a_version_or_says_why_not():
    known = set(VERSIONS) | set(EXEMPT)

    assert sorted(sent_routes() - known) == [], "add these to tests/seen.py: the row they change, or why none"
    assert sorted(known - sent_routes()) == []
    assert sorted(set(VERSIONS) & set(EXEMPT)) == []
    assert all(len(reason.split()) > 2 for reason in EXEMPT.values())


def test_every_versioned_address_is_tried_below():
    assert {name.partition(" ")[0] for name in SCENES} == set(VERSIONS)


def seen_on(page: str, address: str, here: str) -> str:
    """The version that the form of ``address`` carries on a page."""
    for opening, body in re.findall(r"<form([^>]*)>(.*?)</form>", page, flags=re.DOTALL):
        target = re.search(r'action="([^"]*)"', opening)
        leads = target.group(1).partition("#")[0] if target else here
        if 'method="post"' in opening and leads == address:
            found = re.search(r'name="seen" value="([^"]*)"', body) or re.search(
                r'value="([^"]*)"[^>]*name="seen"', body
            )
            assert found, f"the form of {address} carries no version"
            return found.group(1)
    raise AssertionError(f"no form of {address} on {here}")


def stored(scene: Scene) -> str:
    rows = type(scene.row)._base_manager.all().order_by("pk")
    return serializers.serialize("json", rows)


@pytest.fixture
def ground(client, settings):
    settings.OUTBOUND = Door(is_open=True, private_hosts=outbound.hosts(["127.0.0.1"]))
    me = make_superuser(first_name="Me")
    client.force_login(me)
    return me, make_account(name="Acme", owner=me)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_second_of_two_is_refused_and_sees_both(client, ground, name):
    scene = SCENES[name](*ground)
    address = reverse(name.partition(" ")[0], kwargs=scene.keys)
    page = client.get(scene.page)
    assert page.status_code == 200
    seen = seen_on(page.content.decode(), address, scene.page.partition("?")[0])
    assert seen

    scene.write()
    before = stored(scene)
    late = client.post(address, scene.sent | {"seen": seen}, follow=True)
    unsaid = client.post(address, scene.sent | {"seen": ""}, follow=True)

    words = late.content.decode()
    assert stored(scene) == before
    assert "Somebody else changed this" in words
    assert scene.stored in words
    assert scene.asked in words
    assert re.search("did not say which version it showed|Somebody else changed this", unsaid.content.decode())


@pytest.mark.parametrize("name", sorted(SCENES))
def test_who_saw_the_present_version_is_heard(client, ground, name):
    """So that the refusals above are of the version, and of nothing else."""
    scene = SCENES[name](*ground)
    address = reverse(name.partition(" ")[0], kwargs=scene.keys)
    before = stored(scene)
    seen = seen_on(client.get(scene.page).content.decode(), address, scene.page.partition("?")[0])

    client.post(address, scene.sent | {"seen": seen})

    assert stored(scene) != before


@pytest.mark.parametrize("name", sorted(SCENES))
def test_a_form_refused_for_its_words_goes_on_from_the_version_it_was_shown_with(client, ground, name):
    """Else a typing mistake would make what others wrote meanwhile pass for seen."""
    scene = SCENES[name](*ground)
    if not scene.wrong:
        return
    address, here = reverse(name.partition(" ")[0], kwargs=scene.keys), scene.page.partition("?")[0]
    seen = seen_on(client.get(scene.page).content.decode(), address, here)

    scene.write()
    again = client.post(address, scene.sent | scene.wrong | {"seen": seen})

    assert again.status_code == 422
    assert seen_on(again.content.decode(), address, address) == seen
