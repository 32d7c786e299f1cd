"""Money is Decimal, with one place that rounds it and one that writes it."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

MONEY_PLACES = 4  # decimals of an amount in the ledger and on the wire
AVERAGE_PLACES = 12  # decimals of an average of money on the wire
MINOR_PLACES = 2  # decimals people read
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)  # an amount of numeric(19,4) times a rate never runs out of digits


def rounded(amount: Decimal, *, places: int = MONEY_PLACES) -> Decimal:
    """``amount`` with exactly ``places`` decimals, half away from zero (四舍五入)."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_EXACT)


def average(total: Decimal, count: int) -> Decimal | None:
    """``total / count`` with AVERAGE_PLACES decimals; None where nothing was counted."""
    return rounded(_EXACT.divide(total, Decimal(count)), places=AVERAGE_PLACES) if count else None


def money_text(amount: Decimal | None) -> str | None:
    """An amount on the wire: plain digits, 4 decimals, never an exponent or a minus zero."""
    return None if amount is None else _plain(rounded(amount))


def average_text(amount: Decimal | None) -> str | None:
    """An average of money on the wire: 12 decimals."""
    return None if amount is None else _plain(rounded(amount, places=AVERAGE_PLACES))


def _plain(amount: Decimal) -> str:
    return format(amount or abs(amount), "f")
