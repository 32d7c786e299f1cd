from datetime import date

import pytest

from accounts.models import Rating, RatingAnchor, WalletEstimate
from accounts.services import record_rating, record_wallet_estimate
from tests.api.conftest import assert_problem, make_editor, pointers
from tests.factories import (
    make_account,
    make_rating,
    make_revenue,
    make_superuser,
    make_team_member,
    make_user,
    make_wallet_estimate,
)

RATINGS = "/api/v1/ratings/"
WALLETS = "/api/v1/wallet-estimates/"
RIGHTS = [f"accounts.{verb}_{model}" for verb in ("add", "change", "delete") for model in ("rating", "walletestimate")]


def rating(account, **fields):
    return {"account": account.pk, "indicator": "V1", "score": 4, "function": "sales", **fields}


def wallet(account, **fields):
    return {"account": account.pk, "amount": "1000000.5", "currency": "CNY", "source": "annual report", **fields}


@pytest.mark.parametrize(("indicator", "expires"), [("V1", "2012-12-09"), ("P3", "2012-12-09"), ("L5", "2012-06-09")])
def test_a_rating_is_dated_as_the_figures_are_and_expires(admin, indicator, expires):
    account = make_account()
    make_revenue(booked_on=date(2011, 12, 9))

    response = admin.post(RATINGS, rating(account, indicator=indicator), format="json")

    assert response.status_code == 201, response.content
    row = response.json()
    assert (row["rated_on"], row["expires_on"], row["evaluator"]) == ("2011-12-09", expires, admin.user.pk)
    assert (row["score"], row["function"], row["evidence"]) == (4, "sales", "")


def test_a_wallet_estimate_is_dated_as_the_figures_are_and_holds_a_year(admin):
    account = make_account()
    make_revenue(booked_on=date(2012, 2, 29))

    row = admin.post(WALLETS, wallet(account), format="json").json()

    assert (row["estimated_on"], row["expires_on"]) == ("2012-02-29", "2013-02-28")
    assert (row["amount"], row["author"], row["author_name"]) == ("1000000.5000", admin.user.pk, admin.user.username)


def test_days_may_be_given(admin):
    account = make_account()

    row = admin.post(
        RATINGS, rating(account, rated_on="2020-01-31", expires_on="2020-02-01", evidence="Visit"), format="json"
    ).json()

    assert (row["rated_on"], row["expires_on"], row["evidence"]) == ("2020-01-31", "2020-02-01", "Visit")


@pytest.mark.parametrize(
    "wrong",
    [
        {"score": 0},
        {"score": 6},
        {"score": 3.5},
        {"score": "x"},
        {"score": 2**40},
        {"indicator": "S1"},
        {"function": "board"},
        {"rated_on": "2020-01-02", "expires_on": "2020-01-02"},
        {"rated_on": "9999-06-01"},
        {"rated_on": "2011-02-31"},
        {"account": None},
        {"account": 10**9},
        {"evaluator": 10**9},
    ],
)
def test_bad_ratings_are_400_and_leave_nothing(admin, wrong):
    assert_problem(admin.post(RATINGS, rating(make_account()) | wrong, format="json"), 400)

    assert not Rating.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"amount": "-1"}, {"amount": "1.00001"}, {"amount": "1e18"}, {"currency": ""}, {"source": " "}]
)
def test_bad_estimates_are_400_and_leave_nothing(admin, wrong):
    assert_problem(admin.post(WALLETS, wallet(make_account()) | wrong, format="json"), 400)

    assert not WalletEstimate.objects.exists()


@pytest.mark.parametrize(("address", "body", "speaker"), [(RATINGS, rating, "evaluator"), (WALLETS, wallet, "author")])
def test_everybody_speaks_in_their_own_name(rest, address, body, speaker):
    editor, other = make_editor(*RIGHTS), make_user()
    account = make_account(owner=editor)
    client = rest(editor)

    refused = client.post(address, body(account, **{speaker: other.pk}), format="json")
    own = client.post(address, body(account, **{speaker: editor.pk}), format="json")
    headers = {"If-Match": own.headers["ETag"]}
    handed_on = client.patch(own.headers["Location"], {speaker: other.pk}, format="json", headers=headers)

    assert pointers(assert_problem(refused, 400)) == [f"/{speaker}"]
    assert own.json()[speaker] == editor.pk
    assert pointers(assert_problem(handed_on, 400)) == [f"/{speaker}"]


@pytest.mark.parametrize("make", [make_rating, make_wallet_estimate])
def test_what_others_said_can_be_read_but_not_changed(rest, make):
    editor = make_editor(*RIGHTS)
    said = make(account=make_account(owner=editor))
    address = f"{RATINGS if make is make_rating else WALLETS}{said.pk}/"
    client = rest(editor)
    tag = client.get(address).headers["ETag"]

    for method in ("patch", "put", "delete"):
        assert_problem(getattr(client, method)(address, {}, format="json", headers={"If-Match": tag}), 403)

    assert client.get(address).headers["ETag"] == tag


def test_own_words_can_be_changed_and_taken_back(rest):
    editor = make_editor(*RIGHTS)
    said = make_rating(account=make_account(owner=editor), evaluator=editor)
    client, address = rest(editor), f"{RATINGS}{said.pk}/"

    changed = client.patch(
        address, {"score": 2}, format="json", headers={"If-Match": client.get(address).headers["ETag"]}
    )

    assert (changed.status_code, changed.json()["score"]) == (200, 2)
    assert client.delete(address).status_code == 204


