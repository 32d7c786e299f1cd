"""The ledger as plain lines, and what every figure starts from: whose lines, of which days, in which currency.

Written to be read beside the definitions, not to be fast: loops over lines, Decimal for money, no code of the product.
A unit is a legal entity, or with level "group" the top of its group tree.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

NEVER_NEW = date.min  # first revenue of a customer from before the data start: before every window


@dataclass(frozen=True)
class Customer:
    key: int
    parent: int | None = None
    region: str = ""
    closed_on: date | None = None
    before_data_start: bool = False
    in_view: bool = True
    changes: tuple[tuple[date, int | None], ...] = ()  # (first day, parent from then on), ascending

    def parent_on(self, day):
        """The parent it had on that day: the first one, or that of the last change up to then."""
        return next((parent for since, parent in reversed(self.changes) if since <= day), self.parent)


@dataclass(frozen=True)
class Line:
    """One counting line of the ledger. ``day`` is the one it counts on, ``credits`` the document a credit note names."""

    customer: int
    day: date
    amount: Decimal
    currency: str
    kind: str
    reference: str
    credits: str = ""
    booked_on: date | None = None  # where it counts on another day


@dataclass(frozen=True)
class Rates:
    """How much of the currency of the figures one unit of another is worth: by (currency, day), by (currency, month)."""

    spot: dict[tuple[str, date], Decimal] = field(default_factory=dict)
    average: dict[tuple[str, date], Decimal] = field(default_factory=dict)

    def of_document(self, currency, day):
        """The average of the month where there is one, else the rate of the day, else the last of the 10 days before."""
        if (currency, day.replace(day=1)) in self.average:
            return self.average[currency, day.replace(day=1)]
        for back in range(11):
            if (currency, day - timedelta(days=back)) in self.spot:
                return self.spot[currency, day - timedelta(days=back)]
        return None

    def of_month(self, currency, month):
        """One rate for a whole month: its average, else the mean of its rates, else the last of the 10 days before it."""
        if (currency, month) in self.average:
            return self.average[currency, month]
        days = [month + timedelta(days=number) for number in range(31)]
        inside = [self.spot[currency, day] for day in days if day.month == month.month and (currency, day) in self.spot]
        return sum(inside) / len(inside) if inside else self.of_document(currency, month)


@dataclass(frozen=True)
class Ledger:
    """What somebody may see: ``customers`` with their tree (those not in view make groups, and nothing else), and the
    counting lines of those in view on one basis."""

    customers: dict[int, Customer]
    lines: list[Line]
    rates: Rates
    currency: str
    membership: str = "as_was"  # of groups: by the day of each line, or as_now
    found: dict = field(default_factory=dict, init=False, compare=False)  # answers that are asked for again and again

    def once(self, question, *details):
        """What ``question(*details)`` gives, worked out once."""
        key = (question.__name__, *details)
        if key not in self.found:
            self.found[key] = question(*details)
        return self.found[key]

    @property
    def has_one_currency(self):
        return all(line.currency == self.currency for line in self.lines)

    def restated(self):
        """The same with every credit note on the first day of the document it names, where that is here: one of the same
        customer and currency with a line that is no credit note."""
        return replace(self, lines=[self._moved(line) for line in self.lines])

    def _moved(self, line):
        if line.kind != "credit_note" or not line.credits:
            return line
        days = [
            one.day
            for one in self.lines
            if one.kind != "credit_note"
            and (one.customer, one.currency, one.reference) == (line.customer, line.currency, line.credits)
        ]
        return replace(line, day=min(days), booked_on=line.day) if days else line

    def unit_of(self, customer, level, day):
        """The customer itself, or the top of its group on that day (as_now: today)."""
        return customer if level == "entity" else self.once(self._top_of, customer, day)

    def _top_of(self, customer, day):
        day = date.max if self.membership == "as_now" else day
        while self.customers[customer].parent_on(day) is not None:
            customer = self.customers[customer].parent_on(day)
        return customer

    def units(self, level):
        """Every unit with a line, ascending."""
        return self.once(self._units, level)

    def _units(self, level):
        return sorted({self.unit_of(line.customer, level, line.booked_on or line.day) for line in self.lines})

    def members(self, unit, level):
        """The customers that have a line while they belong to the unit."""
        return self.once(self._members, unit, level)

    def _members(self, unit, level):
        return sorted({
            line.customer
            for line in self.lines
            if self.unit_of(line.customer, level, line.booked_on or line.day) == unit
        })  # fmt: skip

    def lines_of(self, unit, level):
        return [line for line in self.lines if self.unit_of(line.customer, level, line.day) == unit]

    def left_on(self, customer, unit, level):
        """Last day the customer belonged to the unit, None where it still does."""
        return self.once(self._left_on, customer, unit, level)

    def _left_on(self, customer, unit, level):
        edges = sorted({since for one in self.customers.values() for since, _parent in one.changes})
        last = None
        for edge in (*edges, date.max):
            if self.unit_of(customer, level, edge - timedelta(days=1)) == unit:
                last = edge
        return None if last == date.max else last - timedelta(days=1)

    def lines_in(self, start, end):
        return [line for line in self.lines if start <= line.day < end]

    def lines_of_customer(self, key):
        return [line for line in self.lines if line.customer == key]

    def rate_of(self, line):
        return (
            Decimal(1) if line.currency == self.currency else self.once(self.rates.of_document, line.currency, line.day)
        )

    def missing(self, lines):
        """(month, currency) of every line without a rate."""
        return sorted({(line.day.replace(day=1), line.currency) for line in lines if self.rate_of(line) is None})

    def revenue_of(self, unit, level, start, end):
        """Net revenue of start <= day < end in the currency of the figures; every line of the unit must have a rate.

        Every customer's part to the fourth decimal, as money is kept. What a customer bought in several groups is added
        up group by group, and each gets what its part moves the rounded sum by.
        """
        total = Decimal(0)
        for key in self.members(unit, level):
            parts = {}
            for line in self.once(self.lines_of_customer, key):
                if start <= line.day < end and self.rate_of(line) is not None:  # of another group it may lack one
                    of = self.unit_of(key, level, line.day)
                    parts[of] = parts.get(of, Decimal(0)) + line.amount * self.rate_of(line)
            before = sum((part for of, part in parts.items() if of < unit), Decimal(0))
            total += to_four_places(before + parts.get(unit, Decimal(0))) - to_four_places(before)
        return total

    def revenue(self, level, start, end):
        """{unit: net revenue of start <= day < end}."""
        return {unit: self.revenue_of(unit, level, start, end) for unit in self.units(level)}

    def first_revenue_on(self, unit, level):
        """Day the first line above 0 was booked, None where there is none; NEVER_NEW for a customer from before the data,
        in the group it belonged to then."""
        members = self.members(unit, level)
        if any(self.customers[key].before_data_start and self.unit_of(key, level, date.min) == unit for key in members):
            return NEVER_NEW
        booked = [(line.customer, line.booked_on or line.day) for line in self.lines if line.amount > 0]
        return min((day for key, day in booked if self.unit_of(key, level, day) == unit), default=None)


def to_four_places(amount):
    """Half away from zero (四舍五入)."""
    return amount.quantize(Decimal("0.0001"), rounding=ROUND_HALF_UP)


def months_of(start, end):
    """First day of every month that start <= day < end touches."""
    month, months = start.replace(day=1), []
    while month < end:
        months.append(month)
        month = (month + timedelta(days=32)).replace(day=1)
    return months


def ratio(part, whole):
    """part / whole as a float, None unless the whole lies above 0."""
    return float(Decimal(part) / Decimal(whole)) if whole > 0 else None
