"""The change in revenue split over its factors (domain.md 1.6): Shapley over all orders, LMDI by its definition."""

from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import permutations
from math import prod

from tests.metrics.slow.activity import Window

LOG_DIGITS = 60


def factors_of(window, count):
    """(K, A, V) or (K, A, Q, W) in fractions, None where undefined; and the revenue that no order carries."""
    covered, active, orders = len(window.covered), len(window.orders), window.order_count
    total = Fraction(window.total)
    rate = Fraction(active, covered) if covered else None
    if count == 3:
        return [Fraction(covered), rate, total / active if active else None], Fraction(0) if active else total
    frequency = Fraction(orders, active) if active else None
    return [Fraction(covered), rate, frequency, total / orders if orders else None], Fraction(0) if active else total


def filled(before, after):
    """An undefined factor takes the value of the other window; undefined in both it is 0, and with it every effect."""
    pairs = [(x if x is not None else y, y if y is not None else x) for x, y in zip(before, after, strict=True)]
    return [pair if None not in pair else (Fraction(0), Fraction(0)) for pair in pairs]


def shapley(pairs):
    """Mean over all orders in which the factors may change one after the other."""
    effects = [Fraction(0)] * len(pairs)
    orders = list(permutations(range(len(pairs))))
    for order in orders:
        now = [before for before, _after in pairs]
        for factor in order:
            was = prod(now)
            now[factor] = pairs[factor][1]
            effects[factor] += prod(now) - was
    return [effect / len(orders) for effect in effects]


def lmdi(pairs):
    """L(R1, R0) ln(x1 / x0), by their limits at 0; None where a factor lies below 0."""
    if any(x < 0 or y < 0 for x, y in pairs):
        return None
    r0, r1 = prod(x for x, _y in pairs), prod(y for _x, y in pairs)
    if all(x > 0 and y > 0 for x, y in pairs):
        with localcontext(prec=LOG_DIGITS):
            mean = _decimal(r0) if r0 == r1 else _decimal(r1 - r0) / _decimal(r1 / r0).ln()
            return [Fraction(mean * _decimal(y / x).ln()) for x, y in pairs]
    turned = [(x == 0) != (y == 0) for x, y in pairs]
    if r0 == r1 == 0:
        return [Fraction(0)] * len(pairs)
    return [(r1 - r0) / sum(turned) if is_turned else Fraction(0) for is_turned in turned]


class Split:
    """One leaf (``units``) or the whole between two windows (start, end)."""

    def __init__(self, ledger, level, base, comparison, *, factors, units=None):
        self.windows = [Window(ledger, level, *window, units=units) for window in (base, comparison)]
        self.missing = sorted({rate for window in self.windows for rate in window.missing})
        if self.missing:
            return
        (self.before, lost), (self.after, left) = (factors_of(window, factors) for window in self.windows)
        self.pairs = filled(self.before, self.after)
        self.unattributed = left - lost
        self.change = Fraction(self.windows[1].total) - Fraction(self.windows[0].total)

    @property
    def is_negative(self):
        """LMDI is not defined here."""
        return any(x < 0 or y < 0 for x, y in self.pairs)

    def effects(self, method):
        """Of each factor, then of the unattributed revenue; they add up to the change."""
        found = [*(shapley if method == "shapley" else lmdi)(self.pairs), self.unattributed]
        assert abs(sum(found) - self.change) < Fraction(1, 10**20)
        return found


def _decimal(number):
    return Decimal(number.numerator) / Decimal(number.denominator)
