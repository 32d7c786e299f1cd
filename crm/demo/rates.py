"""Exchange rates of the demo company's foreign customers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from accounts.enums import RateKind
from crm.demo.horizon import Horizon, dice
from crm.lib.periods import month_end

# Rough worth in yuan, from which the rates start; a currency that is not listed counts as one yuan.
YUAN = {"CNY": 1.0, "USD": 7.15, "EUR": 7.75, "GBP": 9.1, "JPY": 0.048, "HKD": 0.92, "SGD": 5.4, "AUD": 4.7, "CHF": 8.2}
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
    """An average and a closing rate for every month, each following the one before."""
    for currency in currencies:
        rng = dice(seed, f"rates {currency}")
        steps = rng.normal(0, MONTHLY_STEP, horizon.months + 1)
        closing = usual_rate(currency, base_currency=base_currency) * np.exp(np.cumsum(steps))
        for index, start in enumerate(horizon.month_starts()):
            average = float(closing[index] + closing[index + 1]) / 2
            yield RateRow(currency, start, average, RateKind.MONTH_AVERAGE)
            yield RateRow(currency, month_end(start), float(closing[index + 1]), RateKind.CLOSING)
