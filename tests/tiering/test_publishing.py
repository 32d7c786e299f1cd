"""Grades over time: history without gaps, a repeat that changes nothing, days that are refused, replay."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Account
from tests.factories import make_account, make_rating, make_wallet_estimate, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import account_columns, night, periods, score_rows
from tiering import publishing
from tiering.enums import Preset, RunState, RunTrigger
from tiering.models import GradePeriod, ReplacedPeriod, Score, TierRun
from tiering.presets import full
from tiering.publishing import AsOfRefused
from tiering.services import activate_model, create_model

MONTH_ENDS = [date(2024, month, day) for month, day in ((9, 30), (10, 31), (11, 30), (12, 31))]


@pytest.fixture
def ledger(db):
    return random_ledger(accounts=40, rows=900, seed=11)


def test_every_account_gets_a_row_and_a_grade_or_a_reason(ledger):
    silent = make_account()

    run = night(AS_OF)

    assert run.state == RunState.PUBLISHED
    assert Score.objects.filter(run=run).count() == len(ledger) + 1 == run.accounts == sum(run.counts.values())
    assert run.counts["general"] > 0
    row = Score.objects.get(run=run, account=silent)
    assert (row.grade, row.ladder, row.flags & 1) == ("not_graded", "", 1)
    assert {(a.pk, a.grade) for a in Account.objects.all()} == set(
        Score.objects.filter(run=run).values_list("account_id", "grade")
    )


def test_the_same_night_again_gives_the_same_rows_and_writes_nothing_else(ledger):
    for day in MONTH_ENDS[:-1]:
        night(day)
    first = night(AS_OF)
    rows, history, accounts = score_rows(first), periods(), account_columns()

    again = night(AS_OF)

    first.refresh_from_db()
    assert score_rows(again) == rows
    assert (periods(), account_columns()) == (history, accounts)
    assert not ReplacedPeriod.objects.exists()  # a period that ends is no correction
    assert (again.counts, again.matrix, again.moves) == (first.counts, first.matrix, first.moves)
    assert (first.state, again.state) == (RunState.SUPERSEDED, RunState.PUBLISHED)
    assert {phase["name"]: phase for phase in again.phases}["publish"]["periods"] == 0


def test_a_repeat_replaces_what_it_had_said(ledger):
    """A credit stop lifted between two runs of one night: the history is corrected, and what it had said is kept."""
    night(MONTH_ENDS[2])
    account = Account.objects.get(pk=Score.objects.filter(grade="gold").first().account_id)
    account.credit_stop_on = AS_OF
    account.save()
    night(AS_OF)
    assert periods(account) == [("gold", MONTH_ENDS[2], AS_OF), ("problem", AS_OF, None)]
    account.refresh_from_db()
    assert (account.grade, account.underlying_grade, account.grade_since) == ("problem", "gold", AS_OF)

    Account.objects.filter(pk=account.pk).update(credit_stop_on=None)
    run = night(AS_OF)

    account.refresh_from_db()
    assert periods(account) == [("gold", MONTH_ENDS[2], None)]
    assert (account.grade, account.underlying_grade, account.grade_since) == ("gold", "", MONTH_ENDS[2])
    assert Score.objects.get(run=run, account=account).previous_grade == "gold"
    was = ReplacedPeriod.objects.filter(account=account).order_by("valid_from")
    assert list(was.values_list("grade", "valid_from", "valid_to")) == [
        ("gold", MONTH_ENDS[2], AS_OF),
        ("problem", AS_OF, None),
    ]
    for change in (was.delete, lambda: was.update(grade="general")):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_history_follows_the_runs_day_by_day(ledger):
    said = {}
    for day in MONTH_ENDS:
        run = night(day)
        said[day] = dict(Score.objects.filter(run=run).values_list("account_id", "grade"))

    for account in ledger:
        for day in MONTH_ENDS:
            held = [grade for grade, start, end in periods(account) if start <= day and (end is None or day < end)]
            assert held == [said[day][account.pk]]
    for row in Score.objects.filter(run=run):
        assert row.previous_grade == said[MONTH_ENDS[-2]][row.account_id]
    since = dict(Account.objects.values_list("pk", "grade_since"))
    for account in ledger:
        changed = [
            d
            for d, before in zip(MONTH_ENDS[1:], MONTH_ENDS, strict=False)
            if said[d][account.pk] != said[before][account.pk]
        ]
        assert since[account.pk] == (changed[-1] if changed else MONTH_ENDS[0])


def test_moves_are_counted_from_grade_to_grade(ledger):
    night(MONTH_ENDS[0])

    run = night(AS_OF)

    moved = Score.objects.filter(run=run).exclude(previous_grade="")
    found = [(r.previous_grade, r.grade) for r in moved if r.previous_grade != r.grade]
    assert run.moves == len(found) > 0
    assert sorted((before, now) for before, now, n in run.matrix for _ in range(n)) == sorted(found)


def test_an_earlier_day_is_refused_and_changes_nothing(ledger):
    night(AS_OF)
    before = (score_rows(), periods(), account_columns())

    for replay, day in ((False, MONTH_ENDS[0]), (False, AS_OF - timedelta(days=1)), (True, AS_OF - timedelta(days=0))):
        if day < AS_OF:
            with pytest.raises(AsOfRefused):
                night(day, replay=replay)

    assert (score_rows(), periods(), account_columns()) == before
    assert TierRun.objects.count() == 1


def test_a_day_that_is_not_over_is_refused(ledger):
    with pytest.raises(AsOfRefused):
        night(date(2999, 1, 1))


def test_replay_fills_history_before_the_first_run_in_ascending_order(ledger):
    night(AS_OF)
    columns = [row[:3] + row[4:] for row in account_columns()]
    history_of_own = [row for row in periods() if row[4] == AS_OF]

    runs = [night(day, replay=True) for day in MONTH_ENDS[:3]]

    assert {run.trigger for run in runs} == {RunTrigger.REPLAY}
    assert [row[:3] + row[4:] for row in account_columns()] == columns
    assert [row for row in periods() if row[4] == AS_OF] == history_of_own
    for run in runs:
        said = dict(Score.objects.filter(run=run).values_list("account_id", "grade"))
        for account in ledger:
            held = [g for g, start, end in periods(account) if start <= run.as_of and (end is None or run.as_of < end)]
            assert held == [said[account.pk]]
    with pytest.raises(AsOfRefused):
        night(MONTH_ENDS[0], replay=True)
    with pytest.raises(AsOfRefused):
        night(AS_OF - timedelta(days=1))
    night(MONTH_ENDS[2], replay=True)
    night(AS_OF)


def test_replay_lengthens_since_over_an_unbroken_grade(db):
    account = make_account()
    post_revenue(monthly(account, 100, first=date(2022, 1, 1), months=36))
    night(AS_OF)

    night(MONTH_ENDS[0], replay=True)

    account.refresh_from_db()
    assert periods(account)[0][:2] == (account.grade, MONTH_ENDS[0])
    assert account.grade_since == MONTH_ENDS[0]


def test_stale_ratings_hold_the_current_grade_only(db):
    holder, newcomer = make_account(), make_account()
    post_revenue(
        [r for a in (holder, newcomer) for r in monthly(a, 10_000, first=date(2023, 1, 1), months=26, cost=5000)]
    )
    activate_model(model=create_model(preset=Preset.FULL, as_of=AS_OF))
    for account in (holder, newcomer):
        for indicator in ("V1", "V2", "V3"):
            for function in ("sales", "delivery"):
                make_rating(
                    account=account,
                    function=function,
                    indicator=indicator,
                    score=5,
                    rated_on=date(2024, 1, 1),
                    expires_on=date(2025, 1, 1),
                )
        make_wallet_estimate(
            account=account, amount=Decimal(400_000), estimated_on=date(2024, 9, 1), expires_on=date(2025, 9, 1)
        )
    newcomer.ratings.update(rated_on=date(2023, 12, 1), expires_on=date(2024, 12, 31))
    first = night(AS_OF)
    assert dict(Score.objects.filter(run=first).values_list("account_id", "grade"))[holder.pk] == "strategic"
    assert dict(Score.objects.filter(run=first).values_list("account_id", "grade"))[newcomer.pk] != "strategic"

    second = night(date(2025, 1, 31))
    held = Score.objects.get(run=second, account=holder)
    night(date(2025, 7, 31))
    late = night(date(2025, 8, 31))

    assert (held.grade, bool(held.flags & (1 << 22))) == ("strategic", True)
    assert held.evidence < 0.8
    assert Score.objects.get(run=second, account=newcomer).grade != "strategic"
    assert Score.objects.get(run=late, account=holder).grade != "strategic"


def test_only_changed_accounts_are_written(ledger):
    night(AS_OF)
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, ctid::text FROM accounts_account ORDER BY id")
        before = cursor.fetchall()

    night(AS_OF)

    with connection.cursor() as cursor:
        cursor.execute("SELECT id, xmin::text, ctid::text FROM accounts_account ORDER BY id")
        assert cursor.fetchall() == before


def test_publish_refuses_a_run_that_another_overtook(ledger, monkeypatch):
    kept = {}
    original = publishing.publish
    with monkeypatch.context() as watched:
        watched.setattr(
            publishing, "publish", lambda run, found, **o: kept.update(x=found) or original(run, found, **o)
        )
        overtaken = night(MONTH_ENDS[0])
    night(AS_OF)
    TierRun.objects.filter(pk=overtaken.pk).update(state=RunState.READY, published_at=None)

    with pytest.raises(AsOfRefused):
        publishing.publish(TierRun.objects.get(pk=overtaken.pk), kept["x"], today=date(2025, 6, 1))


def test_a_grade_changed_behind_the_nights_back_is_put_right(ledger):
    """Only accounts that say something else are written, whoever made them say it."""
    night(MONTH_ENDS[2])
    Account.objects.filter(pk=ledger[0].pk).update(grade="diamond", composite=99.9, is_watched=True)

    run = night(AS_OF)

    row = Score.objects.get(run=run, account=ledger[0])
    account = Account.objects.get(pk=ledger[0].pk)
    assert (account.grade, account.is_watched) == (row.grade, bool(row.flags & (1 << 5)))
    assert account.composite == pytest.approx(row.composite, abs=0.05)


def test_scores_of_replaced_runs_are_cleared_by_the_next_one(ledger):
    first = night(AS_OF)
    second = night(AS_OF)
    assert Score.objects.filter(run=first).exists()  # until the next run: deleting is not part of the short publish

    third = night(AS_OF)

    assert set(Score.objects.values_list("run_id", flat=True).distinct()) == {second.pk, third.pk}


def test_grade_periods_never_overlap(ledger):
    night(AS_OF)
    one = GradePeriod.objects.first()

    for start, end in ((AS_OF, None), (AS_OF - timedelta(days=9), AS_OF + timedelta(days=1))):
        with pytest.raises(IntegrityError), transaction.atomic():
            GradePeriod.objects.create(account=one.account, grade="gold", valid_from=start, valid_to=end, run=one.run)
    GradePeriod.objects.create(
        account=one.account, grade="gold", valid_from=AS_OF - timedelta(days=9), valid_to=AS_OF, run=one.run
    )


def test_all_six_grades_can_live_together(db):
    """The model `full` on a small company built to show every grade."""
    names = ("diamond", "gold", "strategic", "potential", "general", "problem", "not_graded")
    made = {name: make_account(name=name) for name in names}
    month = {
        "diamond": 2_000_000,
        "gold": 600_000,
        "strategic": 50_000,
        "potential": 40_000,
        "general": 50_000,
        "problem": 600_000,
    }
    rows = []
    for name, amount in month.items():
        first = date(2024, 5, 1) if name == "potential" else date(2021, 1, 1)
        months = 8 if name == "potential" else 48
        rows += monthly(made[name], amount, first=first, months=months, cost=amount * 6 // 10)
    rows += monthly(made["potential"], 10_000, first=date(2023, 1, 1), months=6, cost=5_000)
    post_revenue(rows)
    for name in month:
        for indicator in ("V1", "V2", "V3", "P3", "L5"):
            top = name == "strategic" or (name == "potential" and indicator == "P3")
            for function in ("sales", "delivery"):
                make_rating(
                    account=made[name],
                    function=function,
                    indicator=indicator,
                    score=5 if top else 3,
                    rated_on=date(2024, 6, 1),
                    expires_on=date(2025, 6, 1),
                )
    for name, amount in (("diamond", 60e6), ("gold", 20e6), ("problem", 20e6), ("potential", 10e6), ("general", 1e6)):
        make_wallet_estimate(
            account=made[name], amount=Decimal(amount), estimated_on=date(2024, 6, 1), expires_on=date(2025, 6, 1)
        )
    Account.objects.filter(name="problem").update(litigation_on=date(2024, 12, 1))
    activate_model(model=create_model(preset=Preset.FULL, as_of=AS_OF))

    run = night(AS_OF)

    assert dict(Score.objects.filter(run=run).values_list("account__name", "grade")) == {name: name for name in names}
    assert run.counts == dict.fromkeys(names, 1)
    assert Score.objects.get(run=run, account=made["problem"]).ladder == "gold"
    assert full().thresholds["gold", "revenue_ttm"] == 5_000_000
