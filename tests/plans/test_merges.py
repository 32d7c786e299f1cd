"""Account plans and remediation plans follow a merged account; where both have an open one, nothing is lost."""

from datetime import date

import pytest

from accounts.models import Account
from accounts.services import merge_accounts, undo_merge
from plans.models import AccountPlan, RemediationAction, RemediationPlan
from plans.services_work import add_step, approve_account_plan, close_remediation, finish_step, make_account_plan
from tests.factories import make_account, make_superuser, make_user

pytestmark = pytest.mark.django_db
DAY = date(2025, 3, 1)


@pytest.fixture
def pair():
    return make_account(), make_account()


def plan(account, first, last, *, approved_on=None):
    made = make_account_plan(
        account=account, made_by=make_user(), valid_from=first, valid_to=last, goal="Grow", priority_rank=1,
        planned_hours=10,
    )  # fmt: skip
    return made if approved_on is None else approve_account_plan(plan=made, approved_by=make_user(), on=approved_on)


def remedy(account, opened_on=DAY):
    return RemediationPlan.objects.create(account=account, opened_on=opened_on, due_on=date(2025, 9, 1))


def step(of, text, *, done=None):
    made = add_step(plan=of, text=text, owner=None, due_on=DAY)
    finish_step(step=made, on=done)
    return made


def state():
    return (
        list(AccountPlan.objects.order_by("pk").values_list("pk", "account")),
        list(RemediationPlan.objects.order_by("pk").values_list("pk", "account", "closed_on")),
        list(RemediationAction.objects.order_by("pk").values_list("pk", "plan", "done_on")),
        list(Account.objects.order_by("pk").values_list("pk", "planned_from", "planned_until")),
    )


def merged_into(merged, survivor):
    return merge_accounts(merged=merged, into=survivor, by=make_superuser(), reason="One customer")


def covered(account):
    account.refresh_from_db()
    return account.planned_from, account.planned_until


def test_plans_move_cover_the_account_that_stays_and_come_back(pair):
    old, kept = pair
    plan(old, date(2025, 1, 1), date(2025, 7, 1), approved_on=date(2025, 1, 10))
    plan(old, date(2025, 7, 1), date(2026, 1, 1))
    plan(kept, date(2025, 7, 1), date(2026, 7, 1), approved_on=date(2025, 6, 1))
    before = state()

    merge = merged_into(old, kept)

    assert list(AccountPlan.objects.order_by("pk").values_list("account", flat=True)) == [kept.pk, old.pk, kept.pk]
    assert merge.moved["stayed"]["account_plans"]
    undo_merge(merge=merge, by=None)
    assert state() == before


def test_cover_of_a_moved_plan_reaches_the_account_that_stays(pair):
    old, kept = pair
    plan(old, date(2025, 1, 1), date(2026, 1, 1), approved_on=date(2025, 1, 10))

    merge = merged_into(old, kept)

    assert covered(kept) == (date(2025, 1, 10), date(2026, 1, 1))
    undo_merge(merge=merge, by=None)
    assert (covered(kept), covered(old)) == ((None, None), (date(2025, 1, 10), date(2026, 1, 1)))


def test_plan_approved_in_between_covers_whom_it_belongs_to(pair):
    old, kept = pair
    theirs = plan(old, date(2025, 1, 1), date(2026, 1, 1))
    merge = merged_into(old, kept)
    theirs.refresh_from_db()
    approve_account_plan(plan=theirs, approved_by=make_user(), on=date(2025, 2, 1))
    assert covered(kept) == (date(2025, 2, 1), date(2026, 1, 1))

    undo_merge(merge=merge, by=None)

    assert (covered(kept), covered(old)) == ((None, None), (date(2025, 2, 1), date(2026, 1, 1)))


def test_merges_undone_in_either_order_leave_no_cover_behind(pair):
    old, kept = pair
    other = make_account()
    plan(old, date(2025, 1, 1), date(2025, 6, 1), approved_on=date(2025, 1, 1))
    plan(other, date(2025, 6, 1), date(2026, 1, 1), approved_on=date(2025, 5, 1))
    first, second = merged_into(old, kept), merged_into(other, kept)
    assert covered(kept) == (date(2025, 1, 1), date(2026, 1, 1))

    undo_merge(merge=first, by=None)
    assert covered(kept) == (date(2025, 6, 1), date(2026, 1, 1))
    undo_merge(merge=second, by=None)

    assert covered(kept) == (None, None)


def test_remediation_moves_where_none_is_open(pair):
    old, kept = pair
    closed = remedy(kept, date(2025, 1, 1))
    close_remediation(plan=closed, outcome="solved", text="Done", by=make_user(), on=DAY)
    theirs = remedy(old)
    step(theirs, "Call")
    before = state()

    merge = merged_into(old, kept)

    theirs.refresh_from_db()
    assert theirs.account_id == kept.pk
    undo_merge(merge=merge, by=None)
    assert state() == before


def test_of_two_open_remediations_one_goes_on_with_the_open_steps_of_both(pair):
    old, kept = pair
    theirs, ours = remedy(old), remedy(kept)
    waiting, done, own = step(theirs, "Call"), step(theirs, "Visit", done=DAY), step(ours, "Write")
    before = state()

    merge = merged_into(old, kept)

    found = dict(RemediationAction.objects.values_list("pk", "plan"))
    assert found == {waiting.pk: ours.pk, done.pk: theirs.pk, own.pk: ours.pk}
    theirs.refresh_from_db()
    assert (theirs.account_id, theirs.is_open) == (old.pk, True)
    undo_merge(merge=merge, by=None)
    assert state() == before


def test_step_done_in_between_comes_back_done(pair):
    old, kept = pair
    theirs, ours = remedy(old), remedy(kept)
    waiting = step(theirs, "Call")
    merge = merged_into(old, kept)
    finish_step(step=waiting, on=DAY)
    close_remediation(plan=ours, outcome="solved", text="Done", by=make_user(), on=DAY)

    undo_merge(merge=merge, by=None)

    waiting.refresh_from_db()
    assert (waiting.plan_id, waiting.done_on) == (theirs.pk, DAY)
