"""The drawer of a figure: value, passport, accounts behind it, for those who may see them."""

import csv
import io

import pytest

from accounts.models import User
from metrics.definitions import METRICS, Unit
from tests.factories import make_account, make_superuser, make_user
from tests.web.people import make_cast, reach_end_of_2024, sell

pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(db) -> User:
    """Two accounts of the seller, 1000 → 1500 and 500 → 0, and one of somebody else."""
    seller = make_user()
    grown, lost, foreign = (
        make_account(name=n, owner=o) for n, o in (("Grown", seller), ("Lost", seller), ("Foreign", None))
    )
    sell(grown, prior=1000, last=1500)
    sell(lost, prior=500, last=0)
    sell(foreign, prior=10_000, last=10_000)
    reach_end_of_2024(grown)
    return seller


def drawer(client, path):
    response = client.get(path, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
    return response.status_code, response.content.decode()


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("growth_rate", "0.0%"),
        ("net_revenue_retention", "100.0%"),
        ("gross_revenue_retention", "66.7%"),
        ("logo_retention", "50.0%"),
        ("expansion", "500"),
        ("churned", "−500"),
        ("opening", "1.50k"),
        ("ttm_revenue", "1.50k"),
        ("active_accounts", "1"),
        ("top_1_share", "100.0%"),
    ],
)
def test_drawer_shows_the_figure_of_the_accounts_in_view(client, seller, metric, value):
    client.force_login(seller)

    status, html = drawer(client, f"/figures/{metric}/")

    assert status == 200
    assert f'<div class="drawer-value">{value}' in html
    assert "31 Dec 2024" in html
    assert "Foreign" not in html
    assert "<html" not in html


def test_drawer_lists_the_accounts_behind_a_bar_and_links_them(client, seller):
    client.force_login(seller)

    _status, html = drawer(client, "/figures/churned/?base=2023&comparison=2024")

    assert "Lost" in html
    assert "Grown" not in html
    assert "1 Jan 2023 – 31 Dec 2023" in html


def test_drawer_without_htmx_is_a_page(client, seller):
    client.force_login(seller)

    html = client.get("/figures/growth_rate/").content.decode()

    assert "<html" in html
    assert "Customer revenue growth" in html


@pytest.mark.parametrize(
    "metric", sorted(key for key, entry in METRICS.items() if entry.unit is not Unit.GROUP_OF_FIGURES)
)
def test_every_figure_of_the_catalogue_has_a_drawer_or_none_at_all(client, seller, metric):
    client.force_login(seller)
    account = seller.owned_accounts.first()

    statuses = {drawer(client, f"/figures/{metric}/")[0], drawer(client, f"/figures/{metric}/?account={account.pk}")[0]}

    assert statuses <= {200, 404}


def test_undefined_figure_says_why(client):
    client.force_login(make_user())

    status, html = drawer(client, "/figures/growth_rate/")

    assert status == 200
    assert "n/a" in html
    assert "no account had revenue above 0 in the base period" in html


def test_figure_of_an_account_is_for_those_who_see_the_account(client):
    cast = make_cast()
    sell(cast.account, prior=10, last=20)
    path = f"/figures/ttm_revenue/?account={cast.account.pk}"
    found = {}
    for role in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, role))
        found[role] = drawer(client, path)[0]

    assert found == {"owner": 200, "teammate": 200, "stranger": 404}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/figures/bogus/", 404),
        ("/figures/growth/", 404),
        ("/figures/growth_rate/?base=31/02/2011", 400),
        ("/figures/growth_rate/?base=2024&comparison=2023", 400),
        ("/figures/growth_rate/?currency=gold", 400),
        ("/figures/growth_rate/?account=abc", 404),
        ("/figures/growth_rate/?account=99999999999999999999", 404),
        ("/figures/ttm_revenue/export/exe/", 404),
    ],
)
def test_bad_address_of_a_drawer_is_refused_in_words(client, path, status):
    client.force_login(make_superuser())

    found, html = drawer(client, path)

    assert found == status
    assert "Traceback" not in html


def test_export_holds_every_account_behind_the_figure_with_its_passport(client, seller):
    client.force_login(seller)

    response = client.get("/figures/growth_rate/export/csv/?base=2023&comparison=2024")
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))

    assert rows[0][1:] == ["Account", "Base", "Comparison", "Change", "Currency", "Revenue basis", "As of"]
    assert sorted(row[1:] for row in rows[1:]) == [
        ["Grown", "1000.0000", "1500.0000", "500.0000", "CNY", "Invoiced", "2024-12-31"],
        ["Lost", "500.0000", "0.0000", "-500.0000", "CNY", "Invoiced", "2024-12-31"],
    ]


def test_filter_of_the_list_narrows_the_figure(client, seller):
    client.force_login(seller)
    seller.owned_accounts.filter(name="Grown").update(segment="S")

    _status, html = drawer(client, "/figures/growth_rate/?segment=S")

    assert '<div class="drawer-value">+50.0%' in html


def test_account_beside_periods_narrows_the_figure_instead_of_being_its_subject(client, seller):
    client.force_login(seller)
    grown = seller.owned_accounts.get(name="Grown")

    narrowed, subject = (
        drawer(client, f"/figures/{path}account={grown.pk}")
        for path in ("net_revenue_retention/?base=2023&comparison=2024&", "net_revenue_retention/?")
    )

    assert '<div class="drawer-value">150.0%' in narrowed[1]
    assert (narrowed[0], subject[0]) == (200, 404)


def test_foreign_account_beside_periods_is_not_there(client, seller):
    client.force_login(make_user())

    assert (
        drawer(client, f"/figures/opening/?base=2023&comparison=2024&account={seller.owned_accounts.first().pk}")[0]
        == 404
    )
