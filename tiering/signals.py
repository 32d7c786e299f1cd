"""Signals that an account is or becomes a problem: which are hard, and what the soft ones are worth (domain.md 3.7). Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from tiering.grading import FLAG_DTYPE, Flag
from tiering.scoring import Bools, Floats

HARD_SIGNALS = Flag.H1_OVERDUE | Flag.H2_LOSS | Flag.H3_CREDIT_OR_LITIGATION | Flag.H4_INSOLVENT
SIGNAL_POINTS = MappingProxyType(
    {
        Flag.DECLINE_30: 2,  # TTM against prior TTM, at least 30 % down
        Flag.DECLINE_50: 3,  # at least 50 % down; replaces the 2 points
        Flag.OVERDUE_31: 1,  # 31 to 90 days overdue
        Flag.OVERDUE_61: 2,  # 61 to 90 days; replaces the 1 point
        Flag.SEVERE_REQUESTS: 2,
        Flag.NON_RENEWAL: 3,
        Flag.DECIDER_AGAINST: 1,
        Flag.LOW_MARGIN: 1,
        Flag.DISSATISFIED: 1,
        Flag.LATE_ORDER: 1,
    }
)
# Of each item the highest counts only.
SIGNAL_ITEMS = (
    (Flag.DECLINE_30, Flag.DECLINE_50), (Flag.OVERDUE_31, Flag.OVERDUE_61), (Flag.SEVERE_REQUESTS,), (Flag.NON_RENEWAL,),
    (Flag.DECIDER_AGAINST,), (Flag.LOW_MARGIN,), (Flag.DISSATISFIED,), (Flag.LATE_ORDER,),
)  # fmt: skip
SOFT_SIGNALS = sum(SIGNAL_POINTS)  # all their bits
WATCH_POINTS = 4  # domain.md 3.7


def signal_points(points: Mapping[Flag, Bools]) -> tuple[Floats, NDArray[np.int64]]:
    """Soft points (the highest of each item) and the bits of the signals that are on.

    points : signal → on, shape (n,); signals without input are simply absent
    """
    count = len(next(iter(points.values())))
    bits = np.zeros(count, dtype=FLAG_DTYPE)
    for flag, on in points.items():
        bits |= np.where(on, int(flag), 0)
    total = np.zeros(count)
    for item in SIGNAL_ITEMS:
        worth = [np.where(bits & flag, SIGNAL_POINTS[flag], 0) for flag in item]
        total += np.maximum.reduce(worth)
    return total, bits
