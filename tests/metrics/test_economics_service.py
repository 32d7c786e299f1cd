"""The retention calculator over a ledger: what it takes from the portfolio, the readings, and what it does not know."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import Account
from crm.lib.exceptions import FormulaError
from metrics.formulas.economics import Reading, RetentionTerms, UpliftKind, retention_economics
from metrics.services import economics, economics_portfolio
from metrics.services.economics_inputs import RANGES, EconomicsInputs
from metrics.services.economics_portfolio import Source, portfolio_economics
from tests.factories import make_account, make_effort, make_rate, make_team_member, make_user, post_revenue

AS_OF = date(2024, 12, 31)
POINTS = EconomicsInputs(uplift_kind=UpliftKind.POINTS, margin_per_customer=1000, retention=0.8)
FAR_BACK, PRIOR, LAST = date(2022, 5, 1), date(2023, 5, 1), date(2024, 5, 1)


def sell(account, *rows, cost_share="0.4", **fields):
    """rows : (day, amount); cost_share of the amount is cost, None leaves it out"""
    post_revenue(
        [
            {"account": account, "booked_on": day, "amount": Decimal(amount),
             "cost": None if cost_share is None else Decimal(amount) * Decimal(cost_share),
             "kind": "invoice" if amount > 0 else "credit_note", **fields}
            for day, amount in rows
        ]
    )  # fmt: skip


@pytest.fixture
def ledger(db):
    """Five accounts of 2023, of which four bought again in 2024, one new in 2024, all with a cost of 40 %."""
    owner = make_user()
    for number in range(4):
        account = make_account(name=f"Kept {number}", owner=owner)
        sell(account, (FAR_BACK, 10), (PRIOR, 100), (LAST, 200))
    sell(make_account(name="Lost", owner=owner), (FAR_BACK, 10), (PRIOR, 70))
    sell(make_account(name="New", owner=owner), (LAST, 50))
    return owner


def known(**choices):
    return portfolio_economics(Account.objects.all(), as_of=AS_OF, **choices)


def test_portfolio_knows_margin_retention_and_losses(ledger):
    found = known()

    assert found.margin_per_customer == pytest.approx((4 * 200 + 50) * 0.6 / 5, rel=1e-12)
    assert (found.margin_source, found.retention, found.new_customers) == (Source.GROSS_PROFIT, 0.8, 1.0)
    assert (found.lost_accounts, found.lost_spend, found.lost_spend_per_account) == (1, Decimal(70), Decimal(70))
    assert set(found.reasons) == set(economics_portfolio.COSTS)  # no effort is recorded
    assert (found.base.label, found.comparison.label, len(found.table)) == (found.base.label, "ttm@2024-12", 6)


def test_one_line_without_cost_makes_it_revenue(ledger):
    sell(Account.objects.get(name="New"), (LAST, 30), cost_share=None)

    found = known()

    assert (found.margin_per_customer, found.margin_source) == (880 / 5, Source.REVENUE)


def test_ledger_without_the_year_before_knows_no_retention(db):
    sell(make_account(), (date(2023, 6, 1), 10), (LAST, 20))

    found = known()

    assert (found.retention, found.new_customers, found.lost_spend, found.margin_per_customer) == (
        None,
        None,
        None,
        12.0,
    )
    assert set(found.reasons) == {*economics_portfolio.TWO_YEARS, *economics_portfolio.COSTS}
    assert "does not reach back" in str(found.reasons["retention"])


def test_empty_view_knows_nothing_and_says_why(ledger):
    found = portfolio_economics(Account.objects.none(), as_of=AS_OF)

    assert (found.margin_per_customer, found.retention, found.lost_accounts, len(found.table)) == (None, None, None, 0)
    assert "no account ordered" in str(found.reasons["margin_per_customer"])
    assert "no account had revenue above 0" in str(found.reasons["retention"])


def test_loss_of_the_year_gives_no_margin(ledger):
    sell(Account.objects.get(name="New"), (LAST, -2000))

    found = known()

    assert found.margin_per_customer is None
    assert "no profit" in str(found.reasons["margin_per_customer"])


def test_missing_rate_leaves_all_of_it_unknown_until_it_is_there(ledger):
    sell(Account.objects.get(name="New"), (LAST, 5), currency="USD")
    assert known(currency="CNY").retention is None
    assert "USD→CNY" in str(known(currency="CNY").reasons["margin_per_customer"])

    make_rate(from_currency="USD", to_currency="CNY", valid_on=LAST, rate=Decimal(7))

    assert known(currency="CNY").retention == 0.8


def test_group_stays_where_one_of_its_members_does(ledger):
    lost, kept = Account.objects.get(name="Lost"), Account.objects.get(name="Kept 0")
    lost.parent = kept
    lost.save()

    assert (known(level="group").retention, known().retention) == (1.0, 0.8)


def test_one_account_that_stays_has_no_loss_to_average(db):
    sell(make_account(), (FAR_BACK, 1), (PRIOR, 10), (LAST, 20))

    found = known()

    assert (found.retention, found.lost_accounts, found.lost_spend) == (1.0, 0, Decimal(0))
    assert found.lost_spend_per_account is None
    assert "no customer was lost" in str(found.reasons["lost_spend_per_account"])


def test_owner_and_teammate_see_their_accounts_and_a_stranger_none(ledger):
    member = make_team_member(account=Account.objects.get(name="Lost"), user=make_user())
    seen = {}
    for role, user in (("owner", ledger), ("teammate", member.user), ("stranger", make_user())):
        found = portfolio_economics(Account.objects.visible_to(user), as_of=AS_OF)
        seen[role] = (found.retention, len(found.table))

    assert seen == {"owner": (0.8, 6), "teammate": (0.0, 1), "stranger": (None, 0)}


@pytest.mark.parametrize("count", [1, 5])
def test_query_count_does_not_grow_with_accounts(db, django_assert_num_queries, count):
    for _ in range(count):
        sell(make_account(), (FAR_BACK, 1), (PRIOR, 10), (LAST, 20))
    known()  # the currencies of the ledger are remembered

    with django_assert_num_queries(12):  # what the ledger stands at, windows and efforts by COPY, start of the data
        known()


def answered(inputs=POINTS, **choices):
    return economics.retention_economics(Account.objects.all(), inputs=inputs, as_of=AS_OF, **choices)


def test_worked_example_of_five_points_at_eighty_percent(db):
    found = answered()

    assert found.customer_value_lift == pytest.approx((0.85 / 0.25) / (0.8 / 0.3) - 1, rel=1e-12)
    assert found.steady_state_lift == pytest.approx(1 / 3, rel=1e-12)
    assert found.first_year_lift == pytest.approx(0.0625, rel=1e-12)
    assert found.customer_value_before == Decimal("2666.6667")
    assert (found.first_year_before, found.first_year_after, found.first_year_break_even_cost) == (800, 850, 50)
    assert (found.raised_retention, found.is_capped) == (pytest.approx(0.85), False)


def test_claim_holds_at_the_retentions_of_the_worked_example(db):
    found = answered()

    assert np.round(found.customer_value_claim_true_at, 3).tolist() == [0.221, 0.829]
    assert np.round(found.steady_state_claim_true_at, 4).tolist() == [0.7833]
    assert found.first_year_claim_true_at == pytest.approx((1 / 6,))
    assert (round(found.claimed_cost_share, 3), round(found.claimed_acquisition_share, 3)) == (0.319, 0.957)


def test_prefilled_values_are_computed_with_and_say_where_they_come_from(ledger):
    found = answered(EconomicsInputs(uplift_kind=UpliftKind.RELATIVE))

    assert (found.inputs.retention, found.inputs.margin_per_customer) == (0.8, pytest.approx(102.0))
    sources = (found.margin_source, found.retention_source, found.new_customers_source)
    assert sources == (Source.GROSS_PROFIT, Source.LEDGER, Source.LEDGER)
    assert found.first_year_lift == pytest.approx(0.05)
    assert answered().margin_source == Source.GIVEN


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        (EconomicsInputs(), "margin per customer"),
        (EconomicsInputs(margin_per_customer=5), "give the retention"),
        (EconomicsInputs(margin_per_customer=5, retention=0.8), "points or relative"),
    ],
    ids=["margin", "retention", "kind"],
)
def test_what_nobody_said_leaves_the_readings_undefined(db, inputs, says):
    found = answered(inputs)

    assert [getattr(found, f"{reading}_lift") for reading in Reading] == [None] * 3
    assert says in str(found.reasons["customer_value_lift"])
    assert found.curve == []
    assert (len(found.ratio_curve), found.ratio_curve[1].cost_share) == (167, 0.002)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"retention": 1, "discount": 0}, "discount"),
        ({"retention": 0.2, "uplift": -0.3}, "uplift"),
        ({"retention": float("nan")}, "retention"),
        ({"margin_per_customer": 0}, "margin_per_customer"),
        ({"cost_multiple": 1}, "cost_multiple"),
        ({"uplift": 0.51}, "uplift"),
    ],
    ids=["endless", "below-zero", "nan", "no-margin", "multiple", "uplift"],
)
def test_values_outside_the_domain_are_refused_by_field(db, changes, field):
    inputs = EconomicsInputs(
        **{"uplift_kind": UpliftKind.POINTS, "margin_per_customer": 10, "retention": 0.5} | changes
    )

    assert list(inputs.problems()) == [field]
    with pytest.raises(FormulaError, match=field):
        answered(inputs)


def test_today_is_known_before_the_kind_of_uplift_is(db):
    found = answered(EconomicsInputs(margin_per_customer=1000, retention=0.8))

    assert (found.customer_value_before, found.first_year_before) == (Decimal("2666.6667"), Decimal(800))
    assert (found.customer_value_after, found.steady_state_claim_true_at) == (None, None)
    assert "customer_value_before" not in found.reasons


def test_nobody_leaves_has_no_steady_state(db):
    found = answered(EconomicsInputs(uplift_kind=UpliftKind.POINTS, margin_per_customer=10, retention=1))

    assert (found.steady_state_before, found.steady_state_lift, found.is_capped) == (None, None, True)
    assert "never settles" in str(found.reasons["steady_state_lift"])
    assert found.customer_value_lift == pytest.approx(0)


def test_claim_that_is_always_true_names_no_retention(db):
    found = answered(
        EconomicsInputs(uplift_kind=UpliftKind.RELATIVE, margin_per_customer=10, retention=0.8, claimed_lift=0.05)
    )

    assert found.first_year_claim_true_at is None
    assert "every retention" in str(found.reasons["first_year_claim_true_at"])


@pytest.mark.parametrize(
    ("kept", "won", "ratios", "says"),
    [
        (15, 45, (3.0, (47 - 15) / (47 - 45)), ""),
        (None, 45, (None, None), "give the acquisition cost"),
        (0, 45, (None, None), "costs nothing"),
        (45, 15, (1 / 3, None), "no more than keeping"),
        (15, 47, (47 / 15, None), "earns nothing in the first year"),
    ],
    ids=["claims", "unsaid", "free", "dear", "loss"],
)
def test_own_costs_give_the_multiples_of_the_claims(db, kept, won, ratios, says):
    found = answered(
        EconomicsInputs(
            uplift_kind=UpliftKind.POINTS,
            margin_per_customer=47,
            retention=0.8,
            keeping_cost=kept,
            acquisition_cost=won,
        )
    )

    assert (found.cost_ratio, found.own_profit_ratio) == tuple(
        one if one is None else pytest.approx(one) for one in ratios
    )
    assert says in str(found.reasons.get("own_profit_ratio", ""))


def test_word_of_mouth_is_never_invented(ledger):
    found = answered()

    assert found.lost_word_of_mouth is None
    assert "referrals are not recorded" in str(found.reasons["lost_word_of_mouth"])
    assert (found.lost_accounts, found.lost_spend_per_account) == (1, Decimal(70))


@settings(max_examples=60, deadline=None)
@given(
    st.floats(0, 0.99), st.floats(-0.05, 0.3), st.sampled_from(UpliftKind), st.floats(0.01, 1), st.floats(0, 50)
)  # fmt: skip
def test_answer_is_the_formula_at_the_given_retention(retention, uplift, kind, discount, cost):
    inputs = EconomicsInputs(
        uplift_kind=kind, uplift=uplift, margin_per_customer=100, retention=retention, discount=discount,
        retention_cost=cost, acquisition_cost=20, new_customers=3,
    )  # fmt: skip
    terms = RetentionTerms(100, uplift, kind, discount, 20, cost, 3)
    if inputs.problems():
        assert retention + uplift < 0
        return

    values = economics._readings(inputs, inputs.terms(), {})[2]

    for reading, gain in retention_economics(retention, terms=terms).gains.items():
        lift = gain.lift[0]
        assert values[f"{reading}_lift"] == (None if np.isnan(lift) else lift)
        assert float(values[f"{reading}_after"]) == pytest.approx(gain.after[0], abs=1e-4)


def test_every_range_belongs_to_an_input():
    assert set(RANGES) < set(EconomicsInputs.__dataclass_fields__)


def test_curve_runs_from_fifty_to_ninety_five_percent(db):
    curve = answered().curve

    assert (curve[0].retention, curve[-1].retention, len(curve)) == (0.5, 0.95, 181)
    at_eighty = next(point for point in curve if point.retention == 0.8)
    assert at_eighty.lifts[Reading.STEADY_STATE] == pytest.approx(1 / 3)


def test_costs_come_from_recorded_efforts_where_they_were_not_said(ledger):
    make_effort(amount=Decimal(90), month=date(2024, 3, 1))
    make_effort(amount=Decimal(80), month=date(2024, 4, 1), purpose="retention")
    make_effort(amount=Decimal(7), month=date(2023, 12, 1))

    found, said = answered(), answered(replace(POINTS, acquisition_cost=30, keeping_cost=10))

    assert (found.inputs.acquisition_cost, found.inputs.keeping_cost) == (90.0, 20.0)
    assert (found.acquisition_cost_source, found.keeping_cost_source) == (Source.EFFORTS, Source.EFFORTS)
    assert found.cost_ratio == 4.5
    assert (said.inputs.acquisition_cost, said.acquisition_cost_source, said.cost_ratio) == (30, Source.GIVEN, 3.0)
    mine = portfolio_economics(Account.objects.visible_to(ledger), as_of=AS_OF)
    assert (mine.acquisition_cost, mine.keeping_cost) == (None, None)
    assert "for those who see them all" in str(mine.reasons["acquisition_cost"])
