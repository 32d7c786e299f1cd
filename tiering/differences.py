"""What one design changes against another, part by part: pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from tiering.design import SETTINGS, Design


class Part(StrEnum):
    DIMENSION = "dimension"
    INDICATOR = "indicator"
    SCALE = "scale"
    THRESHOLD = "threshold"
    SETTING = "setting"


@dataclass(frozen=True, slots=True)
class Difference:
    """One number, scale or switch that is not the same; None on the side where it does not exist.

    key : code of a dimension or indicator, "grade.rule" of a threshold, name of a setting
    """

    part: Part
    key: str
    before: Any
    after: Any


def differences(before: Design, after: Design) -> list[Difference]:
    """In the order in which a model is read: weights, scales, thresholds, settings."""
    return [
        *_differing(Part.DIMENSION, before.dimensions, after.dimensions),
        *_differing(Part.INDICATOR, _indicators(before), _indicators(after)),
        *_differing(Part.SCALE, _scales(before), _scales(after)),
        *_differing(Part.THRESHOLD, _thresholds(before), _thresholds(after)),
        *_differing(Part.SETTING, _settings(before), _settings(after)),
    ]


def _differing(part: Part, before: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
    keys = dict.fromkeys([*before, *after])
    return [Difference(part, key, before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)]


def _indicators(design: Design) -> dict[str, Decimal]:
    return {code: weight for _of, code, weight, _anchors in design.indicators}


def _scales(design: Design) -> dict[str, Any]:
    return {code: anchors for _of, code, _weight, anchors in design.indicators}


def _thresholds(design: Design) -> dict[str, Decimal]:
    return {f"{grade}.{rule}": threshold for (grade, rule), threshold in design.thresholds.items()}


def _settings(design: Design) -> dict[str, Any]:
    return {name: getattr(design, name) for name in SETTINGS}
