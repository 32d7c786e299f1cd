from datetime import date, datetime, timedelta

import pytest

from accounts.models import Account
from crm.lib.periods import add_months
from plans.frames import Window
from plans.models import AccountCompliance, AccountPlan, Measurement, PromiseResult, RemediationPlan
from plans.services_measure import is_measured, measure_all, measured
from tests.factories import make_revenue, make_user
from tests.plans.people import AS_OF, asked, discounted, graded, held, policy, sponsored

NOW = datetime(2025, 1, 1)
WINDOW = Window(AS_OF, NOW)


def results(account, window=WINDOW):
    """type → row of the measurement of one account."""
    rows = measured(Account.objects.filter(pk=account.pk), window)
    return {row["type"]: row for row in rows.to_dict("records")}


def told(row):
    return row["state"], round(row["promised"], 4), row["delivered"], row["missing"]


@pytest.fixture(autouse=True)
def _policy(db):
    policy()


def test_visits_of_a_quarter_are_counted_against_the_promise():
    gold = graded("gold")
    held(gold, date(2024, 10, 1), date(2024, 12, 31), date(2024, 9, 30))
    held(gold, date(2024, 11, 5), kind="call")

    found = results(gold)["visits"]

    assert told(found) == ("broken", 3.0, 2.0, 1)
    assert found["compliance"] == pytest.approx(2 / 3)
    assert found["due_on"].date() == AS_OF


def test_a_call_keeps_the_visit_of_a_general_account():
    general = graded("general")
    held(general, date(2024, 11, 5), kind="call", is_remote=True)

    found = results(general)["visits"]

    assert told(found) == ("kept", 1.0, 1.0, 0)
    assert found["due_on"].date() == date(2025, 2, 5)


def test_a_step_up_inside_the_quarter_is_promised_by_days():
    risen = graded("gold", ("diamond", date(2024, 12, 1)))
    held(risen, *[date(2024, 11, day) for day in (4, 11, 18)])

    found = results(risen)["visits"]

    by_days = 3 * 61 / 92 + 6 * 31 / 92
    assert told(found) == ("broken", round(by_days, 4), 3.0, 1)
    assert found["compliance"] == pytest.approx(3 / by_days)


def test_a_part_of_one_is_not_owed_yet():
    risen = graded("general", ("potential", date(2024, 12, 1)))
    held(risen, date(2024, 12, 20))

    found = results(risen)["visits"]

    by_days = 1 * 61 / 92 + 2 * 31 / 92
    assert told(found) == ("waiting", round(by_days, 4), 1.0, 0)
    assert found["compliance"] == pytest.approx(1 / by_days)


def test_after_a_step_down_the_higher_promise_goes_on_for_thirty_days():
    fallen = graded("diamond", ("gold", date(2024, 12, 11)))
    held(fallen, date(2024, 11, 5))

    assert results(fallen)["visits"]["grade"] == "diamond"
    assert results(fallen)["visits"]["promised"] == pytest.approx(6.0)
    later = Window(date(2025, 1, 10), datetime(2025, 1, 11))
    assert results(fallen, later)["visits"]["grade"] == "gold"
    assert results(fallen, later)["visits"]["promised"] == pytest.approx((6 * 91 + 3) / 92)


def test_the_problem_policy_has_no_grace():
    problem = graded("diamond", ("problem", date(2024, 12, 30)))

    found = results(problem)

    assert {row["grade"] for row in found.values()} == {"problem"}
    assert told(found["remediation_plan"]) == ("not_due", 1.0, 0.0, 0)
    assert told(found["sponsor_meetings"]) == ("not_due", 0.0, 0.0, 0)


def test_nothing_is_promised_before_the_policy_began():
    policy(since=date(2024, 12, 16))
    gold = graded("gold")

    found = results(gold)["visits"]

    assert told(found) == ("not_due", round(3 * 16 / 92, 4), 0.0, 0)
    assert found["due_on"].date() == date(2025, 1, 15)  # the 31st of 92 days makes a whole visit


def test_cases_are_timed_by_business_hours_and_open_ones_only_once_they_are_late():
    gold = graded("gold")  # severity 1: first response in 2 hours, resolution in 16
    asked(gold, "2024-11-15T17:00", answered="2024-11-18T09:30", solved="2024-11-18T18:00")  # 1.5 h and 10 h
    asked(gold, "2024-11-20T10:00", answered="2024-11-20T13:00", solved="2024-11-22T10:00")  # 3 h and 18 h
    asked(gold, "2024-12-31T17:00")  # one hour so far
    asked(gold, "2024-12-30T09:00", severity=2)  # not severe

    found = results(gold)

    assert told(found["first_response"]) == ("broken", 2.0, 1.0, 1)
    assert (found["first_response"]["median_hours"], found["first_response"]["p90_hours"]) == (
        2.25,
        pytest.approx(2.85),
    )
    assert told(found["resolution"]) == ("broken", 2.0, 1.0, 1)
    assert found["first_response"]["due_on"].date() == date(2025, 1, 1)


