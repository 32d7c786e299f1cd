"""The pages of tiering are grouped; each keeps its address, and says which group and page is open."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils.translation import override

from crm.web.tiering_tabs import GROUPS, groups
from tests.factories import make_superuser

PAGES = [(tab, name) for _label, pages in GROUPS for tab, name, _words in pages]
ADDRESSES = {
    "night": "/tiering/", "job": "/tiering/job/", "model": "/tiering/model/", "weights": "/tiering/weights/",
    "sandbox": "/tiering/sandbox/", "backtest": "/tiering/backtest/", "drift": "/tiering/drift/",
    "overrides": "/tiering/overrides/", "activation": "/tiering/activation/", "ratings": "/ratings/",
    "migration": "/tiering/migration/", "portfolio": "/tiering/portfolio/", "bands": "/tiering/bands/",
}  # fmt: skip


def test_every_old_address_is_in_one_group_and_every_template_names_a_tab():
    hrefs = [tab.href for group in groups("night") for tab in group.tabs]
    named = set()
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        named |= set(re.findall(r'include "tiering/_tabs.html" with tab="(\w+)"', path.read_text()))

    assert sorted(hrefs) == sorted(ADDRESSES.values())
    assert named == {tab for tab, _name in PAGES} == set(ADDRESSES)


@pytest.mark.parametrize("tab", list(ADDRESSES))
def test_open_page_and_its_group_are_marked(tab):
    marked = [(group, [one for one in group.tabs if one.is_current]) for group in groups(tab) if group.is_current]

    assert [[one.href for one in open_tabs] for _group, open_tabs in marked] == [[ADDRESSES[tab]]]


@pytest.mark.parametrize("address", list(ADDRESSES.values()))
def test_page_shows_the_groups_and_the_pages_of_its_own_as_plain_links(client, db, address):
    client.force_login(make_superuser())

    html = client.get(address).content.decode()

    nav = html.split('<nav class="tab-groups"')[1].split("</nav>")[0]
    assert nav.count('aria-current="true"') == 1
    assert re.findall(r'<a href="([^"]+)" aria-current="page">', nav) == [address]
    assert nav.count("<li>") == 4 + len(
        next(group for group in groups("") if address in {t.href for t in group.tabs}).tabs
    )


def test_words_follow_the_language():
    with override("zh-hans"):
        assert all(str(group.label) and not str(group.label).isascii() for group in groups("night"))
