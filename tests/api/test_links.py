"""Links between accounts on the wire."""

import pytest

from accounts.links import ensure_types, link_accounts
from accounts.models import Account, AccountLink, AccountLinkType
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_superuser, make_team_member, make_user

pytestmark = pytest.mark.django_db
LIST = "/api/v1/account-links/"


@pytest.fixture
def kinds():
    ensure_types()
    return {one.key: one for one in AccountLinkType.objects.all()}


def test_link_is_made_read_and_ended(rest, kinds):
    user = make_editor("accounts.change_accountlink")
    mine, other, hidden = make_account(owner=user), make_account(owner=user), make_account()
    client = rest(user)
    body = {"type": "dealer", "source": mine.pk, "target": other.pk, "valid_from": "2024-05-01"}

    made = client.post(LIST, body, format="json")
    assert made.status_code == 201
    link = made.json()
    assert (link["type"], link["source"], link["target_name"]) == ("dealer", mine.pk, other.name)
    assert Account.objects.get(pk=other.pk).dealer == mine
    assert client.get(f"{LIST}{link['id']}/").headers["ETag"] == made.headers["ETag"]
    assert_problem(client.post(LIST, body, format="json"), 422)
    refused = client.post(LIST, {**body, "target": hidden.pk, "type": "nothing"}, format="json")
    assert pointers(assert_problem(refused, 400)) == ["/type", "/target"]
    ended = client.post(f"{LIST}{link['id']}/end/", {"on": "2024-06-01"}, format="json")
    assert ended.json()["valid_to"] == "2024-06-01"
    assert Account.objects.get(pk=other.pk).dealer is None


def test_link_to_a_hidden_account_shows_its_name_alone(rest, kinds):
    owner = make_user()
    mine, hidden = make_account(owner=owner), make_account(name="Theirs")
    link_accounts(type=kinds["supplies"], source=hidden, target=mine)
    teammate = make_team_member(account=mine).user

    for viewer in (owner, teammate):
        (row,) = rest(viewer).get(LIST).json()["results"]
        assert (row["source"], row["source_name"], row["target"]) == (None, "Theirs", mine.pk)
    assert rest(make_user()).get(LIST).json()["results"] == []
    assert rest(make_superuser()).get(LIST).json()["results"][0]["source"] == hidden.pk


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow(rest, kinds, count, django_assert_num_queries):
    client = rest(make_superuser())
    for _number in range(count):
        link_accounts(type=kinds["supplies"], source=make_account(), target=make_account())

    with django_assert_num_queries(4):  # token with its owner, count, rows, what may be opened
        assert len(client.get(LIST).json()["results"]) == count


def test_own_types_are_added(rest, kinds):
    client = rest(make_editor("accounts.change_accountlink"))
    body = {"key": "jv", "forward": "has a venture with", "backward": "has a venture with", "is_mutual": True}

    assert client.post("/api/v1/account-link-types/", body, format="json").status_code == 201
    assert_problem(client.post("/api/v1/account-link-types/", body, format="json"), 400)
    assert_problem(rest(make_user(role="analyst")).post("/api/v1/account-link-types/", body, format="json"), 403)
    assert client.get("/api/v1/account-link-types/").json()["count"] == 6
    assert AccountLink.objects.count() == 0
