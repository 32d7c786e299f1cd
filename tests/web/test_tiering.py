"""Tiering: the last night over the accounts one sees, the button, the model as it works."""

from datetime import date
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.enums import Grade
from accounts.models import Account
from crm import tasks
from tests.factories import make_account, make_superuser, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tests.web.people import grant, make_cast
from tiering.enums import Preset, RunState, RunTrigger
from tiering.models import ScoringModel, TierRun
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db


def graded_company(*accounts: Account) -> None:
    """Revenue for three years, the largest account first, and the model `ledger-only`."""
    rows = []
    for place, account in enumerate(accounts):
        rows += monthly(account, 10_000 // (place + 1), first=date(2022, 1, 1), months=36)
    post_revenue([*rows, {"account": accounts[0], "booked_on": AS_OF, "amount": Decimal(1)}])
    activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=date(2024, 11, 30)))


def moved_company() -> tuple[Account, Account, Account]:
    """Two nights a month apart; the middle account lost its credit in between, the last one is somebody else's."""
    owner = make_user()
    kept, moved, foreign = make_account(owner=owner), make_account(owner=owner), make_account()
    graded_company(kept, moved, foreign)
    night(date(2024, 11, 30))
    for account in (moved, foreign):
        account.litigation_on = date(2024, 12, 5)
        account.save()
    night(AS_OF)
    return kept, moved, foreign


def page(client, path="/tiering/"):
    response = client.get(path)
    assert response.status_code == 200
    return response


def test_empty_ledger_says_what_to_do_first(client):
    client.force_login(make_user())

    html = page(client).content.decode()

    assert "Nothing to grade" in html
    assert 'href="/imports/new/"' in html


def test_ledger_without_a_night_says_when_it_comes(client):
    cast = make_cast()
    post_revenue([{"account": cast.account, "booked_on": date(2024, 1, 5), "amount": Decimal(5)}])
    client.force_login(cast.owner)

    assert "No night yet" in page(client).content.decode()


def test_last_night_counts_grades_over_the_accounts_one_sees(client):
    kept, _moved, _foreign = moved_company()
    shown = {}
    for name, user in (("owner", kept.owner), ("stranger", make_user()), ("all", make_superuser())):
        client.force_login(user)
        context = page(client).context
        shown[name] = (
            context["accounts"],
            context["moved"],
            {c.grade: c.accounts for c in context["counts"] if c.accounts},
        )

    gold = Account.objects.get(pk=kept.pk).grade
    assert shown == {
        "owner": (2, 1, {gold: 1, Grade.PROBLEM: 1}),
        "stranger": (0, 0, {}),
        "all": (3, 2, {gold: 1, Grade.PROBLEM: 2}),
    }  # fmt: skip


def test_movers_are_listed_with_money_and_only_the_visible_ones(client):
    kept, moved, foreign = moved_company()
    client.force_login(kept.owner)

    response = page(client)
    html = response.content.decode()

    assert [score.account_id for score in response.context["page"]] == [moved.pk]
    assert response.context["money"] == Account.objects.get(pk=moved.pk).figures.ttm_revenue
    assert moved.name in html
    assert foreign.name not in html
    assert response.context["chart"].rows == [(Grade(before(moved)).label, "Problem", "1")]


def before(account: Account) -> str:
    return TierRun.objects.filter(state=RunState.PUBLISHED).latest("as_of").scores.get(account=account).previous_grade


@pytest.mark.parametrize(("direction", "count"), [("up", 0), ("down", 1), ("sideways", 1), ("", 1)])
def test_movers_can_be_seen_by_direction(client, direction, count):
    kept, _moved, _foreign = moved_company()
    client.force_login(kept.owner)

    assert len(page(client, f"/tiering/?moved={direction}").context["page"].object_list) == count


def test_earlier_night_has_its_own_page_and_an_unpublished_one_has_none(client):
    moved_company()
    client.force_login(make_superuser())
    first = TierRun.objects.filter(state=RunState.PUBLISHED).earliest("as_of")
    failed = TierRun.objects.create(as_of=date(2025, 1, 1), state=RunState.FAILED, trigger=RunTrigger.NIGHT)

    html = page(client, f"/tiering/nights/{first.pk}/").content.decode()

    assert "Go to the last night" in html
    assert client.get(f"/tiering/nights/{failed.pk}/").status_code == 404
    assert client.get("/tiering/nights/999999/").status_code == 404


def test_failed_run_shows_its_error_what_stays_and_what_next(client):
    moved_company()
    TierRun.objects.create(
        as_of=date(2025, 1, 1), state=RunState.FAILED, trigger=RunTrigger.NIGHT, error="RateMissing: no USD", attempts=3
    )
    client.force_login(make_superuser())

    html = page(client).content.decode()

    assert "The night of 1 Jan 2025 failed." in html
    assert "The grades of 31 Dec 2024 stay in force" in html
    assert "RateMissing: no USD" in html
    assert "3 attempts" in html


def test_phases_of_the_run_are_shown_with_their_times(client):
    moved_company()
    client.force_login(make_superuser())

    phases = page(client).context["phases"]

    assert [phase.label for phase in phases] == [
        *(
            "Check the roll-up",
            "Figures of every account",
            "What every account buys",
            "Measure the indicators",
            "Score",
            "Grade",
            "Publish",
            "Promises",
        )
    ]
    assert 99 < sum(float(phase.width) for phase in phases) < 104


@pytest.fixture
def sent(monkeypatch) -> list[dict]:
    messages: list[dict] = []
    monkeypatch.setattr(tasks, "send", lambda task, **kwargs: messages.append({"task": task.name, **kwargs}))
    return messages


