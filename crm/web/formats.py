"""How numbers read on screen: one place for pages, charts' tables and exports.

All three languages of the product group digits with a comma and write a point before decimals, so plain format
strings are right in each; what differs is the short form (M, B or 万, 亿), which is the user's choice.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.utils import formats
from django.utils.translation import get_language

from crm.lib.days import day_text

Number = int | float | Decimal
MINUS = "\u2212"
WESTERN_STEPS = ((1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k"))
WAN_STEPS = {"zh-hans": ((100_000_000, "亿"), (10_000, "万")), "zh-hant": ((100_000_000, "億"), (10_000, "萬"))}
LEAST_CHANCE = 0.0001
SHORT_DIGITS = 3  # significant digits of a shortened amount


@dataclass(frozen=True, slots=True)
class NumberStyle:
    """What the reader chose: ``units`` is "m" (k, M, B) or "wan" (万, 亿)."""

    units: str = "m"

    @property
    def steps(self) -> tuple[tuple[int, str], ...]:
        if self.units == "wan":
            return WAN_STEPS.get(get_language() or "", WAN_STEPS["zh-hans"])
        return WESTERN_STEPS


PLAIN = NumberStyle()


def money(value: Number, *, decimals: int = 0) -> str:
    """An amount in full: 6,234,120 or −1,204."""
    return _signed(f"{abs(value):,.{decimals}f}", negative=value < 0)


def money_short(value: Number, style: NumberStyle = PLAIN) -> str:
    """An amount with three significant digits and its magnitude: 6.23M, 812k, 623万."""
    size = float(abs(value))
    for step, unit in style.steps:
        if size >= step * 0.9995:
            scaled = size / step
            digits = max(0, SHORT_DIGITS - len(str(int(scaled + 0.5))))
            return _signed(f"{scaled:,.{digits}f}{unit}", negative=value < 0)
    return _signed(f"{size:,.0f}", negative=value < 0)


def percent(value: Number, *, decimals: int = 1, signed: bool = False) -> str:
    """A fraction as a percentage: 0.125 → 12.5%."""
    text = f"{abs(value) * 100:,.{decimals}f}"
    negative = value < 0 and float(text.replace(",", "")) != 0
    plus = "+" if signed and value > 0 and float(text.replace(",", "")) != 0 else ""
    return f"{_signed(plus + text, negative=negative)}%"


def chance(value: Number) -> str:
    """A probability of a test: four decimals, or that it is less than these can show."""
    return f"< {LEAST_CHANCE}" if value < LEAST_CHANCE else f"{value:.4f}"


def points(value: Number, *, decimals: int = 1) -> str:
    """A difference of two scores or shares, always with its sign."""
    return _signed(f"{'+' if value > 0 else ''}{abs(value):,.{decimals}f}", negative=value < 0)


def number(value: Number, *, decimals: int = 0) -> str:
    return _signed(f"{abs(value):,.{decimals}f}", negative=value < 0)


def day(value: date | None) -> str:
    """A date as the reader's language writes it short."""
    return day_text(value) if value else ""


def month(value: date) -> str:
    return formats.date_format(value, "Y年n月" if _is_chinese() else "M Y")


def period(start: date, last: date) -> str:
    """A span of dates, both ends included: "1 Jan 2025 – 31 Dec 2025"."""
    return f"{day(start)} – {day(last)}"


def _signed(text: str, *, negative: bool) -> str:
    return MINUS + text if negative else text


def _is_chinese() -> bool:
    return (get_language() or "").startswith("zh")
