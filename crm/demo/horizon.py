"""The months the demo company has books for, and its seeded dice."""

import zlib
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from crm.lib.periods import add_months, month_start

MONTHS_A_YEAR = 12


@dataclass(frozen=True, slots=True)
class Horizon:
    """``months`` whole months that end with the last month complete before ``today``."""

    start: date
    months: int

    @classmethod
    def before(cls, today: date, *, months: int) -> "Horizon":
        return cls(add_months(month_start(today), -months), months)

    @property
    def end(self) -> date:
        """First day no longer covered."""
        return add_months(self.start, self.months)

    @property
    def last_day(self) -> date:
        return self.end - timedelta(days=1)

    def month(self, index: int) -> date:
        """First day of month ``index``; negative counts from the end."""
        return add_months(self.start if index >= 0 else self.end, index)

    def month_starts(self) -> list[date]:
        return [self.month(index) for index in range(self.months)]


def dice(seed: int, purpose: str) -> np.random.Generator:
    """A stream of its own for each purpose, so that a change in one part leaves the others as they were."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])
