"""Evaluators' pages: what somebody is asked to rate, and one account on one screen."""

from datetime import date
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Rating, RatingAnchor, WalletEstimate
from tests.factories import make_account, make_rating, make_user, make_wallet_estimate
from tests.web.people import AS_OF, grant, make_cast, reach_end_of_2024, sell

SOON, LATER = date(2025, 1, 20), date(2025, 2, 1)  # within 30 days of AS_OF, and after


@pytest.fixture
def cast(db):
    found = make_cast(name="Northwind")
    sell(found.account, prior=1000, last=2000)
    reach_end_of_2024(found.account)
    return found


def screen(account):
    return f"/ratings/accounts/{account.pk}/"


def rated(
    account, user, *, score=4, indicator="V1", expires_on=LATER, function="sales", rated_on=date(2024, 2, 1), **more
):
    return make_rating(
        account=account, evaluator=user, score=score, indicator=indicator, function=function, rated_on=rated_on,
        expires_on=expires_on, **more,
    )  # fmt: skip


def test_the_list_names_what_runs_out_and_what_lacks_ratings(client, cast):
    done = make_account(name="Southwind", owner=cast.owner)
    for user, function in ((cast.owner, "sales"), (cast.teammate, "delivery")):
        rated(done, user, function=function, expires_on=SOON if user == cast.owner else LATER)
    rated(done, cast.owner, indicator="P3", expires_on=LATER)
    rated(cast.account, cast.owner, expires_on=SOON, rated_on=date(2024, 1, 1))
    rated(cast.account, cast.owner, rated_on=date(2024, 3, 1))  # said anew: the earlier one is no task

    client.force_login(cast.owner)
    page = client.get("/ratings/")

    assert [(one.account.name, one.indicator) for one in page.context["expiring"]] == [("Southwind", "V1")]
    assert [(one.name, one.people, one.functions) for one in page.context["page"]] == [("Northwind", 1, 1)]
    assert "Too few people have rated its strategic value." in page.content.decode()
    client.force_login(cast.stranger)
    page = client.get("/ratings/")
    assert not page.context["expiring"]
    assert not page.context["page"].object_list


def test_the_list_shows_where_people_should_talk(client, cast):
    rated(cast.account, cast.owner, score=5)
    rated(cast.account, cast.teammate, score=2, function="delivery")
    rated(cast.account, make_user(), score=1, expires_on=date(2024, 12, 1))  # no longer counts
    client.force_login(cast.owner)

    assert [(one.name, list(words)) for one, words in client.get("/ratings/").context["calibrate"]] == [
        ("Northwind", ["Industry influence"])
    ]
    client.force_login(cast.stranger)
    assert client.get("/ratings/").context["calibrate"] == []


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_asks_as_often_for_one_as_for_three(client, cast, count, django_assert_num_queries):
    for account in (make_account(owner=cast.owner) for _ in range(count)):
        rated(account, cast.owner, score=5, expires_on=SOON)
        rated(account, make_user(), score=1)
        make_wallet_estimate(account=account, author=cast.owner, expires_on=SOON)
    client.force_login(cast.owner)
    client.get("/ratings/")
    with django_assert_num_queries(QUERIES):
        client.get("/ratings/")


QUERIES = 14


def test_levels_stand_in_their_words_and_old_ratings_beside(client, cast):
    RatingAnchor.objects.update_or_create(
        indicator="V1", level=4, defaults={"text_en": "Leads.", "text_zh_hans": "领先"}
    )
    rated(cast.account, cast.owner, score=5, evidence="Peers visit it.")
    rated(cast.account, cast.teammate, score=2, function="delivery", evidence="Nobody knows it.")
    client.force_login(grant(cast.owner, "add_rating"))
    html = client.get(screen(cast.account)).content.decode()

    assert "Leads." in html
    assert html.count("calibrate") == 1
    assert "“Peers visit it.”" in html
    assert "“Nobody knows it.”" in html
    client.cookies["django_language"] = "zh-hans"
    assert "领先" in client.get(screen(cast.account)).content.decode()


