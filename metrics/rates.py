"""Dated exchange rates for invoiced and recognised revenue (domain 1.5).

A month with a stored average is translated at it; otherwise each document at the spot rate of its day, or the last
earlier one within FALLBACK_DAYS. Nothing is ever translated at 1 or at an inverted rate: what has no rate is missing.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from accounts.enums import RateKind
from accounts.models import ExchangeRate
from crm.lib.periods import month_end, month_start
from metrics.reasons import MissingRate

FALLBACK_DAYS = 10


@dataclass(frozen=True, slots=True)
class RateBook:
    """Rates into one currency: averages by (currency, month), spot days and rates by currency, days ascending."""

    target: str
    averages: dict[tuple[str, date], Decimal]
    spot_days: dict[str, list[date]]
    spot_rates: dict[str, list[Decimal]]

    def average(self, currency: str, month: date) -> Decimal | None:
        return self.averages.get((currency, month))

    def spot(self, currency: str, day: date) -> Decimal | None:
        """The rate of the day, else the last earlier one within FALLBACK_DAYS, else None."""
        days = self.spot_days.get(currency, [])
        position = bisect_right(days, day) - 1
        if position < 0 or (day - days[position]).days > FALLBACK_DAYS:
            return None
        return self.spot_rates[currency][position]

    def on(self, currency: str, day: date) -> Decimal | None:
        """The rate for a document of ``day``: 1 in the target itself, the month's average, else the spot rate."""
        if currency == self.target:
            return Decimal(1)
        average = self.average(currency, month_start(day))
        return average if average is not None else self.spot(currency, day)

    def of_month(self, currency: str, month: date) -> Decimal | None:
        """One rate for a whole month: 1 in the target itself, the month's average, else the mean of its spot rates, else
        the last one within FALLBACK_DAYS before it."""
        if currency == self.target:
            return Decimal(1)
        average = self.average(currency, month)
        if average is not None:
            return average
        days = self.spot_days.get(currency, [])
        rates = self.spot_rates.get(currency, [])[bisect_left(days, month) : bisect_right(days, month_end(month))]
        return sum(rates, Decimal(0)) / len(rates) if rates else self.spot(currency, month)


def rate_book(target: str, *, currencies: Iterable[str], first: date, last: date) -> RateBook:
    """Every rate that documents of first..last in ``currencies`` can need; one query."""
    stored = (
        ExchangeRate.objects.filter(
            to_currency=target,
            from_currency__in=sorted(set(currencies) - {target}),
            kind__in=[RateKind.SPOT, RateKind.MONTH_AVERAGE],
            valid_on__gte=month_start(first) - timedelta(days=FALLBACK_DAYS),
            valid_on__lte=month_end(last),
        )
        .order_by("valid_on")
        .values_list("from_currency", "valid_on", "kind", "rate")
    )
    averages: dict[tuple[str, date], Decimal] = {}
    days: dict[str, list[date]] = defaultdict(list)
    rates: dict[str, list[Decimal]] = defaultdict(list)
    for currency, valid_on, kind, rate in stored:
        if kind == RateKind.MONTH_AVERAGE:
            averages[currency, month_start(valid_on)] = rate
        else:
            days[currency].append(valid_on)
            rates[currency].append(rate)
    return RateBook(target, averages, dict(days), dict(rates))


def closing_rates(target: str, *, currencies: Sequence[str], on: date) -> list[Decimal | None]:
    """Of each currency the closing rate of the day, or the last earlier one within FALLBACK_DAYS; where none is kept, the
    rate of the day by the same rule; None where there is neither. One query."""
    stored = (
        ExchangeRate.objects.filter(
            to_currency=target,
            from_currency__in=sorted(set(currencies) - {target}),
            kind__in=[RateKind.CLOSING, RateKind.SPOT],
            valid_on__gte=on - timedelta(days=FALLBACK_DAYS),
            valid_on__lte=on,
        )
        .order_by("valid_on")
        .values_list("from_currency", "kind", "rate")
    )
    latest: dict[tuple[str, str], Decimal] = {(currency, kind): rate for currency, kind, rate in stored}

    def of(currency: str) -> Decimal | None:
        if currency == target:
            return Decimal(1)
        return latest.get((currency, RateKind.CLOSING), latest.get((currency, RateKind.SPOT)))

    return [of(currency) for currency in currencies]


def translate(amount: Decimal, *, source: str, target: str, on: date) -> Decimal | MissingRate:
    """One amount of one day in another currency, unrounded; the missing rate where there is none."""
    rate = Decimal(1) if source == target else rate_book(target, currencies=[source], first=on, last=on).on(source, on)
    return MissingRate(month_start(on), source, target) if rate is None else amount * rate
