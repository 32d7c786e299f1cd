"""Exchange rates of the demo company's foreign customers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from accounts.enums import RateKind
from crm.demo.horizon import Horizon, dice
from crm.lib.periods import add_months, month_end

# Rough worth in yuan, from which the rates start; a currency that is not listed counts as one yuan.
YUAN = {"CNY": 1.0, "USD": 7.15, "EUR": 7.75, "GBP": 9.1, "JPY": 0.048, "HKD": 0.92, "SGD": 5.4, "AUD": 4.7, "CHF": 8.2}
MONTHS_BEFORE = 13  # a yearly contract that runs when the books begin was signed up to so long before
MONTHLY_STEP = 0.008  # standard deviation of a month's move


@dataclass(frozen=True, slots=True)
class RateRow:
    from_currency: str
    valid_on: date
    rate: float
    kind: RateKind


def usual_rate(currency: str, *, base_currency: str) -> float:
    """Units of the base currency for one unit of ``currency``, before any movement."""
    return YUAN.get(currency, 1.0) / YUAN.get(base_currency, 1.0)


def rate_rows(currencies: Sequence[str], *, seed: int, horizon: Horizon, base_currency: str) -> Iterator[RateRow]:
    """An average and a closing rate for every month, each following the one before; they begin before the books, since
    contracts were signed before that."""
    for currency in currencies:
        rng, past = dice(seed, f"rates {currency}"), dice(seed, f"earlier rates {currency}")
        steps = rng.normal(0, MONTHLY_STEP, horizon.months + 1)
        walk = np.cumsum(steps)
        before = walk[0] + np.cumsum(past.normal(0, MONTHLY_STEP, MONTHS_BEFORE))[::-1]
        closing = usual_rate(currency, base_currency=base_currency) * np.exp(np.concatenate([before, walk]))
        for index, start in enumerate(
            add_months(horizon.start, step) for step in range(-MONTHS_BEFORE, horizon.months)
        ):
            average = float(closing[index] + closing[index + 1]) / 2
            yield RateRow(currency, start, average, RateKind.MONTH_AVERAGE)
            yield RateRow(currency, month_end(start), float(closing[index + 1]), RateKind.CLOSING)
