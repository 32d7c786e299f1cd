"""Account plans and steps over REST: the rules of their pages, tags, and who may what."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from plans.models import AccountPlan, PlanAction, RemediationAction, RemediationPlan
from plans.services_work import add_step, close_remediation, make_account_plan
from tests.api.conftest import assert_problem, make_editor
from tests.factories import make_account, make_team_member, make_user

PLANS, STEPS = "/api/v1/plans/account-plans/", "/api/v1/plans/account-plan-steps/"
REMEDY_STEPS = "/api/v1/plans/remediation-steps/"
pytestmark = pytest.mark.django_db


def body(account, **fields):
    return {
        "account": account.pk, "goal": "Double it", "priority_rank": 1, "planned_hours": "120.0",
        "valid_from": "2025-01-01", "valid_to": "2026-01-01", **fields,
    }  # fmt: skip


def made(account, by, **fields):
    values = {"valid_from": date(2025, 1, 1), "valid_to": date(2026, 1, 1), "goal": "Grow", "priority_rank": 1}
    return make_account_plan(account=account, made_by=by, planned_hours=10, **(values | fields))


def test_plan_is_made_changed_with_its_tag_and_approved_by_another(rest):
    owner, boss = make_user(), make_editor("plans.approve_accountplan", "accounts.view_all_accounts")
    account = make_account(owner=owner)
    client, other = rest(owner), rest(boss)

    new = client.post(PLANS, body(account), format="json")
    address, tag = new.headers["Location"], new.headers["ETag"]
    without = client.patch(address, {"goal": "Triple it"}, format="json")
    changed = client.patch(address, {"goal": "Triple it"}, format="json", headers={"If-Match": tag})
    stale = client.patch(address, {"goal": "Keep it"}, format="json", headers={"If-Match": tag})
    not_allowed = client.post(f"{address}approve/")
    approved = other.post(f"{address}approve/")
    late = client.patch(address, {"goal": "Keep it"}, format="json", headers={"If-Match": "*"})

    assert (new.status_code, new.json()["made_by"], new.json()["approved_on"]) == (201, owner.username, None)
    assert_problem(without, 428)
    assert (changed.status_code, changed.json()["goal"]) == (200, "Triple it")
    assert_problem(stale, 412)
    assert_problem(not_allowed, 403)
    assert (approved.status_code, approved.json()["approved_by"]) == (200, boss.username)
    assert_problem(late, 409)
    assert AccountPlan.objects.get().goal == "Triple it"


def test_nobody_approves_what_they_changed(rest):
    maker = make_user()
    boss = make_editor("plans.approve_accountplan", "accounts.view_all_accounts")
    plan = made(make_account(owner=maker), maker)
    client, address = rest(boss), f"{PLANS}{plan.pk}/"

    changed = client.patch(address, {"planned_hours": "999"}, format="json", headers={"If-Match": "*"})
    own = client.post(f"{address}approve/")

    assert changed.json()["made_by"] == boss.username
    assert own.status_code in {403, 409}
    plan.refresh_from_db()
    assert not plan.is_approved


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        ({"valid_to": "2027-01-01"}, 409, None),
        ({"valid_to": "2025-01-01"}, 400, None),
        ({"priority_rank": 0}, 400, "priority_rank"),
        ({"planned_hours": "-1"}, 400, "planned_hours"),
        ({"goal": ""}, 400, "goal"),
        ({"approved_by": 1, "note": "x"}, 400, "note"),
    ],
)
def test_plan_that_breaks_a_rule_is_refused_and_nothing_written(rest, fields, status, named):
    owner = make_user()
    account = make_account(owner=owner)

    refused = assert_problem(rest(owner).post(PLANS, body(account, **fields), format="json"), status)

    assert named is None or named in str(refused["errors"])
    assert not AccountPlan.objects.exists()


def test_second_plan_from_the_same_day_and_another_account_are_refused(rest):
    owner = make_user()
    account, other = make_account(owner=owner), make_account(owner=owner)
    plan = made(account, owner)
    client = rest(owner)

    assert_problem(client.post(PLANS, body(account), format="json"), 400)
    moved = client.patch(f"{PLANS}{plan.pk}/", {"account": other.pk}, format="json", headers={"If-Match": "*"})
    assert_problem(moved, 400)


def test_steps_are_added_ticked_and_reopened(rest):
    owner, mate = make_user(), make_user()
    account = make_account(owner=owner)
    make_team_member(account=account, user=mate)
    plan = made(account, owner)
    client = rest(mate)
    today = timezone.localdate()

    new = client.post(STEPS, {"plan": plan.pk, "text": "Call", "due_on": "2025-02-01"}, format="json")
    address = new.headers["Location"]
    done = client.patch(address, {"done_on": str(today)}, format="json", headers={"If-Match": new.headers["ETag"]})
    again = client.patch(address, {"done_on": None}, format="json", headers={"If-Match": done.headers["ETag"]})
    ahead = client.patch(address, {"done_on": str(today + timedelta(days=1))}, format="json", headers={"If-Match": "*"})
    without = client.patch(address, {"text": "Visit"}, format="json")
    hidden = rest(make_user()).get(address)

    assert (new.status_code, new.json()["owner"], new.json()["account"]) == (201, mate.pk, account.pk)
    assert (done.json()["done_on"], again.json()["done_on"]) == (str(today), None)
    assert_problem(ahead, 400)
    assert_problem(without, 428)
    assert_problem(hidden, 404)
    assert client.get(f"{PLANS}{plan.pk}/").json()["actions"][0]["text"] == "Call"


def test_steps_of_a_closed_remediation_plan_stay_as_they_are(rest):
    owner = make_user()
    account = make_account(owner=owner)
    plan = RemediationPlan.objects.create(account=account, opened_on=date(2025, 1, 1), due_on=date(2025, 6, 1))
    step = add_step(plan=plan, text="Call", owner=owner, due_on=date(2025, 2, 1))
    close_remediation(plan=plan, outcome="solved", text="Paid", by=owner, on=date(2025, 3, 1))
    client = rest(owner)

    added = client.post(REMEDY_STEPS, {"plan": plan.pk, "text": "Visit", "due_on": "2025-02-01"}, format="json")
    ticked = client.patch(
        f"{REMEDY_STEPS}{step.pk}/", {"done_on": "2025-02-01"}, format="json", headers={"If-Match": "*"}
    )

    assert_problem(added, 409)
    assert_problem(ticked, 409)
    assert list(RemediationAction.objects.values_list("text", "done_on")) == [("Call", None)]


def test_step_stays_with_its_plan_and_a_hidden_plan_is_unknown(rest):
    owner = make_user()
    plan, other = made(make_account(owner=owner), owner), made(make_account(owner=owner), owner)
    step = add_step(plan=plan, text="Call", owner=owner, due_on=date(2025, 2, 1))
    client = rest(owner)

    moved = client.patch(f"{STEPS}{step.pk}/", {"plan": other.pk}, format="json", headers={"If-Match": "*"})
    hidden = rest(make_user()).post(STEPS, {"plan": plan.pk, "text": "x", "due_on": "2025-02-01"}, format="json")
    filtered = client.get(STEPS, {"account": plan.account_id}).json()

    assert_problem(moved, 400)
    assert_problem(hidden, 400)
    assert [one["id"] for one in filtered["results"]] == [step.pk]
    assert PlanAction.objects.count() == 1


@pytest.mark.parametrize("address", [PLANS, STEPS, REMEDY_STEPS])
def test_lists_ask_as_much_for_three_as_for_one(rest, address):
    owner = make_user()
    client = rest(owner)

    def fill():
        account = make_account(owner=owner)
        plan = made(account, owner)
        remedy = RemediationPlan.objects.create(account=account, opened_on=date(2025, 1, 1), due_on=date(2025, 6, 1))
        for one in (plan, remedy):
            add_step(plan=one, text="Call", owner=owner, due_on=date(2025, 2, 1))

    def asked():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    fill()
    one = asked()
    fill(), fill()
    assert asked() == one
