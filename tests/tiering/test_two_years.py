"""The case of the courses, Accenture and State Grid: USD 100 million a year, two years running, makes a Diamond (domain.md
3.6, preset contribution-two-years)."""

from datetime import date
from decimal import Decimal

import pytest

from tests.factories import make_account, make_rate, post_revenue
from tests.tiering.company import AS_OF, monthly
from tests.tiering.night import night
from tiering.enums import Preset
from tiering.models import Score
from tiering.services import activate_model, create_model

pytestmark = pytest.mark.django_db
HUNDRED_MILLION = Decimal(100_000_000)
TENTH = 10_000_000  # ten invoices a year make the hundred million


def year(account, number: int, *, amount: int = TENTH, currency: str = "USD") -> list[dict]:
    return monthly(account, amount, first=date(number, 1, 1), months=10, currency=currency)


def graded(rows: list[dict]) -> dict[str, str]:
    post_revenue(rows)
    activate_model(model=create_model(preset=Preset.CONTRIBUTION, as_of=AS_OF, diamond=HUNDRED_MILLION, currency="USD"))
    run = night(AS_OF)
    return dict(Score.objects.filter(run=run).values_list("account__name", "grade"))


def test_a_hundred_million_in_two_consecutive_years_makes_a_diamond_and_one_year_does_not():
    for month in range(24):
        day = date(2023 + month // 12, month % 12 + 1, 15)
        make_rate(from_currency="CNY", to_currency="USD", valid_on=day, rate=Decimal("0.125"))
    names = ("two years", "last year alone", "a dollar short", "years apart", "in yuan")
    cast = {name: make_account(name=name) for name in names}
    small = [make_account(name=f"small {number}") for number in range(40)]
    short = year(cast["a dollar short"], 2023) + year(cast["a dollar short"], 2024)
    short[0]["amount"] -= 1
    rows = [
        *year(cast["two years"], 2023), *year(cast["two years"], 2024),
        *year(cast["last year alone"], 2024),
        *short,
        *year(cast["years apart"], 2022), *year(cast["years apart"], 2024),
        *year(cast["in yuan"], 2023, amount=8 * TENTH, currency="CNY"),
        *year(cast["in yuan"], 2024, amount=8 * TENTH, currency="CNY"),
        *(row for account in small for row in year(account, 2024, amount=1000)),
        {"account": small[0], "booked_on": AS_OF, "amount": Decimal(1), "currency": "USD"},
        {"account": small[0], "booked_on": date(2022, 1, 1), "amount": Decimal(1), "currency": "USD"},
    ]  # fmt: skip

    found = graded(rows)

    assert {name: found[name] == "diamond" for name in names} == {
        "two years": True, "last year alone": False, "a dollar short": False, "years apart": False, "in yuan": True,
    }  # fmt: skip
    assert not [name for name, grade in found.items() if name.startswith("small") and grade == "diamond"]
