"""Statements that the database gave up: they took longer than a request may, or waited too long for somebody else's."""

from __future__ import annotations

from enum import StrEnum

from django.db import OperationalError

RETRY_AFTER_SECONDS = 60


class GaveUp(StrEnum):
    """Why; the words for it are those of the edge."""

    SLOW = "slow"  # statement_timeout: what was asked for is too much for one answer
    BUSY = "busy"  # lock_timeout, a deadlock, or a change of the same rows at the same time: it works a little later


BY_CODE = {
    "57014": GaveUp.SLOW,  # query_canceled
    "55P03": GaveUp.BUSY,  # lock_not_available
    "40P01": GaveUp.BUSY,  # deadlock_detected
    "40001": GaveUp.BUSY,  # serialization_failure
}


def gave_up(error: BaseException | None) -> GaveUp | None:
    """Whether the error is one of these; None for every other, and for none."""
    if not isinstance(error, OperationalError):
        return None
    return BY_CODE.get(getattr(error.__cause__, "pgcode", None) or "")
