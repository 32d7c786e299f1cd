"""What became of the rows of a file, in the words of the pages."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.duplicates import Match, matches_of
from accounts.imports.reasons import reason_label
from accounts.models import ImportBatch, User
from crm.web import formats
from metrics.services.batch_effect import BatchEffect

NEW, KNOWN, REJECTED = "new", "known", "rejected"
THINNEST = 0.6  # hundredths of the bar: a part that is there is seen
SECONDS_PER_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the bar; ``start`` and ``width`` in hundredths, as SVG takes them."""

    key: str
    label: str
    text: str
    share: str
    start: str
    width: str


@dataclass(frozen=True, slots=True)
class Reason:
    label: str
    rows: int
    examples: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Rows:
    """read = new + already there + rejected, ready to be drawn."""

    read: int
    parts: list[Part]
    reasons: list[Reason]

    @property
    def sentence(self) -> str:
        new, known, rejected = (part.text for part in self.parts)
        return _("%(read)s rows read: %(new)s new, %(known)s already there, %(rejected)s rejected") % {
            "read": formats.number(self.read),
            "new": new,
            "known": known,
            "rejected": rejected,
        }


def alike_rows(check: Mapping[str, Any], viewer: User) -> list[tuple[Mapping[str, Any], Match]]:
    """The new customers of a checked file beside whom they resemble, masked where ``viewer`` may not open that one."""
    found = list(check.get("alike", ()))
    known = matches_of([(one["id"], one["score"]) for one in found], viewer=viewer)
    return [(one, replace(known[one["id"]], score=one["score"])) for one in found if one["id"] in known]


def booked_rows(books: Mapping[str, int], viewer: User) -> list[tuple[str, Match]]:
    """Codes of the file that are booked on an account that is there, masked where ``viewer`` may not open that one."""
    known = matches_of([(pk, 1.0) for pk in set(books.values())], viewer=viewer)
    return [(code, known[pk]) for code, pk in sorted(books.items()) if pk in known]


def rows_of_batch(batch: ImportBatch) -> Rows:
    """Of a batch that was posted; its example rows are in the error file."""
    counts = {"posted": batch.posted, "already_there": batch.already_there, "rejected": batch.rejected}
    return _rows({"read": batch.read, "reasons": batch.reasons, **counts})


def rows_of_check(found: Mapping[str, Any]) -> Rows:
    """Of a dry run, as services.check keeps it in ``options["check"]``."""
    return _rows(found)


@dataclass(frozen=True, slots=True)
class EffectRow:
    """One figure without the batch and with it; None where it is not defined."""

    label: str
    kind: str
    before: Any
    after: Any

    @property
    def change(self) -> str | None:
        """The difference in words, rates in percentage points; None where one side is not defined."""
        if self.before is None or self.after is None:
            return None
        if self.kind == "rate":
            return _("%(points)s points") % {"points": formats.points(100 * (self.after - self.before))}
        return formats.money(self.after - self.before)


def effect_rows(effect: BatchEffect) -> list[EffectRow]:
    """The figures of the last 12 months before and after a batch."""
    before, after = effect.before, effect.after
    if before is None or after is None:
        return []
    return [
        EffectRow(
            _("Revenue, last 12 months"), "money", before.total_comparison_revenue, after.total_comparison_revenue
        ),
        EffectRow(_("Revenue, the 12 months before"), "money", before.total_base_revenue, after.total_base_revenue),
        EffectRow(_("Accounts with revenue, last 12 months"), "count", effect.active_before, effect.active_after),
        EffectRow(
            _("Customer revenue growth (same customers)"), "rate", _rate(before.growth_rate), _rate(after.growth_rate)
        ),
        EffectRow(
            _("Net revenue retention"), "rate", _rate(before.net_revenue_retention), _rate(after.net_revenue_retention)
        ),
        EffectRow(_("Customer retention"), "rate", _rate(before.logo_retention), _rate(after.logo_retention)),
    ]


def _rate(value: float) -> float | None:
    return None if math.isnan(value) else value


def remaining_text(seconds: float) -> str:
    """A rough time people can plan with."""
    if seconds < SECONDS_PER_MINUTE:
        whole = max(1, round(seconds))
        return ngettext("%(number)d second", "%(number)d seconds", whole) % {"number": whole}
    whole = round(seconds / SECONDS_PER_MINUTE)
    return ngettext("%(number)d minute", "%(number)d minutes", whole) % {"number": whole}


def _rows(found: Mapping[str, Any]) -> Rows:
    labels = (
        (NEW, _("New"), found["posted"]),
        (KNOWN, _("Already there"), found["already_there"]),
        (REJECTED, _("Rejected"), found["rejected"]),
    )
    examples = found.get("examples", {})
    return Rows(
        read=found["read"],
        parts=_parts(labels, found["read"]),
        reasons=[
            Reason(reason_label(code), rows, list(examples.get(code, [])))
            for code, rows in sorted(found["reasons"].items(), key=lambda item: -item[1])
        ],
    )


def _parts(labels: tuple[tuple[str, str, int], ...], read: int) -> list[Part]:
    """Widths in proportion, none that is there thinner than THINNEST; together 100."""
    raw = [max(100 * rows / read, THINNEST) if rows else 0.0 for _key, _label, rows in labels] if read else [0.0] * 3
    whole = sum(raw) or 1.0
    parts, at = [], 0.0
    for (key, label, rows), width in zip(labels, raw, strict=True):
        scaled = 100 * width / whole
        share = formats.percent(rows / read) if rows else ""
        parts.append(Part(key, str(label), formats.number(rows), share, f"{at:.3f}", f"{scaled:.3f}"))
        at += scaled
    return parts
