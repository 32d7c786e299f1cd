from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Account
from plans.costs import policy_cost
from plans.defaults import ensure_policy
from plans.enums import PROMISED_GRADES
from plans.models import PolicyVersion, Promise, RemediationPlan
from plans.selectors import policy_on
from plans.services import NotYours, PolicyRefused, activate_policy, draft_policy, edit_grade
from plans.services_work import close_remediation, open_remediations
from plans.wording import promise_text
from tests.factories import make_account, make_superuser, make_user
from tests.plans.people import AS_OF, policy

WORDS = {"purpose_en": "Grow", "strategy_en": "Visit"}
# domain.md section 4, column by column: Diamond, Gold, Strategic, Potential, General, Problem
TABLE = {
    "visits": ["6 a quarter", "3 a quarter", "3 a quarter", "2 a quarter", "1 a quarter, remote counts", "2 a quarter"],
    "plan_checks": ["", "", "", "", "", "4 a month"],
    "sponsor_meetings": ["4 a year", "2 a year", "2 a year", "", "", "1 until it is solved"],
    "alignment_meetings": ["2 a year", "1 a year", "1 a year", "", "", ""],
    "joint_reviews": ["1 a quarter", "1 in half a year", "1 in half a year", "", "", ""],
    "senior_partner": ["exclusive", "shared", "shared", "on request", "from the pool", "from the pool"],
    "first_response": [f"within {hours} business hours" for hours in (1, 2, 2, 4, 8, 4)],
    "resolution": [f"within {hours} business hours" for hours in (8, 16, 16, 24, 48, 24)],
    "escalation": [f"within {hours} business hours" for hours in (4, 8, 8, 24, 48, 8)],
    "discount": ["up to 12 %", "up to 8 %", "up to 10 %", "up to 8 %", "up to 3 %", "none without approval"],
    "problem_channel": ["yes", "yes", "yes", "", "", "on escalation"],
    "account_plan": ["yes", "yes", "yes", "yes", "", ""],
    "remediation_plan": ["", "", "", "", "", "yes"],
    "credit": ["standard plus", "standard plus", "standard", "standard", "standard", "restricted"],
}


def test_a_fresh_database_promises_the_whole_table(db):
    known = {(one.type, one.grade): promise_text(one) for one in Promise.objects.select_related("version")}
    version = PolicyVersion.objects.get()

    assert {name: [known.get((name, grade), "") for grade in PROMISED_GRADES] for name in TABLE} == TABLE
    assert (version.state, version.is_default, version.strategies.count()) == ("active", True, 6)
    assert policy_on(timezone.localdate()) == version
    assert ensure_policy() is None


def test_a_draft_holds_from_its_day_and_the_version_before_until_then(db):
    policy()
    draft = draft_policy(made_by=make_user())
    start = timezone.localdate() + timedelta(days=10)

    activate_policy(version=draft, activated_by=make_user(), valid_from=start)

    assert policy_on(start - timedelta(days=1)).number == 1
    assert policy_on(start).number == draft.number
    assert draft.promises.count() == Promise.objects.filter(version__number=1).count()


def test_nobody_puts_the_own_version_into_force_not_even_a_superuser(db):
    policy()
    maker = make_superuser()
    draft = draft_policy(made_by=maker)

    with pytest.raises(NotYours):
        activate_policy(version=draft, activated_by=maker, valid_from=timezone.localdate())
    with pytest.raises(IntegrityError), transaction.atomic():
        PolicyVersion.objects.filter(pk=draft.pk).update(activated_by=maker)


@pytest.mark.parametrize("day", [date(2020, 1, 1), date(2023, 1, 1)])
def test_days_that_have_passed_keep_their_promises(db, day):
    policy()
    with pytest.raises(PolicyRefused):
        activate_policy(version=draft_policy(made_by=make_user()), activated_by=make_user(), valid_from=day)


def test_versions_never_overlap_and_what_was_in_use_never_changes(db):
    version = policy()
    for change in (
        lambda: Promise.objects.filter(version=version).update(target=1),
        lambda: version.strategies.all().delete(),
        lambda: PolicyVersion.objects.create(number=9, state="retired", valid_from=date(2024, 1, 1)),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()
    with pytest.raises(PolicyRefused):
        edit_grade(version=version, grade="gold", promises={}, words=WORDS)


def test_one_draft_at_a_time_and_a_counted_promise_needs_a_number(db):
    draft = draft_policy(made_by=make_user())
    with pytest.raises(PolicyRefused):
        draft_policy(made_by=make_user())
    with pytest.raises(ValidationError):
        edit_grade(version=draft, grade="gold", promises={"visits": {"currency": "CNY"}}, words=WORDS)

    edit_grade(version=draft, grade="gold", promises={"visits": {"currency": "CNY", "target": Decimal(5)}}, words=WORDS)

    assert [(one.type, promise_text(one)) for one in draft.promises.filter(grade="gold")] == [
        ("visits", "5 until it is solved")
    ]


def test_cost_of_the_policies_is_added_up_over_the_accounts(db):
    policy()

    cost = policy_cost(before={"general": 10}, after={"general": 9, "diamond": 1}, on=AS_OF)

    # Diamond: 24 visits, 4 sponsor meetings, 2 alignments, 4 reviews, and what costs by the year
    diamond = 24 * 1500 + 4 * 6000 + 2 * 8000 + 4 * 4000
    diamond += 120_000 + 20_000 + 15_000 + 12_000 + 18_000 + 3_000 + 5_000 + 10_000
    assert (cost.each["diamond"], cost.each["general"]) == (diamond, 4 * 300 + 300 + 500)
    assert (cost.before, cost.after, cost.currency) == (20_000, 18_000 + diamond, "CNY")
    assert policy_cost(before={}, after={}, on=date(2020, 1, 1)) is None


@pytest.mark.parametrize("count", [1, 3])
def test_a_night_opens_one_plan_for_each_account_in_trouble(db, django_assert_num_queries, count):
    owner = make_user()
    troubled = [make_account(grade="problem", grade_since=AS_OF, owner=owner) for _ in range(count)]
    make_account(grade="gold"), make_account(grade="problem", status="closed")

    with django_assert_num_queries(4):  # savepoint, accounts, insert, release
        assert open_remediations(as_of=AS_OF) == count

    assert open_remediations(as_of=AS_OF + timedelta(days=1)) == 0
    plan = RemediationPlan.objects.get(account=troubled[0])
    assert (plan.owner, plan.opened_on, plan.due_on) == (owner, AS_OF, date(2025, 3, 31))


def test_a_closed_plan_opens_again_only_when_the_problem_goes_on_again(db):
    account = make_account(grade="problem", grade_since=AS_OF)
    open_remediations(as_of=AS_OF)
    close_remediation(plan=account.remediation_plans.get(), outcome="solved", text="Paid", by=make_user(), on=AS_OF)

    assert open_remediations(as_of=AS_OF + timedelta(days=30)) == 0
    Account.objects.filter(pk=account.pk).update(grade_since=AS_OF + timedelta(days=60))
    assert open_remediations(as_of=AS_OF + timedelta(days=60)) == 1
