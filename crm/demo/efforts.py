"""What the demo company spends on winning and keeping customers: its own by month, and visits, freight and rebates."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from accounts.enums import EffortPurpose
from crm.demo.companies import Company
from crm.demo.horizon import MONTHS_A_YEAR, Horizon, dice
from crm.demo.profiles import KEY_PROFILES, WITHOUT_REVENUE, Profile

BOOKS, SHEETS = "Cost centre report", "Time sheets"
QUARTER = 3
NEWCOMER_COST = 90_000.0  # what winning one costs, in the base currency
CUSTOMER_COST = 26_000.0  # what keeping one costs a year, in the base currency
HOUR = 320.0  # full cost of an hour of a seller, in the base currency
FAIR_MONTHS = (3, 9)
REBATED = frozenset({Profile.PILLAR, Profile.CORE, Profile.VOLUME})
COMMON_SERVED_SHARE = 0.5  # of the other customers, whose visits somebody writes down
# category: part of the money for its purpose in a usual month
WINNING = {"Advertising": 0.3, "Sales team, new business": 0.55, "Tenders and samples": 0.15}
KEEPING = {"Account management": 0.6, "Service hotline": 0.25, "Training and events": 0.15}
PARTS = {EffortPurpose.ACQUISITION: WINNING, EffortPurpose.RETENTION: KEEPING}


@dataclass(frozen=True, slots=True)
class Effort:
    """One effort as it will be stored; account_code "" for none in particular."""

    month: date
    purpose: EffortPurpose
    category: str
    amount: int | None
    currency: str
    hours: float | None
    account_code: str = ""
    source: str = BOOKS


def efforts(found: Sequence[Company], *, seed: int, horizon: Horizon, base_currency: str) -> Iterator[Effort]:
    """The company's efforts of every month, then those for single customers of the last two years."""
    rng = dice(seed, "efforts")
    newcomers = sum(company.profile == Profile.NEWCOMER for company in found)
    customers = sum(company.profile not in WITHOUT_REVENUE for company in found)
    winning = max(newcomers, 1) * NEWCOMER_COST / MONTHS_A_YEAR
    keeping = customers * CUSTOMER_COST / MONTHS_A_YEAR
    for number, month in enumerate(horizon.month_starts()):
        grown = 0.85 + 0.15 * number / horizon.months
        yield from _company(rng, month, EffortPurpose.ACQUISITION, winning * grown, base_currency)
        yield from _company(rng, month, EffortPurpose.RETENTION, keeping * grown, base_currency)
        if month.month in FAIR_MONTHS:
            amount = _amount(winning * float(rng.uniform(1.2, 1.8)))
            yield Effort(month, EffortPurpose.ACQUISITION, "Trade fair", amount, base_currency, None)
    for company in found:
        if company.profile not in WITHOUT_REVENUE and company.profile != Profile.UNKNOWN:
            yield from _served(rng, company, horizon)


def _company(
    rng: np.random.Generator, month: date, purpose: EffortPurpose, money: float, currency: str
) -> Iterator[Effort]:
    """One month of one purpose: the team with its hours, the rest in money alone; training is kept in hours too."""
    for category, part in PARTS[purpose].items():
        amount = _amount(money * part * float(rng.uniform(0.85, 1.15)))
        hours = round(amount / HOUR, 1) if category in ("Sales team, new business", "Account management") else None
        yield Effort(month, purpose, category, amount, currency, hours)
    if purpose == EffortPurpose.RETENTION and month.month % QUARTER == 1:
        yield Effort(month, purpose, "Executive visits", None, "", round(float(rng.uniform(10, 40)), 1), source=SHEETS)


def _served(rng: np.random.Generator, company: Company, horizon: Horizon) -> Iterator[Effort]:
    """Visits and freight: of key customers each quarter of two years, of some others twice in the last year; rebates in
    December for the largest."""
    is_key = company.profile in KEY_PROFILES
    part = float(rng.uniform(0.012, 0.035)) * (3.0 if company.profile == Profile.VOLUME else 1.0)
    if not is_key and rng.random() > COMMON_SERVED_SHARE:
        return
    months = range(-2 * MONTHS_A_YEAR, 0, QUARTER) if is_key else (-MONTHS_A_YEAR, -MONTHS_A_YEAR // 2)
    for back in months:
        month = horizon.month(max(back, -horizon.months))
        share = part / (4 if is_key else 2)
        amount = _amount(company.own_level * share * float(rng.uniform(0.7, 1.3)))
        hours = round(float(rng.uniform(4, 30)), 1)
        yield Effort(
            month, EffortPurpose.RETENTION, "Visits and freight", amount, company.currency, hours, company.code
        )
    if company.profile in REBATED:
        for month in horizon.month_starts():
            if month.month == MONTHS_A_YEAR:
                amount = _amount(company.own_level * float(rng.uniform(0.005, 0.02)))
                yield Effort(
                    month, EffortPurpose.RETENTION, "Yearly rebate", amount, company.currency, None, company.code
                )


def _amount(value: float) -> int:
    return max(100, int(round(value, -2)))
