"""Small drawings the server makes itself: no script, no inline style, right in both themes by CSS classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

MARGIN = 2.0
MIN_RANGE = 0.05  # of a rate: five percentage points fill the height


def sparkline(
    values: Sequence[float | None] | None,
    *,
    width: int = 76,
    height: int = 22,
    label: str = "",
    from_zero: bool = True,
) -> SafeString:
    """A line through ``values`` (oldest first); nothing where fewer than two are known.

    from_zero : amounts stand on zero; rates use their own range, at least MIN_RANGE wide, so that noise stays flat.
    """
    known = [float(value) for value in values or () if value is not None]
    if len(known) < 2:
        return SafeString("")
    low, high = min(known), max(known)
    if from_zero:
        low, high = min(0.0, low), max(0.0, high)
    elif high - low < MIN_RANGE:
        low, high = (low + high - MIN_RANGE) / 2, (low + high + MIN_RANGE) / 2
    span = (high - low) or 1.0
    step = (width - 2 * MARGIN) / (len(known) - 1)
    points = [
        (MARGIN + at * step, height - MARGIN - (value - low) / span * (height - 2 * MARGIN))
        for at, value in enumerate(known)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    told = f'role="img" aria-label="{escape(label)}"' if label else 'aria-hidden="true"'
    return mark_safe(  # noqa: S308  # nosec B308, B703 # numbers of ours, and an escaped label
        f'<svg class="spark" width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
        f' preserveAspectRatio="none" {told}><polyline points="{line}"></polyline></svg>'
    )


@dataclass(frozen=True, slots=True)
class Share:
    """A part of the largest as a bar from zero."""

    percent: float

    @classmethod
    def of(cls, value: float | Decimal, largest: float | Decimal) -> "Share":
        return cls(max(0.0, 100 * float(value) / float(largest)) if largest else 0.0)

    def bar(self, css: str = "") -> SafeString:
        return format_html(
            '<svg class="bar-svg {}" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 8">'
            '<rect width="{}" height="8"></rect></svg>',
            css,
            f"{self.percent:.2f}",
        )


def load_bar(load: float, capacity: float, *, largest: float) -> SafeString:
    """Load as a bar from zero with a line at the capacity; ``largest`` fills the width. What is above is drawn apart."""
    width = float(max(largest, load, capacity, 1))
    within, over = min(load, capacity), max(load - capacity, 0)
    return format_html(
        '<svg class="load-bar" aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 12">'
        '<rect class="load-within" y="2" width="{}" height="8"></rect><rect class="load-over" x="{}" y="2" width="{}"'
        ' height="8"></rect><rect class="load-line" x="{}" width="0.8" height="12"></rect></svg>',
        f"{100 * within / width:.2f}",
        f"{100 * capacity / width:.2f}",
        f"{100 * over / width:.2f}",
        f"{min(100 * capacity / width, 99.2):.2f}",
    )
