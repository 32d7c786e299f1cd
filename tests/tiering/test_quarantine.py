"""Accounts that cannot be computed with are set apart with their reason; the others are graded as if they were not there."""

from datetime import date

import pytest
from django.db import connection, transaction

from accounts.enums import Grade
from accounts.models import Account
from crm import pipeline
from tests.factories import make_account, make_override, make_receivable, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night
from tests.tiering.poison import KINDS, LARGEST, TTM, line
from tiering.enums import QuarantineReason, RunState
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import GradePeriod, Quarantine, Score, TierRun
from tiering.selectors import score_of
from tiering.services import ModelRefused
from tiering.stability import STATE

SOUND = 60
BEFORE = date(2024, 11, 30)
NEXT = date(2025, 1, 5)

pytestmark = pytest.mark.django_db


def rows_of(run: TierRun, accounts: set[int]) -> list[str]:
    columns = (
        *("account_id", "grade", "ladder", "previous_grade", "composite", "evidence", "flags", "raw", "contributions"),
    )
    return [
        repr(row)
        for row in Score.objects.filter(run=run, account__in=accounts).order_by("account_id").values_list(*columns)
    ]


def test_there_are_fifty_kinds():
    assert len(KINDS) >= 50
    assert len({kind.name for kind in KINDS}) == len(KINDS)


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_fifty_kinds_of_poison_leave_everybody_else_as_they_would_be():
    """J5: each is listed with its reason and keeps its grade; the rest is published at the first try."""
    accounts = random_ledger(accounts=SOUND + len(KINDS), rows=3000, seed=8, with_cost=True)
    make_receivable(account=accounts[0])  # the company records what is owed
    night(BEFORE)
    victims = dict(zip([account.pk for account in accounts[1::2]], KINDS, strict=False))
    assert len(victims) == len(KINDS)
    sound = {account.pk for account in accounts} - set(victims)
    with transaction.atomic():
        undisturbed = rows_of(night(AS_OF), sound)
        transaction.set_rollback(True)
    grades = dict(Account.objects.values_list("pk", "grade"))
    for account in Account.objects.filter(pk__in=victims):
        victims[account.pk].put(account)

    run = night(AS_OF)

    expected = {pk: kind.reason for pk, kind in victims.items() if kind.reason}
    listed = dict(Quarantine.objects.filter(run=run).values_list("account", "reason"))
    assert {victims[pk].name: listed.get(pk) for pk in victims} == {kind.name: kind.reason for kind in victims.values()}
    assert (run.state, run.attempts, run.quarantined) == (RunState.PUBLISHED, 1, len(expected))
    assert rows_of(run, sound) == undisturbed
    assert Score.objects.filter(run=run).count() == len(accounts)
    now = dict(Account.objects.filter(pk__in=expected).values_list("pk", "grade"))
    assert now == {pk: grades[pk] for pk in expected}
    assert not GradePeriod.objects.filter(run=run, account__in=expected).exists()
    flagged = Score.objects.filter(run=run).extra(where=[f"flags & {int(Flag.QUARANTINED)} <> 0"])
    assert set(flagged.values_list("account", flat=True)) == set(expected)


def graded(*, months: int = 36, amount: int = 10_000) -> Account:
    account = make_account()
    post_revenue(
        [
            *monthly(account, amount, first=date(2022, 1, 1), months=months),
            *monthly(make_account(), 500, first=date(2022, 1, 1), months=37),
        ]
    )
    night(BEFORE)
    return account


def poison(account: Account) -> list:
    return post_revenue([{"account": account, **line(TTM, LARGEST)}] * 2)


def state_of(account: Account) -> dict[str, float]:
    score = score_of(account)
    return dict(zip(STATE, score.raw[-len(STATE) :], strict=True))


