"""Values of people in the trail: ciphertext under a key of the person's own, read here (written by ``triggers.SEAL``)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from crm.lib.wall import beyond_the_wall
from crm.models import PersonKey, TrailEntry

MARK = "sealed"
NONCE, BLOCK = 16, 32  # bytes


def is_sealed(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {MARK}


def opened(value: Any, key: bytes | None) -> Any:
    """The value behind a sealed one; None without the key, as after an erasure."""
    if not is_sealed(value):
        return value
    if key is None:
        return None
    raw = bytes.fromhex(value[MARK])
    nonce, cipher = raw[:NONCE], raw[NONCE:]
    stream = b"".join(
        hashlib.sha256(key + nonce + block.to_bytes(4, "big")).digest() for block in range(len(cipher) // BLOCK + 1)
    )
    plain = bytes(one ^ other for one, other in zip(cipher, stream, strict=False))
    return json.loads(plain.rstrip(b"\0").decode())


@beyond_the_wall("keys open what entries say that the reader has got already; no table of keys is open to readers")
def keys_of(entries: Iterable[TrailEntry]) -> dict[str, bytes]:
    """The keys of all people these entries are about; one query."""
    people = {entry.person for entry in entries if entry.person}
    if not people:
        return {}
    return {row.person: bytes(row.key) for row in PersonKey.objects.filter(person__in=people)}
