"""Points of risk: values by hand, every point from a named signal, what is missing is listed, refusals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.decline import (
    MOST_POINTS,
    SCALES,
    RiskBand,
    Signal,
    decline_risk,
    lost_share,
    risk_bands,
)

NAN = float("nan")
ARGUMENTS = {  # signal: (argument, from the value of the scale to the argument, values to draw)
    Signal.RHYTHM: ("rhythm", lambda value: value, st.floats(0, 20)),
    Signal.REVENUE_TREND: ("revenue_lost", lambda value: value, st.floats(0, 1)),
    Signal.CHANCE_GONE: ("alive", lambda value: 1 - value, st.floats(0, 1)),
    Signal.BREADTH_LOSS: ("breadth_lost", lambda value: value, st.floats(0, 1)),
    Signal.OVERDUE: ("overdue_share", lambda value: value, st.floats(0, 3)),
    Signal.COMPLAINTS: ("severe_complaints", lambda value: value, st.integers(0, 9).map(float)),
    Signal.CONTACT_SILENCE: ("contact_silence_days", lambda value: value, st.integers(0, 900).map(float)),
}
accounts = st.fixed_dictionaries({s: st.one_of(st.just(NAN), ARGUMENTS[s][2]) for s in Signal})


def risk_of(rows):
    """Rows: per account the value of each signal on its scale, NaN where it is not known."""
    return decline_risk(**{
        name: [turn(row.get(signal, NAN)) for row in rows] for signal, (name, turn, _) in ARGUMENTS.items()
    })  # fmt: skip


def test_scales_add_up_to_all_points_and_never_fall():
    assert sum(scale.most for scale in SCALES.values()) == MOST_POINTS
    assert set(SCALES) == set(Signal)
    for scale in SCALES.values():
        assert scale.points[0] == 0
        assert list(scale.values) == sorted(set(scale.values))
        assert list(scale.points) == sorted(scale.points)


def test_points_give_the_hand_values():
    risk = risk_of([
        {Signal.RHYTHM: 2.5, Signal.REVENUE_TREND: 0.4, Signal.CHANCE_GONE: 0.25, Signal.OVERDUE: 0.05},
        {Signal.RHYTHM: 9, Signal.REVENUE_TREND: 1, Signal.CHANCE_GONE: 1, Signal.BREADTH_LOSS: 1, Signal.OVERDUE: 2,
         Signal.COMPLAINTS: 5, Signal.CONTACT_SILENCE: 400},
        {Signal.RHYTHM: 0.5, Signal.CONTACT_SILENCE: 60},
    ])  # fmt: skip

    assert {signal: part[0] for signal, part in risk.contributions.items()} == pytest.approx({
        Signal.RHYTHM: 16.5, Signal.REVENUE_TREND: 10, Signal.CHANCE_GONE: 7.5, Signal.BREADTH_LOSS: 0,
        Signal.OVERDUE: 2, Signal.COMPLAINTS: 0, Signal.CONTACT_SILENCE: 0,
    })  # fmt: skip
    assert risk.points == pytest.approx([36, 100, 1.5])
    assert risk.evidence == pytest.approx([0.8, 1, 0.36])
    assert risk.band.tolist() == [RiskBand.WATCH, RiskBand.HIGH, RiskBand.LOW]
    missing = [signal for signal in Signal if not risk.is_known[signal][0]]
    assert missing == [Signal.BREADTH_LOSS, Signal.COMPLAINTS, Signal.CONTACT_SILENCE]


def test_account_without_any_signal_has_no_points_rather_than_none_to_fear():
    risk = decline_risk(rhythm=[NAN, 1.0])

    assert np.isnan(risk.points).tolist() == [True, False]
    assert risk.points[1] == 0
    assert risk.band.tolist() == [RiskBand.UNKNOWN, RiskBand.LOW]
    assert risk.evidence.tolist() == [0, 0.3]


@pytest.mark.parametrize(
    ("points", "band"),
    [(24.99, "low"), (25, "watch"), (25 - 1e-12, "watch"), (49.99, "watch"), (50, "high"), (NAN, "unknown")],
)
def test_band_begins_at_its_limit(points, band):
    assert risk_bands([points]).tolist() == [band]


def slow_points(signal, value):
    scale = SCALES[signal]
    if value <= scale.values[0]:
        return scale.points[0]
    for place in range(1, len(scale.values)):
        low, high = scale.values[place - 1], scale.values[place]
        if value <= high:
            part = (value - low) / (high - low)
            return scale.points[place - 1] + part * (scale.points[place] - scale.points[place - 1])
    return scale.most


@given(st.lists(accounts, min_size=1, max_size=6))
@settings(max_examples=500, deadline=None)
def test_points_equal_one_signal_after_the_other_and_are_their_sum(rows):
    risk = risk_of(rows)

    for place, row in enumerate(rows):
        known = {signal: value for signal, value in row.items() if not np.isnan(value)}
        for signal in Signal:
            assert bool(risk.is_known[signal][place]) == (signal in known)
            expected = slow_points(signal, known[signal]) if signal in known else 0
            assert risk.contributions[signal][place] == pytest.approx(expected, abs=1e-9)
            assert 0 <= risk.contributions[signal][place] <= SCALES[signal].most
        if known:
            assert risk.points[place] == pytest.approx(sum(part[place] for part in risk.contributions.values()))
            assert 0 <= risk.points[place] <= 100 * risk.evidence[place] + 1e-9
        else:
            assert np.isnan(risk.points[place])


@given(accounts, st.sampled_from(list(Signal)), st.floats(0, 3))
@settings(max_examples=500, deadline=None)
def test_worse_signal_never_lowers_the_points(row, signal, more):
    value = 0.0 if np.isnan(row[signal]) else row[signal]
    top = 1.0 if signal in {Signal.REVENUE_TREND, Signal.BREADTH_LOSS, Signal.CHANCE_GONE} else np.inf

    risk = risk_of([{**row, signal: value}, {**row, signal: min(value + more, top)}])

    assert risk.points[1] >= risk.points[0] - 1e-9


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6), st.sampled_from([0.0, 1_000.0]))
@settings(max_examples=500, deadline=None)
def test_lost_share_lies_between_nothing_and_all(base, comparison, min_base):
    share = float(lost_share([base], [comparison], min_base=min_base)[0])

    if base <= 0 or base < min_base:
        assert np.isnan(share)
    elif comparison >= base:
        assert share == 0
    elif comparison <= 0:
        assert share == 1
    else:
        assert share == pytest.approx((base - comparison) / base)


@pytest.mark.parametrize(
    "call",
    [
        lambda: decline_risk(rhythm=[-0.1]),
        lambda: decline_risk(rhythm=[float("inf")]),
        lambda: decline_risk(rhythm=1.0),
        lambda: decline_risk(rhythm=[1.0], alive=[1.1]),
        lambda: decline_risk(rhythm=[1.0], alive=[-0.1]),
        lambda: decline_risk(rhythm=[1.0], revenue_lost=[1.1]),
        lambda: decline_risk(rhythm=[1.0], breadth_lost=[-0.1]),
        lambda: decline_risk(rhythm=[1.0], overdue_share=[-0.1]),
        lambda: decline_risk(rhythm=[1.0], severe_complaints=[-1]),
        lambda: decline_risk(rhythm=[1.0], contact_silence_days=[-1]),
        lambda: decline_risk(rhythm=[1.0, 2.0], revenue_lost=[0.5]),
        lambda: lost_share([1], [1, 2]),
        lambda: lost_share([1], [1], min_base=NAN),
    ],
    ids=["rhythm-below", "rhythm-infinite", "no-list", "alive-above", "alive-below", "lost-above", "breadth-below",
         "overdue-below", "complaints-below", "silence-below", "lengths", "share-lengths", "min-base"],
)  # fmt: skip
def test_risk_outside_its_domain_is_refused(call):
    with pytest.raises(FormulaError):
        call()
