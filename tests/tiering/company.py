"""A small ledger for tests of the nightly chain: known accounts beside random ones."""

import random
from datetime import date, timedelta
from decimal import Decimal

from accounts.models import Account
from tests.factories import make_account, make_product, post_revenue

AS_OF = date(2024, 12, 31)
FIRST_DAY = date(2021, 1, 1)


def monthly(
    account: Account, amount: int, *, first: date, months: int, cost: int | None = None, **fields
) -> list[dict]:
    """One invoice on the 15th of each month."""
    return [
        {
            "account": account,
            "booked_on": date(first.year + (first.month - 1 + step) // 12, (first.month - 1 + step) % 12 + 1, 15),
            "amount": Decimal(amount),
            "cost": None if cost is None else Decimal(cost),
            **fields,
        }
        for step in range(months)
    ]


def random_ledger(*, accounts: int, rows: int, seed: int, with_cost: bool = False) -> list[Account]:
    """Pareto-like revenue, some credit notes, some silent accounts; posted as one batch."""
    rng = random.Random(seed)
    made = [make_account() for _ in range(accounts)]
    products = [make_product() for _ in range(12)]
    days = (AS_OF - FIRST_DAY).days
    records = []
    for _ in range(rows):
        account = made[min(int(rng.paretovariate(1.1)) - 1, accounts - 2)]
        amount = Decimal(round(rng.lognormvariate(6, 1.2), 2)).quantize(Decimal("0.0001"))
        is_credit = rng.random() < 0.05
        records.append(
            {
                "account": account,
                "product": rng.choice(products),
                "booked_on": FIRST_DAY + timedelta(days=rng.randrange(days + 20)),
                "amount": -amount if is_credit else amount,
                "kind": "credit_note" if is_credit else "invoice",
                "cost": (amount * Decimal("0.8") * (-1 if is_credit else 1)).quantize(Decimal("0.0001"))
                if with_cost
                else None,
            }
        )
    post_revenue(records)
    return made
