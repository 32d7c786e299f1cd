"""What the catalogue of figures says about each of them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise


class Unit(StrEnum):
    MONEY = "money"
    RATE = "rate"  # a fraction, shown in percent
    COUNT = "count"
    NUMBER = "number"
    DAYS = "days"
    DATE = "date"
    GROUP_OF_FIGURES = "figures"


class Direction(StrEnum):
    """Which way is good."""

    UP = "up"
    DOWN = "down"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure, or a family of them. ``formula`` is in words, ``inputs`` names what of the ledger goes in."""

    key: str
    label: str | Promise
    unit: Unit
    direction: Direction
    formula: str | Promise
    inputs: str | Promise
    help: str | Promise
    version: str = "1"
