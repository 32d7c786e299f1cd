"""Grades set by hand and decided problems: who may, for how long, and what the nights make of them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from accounts.models import Account
from tests.factories import make_account, make_user, post_revenue
from tests.tiering.company import AS_OF, monthly, random_ledger
from tests.tiering.night import night, periods
from tiering.enums import OverrideState, Preset
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import Override, Score
from tiering.selectors import score_of
from tiering.services import activate_model, create_model
from tiering.services_overrides import (
    DecisionRefused,
    OverrideRefused,
    approve_override,
    decide_problem,
    end_override,
    proposed_since,
    refuse_override,
    request_override,
)

NEXT_YEAR = date(2025, 12, 31)


def asked(account=None, **fields):
    defaults = {"grade": "gold", "reason": "project", "text": "Tender until spring", "valid_from": AS_OF}
    defaults |= {"account": account or make_account(), "valid_to": NEXT_YEAR, "requested_by": make_user()}
    return request_override(**(defaults | fields))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"grade": "platinum"}, "six grades"),
        ({"grade": "not_graded"}, "six grades"),
        ({"text": "  "}, "Say why"),
        ({"valid_to": AS_OF}, "ends before it begins"),
        ({"valid_to": date(2026, 1, 1)}, "12 months at most"),
        ({"reason": "freeze"}, "six grades"),  # a fresh account shows no grade to freeze
    ],
)
def test_a_request_outside_the_rules_is_refused(db, fields, words):
    with pytest.raises(OverrideRefused, match=words):
        asked(**fields)
    assert not Override.objects.exists()


def test_nobody_approves_the_own_request_and_a_diamond_needs_two(db):
    override, diamond = asked(), asked(grade="diamond")
    first, second = make_user(), make_user()

    with pytest.raises(OverrideRefused, match="somebody else"):
        approve_override(override=override, approved_by=override.requested_by)
    assert approve_override(override=override, approved_by=first).state == OverrideState.APPROVED
    assert approve_override(override=diamond, approved_by=first).state == OverrideState.REQUESTED
    with pytest.raises(OverrideRefused, match="second person"):
        approve_override(override=diamond, approved_by=first)
    assert approve_override(override=diamond, approved_by=second).state == OverrideState.APPROVED
    with pytest.raises(OverrideRefused, match="decided already"):
        approve_override(override=diamond, approved_by=second)


def test_the_database_itself_refuses_an_own_approval_a_single_one_and_an_overlap(db):
    override, diamond = asked(), asked(grade="diamond")
    approve_override(override=diamond, approved_by=make_user())
    for broken, fields in (
        (override, {"approved_by": override.requested_by}),
        (diamond, {"state": OverrideState.APPROVED}),
        (override, {"valid_to": date(2026, 6, 1)}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Override.objects.filter(pk=broken.pk).update(**fields)

    approve_override(override=override, approved_by=make_user())
    again = asked(override.account, valid_from=date(2025, 3, 1))
    with pytest.raises(OverrideRefused, match="Another override"):
        approve_override(override=again, approved_by=make_user())


def test_who_asked_withdraws_and_others_refuse_with_a_reason(db):
    mine, others = asked(), asked()

    with pytest.raises(OverrideRefused, match="Say why"):
        refuse_override(override=others, by=make_user(), text="")
    assert refuse_override(override=mine, by=mine.requested_by, text="Settled").state == OverrideState.WITHDRAWN
    assert refuse_override(override=others, by=make_user(), text="No ground").state == OverrideState.REFUSED


def test_an_override_is_shown_from_its_first_to_its_last_day_and_the_computed_grade_recorded(db):
    random_ledger(accounts=30, rows=600, seed=3)
    night(AS_OF)
    account = Account.objects.filter(grade="general").order_by("pk").first()
    start, end = AS_OF + timedelta(days=1), AS_OF + timedelta(days=11)
    approve_override(override=asked(account, valid_from=start, valid_to=end), approved_by=make_user())

    for days in (0, 1, 10, 11, 12):
        night(AS_OF + timedelta(days=days))

    assert periods(account) == [("general", AS_OF, start), ("gold", start, end), ("general", end, None)]
    row = Score.objects.select_related("run__model").get(account=account, run__as_of=start)
    assert (row.grade, row.ladder, row.has_flag(Flag.OVERRIDDEN)) == ("gold", "general", True)
    assert explain(row).sentence == "Gold, set by hand. Computed: General."


def test_a_credit_stop_pierces_an_override_until_the_problem_is_over(db):
    random_ledger(accounts=20, rows=400, seed=3)
    night(AS_OF)
    account = Account.objects.filter(grade="general").order_by("pk").first()
    approve_override(override=asked(account), approved_by=make_user())
    night(AS_OF + timedelta(days=1))
    Account.objects.filter(pk=account.pk).update(credit_stop_on=AS_OF + timedelta(days=2))
    night(AS_OF + timedelta(days=2))
    Account.objects.filter(pk=account.pk).update(credit_stop_on=None)
    for days in (3, 30, 31):
        night(AS_OF + timedelta(days=days))

    grades = [grade for grade, _from, _to in periods(account)]
    assert grades == ["general", "gold", "problem", "gold"]
    assert periods(account)[-1][1] == AS_OF + timedelta(days=31)


def test_ending_early_keeps_what_was_shown_before(db):
    random_ledger(accounts=20, rows=400, seed=3)
    night(AS_OF)
    account = Account.objects.filter(grade="general").order_by("pk").first()
    override = asked(account, valid_from=AS_OF + timedelta(days=1))
    approve_override(override=override, approved_by=make_user())
    night(AS_OF + timedelta(days=1))

    with pytest.raises(OverrideRefused, match="Say why"):
        end_override(override=override, by=make_user(), text="", on=AS_OF + timedelta(days=2))
    ended = end_override(override=override, by=make_user(), text="Tender lost", on=AS_OF + timedelta(days=2))
    night(AS_OF + timedelta(days=2))

    assert (ended.state, ended.valid_to) == (OverrideState.ENDED, AS_OF + timedelta(days=2))
    assert [grade for grade, _from, _to in periods(account)] == ["general", "gold", "general"]


@pytest.fixture
def falling(db):
    """A Gold account by its last fiscal year whose revenue has halved and whose margin is thin: 4 points."""
    account = make_account()
    post_revenue(
        monthly(account, 900_000, first=date(2022, 1, 1), months=24, cost=500_000)
        + monthly(account, 430_000, first=date(2024, 1, 1), months=16, cost=400_000)
    )
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    model.rules.filter(grade="gold", condition__in=["sal", "composite"]).update(threshold=0)
    model.evidence_any = model.evidence_up = model.min_valid_weight = Decimal("0.3")
    model.save()
    activate_model(model=model)
    return account


def test_a_proposed_problem_waits_for_a_manager(falling):
    first, held = night(AS_OF), AS_OF + timedelta(days=31)
    assert Score.objects.get(run=first, account=falling).grade == "gold"
    with pytest.raises(DecisionRefused, match="No problem is proposed"):
        decide_problem(account=falling, verdict="confirm", text="Lost", decided_by=make_user())

    night(held)
    assert proposed_since(score_of(falling)) == AS_OF
    with pytest.raises(DecisionRefused, match="Say why"):
        decide_problem(account=falling, verdict="confirm", text=" ", decided_by=make_user())
    decide_problem(account=falling, verdict="confirm", text="Lost the plant", decided_by=make_user())
    with pytest.raises(DecisionRefused, match="has decided already"):
        decide_problem(account=falling, verdict="refuse", text="No", decided_by=make_user())

    night(held)  # the same night again acts on what was said since
    falling.refresh_from_db()
    assert (falling.grade, falling.underlying_grade) == ("problem", "gold")


def test_a_refused_problem_starts_its_span_anew(falling):
    for days in (0, 28):
        night(AS_OF + timedelta(days=days))
    decide_problem(account=falling, verdict="refuse", text="Plant restarts in May", decided_by=make_user())

    night(AS_OF + timedelta(days=28))

    row = score_of(falling)
    assert (row.grade, row.has_flag(Flag.PROPOSED)) == ("gold", False)
    night(AS_OF + timedelta(days=56))
    assert proposed_since(score_of(falling)) == AS_OF + timedelta(days=28)
