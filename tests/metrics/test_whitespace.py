"""Whitespace: states in their order, a value by hand, one cell after the other, refusals."""

import statistics
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm.lib.exceptions import FormulaError
from metrics.formulas.whitespace import CellStatus, GapReason, cell_status, gap_values, size_bands

NAN = float("nan")
OWNED, GAP = CellStatus.OWNED, CellStatus.GAP
MIXED = st.one_of(st.just(0.0), st.integers(-2_000, 900_000).map(lambda cents: cents / 100))


def test_first_state_that_holds_counts():
    cells = np.array(list(product([False, True], repeat=4)))

    status = cell_status(cells[:, :1], is_open_deal=cells[:, 1:2], is_lost=cells[:, 2:3], is_eligible=cells[:, 3:])

    expected = [
        CellStatus.OWNED if own else CellStatus.OPEN_DEAL if deal else CellStatus.LOST if lost
        else CellStatus.GAP if eligible else CellStatus.NOT_ELIGIBLE
        for own, deal, lost, eligible in cells.tolist()
    ]  # fmt: skip
    assert status[:, 0].tolist() == expected
    assert status.dtype == np.int8


def test_gap_value_gives_the_hand_value():
    spend = np.array([[100.0], [200], [300], [1_000], [400], [0], [0], [0]])
    status = np.array([[OWNED]] * 5 + [[GAP], [CellStatus.LOST], [CellStatus.NOT_ELIGIBLE]])

    gaps = gap_values(spend, status, segment=[1] * 8, size_band=[2] * 8, margin=[0.25])

    # peers of account 5: five buyers and the lost one; the one that cannot buy is no peer
    assert (gaps.peers[5, 0], gaps.buyers[5, 0], gaps.peer_spend[5, 0]) == (6, 5, 300)
    assert gaps.chance[5, 0] == pytest.approx(5 / 6)
    assert gaps.revenue[5, 0] == pytest.approx(250)
    assert gaps.value[5, 0] == pytest.approx(62.5)
    others = [0, 1, 2, 3, 4, 6, 7]
    assert np.isnan(gaps.value[others]).all()
    assert np.isnan(gaps.chance[others]).all()
    assert (gaps.reason == GapReason.NONE.value).all()


def test_gap_value_takes_a_tested_chance_where_there_is_one():
    spend = np.array([[100.0]] * 5 + [[0], [0]])
    status = np.array([[OWNED]] * 5 + [[GAP], [GAP]])
    chance = np.full((7, 1), NAN)
    chance[5] = 0.1

    gaps = gap_values(spend, status, segment=[0] * 7, size_band=[0] * 7, margin=[0.5], chance=chance)

    assert gaps.chance[5:, 0] == pytest.approx([0.1, 5 / 6])
    assert gaps.value[5:, 0] == pytest.approx([5, 250 / 6])


def test_gap_without_what_it_needs_names_the_reason():
    spend = np.zeros((14, 1))
    spend[:4] = spend[6:11] = 50  # four buyers in group 0, five in group 1
    status = np.where(spend > 0, OWNED, GAP)
    segment = [0] * 6 + [1] * 6 + [-1, 1]
    band = [0] * 13 + [-1]

    gaps = gap_values(spend, status, segment=segment, size_band=band, margin=[NAN])

    assert gaps.reason[[4, 11, 12, 13], 0].tolist() == [
        "whitespace_few_buyers", "whitespace_no_margin", "whitespace_no_peer_group", "whitespace_no_peer_group",
    ]  # fmt: skip
    assert np.isnan(gaps.value).all()
    assert gaps.revenue[11, 0] == pytest.approx(50 * 5 / 5)
    assert np.isnan(gaps.revenue[[4, 12, 13]]).all()
    assert gaps.buyers[:, 0].tolist() == [0, 0, 0, 0, 4, 4, 0, 0, 0, 0, 0, 5, 0, 0]


def test_size_bands_begin_at_their_limit():
    assert size_bands([-5, 0, 99, 100, 5_000, NAN], limits=[0, 100, 1_000]).tolist() == [0, 1, 1, 2, 3, -1]


@st.composite
def sheets(draw):
    accounts, products = draw(st.integers(1, 14)), draw(st.integers(1, 3))

    def table(values):
        row = st.lists(values, min_size=products, max_size=products)
        return draw(st.lists(row, min_size=accounts, max_size=accounts))

    def column(values):
        return draw(st.lists(values, min_size=accounts, max_size=accounts))

    spend = np.array(table(MIXED), dtype=float)
    other = np.array(table(st.sampled_from([GAP, GAP, *CellStatus])))
    status = np.where(spend > 0, OWNED, other)
    margin = table(st.one_of(st.just(NAN), st.floats(-1, 1)))
    chance = table(st.one_of(st.just(NAN), st.floats(0, 1)))
    return (
        spend,
        status,
        column(st.integers(-1, 1)),
        column(st.integers(-1, 1)),
        margin,
        chance,
        draw(st.integers(1, 5)),
    )


