"""The books of the demo company: orders, credit notes, maintenance invoices and rebates, as rows of an import file.

Everything is drawn for all companies at once; a row is a tuple in the order of ``COLUMNS``.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from accounts.enums import RevenueKind
from crm.demo import vocabulary as words
from crm.demo.companies import Company
from crm.demo.horizon import MONTHS_A_YEAR, Horizon, dice
from crm.demo.profiles import TRAITS, WITHOUT_REVENUE, Profile
from crm.lib.periods import month_end

COLUMNS = (
    "account_code",
    "booked_on",
    "kind",
    "reference",
    "contract_number",
    "product_code",
    "product_name",
    "product_category",
    "quantity",
    "unit_price",
    "amount",
    "cost",
    "currency",
)
Row = tuple[str, ...]
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

# Share of a usual month, January first: the Spring Festival empties February, the fourth quarter is busy.
SEASON = np.array([0.92, 0.62, 1.06, 1.03, 1.0, 1.04, 0.96, 0.94, 1.08, 1.0, 1.14, 1.21])
MOST_LINES = 4  # lines of one order
CREDIT_NOTE_SHARE = 0.022  # of the lines
WITHOUT_COST_SHARE = 0.09  # of the common companies: one line in ten was booked without its cost
COST_KNOWN_YEARS = 1.25  # since then every line has its cost: the last twelve months have a margin, credit notes too
MAINTENANCE_OF_LEVEL = 0.004  # of the yearly revenue, a month
REBATE_SHARE = 0.012  # of a quarter's revenue of the largest customers
YEARLY_PRICE_RISE = 0.02


@dataclass(frozen=True, slots=True)
class Goods:
    """The catalogue as arrays, one place a product."""

    codes: list[str]
    names: list[str]
    categories: list[str]
    prices: Floats
    margins: Floats

    @classmethod
    def from_catalogue(cls) -> "Goods":
        flat = [
            (code, name, category, float(price), margin)
            for category, (margin, products) in words.CATALOGUE.items()
            for code, name, price in products
        ]
        codes, names, categories, prices, margins = (list(column) for column in zip(*flat, strict=True))
        return cls(codes, names, categories, np.array(prices), np.array(margins))

    def place(self, code: str) -> int:
        return self.codes.index(code)

    @property
    def saleable(self) -> Integers:
        """Places of what is sold by order; maintenance is invoiced by contract."""
        return np.array([place for place, code in enumerate(self.codes) if code != words.MAINTENANCE_CODE])

    def affordable(self, budget: Floats, rng: np.random.Generator) -> Integers:
        """For each budget a product that costs no more, dear ones rather than cheap ones; else the cheapest."""
        by_price = self.saleable[np.argsort(self.prices[self.saleable], kind="stable")]
        choices = np.searchsorted(self.prices[by_price], budget)
        return by_price[
            np.floor(np.sqrt(rng.random(len(budget))) * choices).astype(np.int64).clip(0, len(by_price) - 1)
        ]


@dataclass(frozen=True, slots=True)
class Lines:
    """Order lines as parallel arrays; ``day`` counts from the start of the horizon."""

    company: Integers
    day: Integers
    order: Integers
    product: Integers
    quantity: Integers
    price: Floats
    cost: Floats  # NaN: not known


def book_rows(found: Sequence[Company], *, seed: int, horizon: Horizon) -> list[Row]:
    """Every row of the books, by day."""
    goods = Goods.from_catalogue()
    rng = dice(seed, "revenue")
    lines = _order_lines(rng, found, goods, horizon)
    rows = [
        *_invoice_rows(lines, found, goods, horizon),
        *_credit_note_rows(rng, lines, found, goods, horizon),
        *_maintenance_rows(rng, found, goods, horizon),
        *_rebate_rows(lines, found, horizon),
    ]
    rows.sort(key=lambda row: (row[1], row[3], row[5]))
    return rows


def monthly_level(found: Sequence[Company], horizon: Horizon) -> Floats:
    """Expected revenue in base currency, one row a company, one column a month."""
    months = np.arange(horizon.months)
    starts = horizon.month_starts()
    season = SEASON[[start.month - 1 for start in starts]]
    level = np.array([company.level for company in found])[:, None] / MONTHS_A_YEAR
    growth = np.array([company.growth for company in found])[:, None]
    # The level is that of the last 12 months, whose middle lies half a year before the end.
    years = (months[None, :] - (horizon.months - 6.5)) / MONTHS_A_YEAR
    expected = level * (1 + growth) ** years * season[None, :]
    for place, company in enumerate(found):
        expected[place, : company.first_month] = 0
        if company.silence:
            expected[place, company.silence[0] : company.silence[1]] = 0
        if company.profile in WITHOUT_REVENUE:
            expected[place] = 0
    return expected


def _order_lines(rng: np.random.Generator, found: Sequence[Company], goods: Goods, horizon: Horizon) -> Lines:
    factors = np.array([company.own_level / company.level if company.level else 1.0 for company in found])
    expected = monthly_level(found, horizon)
    pace = np.array([max(company.orders_a_month, 0.01) for company in found])
    orders = _orders_a_month(rng, expected > 0, pace)
    company, month = (np.repeat(axis, orders.ravel()) for axis in np.indices(orders.shape).reshape(2, -1))
    amount = expected[company, month] / pace[company] * rng.gamma(4.0, 0.25, len(company))
    day = _business_days(rng, company, month, orders, horizon)
    sort = np.lexsort((company, day))
    company, month, amount, day = company[sort], month[sort], amount[sort], day[sort]

    lines_of = rng.integers(1, MOST_LINES + 1, len(company))
    order = np.repeat(np.arange(len(company)), lines_of)
    share = rng.gamma(2.0, 0.5, len(order))
    share /= np.bincount(order, share)[order]
    company, month, day = company[order], month[order], day[order]
    wanted = amount[order] * share * factors[company]
    before = (horizon.months - 1 - month) / MONTHS_A_YEAR
    product = _chosen_products(rng, found, company, before, goods.saleable)
    years = month / MONTHS_A_YEAR
    discount = rng.uniform(0.78, 1.0, len(found))[company]
    price = np.round(goods.prices[product] * factors[company] * discount * (1 + YEARLY_PRICE_RISE) ** years, 2)
    too_dear = wanted < 0.6 * price
    fair = goods.affordable(wanted / factors[company], rng)
    product = np.where(too_dear, fair, product)
    price = np.round(goods.prices[product] * factors[company] * discount * (1 + YEARLY_PRICE_RISE) ** years, 2)
    quantity = np.maximum(1, np.rint(wanted / price)).astype(np.int64)
    extra = np.array([TRAITS[c.profile].margin for c in found])[company]
    margin = np.clip(goods.margins[product] + extra + rng.normal(0, 0.03, len(product)), -0.9, 0.92)
    cost = np.round(price * quantity * (1 - margin), 2)
    is_old = before > COST_KNOWN_YEARS
    cost[_without_cost(rng, found)[company] & is_old & (rng.random(len(product)) < 0.1)] = np.nan
    return Lines(company, day, order, product, quantity, price, cost)


def _without_cost(rng: np.random.Generator, found: Sequence[Company]) -> NDArray[np.bool_]:
    """Companies some of whose lines were booked without a cost; none of the large ones."""
    common = np.array([c.profile in (Profile.STEADY, Profile.GROWING, Profile.UNKNOWN) for c in found])
    return common & (rng.random(len(found)) < WITHOUT_COST_SHARE)


def _orders_a_month(rng: np.random.Generator, is_buying: NDArray[np.bool_], pace: Floats) -> Integers:
    """Orders of each company in each month: every company keeps its own rhythm, with some unrest."""
    rate = np.where(is_buying, pace[:, None] * rng.gamma(12.0, 1 / 12, is_buying.shape), 0.0)
    reached = np.cumsum(rate, axis=1) + rng.random((len(pace), 1))
    return (np.floor(reached) - np.floor(reached - rate)).astype(np.int64)


def _business_days(
    rng: np.random.Generator, company: Integers, month: Integers, orders: Integers, horizon: Horizon
) -> Integers:
    """A working day for each order, spread over its month, as days from the start of the horizon."""
    starts = np.array([(start - horizon.start).days for start in horizon.month_starts()])
    lengths = np.diff([*starts, (horizon.end - horizon.start).days])
    first = np.concatenate([[0], np.cumsum(orders.ravel())[:-1]]).reshape(orders.shape)
    turn = np.arange(len(month)) - first[company, month]
    habit = rng.random(orders.shape[0])[company]
    share = (turn + np.clip(habit + rng.normal(0, 0.2, len(month)), 0, 0.999)) / orders[company, month]
    within = np.floor(share * lengths[month]).astype(np.int64)
    weekday = (horizon.start.weekday() + starts[month] + within) % 7
    late = np.maximum(weekday - 4, 0)  # Saturday 1, Sunday 2
    within = np.where(within >= late, within - late, within + (3 - late))
    return starts[month] + within


def _chosen_products(
    rng: np.random.Generator, found: Sequence[Company], company: Integers, before: Floats, saleable: Integers
) -> Integers:
    """A product for each line out of the company's own range, which widens over time where the company grows.

    ``before``: years from the line to the end of the books.
    """
    ranges = np.array([rng.permutation(saleable) for _ in found])
    width = rng.integers(3, 13, len(found))
    growth = np.array([c.growth for c in found])
    widths = np.clip(np.rint(width[company] * (1 + np.clip(growth[company], -0.3, 0.6)) ** -before), 2, len(saleable))
    # The first products of the range are bought most.
    place = np.floor(rng.random(len(company)) ** 1.6 * widths).astype(np.int64)
    return ranges[company, place]


def _day_text(horizon: Horizon, day: int) -> str:
    return (horizon.start + timedelta(days=day)).isoformat()


def _money(value: float) -> str:
    return f"{value:.2f}"


def _cost(value: float) -> str:
    return "" if math.isnan(value) else _money(value)


def _invoice_rows(lines: Lines, found: Sequence[Company], goods: Goods, horizon: Horizon) -> Iterator[Row]:
    days = [_day_text(horizon, day) for day in range((horizon.end - horizon.start).days)]
    columns = (lines.company, lines.day, lines.order, lines.product, lines.quantity, lines.price, lines.cost)
    for company, day, order, product, quantity, price, cost in zip(*(c.tolist() for c in columns), strict=True):
        yield (
            found[company].code,
            days[day],
            RevenueKind.INVOICE.value,
            f"IN{order + 1:07d}",
            "",
            goods.codes[product],
            goods.names[product],
            goods.categories[product],
            str(quantity),
            _money(price),
            _money(price * quantity),
            _cost(cost),
            found[company].currency,
        )


def _credit_note_rows(
    rng: np.random.Generator, lines: Lines, found: Sequence[Company], goods: Goods, horizon: Horizon
) -> Iterator[Row]:
    """Part of a line comes back some weeks later, at the price and cost it was sold at."""
    returned = np.flatnonzero(rng.random(len(lines.company)) < CREDIT_NOTE_SHARE)
    days = (lines.day[returned] + rng.integers(5, 45, len(returned))).tolist()
    shares = rng.uniform(0.1, 0.6, len(returned)).tolist()
    last = (horizon.last_day - horizon.start).days
    for number, (place, day, share) in enumerate(zip(returned.tolist(), days, shares, strict=True), 1):
        if day > last:
            continue
        company, product = found[int(lines.company[place])], int(lines.product[place])
        sold, price, cost = int(lines.quantity[place]), float(lines.price[place]), float(lines.cost[place])
        quantity = max(1, round(sold * share))
        yield (
            company.code,
            _day_text(horizon, day),
            RevenueKind.CREDIT_NOTE.value,
            f"CN{number:06d}",
            "",
            goods.codes[product],
            goods.names[product],
            goods.categories[product],
            str(-quantity),
            _money(price),
            _money(-price * quantity),
            _cost(-cost * quantity / sold),
            company.currency,
        )


def _maintenance_rows(
    rng: np.random.Generator, found: Sequence[Company], goods: Goods, horizon: Horizon
) -> Iterator[Row]:
    """A maintenance invoice on the last day of each month, so that the books always reach their last day."""
    product = goods.place(words.MAINTENANCE_CODE)
    for place, company in enumerate(found):
        if not company.maintenance_number:
            continue
        fee = max(round(company.own_level * MAINTENANCE_OF_LEVEL, -1), 50.0)
        for index, start in enumerate(horizon.month_starts()):
            cost = fee * (1 - goods.margins[product]) * rng.uniform(0.9, 1.1)
            yield (
                company.code,
                month_end(start).isoformat(),
                RevenueKind.INVOICE.value,
                f"MT{place:05d}-{index + 1:03d}",
                company.maintenance_number,
                goods.codes[product],
                goods.names[product],
                goods.categories[product],
                "1",
                _money(fee),
                _money(fee),
                _money(cost),
                company.currency,
            )


def _rebate_rows(lines: Lines, found: Sequence[Company], horizon: Horizon) -> Iterator[Row]:
    """Quarterly bonus of the largest customers: an adjustment without a product."""
    starts = horizon.month_starts()
    edges = np.array([(start - horizon.start).days for start in starts] + [(horizon.end - horizon.start).days])
    month = np.searchsorted(edges, lines.day, side="right") - 1
    sold = np.zeros((len(found), horizon.months))
    np.add.at(sold, (lines.company, month), lines.price * lines.quantity)
    for place, company in enumerate(found):
        if company.profile not in (Profile.PILLAR, Profile.VOLUME):
            continue
        for index in range(2, horizon.months):
            if starts[index].month % 3:
                continue
            bonus = float(sold[place, index - 2 : index + 1].sum()) * REBATE_SHARE
            reference = f"RB{place:05d}-{index + 1:03d}"
            booked_on = month_end(starts[index]).isoformat()
            amount = _money(-bonus)
            kind = RevenueKind.ADJUSTMENT.value
            yield (company.code, booked_on, kind, reference, "", "", "", "", "", "", amount, "0.00", company.currency)
