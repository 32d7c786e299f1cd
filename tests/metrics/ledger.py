"""Small ledgers for tests of the figures."""

from datetime import date
from decimal import Decimal

import numpy as np

from tests.factories import make_account, post_revenue
from tests.metrics.simulate import simulated_customers

BASE_DAY, COMPARISON_DAY = date(2010, 6, 15), date(2011, 6, 15)
BRIDGE_EXAMPLE = {  # name: (base, comparison, day of the first positive line before both, between or inside)
    "A": (1000, 1300, None),
    "B": (800, 600, date(2009, 3, 1)),
    "C": (500, 0, date(2009, 3, 1)),
    "D": (400, 400, None),
    "E": (300, -50, date(2009, 3, 1)),
    "F": (0, 250, None),
    "G": (0, 120, date(2009, 3, 1)),
    "H": (-40, 90, date(2009, 3, 1)),
    "I": (0, 70, date(2011, 2, 1)),
    "J": (-20, -35, date(2009, 3, 1)),
}


def bridge_example(*, currency="CNY"):
    """The ten accounts of the worked example; base 2010, comparison April to December 2011."""
    accounts, rows = {}, []
    for name, (base, comparison, first) in BRIDGE_EXAMPLE.items():
        accounts[name] = make_account(code=f"X-{name}", name=name)
        for day, amount in ((first, 1), (BASE_DAY, base), (COMPARISON_DAY, comparison)):
            if day and amount:
                kind = "credit_note" if amount < 0 else "invoice"
                rows.append({"account": accounts[name], "booked_on": day, "amount": Decimal(amount), "kind": kind,
                             "currency": currency})  # fmt: skip
    post_revenue(rows)
    return accounts


def simulated_ledger(n, *, as_of, seed=11, cost_share="0.6", **fields):
    """``n`` accounts whose order days follow a BG/NBD process that ends on ``as_of``; returns the accounts."""
    rng = np.random.default_rng(seed)
    x, tx, age = simulated_customers(n, seed=seed, r=1.5, alpha=6.0, a=0.6, b=3.0, weeks=(60, 150))
    accounts, rows = [], []
    for repeats, last, weeks in zip(x, tx, age, strict=True):
        account = make_account()
        accounts.append(account)
        between = np.sort(rng.choice(np.arange(1, max(int(last * 7), 2)), size=max(int(repeats) - 1, 0), replace=False)
                          if repeats > 1 and last * 7 > repeats else np.zeros(0))  # fmt: skip
        days = {0, *between.astype(int).tolist(), *([int(last * 7)] if repeats else [])}
        size = float(np.exp(rng.normal(5, 1)))
        for day in days:
            amount = Decimal(str(round(size * rng.gamma(3, 1 / 3), 2))) + 1
            booked_on = (np.datetime64(as_of) - int(weeks * 7) + day).item()
            cost = None if cost_share is None else (amount * Decimal(cost_share)).quantize(Decimal("0.0001"))
            rows.append({"account": account, "booked_on": booked_on, "amount": amount, "cost": cost, **fields})
    post_revenue(rows)
    return accounts
