"""File locks the kernel frees however their holder dies, and the note an owner leaves in its lock file."""

import fcntl
import json
import os
from pathlib import Path
from typing import Any


class FileLock:
    """One flock(2) lock. The file stays when the lock is released; the lock is what counts, never the file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        return self._descriptor is not None

    def try_exclusive(self) -> bool:
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        return self._try(fcntl.LOCK_SH)

    def release(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def write_note(self, note: dict[str, Any]) -> None:
        """Tell those who find the lock taken by whom. Only the exclusive holder may write."""
        assert self._descriptor is not None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, json.dumps(note).encode(), 0)

    def read_note(self) -> dict[str, Any]:
        """The holder's note; empty where it has not written one yet."""
        try:
            note = json.loads(self.path.read_bytes() or b"{}")
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _try(self, kind: int) -> bool:
        if self._descriptor is not None:
            return True
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True
