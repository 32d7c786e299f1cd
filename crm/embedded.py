"""PostgreSQL and Valkey from their wheels where no URL is given."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Urls:
    database: str
    broker: str
    cache: str


def urls(var: Path) -> Urls:
    folder = var / "run"
    return Urls(
        database=f"postgres://postgres@/facet?host={folder}",
        broker=f"redis+socket://{folder}/valkey.sock?virtual_host=0",
        cache=f"unix://{folder}/valkey.sock?db=1",
    )


def secret_key(var: Path) -> str:
    """The key of this installation, generated once, readable by its owner alone."""
    path = var / "secret_key"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return path.read_text()
