"""Load, gaps, rules and tasks of teams over REST."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.enums import TeamRole
from plans.models import Task, TeamRule
from plans.services_tasks import settle_all
from tests.api.conftest import assert_problem, make_editor
from tests.factories import make_account, make_team_member, make_user

pytestmark = pytest.mark.django_db
LOAD, GAPS, TASKS, RULES = (f"/api/v1/{name}/" for name in ("teams/load", "teams/gaps", "tasks", "teams/rules"))
AR = TeamRole.ACCOUNT_MANAGER


def test_load_and_gaps_count_what_the_caller_sees(admin, rest):
    owner, manager = make_user(), make_user(capacity=2)
    seen = make_account(owner=owner, grade="gold")
    make_team_member(account=seen, user=manager)
    make_team_member(account=make_account(grade="diamond"), user=manager)

    mine, everything = rest(owner).get(LOAD).json(), admin.get(LOAD).json()
    gaps = rest(owner).get(GAPS, {"gap": "missing"}).json()

    assert (mine["accounts"], mine["count"], mine["incomplete"]) == (1, 1, 1)
    assert mine["share"] == pytest.approx(1 / 3)
    assert [(one["user"], one["load"], one["is_over"], one["seats"][AR]) for one in mine["results"]] == [
        (manager.pk, 3, True, 1)
    ]
    assert everything["results"][0]["load"] == 8
    assert gaps["results"] == [
        {"account": seen.pk, "grade": "gold", "gap": "missing", "role": role, "user": None}
        for role in ("solution_manager", "delivery_manager")
    ]
    assert rest(owner).get(GAPS, {"role": AR, "gap": "no_deputy", "page_size": 1}).json()["count"] == 1
    assert rest(owner).get(LOAD, {"grade": "diamond"}).json()["accounts"] == 0
    assert_problem(admin.get(GAPS, {"gap": "hole"}), 400)
    assert_problem(admin.get(GAPS, {"bogus": 1}), 400)
    assert_problem(rest().get(LOAD), 401)


def test_rules_are_changed_with_the_tag_that_was_seen(admin, rest):
    rule = TeamRule.objects.get(grade="general")
    url = f"{RULES}{rule.pk}/"
    tag = admin.get(url).headers["ETag"]

    assert_problem(rest(make_user()).patch(url, {"points": 2}, format="json", headers={"If-Match": tag}), 403)
    assert_problem(admin.patch(url, {"points": 2}, format="json"), 428)
    assert_problem(admin.patch(url, {"points": 100}, format="json", headers={"If-Match": tag}), 400)
    assert_problem(admin.patch(url, {"roles": ["boss"]}, format="json", headers={"If-Match": tag}), 400)
    done = admin.patch(url, {"points": 2, "roles": []}, format="json", headers={"If-Match": tag})
    assert (done.status_code, done.json()["points"], done.json()["roles"]) == (200, 2, [])
    assert_problem(admin.patch(url, {"points": 3}, format="json", headers={"If-Match": tag}), 412)


def test_tasks_over_rest(admin, rest):
    owner, stranger, today = make_user(), make_user(), timezone.localdate()
    account = make_account(owner=owner, grade="general")
    client = rest(owner)
    settle_all(today=today)
    gap = Task.objects.get()
    body = {"text": "Call them", "account": account.pk, "due_on": str(today)}

    made = client.post(TASKS, body, format="json")
    assert (made.status_code, made.json()["owner"], made.json()["origin"]) == (201, owner.pk, "manual")
    assert_problem(rest(stranger).post(TASKS, body, format="json"), 400)
    assert_problem(client.post(TASKS, body | {"owner": stranger.pk}, format="json"), 409)
    listed = client.get(TASKS, {"done_on__isnull": "true"}).json()
    assert {row["text"] for row in listed["results"]} == {"Call them", "Fill the seat: Account manager"}
    assert rest(stranger).get(TASKS).json()["count"] == 0
    assert rest(stranger).get(f"{TASKS}{gap.pk}/").status_code == 404

    url = f"{TASKS}{made.json()['id']}/"
    later = {"due_on": str(today + timedelta(days=3))}
    assert_problem(client.patch(url, later, format="json"), 428)
    changed = client.patch(url, later, format="json", headers={"If-Match": made.headers["ETag"]})
    assert changed.json()["due_on"] == later["due_on"]
    assert client.post(f"{url}end/", {"outcome": "dropped"}, format="json").json()["outcome"] == "dropped"
    assert_problem(client.post(f"{url}end/", format="json"), 409)
    assert_problem(client.post(f"{TASKS}{gap.pk}/end/", format="json"), 409)
    assert_problem(rest(make_user(role="analyst")).post(TASKS, {"text": "x", "due_on": str(today)}, format="json"), 403)


def test_filling_the_seat_over_rest_closes_the_task(admin):
    account = make_account(grade="general")
    settle_all(today=timezone.localdate())
    body = {"account": account.pk, "user": make_user().pk, "role": AR, "valid_from": "2024-01-01"}

    assert admin.post("/api/v1/team-members/", body, format="json").status_code == 201

    assert Task.objects.get(gap="missing").outcome == "settled"


def test_a_right_given_by_name_is_enough(rest):
    assert rest(make_editor("plans.change_teamrule")).get(RULES).json()["count"] == 6
