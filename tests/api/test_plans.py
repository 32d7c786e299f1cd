from datetime import date, datetime

import pytest
from django.utils import timezone

from plans.models import PolicyVersion, RemediationPlan
from plans.services_measure import measure_all
from tests.api.conftest import assert_problem, make_editor
from tests.factories import make_revenue, make_user
from tests.plans.people import AS_OF, asked, graded, held, policy

POLICIES, REMEDIES = "/api/v1/plans/policies/", "/api/v1/plans/remediations/"


@pytest.fixture(autouse=True)
def _clock(db, monkeypatch):
    policy()
    real = timezone.localtime
    moment = timezone.make_aware(datetime(2025, 1, 1, 12))
    monkeypatch.setattr(
        "plans.services_measure.timezone.localtime", lambda value=None, zone=None: real(value or moment, zone)
    )


def gold(**fields):
    account = graded("gold", **fields)
    make_revenue(account=account, booked_on=AS_OF)
    held(account, date(2024, 11, 5), date(2024, 12, 5))
    asked(account, "2024-11-18T09:00", answered="2024-11-18T15:00", solved="2024-11-18T17:00")
    return account


def test_promises_of_an_account_with_evidence_and_gap(rest):
    owner = make_user()
    account = gold(owner=owner)

    body = rest(owner).get(f"/api/v1/accounts/{account.pk}/promises/").json()

    assert (body["as_of"], body["policy_grade"], body["policy"]) == ("2024-12-31", "gold", 1)
    lines = {line["promise"]["type"]: line for line in body["promises"]}
    visits, answers = lines["visits"], lines["first_response"]
    assert (visits["promised"], visits["delivered"], visits["missing"], visits["state"]) == (3.0, 2.0, 1, "broken")
    assert (visits["promise"]["text"], visits["owner"]) == ("3 a quarter", owner.username)
    assert [one["day"] for one in visits["evidence"]] == ["2024-12-05", "2024-11-05"]
    assert (answers["compliance"], answers["median_hours"]) == (0.0, 6.0)
    assert_problem(rest(make_user()).get(f"/api/v1/accounts/{account.pk}/promises/"), 404)


def test_compliance_of_the_portfolio_is_pooled_over_what_the_caller_sees(rest):
    owner = make_user()
    gold(owner=owner)
    gold()
    measure_all()

    mine = rest(owner).get("/api/v1/plans/compliance/").json()
    summary = rest(owner).get("/api/v1/plans/compliance/grades/").json()

    assert mine["count"] == 1
    assert summary["as_of"] == "2024-12-31"
    assert [(one["grade"], one["accounts"]) for one in summary["grades"]] == [("gold", 1)]
    assert summary["compliance"] == pytest.approx(mine["results"][0]["compliance"])
    assert rest(make_user()).get("/api/v1/plans/compliance/grades/").json()["compliance"] is None


def test_a_policy_is_drafted_changed_and_put_into_force_by_another(rest):
    maker = rest(make_editor("plans.add_policyversion", "plans.activate_policy"))
    other = rest(make_editor("plans.activate_policy"))
    draft = maker.post(POLICIES, {"note": "Fewer visits"}, format="json").json()
    address = f"{POLICIES}{draft['id']}/"
    row = {"type": "visits", "target": "2", "period": "quarter", "currency": "CNY"}
    words = {"purpose_en": "Grow", "strategy_en": "Visit"}

    changed = maker.post(f"{address}grade/", {"grade": "gold", "promises": [row], **words}, format="json")
    no_number = maker.post(
        f"{address}grade/", {"grade": "gold", "promises": [row | {"target": None}], **words}, format="json"
    )
    start = {"valid_from": timezone.localdate().isoformat()}
    own = maker.post(f"{address}activate/", start, format="json")
    done = other.post(f"{address}activate/", start, format="json")

    assert changed.status_code == 200
    assert_problem(no_number, 400)
    assert_problem(own, 409)
    assert done.json()["state"] == "active"
    found = maker.get("/api/v1/plans/promises/", {"version": draft["id"], "grade": "gold"}).json()["results"]
    assert [(one["type"], one["text"]) for one in found] == [("visits", "2 a quarter")]
    assert_problem(maker.delete(address), 409)
    assert PolicyVersion.objects.get(number=1).valid_to == timezone.localdate()


def test_a_remediation_plan_is_changed_with_its_tag_and_closed_once(rest):
    owner = make_user()
    account = graded("problem", owner=owner)
    plan = RemediationPlan.objects.create(account=account, opened_on=AS_OF, due_on=AS_OF)
    client, address = rest(owner), f"{REMEDIES}{plan.pk}/"
    tag = client.get(address).headers["ETag"]

    without = client.patch(address, {"exit_test": "Paid up"}, format="json")
    with_tag = client.patch(address, {"exit_test": "Paid up"}, format="json", headers={"If-Match": tag})
    early = client.patch(address, {"due_on": "2024-01-01"}, format="json", headers={"If-Match": "*"})
    closed = client.post(f"{address}close/", {"outcome": "solved", "text": "Paid"}, format="json")
    again = client.post(f"{address}close/", {"outcome": "solved", "text": "Paid"}, format="json")

    assert_problem(without, 428)
    assert (with_tag.status_code, with_tag.json()["exit_test"]) == (200, "Paid up")
    assert_problem(early, 409)
    assert (closed.json()["outcome"], closed.json()["closed_by"]) == ("solved", owner.username)
    assert_problem(again, 409)