def test_button_is_for_those_who_may_and_asks_a_worker_once(client, sent):
    kept, _moved, _foreign = moved_company()
    allowed = grant(make_user(), "retier")
    found = {}
    for name, user in (("owner", kept.owner), ("allowed", allowed)):
        client.force_login(user)
        found[name] = client.post("/tiering/run/").status_code
    client.post("/tiering/run/")

    assert found == {"owner": 403, "allowed": 302}
    assert list(TierRun.objects.filter(state=RunState.DUE).values_list("as_of", "requested_by")) == [
        (AS_OF, allowed.pk)
    ]
    assert sent == [{"task": tasks.nightly_task.name, "as_of": "2024-12-31", "trigger": RunTrigger.PAGE}] * 2


def test_button_on_an_empty_ledger_says_that_there_is_nothing_to_grade(client, sent):
    client.force_login(make_superuser())

    html = client.post("/tiering/run/", follow=True).content.decode()

    assert "Nothing to grade: the ledger is empty." in html
    assert (TierRun.objects.count(), sent) == (0, [])


def test_refused_request_says_what_to_do_next(client, sent, monkeypatch):
    moved_company()
    TierRun.objects.filter(as_of=AS_OF).update(as_of=date(2025, 6, 30))
    client.force_login(make_superuser())

    response = client.post("/tiering/run/", follow=True)

    assert response.status_code == 200
    assert 'class="notice notice-bad' in response.content.decode()
    assert sent == []


def test_progress_shows_the_stages_and_leads_to_the_page_once_it_is_done(client):
    moved_company()
    client.force_login(make_superuser())
    run = TierRun.objects.create(
        as_of=AS_OF, state=RunState.COMPUTING, trigger=RunTrigger.PAGE, phases=[{"name": "roll_up", "seconds": 0.2}]
    )

    html = client.get("/tiering/progress/", headers={"HX-Request": "true"}).content.decode()
    run.state = RunState.FAILED
    run.save()
    after = client.get("/tiering/progress/", headers={"HX-Request": "true"})

    assert html.count('class="is-done"') == 1
    assert "Grading as of 31 Dec 2024" in html
    assert (after.status_code, after.headers["HX-Redirect"]) == (204, "/tiering/")


def test_model_page_before_there_is_a_model(client):
    client.force_login(make_user())

    assert "No scoring model yet" in page(client, "/tiering/model/").content.decode()


def test_model_page_shows_weights_scales_and_thresholds_as_they_work(client):
    account = make_account()
    graded_company(account)
    client.force_login(make_user())

    response = page(client, "/tiering/model/")
    html = response.content.decode()

    weights = {part.code: part.weight for part in response.context["dimensions"]}
    assert weights == {"SAL": "50%", "STR": "0%", "GRO": "25%", "LOY": "25%"}
    assert html.count('class="scale"') == 9
    assert [part.grade for part in response.context["grades"]] == ["diamond", "gold", "strategic", "potential"]
    diamond = {threshold.label: threshold.text for threshold in response.context["grades"][0].thresholds}
    assert diamond["Score of sales contribution"] == "≥ 70"
    assert "Gross profit in each of the last two fiscal years" not in diamond
    assert "The gross-profit test of Diamond is switched off" in html
    assert "/admin/" not in html


def test_model_page_links_the_admin_for_those_who_may_edit_and_lists_versions(client):
    graded_company(make_account())
    draft = create_model(preset=Preset.FULL, as_of=AS_OF)
    client.force_login(make_superuser())

    response = page(client, f"/tiering/model/{draft.pk}/")
    html = response.content.decode()

    assert response.context["model"] == draft
    assert reverse("admin:tiering_scoringmodel_change", args=[draft.pk]) in html
    assert [version.pk for version in response.context["versions"]] == list(
        ScoringModel.objects.values_list("pk", flat=True)
    )
    assert client.get("/tiering/model/99999/").status_code == 404


@pytest.mark.parametrize("movers", [1, 3])
def test_last_night_query_count_does_not_grow_with_the_movers(client, movers, django_assert_max_num_queries):
    owner = make_user()
    accounts = [make_account(owner=owner) for _ in range(movers + 1)]
    graded_company(*accounts)
    night(date(2024, 11, 30))
    Account.objects.filter(pk__in=[account.pk for account in accounts[1:]]).update(litigation_on=date(2024, 12, 5))
    night(AS_OF)
    client.force_login(owner)

    with django_assert_max_num_queries(24):
        response = page(client)

    assert len(response.context["page"].object_list) == movers


@pytest.mark.parametrize("path", ["/tiering/", "/tiering/model/", "/tiering/progress/", "/tiering/job/"])
def test_every_page_asks_for_the_log_in(client, path):
    assert client.get(path).headers["Location"] == f"/login/?next={path}"


@pytest.mark.parametrize("path", ["/tiering/?page=0", "/tiering/?page=abc", "/tiering/?page=99999999999"])
def test_odd_page_numbers_are_taken_for_the_nearest_page(client, path):
    moved_company()
    client.force_login(make_superuser())

    page(client, path)


def test_movers_can_be_seen_by_the_grades_they_left_and_entered(client):
    kept, moved, _foreign = moved_company()
    client.force_login(kept.owner)
    left = before(moved)

    found = {
        query: [score.account_id for score in page(client, f"/tiering/?{query}").context["page"]]
        for query in (f"before={left}", "now=problem", f"before={left}&now=problem", "before=problem", "now=nonsense")
    }

    assert list(found.values()) == [[moved.pk], [moved.pk], [moved.pk], [], [moved.pk]]
    band = page(client).context["chart"].option["series"][0]["links"][0]
    assert band["href"] == f"?before={left}&now=problem#movers"
