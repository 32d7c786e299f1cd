"""Load and gaps of teams, rules, tasks on the pages: as owner, teammate, stranger and as somebody who leads."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.enums import TeamRole
from accounts.models import Account, User
from plans.models import Task, TeamRule
from plans.services_tasks import settle_all, write_task
from tests.factories import make_account, make_superuser, make_team_member, make_user
from tests.web.people import grant, make_cast

pytestmark = pytest.mark.django_db
AR, SR, FR = TeamRole.ACCOUNT_MANAGER, TeamRole.SOLUTION_MANAGER, TeamRole.DELIVERY_MANAGER


def html(response, status=200):
    assert response.status_code == status, response.content[:2000]
    return response.content.decode()


def board(client, query=""):
    return html(client.get(reverse("teams:index") + query))


def test_load_and_gaps_are_those_of_the_accounts_the_reader_sees(client):
    cast = make_cast(grade="gold", name="Seen GmbH")
    make_account(grade="diamond", name="Hidden AG")
    make_team_member(account=make_account(grade="diamond"), user=cast.teammate)
    found = {}
    for name in ("owner", "teammate", "stranger"):
        client.force_login(getattr(cast, name))
        found[name] = board(client)

    assert ["Hidden AG" in page for page in found.values()] == [False] * 3
    assert ["Seen GmbH" in page for page in found.values()] == [True, True, False]
    assert "No account in view" in found["stranger"]
    # The owner counts the one account they see; the teammate sees both of theirs: 3 and 3 + 5 points.
    assert '<strong>3</strong> <span class="muted">/ 15</span>' in found["owner"]
    assert '<strong>8</strong> <span class="muted">/ 15</span>' in found["teammate"]
    assert "Counted over the accounts you may see; somebody may carry others." in found["owner"]


def test_overloaded_people_come_first_and_are_named_as_such(client):
    easy, hard = (
        make_user(first_name="Easy", last_name="Going"),
        make_user(first_name="Hard", last_name="Pressed", capacity=4),
    )
    make_team_member(account=make_account(grade="diamond"), user=hard)
    make_team_member(account=make_account(grade="diamond"), user=easy)
    client.force_login(make_superuser())

    page = board(client)

    assert page.index("Hard Pressed") < page.index("Easy Going")
    assert "load-over" in page
    assert page.count("overload") == 1


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("?grade=diamond", {"Alpha"}),
        ("?gap=missing&role=solution_manager", {"Alpha"}),
        ("?gap=missing&role=account_manager", {"Beta"}),
        ("?gap=hand_over", set()),
        ("?gap=nonsense&grade=x&role=y&person=1e9", {"Alpha", "Beta"}),
    ],
)
def test_gaps_are_narrowed_down(client, query, names):
    first = make_account(grade="diamond", name="Alpha")
    make_account(grade="general", name="Beta")
    make_team_member(account=first)
    client.force_login(make_superuser())

    page = board(client, query)

    assert {name for name in ("Alpha", "Beta") if f">{name}</a>" in page} == names


def test_the_page_of_a_person_shows_what_the_reader_sees_of_it(client):
    cast = make_cast(grade="gold", name="Seen GmbH")
    make_team_member(account=make_account(grade="diamond", name="Hidden AG"), user=cast.teammate)
    url = reverse("teams:person", args=[cast.teammate.pk])
    client.force_login(cast.owner)
    page = html(client.get(url))
    assert "Seen GmbH" in page
    assert "Hidden AG" not in page
    assert "Change the capacity" not in page

    client.force_login(cast.stranger)
    assert client.get(url).status_code == 404
    assert "No seat on an account you may see." in html(client.get(reverse("teams:person", args=[cast.stranger.pk])))


def test_capacity_is_changed_by_those_who_change_teams(client):
    cast = make_cast(grade="gold")
    url = reverse("teams:capacity", args=[cast.teammate.pk])
    client.force_login(cast.owner)
    assert client.post(url, {"capacity": 2}).status_code == 403

    client.force_login(make_superuser())
    html(client.post(url, {"capacity": 1000}), 422)
    assert "overload" not in board(client)
    html(client.post(url, {"capacity": 2}, follow=True))

    assert User.objects.get(pk=cast.teammate.pk).capacity == 2
    assert "overload" in board(client)


def test_exports_hold_what_the_lists_hold_and_run_no_formula(client):
    account = make_account(grade="general", name="=cmd()", code="X1")
    make_account(grade="diamond", name="Other")
    client.force_login(make_superuser())

    gaps = b"".join(
        client.get(reverse("teams:gaps_export", args=["csv"]) + "?grade=general").streaming_content
    ).decode()
    load = client.get(reverse("teams:load_export", args=["xlsx"]))

    assert gaps.splitlines()[1].startswith(f"{account.code},'=cmd(),General,Seat empty,Account manager")
    assert "Other" not in gaps
    assert load.status_code == 200
    assert client.get(reverse("teams:load_export", args=["pdf"])).status_code == 404


def test_rules_are_seen_by_all_and_changed_by_those_with_the_right(client):
    member, lead = make_user(), grant(make_user(), "change_teamrule")
    url = reverse("teams:rules")
    sent = {}
    for rule in TeamRule.objects.all():
        sent |= {f"{rule.grade}-roles": rule.roles, f"{rule.grade}-points": rule.points}
    client.force_login(member)
    assert "Keep the rules" not in html(client.get(url))
    assert client.post(url, sent).status_code == 403

    client.force_login(lead)
    html(client.post(url, sent | {"general-points": "100"}), 422)
    html(client.post(url, sent | {"general-points": "7", "general-roles": [FR]}, follow=True))

    rule = TeamRule.objects.get(grade="general")
    assert (rule.points, rule.roles, rule.needs_deputy) == (7, [FR], False)


def test_statements_do_not_grow(client):
    client.force_login(make_superuser())
    paths = (reverse("teams:index"), reverse("tasks:index") + "?list=all", reverse("tasks:index"))
    counts = []
    for more in (1, 3):
        for _each in range(more):
            make_team_member(account=make_account(grade="gold", owner=make_user()))
        settle_all(today=timezone.localdate())
        found = []
        for path in paths:
            with CaptureQueriesContext(connection) as captured:
                html(client.get(path))
            found.append(len(captured))
        counts.append(found)

    assert counts[0] == counts[1]


# --- Tasks ---


def test_my_tasks_are_mine_and_show_where_they_are_done(client):
    cast, today = make_cast(grade="gold", name="Seen GmbH"), timezone.localdate()
    settle_all(today=today)
    write_task(text="Write the offer", owner=cast.owner, due_on=today - timedelta(days=2), made_by=cast.owner)
    client.force_login(cast.teammate)
    page = html(client.get(reverse("tasks:index")))
    assert "Fill the seat: Solution manager" in page
    assert reverse("accounts:team", args=[cast.account.pk]) in page
    assert "Write the offer" not in page

    client.force_login(cast.owner)
    page = html(client.get(reverse("tasks:index") + "?list=all"))
    assert "Write the offer" in page
    assert "overdue" in page
    assert "Fill the seat" not in page

    client.force_login(cast.stranger)
    assert "Nothing waits for you" in html(client.get(reverse("tasks:index")))


def test_a_task_is_written_changed_and_done(client):
    cast, today = make_cast(), timezone.localdate()
    client.force_login(cast.owner)
    url = reverse("tasks:write") + f"?account={cast.account.pk}"
    sent = {"text": "Call <b>", "owner": cast.teammate.pk, "due_on": today}

    refused = html(client.post(url, sent | {"owner": cast.stranger.pk}), 422)
    html(client.post(url, sent, follow=True))
    task = Task.objects.get()
    client.force_login(cast.teammate)
    page = html(client.get(reverse("tasks:index")))
    html(client.post(reverse("tasks:change", args=[task.pk]), sent | {"text": "Call them"}, follow=True))
    html(client.post(reverse("tasks:finish", args=[task.pk]), follow=True))
    again = html(client.post(reverse("tasks:finish", args=[task.pk]), follow=True))

    assert "does not see this account" in refused
    assert "Call &lt;b&gt;" in page
    task.refresh_from_db()
    assert (task.text, task.outcome, task.done_by, task.account) == ("Call them", "done", cast.teammate, cast.account)
    assert "closed already" in again
    client.force_login(cast.stranger)
    for name in ("change", "finish"):
        assert client.post(reverse(f"tasks:{name}", args=[task.pk])).status_code == 404
    assert client.get(url).status_code == 404


def test_analysts_write_no_tasks(client):
    analyst = make_user(role="analyst")
    client.force_login(analyst)

    assert "New task" not in html(client.get(reverse("tasks:index")))
    assert client.get(reverse("tasks:write")).status_code == 403


def test_who_leads_is_reminded_of_what_others_leave_undone(client):
    from crm.web.attention import reminders

    cast, today = make_cast(), timezone.localdate()
    lead = make_user(role="director")
    write_task(
        text="Late", owner=cast.owner, due_on=today - timedelta(days=1), made_by=cast.owner, account=cast.account
    )

    def told(user):
        return [str(one.text) for one in reminders(user, as_of=today, today=today)]

    assert told(cast.owner) == ["1 task of yours is overdue"]
    assert told(cast.teammate) == told(cast.stranger) == []
    assert told(lead) == ["1 task of others in your view is overdue"]
    client.force_login(lead)
    assert "Late" in html(client.get(reverse("tasks:index") + "?list=overdue"))
    client.force_login(cast.stranger)
    assert "Late" not in html(client.get(reverse("tasks:index") + "?list=overdue"))


def test_the_tab_of_an_account_shows_its_gaps(client):
    cast = make_cast(grade="gold")
    make_team_member(account=cast.account, role=SR, user=cast.teammate, valid_from=date(2024, 1, 1))
    client.force_login(cast.owner)

    page = html(client.get(reverse("accounts:team", args=[cast.account.pk])))

    assert page.count("Seat empty") == 1
    assert page.count("No deputy") == 2
    assert "One person in several seats: allowed" in page
    assert Account.objects.visible_to(cast.teammate).count() == 1
