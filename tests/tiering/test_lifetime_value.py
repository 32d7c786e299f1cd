"""Lifetime value as an indicator: the same figure as the question, only of a grade that can be trusted, never stale."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from metrics.models import LifetimeFit
from metrics.services.lifetime import lifetime
from tests.factories import make_account, post_revenue
from tests.metrics.ledger import simulated_ledger
from tests.tiering.night import night, score_rows
from tiering import ledger_facts
from tiering.enums import IndicatorCode, Preset
from tiering.explain import explain
from tiering.grading import Flag
from tiering.indicators import measure
from tiering.models import Score, ScoringModel
from tiering.optional import USUAL_SCALES
from tiering.services import activate_model, create_model

AS_OF = date(2011, 12, 31)
CLV_BITS = Flag.CLV_UNTRUSTED | Flag.CLV_NO_AMOUNT | Flag.CLV_NO_COST
pytestmark = pytest.mark.django_db


def measured(*codes):
    model = ScoringModel(currency="CNY", basis="invoiced", min_base=Decimal(1000))
    return measure(model, as_of=AS_OF, codes=codes or ["S5"], fiscal_start_month=1)


def reasons_of(found):
    return {int(bits) & int(CLV_BITS) for bits in found.flags}


def valued_model(preset=Preset.FULL):
    """An active version that scores the lifetime value instead of the gross margin."""
    model = create_model(preset=preset, as_of=AS_OF, currency="CNY")
    margin = model.indicators.get(code="S3")
    margin.code, margin.anchors = "S5", [list(anchor) for anchor in USUAL_SCALES["S5"]]
    margin.save()
    return activate_model(model=model)


def test_value_is_that_of_the_question_where_the_data_grade_is_a_or_b():
    simulated_ledger(260, as_of=AS_OF)
    prospect = make_account()
    found, told = measured(), lifetime(Account.objects.all(), as_of=AS_OF, currency="CNY").table
    expected = {
        int(pk): clv if grade in {"A", "B"} else np.nan
        for pk, clv, grade in zip(told.unit_ids, told.columns["clv"], told.columns["grade"], strict=True)
    }

    values = dict(zip(found.ids.tolist(), found.indicators[IndicatorCode.S5].tolist(), strict=True))
    assert set(told.columns["grade"]) <= {"A", "B"}
    assert values.keys() - expected.keys() == {prospect.pk}
    assert [values[pk] for pk in expected] == pytest.approx(list(expected.values()), abs=1e-4, nan_ok=True)
    assert reasons_of(found) == {0, int(Flag.CLV_UNTRUSTED)}  # the prospect has nothing to value


def test_base_too_small_for_a_model_is_grade_c_and_counts_nothing():
    simulated_ledger(12, as_of=AS_OF)
    found = measured()

    assert np.isnan(found.indicators["S5"]).all()
    assert reasons_of(found) == {int(Flag.CLV_UNTRUSTED)}


def test_without_cost_there_is_no_value_and_never_revenue_instead():
    simulated_ledger(260, as_of=AS_OF, cost_share=None)
    found = measured()

    assert np.isnan(found.indicators["S5"]).all()
    assert reasons_of(found) == {int(Flag.CLV_NO_COST)}


def test_foreign_currency_without_a_rate_leaves_it_unknown():
    simulated_ledger(260, as_of=AS_OF, currency="USD")
    found = measured()

    assert np.isnan(found.indicators["S5"]).all()
    assert reasons_of(found) == {int(Flag.CLV_NO_AMOUNT)}


def test_nothing_that_was_kept_is_used():
    """A stored fit of the same day and ledger that says something else changes nothing."""
    simulated_ledger(260, as_of=AS_OF)
    before = measured().indicators["S5"]
    wrong = {"r": 9.0, "alpha": 1.0, "a": 9.0, "b": 1.0, "p": 9.0, "q": 9.0, "gamma": 1.0}
    LifetimeFit.objects.create(
        as_of=AS_OF, basis="invoiced", currency="CNY", method="bg-nbd + gamma-gamma", parameters=wrong, accounts=1
    )

    assert np.array_equal(measured().indicators["S5"], before, equal_nan=True)


def test_amount_that_cannot_be_true_does_not_move_the_others():
    accounts = simulated_ledger(260, as_of=AS_OF)
    odd = accounts[0]
    sane = [place for place, pk in enumerate(measured().ids.tolist()) if pk != odd.pk]
    days = [AS_OF - timedelta(days=day) for day in (40, 30, 20)]
    with_orders = [{"account": odd, "booked_on": day, "amount": Decimal(1), "cost": Decimal(0)} for day in days]
    post_revenue(with_orders)
    left_out = [{**row, "amount": Decimal(900_000_000_000_000)} for row in with_orders]
    post_revenue([*left_out, *left_out])
    found = measured().indicators["S5"]

    assert np.isfinite(found[sane]).all()
    assert float(np.nanmax(found[sane])) < 1e6


def test_model_without_it_reads_no_order_days():
    simulated_ledger(20, as_of=AS_OF)
    with CaptureQueriesContext(connection) as without:
        plain = measured("S1")
    with CaptureQueriesContext(connection) as taken:
        measured("S1", "S5")

    assert "S5" not in plain.indicators
    assert not int(np.bitwise_or.reduce(plain.flags)) & int(CLV_BITS)
    assert len(taken) > len(without)


def test_every_night_counts_everybody_and_equals_a_full_count():
    accounts = simulated_ledger(260, as_of=AS_OF - timedelta(days=9))
    valued_model()
    first = night(AS_OF - timedelta(days=3))
    post_revenue([{"account": accounts[3], "booked_on": AS_OF - timedelta(days=2), "amount": Decimal(50)}])
    second = night(AS_OF - timedelta(days=2))
    kept = score_rows(second)
    ledger_facts.forget()
    again = night(AS_OF - timedelta(days=2))

    counted = [phase["recounted"] for phase in second.phases if phase["name"] == "indicators"]
    assert counted == [len(accounts)]
    assert score_rows(again) == kept
    assert score_rows(first) != kept


def test_night_repeats_to_the_last_digit():
    simulated_ledger(260, as_of=AS_OF)
    valued_model()
    first = score_rows(night(AS_OF))

    assert score_rows(night(AS_OF)) == first


def test_card_shows_the_value_or_why_there_is_none():
    accounts = simulated_ledger(260, as_of=AS_OF)
    prospect = make_account()
    valued_model()
    run = night(AS_OF)

    def part_of(account):
        told = explain(Score.objects.select_related("run__model").get(run=run, account=account))
        return next(part for one in told.dimensions for part in one.indicators if part.code == "S5")

    known, unknown = part_of(accounts[0]), part_of(prospect)
    assert known.label == "Customer lifetime value, 36 months"
    assert known.value is not None
    assert known.score is not None
    assert known.reason == ""
    assert (unknown.value, unknown.value_text) == (None, "not known")
    assert unknown.reason == (
        "Too few orders for a lifetime value that can be trusted (data grade C); grade A or B counts."
    )
