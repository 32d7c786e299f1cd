"""Promises in words; the same on page, REST and export."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from plans.enums import Clock, Evidence, Level, PromiseKind, Span
from plans.models import Promise

IN_A_SPAN: dict[str, Any] = {
    Span.MONTH: gettext_lazy("%(number)s a month"),
    Span.QUARTER: gettext_lazy("%(number)s a quarter"),
    Span.HALF_YEAR: gettext_lazy("%(number)s in half a year"),
    Span.YEAR: gettext_lazy("%(number)s a year"),
    "": gettext_lazy("%(number)s until it is solved"),
}
BY_CLOCK: dict[str, Any] = {
    Clock.BUSINESS: gettext_lazy("within %(number)s business hours"),
    Clock.CALENDAR: gettext_lazy("within %(number)s hours"),
}


def plain(number: Decimal | float | None) -> str:
    """A number without the zeros at its end."""
    return "–" if number is None else f"{Decimal(str(number)).normalize():f}"


def promise_text(promise: Promise) -> str:
    """What is promised: "6 a quarter", "P1, within 4 business hours", "up to 12 %", "exclusive"."""
    words = {"number": plain(promise.target)}
    parts = [str(Level(promise.level).label)] if promise.level else []
    if promise.kind == PromiseKind.COUNT:
        parts.append(IN_A_SPAN[promise.period] % words)
        if promise.counts_remote and promise.evidence == Evidence.VISIT:
            parts.append(_("remote counts"))
    elif promise.kind == PromiseKind.TIME:
        parts.append(BY_CLOCK[promise.clock] % words)
    elif promise.kind == PromiseKind.PERMISSION:
        parts.append(_("up to %(number)s %%") % words if promise.target else _("none without approval"))
    return ", ".join(parts) or _("yes")


def severity_text(promise: Promise) -> str:
    """Which cases a timed promise is about; empty where it is about all of them."""
    if promise.severity is None:
        return ""
    if promise.severity == 1:
        return _("severity 1")
    return _("severity 1 to %(last)s") % {"last": promise.severity}


def delivered_text(kind: str, *, promised: float, delivered: float) -> str:
    """What was delivered against it, short: "5 of 6", "7 of 8 in time", "in place"."""
    words = {"delivered": plain(round(delivered, 1)), "promised": plain(round(promised, 1))}
    if kind == PromiseKind.COUNT:
        return _("%(delivered)s of %(promised)s") % words if promised else words["delivered"]
    if kind == PromiseKind.TIME:
        return _("%(delivered)s of %(promised)s in time") % words if promised else _("no case")
    if kind == PromiseKind.STANDING:
        return _("in place") if delivered else _("missing")
    if kind == PromiseKind.PERMISSION:
        return _("%(delivered)s of %(promised)s within it") % words if promised else _("no discount")
    return "–"


def missing_text(kind: str, *, missing: int) -> str:
    """The gap in words; empty where there is none."""
    if not missing:
        return ""
    words = {"number": missing}
    if kind == PromiseKind.TIME:
        return _("%(number)s late") % words
    if kind == PromiseKind.PERMISSION:
        return _("%(number)s above it, not approved") % words
    if kind == PromiseKind.STANDING:
        return _("to be put in place")
    return _("%(number)s missing") % words
