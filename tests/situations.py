"""Ledgers and choices for which figures are undefined: what every page and every answer over REST is tried with."""

from datetime import date
from decimal import Decimal

from accounts.models import Account
from tests.factories import make_account, make_product, post_revenue

BOUGHT, CREDITED = date(2024, 5, 10), date(2022, 5, 10)
PERIODS = {
    "empty_cohort": ("2023", "2024"),  # nobody bought in 2023
    "negative_base": ("2022", "2024"),  # 2022 has only a credit note
    "one_account": ("2023", "2024"),
    "before_the_first_record": ("1998", "1999"),
    "in_the_future": ("2150", "2151"),
    "no_rate": ("2023", "2024"),
    "nothing_left": ("2023", "2024"),
}
SITUATIONS = list(PERIODS)


def make_situation(situation: str, **fields) -> dict[str, str]:
    """Post the ledger of a situation, its accounts with ``fields``; returns the filters and choices that ask for it."""
    shop = make_account(name="Shop", segment="S", **fields)
    rows = [_line(shop, BOUGHT, 1000), _line(shop, date(2024, 12, 31), 1)]
    if situation == "negative_base":
        rows.append(_line(shop, CREDITED, -40, kind="credit_note"))
    if situation == "no_rate":
        rows.append(_line(make_account(name="Abroad", **fields), BOUGHT, 50, currency="USD"))
    elif situation != "one_account":
        rows.append(_line(make_account(name="Works", **fields), BOUGHT, 500))
    post_revenue(rows)
    more = {"nothing_left": {"segment": "nobody"}, "no_rate": {"currency": "CNY"}}
    return more.get(situation, {})


def period_choices(situation: str) -> dict[str, str]:
    """Every parameter that names a period; each question takes its own."""
    base, comparison = PERIODS[situation]
    return {"base": base, "comparison": comparison, "period": comparison, "from": base, "to": comparison}


def _line(account: Account, day: date, amount: int, **fields) -> dict:
    product = make_product() if amount > 1 else None
    return {"account": account, "booked_on": day, "amount": Decimal(amount), "product": product, **fields}
