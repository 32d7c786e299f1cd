"""What people note of requests, contacts and contracts, as warning signs (domain.md 3.7; EX-17 a9)."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from tests.factories import make_account, make_contact, make_contract, make_request, post_revenue
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tiering import facts, indicators
from tiering.enums import Preset
from tiering.explain import explain
from tiering.grading import Flag
from tiering.models import Score
from tiering.services import activate_model, create_model
from tiering.signals import SIGNAL_POINTS

NOTED = Flag.SEVERE_REQUESTS | Flag.DECIDER_AGAINST | Flag.NON_RENEWAL
# 30 days before the as-of, late in the evening in Shanghai, where a day is over at 16:00 UTC.
LATEST_OPENING = datetime(2024, 12, 1, 15, 59, tzinfo=UTC)
SECOND = timedelta(seconds=60)


@pytest.fixture
def model(db):
    return create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")


def noted(model, account):
    found = indicators.measure(model, as_of=AS_OF, codes=("S1",), fiscal_start_month=1)
    place = np.flatnonzero(found.ids == account.pk)[0]
    return Flag(int(found.flags[place])) & NOTED, found.inputs["signal_points"][place]


@pytest.mark.parametrize(
    ("change", "is_on"),
    [
        ({}, True),
        ({"opened_at": LATEST_OPENING + SECOND}, False),
        ({"severity": 2}, False),
        ({"kind": "support"}, False),
        ({"kind": "complaint"}, True),
        ({"resolved_at": datetime(2024, 12, 31, 15, 59, tzinfo=UTC)}, False),
        ({"resolved_at": datetime(2024, 12, 31, 16, tzinfo=UTC)}, True),  # on the day after
    ],
)
def test_two_severe_complaints_or_disputes_open_for_long_are_a_sign(model, change, is_on):
    account, calm = make_account(), make_account()
    severe = {"account": account, "kind": "dispute", "severity": 1, "opened_at": LATEST_OPENING}
    make_request(**severe)
    make_request(**(severe | change))
    make_request(**(severe | {"account": calm}))  # one alone is none

    assert noted(model, account) == ((Flag.SEVERE_REQUESTS, 2) if is_on else (Flag(0), 0))
    assert noted(model, calm) == (Flag(0), 0)


@pytest.mark.parametrize(
    ("change", "is_on"),
    [
        ({}, True),
        ({"attitude": 0}, False),
        ({"is_decision_maker": False}, False),
        ({"is_active": False}, False),
        ({"attitude_since": AS_OF + timedelta(days=1)}, False),
    ],
)
def test_a_key_decision_maker_against_us_is_a_sign(model, change, is_on):
    account = make_account()
    make_contact(
        account=account, **({"is_decision_maker": True, "attitude": -1, "attitude_since": AS_OF, "name": "Li"} | change)
    )

    assert noted(model, account) == ((Flag.DECIDER_AGAINST, 1) if is_on else (Flag(0), 0))


@pytest.mark.parametrize(
    ("change", "is_on"),
    [
        ({}, True),
        ({"ends_on": None}, True),
        ({"ends_on": AS_OF - timedelta(days=1)}, False),
        ({"status": "draft"}, False),
        ({"non_renewal_notice_on": AS_OF + timedelta(days=1)}, False),
    ],
)
def test_a_written_notice_is_a_sign_until_the_contract_ends(model, change, is_on):
    account = make_account()
    make_contract(account=account, **({"status": "active", "ends_on": AS_OF, "non_renewal_notice_on": AS_OF} | change))

    assert noted(model, account) == ((Flag.NON_RENEWAL, 3) if is_on else (Flag(0), 0))


def test_one_query_whatever_the_number(model, django_assert_num_queries):
    for count in (1, 3):
        for _ in range(count):
            make_request(severity=1, kind="dispute", opened_at=LATEST_OPENING)
        with django_assert_num_queries(4):  # the fetch with its savepoint and settings
            found = facts.troubles(as_of=AS_OF)
    assert found.severe_requests.tolist() == [1, 1, 1, 1]


def test_example_17_a9_decline_and_severe_complaints_put_a_gold_account_under_watch(db):
    """9.1 million after 14 million and two severe complaints open for 40 days: 2 + 2 points, Gold and watched."""
    account = make_account()
    post_revenue(monthly(account, 1_166_667, first=date(2023, 1, 1), months=12, cost=700_000))
    post_revenue(monthly(account, 758_333, first=date(2024, 1, 1), months=12, cost=400_000))
    for _ in range(2):
        make_request(account=account, kind="complaint", severity=1, opened_at=LATEST_OPENING - timedelta(days=10))
    model = create_model(preset=Preset.FULL, as_of=AS_OF, currency="CNY")
    model.evidence_any = model.evidence_up = model.min_valid_weight = Decimal("0.3")
    model.save()
    activate_model(model=model)

    row = Score.objects.select_related("run__model").get(account=account, run=night(AS_OF))
    found = explain(row)

    assert (row.grade, row.ladder, found.signal_points) == ("gold", "gold", 4)
    assert row.has_flag(Flag.WATCH)
    assert "Severe complaints or disputes have been open for more than 30 days." in found.notes
    assert SIGNAL_POINTS[Flag.SEVERE_REQUESTS] + SIGNAL_POINTS[Flag.DECLINE_30] == 4
