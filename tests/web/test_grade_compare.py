"""Two nights of one account on a page."""

from datetime import date

import pytest
from django.urls import reverse

from tests.factories import make_superuser
from tests.tiering.worked_example import make_draft, make_night, make_score
from tests.web.people import make_cast
from tiering.services import activate_model

pytestmark = pytest.mark.django_db
LOW = {"revenue_ttm": 4_000_000, "S1": 4_000_000}


def three_nights():
    """Three nights of the worked example; the first two with less revenue."""
    cast, model = make_cast(), activate_model(model=make_draft())
    runs = [make_night(model, as_of=date(2026, month, 1)) for month in (8, 9, 10)]
    for run, raw, grade, points in zip(
        runs, (LOW, LOW, {}), ("strategic", "strategic", "gold"), (60, 61, 67.1), strict=True
    ):
        contributions = [points - 14.0, *[1.0] * 14]
        make_score(run, account=cast.account, raw=raw, grade=grade, composite=points, contributions=contributions)
    return cast, runs


@pytest.fixture
def nights():
    return three_nights()


def address(cast, runs=()):
    query = f"?from={runs[0].pk}&to={runs[1].pk}" if runs else ""
    return reverse("accounts:grade_compare", args=[cast.account.pk]) + query


def test_the_last_two_nights_are_compared_and_others_can_be_chosen(client, nights):
    cast, runs = nights
    client.force_login(cast.owner)

    last = client.get(address(cast))
    chosen = client.get(address(cast, runs[:2]))

    assert (last.context["shown"].before.run_id, last.context["shown"].after.run_id) == (runs[1].pk, runs[2].pk)
    assert last.context["shown"].difference == pytest.approx(6.1)
    html = last.content.decode()
    assert "+6.1" in html
    assert "4 M of 5 M" in html
    assert "Net revenue of the last 12 months" in html
    assert chosen.context["shown"].difference == pytest.approx(1)
    assert "No condition turned between the two nights." in chosen.content.decode()
    assert html.count("<option") == 6


def test_the_groups_sum_to_the_difference(client, nights):
    cast, _runs = nights
    client.force_login(cast.owner)

    context = client.get(address(cast)).context

    assert sum(group.difference for group in context["groups"]) == pytest.approx(context["shown"].difference)


@pytest.mark.parametrize(("person", "status"), [("owner", 200), ("teammate", 200), ("stranger", 404)])
def test_the_page_is_for_who_may_see_the_account(client, nights, person, status):
    cast, runs = nights
    client.force_login(getattr(cast, person))

    assert client.get(address(cast, runs[:2])).status_code == status


@pytest.mark.parametrize("query", ["?from=999999", "?to=x", "?from=0", "?to=-1"])
def test_a_night_that_is_not_there_is_no_page(client, nights, query):
    cast, _runs = nights
    client.force_login(cast.owner)

    assert client.get(address(cast) + query).status_code == 404


def test_one_night_and_none_say_so(client, nights):
    cast, runs = nights
    client.force_login(make_superuser())
    other = make_cast()

    assert "Not graded by a night yet" in client.get(address(other)).content.decode()
    make_score(runs[0], account=other.account)
    assert "Only one night has graded this account" in client.get(address(other)).content.decode()
    assert "choose another one" in client.get(address(cast, (runs[0], runs[0]))).content.decode()


@pytest.mark.parametrize("more", [0, 4])
def test_the_number_of_statements_does_not_grow_with_the_nights(client, nights, more, django_assert_num_queries):
    cast, runs = nights
    for month in range(1, 1 + more):
        make_score(make_night(runs[0].model, as_of=date(2026, month, 1)), account=cast.account)
    client.force_login(cast.owner)
    client.get(address(cast))

    with django_assert_num_queries(12):
        client.get(address(cast))
