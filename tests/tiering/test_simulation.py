"""The sandbox's engine: the stored night re-scored, nothing written, the same grades a real first night would give."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from tests.factories import make_override, make_user
from tests.tiering.company import AS_OF, random_ledger
from tests.tiering.night import account_columns, night, periods, score_rows
from tiering import simulation
from tiering.enums import ModelState, Preset
from tiering.models import Score, ScoringModel
from tiering.services import activate_model, create_model, new_version
from tiering.simulation import simulate


@pytest.fixture
def graded(db):
    random_ledger(accounts=60, rows=1500, seed=8, with_cost=True)
    activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))
    return night(AS_OF)


def everybody():
    return Account.objects.all()


def asked(run, design, accounts=None):
    accounts = everybody() if accounts is None else accounts
    return simulate(run=run, design=design, accounts=accounts, fiscal_start_month=1)


def with_threshold(design, **values):
    changes = {tuple(name.split("__")): Decimal(value) for name, value in values.items()}
    return replace(design, thresholds=design.thresholds | changes)


def test_the_active_design_moves_nobody_and_writes_nothing(graded):
    rows, history, accounts, models = score_rows(graded), periods(), account_columns(), ScoringModel.objects.count()

    found = asked(graded, graded.model.design())

    assert (found.moved, found.movers, found.before) == (0, (), found.after)
    assert found.after == {code: graded.counts.get(code, 0) for code in found.after}
    assert sum(found.matrix.values()) == found.accounts == graded.accounts
    assert (score_rows(graded), periods(), account_columns()) == (rows, history, accounts)
    assert ScoringModel.objects.count() == models


def test_a_lower_gold_threshold_moves_accounts_up_with_their_revenue(graded):
    design = with_threshold(graded.model.design(), gold__revenue_ttm=1, gold__sal=0, gold__composite=0)

    found = asked(graded, design)

    gained = found.after["gold"] - found.before["gold"]
    assert found.moved == found.up > 0
    assert gained > 0
    came = {before: number for (before, after), number in found.matrix.items() if after == "gold" != before}
    assert sum(came.values()) == gained
    points = {"general": 1, "potential": 2, "strategic": 3, "problem": 2}
    assert found.load_after - found.load_before == sum((3 - points[before]) * number for before, number in came.items())
    rows = {row.account_id: row for row in Score.objects.filter(run=graded)}
    place = graded.model.raw_layout.index("revenue_ttm")
    assert found.moved_revenue == sum(
        (Decimal(repr(rows[one.account_id].raw[place])) for one in found.movers), Decimal(0)
    ).quantize(Decimal("0.0001"))
    assert [one.revenue for one in found.movers] == sorted((one.revenue for one in found.movers), reverse=True)


def test_a_version_that_is_activated_gives_what_the_sandbox_said(graded):
    """A first night by the new version, with the spans waited out, ends where the sandbox said it would."""
    draft = new_version(model=graded.model)
    draft.dimensions.filter(code="SAL").update(weight=30)
    draft.dimensions.filter(code="LOY").update(weight=45)
    draft.rules.filter(grade="gold", condition="composite").update(threshold=45)
    draft.confirm_up_days = draft.confirm_down_days = 1
    draft.save()
    said = asked(graded, draft.design())
    activate_model(model=draft)

    night(AS_OF)  # the first of the runs
    done = night(AS_OF + timedelta(days=1))

    assert {code: done.counts[code] for code in said.after} == said.after


def test_weights_that_do_not_add_up_are_scaled(graded):
    design = graded.model.design()
    doubled = replace(design, dimensions={code: weight * 2 for code, weight in design.dimensions.items()})

    assert asked(graded, doubled).after == asked(graded, design).after


def test_an_indicator_the_night_did_not_measure_is_named(graded):
    full = create_model(preset=Preset.FULL, as_of=AS_OF)

    assert asked(graded, full.design()).unmeasured == ("L3", "L4", "L5", "P2", "P3", "P4", "S2", "S3")
    assert full.state == ModelState.DRAFT


def test_a_viewer_sees_the_own_accounts_only(graded):
    owner = make_user()
    mine = list(Account.objects.order_by("pk")[:7])
    Account.objects.filter(pk__in=[one.pk for one in mine]).update(owner=owner)

    found = asked(graded, graded.model.design(), Account.objects.visible_to(owner))

    assert found.accounts == 7
    assert sum(found.after.values()) == 7


def test_the_second_look_reads_no_rows(graded):
    simulation._snapshot.cache_clear()
    design = graded.model.design()
    asked(graded, design)

    with CaptureQueriesContext(
        connection,
    ) as seen:
        asked(graded, design)

    assert not [query["sql"] for query in seen if "tiering_score" in query["sql"]]


def test_crowded_key_accounts_are_warned_of(graded):
    found = asked(graded, with_threshold(graded.model.design(), gold__revenue_ttm=1, gold__sal=0, gold__composite=0))

    assert found.key_accounts == found.after["diamond"] + found.after["gold"] + found.after["strategic"]
    assert found.is_crowded == (found.key_accounts > 35)


def test_problems_and_grades_set_by_hand_stay_and_moves_under_way_are_told_apart(graded):
    problem, by_hand, waiting = Account.objects.filter(grade="general").order_by("pk")[:3]
    Account.objects.filter(pk=problem.pk).update(credit_stop_on=AS_OF)
    override = make_override(account=by_hand, grade="strategic", valid_from=AS_OF, valid_to=AS_OF + timedelta(days=60))
    run = night(AS_OF + timedelta(days=1))
    shown = dict(Score.objects.filter(run=run).values_list("account_id", "grade"))
    assert (shown[problem.pk], shown[by_hand.pk], override.state) == ("problem", "strategic", "approved")

    still = asked(run, run.model.design())
    moved = asked(run, with_threshold(run.model.design(), gold__revenue_ttm=1, gold__sal=0, gold__composite=0))

    names = {one.account_id for one in moved.movers}
    assert still.moved == still.pending
    assert {problem.pk, by_hand.pk}.isdisjoint(names)
    assert waiting.pk in names
