"""Two nights of one account over REST."""

import pytest

from tests.api.conftest import assert_problem
from tests.web.test_grade_compare import three_nights

pytestmark = pytest.mark.django_db


def address(cast):
    return f"/api/v1/accounts/{cast.account.pk}/tiering/compare/"


def test_rest_gives_the_same_figures_and_refuses_what_it_does_not_know(rest):
    cast, runs = three_nights()
    door = rest(cast.owner)

    found = door.get(address(cast), {"from": runs[1].pk, "to": runs[2].pk}).json()

    assert (found["from"]["run"], found["to"]["run"]) == (runs[1].pk, runs[2].pk)
    assert found["difference"] == pytest.approx(sum(one["difference"] for one in found["indicators"]))
    assert [(flip["grade"], flip["reads"]) for flip in found["flips"]] == [("gold", "revenue_ttm")]
    assert door.get(address(cast)).json() == found
    assert_problem(door.get(address(cast), {"from": "x"}), 400)
    assert_problem(door.get(address(cast), {"night": "1"}), 400)
    assert_problem(door.get(address(cast), {"from": 999_999}), 404)


@pytest.mark.parametrize(("person", "status"), [("owner", 200), ("teammate", 200), ("stranger", 404)])
def test_the_answer_is_for_who_may_see_the_account(rest, person, status):
    cast, _runs = three_nights()

    assert rest(getattr(cast, person)).get(address(cast)).status_code == status
