"""Cohorts by the period of their first revenue (domain.md 1.7), cell by cell."""

from datetime import timedelta
from decimal import Decimal

from tests.metrics.slow.activity import orders_of
from tests.metrics.slow.ledger import NEVER_NEW, ratio

MONTHS = {"month": 1, "quarter": 3, "year": 12}


class Matrix:
    """``periods``: (start, end) from that of the first cohort to that of the as-of day. ``rows``: the units of each.

    base_age : 0, or 1 for "first full period"
    """

    def __init__(self, ledger, level, interval, as_of, *, base_age=0):
        self.ledger, self.level, self.as_of, self.base_age = ledger, level, as_of, base_age
        came = {unit: ledger.first_revenue_on(unit, level) for unit in ledger.units(level)}
        self.left_out = len([day for day in came.values() if day == NEVER_NEW])
        placed = {unit: day for unit, day in came.items() if day not in (None, NEVER_NEW) and day <= as_of}
        self.periods = []
        if placed:
            start = _start(min(placed.values()), MONTHS[interval])
            while start <= as_of:
                end = _later(start, MONTHS[interval])
                self.periods.append((start, end))
                start = end
        self.rows = [[unit for unit, day in placed.items() if start <= day < end] for start, end in self.periods]
        self.lines = {unit: ledger.lines_of(unit, level) for unit in placed}
        self.orders = {unit: [day for _customer, day in orders_of(ledger, unit, level)] for unit in placed}
        ages = range(self.finished)
        self.cells = {(row, age): self._cell(row, age) for row in ages for age in ages if row + age < self.finished}

    @property
    def finished(self):
        """How many of the periods are over: their last day is the as-of day, or before it."""
        return len([end for _start, end in self.periods if end - timedelta(days=1) <= self.as_of])

    def cell(self, row, age):
        """(active units, revenue, missing rates), None for a period that is not over."""
        return self.cells.get((row, age))

    def _cell(self, row, age):
        start, end = self.periods[row + age]
        active = [unit for unit in self.rows[row] if any(start <= day < end for day in self.orders[unit])]
        lines = [line for unit in self.rows[row] for line in self.lines[unit] if start <= line.day < end]
        missing = self.ledger.missing(lines)
        if missing:
            return len(active), None, missing
        revenue = (self.ledger.revenue_of(unit, self.level, start, end) for unit in self.rows[row])
        return len(active), sum(revenue, Decimal(0)), []

    def share(self, row, age):
        """(revenue against that of the base age, missing rates); None below the base age and without revenue there."""
        cell, base = self.cell(row, age), self.cell(row, self.base_age)
        if age < self.base_age:
            return None, []
        missing = sorted({*cell[2], *base[2]})
        return (None, missing) if missing else (ratio(cell[1], base[1]), [])

    def pooled(self, age):
        """(units, active share, revenue share, whether a rate is missing) over the rows that have reached the age."""
        rows = range(self.finished - age)
        size = sum(len(self.rows[row]) for row in rows)
        active = ratio(sum(self.cell(row, age)[0] for row in rows), size)
        if age < self.base_age:
            return size, active, None, False
        cells = [self.cell(row, age) for row in rows]
        bases = [self.cell(row, self.base_age) for row in rows]
        if any(cell[2] for cell in (*cells, *bases)):
            return size, active, None, True
        revenue, base = (sum((cell[1] for cell in of), Decimal(0)) for of in (cells, bases))
        return size, active, ratio(revenue, base), False


def _start(day, months):
    return day.replace(day=1, month=(day.month - 1) // months * months + 1)


def _later(start, months):
    for _month in range(months):
        start = (start + timedelta(days=32)).replace(day=1)
    return start
