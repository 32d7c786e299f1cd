"""The sales organisation over REST."""

import pytest

from accounts.models import OrgUnit, User
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_superuser, make_unit, make_user

UNITS = "/api/v1/org-units/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def company():
    head = make_user(username="head", role="manager")
    top = make_unit(name="Direction", level="director")
    east = make_unit(name="East", level="area", parent=top, head=head)
    shanghai = make_unit(name="Shanghai", level="district", parent=east)
    west = make_unit(name="West", level="area", parent=top)
    make_account(owner=make_user(unit=shanghai))
    return {"head": head, "top": top, "east": east, "shanghai": shanghai, "west": west}


def names(response):
    assert response.status_code == 200, response.content
    return [row["name"] for row in response.json()["results"]]


def test_list_filters_and_searches_the_part_the_caller_sees(rest, company):
    admin, head = rest(make_superuser()), rest(company["head"])

    assert names(admin.get(UNITS)) == ["Direction", "East", "Shanghai", "West"]
    assert names(head.get(UNITS)) == ["East", "Shanghai"]
    assert names(admin.get(UNITS, {"below": company["east"].pk})) == ["East", "Shanghai"]
    assert names(admin.get(UNITS, {"parent": company["top"].pk, "ordering": "-name"})) == ["West", "East"]
    assert names(admin.get(UNITS, {"is_top": "true"})) == ["Direction"]
    assert names(admin.get(UNITS, {"level": "area", "head": company["head"].pk})) == ["East"]
    assert names(admin.get(UNITS, {"search": "hang"})) == ["Shanghai"]
    assert_problem(head.get(UNITS, {"below": company["west"].pk}), 400)
    assert_problem(admin.get(UNITS, {"depth": 1}), 400)


def test_tree_tells_numbers_below(rest, company):
    told = rest(make_superuser()).get(f"{UNITS}tree/").json()

    assert [(one["name"], one["depth"], one["people_below"], one["accounts_below"]) for one in told] == [
        ("Direction", 0, 1, 1), ("East", 1, 1, 1), ("Shanghai", 2, 1, 1), ("West", 1, 0, 0),
    ]  # fmt: skip
    assert [one["name"] for one in rest(company["head"]).get(f"{UNITS}tree/").json()] == ["East", "Shanghai"]
    assert_problem(rest(make_superuser()).get(f"{UNITS}tree/?depth=1"), 400)


def test_unit_is_made_changed_and_removed(admin, company):
    made = admin.post(UNITS, {"name": " Jiangsu ", "level": "province", "parent": company["east"].pk}, format="json")
    assert made.status_code == 201
    address, tag = made.headers["Location"], made.headers["ETag"]
    assert made.json()["name"] == "Jiangsu"

    assert_problem(admin.patch(address, {"name": "X"}, format="json"), 428)
    changed = admin.patch(address, {"head": company["head"].pk}, format="json", headers={"If-Match": tag})
    assert changed.status_code == 200
    assert_problem(admin.patch(address, {"name": "X"}, format="json", headers={"If-Match": tag}), 412)
    assert admin.delete(address).status_code == 204
    assert not OrgUnit.objects.filter(name="Jiangsu").exists()


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({"parent": "shanghai", "level": "district"}, ["/parent"]),
        ({"level": "team"}, ["/level"]),
        ({"level": "x"}, ["/level"]),
        ({"name": ""}, ["/name"]),
        ({"head": 2**40}, ["/head"]),
        ({"parent": 1.5}, ["/parent"]),
        ({"people": []}, ["/people"]),
        ({"name": "West"}, [""]),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(admin, company, body, where):
    given = {name: company[value].pk if value == "shanghai" else value for name, value in body.items()}
    address = f"{UNITS}{company['east'].pk}/"

    answer = admin.patch(address, given, format="json", headers={"If-Match": "*"})

    assert pointers(assert_problem(answer, 400)) == where
    assert OrgUnit.objects.get(pk=company["east"].pk).parent == company["top"]


def test_a_unit_in_use_stays(admin, company):
    told = assert_problem(admin.delete(f"{UNITS}{company['east'].pk}/"), 409)

    assert "1 unit stands below" in told["detail"]
    assert OrgUnit.objects.filter(pk=company["east"].pk).exists()


def test_people_are_listed_placed_and_moved(admin, company):
    free, west = make_user(username="free"), f"{UNITS}{company['west'].pk}/"

    assert admin.post(f"{west}place/", {"users": [free.pk]}, format="json").json() == {"moved": 1}
    assert admin.post(f"{west}place/", {"users": [free.pk]}, format="json").json() == {"moved": 0}
    assert [one["username"] for one in admin.get(f"{west}people/").json()] == ["free"]
    body = {"users": [free.pk], "into": company["east"].pk}
    assert admin.post(f"{west}take-out/", body, format="json").json() == {"moved": 1}
    assert admin.post(f"{west}take-out/", body, format="json").json() == {"moved": 0}
    assert User.objects.get(pk=free.pk).unit == company["east"]
    assert_problem(admin.post(f"{west}place/", {"users": [2**40]}, format="json"), 400)
    assert_problem(admin.post(f"{west}take-out/", {"users": [], "into": 2**40}, format="json"), 400)
