"""The portfolio page: chart and table of the accounts one sees, its fields, its file."""

import math

import pytest

from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_superuser, make_user
from tests.web.people import make_cast
from tiering.models import Score

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/portfolio/"


def graded(*accounts):
    model = make_scoring_model()
    run = make_published_run(model, dict.fromkeys(accounts, "gold"))
    known = {"V1": 5, "V2": 5, "L3": 0.8, "revenue_ttm": 1_500_000}
    Score.objects.filter(run=run).update(raw=[known.get(code, math.nan) for code in model.raw_layout])
    return run


def opened(client, user, **query):
    client.force_login(user)
    response = client.get(ADDRESS, query)
    assert response.status_code == 200
    return response


def test_owner_and_teammate_see_the_account_and_a_stranger_does_not(client):
    cast = make_cast(name="Bright")
    graded(cast.account, make_account(name="Foreign"))

    seen = {name: opened(client, getattr(cast, name)) for name in ("owner", "teammate", "stranger")}

    assert {name: [row["account"].name for row in page.context["rows"]] for name, page in seen.items()} == {
        "owner": ["Bright"], "teammate": ["Bright"], "stranger": [],
    }  # fmt: skip
    assert seen["owner"].context["chart"].rows == [("Bright", "Gold", "Invest", "100.0", "100.0", "1,500,000")]
    assert "Foreign" not in seen["owner"].content.decode()
    assert seen["stranger"].context["chart"].is_empty


def test_a_field_lists_its_accounts_and_exports_them(client):
    graded(make_account(name="Bright", code="B1"))
    admin = make_superuser()

    rows = {name: opened(client, admin, quadrant=name).context["rows"] for name in ("invest", "cash", "nonsense")}
    file = b"".join(client.get(f"{ADDRESS}export/csv/", {"quadrant": "invest"}).streaming_content).decode("utf-8-sig")

    assert {name: len(found) for name, found in rows.items()} == {"invest": 1, "cash": 0, "nonsense": 1}
    assert file.splitlines()[1] == "B1,Bright,Gold,Invest,100.0,100.0,1500000.0000,CNY"
    assert client.get(f"{ADDRESS}export/pdf/").status_code == 404


def test_before_a_night_it_says_what_to_do(client):
    assert "No night yet" in opened(client, make_user()).content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow(client, count, django_assert_num_queries):
    owner = make_user()
    graded(*(make_account(owner=owner) for _ in range(count)))
    client.force_login(owner)
    client.get(ADDRESS)

    with django_assert_num_queries(10):
        client.get(ADDRESS, headers={"HX-Request": "true"})
