"""Scales as people write them: one anchor a line, ``value → score``."""

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget

from crm.lib.exceptions import FormulaError
from tiering.scoring import TOP_SCORE, check_anchors

ARROW = "→"
SEPARATOR = re.compile(r"\s*(?:→|->|=>|=|:|;|\t)\s*|\s+")
GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
PLAIN = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
MOST_LINES = 20

Anchor = list[float]


def anchors_text(anchors: Any) -> str:
    """[[0, 0], [20000000, 75]] → "0 → 0", "20,000,000 → 75", one a line."""
    return "\n".join(f"{_number_text(value)} {ARROW} {_number_text(score)}" for value, score in anchors)


def parse_anchors(text: str) -> list[Anchor]:
    """Raises ValidationError naming the line that cannot be read, or what keeps the lines from being a scale."""
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) > MOST_LINES:
        raise ValidationError(_("A scale has at most %(limit)s lines."), params={"limit": MOST_LINES})
    anchors = [_anchor(line, number) for number, line in lines]
    if len(anchors) < 2:
        raise ValidationError(_("Give two or more lines such as “1,000,000 → 20”: a value, an arrow, its score."))
    try:
        check_anchors(anchors)
    except FormulaError:
        raise ValidationError(
            _("The scores must only rise or only fall as the value grows, or stay level in between.")
        ) from None
    return anchors


def _anchor(line: str, number: int) -> Anchor:
    parts = [part for part in SEPARATOR.split(line) if part]
    if len(parts) != 2:
        raise ValidationError(_("Line %(line)s: write “value → score”."), params={"line": number})
    value, score = (_read_number(part, number) for part in parts)
    if not 0 <= score <= TOP_SCORE:
        raise ValidationError(_("Line %(line)s: the score must lie between 0 and 100."), params={"line": number})
    return [value, score]


def _read_number(text: str, line: int) -> float:
    if not (GROUPED.fullmatch(text) or PLAIN.fullmatch(text)):
        raise ValidationError(
            _("Line %(line)s: “%(text)s” is no number. Write 0.5 with a point; commas only group thousands."),
            params={"line": line, "text": text[:40]},
        )
    value = float(text.replace(",", ""))
    if not abs(value) < 1e15:
        raise ValidationError(_("Line %(line)s: “%(text)s” is too large."), params={"line": line, "text": text[:40]})
    return int(value) if value.is_integer() else value


def _number_text(number: float) -> str:
    whole = float(number)
    return f"{whole:,.0f}" if whole.is_integer() else repr(whole)


class AnchorsField(forms.CharField):
    """Edits a list of [value, score] as lines of text."""

    widget = UnfoldAdminTextareaWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault(
            "widget", UnfoldAdminTextareaWidget(attrs={"rows": 6, "class": "scale-text", "spellcheck": "false"})
        )
        super().__init__(strip=False, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return anchors_text(value) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> list[Anchor] | None:
        text = super().to_python(value) or ""
        return None if not text.strip() and not self.required else parse_anchors(text)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return (self.to_python(data) or []) != [list(anchor) for anchor in initial or []]
        except ValidationError:
            return True