def test_who_administers_users_may_enter_for_others(rest):
    secretary, boss = make_editor(*RIGHTS, "accounts.change_user"), make_user()
    account = make_account(owner=secretary)

    row = rest(secretary).post(RATINGS, rating(account, evaluator=boss.pk), format="json")

    assert (row.status_code, row.json()["evaluator"]) == (201, boss.pk)


@pytest.mark.parametrize(("address", "make"), [(RATINGS, make_rating), (WALLETS, make_wallet_estimate)])
@pytest.mark.parametrize("rows", [1, 3])
def test_opinions_are_listed_with_a_constant_number_of_statements(rest, address, make, rows, django_assert_num_queries):
    user = make_user()
    mine = [make(account=make_account(owner=user)) for _ in range(rows)]
    make()
    client = rest(user)

    with django_assert_num_queries(5):
        listed = client.get(address).json()["results"]

    assert {row["id"] for row in listed} == {row.pk for row in mine}


def test_opinions_can_be_filtered(admin):
    first = make_rating(indicator="L5", rated_on=date(2023, 1, 1), expires_on=date(2023, 7, 1))
    make_rating()
    estimate = make_wallet_estimate(currency="USD")

    def found(address, **query):
        return [row["id"] for row in admin.get(address, query).json()["results"]]

    assert found(RATINGS, indicator="L5") == found(RATINGS, rated_on__lte="2023-06-30") == [first.pk]
    assert found(RATINGS, account=first.account_id, evaluator=first.evaluator_id) == [first.pk]
    assert found(WALLETS, currency="USD") == found(WALLETS, author=estimate.author_id) == [estimate.pk]


def test_ratings_of_hidden_accounts_are_404(rest):
    said = make_rating()
    teammate = make_user()
    make_team_member(account=said.account, user=teammate)

    assert_problem(rest(make_user()).get(f"{RATINGS}{said.pk}/"), 404)
    assert rest(teammate).get(f"{RATINGS}{said.pk}/").status_code == 200


def test_services_fill_the_expiry(db):
    account, user = make_account(), make_superuser()

    said = record_rating(
        account=account, indicator="L5", score=5, evaluator=user, function="customer", rated_on=date(2024, 8, 31)
    )
    estimated = record_wallet_estimate(
        account=account, amount=10, currency="CNY", source="call", author=user, estimated_on=date(2024, 8, 31)
    )

    assert (said.expires_on, estimated.expires_on) == (date(2025, 2, 28), date(2025, 8, 31))


def test_ratings_are_posted_many_at_once_or_not_at_all(rest):
    editor = make_editor(*RIGHTS)
    account, hidden = make_account(owner=editor), make_account()
    client, rows = rest(editor), [rating(account, rated_on="2024-01-31"), rating(account, indicator="L5", score=2)]
    first = client.post(RATINGS, rows, format="json")
    again = client.post(RATINGS, [*rows, rows[0]], format="json")

    assert (first.status_code, first.json()) == (201, {"read": 2, "new": 2, "already_there": 0})
    assert (again.status_code, again.json()) == (200, {"read": 3, "new": 0, "already_there": 3})
    bad = [rating(account, indicator="V2"), rating(account, score=7), rating(account, rated_on="2024-01-31", score=1)]
    problem = assert_problem(client.post(RATINGS, bad, format="json"), 400)
    assert [error["detail"] for error in problem["errors"]] == [
        "a rating is a whole number from 1 to 5",
        "posted before with other content (4, sales, 2025-01-31)",
    ]
    assert pointers(problem) == ["/1/score", "/2/rated_on"]
    assert Rating.objects.count() == 2
    other = rating(account, indicator="V3", evaluator=make_user().pk)
    assert pointers(assert_problem(client.post(RATINGS, [other], format="json"), 400)) == ["/0/evaluator"]
    for unseen in (hidden.pk, 10**9):
        problem = assert_problem(client.post(RATINGS, [rows[0] | {"account": unseen}], format="json"), 400)
        assert pointers(problem) == ["/0/account"]
    assert_problem(client.post(RATINGS, [], format="json"), 400)
    assert_problem(client.post(RATINGS, rows * 501, format="json"), 413)
    assert_problem(client.post(RATINGS, [{"account": account.pk}], format="json"), 400)


def test_wallets_are_posted_many_at_once(rest):
    editor, colleague = make_editor(*RIGHTS, "accounts.change_user"), make_user()
    account = make_account(owner=editor)
    rows = [wallet(account, author=colleague.pk, estimated_on="2024-02-29"), wallet(account, estimated_on="2024-03-01")]

    assert rest(editor).post(WALLETS, rows, format="json").json() == {"read": 2, "new": 2, "already_there": 0}
    found = WalletEstimate.objects.order_by("estimated_on").values_list("author", "amount", "expires_on")
    assert [(author, str(amount), str(day)) for author, amount, day in found] == [
        (colleague.pk, "1000000.5000", "2025-02-28"),
        (editor.pk, "1000000.5000", "2025-03-01"),
    ]


def test_anchors_are_read_by_everybody_in_their_language(rest):
    RatingAnchor.objects.all().delete()
    RatingAnchor.objects.create(indicator="V1", level=5, text_en="Sets the standard.", text_zh_hans="标准的制定者。")
    client = rest(make_user())
    url = "/api/v1/rating-anchors/?indicator=V1&level=5"

    assert [row["text"] for row in client.get(url).json()["results"]] == ["Sets the standard."]
    chinese = client.get(url, headers={"accept-language": "zh-hans"}).json()["results"]
    assert [(row["text"], row["text_en"]) for row in chinese] == [("标准的制定者。", "Sets the standard.")]
    assert_problem(client.post("/api/v1/rating-anchors/", {}, format="json"), 405)
