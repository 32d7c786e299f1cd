"""Growth notes on the wire: written in one's own name, read by whoever sees the account, withdrawn but not removed."""

import pytest

from metrics.models import GrowthNote
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_team_member, make_user

ADDRESS = "/api/v1/growth-notes/"
ASKED = {"base": "2010", "comparison": "2011", "factor": "innovation", "text": "The new line sells."}


def keep(client, status=201, **more):
    response = client.post(ADDRESS, {**ASKED, **more}, format="json")
    assert response.status_code == status, response.content
    return response.json()


def ids(client, **query):
    response = client.get(ADDRESS, query)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


@pytest.mark.django_db
def test_note_to_the_letter(rest):
    owner = make_user(first_name="Ada", last_name="Lu")
    account = make_account(owner=owner)
    client = rest(owner)

    body = keep(client, account=account.pk, strategy="data_analysis")

    assert body.pop("created_at")
    assert body == {
        "id": GrowthNote.objects.get().pk,
        "account": account.pk,
        "base": {"label": "2010", "first_day": "2010-01-01", "last_day": "2010-12-31"},
        "comparison": {"label": "2011", "first_day": "2011-01-01", "last_day": "2011-12-31"},
        "factor": "innovation",
        "strategy": "data_analysis",
        "text": "The new line sells.",
        "author": owner.pk,
        "author_name": "Ada Lu",
        "withdrawn_by": None,
        "withdrawn_at": None,
    }
    assert client.get(f"{ADDRESS}{body['id']}/").json()["text"] == body["text"]


@pytest.mark.django_db
def test_owner_teammate_and_stranger(rest, admin):
    owner, teammate, stranger = make_user(), make_user(), make_user()
    account = make_account(owner=owner)
    make_team_member(account=account, user=teammate)
    own = keep(rest(owner), account=account.pk)["id"]
    whole = keep(admin)["id"]

    assert ids(rest(owner)) == ids(rest(teammate)) == [own]
    assert ids(rest(stranger)) == []
    assert set(ids(admin)) == {own, whole}
    assert_problem(rest(stranger).get(f"{ADDRESS}{own}/"), 404)
    assert_problem(rest(owner).post(f"{ADDRESS}{whole}/withdraw/", format="json"), 404)
    refused = assert_problem(rest(stranger).post(ADDRESS, {**ASKED, "account": account.pk}, format="json"), 400)
    assert pointers(refused) == ["/account"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"factor": "luck"}, "/factor"),
        ({"strategy": "hope"}, "/strategy"),
        ({"text": " "}, "/text"),
        ({"text": "x" * 1001}, "/text"),
        ({"base": "2011"}, "/base"),
        ({"comparison": "soon"}, "/comparison"),
        ({"mood": "good"}, "/mood"),
    ],
)
def test_what_cannot_be_kept_is_said_at_its_field(admin, wrong, pointer):
    assert pointers(assert_problem(admin.post(ADDRESS, {**ASKED, **wrong}, format="json"), 400)) == [pointer]
    assert not GrowthNote.objects.exists()


@pytest.mark.django_db
def test_the_whole_takes_the_right_to_see_all(rest):
    refused = assert_problem(rest(make_user()).post(ADDRESS, ASKED, format="json"), 400)

    assert pointers(refused) == ["/account"]


@pytest.mark.django_db
def test_withdrawn_notes_stay_in_the_list_and_can_be_left_out(admin):
    first, second = keep(admin)["id"], keep(admin, factor="market")["id"]

    response = admin.post(f"{ADDRESS}{first}/withdraw/", format="json")

    assert (response.status_code, response.json()["withdrawn_by"]) == (200, admin.user.pk)
    assert ids(admin, withdrawn="false") == [second]
    assert ids(admin, factor="market") == [second]
    assert set(ids(admin)) == {first, second}
