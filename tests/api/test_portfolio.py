"""The portfolio of key accounts over REST: the page's numbers, the caller's accounts."""

import pytest

from tests.web.people import make_cast
from tests.web.test_portfolio import graded

pytestmark = pytest.mark.django_db


def test_rest_answers_with_the_same_numbers(admin, rest):
    cast = make_cast()
    run = graded(cast.account)

    answer = rest(cast.owner).get("/api/v1/tiering/portfolio/").json()

    assert answer["points"] == [
        {"account": cast.account.pk, "grade": "gold", "quadrant": "invest", "attractiveness": 100.0, "strength": 100.0,
         "revenue": "1500000.0000"}
    ]  # fmt: skip
    assert (answer["run"], answer["missing"], answer["quadrants"][0]["accounts"]) == (run.pk, 0, 1)
    assert rest(cast.stranger).get("/api/v1/tiering/portfolio/").json()["accounts"] == 0
    assert admin.get("/api/v1/tiering/portfolio/", {"limit": "0"}).status_code == 400
    assert admin.get("/api/v1/tiering/portfolio/", {"quadrant": "cash"}).json()["points"] == []
