"""Where the engines keep their things: every name follows from the folder, nothing here touches the disk."""

import hashlib
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

# A unix socket's address holds 107 bytes on Linux and 103 on macOS, its closing NUL not counted.
SOCKET_BYTES = 100
# Characters that mean the same in a folder, a URL and an engine's option. A folder with others gets its sockets elsewhere.
PLAIN = re.compile(r"[A-Za-z0-9/._-]+")
POSTGRES_SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Places:
    """Folders and files of the embedded engines under one ``var`` folder."""

    var: Path
    sockets: Path

    @property
    def postgres(self) -> Path:
        return self.var / "pg"

    @property
    def postgres_unfinished(self) -> Path:
        return self.var / "pg.new"

    @property
    def postgres_socket(self) -> Path:
        return self.sockets / POSTGRES_SOCKET

    @property
    def valkey(self) -> Path:
        return self.var / "valkey"

    @property
    def valkey_socket(self) -> Path:
        return self.sockets / "valkey.sock"

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def owner_lock(self) -> Path:
        return self.var / "owner.lock"

    @property
    def users_lock(self) -> Path:
        return self.var / "users.lock"

    def pid_file(self, name: str) -> Path:
        return self.logs / f"{name}.pid"


def places(var: Path) -> Places:
    """The places under ``var``, which need not exist yet."""
    var = var.resolve()
    return Places(var=var, sockets=_socket_folder(var))


def _socket_folder(var: Path) -> Path:
    """``var/run``, or a private folder of the temporary area where that path is too long or has odd characters."""
    own = var / "run"
    if len(os.fsencode(own / POSTGRES_SOCKET)) <= SOCKET_BYTES and PLAIN.fullmatch(str(own)):
        return own
    # TMPDIR differs between log-ins and services of one user; /tmp is the same for all of them. The folder in it is its
    # user's alone.
    area = Path("/tmp") if os.access("/tmp", os.W_OK) else Path(tempfile.gettempdir())  # noqa: S108  # nosec B108 # see above
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    return area / f"facet-{os.geteuid()}-{digest}"
