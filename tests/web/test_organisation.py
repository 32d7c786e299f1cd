"""The pages of the sales organisation: who sees which part, what administrators change, and what is refused."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Account, OrgUnit, User
from crm.web.editing import stamp_of
from tests.factories import make_account, make_superuser, make_unit, make_user

pytestmark = pytest.mark.django_db


def html(response, status=200):
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


@pytest.fixture
def company():
    """Direction > East > Shanghai, and West beside East; a person with an account of their own in each."""
    heads = {name: make_user(username=f"head-{name}", role="manager") for name in ("east", "west")}
    top = make_unit(name="Direction", level="director")
    east = make_unit(name="East", level="area", parent=top, head=heads["east"])
    shanghai = make_unit(name="Shanghai", level="district", parent=east)
    west = make_unit(name="West", level="area", parent=top, head=heads["west"])
    units = {"top": top, "east": east, "shanghai": shanghai, "west": west}
    people = {name: make_user(username=f"seller-{name}", unit=unit) for name, unit in units.items()}
    for person in people.values():
        make_account(owner=person)
    return {"units": units, "heads": heads, "people": people}


def post(client, name, unit, data):
    return client.post(reverse(f"organisation:{name}", args=[unit.pk]), data)


def fields(unit, **changed):
    """What the form of a unit sends."""
    head, parent = unit.head_id or "", unit.parent_id or ""
    return {"name": unit.name, "level": unit.level, "parent": parent, "head": head, "seen": stamp_of(unit)} | changed


def test_tree_is_that_of_the_reader(client, company):
    found = {}
    for name, user in {
        "administrator": make_superuser(), "director": make_user(role="director"), "east": company["heads"]["east"],
        "seller": company["people"]["shanghai"], "nobody": make_user(),
    }.items():  # fmt: skip
        client.force_login(user)
        page = html(client.get(reverse("organisation:index")))
        found[name] = [unit for unit in ("Direction", "East", "Shanghai", "West") if f">{unit}</a>" in page]

    assert found == {
        "administrator": ["Direction", "East", "Shanghai", "West"], "director": ["Direction", "East", "Shanghai", "West"],
        "east": ["East", "Shanghai"], "seller": ["Shanghai"], "nobody": [],
    }  # fmt: skip


def test_a_unit_outside_ones_part_is_answered_like_a_missing_one(client, company):
    client.force_login(company["heads"]["east"])
    west, missing = company["units"]["west"].pk, 2**40

    answers = [client.get(reverse("organisation:unit", args=[pk])) for pk in (west, missing)]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert html(client.get(reverse("organisation:unit", args=[company["units"]["shanghai"].pk])))


def test_numbers_are_those_of_the_unit_and_below_over_what_the_reader_sees(company):
    from accounts.selectors_org import organisation

    def told(viewer):
        return {
            node.unit.name: (node.people, node.people_below, node.accounts, node.accounts_below)
            for node in organisation(viewer)
        }

    assert told(make_superuser()) == {
        "Direction": (1, 4, 1, 4), "East": (1, 2, 1, 2), "Shanghai": (1, 1, 1, 1), "West": (1, 1, 1, 1),
    }  # fmt: skip
    assert told(company["heads"]["east"]) == {"East": (1, 2, 1, 2), "Shanghai": (1, 1, 1, 1)}
    make_account(owner=make_user(unit=company["units"]["shanghai"]))
    assert told(company["people"]["shanghai"]) == {"Shanghai": (2, 2, 1, 1)}  # the colleague's account is not seen


def test_statements_do_not_grow_with_the_tree(client, company):
    client.force_login(make_user(role="director"))
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as caught:
            html(client.get(reverse("organisation:index")))
        counts.append(len(caught))
        for number in range(8):
            unit = make_unit(parent=company["units"]["shanghai"], head=make_user(first_name=f"h{number}"))
            make_account(owner=make_user(unit=unit))
    assert counts[0] == counts[1]


def test_rows_are_a_tree_for_screen_readers(client, company):
    client.force_login(make_superuser())

    page = html(client.get(reverse("organisation:index")))

    assert len(re.findall(r'<tr [^>]*aria-expanded="true"', page)) == 2
    assert 'aria-level="3" aria-posinset="1" aria-setsize="1"' in page
    assert 'aria-level="2" aria-posinset="2" aria-setsize="2"' in page


@pytest.mark.parametrize("role", ["director", "manager", "member", "analyst"])
def test_only_who_may_change_the_organisation_changes_it(client, company, role):
    client.force_login(make_user(role=role))
    unit, seller = company["units"]["east"], company["people"]["east"]
    before = list(OrgUnit.objects.values_list("pk", "name", "parent", "head"))

    answers = [
        client.post(reverse("organisation:new"), {"name": "X", "level": "team"}),
        post(client, "edit", unit, fields(unit, name="Other")),
        post(client, "remove", unit, {}),
        post(client, "place", unit, {"people": [make_user().pk]}),
        post(client, "take_out", unit, {"people": [seller.pk]}),
    ]

    assert [answer.status_code for answer in answers] == [403] * 5
    assert list(OrgUnit.objects.values_list("pk", "name", "parent", "head")) == before
    assert User.objects.get(pk=seller.pk).unit == unit
    assert "Rename" not in html(client.get(reverse("organisation:index")))


def test_unit_is_added_below_and_takes_the_next_rung(client, company):
    client.force_login(make_superuser())
    east = company["units"]["east"]
    address = f"{reverse('organisation:new')}?parent={east.pk}"

    page = html(client.get(address))
    made = client.post(address, {"name": "Jiangsu", "level": "province", "parent": east.pk, "head": "", "seen": ""})

    assert '<option value="province" selected>' in page
    unit = OrgUnit.objects.get(name="Jiangsu")
    assert made.headers["Location"] == reverse("organisation:unit", args=[unit.pk])
    assert (unit.parent, unit.level) == (east, "province")


@pytest.mark.parametrize("parent", ["x", "-1", str(2**70), "7" * 30, "\x00"])
def test_odd_parents_in_the_address_are_none(client, parent):
    client.force_login(make_superuser())

    assert html(client.get(reverse("organisation:new"), {"parent": parent}))


def test_move_gives_the_accounts_to_the_new_heads_at_once(client, company):
    client.force_login(make_superuser())
    shanghai, west = company["units"]["shanghai"], company["units"]["west"]

    post(client, "edit", shanghai, fields(shanghai, parent=west.pk, name="Pudong"))

    shanghai.refresh_from_db()
    assert (shanghai.parent, shanghai.name) == (west, "Pudong")
    seen = {
        name: set(Account.objects.visible_to(User.objects.get(pk=head.pk)).values_list("owner__username", flat=True))
        for name, head in company["heads"].items()
    }
    assert seen == {"east": {"seller-east"}, "west": {"seller-west", "seller-shanghai"}}


def test_a_loop_is_refused_with_its_reason_and_nothing_changes(client, company):
    client.force_login(make_superuser())
    east, shanghai = company["units"]["east"], company["units"]["shanghai"]

    answer = post(client, "edit", east, fields(east, parent=shanghai.pk, level="district", name="Moved"))

    assert "stands below this one" in html(answer, 422)
    east.refresh_from_db()
    assert (east.name, east.parent) == ("East", company["units"]["top"])


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": "West"}, "a unit of this name in the same place"),
        ({"name": "  "}, "required"),
        ({"level": "team"}, "of a higher level"),
        ({"level": "nothing"}, "not one of the available choices"),
        ({"parent": "999999"}, "not one of the available choices"),
        ({"head": "x"}, "not one of the available choices"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(client, company, changed, words):
    client.force_login(make_superuser())
    east = company["units"]["east"]

    answer = post(client, "edit", east, fields(east, **changed))

    assert words in html(answer, 422)
    assert OrgUnit.objects.get(pk=east.pk).name == "East"


def test_the_second_of_two_edits_is_refused_and_sees_both(client, company):
    client.force_login(make_superuser())
    east = OrgUnit.objects.get(pk=company["units"]["east"].pk)
    mine = fields(east, name="East of mine")
    post(client, "edit", east, fields(east, name="East of theirs"))

    refused = html(post(client, "edit", east, mine), 409)

    assert OrgUnit.objects.get(pk=east.pk).name == "East of theirs"
    assert "East of theirs" in refused
    assert "East of mine" in refused
    now = stamp_of(OrgUnit.objects.get(pk=east.pk))
    assert f'value="{now}"' in refused.replace("&#x27;", "'")
    post(client, "edit", east, mine | {"seen": now})
    assert OrgUnit.objects.get(pk=east.pk).name == "East of mine"


def test_only_an_empty_unit_goes(client, company):
    client.force_login(make_superuser())
    units = company["units"]

    assert "stands below" in html(post(client, "remove", units["east"], {}), 409)
    assert "placed in this unit" in html(post(client, "remove", units["west"], {}), 409)
    User.objects.filter(unit=units["west"]).update(unit=None)
    assert post(client, "remove", units["west"], {}).headers["Location"] == reverse("organisation:index")
    assert not OrgUnit.objects.filter(pk=units["west"].pk).exists()


def test_people_are_put_in_and_moved_out(client, company):
    client.force_login(make_superuser())
    units, people = company["units"], company["people"]
    free = make_user(username="free")

    post(client, "place", units["west"], {"people": [free.pk, people["top"].pk]})
    assert set(units["west"].people.values_list("username", flat=True)) == {"free", "seller-top", "seller-west"}
    post(client, "take_out", units["west"], {"people": [free.pk], "into": units["east"].pk})
    post(client, "take_out", units["west"], {"people": [people["west"].pk], "into": ""})
    assert User.objects.get(pk=free.pk).unit == units["east"]
    assert User.objects.get(pk=people["west"].pk).unit is None
    assert "Tick somebody" in html(post(client, "take_out", units["west"], {}), 422)


def test_who_was_moved_meanwhile_stays_there(client, company):
    client.force_login(make_superuser())
    units, seller = company["units"], company["people"]["west"]
    User.objects.filter(pk=seller.pk).update(unit=units["shanghai"])

    page = html(client.post(
        reverse("organisation:take_out", args=[units["west"].pk]), {"people": [seller.pk], "into": ""}, follow=True
    ))  # fmt: skip

    assert User.objects.get(pk=seller.pk).unit == units["shanghai"]
    assert "1 person was placed elsewhere meanwhile and stays there." in page


def test_page_says_whether_the_head_sees_the_accounts(client, company):
    client.force_login(make_superuser())
    east, head = company["units"]["east"], company["heads"]["east"]
    address = reverse("organisation:unit", args=[east.pk])

    assert "head-east sees 2 accounts" in html(client.get(address))
    User.objects.filter(pk=head.pk).update(role="member")
    assert "does not see the accounts of this unit" in html(client.get(address))
    User.objects.filter(pk=head.pk).update(role="director")
    assert "sees every account" in html(client.get(address))
    client.force_login(company["people"]["east"])
    assert "head-east sees" not in html(client.get(address))
