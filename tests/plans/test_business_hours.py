"""Hours and days off as data: what they do to response times, and how a list of days comes in."""

from datetime import date, datetime, time

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import Account
from plans.frames import Window
from plans.models import BusinessDay, BusinessHours
from plans.selectors_hours import working_time
from plans.services_hours import DaysRefused, import_days, official_days_of_china
from plans.services_measure import facts_text, measured
from tests.plans.people import AS_OF, asked, graded, policy

WINDOW = Window(AS_OF, datetime(2025, 1, 1))
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _policy(db):
    policy()


def response_of(account):
    rows = measured(Account.objects.filter(pk=account.pk), WINDOW)
    row = rows[rows["type"] == "first_response"].iloc[0]
    return row["state"], row["median_hours"]


def answered_on_monday():
    """Severity 1 for Gold: first response within 2 business hours; asked on a Friday at 17:00."""
    account = graded("gold")
    asked(account, "2024-11-15T17:00", answered="2024-11-18T11:00", solved="2024-11-18T12:00")
    return account


def test_a_day_off_stops_the_clock_and_a_make_up_day_runs_it():
    account = answered_on_monday()
    assert response_of(account) == ("broken", 3.0)

    off = BusinessDay.objects.create(day=date(2024, 11, 18))
    assert response_of(account) == ("kept", 1.0)
    off.is_working, off.day = True, date(2024, 11, 16)
    off.save()
    assert response_of(account) == ("broken", 12.0)  # a Saturday of nine hours more


def test_hours_hold_from_their_day_on():
    account = answered_on_monday()
    BusinessHours.objects.create(valid_from=date(2020, 1, 1), opens_at=time(9), closes_at=time(18))
    BusinessHours.objects.create(valid_from=date(2024, 11, 16), opens_at=time(10), closes_at=time(18))
    assert response_of(account) == ("kept", 2.0)

    BusinessHours.objects.filter(opens_at=time(10)).update(valid_from=date(2024, 11, 19))
    assert working_time().table.opens[0] == 9 * 3600
    BusinessHours.objects.get(opens_at=time(10)).save()
    assert response_of(account) == ("broken", 3.0)


def test_days_of_the_week_and_zone_are_those_of_the_hours():
    account = answered_on_monday()
    row = BusinessHours.objects.create(valid_from=date(2020, 1, 1), working_days=[7, 1, 2, 3, 4], closes_at=time(17))
    assert response_of(account) == ("broken", 10.0)  # no hour on Friday, eight on Sunday, two on Monday

    row.working_days, row.time_zone = [1, 2, 3, 4, 5], "Europe/Berlin"
    row.save()
    assert response_of(account) == ("broken", 7.0)  # Friday 10 to 17 o'clock there; Monday 11:00 here is 4:00 there


def test_another_day_off_is_a_reason_to_measure_anew():
    before = facts_text(AS_OF)
    day = BusinessDay.objects.create(day=date(2024, 10, 1))
    added = facts_text(AS_OF)
    day.delete()

    assert len({before, added, facts_text(AS_OF)}) == 2


@pytest.mark.parametrize(
    "fields", [{"opens_at": time(18), "closes_at": time(9)}, {"working_days": []}, {"working_days": [8]}]
)
def test_hours_that_cannot_be_are_refused_by_form_and_database(fields):
    row = BusinessHours(valid_from=date(2024, 1, 1), **fields)
    with pytest.raises(ValidationError):
        row.full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()


@pytest.mark.parametrize("fields", [{"time_zone": "Asia/Peking2"}, {"working_days": [1, 1]}])
def test_unknown_zone_and_doubled_day_are_refused(fields):
    with pytest.raises(ValidationError):
        BusinessHours(valid_from=date(2024, 1, 1), **fields).full_clean()


def test_list_is_read_in_the_forms_people_write():
    text = """\ufeff# National Day
    2026-10-01..2026-10-03, off, National Day
    2026年10月10日 班
    2026/10/11\twork\tmake-up
    20261012，放假，测试

    """
    taken = import_days(text)

    found = list(BusinessDay.objects.values_list("day", "is_working", "name"))
    assert (taken.new, taken.changed, taken.there) == (6, 0, 0)
    assert found == [
        (date(2026, 10, 1), False, "National Day"), (date(2026, 10, 2), False, "National Day"),
        (date(2026, 10, 3), False, "National Day"), (date(2026, 10, 10), True, ""),
        (date(2026, 10, 11), True, "make-up"), (date(2026, 10, 12), False, "测试"),
    ]  # fmt: skip


def test_same_list_twice_changes_nothing_and_another_word_changes_the_day():
    import_days("2026-10-01 off\n2026-10-02 off")
    again, other = import_days("2026-10-01 off\n2026-10-02 off"), import_days("2026-10-02 work")

    assert (again.new, again.changed, again.there) == (0, 0, 2)
    assert (other.new, other.changed, other.there) == (0, 1, 0)
    assert BusinessDay.objects.get(day=date(2026, 10, 2)).is_working


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("2026-02-30 off", "Line 2: 2026-02-30 is no day of the calendar."),
        ("National Day", "Line 2: “National Day” is no day."),
        ("2026-10-02 maybe", "Line 2: “maybe” is neither off nor work."),
        ("2026-10-09..2026-10-02 off", "Line 2: A line covers 60 days at most"),
        ("2026-10-01 work", "Line 2: 2026-10-01 is named twice, off and worked."),
        ("2026-01-01..2026-12-31 off", "Line 2: A line covers 60 days at most"),
    ],
)
def test_line_that_cannot_be_read_is_named_and_nothing_kept(line, words):
    with pytest.raises(DaysRefused, match=words[:30].replace(".", r"\.")) as refused:
        import_days(f"2026-10-01 off\n{line}")

    assert words in str(refused.value)
    assert not BusinessDay.objects.exists()


@pytest.mark.parametrize("text", ["", "# nothing", "\n" * 3000])
def test_no_day_at_all_and_too_many_lines_are_refused(text):
    with pytest.raises(DaysRefused):
        import_days(text)


def test_official_days_of_china_are_weekdays_off_and_weekends_worked():
    taken = import_days(official_days_of_china())

    days = list(BusinessDay.objects.all())
    assert (taken.new, len(days)) == (75, 75)
    assert all((row.day.isoweekday() >= 6) == row.is_working and row.name for row in days)
    assert {row.day.year for row in days} == {2024, 2025, 2026}
    worked = sorted(row.day for row in days if row.is_working and row.day.year == 2025)
    assert worked == [date(2025, *day) for day in ((1, 26), (2, 8), (4, 27), (9, 28), (10, 11))]
