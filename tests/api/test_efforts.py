"""Efforts over REST: kept by month, many at once, changed under If-Match; and the questions that weigh them."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account, MarketEffort
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import make_account, make_effort, make_user, make_wallet_estimate, post_revenue

EFFORTS = "/api/v1/efforts/"
RIGHTS = [f"accounts.{verb}_marketeffort" for verb in ("add", "change", "delete")]
SHARED = {"currency", "passport", "reasons", "count", "next", "previous", "results"}


def effort(**fields):
    return {"month": "2024-03-01", "purpose": "acquisition", "category": "Fair", "amount": "1000.5", "currency": "CNY",
            "source": "books", **fields}  # fmt: skip


def test_an_effort_is_kept_read_changed_and_removed(admin):
    created = admin.post(EFFORTS, effort(hours="7.5"), format="json")
    row = created.json()
    address = created.headers["Location"]

    assert created.status_code == 201
    assert (row["amount"], row["hours"], row["account"], row["note"]) == ("1000.5000", "7.50", None, "")
    assert_problem(admin.patch(address, {"note": "x"}, format="json"), 428)
    assert_problem(admin.patch(address, {"note": "x"}, format="json", headers={"If-Match": '"old"'}), 412)
    changed = admin.patch(
        address, {"amount": None, "currency": ""}, format="json", headers={"If-Match": created["ETag"]}
    )
    assert (changed.status_code, changed.json()["amount"], changed.json()["hours"]) == (200, None, "7.50")
    assert admin.delete(address, headers={"If-Match": changed["ETag"]}).status_code == 204
    assert not MarketEffort.objects.exists()


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"month": "2024-03-02"}, "month"),
        ({"amount": "-1"}, "amount"),
        ({"amount": None, "hours": "1"}, "currency"),
        ({"amount": None, "currency": ""}, "amount"),
        ({"currency": ""}, "currency"),
        ({"currency": "yuan"}, "currency"),
        ({"hours": "-1"}, "hours"),
        ({"purpose": "fun"}, "purpose"),
        ({"category": ""}, "category"),
        ({"source": ""}, "source"),
        ({"account": 999_999}, "account"),
        ({"colour": "red"}, "colour"),
    ],
)
@pytest.mark.parametrize("many", [False, True])
def test_what_breaks_a_rule_is_named_and_nothing_is_kept(admin, wrong, field, many):
    body = [effort(), effort(**wrong)] if many else effort(**wrong)

    problem = assert_problem(admin.post(EFFORTS, body, format="json"), 400)

    assert {pointer.rpartition("/")[2] for pointer in pointers(problem)} == {field}
    assert not MarketEffort.objects.exists()


def test_many_efforts_take_as_many_statements_as_few(admin):
    accounts = [make_account() for _ in range(30)]

    def statements(count):
        rows = [effort(account=account.pk) for account in accounts[:count]]
        with CaptureQueriesContext(connection) as captured:
            response = admin.post(EFFORTS, rows, format="json")
        assert (response.status_code, response.json()["posted"]) == (201, count)
        return len(captured)

    assert statements(2) == statements(30)
    assert MarketEffort.objects.count() == 32
    assert_problem(admin.post(EFFORTS, [effort()] * 1001, format="json"), 413)
    assert_problem(admin.post(EFFORTS, [], format="json"), 400)


def test_only_who_sees_every_account_writes_and_reads_efforts_for_none(rest):
    editor = make_editor(*RIGHTS)
    mine, foreign = make_account(owner=editor), make_account()
    make_effort()
    kept = make_effort(account=mine)
    make_effort(account=foreign)
    client = rest(editor)

    assert [row["id"] for row in client.get(EFFORTS).json()["results"]] == [kept.pk]
    assert_problem(client.post(EFFORTS, effort(), format="json"), 400)
    assert_problem(client.post(EFFORTS, [effort()], format="json"), 400)
    for account in (foreign.pk, 999_999):
        assert_problem(client.post(EFFORTS, [effort(account=account)], format="json"), 400)
    assert client.post(EFFORTS, effort(account=mine.pk), format="json").status_code == 201
    assert_problem(
        client.patch(f"{EFFORTS}{kept.pk}/", {"account": None}, format="json", headers={"If-Match": "*"}), 400
    )


def test_a_repeated_request_keeps_its_rows_once(admin):
    key = {"Idempotency-Key": "k1"}

    first, again = (admin.post(EFFORTS, [effort()], format="json", headers=key) for _ in range(2))

    assert first.json() == again.json()
    assert MarketEffort.objects.count() == 1


@pytest.fixture
def company(db):
    """One old and one new customer, each of an owner of its own, what was spent on both, and estimates."""
    owners = [make_user(), make_user()]
    old, new = (make_account(name=name, owner=owner) for name, owner in zip(("Old", "New"), owners, strict=True))
    rows = [(old, date(2022, 1, 5), 10, 1), (old, date(2024, 2, 1), 1000, 600), (new, date(2024, 7, 1), 600, 300),
            (old, date(2024, 12, 31), 0, 0)]  # fmt: skip
    post_revenue([
        {"account": a, "booked_on": d, "amount": Decimal(m), "cost": Decimal(c), "currency": "CNY"} for a, d, m, c in rows
    ])  # fmt: skip
    make_effort(amount=Decimal(100), hours=Decimal(2))
    make_effort(amount=Decimal(40), hours=Decimal(8), purpose="retention", account=old)
    make_wallet_estimate(account=old, amount=Decimal(4000), estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1))
    return {"owners": owners, "old": old, "new": new}


def ask(client, question, **query):
    response = client.get(f"/api/v1/metrics/{question}/", query)
    assert response.status_code == 200, response.content
    return response.json()


def test_acquisition_answers_to_the_letter(admin, company):
    answer = ask(admin, "acquisition")

    told = {name: value for name, value in answer.items() if name not in SHARED | {"trend"}}
    assert told == {
        "lag_months": 0, "acquisition_money": "100.0000", "acquisition_hours": "2.0000", "new_accounts": 1,
        "cac": "100.0000", "monthly_margin": "50.0000", "payback_months": 2.0, "is_never_paid_back": False,
        "retention_money": "40.0000", "retention_hours": "8.0000", "kept_accounts": 1, "keeping_cost": "40.0000",
        "acquisition_cost_ratio": 2.5, "claimed_ratio": 3.0, "acquisition_months": 1, "hours_only": 0,
    }  # fmt: skip
    assert [(row["name"], row["months"], row["gross_profit"]) for row in answer["results"]] == [
        ("New", 6.0, "300.0000")
    ]
    assert answer["passport"]["comparison"]["first_day"] == "2024-01-01"
    assert [point["value"] for point in answer["trend"]][-4:] == [None] * 4
    assert ask(admin, "acquisition", lag_months=12)["cac"] is None


def test_split_margins_and_wallet_answer(admin, company):
    split, margin, wallet = ask(admin, "split"), ask(admin, "margins", period="2024"), ask(admin, "wallet")

    assert split["lines"]["effort_money"]["new_share"] == pytest.approx(100 / 140)
    assert (split["gap"]["effort"], split["gap"]["result"]) == ("effort_money", "revenue")
    assert (margin["gross_profit"], margin["contribution"], margin["served_accounts"]) == ("700.0000", "360.0000", 1)
    assert [(row["name"], row["advice"]) for row in margin["results"]] == [("Old", "keep"), ("New", "personal_service")]
    assert (wallet["portfolio_share"], wallet["headroom"], wallet["none_accounts"]) == (0.25, "3000.0000", 1)
    assert [(row["name"], row["state"]) for row in wallet["results"]] == [("Old", "valid"), ("New", "none")]


@pytest.mark.parametrize("question", ["acquisition", "split", "margins", "wallet"])
def test_each_sees_figures_of_their_own_accounts_alone(rest, company, question):
    owner, stranger = rest(company["owners"][0]), rest(make_user())

    mine, nobody = ask(owner, question), ask(stranger, question)

    named = {row["name"] for row in mine["results"]}
    assert named == (set() if question == "acquisition" else {"Old"})
    assert nobody["results"] == []
    if question in ("acquisition", "split"):
        key = "cac" if question == "acquisition" else "new_effort_share"
        assert mine[key] is None
        assert "for those who see them all" in mine["reasons"][key]


@pytest.mark.parametrize(
    ("question", "query"),
    [("acquisition", {"lag_months": 99}), ("split", {"period": "x"}), ("margins", {"page": 99}), ("wallet", {"level": "group"})],
)  # fmt: skip
def test_questions_refuse_what_they_do_not_know(admin, company, question, query):
    assert admin.get(f"/api/v1/metrics/{question}/", query).status_code in {400, 404}


def test_an_account_with_efforts_is_not_deleted(admin, company):
    account = make_account()
    make_effort(account=account)

    assert_problem(admin.delete(f"/api/v1/accounts/{account.pk}/", headers={"If-Match": "*"}), 409)
    assert Account.objects.filter(pk=account.pk).exists()
