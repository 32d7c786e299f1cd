"""How far an import is: numbers in the cache under ``import:<id>``, which outlive a reload and tie down nothing."""

import time
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.core.cache import cache

logger = structlog.get_logger(__name__)
KEY = "import:{0}"
KEPT_SECONDS = 24 * 3600
PAUSE_SECONDS = 0.5  # between two writes
READING, MATCHING, POSTING, FIGURES, DONE = PHASES = ("reading", "matching", "posting", "figures", "done")


@dataclass(frozen=True, slots=True)
class Progress:
    """``rows`` read of about ``total``; ``rate`` in rows a second; ``remaining`` seconds of reading, None if unknown."""

    phase: str
    rows: int
    total: int
    rate: float
    remaining: float | None

    @property
    def percent(self) -> int:
        return min(100, round(100 * self.rows / self.total)) if self.total else 0


class ProgressWriter:
    """Writes the progress of one batch, at most twice a second. A cache that is away is logged once, never raised."""

    def __init__(self, batch_id: int | None, *, total: int) -> None:
        self._batch_id, self._total = batch_id, total
        self._started = time.monotonic()
        self._written = 0.0
        self._is_broken = batch_id is None
        self._rows = 0
        self.seconds: dict[str, float] = {}
        self._phase, self._phase_started = READING, self._started

    def add(self, rows: int) -> None:
        self._rows += rows
        now = time.monotonic()
        if now - self._written >= PAUSE_SECONDS:
            self._write(now)

    def phase(self, name: str) -> None:
        """The next phase begins; the seconds of the last one are kept."""
        now = time.monotonic()
        self.seconds[self._phase] = self.seconds.get(self._phase, 0.0) + now - self._phase_started
        self._phase, self._phase_started = name, now
        self._write(now)

    def _write(self, now: float) -> None:
        self._written = now
        if self._is_broken:
            return
        elapsed = max(now - self._started, 0.001)
        rate = self._rows / elapsed
        is_reading = self._phase == READING
        remaining = max(self._total - self._rows, 0) / rate if rate and is_reading else None
        progress = Progress(self._phase, self._rows, max(self._total, self._rows), round(rate, 1), remaining)
        try:
            cache.set(KEY.format(self._batch_id), asdict(progress), KEPT_SECONDS)
        except Exception:  # noqa: BLE001 - the cache only shows progress; the import goes on without it
            self._is_broken = True
            logger.warning("import_progress_not_written", batch=self._batch_id)


def progress_of(batch_id: int) -> Progress | None:
    """The last progress of a batch; None where none is known."""
    try:
        content: dict[str, Any] | None = cache.get(KEY.format(batch_id))
    except Exception:  # noqa: BLE001 - the page shows the state of the row instead
        logger.warning("import_progress_not_read", batch=batch_id)
        return None
    return Progress(**content) if content else None
