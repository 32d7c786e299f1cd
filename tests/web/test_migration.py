"""Migration on the page: the matrix between two nights over the accounts one sees, its cells, its files."""

from datetime import date

import pytest

from accounts.models import Account
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_superuser, make_user
from tests.web.people import make_cast, make_figures

pytestmark = pytest.mark.django_db
ADDRESS = "/tiering/migration/"
FIRST, LAST = date(2023, 6, 30), date(2024, 6, 30)


@pytest.fixture
def cast():
    """The owner's account went from gold to general, a foreign one stayed; the owner's second is graded later only."""
    cast = make_cast(name="Moved away")
    foreign, entrant = make_account(name="Foreign"), make_account(name="Entrant", owner=cast.owner)
    make_figures(cast.account, ttm_revenue=1234)
    model = make_scoring_model()
    make_published_run(model, {cast.account: "gold", foreign: "gold"}, as_of=FIRST)
    make_published_run(model, {cast.account: "general", foreign: "gold", entrant: "general"}, as_of=LAST)
    return cast


def opened(client, user, **query):
    client.force_login(user)
    response = client.get(ADDRESS, query)
    assert response.status_code == 200
    return response


def test_the_matrix_is_over_the_accounts_one_sees(client, cast):
    seen = {}
    for name in ("owner", "teammate", "stranger", "all"):
        user = make_superuser() if name == "all" else getattr(cast, name)
        found = opened(client, user).context["found"]
        seen[name] = (found.up, found.down, found.same, found.entrants)

    assert seen == {
        "owner": (0, 1, 0, {"general": 1}),
        "teammate": (0, 1, 0, {}),
        "stranger": (0, 0, 0, {}),
        "all": (0, 1, 1, {"general": 1}),
    }


def test_a_cell_opens_its_accounts_with_their_revenue(client, cast):
    response = opened(client, make_superuser(), before="gold", later="general")

    assert [account.name for account in response.context["page"]] == ["Moved away"]
    html = response.content.decode()
    assert "1.23k" in html
    assert 'class="is-few"' in html
    assert f"?from={FIRST}&amp;to={LAST}&amp;before=gold&amp;later=gold#accounts" in html


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ({"moved": "down"}, ["Moved away"]),
        ({"moved": "same"}, ["Foreign"]),
        ({"moved": "up"}, []),
        ({"before": "none", "later": "general"}, ["Entrant"]),
        ({"before": "nonsense"}, None),
    ],
)
def test_directions_and_entrants_are_lists_too(client, cast, choice, names):
    page = opened(client, make_superuser(), **choice).context.get("page")

    assert (page and [account.name for account in page]) == names or (names == [] and not page.object_list)


def test_days_stand_for_the_night_at_or_before_them(client, cast):
    nights = opened(client, cast.owner, **{"from": "2024-01-01", "to": "2030-01-01"}).context["nights"]

    assert [run.as_of for run in nights] == [FIRST, LAST]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "2024-07-01", "to": "2024-07-02"}, "Both days come to the night of"),
        ({"from": "2024-07-02", "to": "2024-07-01"}, "swap them"),
        ({"from": "soon"}, "Enter a valid date"),
    ],
)
def test_days_that_cannot_be_compared_say_why(client, cast, query, words):
    assert words in opened(client, cast.owner, **query).content.decode()


def test_before_two_nights_it_says_when_to_come_back(client):
    user = make_user()
    assert "No night yet" in opened(client, user).content.decode()

    make_published_run(make_scoring_model(), {make_account(): "gold"})

    assert "One night only" in opened(client, user).content.decode()
    assert client.get(f"{ADDRESS}export/csv/").status_code == 404


def test_matrix_and_cell_are_files(client, cast):
    client.force_login(make_superuser())

    matrix = b"".join(client.get(f"{ADDRESS}export/csv/").streaming_content).decode("utf-8-sig").splitlines()
    cell = b"".join(client.get(f"{ADDRESS}export/csv/", {"moved": "down"}).streaming_content).decode("utf-8-sig")

    assert matrix == [
        "From,To,Accounts,Share of the row",
        "Gold,Gold,1,0.5",
        "Gold,General,1,0.5",
        "no grade,General,1,",
    ]
    assert cell.splitlines()[1].split(",")[1:6] == ["Moved away", "Gold", "General", "1234.0000", "CNY"]
    assert client.get(f"{ADDRESS}export/xlsx/").status_code == 200
    assert client.get(f"{ADDRESS}export/pdf/").status_code == 404


@pytest.mark.parametrize("count", [1, 3])
def test_statements_do_not_grow(client, count, django_assert_num_queries):
    owner, model = make_user(), make_scoring_model()
    mine = [make_account(owner=owner) for _ in range(count)]
    make_published_run(model, dict.fromkeys(mine, "gold"), as_of=FIRST)
    make_published_run(model, dict.fromkeys(mine, "general"), as_of=LAST)
    client.force_login(owner)

    with django_assert_num_queries(11):
        client.get(ADDRESS, {"moved": "down"}, headers={"HX-Request": "true"})

    assert Account.objects.count() == count
