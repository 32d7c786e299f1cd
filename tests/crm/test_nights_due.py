"""One effect per night, whatever clocks, brokers and outages do; missed nights are made up in order."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.utils import timezone

from accounts.locks import LEASE_RUN, lease
from crm import nights, pipeline, tasks
from tests.factories import make_account, make_user, post_revenue
from tests.tiering.company import random_ledger
from tests.tiering.night import account_columns, night, periods, score_rows
from tiering.enums import Preset, RunState, RunTrigger
from tiering.models import ScoringModel, TierRun

SHANGHAI = ZoneInfo("Asia/Shanghai")
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


class Clock:
    def __init__(self, monkeypatch, moment: datetime) -> None:
        self.moment = moment.astimezone(UTC)
        monkeypatch.setattr(timezone, "now", lambda: self.moment)

    def go(self, step: timedelta) -> None:
        self.moment += step


@pytest.fixture
def messages(monkeypatch) -> list[dict]:
    """What would have gone to a worker; the pages are ready."""
    found: list[dict] = []
    monkeypatch.setattr(tasks, "send", lambda task, **kwargs: found.append(kwargs) or True)
    monkeypatch.setattr(pipeline, "are_pages_ready", lambda: True)
    return found


def deliver(messages: list[dict], *, times: int = 1) -> None:
    """Every message, and those that its work sends, to a worker."""
    while messages:
        for message in [messages.pop(0)] * times:
            tasks.nightly_task(**message)


@pytest.fixture
def graded(db, monkeypatch) -> list[date]:
    """A ledger of every day to come, an active model, and nights without the computing; the days they graded."""
    account = make_account()
    post_revenue(
        [{"account": account, "booked_on": date(2024, 1, 1)}, {"account": account, "booked_on": date(2030, 1, 1)}]
    )
    model = ScoringModel.objects.create(name="any", preset=Preset.FULL, currency="CNY", as_of=date(2024, 1, 31))
    done: list[date] = []

    def publish_at_once(run, *, today):
        TierRun.objects.filter(as_of=run.as_of, state=RunState.PUBLISHED).update(state=RunState.SUPERSEDED)
        run.model, run.published_at = model, timezone.now()
        run.save()
        done.append(run.as_of)

    monkeypatch.setattr(pipeline, "_run_stages", publish_at_once)
    return done


# --- Clocks ---

# The nights around a change of clocks; the last zone moves by half an hour, the fourth at midnight.
CHANGES = [
    ("America/New_York", date(2026, 3, 8)),
    ("America/New_York", date(2026, 11, 1)),
    ("Europe/Berlin", date(2026, 3, 29)),
    ("Europe/Berlin", date(2026, 10, 25)),
    ("America/Santiago", date(2026, 9, 6)),
    ("America/Santiago", date(2026, 4, 5)),
    ("Australia/Lord_Howe", date(2026, 10, 4)),
    ("Australia/Lord_Howe", date(2026, 4, 5)),
    ("Asia/Shanghai", date(2026, 3, 8)),
]
TIMES = [time(0, 0), time(0, 30), time(1, 30), time(2, 0), time(2, 30), time(3, 0), time(23, 59)]


@pytest.mark.parametrize("nightly_at", TIMES, ids=str)
@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_every_local_day_has_one_night_where_clocks_change(
    graded, messages, monkeypatch, settings, zone, day, nightly_at
):
    settings.TIME_ZONE, settings.NIGHTLY_AT = zone, nightly_at
    clock = Clock(monkeypatch, datetime.combine(day - DAY, time(12), tzinfo=ZoneInfo(zone)))
    tasks.nightly_task()
    graded.clear()

    end = clock.moment + 2 * DAY
    while clock.moment < end:
        is_close = not 5 <= clock.moment.astimezone(ZoneInfo(zone)).hour < 22
        clock.go(30 * MINUTE if is_close else 3 * HOUR)
        for _beat in range(2):
            nights.plan_nights()
        if nights.unfinished_runs().exists():
            tasks.tick_task()
            deliver(messages, times=2)

    first = day - DAY if nightly_at != time(23, 59) else day - 2 * DAY
    assert graded == [first, first + DAY]


@pytest.mark.parametrize("hour", [0, 1, 2, 3, 12, 23])
@pytest.mark.parametrize("back", [MINUTE, HOUR, 26 * HOUR])
def test_a_clock_set_back_repeats_nothing(graded, messages, monkeypatch, hour, back):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, hour, 31, tzinfo=SHANGHAI))
    tasks.nightly_task()
    done = list(graded)
    clock.go(-back)

    for _ in range(6):
        tasks.tick_task()
        deliver(messages)
        clock.go(back / 6)

    assert graded == done


# --- Missed nights ---


def last_night(day: date = date(2026, 5, 10)) -> None:
    """The night of ``day`` was the last one anybody was there for."""
    tasks.nightly_task()
    assert TierRun.objects.get(state=RunState.PUBLISHED).as_of == day - DAY


@pytest.mark.parametrize("missed", [1, 2, 3, 30, 31, 32, 400])
def test_missed_nights_are_made_up_in_order_and_those_long_ago_left_out(graded, messages, monkeypatch, missed):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(missed * DAY)

    tasks.tick_task()
    deliver(messages, times=2)
    tasks.tick_task()

    tonight = date(2026, 5, 9) + missed * DAY
    assert graded[1:] == [tonight - DAY * back for back in reversed(range(min(missed, nights.LONGEST_CATCH_UP)))]
    assert messages == []
    assert not nights.unfinished_runs().exists()


@pytest.mark.parametrize(("booked", "expected"), [(9, []), (10, [10]), (12, [10, 11, 12]), (13, [10, 11, 12]), (1, [])])
def test_a_stale_ledger_needs_no_day_twice(graded, messages, monkeypatch, booked, expected):
    """Three nights missed, the ledger ends on a day in May: the same as-of is one run; tonight repeats the last one."""
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(3 * DAY)
    monkeypatch.setattr(nights, "last_booked_on", lambda: date(2026, 5, booked))

    tasks.tick_task()
    deliver(messages)

    repeat = [9] if booked == 9 else []  # nothing new is booked: people's ratings may be
    assert graded[1:] == [date(2026, 5, day) for day in expected or repeat]


def test_a_catch_up_that_breaks_off_goes_on_where_it_was(graded, messages, monkeypatch):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(5 * DAY)
    tasks.tick_task()
    tasks.nightly_task(**messages.pop())  # and the message for the next one is lost
    messages.clear()
    clock.go(MINUTE)

    tasks.tick_task()
    deliver(messages)

    assert graded[1:] == [date(2026, 5, day) for day in (10, 11, 12, 13, 14)]


def test_a_later_message_waits_for_the_earlier_night(graded, messages, monkeypatch):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(3 * DAY)
    nights.plan_nights()

    tasks.nightly_task(as_of="2026-05-12")

    assert graded[1:] == [date(2026, 5, 10)]
    deliver(messages)
    assert graded[1:] == [date(2026, 5, day) for day in (10, 11, 12)]


def test_a_night_that_fails_for_good_does_not_hold_up_the_ones_after_it(graded, messages, monkeypatch):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(3 * DAY)
    works = pipeline._run_stages
    bad = date(2026, 5, 11)
    monkeypatch.setattr(
        pipeline, "_run_stages", lambda run, *, today: 1 / 0 if run.as_of == bad else works(run, today=today)
    )

    for _ in range(8):
        tasks.tick_task()
        while messages:
            try:
                tasks.nightly_task(**messages.pop(0))
            except ZeroDivisionError:
                continue

    assert graded[1:] == [date(2026, 5, 10), date(2026, 5, 12)]
    failed = TierRun.objects.get(as_of=bad)
    assert (failed.state, failed.attempts) == (RunState.FAILED, 3)


def test_a_night_that_a_later_one_has_overtaken_is_skipped_with_its_reason(graded, messages, monkeypatch):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(3 * DAY)
    nights.plan_nights()
    pipeline.run_night(as_of=date(2026, 5, 11), trigger=RunTrigger.COMMAND)

    tasks.tick_task()
    deliver(messages)

    skipped = TierRun.objects.get(as_of=date(2026, 5, 10))
    assert (skipped.state, skipped.attempts, "2026-05-11" in skipped.error) == (RunState.SKIPPED, 0, True)
    assert graded[1:] == [date(2026, 5, 11), date(2026, 5, 12)]


def test_who_asks_for_today_gets_the_missed_nights_first(graded, messages, monkeypatch):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(3 * DAY)
    user = make_user()

    asked = nights.request_night(requested_by=user)
    tasks.nightly_task(as_of=asked.as_of.isoformat())
    deliver(messages)

    assert graded[1:] == [date(2026, 5, day) for day in (10, 11, 12)]
    asked.refresh_from_db()
    assert (asked.state, asked.requested_by) == (RunState.PUBLISHED, user)


def test_a_replay_that_broke_off_is_taken_up_as_a_replay(graded, messages, monkeypatch):
    Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    TierRun.objects.create(as_of=date(2026, 3, 31), state=RunState.COMPUTING, trigger=RunTrigger.REPLAY, attempts=1)

    tasks.tick_task()
    deliver(messages)

    assert graded[1:] == [date(2026, 3, 31)]


# --- Messages ---


@pytest.mark.parametrize("when", [timedelta(0), HOUR, 3 * DAY])
def test_the_same_message_twenty_times_has_one_effect(graded, messages, monkeypatch, when):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(DAY)
    tasks.tick_task()
    [message] = messages

    done = []
    for _ in range(20):
        done.append(tasks.nightly_task(**message))
        clock.go(when / 20)

    assert [run for run in done if run] == done[:1]
    assert graded[1:] == [date(2026, 5, 10)]


def test_a_message_that_comes_again_while_the_night_runs_does_nothing(graded, messages, monkeypatch):
    """As after the visibility timeout: the broker takes a long night for a lost one, three times."""
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    clock.go(DAY)
    tasks.tick_task()
    [message] = messages
    again = []
    works = pipeline._run_stages

    def runs_long(run, *, today):
        for _ in range(3):
            clock.go(15 * MINUTE)
            again.append(tasks.nightly_task(**message))
            tasks.tick_task()
        works(run, today=today)

    monkeypatch.setattr(pipeline, "_run_stages", runs_long)
    tasks.nightly_task(**message)

    assert again == [None] * 3
    assert messages == [message]
    assert graded[1:] == [date(2026, 5, 10)]


def test_twenty_deliveries_at_once_have_the_effect_of_one(transactional_db, monkeypatch):
    random_ledger(accounts=12, rows=200, seed=4)
    night(date(2024, 11, 30))
    nights.request_night(requested_by=None, as_of=date(2024, 12, 31))

    def deliver_one(_number):
        try:
            return tasks.nightly_task(as_of="2024-12-31")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(deliver_one, range(20)))

    assert len([run for run in done if run]) == 1
    assert TierRun.objects.filter(as_of=date(2024, 12, 31)).count() == 1
    seen = (score_rows(), periods(), account_columns())
    assert tasks.nightly_task(as_of="2024-12-31") is None
    assert (score_rows(), periods(), account_columns()) == seen


def test_two_planners_at_once_find_a_night_once(transactional_db, monkeypatch):
    random_ledger(accounts=3, rows=30, seed=4)

    def plan(_number):
        try:
            nights.plan_nights()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(plan, range(8)))

    assert TierRun.objects.count() == 1


def test_nobody_works_on_a_night_in_other_hands(graded, messages, monkeypatch):
    Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    nights.request_night(requested_by=None, as_of=date(2026, 5, 1))

    with lease(LEASE_RUN, pipeline.ANY_NIGHT) as is_held:
        assert is_held
        assert tasks.nightly_task(as_of="2026-05-01") is None
    assert graded == []


def test_a_night_overdue_by_an_hour_is_said_so(graded, monkeypatch):
    clock = Clock(monkeypatch, datetime(2026, 5, 10, 2, 31, tzinfo=SHANGHAI))
    last_night()
    run = TierRun.objects.get()

    found = [nights.is_overdue(run, now=clock.moment + hours * HOUR) for hours in (0, 23, 24, 25, 26)]

    assert found == [False, False, False, True, True]