def test_an_open_case_that_is_late_is_broken():
    gold = graded("gold")
    asked(gold, "2024-12-31T09:00")

    assert told(results(gold)["first_response"]) == ("broken", 1.0, 0.0, 1)
    assert told(results(gold)["resolution"]) == ("not_due", 0.0, 0.0, 0)


def test_solving_a_case_spares_its_escalation():
    gold = graded("gold")  # escalation after 8 hours, severities 1 and 2
    asked(gold, "2024-11-18T09:00", solved="2024-11-18T16:00", severity=2)
    asked(gold, "2024-11-19T09:00", escalated="2024-11-19T12:00", severity=2)
    asked(gold, "2024-11-20T09:00", solved="2024-11-29T12:00", severity=2)

    assert told(results(gold)["escalation"]) == ("broken", 3.0, 2.0, 1)


def test_what_must_be_in_place_is_there_or_not():
    diamond, gold = graded("diamond"), graded("gold")
    for account in (diamond, gold):
        sponsored(account, kind="senior_partner")
    sponsored(gold)
    AccountPlan.objects.create(
        account=gold, valid_from=date(2024, 1, 1), valid_to=date(2025, 1, 1), goal="Grow", priority_rank=1,
        planned_hours=100, approved_by=make_user(), approved_on=date(2024, 1, 10),
    )  # fmt: skip

    of_diamond, of_gold = results(diamond), results(gold)

    assert told(of_diamond["senior_partner"]) == ("broken", 1.0, 0.0, 1)  # shared is not enough
    assert of_diamond["account_plan"]["state"] == of_diamond["problem_channel"]["state"] == "broken"
    assert [of_gold[name]["state"] for name in ("senior_partner", "account_plan", "problem_channel")] == ["kept"] * 3


def test_discounts_above_the_authority_of_their_day_are_violations():
    gold = graded("diamond", ("gold", date(2024, 6, 1)))
    discounted(gold, "12", on=date(2024, 5, 31))
    discounted(gold, "12", on=date(2024, 6, 15))  # the grace of the step down
    discounted(gold, "9", on=date(2024, 9, 1))
    discounted(gold, "20", on=date(2024, 9, 2), approved_by=make_user())

    found = results(gold)["discount"]

    assert told(found) == ("broken", 4.0, 3.0, 1)
    assert found["compliance"] != found["compliance"]  # in no mean


def visits_day_by_day(periods, visits, targets):
    """Promised and delivered of the last quarter, one day after the other."""
    start, promised, counted = add_months(AS_OF + timedelta(days=1), -3), 0.0, 0
    length = (AS_OF + timedelta(days=1) - start).days
    for number in range(length):
        day = start + timedelta(days=number)
        place = max(index for index, (_grade, since) in enumerate(periods) if since <= day)
        grade, since = periods[place]
        if place and targets[periods[place - 1][0]] > targets[grade] and (day - since).days < 30:
            grade = periods[place - 1][0]
        promised += targets[grade] / length
        counted += visits.count(day)
    return promised, counted


@pytest.mark.parametrize("seed", range(6))
def test_counting_by_spans_equals_counting_day_by_day(seed):
    import random

    dice = random.Random(seed)
    days = sorted(dice.sample(range(5, 150), 3))
    grades = [dice.choice(["diamond", "gold", "potential"])]
    while len(grades) < 4:
        grades.append(dice.choice([one for one in ("diamond", "gold", "potential") if one != grades[-1]]))
    steps = [(grade, AS_OF - timedelta(days=back)) for grade, back in zip(grades[1:], reversed(days), strict=True)]
    account = graded(grades[0], *steps)
    visits = [AS_OF - timedelta(days=dice.randrange(120)) for _ in range(8)]
    held(account, *visits)

    found = results(account)["visits"]

    periods = [(grades[0], date(2023, 1, 1)), *steps]
    expected = visits_day_by_day(periods, visits, {"diamond": 6, "gold": 3, "potential": 2})
    assert (found["promised"], found["delivered"]) == (pytest.approx(expected[0]), expected[1])


def test_compliance_is_the_weighted_mean_of_what_is_due(django_assert_num_queries):
    general = graded("general")
    held(general, date(2024, 11, 5), kind="call")
    asked(general, "2024-11-18T09:00", answered="2024-11-20T18:00", solved="2024-11-20T18:00")  # 27 h: answered late
    fresh = graded("gold", since=date(2024, 12, 30))
    make_revenue(account=general, booked_on=AS_OF)
    RemediationPlan.objects.create(account=fresh, opened_on=AS_OF, due_on=AS_OF)

    assert not is_measured()
    assert measure_all() == measure_all() == 2
    assert is_measured()

    found = AccountCompliance.objects.get(account=general)
    # visits kept (3), first response late (3), resolution in time (3), escalation in time (2)
    assert found.compliance == pytest.approx((3 + 0 + 3 + 2) / 11)
    assert (found.due, found.broken, found.service_ratio, found.currency) == (4, 1, 1.0, "CNY")
    assert AccountCompliance.objects.get(account=fresh).compliance is None
    assert Measurement.objects.get().as_of == AS_OF
    assert PromiseResult.objects.filter(account=general).count() == 4