@given(sheets())
@settings(max_examples=500, deadline=None)
def test_gap_values_equal_one_cell_after_the_other(sheet):
    spend, status, segment, band, margin, chance, least = sheet
    gaps = gap_values(spend, status, segment=segment, size_band=band, margin=margin, chance=chance, min_buyers=least)

    for i, j in np.ndindex(*spend.shape):
        peers = [
            k for k in range(len(spend))
            if k != i and (segment[k], band[k]) == (segment[i], band[i]) and status[k, j] != CellStatus.NOT_ELIGIBLE
        ]  # fmt: skip
        buyers = [float(spend[k, j]) for k in peers if spend[k, j] > 0]
        is_placed = segment[i] >= 0 and band[i] >= 0
        found = (gaps.chance[i, j], gaps.peer_spend[i, j], gaps.revenue[i, j], gaps.value[i, j])
        if status[i, j] != GAP or not is_placed or len(buyers) < least:
            assert np.isnan(found).all()
            kept = GapReason.NO_PEERS if not is_placed else GapReason.FEW_BUYERS
            assert gaps.reason[i, j] == (kept.value if status[i, j] == GAP else "")
            continue
        assert (gaps.peers[i, j], gaps.buyers[i, j]) == (len(peers), len(buyers))
        likely = len(buyers) / len(peers) if np.isnan(chance[i][j]) else chance[i][j]
        typical = statistics.median(buyers)
        expected = (likely, typical, likely * typical, likely * typical * margin[i][j])
        assert found == pytest.approx(expected, rel=1e-12, nan_ok=True)
        assert gaps.reason[i, j] == (GapReason.NO_MARGIN.value if np.isnan(margin[i][j]) else "")


@given(sheets())
@settings(max_examples=500, deadline=None)
def test_gap_is_never_worth_more_than_its_typical_spend(sheet):
    spend, status, segment, band, margin, chance, least = sheet
    gaps = gap_values(spend, status, segment=segment, size_band=band, margin=margin, chance=chance, min_buyers=least)

    known = ~np.isnan(gaps.revenue)
    assert (gaps.revenue[known] <= gaps.peer_spend[known]).all()
    assert ((gaps.chance[known] >= 0) & (gaps.chance[known] <= 1)).all()
    assert (known <= (status == GAP)).all()
    valued = ~np.isnan(gaps.value)
    assert (np.abs(gaps.value[valued]) <= gaps.revenue[valued]).all()


def test_margin_of_a_product_is_that_of_each_of_its_cells():
    spend, status = np.array([[10.0, 0], [0, 20]]), np.array([[OWNED, GAP], [GAP, OWNED]])
    places = {"segment": [0, 0], "size_band": [0, 0], "min_buyers": 1}

    one = gap_values(spend, status, margin=[0.5, 0.1], **places)
    other = gap_values(spend, status, margin=[[0.5, 0.1], [0.5, 0.1]], **places)

    np.testing.assert_array_equal(one.value, other.value)
    assert one.value[0, 1] == pytest.approx(2)


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0)])
def test_sheet_without_cells_gives_no_gaps(shape):
    places = {"segment": np.zeros(shape[0], dtype=int), "size_band": np.zeros(shape[0], dtype=int)}

    gaps = gap_values(np.zeros(shape), np.zeros(shape, dtype=int), margin=np.zeros(shape[1]), **places)

    assert gaps.value.shape == shape


@pytest.mark.parametrize(
    "changes",
    [
        {"spend": [[NAN], [0.0]]},
        {"spend": [[0.0], [5.0]]},
        {"spend": [0.0, 0.0]},
        {"status": [[OWNED]]},
        {"segment": [0]},
        {"segment": [0.5, 0.5]},
        {"segment": [-2, 0]},
        {"size_band": [0, 0, 0]},
        {"margin": [1.1]},
        {"margin": [-np.inf]},
        {"margin": [0.1, 0.2, 0.3]},
        {"chance": [[1.2], [0.5]]},
        {"chance": [[-0.1], [0.5]]},
        {"chance": [0.5, 0.5]},
        {"min_buyers": 0},
    ],
    ids=["spend-nan", "spend-in-a-gap", "one-row", "status-shape", "segment-shape", "segment-half", "segment-below",
         "band-shape", "margin-above", "margin-infinite", "margin-shape", "chance-above", "chance-below",
         "chance-shape", "no-buyers"],
)  # fmt: skip
def test_gap_values_outside_their_domain_are_refused(changes):
    arguments = {
        "spend": [[5.0], [0.0]], "status": [[OWNED], [GAP]], "segment": [0, 0], "size_band": [0, 0], "margin": [0.5],
        **changes,
    }  # fmt: skip
    with pytest.raises(FormulaError):
        gap_values(arguments.pop("spend"), arguments.pop("status"), **arguments)


@pytest.mark.parametrize("limits", [[1, 1], [2, 1], [NAN], [[1, 2]]], ids=["equal", "descend", "nan", "table"])
def test_size_bands_outside_their_domain_are_refused(limits):
    with pytest.raises(FormulaError):
        size_bands([1.0], limits=limits)


def test_states_of_different_tables_are_refused():
    with pytest.raises(FormulaError):
        cell_status([[True]], is_open_deal=[[True, False]], is_lost=[[True]], is_eligible=[[True]])
    with pytest.raises(FormulaError):
        cell_status([True], is_open_deal=[True], is_lost=[True], is_eligible=[True])
