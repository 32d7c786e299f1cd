"""Answers over every account, kept in the cache under what they were computed from: another state is another key.

Nothing is ever stale: a state names the ledger, the facts and the night an answer rests on, and an answer whose state has
passed is not found again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import TypeVar

import structlog
from django.core.cache import cache

from crm.lib.wall import beyond_the_wall

logger = structlog.get_logger(__name__)

KEPT_SECONDS = 3 * 24 * 3600  # longer than a weekend without a posting
T = TypeVar("T")


def remembered(name: str, state: Iterable[object], compute: Callable[[], T]) -> T:
    """What ``compute`` gives, from the cache where it was computed for the same ``state``; it may not be None.

    state : everything the answer depends on, each with a repr that says all about it
    A cache that is away, or holds what this release cannot read, costs the computation and is logged, never raised.
    """
    key = _key(name, state)
    try:
        found: T | None = cache.get(key)
    except Exception:
        logger.warning("answer_not_read", name=name, exc_info=True)
        return _computed(compute)
    if found is not None:
        return found
    value = _computed(compute)
    try:
        cache.set(key, value, KEPT_SECONDS)
    except Exception:
        logger.warning("answer_not_kept", name=name, exc_info=True)
    return value


@beyond_the_wall("what is kept is for everybody, and over every account by its name")
def _computed(compute: Callable[[], T]) -> T:
    return compute()


def is_remembered(name: str, state: Iterable[object]) -> bool:
    """Whether the next reader finds the answer; a cache that is away is like one that has it: nothing can be kept."""
    try:
        return bool(cache.has_key(_key(name, state)))
    except Exception:  # noqa: BLE001
        return True


def _key(name: str, state: Iterable[object]) -> str:
    return f"answer:{name}:{hashlib.sha256(repr(tuple(state)).encode()).hexdigest()[:32]}"
