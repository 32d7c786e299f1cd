"""Small drawings the server makes itself: no script, no inline style, right in both themes by CSS classes."""

from collections.abc import Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

MARGIN = 2.0


def sparkline(
    values: Sequence[float | None] | None, *, width: int = 76, height: int = 22, label: str = ""
) -> SafeString:
    """A line through ``values`` (oldest first), its last point marked; nothing where fewer than two are known."""
    known = [float(value) for value in values or () if value is not None]
    if len(known) < 2:
        return mark_safe("")
    low, high = min(0.0, *known), max(known)
    span = (high - low) or 1.0
    step = (width - 2 * MARGIN) / (len(known) - 1)
    points = [
        (MARGIN + at * step, height - MARGIN - (value - low) / span * (height - 2 * MARGIN))
        for at, value in enumerate(known)
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return format_html(
        '<svg class="spark" width="{}" height="{}" viewBox="0 0 {} {}" {}><polyline points="{}"></polyline></svg>',
        width,
        height,
        width,
        height,
        format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"'),
        line,
    )
