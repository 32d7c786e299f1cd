from datetime import date, datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from plans.models import AccountPlan, PlanAction, PolicyVersion, RemediationPlan
from plans.services_measure import measure_all
from tests.factories import make_revenue, make_superuser, make_team_member, make_user
from tests.plans.people import AS_OF, asked, graded, held, policy
from tests.web.people import grant, make_figures

PLANS, POLICIES = "/plans/", "/plans/policies/"


@pytest.fixture(autouse=True)
def _clock(db, monkeypatch):
    """The ledger ends with 2024, and so does the day."""
    policy()
    moment = timezone.make_aware(datetime(2025, 1, 1, 12))
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def company(count: int = 1):
    """Gold accounts with two of three visits and a late answer, and who owns them."""
    owner = make_user()
    found = []
    for _number in range(count):
        account = graded("gold", owner=owner)
        make_team_member(account=account, user=owner)
        make_revenue(account=account, booked_on=AS_OF)
        make_figures(account)
        held(account, date(2024, 11, 5), date(2024, 12, 5), minutes=90)
        asked(account, "2024-11-18T09:00", answered="2024-11-18T15:00", solved="2024-11-18T17:00")
        found.append(account)
    measure_all()
    return owner, found


def test_account_page_shows_promised_and_delivered_with_evidence(client):
    owner, (account,) = company()
    client.force_login(owner)

    html = client.get(reverse("accounts:plan", args=[account.pk])).content.decode()

    assert "2 of 3" in html
    assert "1 missing" in html
    assert "late: 6 h" in html
    assert "proven revenue" in html  # the purpose of Gold
    assert html.count("tag-bad") >= 2


def test_account_plan_page_is_seen_by_its_people_only(client):
    owner, (account,) = company()
    address = reverse("accounts:plan", args=[account.pk])
    for user, status in ((owner, 200), (make_user(), 404), (make_superuser(), 200)):
        client.force_login(user)
        assert client.get(address).status_code == status


def test_portfolio_names_broken_promises_and_resources(client):
    owner, (account,) = company()
    client.force_login(owner)

    html = client.get(PLANS).content.decode()

    assert account.name in html
    assert "First response to severe cases" in html
    assert "0 of 1 in time" in html
    assert "Gold takes 100% of the hours" in html
    client.force_login(make_user())
    assert account.name not in client.get(PLANS).content.decode()


def test_portfolio_filters_by_grade_owner_and_promise(client):
    owner, (account,) = company()
    client.force_login(make_superuser())

    def shown(query: str) -> bool:
        return f">{account.name}</a>" in client.get(f"{PLANS}?{query}").content.decode()

    assert shown(f"grade=gold&owner={owner.pk}&type=visits")
    assert not shown("grade=diamond")
    assert not shown(f"owner={make_user().pk}")
    assert not shown("type=joint_reviews&grade=general")
    assert shown("list=under")
    assert not shown("list=over")
    assert shown("grade=nonsense&owner=x%00&type=y&list=z&page=a")


@pytest.mark.parametrize("count", [1, 3])
def test_plans_pages_ask_the_same_number_of_queries(client, django_assert_max_num_queries, count):
    owner, found = company(count)
    client.force_login(owner)
    client.get(PLANS)

    with django_assert_max_num_queries(33):
        client.get(PLANS)
    with django_assert_max_num_queries(33):
        client.get(reverse("accounts:plan", args=[found[0].pk]))


def test_a_draft_is_edited_and_put_into_force_by_somebody_else(client):
    maker = grant(make_user(), "add_policyversion", "activate_policy")
    other = grant(make_user(), "activate_policy")
    client.force_login(maker)
    client.post(f"{POLICIES}draft/")
    draft = PolicyVersion.objects.get(state="draft")
    page = client.get(f"{POLICIES}versions/{draft.number}/gold/")
    fields = filled(page.context["form"])

    changed = client.post(f"{POLICIES}versions/{draft.number}/gold/", fields | {"visits-target": "5"})
    start = {"valid_from": (timezone.localdate() + timedelta(days=30)).isoformat()}
    own = client.post(f"{POLICIES}versions/{draft.number}/activate/", start, follow=True)

    assert changed.status_code == 302
    assert draft.promises.get(grade="gold", type="visits").target == 5
    assert "Another person must put it into force" in own.content.decode()
    assert "5 a quarter" in client.get(f"{POLICIES}?version={draft.number}").content.decode()
    client.force_login(other)
    client.post(f"{POLICIES}versions/{draft.number}/activate/", start)
    draft.refresh_from_db()
    before = PolicyVersion.objects.get(number=1)
    assert (draft.state, draft.activated_by_id, before.state) == ("active", other.pk, "retired")
    assert before.valid_to == draft.valid_from == date(2025, 1, 31)


def filled(form):
    """What a browser would send of the form as it stands."""
    fields = {}
    for part in (*form.rows, form.texts):
        for field in part:
            value = field.value()
            if value is not None and value is not False and value != "":
                fields[field.html_name] = "on" if value is True else value
    return fields


def test_a_wrong_number_keeps_the_form_and_says_so(client):
    client.force_login(make_superuser())
    client.post(f"{POLICIES}draft/")
    number = PolicyVersion.objects.get(state="draft").number
    address = f"{POLICIES}versions/{number}/gold/"

    answer = client.post(address, filled(client.get(address).context["form"]) | {"resolution-target": "0"})

    assert answer.status_code == 422
    assert "hours above 0" in answer.content.decode()


