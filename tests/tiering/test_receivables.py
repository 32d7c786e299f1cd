"""What customers owe: the share paid in time, and overdue amounts as warning signs (domain.md 3.1, 3.7; EX-17 a7)."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.factories import make_account, make_rate, make_receivable, post_revenue
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tiering import facts, indicators
from tiering.enums import Preset
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import Score
from tiering.services import activate_model, create_model

FIRST = date(2024, 1, 1)


@pytest.fixture
def model(db):
    return create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")


def measured(model):
    return indicators.measure(model, as_of=AS_OF, codes=("S1", "L4"), fiscal_start_month=1)


def of(found, account, name):
    values = found.indicators if name in found.indicators else found.inputs
    return values[name][np.flatnonzero(found.ids == account.pk)[0]]


def flags(found, account):
    return Flag(int(found.flags[np.flatnonzero(found.ids == account.pk)[0]]))


def test_share_paid_in_time_weighs_amounts_of_the_last_twelve_months(model):
    account, silent = make_account(), make_account()
    make_receivable(account=account, amount=600, due_on=date(2024, 6, 30), paid=[(date(2024, 6, 30), 600)])
    make_receivable(
        account=account, amount=300, due_on=date(2024, 7, 31), paid=[(date(2024, 7, 1), 100), (date(2024, 9, 1), 200)]
    )
    make_receivable(account=account, amount=100, due_on=date(2024, 8, 31))
    make_receivable(account=account, amount=900, due_on=date(2023, 12, 31), paid=[(date(2023, 12, 1), 900)])  # before
    make_receivable(account=account, amount=900, due_on=date(2025, 2, 1), issued_on=date(2024, 12, 1))  # not due yet

    found = measured(model)

    assert of(found, account, "L4") == pytest.approx(0.7)
    assert np.isnan(of(found, silent, "L4"))  # nothing fell due: missing, never 0
    assert of(found, silent, "overdue_90") == 0


def test_without_any_receivable_nothing_is_known(model):
    account = make_account()

    found = measured(model)

    assert np.isnan([of(found, account, name) for name in ("L4", "overdue_31", "overdue_61", "overdue_90")]).all()


@pytest.mark.parametrize(
    ("days", "amount", "expected"),
    [
        (30, 5000, Flag(0)),
        (31, 1999, Flag(0)),
        (31, 2000, Flag.OVERDUE_31),
        (60, 2000, Flag.OVERDUE_31),
        (61, 2000, Flag.OVERDUE_31 | Flag.OVERDUE_61),
        (90, 5000, Flag.OVERDUE_31 | Flag.OVERDUE_61),
        (91, 3999, Flag(0)),
        (91, 4000, Flag.H1_OVERDUE),
    ],
)
def test_overdue_bands_meet_their_share_of_the_revenue(model, days, amount, expected):
    """Revenue of 20,000 a year: 10 % for the soft bands, 20 % for the hard one; the smallest base is 1,000."""
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2024, 3, 1), "amount": Decimal(20_000)}])
    make_receivable(account=account, amount=amount + 50, due_on=AS_OF - timedelta(days=days), paid=[(AS_OF, 50)])

    found = flags(measured(model), account)

    assert found & (Flag.H1_OVERDUE | Flag.OVERDUE_31 | Flag.OVERDUE_61) == expected


def test_points_take_the_higher_band_only_and_later_payments_do_not_count_yet(model):
    account = make_account()
    post_revenue([{"account": account, "booked_on": date(2024, 3, 1), "amount": Decimal(20_000)}])
    make_receivable(
        account=account, amount=3000, due_on=AS_OF - timedelta(days=70), paid=[(AS_OF + timedelta(days=1), 3000)]
    )

    assert of(measured(model), account, "signal_points") == 2


def test_foreign_receivables_take_the_closing_rate_and_a_missing_one_is_missing(model):
    euro, yen = make_account(), make_account()
    make_rate(from_currency="EUR", to_currency="CNY", valid_on=AS_OF - timedelta(days=3), rate=Decimal(7), kind="spot")
    make_rate(
        from_currency="EUR", to_currency="CNY", valid_on=AS_OF - timedelta(days=1), rate=Decimal(8), kind="closing"
    )
    for account, currency in ((euro, "EUR"), (yen, "JPY")):
        make_receivable(account=account, amount=100, currency=currency, due_on=AS_OF - timedelta(days=100))

    found = measured(model)

    assert of(found, euro, "overdue_90") == 800
    assert np.isnan(of(found, yen, "overdue_90"))
    assert Flag.H1_OVERDUE not in flags(found, yen)


def test_example_17_a7_overdue_makes_a_problem_over_an_underlying_diamond(db):
    """25 million a year, 6.5 million or 26 % of it overdue for more than 90 days."""
    account = make_account()
    post_revenue(monthly(account, 2_100_000, first=date(2022, 1, 1), months=36, cost=1_000_000))
    make_receivable(account=account, amount=6_600_000, due_on=AS_OF - timedelta(days=120))
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    model.evidence_any = model.evidence_up = model.min_valid_weight = Decimal("0.3")
    model.save()
    activate_model(model=model)

    row = Score.objects.select_related("run__model").get(account=account, run=night(AS_OF))

    assert (row.grade, row.ladder) == ("problem", "diamond")
    assert explain(row).sentence.startswith("Problem, because much is overdue for more than 90 days.")


def test_the_number_of_queries_does_not_grow(model, django_assert_num_queries):
    for count in (1, 10):
        for _ in range(count):
            make_receivable(due_on=date(2024, 5, 1))
        with django_assert_num_queries(6):  # currencies, rates, and the fetch with its savepoint and settings
            facts.debts(as_of=AS_OF, first=FIRST, currency="EUR")
