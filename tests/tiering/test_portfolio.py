"""The portfolio of key accounts: both axes by hand, the cut, and who lacks what."""

import math

import pytest

from accounts.models import Account
from tests.api.nights import make_published_run, make_scoring_model
from tests.factories import make_account, make_user
from tiering.models import Score
from tiering.portfolio import portfolio

pytestmark = pytest.mark.django_db


def graded(values: dict[Account, dict[str, float]]):
    """A night of the preset Full in which each account has these raw values and no others."""
    model = make_scoring_model()
    run = make_published_run(model, dict.fromkeys(values, "general"))
    for account, known in values.items():
        raw = [known.get(code, math.nan) for code in model.raw_layout]
        Score.objects.filter(run=run, account=account).update(raw=raw)
    return run


def ask(run, accounts=None):
    return portfolio(Account.objects.all() if accounts is None else accounts, run=run)


def test_both_axes_are_as_by_hand():
    # STR: V1 5, V2 3 → (40·100 + 35·50)/75; GRO: P1 0, P2 5 M → (35·40 + 35·60)/70 = 50; weights 25 and 20
    # LOY: L2 12 months, L3 0.2, L5 3 → (25·100 + 25·40 + 15·50)/65
    account = make_account()
    run = graded({account: {"V1": 5, "V2": 3, "P1": 0, "P2": 5e6, "L2": 12, "L3": 0.2, "L5": 3, "revenue_ttm": 2e6}})

    points = ask(run).points

    strategic = (40 * 100 + 35 * 50) / 75
    assert points.ids.tolist() == [account.pk]
    assert points.attractiveness.tolist() == pytest.approx([(25 * strategic + 20 * 50) / 45])
    assert points.strength.tolist() == pytest.approx([(2500 + 1000 + 750) / 65])
    assert points.revenue.tolist() == [2e6]
    assert [(one.quadrant, one.accounts, int(one.revenue)) for one in ask(run).quadrants] == [
        ("invest", 1, 2_000_000), ("selective", 0, 0), ("maintain", 0, 0), ("cash", 0, 0),
    ]  # fmt: skip


def test_a_dimension_below_half_its_evidence_does_not_count_and_fifty_is_above_the_cut():
    # P3 and P4 are 30 % of growth: too little; V1 alone is 40 % of strategic value: too little as well.
    thin, strategic = make_account(), make_account()
    run = graded(
        {
            thin: {"V1": 5, "P3": 5, "P4": 1, "L3": 0.5},
            strategic: {"V1": 3, "V2": 3, "P3": 1, "L5": 3},  # 50 and 50
        }
    )

    found = ask(run)

    assert found.points.ids.tolist() == [strategic.pk]
    assert found.points.of("invest").ids.tolist() == [strategic.pk]
    assert (found.without_attractiveness, found.without_strength, found.missing) == (1, 0, 1)


def test_what_the_customer_does_alone_is_no_view_of_ours():
    silent, nothing = make_account(), make_account()
    run = graded({silent: {"P1": 0.5, "P2": 5e7, "L1": 9, "L2": 12}, nothing: {}})

    found = ask(run)

    assert (len(found.points), found.without_strength, found.without_both, found.missing) == (0, 2, 1, 2)


def test_only_the_accounts_in_view_are_placed_largest_revenue_first():
    owner = make_user()
    known = {"V1": 5, "V2": 5, "L5": 1}
    small, large, foreign = make_account(owner=owner), make_account(owner=owner), make_account()
    run = graded({small: known | {"revenue_ttm": 1}, large: known | {"revenue_ttm": 9}, foreign: known})

    mine = ask(run, Account.objects.visible_to(owner))

    assert mine.points.ids.tolist() == [large.pk, small.pk]
    assert mine.accounts == 2
    assert ask(run).points.ids.tolist() == [large.pk, small.pk, foreign.pk]
