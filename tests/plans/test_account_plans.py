"""What an approved account plan tells the account, and what grading makes of it (domain.md 3.6, lines 0 and 4)."""

from datetime import date
from decimal import Decimal

import pytest

from plans.services_work import approve_account_plan, make_account_plan
from tests.factories import make_account, make_user, post_revenue
from tiering import indicators
from tiering.enums import Preset
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db
AS_OF = date(2024, 12, 31)


def planned(account, start, end, *, on):
    plan = make_account_plan(
        account=account, made_by=make_user(), valid_from=start, valid_to=end, goal="Win the next plant", priority_rank=1,
        planned_hours=Decimal(40),
    )  # fmt: skip
    approve_account_plan(plan=plan, approved_by=make_user(), on=on)
    account.refresh_from_db()
    return account.planned_from, account.planned_until


def test_plans_that_follow_each_other_cover_the_account_without_a_break():
    account = make_account()

    assert planned(account, date(2024, 1, 1), date(2025, 1, 1), on=date(2024, 2, 1)) == (
        date(2024, 2, 1),
        date(2025, 1, 1),
    )
    assert planned(account, date(2025, 1, 1), date(2026, 1, 1), on=date(2024, 12, 1)) == (
        date(2024, 2, 1),
        date(2026, 1, 1),
    )
    assert planned(account, date(2025, 3, 1), date(2025, 9, 1), on=date(2025, 3, 1))[1] == date(2026, 1, 1)


def test_a_plan_after_a_gap_begins_anew_and_one_approved_too_late_counts_for_nothing():
    account = make_account()
    planned(account, date(2024, 1, 1), date(2024, 7, 1), on=date(2024, 1, 1))

    assert planned(account, date(2024, 9, 1), date(2025, 9, 1), on=date(2024, 9, 5)) == (
        date(2024, 9, 5),
        date(2025, 9, 1),
    )
    late = make_account()
    assert planned(late, date(2024, 1, 1), date(2024, 7, 1), on=date(2024, 8, 1)) == (None, None)


def test_an_approved_plan_makes_a_customer_of_a_prospect_on_its_days_alone():
    customer, prospect, other = make_account(), make_account(), make_account()
    post_revenue([{"account": customer, "booked_on": AS_OF, "amount": Decimal(1000)}])
    planned(prospect, date(2024, 6, 1), date(2025, 6, 1), on=date(2024, 6, 1))
    planned(other, date(2025, 1, 1), date(2025, 6, 1), on=date(2024, 6, 1))
    model = activate_model(model=create_model(preset=Preset.LEDGER_ONLY, as_of=AS_OF))

    found = indicators.measure(model, as_of=AS_OF, codes=(), fiscal_start_month=1)

    assert found.ids.tolist() == [customer.pk, prospect.pk, other.pk]
    assert found.in_business.tolist() == [True, True, False]
    assert found.inputs["business"].tolist() == [1.0, 1.0, 0.0]
