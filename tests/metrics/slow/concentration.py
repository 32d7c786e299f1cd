"""Who carries the revenue of one window (domain.md 1.8)."""

from decimal import Decimal
from fractions import Fraction


def concentration(revenue):
    """Figures of {unit: net revenue}; shares None where no revenue lies above 0."""
    largest = sorted((Fraction(amount) for amount in revenue.values() if amount > 0), reverse=True)
    n, whole = len(largest), sum(largest)
    figures = {"accounts": n, "total": sum(revenue.values(), Decimal(0))}
    if not n:
        return figures | dict.fromkeys(SHARES)
    hhi = sum((amount / whole) ** 2 for amount in largest)
    rising = list(reversed(largest))
    gini = sum((2 * place - n - 1) * amount for place, amount in enumerate(rising, start=1)) / (n * whole)
    fifth = n // 5 + (1 if n % 5 else 0)
    return figures | {
        "top_1_share": float(sum(largest[:1]) / whole),
        "top_5_share": float(sum(largest[:5]) / whole),
        "top_10_share": float(sum(largest[:10]) / whole),
        "top_20_percent_share": float(sum(largest[:fifth]) / whole),
        "hhi": float(hhi),
        "effective_accounts": float(1 / hhi),
        "normalised_hhi": float((hhi - Fraction(1, n)) / (1 - Fraction(1, n))) if n > 1 else None,
        "gini": float(gini),
    }


SHARES = (
    "top_1_share", "top_5_share", "top_10_share", "top_20_percent_share", "hhi", "effective_accounts", "normalised_hhi",
    "gini",
)  # fmt: skip


def abc(revenue):
    """{unit: A, B, C or N} by the share of all the larger ones before it, equals by id."""
    classes = {unit: "N" for unit, amount in revenue.items() if amount <= 0}
    whole = sum((Fraction(amount) for amount in revenue.values() if amount > 0), Fraction(0))
    before = Fraction(0)
    for unit in sorted(revenue, key=lambda unit: (-revenue[unit], unit)):
        if revenue[unit] > 0:
            classes[unit] = "A" if before < whole * 80 / 100 else "B" if before < whole * 95 / 100 else "C"
            before += Fraction(revenue[unit])
    return classes
