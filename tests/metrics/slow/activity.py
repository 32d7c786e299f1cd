"""Orders, covered and active customers of one window (domain.md 1.6, 1.7)."""

from decimal import Decimal

from tests.metrics.slow.ledger import ratio


def orders_of(ledger, unit, level):
    """[(customer, day) of each order] while the customer belongs to the unit, by day."""
    every = [(key, day) for key in ledger.members(unit, level) for day in order_days(ledger, key)]
    return sorted(((key, day) for key, day in every if ledger.unit_of(key, level, day) == unit), key=lambda one: one[1])


def order_days(ledger, customer):
    """[day of each order]: a document that is no credit note, on its first day, if its lines of that day come to more
    than 0. Lines without a reference make one document a day. A document has one currency."""
    documents = {}
    for line in ledger.lines:
        if line.customer == customer and line.kind != "credit_note":
            key = (line.currency, line.reference or line.day)
            documents.setdefault(key, []).append(line)
    days = []
    for lines in documents.values():
        first = min(line.day for line in lines)
        if sum(line.amount for line in lines if line.day == first) > 0:
            days.append(first)
    return sorted(days)


class Window:
    """Who was on the books, who ordered, for how much, in start <= day < end."""

    def __init__(self, ledger, level, start, end, units=None):
        self.ledger, self.level = ledger, level
        self.units = ledger.units(level) if units is None else units
        self.missing = ledger.missing(ledger.lines_in(start, end))
        self.revenue = None if self.missing else ledger.revenue(level, start, end)
        self.covered, self.orders, self.earlier, self.days = [], {}, [], {}
        for unit in self.units:
            every = orders_of(ledger, unit, level)
            inside = [day for _key, day in every if start <= day < end]
            if inside or any(self._is_on_books(key, unit, every, start, end) for key in ledger.members(unit, level)):
                self.covered.append(unit)
            if inside:
                self.orders[unit] = len(inside)
                self.days[unit] = set(inside)
                if min(day for _key, day in every) < start:
                    self.earlier.append(unit)

    def _is_on_books(self, key, unit, every, start, end):
        """Ordered before the end, and neither closed nor gone to another group before the start."""
        ends = (self.ledger.customers[key].closed_on, self.ledger.left_on(key, unit, self.level))
        has_ordered = any(day < end for customer, day in every if customer == key)
        return has_ordered and all(day is None or day >= start for day in ends)

    @property
    def total(self):
        return sum((self.revenue[unit] for unit in self.units), Decimal(0))

    @property
    def order_count(self):
        return sum(self.orders.values())

    def figures(self):
        covered, active, orders = len(self.covered), len(self.orders), self.order_count
        repeat = [unit for unit, days in self.days.items() if len(days) >= 2]
        counts = {
            "covered_accounts": covered,
            "active_accounts": active,
            "orders": orders,
            "active_rate": ratio(active, covered),
            "repeat_rate": ratio(len(repeat), active),
            "returning_rate": ratio(len(self.earlier), active),
            "order_frequency": ratio(orders, active),
        }
        if self.missing:
            return counts
        return counts | {
            "revenue": self.total,
            "unattributed": Decimal(0) if active else self.total,
            "average_order_value": ratio(self.total, orders),
            "revenue_per_active_account": ratio(self.total, active),
        }
