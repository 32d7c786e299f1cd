"""Business hours and days off over REST: tags, rights, rules of one row, lists of days."""

import pytest

from plans.models import BusinessDay, BusinessHours
from tests.api.conftest import assert_problem, make_editor
from tests.factories import make_user

HOURS, DAYS = "/api/v1/plans/business-hours/", "/api/v1/plans/business-days/"
RIGHTS = [f"plans.{verb}_{name}" for verb in ("add", "change", "delete") for name in ("businesshours", "businessday")]
pytestmark = pytest.mark.django_db


@pytest.fixture
def keeper(rest):
    return rest(make_editor(*RIGHTS))


def test_hours_are_added_changed_with_their_tag_and_removed(keeper, rest):
    made = keeper.post(HOURS, {"valid_from": "2025-01-01", "opens_at": "08:00"}, format="json")
    address, tag = made.headers["Location"], made.headers["ETag"]
    without = keeper.patch(address, {"opens_at": "10:00"}, format="json")
    changed = keeper.patch(address, {"working_days": [1, 6]}, format="json", headers={"If-Match": tag})
    stale = keeper.patch(address, {"opens_at": "10:00"}, format="json", headers={"If-Match": tag})
    read = rest(make_user()).get(address)

    assert (made.status_code, made.json()["closes_at"], made.json()["working_days"]) == (
        201,
        "18:00:00",
        [1, 2, 3, 4, 5],
    )
    assert_problem(without, 428)
    assert changed.json()["working_days"] == [1, 6]
    assert_problem(stale, 412)
    assert read.json()["opens_at"] == "08:00:00"
    assert keeper.delete(address).status_code == 204
    assert not BusinessHours.objects.exists()


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"closes_at": "08:00"}, "Work must end after it begins"),
        ({"working_days": []}, "working_days"),
        ({"working_days": [1, 1]}, "working_days"),
        ({"working_days": [0]}, "working_days"),
        ({"time_zone": "Mars/North"}, "time_zone"),
    ],
)
def test_hours_that_cannot_be_are_refused(keeper, fields, named):
    refused = assert_problem(keeper.post(HOURS, {"valid_from": "2025-01-01", **fields}, format="json"), 400)

    assert named in str(refused["errors"])
    assert not BusinessHours.objects.exists()


def test_days_come_one_by_one_or_as_a_list(keeper, rest):
    one = keeper.post(DAYS, {"day": "2025-10-01", "name": "National Day"}, format="json")
    twice = keeper.post(DAYS, {"day": "2025-10-01"}, format="json")
    taken = keeper.post(f"{DAYS}import/", {"days": "2025-10-01..2025-10-03 off\n2025-10-11 work"}, format="json")
    wrong = keeper.post(f"{DAYS}import/", {"days": "2025-10-04 off\n2025-13-01 off"}, format="json")
    stranger = rest(make_user()).post(f"{DAYS}import/", {"days": "2025-10-04 off"}, format="json")
    worked = rest(make_user()).get(DAYS, {"is_working": "true"}).json()

    assert (one.status_code, one.json()["is_working"]) == (201, False)
    assert_problem(twice, 400)
    assert taken.json() == {"new": 3, "changed": 1, "there": 0}
    assert "Line 2" in assert_problem(wrong, 422)["detail"]
    assert_problem(stranger, 403)
    assert [row["day"] for row in worked["results"]] == ["2025-10-11"]
    assert BusinessDay.objects.count() == 4