def test_who_may_rate_keeps_several_indicators_at_once(client, cast):
    client.force_login(grant(cast.teammate, "add_rating"))
    form = client.get(screen(cast.account)).context["form"]
    assert form.initial["function"] == "sales"  # the seat of the account manager

    answer = client.post(
        screen(cast.account), {"function": "finance", "score_V1": "4", "evidence_V1": "Fair", "score_L5": "2"}
    )

    assert answer.status_code == 302
    found = Rating.objects.order_by("indicator").values_list(
        "indicator", "score", "function", "evidence", "rated_on", "expires_on"
    )
    assert list(found) == [
        ("L5", 2, "finance", "", AS_OF, date(2025, 6, 30)),
        ("V1", 4, "finance", "Fair", AS_OF, date(2025, 12, 31)),
    ]
    assert client.get(screen(cast.account)).context["form"].initial["function"] == "finance"


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({}, "Choose a level for at least one indicator."),
        ({"evidence_V2": "Because"}, "Choose the level that your text is about."),
        ({"score_V1": "7"}, "7 is not one of the available choices."),
        ({"score_V1": "4", "function": "gossip"}, "gossip is not one of the available choices."),
    ],
)
def test_a_wrong_form_is_shown_again_and_nothing_is_kept(client, cast, sent, words):
    client.force_login(grant(cast.owner, "add_rating"))
    answer = client.post(screen(cast.account), {"function": "sales"} | sent)

    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Rating.objects.exists()


def test_owner_and_teammate_see_a_stranger_does_not_and_rights_are_asked(client, cast):
    analyst = make_user(role="analyst")
    for user, status in ((cast.owner, 200), (cast.teammate, 200), (cast.stranger, 404), (analyst, 200)):
        client.force_login(user)
        page = client.get(screen(cast.account))
        assert page.status_code == status
        assert ("Keep these ratings" in page.content.decode()) == (user in {cast.owner, cast.teammate})
        assert client.get("/imports/lists/receivables/").status_code == 403
    for kind in ("ratings", "wallets"):
        assert client.get(f"/imports/lists/{kind}/").status_code == 403
    for user, refused in ((cast.stranger, 404), (analyst, 403)):
        client.force_login(user)
        assert client.post(screen(cast.account), {"function": "sales", "score_V1": "4"}).status_code == refused
        assert client.post(f"{screen(cast.account)}wallet/", {}).status_code == refused
    client.logout()
    assert client.get("/ratings/").status_code == 302


def test_a_wallet_below_our_revenue_is_kept_with_a_warning(client, cast):
    client.force_login(grant(cast.owner, "add_walletestimate"))
    sent = {"amount": "1999", "currency": "cny", "source": "guess"}
    assert client.post(f"{screen(cast.account)}wallet/", sent | {"currency": "X"}).status_code == 422
    assert client.post(f"{screen(cast.account)}wallet/", sent).status_code == 302

    kept = WalletEstimate.objects.get()
    assert (kept.amount, kept.currency, kept.author, kept.estimated_on) == (Decimal(1999), "CNY", cast.owner, AS_OF)
    assert "below what the account bought from us" in client.get(screen(cast.account)).content.decode()
    WalletEstimate.objects.update(amount=2000)
    assert "below what the account bought from us" not in client.get(screen(cast.account)).content.decode()


def test_the_dashboard_reminds_in_one_line(client, cast):
    rated(cast.account, cast.owner, expires_on=SOON)
    rated(cast.account, cast.owner, indicator="V2", expires_on=SOON)
    client.force_login(cast.owner)
    assert "2 ratings of yours run out within 30 days" in client.get("/").content.decode()
    client.force_login(cast.teammate)
    assert "run out within 30 days" not in client.get("/").content.decode()


def test_a_file_of_ratings_is_checked_and_posted(client, cast, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    client.force_login(grant(cast.owner, "add_rating"))
    head = "account,indicator,score,function,rated_on"
    rows = [head, f"{cast.account.code},V1,4,sales,2024-06-01", f"{cast.account.code},V2,7,sales,2024-06-01"]
    file = SimpleUploadedFile("said.csv", "\n".join(rows).encode())
    assert client.post("/imports/lists/ratings/", {"file": file}).headers["Location"] == "/imports/lists/ratings/check/"
    page = client.get("/imports/lists/ratings/check/")

    assert [count for _label, count in page.context["counts"]] == [2, 1, 0, 1]
    assert "a rating is a whole number from 1 to 5" in page.content.decode()
    errors = b"".join(client.get("/imports/lists/ratings/errors/").streaming_content).decode("utf-8-sig")
    assert "V2,7" in errors
    assert client.post("/imports/lists/ratings/check/").headers["Location"] == "/ratings/"
    assert Rating.objects.get().evaluator == cast.owner
    assert client.get("/imports/lists/ratings/check/").headers["Location"] == "/imports/lists/ratings/"
    unreadable = SimpleUploadedFile("said.csv", b"a,b\n1,2\n")
    assert client.post("/imports/lists/ratings/", {"file": unreadable}).status_code == 422
    assert client.get("/imports/lists/gossip/").status_code == 404