def test_policies_are_read_by_all_and_changed_by_those_who_may(client):
    client.force_login(make_user())

    assert client.get(POLICIES).status_code == client.get(f"{POLICIES}diamond/").status_code == 200
    assert client.get(f"{POLICIES}platinum/").status_code == client.get(f"{POLICIES}?version=99").status_code == 404
    assert client.post(f"{POLICIES}draft/").status_code == 403
    assert client.post(f"{POLICIES}versions/1/activate/").status_code == 403
    assert client.get(f"{POLICIES}versions/1/gold/").status_code == 403


def test_an_account_plan_is_made_and_approved_by_another(client):
    owner, (account,) = company()
    client.force_login(grant(owner, "approve_accountplan"))
    fields = {"goal": "Win the second site", "priority_rank": "2", "planned_hours": "120", "owner": owner.pk}
    fields |= {"valid_from": "2025-01-01", "last_day": "2025-12-31"}

    made = client.post(reverse("accounts:plan_new", args=[account.pk]), fields)
    too_long = client.post(reverse("accounts:plan_new", args=[account.pk]), fields | {"last_day": "2026-12-31"})
    plan = AccountPlan.objects.get()
    approve = reverse("accounts:plan_approve", args=[account.pk, plan.pk])
    own = client.post(approve, follow=True)

    assert (made.status_code, too_long.status_code) == (302, 422)
    assert "Another person must approve it" in own.content.decode()
    client.force_login(make_superuser())
    client.post(approve)
    plan.refresh_from_db()
    assert plan.approved_on == date(2025, 1, 1)


def test_a_waiting_plan_is_changed_and_then_approved_by_somebody_else(client):
    maker, boss = make_user(), make_superuser()
    account = graded("gold", owner=maker)
    client.force_login(maker)
    fields = {"goal": "Grow", "priority_rank": 1, "planned_hours": 10, "owner": maker.pk, "valid_from": "2025-01-01"}
    client.post(reverse("accounts:plan_new", args=[account.pk]), fields | {"last_day": "2025-12-31"})
    plan = AccountPlan.objects.get()
    address = reverse("accounts:plan_edit", args=[account.pk, plan.pk])

    client.force_login(boss)
    shown = client.get(address).content.decode()
    same = client.post(address, fields | {"last_day": "2025-12-31"})
    plan.refresh_from_db()
    assert ("2025-12-31" in shown, same.status_code, plan.made_by) == (True, 302, maker)
    changed = client.post(address, fields | {"goal": "Double it", "last_day": "2025-06-30"})
    own = client.post(reverse("accounts:plan_approve", args=[account.pk, plan.pk]), follow=True)

    assert changed.status_code == 302
    assert "Another person must approve it" in own.content.decode()
    plan.refresh_from_db()
    assert (plan.goal, plan.valid_to, plan.made_by, plan.approved_on) == ("Double it", date(2025, 7, 1), boss, None)
    client.force_login(make_user())
    assert client.get(address).status_code == 404


def test_steps_and_the_end_of_a_remediation_plan(client):
    owner, (account,) = company()
    plan = RemediationPlan.objects.create(account=account, opened_on=AS_OF, due_on=AS_OF)
    client.force_login(owner)

    client.post(
        reverse("accounts:step_new", args=[account.pk, "remedy", plan.pk]), {"text": "Call", "due_on": "2025-01-09"}
    )
    step = plan.actions.get()
    client.post(reverse("accounts:step_tick", args=[account.pk, "remedy", step.pk]))
    client.post(reverse("accounts:remedy_edit", args=[account.pk]), {"due_on": "2025-03-01", "exit_test": "Paid up"})
    client.post(reverse("accounts:remedy_close", args=[account.pk]), {"outcome": "solved", "text": "Paid"})

    step.refresh_from_db()
    plan.refresh_from_db()
    assert (step.owner_id, step.done_on) == (owner.pk, date(2025, 1, 1))
    assert (plan.outcome, plan.closed_by_id, plan.exit_test) == ("solved", owner.pk, "Paid up")
    client.force_login(make_user())
    assert client.post(reverse("accounts:remedy_close", args=[account.pk])).status_code == 404
    assert not PlanAction.objects.exists()


def test_dashboard_and_overview_name_broken_promises(client):
    owner, (account,) = company()
    client.force_login(owner)

    for address in ("/", reverse("accounts:detail", args=[account.pk])):
        html = client.get(address).content.decode()
        assert "promises broken" in html
        assert reverse("accounts:plan", args=[account.pk]) in html


@pytest.mark.parametrize("count", [1, 3])
def test_ranked_list_shows_goal_hours_and_steps(client, django_assert_max_num_queries, count):
    owner, found = company(count)
    for rank, account in enumerate(found, start=1):
        plan = AccountPlan.objects.create(
            account=account, valid_from=date(2024, 2, 1), valid_to=date(2025, 2, 1), goal=f"Goal {rank}",
            priority_rank=rank, planned_hours=30, owner=owner, made_by=owner,
        )  # fmt: skip
        PlanAction.objects.create(plan=plan, text="Call", due_on=date(2024, 12, 1))
        PlanAction.objects.create(plan=plan, text="Meet", due_on=date(2024, 12, 1), done_on=date(2024, 11, 30))
    client.force_login(owner)
    client.get("/plans/accounts/")

    with django_assert_max_num_queries(16):
        html = client.get("/plans/accounts/").content.decode()

    assert html.index("Goal 1") < html.index(f"Goal {count}") + 1
    assert "3 / 30" in html  # two visits of 90 minutes
    assert "1 of 2 done" in html
    assert "1 late" in html
    client.force_login(make_user())
    assert "Goal 1" not in client.get("/plans/accounts/").content.decode()