def test_a_night_set_apart_is_a_missed_night_and_breaks_nothing():
    account = graded()
    before, left = Account.objects.get(pk=account.pk), state_of(account)
    records = poison(account)

    run = night(AS_OF)
    score = score_of(account)
    Account.objects.get(pk=account.pk)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE accounts_revenuerecord SET withdrawn_at = now() WHERE id = ANY(%s)", [[r.pk for r in records]]
        )
    after = night(NEXT)

    found = Quarantine.objects.get()
    assert (found.run, found.account, found.reason, found.figure, found.value) == (
        run, account, QuarantineReason.AMOUNT, "revenue_ttm", "2e+15",
    )  # fmt: skip
    assert (score.grade, score.ladder, score.previous_grade) == (before.grade, before.grade, before.grade)
    assert (score.composite, score.evidence) == (None, 0.0)
    assert explain(score).sentence.startswith(f"Stays {Grade(before.grade).label}: a figure of this account")
    assert state_of(account)["graded_on"] == left["graded_on"]
    assert after.quarantined == 0
    again = score_of(account)
    assert (again.run, again.previous_grade) == (after, before.grade)
    assert not again.has_flag(Flag.QUARANTINED)
    assert not again.has_flag(Flag.PROVISIONAL)  # the first grade was given on the first night


def test_who_is_set_apart_on_the_first_night_is_not_graded_and_says_why():
    account = make_account()
    post_revenue(monthly(make_account(), 500, first=date(2022, 1, 1), months=36))
    poison(account)

    night(BEFORE)

    score = score_of(account)
    assert (score.grade, score.ladder) == (Grade.NOT_GRADED, "")
    assert explain(score).sentence.startswith("Not graded: a figure of this account")


def test_what_people_decided_holds_for_who_is_set_apart():
    account = graded()
    poison(account)
    make_override(account=account, grade=Grade.STRATEGIC, valid_from=AS_OF, valid_to=date(2025, 6, 30))

    night(AS_OF)

    score = score_of(account)
    assert (score.grade, score.has_flag(Flag.OVERRIDDEN), score.has_flag(Flag.QUARANTINED)) == ("strategic", True, True)


def test_a_repeat_sets_the_same_accounts_apart_once():
    account = graded()
    poison(account)

    first, second = night(AS_OF), night(AS_OF)

    assert (first.quarantined, second.quarantined) == (1, 1)
    assert Quarantine.objects.filter(run=second).count() == 1


def unlocked(statement: str, *params) -> None:
    """Past the trigger that lets only drafts change."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(statement, params)
        cursor.execute("SET LOCAL session_replication_role = origin")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE tiering_graderule SET threshold = 'NaN' WHERE condition = 'revenue_ttm'", "Every threshold"),
        ("UPDATE tiering_scoringmodel SET min_base = 'NaN'", "Every setting"),
        ("UPDATE tiering_dimension SET weight = 0", "sum to 100"),
        ("UPDATE tiering_indicator SET weight = 0 WHERE code = 'S1'", "sum to 100"),
        ("UPDATE tiering_indicator SET anchors = '[[5, 0]]'", "rise or fall"),
        ("UPDATE tiering_indicator SET anchors = '[5]'", "two or more pairs"),
        ("UPDATE tiering_indicator SET anchors = '[[0, 0], [5, 100], [7, 20]]'", "rise or fall"),
        ("DELETE FROM tiering_graderule", "Fill in these thresholds"),
    ],
)
def test_a_night_refuses_a_model_that_cannot_grade_at_its_first_try(statement, words):
    graded()
    unlocked(statement)

    with pytest.raises(ModelRefused, match=words):
        night(AS_OF)

    run = TierRun.objects.get(as_of=AS_OF)
    assert (run.state, run.attempts) == (RunState.FAILED, 1)
    assert "The active scoring model cannot grade." in run.error


def test_a_scale_of_one_step_divides_nothing_by_zero():
    graded()
    unlocked("UPDATE tiering_indicator SET anchors = '[[5, 0], [5, 100]]'")

    assert night(AS_OF).quarantined == 0


def test_one_answer_that_cannot_be_made_ready_does_not_keep_the_others_from_it(monkeypatch):
    done = []
    broken = pipeline.Prepared(lambda: False, lambda: 1 / 0)
    good = pipeline.Prepared(lambda: False, lambda: done.append(1))
    monkeypatch.setattr(pipeline, "_prepared", lambda: [broken, good])

    pipeline.ready_pages()

    assert done == [1]
