"""Reported figures on the wire: kept, read beside the live answer, paged by account, never changed."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from metrics.models import ReportedFigure
from tests.api.conftest import assert_problem, pointers
from tests.factories import make_account, make_revenue, make_team_member, make_user, post_revenue
from tests.metrics.ledger import bridge_example

ADDRESS = "/api/v1/reported-figures/"
ASKED = {"question": "bridge", "base": "2010", "comparison": "2011", "title": "Year end"}


def keep(client, status=201, **more):
    response = client.post(ADDRESS, {**ASKED, **more}, format="json")
    assert response.status_code == status, response.content
    return response.json()


@pytest.fixture
def ledger(db):
    return bridge_example()


def test_report_reads_as_the_live_answer_and_has_an_address(admin, ledger):
    response = admin.post(ADDRESS, {**ASKED, "note": "for the board"}, format="json")
    body = response.json()

    assert response.headers["Location"] == f"{ADDRESS}{body['id']}/"
    assert admin.get(f"{ADDRESS}{body['id']}/").json() == body
    answer = admin.get("/api/v1/metrics/bridge/", {"base": "2010", "comparison": "2011"}).json()
    lines = ("opening", "expansion", "contraction", "churned", "reactivated", "new", "adjustment", "closing")
    assert body["figures"] == {
        name: value
        for line in lines
        for name, value in ((line, answer[line]["amount"]), (f"{line}_accounts", answer[line]["accounts"]))
    }
    assert (body["passport"], body["currency"]) == (answer["passport"], "CNY")
    assert (body["note"], body["legal_entities"], body["author_name"]) == ("for the board", 10, admin.user.display_name)
    assert (body["has_changed_since"], body["live"]["differs"], body["live"]["causes"]) == (False, False, [])


def test_live_answer_says_what_differs_and_why(admin, ledger):
    body = keep(admin)
    make_revenue(account=ledger["A"], booked_on=date(2011, 9, 1), amount=Decimal("0.5"))

    now = admin.get(f"{ADDRESS}{body['id']}/").json()

    assert {name: value for name, value in now.items() if name not in {"live", "has_changed_since"}} == {
        name: value for name, value in body.items() if name not in {"live", "has_changed_since"}
    }
    assert now["has_changed_since"] is True
    assert now["live"]["differs"] is True
    assert now["live"]["different"] == ["expansion", "closing"]
    assert now["live"]["figures"]["expansion"] == "300.5000"
    assert now["live"]["differences"]["expansion"] == "0.5000"
    assert now["live"]["differences"]["opening_accounts"] == 0
    assert now["live"]["causes"] == [
        {
            "code": "documents",
            "sentence": "Documents booked or withdrawn since in the periods: the revenue of 1 account changed.",
            "accounts": 1,
            "base_difference": "0.0000",
            "comparison_difference": "0.5000",
        }
    ]


def test_rates_are_numbers_and_what_is_undefined_is_null(admin, db):
    make_revenue(account=make_account(), booked_on=date(2011, 3, 1))

    body = keep(admin, question="growth")

    assert body["figures"]["growth_rate"] is None
    assert body["reasons"]["growth_rate"] == "no account had revenue above 0 in the base period"
    assert (body["figures"]["cohort_accounts"], body["figures"]["total_comparison_revenue"]) == (0, "100.0000")


def test_filters_are_kept_in_parameters_and_in_words(admin, ledger):
    Account.objects.filter(pk=ledger["A"].pk).update(segment="S", owner=admin.user)

    body = keep(admin, segment="S", owner=admin.user.pk, level="group", account=[ledger["A"].pk])

    assert body["filters"] == {"segment": ["S"], "owner": [str(admin.user.pk)], "account": [str(ledger["A"].pk)]}
    assert body["filter_words"] == [["Owner", admin.user.display_name], ["Segment", "S"], ["Account", "A"]]
    assert (body["passport"]["level"], body["legal_entities"]) == ("group", 1)
    assert body["live"]["differs"] is False


def test_cohort_is_paged_with_codes_and_groups_of_then(admin, ledger):
    Account.objects.filter(pk=ledger["B"].pk).update(parent=ledger["A"])
    body = keep(admin)
    Account.objects.filter(pk=ledger["B"].pk).update(name="Renamed", parent=None)

    page = admin.get(f"{ADDRESS}{body['id']}/accounts/", {"page_size": 2}).json()

    assert (page["count"], len(page["results"])) == (10, 2)
    assert page["results"][1] == {
        "account": ledger["B"].pk, "code": "X-B", "name": "B", "group": ledger["A"].pk,
        "base_amount": "800.0000", "comparison_amount": "600.0000",
    }  # fmt: skip
    by_code = admin.get(f"{ADDRESS}{body['id']}/accounts/", {"ordering": "-code", "page_size": 1}).json()
    assert by_code["results"][0]["code"] == "X-J"
    walked = admin.get(f"{ADDRESS}{body['id']}/accounts/", {"cursor": ""}).json()
    assert "count" not in walked
    assert_problem(admin.get(f"{ADDRESS}{body['id']}/accounts/", {"name": "B"}), 400)


def test_nothing_changes_or_removes_a_report(admin, ledger):
    address = f"{ADDRESS}{keep(admin)['id']}/"

    for method in ("put", "patch", "delete"):
        response = getattr(admin, method)(address, {"title": "Better"}, format="json", headers={"If-Match": "*"})
        assert_problem(response, 405)


def test_withdrawn_reports_leave_the_list_and_keep_their_address(admin, rest, ledger):
    body = keep(admin)
    address = f"{ADDRESS}{body['id']}/"

    assert pointers(assert_problem(admin.post(f"{address}withdraw/", {}, format="json"), 400)) == ["/reason"]
    answer = admin.post(f"{address}withdraw/", {"reason": "wrong year"}, format="json").json()

    assert (answer["withdrawn_reason"], answer["withdrawn_by_name"]) == ("wrong year", admin.user.display_name)
    assert admin.get(ADDRESS).json()["count"] == 0
    assert admin.get(ADDRESS, {"withdrawn": "true"}).json()["count"] == 1
    assert admin.get(address).status_code == 200
    assert_problem(admin.post(f"{address}withdraw/", {"reason": "again"}, format="json"), 422)


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"question": "lifetime"}, "/question"),
        ({"base": "2011"}, "/base"),
        ({"comparison": "soon"}, "/comparison"),
        ({"title": ""}, "/title"),
        ({"title": "x" * 121}, "/title"),
        ({"level": "country"}, "/level"),
        ({"account": [2**40]}, "/account"),
        ({"group": 2**40}, "/group"),
        ({"figures": {}}, "/figures"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_reported_is_refused_by_name(admin, ledger, change, pointer):
    response = admin.post(ADDRESS, {**ASKED, **change}, format="json")

    assert pointers(assert_problem(response, 400)) == [pointer]
    assert not ReportedFigure.objects.exists()


def test_an_empty_cohort_is_refused(admin, ledger):
    assert_problem(admin.post(ADDRESS, {**ASKED, "segment": "nobody"}, format="json"), 422)


def test_who_sees_every_account_sees_the_report_and_others_find_nothing(rest, ledger):
    owner, teammate, stranger = make_user(), make_user(), make_user()
    Account.objects.update(owner=owner)
    for account in ledger.values():
        make_team_member(account=account, user=teammate)
    body = keep(rest(owner))
    address = f"{ADDRESS}{body['id']}/"

    assert rest(teammate).get(address).json()["live"]["differs"] is False
    assert rest(teammate).get(ADDRESS).json()["count"] == 1
    assert_problem(rest(teammate).post(f"{address}withdraw/", {"reason": "mine"}, format="json"), 403)
    for path in (address, f"{address}accounts/"):
        assert_problem(rest(stranger).get(path), 404)
    assert_problem(rest(stranger).post(f"{address}withdraw/", {"reason": "mine"}, format="json"), 404)
    assert rest(stranger).get(ADDRESS).json()["count"] == 0


def test_the_same_key_keeps_one_report(admin, ledger):
    for _ in range(2):
        response = admin.post(ADDRESS, ASKED, format="json", headers={"Idempotency-Key": "k"})
        assert response.status_code == 201

    assert ReportedFigure.objects.count() == 1


def test_queries_of_list_and_detail_do_not_grow(admin, ledger):
    def counted():
        with CaptureQueriesContext(connection) as listing:
            listed = admin.get(ADDRESS).json()
        with CaptureQueriesContext(connection) as reading:
            admin.get(f"{ADDRESS}{listed['results'][0]['id']}/")
        return len(listing), len(reading)

    keep(admin)
    counted()
    first = counted()
    post_revenue([{"account": make_account(), "booked_on": date(2010, 5, 1)} for _ in range(20)])
    for _ in range(3):
        keep(admin)

    assert counted() == first
