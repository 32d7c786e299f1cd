"""Growth, retention and the bridge of two windows (domain.md 1.1 to 1.3, 1.5), unit by unit."""

from decimal import Decimal

from tests.metrics.slow.ledger import months_of, ratio, to_four_places

LINES = ("expansion", "contraction", "churned", "reactivated", "new", "adjustment")


class TwoWindows:
    """B and C of every unit, each window as (start, end), the end not in it."""

    def __init__(self, ledger, level, base, comparison):
        self.ledger, self.level, self.base, self.comparison = ledger, level, base, comparison
        self.missing = ledger.missing([*ledger.lines_in(*base), *ledger.lines_in(*comparison)])
        if not self.missing:
            self.b = ledger.revenue(level, *base)
            self.c = ledger.revenue(level, *comparison)
            self.existing = [unit for unit in self.b if self.b[unit] > 0]

    def growth(self):
        """Money, rates (None where undefined) of the same customers and of all."""
        base, comparison = (sum((of[unit] for unit in self.existing), Decimal(0)) for of in (self.b, self.c))
        total_base, total_comparison = (sum(of.values(), Decimal(0)) for of in (self.b, self.c))
        return {
            "cohort_accounts": len(self.existing),
            "base_revenue": base,
            "comparison_revenue": comparison,
            "growth_rate": ratio(comparison - base, base),
            "total_base_revenue": total_base,
            "total_comparison_revenue": total_comparison,
            "overall_growth_rate": ratio(total_comparison - total_base, total_base),
        }

    def retention(self):
        base = sum((self.b[unit] for unit in self.existing), Decimal(0))
        kept = sum((min(max(self.c[unit], Decimal(0)), self.b[unit]) for unit in self.existing), Decimal(0))
        net = sum((self.c[unit] for unit in self.existing), Decimal(0))
        stayed = [unit for unit in self.existing if self.c[unit] > 0]
        return {
            "cohort_accounts": len(self.existing),
            "retained_accounts": len(stayed),
            "logo_retention": ratio(len(stayed), len(self.existing)),
            "gross_revenue_retention": ratio(kept, base),
            "net_revenue_retention": ratio(net, base),
        }

    def bridge(self):
        return self.bridge_to(self.c)

    def bridge_to(self, c):
        """{line: (amount, units in it)}, opening and closing too, and the two parts of new."""
        found = {name: [] for name in (*LINES, "new_in_comparison", "new_between")}
        for unit in self.b:
            before, after = self.b[unit], c[unit]
            came = self.ledger.first_revenue_on(unit, self.level)
            if before > 0 and after > before:
                found["expansion"].append(after - before)
            if before > 0 and 0 < after < before:
                found["contraction"].append(after - before)
            if before > 0 and after <= 0:
                found["churned"].append(-before)
            if before <= 0 and after > 0 and came < self.base[1]:
                found["reactivated"].append(after)
            if before <= 0 and after > 0 and came >= self.base[1]:
                found["new"].append(after)
                found["new_in_comparison" if came >= self.comparison[0] else "new_between"].append(after)
            if min(after, 0) != min(before, 0):
                found["adjustment"].append(min(after, Decimal(0)) - min(before, Decimal(0)))
        bars = {name: (sum(amounts, Decimal(0)), len(amounts)) for name, amounts in found.items()}
        for name, of in (("opening", self.b), ("closing", c)):
            bars[name] = (sum(of.values(), Decimal(0)), len([amount for amount in of.values() if amount > 0]))
        moved = sum((bars[name][0] for name in LINES), Decimal(0))
        assert bars["opening"][0] + moved == bars["closing"][0]
        return bars

    def constant(self):
        """{unit: C at the rates of the base}, None where a rate is missing; those rates; whether the base lacks months."""
        months = base_months(self.base, self.comparison)
        amounts, missing = {}, set()
        for unit in self.b:
            by_month = {}
            for line in self.ledger.lines_of(unit, self.level):
                if self.comparison[0] <= line.day < self.comparison[1]:
                    key = (line.currency, line.day.replace(day=1))
                    by_month[key] = by_month.get(key, Decimal(0)) + line.amount
            amounts[unit] = Decimal(0)
            for (currency, month), amount in by_month.items():
                rate = Decimal(1)
                if currency != self.ledger.currency:
                    rate = months and self.ledger.rates.of_month(currency, months[month])
                if rate is None and amount:  # nothing needs no rate
                    missing |= {(months[month], currency)} if months else set()
                    amounts[unit] = None
                elif amounts[unit] is not None:
                    amounts[unit] += amount * (rate or 0)
            if amounts[unit] is not None:
                amounts[unit] = to_four_places(amounts[unit])
        return amounts, sorted(missing), months is None and not self.ledger.has_one_currency

    def constant_growth(self):
        """What growth says at the rates of the base: money and rates, None where a rate is missing."""
        amounts, missing, lacks_months = self.constant()
        fields = {"missing": missing, "lacks_months": lacks_months, "amounts": amounts}
        grown = self.growth()
        cohort, total = self._sum(amounts, self.existing), self._sum(amounts, list(amounts))
        base, whole = grown["base_revenue"], grown["total_base_revenue"]
        fields["cohort"] = cohort is not None and {
            "constant_growth_rate": ratio(cohort - base, base),
            "constant_comparison_revenue": cohort,
            "cohort_fx_effect": grown["comparison_revenue"] - cohort,
        }
        fields["total"] = total is not None and {
            "constant_overall_growth_rate": ratio(total - whole, whole),
            "total_constant_comparison_revenue": total,
            "fx_effect": grown["total_comparison_revenue"] - total,
        }
        return fields

    @staticmethod
    def _sum(amounts, units):
        chosen = [amounts[unit] for unit in units]
        return None if None in chosen else sum(chosen, Decimal(0))


def base_months(base, comparison):
    """{month of the comparison: month of the base whose rate it takes}, None where one has none.

    Windows of as many months that begin in the same month: the first for the first, and so on. Else the month of the
    same name, the last one. Else, for as many months, again the first for the first.
    """
    known, wanted = months_of(*base), months_of(*comparison)
    in_order = dict(zip(wanted, known, strict=False)) if len(known) == len(wanted) else None
    if in_order and known[0].month == wanted[0].month:
        return in_order
    by_name = {month.month: month for month in known}
    if all(month.month in by_name for month in wanted):
        return {month: by_name[month.month] for month in wanted}
    return in_order
