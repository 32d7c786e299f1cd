"""Scales of a scoring model drawn as they work: straight lines between anchors, flat outside them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.web import formats
from crm.web.formats import PLAIN, NumberStyle
from tiering.enums import Unit

WIDTH, HEIGHT = 200, 76
LEFT, RIGHT, TOP, BOTTOM = 24, 10, 8, 16
OVERHANG = 0.08  # of the width on each side, to show that a scale stays flat outside its anchors
TOP_SCORE = 100.0


@dataclass(frozen=True, slots=True)
class Step:
    """One anchor in words."""

    value: str
    score: str


def in_unit(value: float | Decimal, unit: str, *, currency: str = "", style: NumberStyle = PLAIN) -> str:
    """A raw value or a threshold as people read it: 5M CNY, 15%, 3 years."""
    if unit == Unit.MONEY:
        text = _short_money(value, style)
        return f"{text} {currency}" if currency else text
    if unit == Unit.SHARE:
        return formats.percent(value, decimals=0)
    if unit == Unit.RATIO:
        return _trimmed(value)
    if unit == Unit.YEARS:
        return _("%(number)s years") % {"number": _trimmed(value)}
    if unit == Unit.MONTHS:
        return _("%(number)s months") % {"number": _trimmed(value)}
    return _trimmed(value)


def steps(anchors: Sequence[Sequence[float]], unit: str, *, style: NumberStyle = PLAIN) -> list[Step]:
    """The anchors of a scale as text, in their order."""
    return [Step(in_unit(value, unit, style=style), _trimmed(score)) for value, score in anchors]


def anchor_chart(
    anchors: Sequence[Sequence[float]], unit: str, *, label: str, style: NumberStyle = PLAIN
) -> SafeString:
    """The scale as a small drawing: value along, score 0..100 up, a dot an anchor with its words."""
    points = sorted((float(value), float(score)) for value, score in anchors)
    low, high = points[0][0], points[-1][0]
    place = _Place(low, high)
    line = [(LEFT, points[0][1]), *((place.x(value), score) for value, score in points), (WIDTH - RIGHT, points[-1][1])]
    drawn = " ".join(f"{x:.1f},{place.y(score):.1f}" for x, score in line)
    dots = format_html_join(
        "",
        '<circle cx="{}" cy="{}" r="2.5"><title>{} → {}</title></circle>',
        (
            (f"{place.x(value):.1f}", f"{place.y(score):.1f}", in_unit(value, unit, style=style), _trimmed(score))
            for value, score in points
        ),
    )
    return format_html(
        '<svg class="scale" viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" aria-label="{label}">'
        '{grid}<polyline points="{line}"></polyline>{dots}'
        '<text x="{x0}" y="{base}" text-anchor="start">{first}</text>'
        '<text x="{x1}" y="{base}" text-anchor="end">{last}</text></svg>',
        w=WIDTH,
        h=HEIGHT,
        label=label,
        grid=_grid(place),
        line=drawn,
        dots=dots,
        x0=LEFT,
        x1=WIDTH - RIGHT,
        base=HEIGHT - 3,
        first=in_unit(low, unit, style=style),
        last=in_unit(high, unit, style=style),
    )


@dataclass(frozen=True, slots=True)
class _Place:
    """From value and score to the drawing."""

    low: float
    high: float

    def x(self, value: float) -> float:
        inner = WIDTH - LEFT - RIGHT
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return LEFT + inner * (OVERHANG + share * (1 - 2 * OVERHANG))

    def y(self, score: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (1 - score / TOP_SCORE)


def _grid(place: _Place) -> SafeString:
    return format_html_join(
        "",
        '<line x1="{}" x2="{}" y1="{}" y2="{}"></line><text x="{}" y="{}" text-anchor="end">{}</text>',
        (
            (
                LEFT,
                WIDTH - RIGHT,
                f"{place.y(score):.1f}",
                f"{place.y(score):.1f}",
                LEFT - 5,
                f"{place.y(score) + 3:.1f}",
                score,
            )
            for score in (0, 50, 100)
        ),
    )


def _short_money(value: float | Decimal, style: NumberStyle) -> str:
    """A short amount without zeros at its end: 5M, not 5.00M."""
    text = formats.money_short(value, style)
    digits = text.rstrip("kMB万亿萬億")
    unit = text[len(digits) :]
    return (digits.rstrip("0").rstrip(".") if "." in digits else digits) + unit


def _trimmed(value: float | Decimal) -> str:
    """Up to two decimals, without trailing zeros."""
    text = formats.number(value, decimals=2)
    return text.rstrip("0").rstrip(".") if "." in text else text
