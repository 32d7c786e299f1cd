"""A cluster of the embedded PostgreSQL that already holds the migrated tables, made once for one state of the migrations.

Every run copies it and every worker's database is copied from the one inside, which takes a second instead of a whole
migration each. It lives in the area for temporary files under a name that follows from everything it was made of: a
changed migration, dependency or engine makes another.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from crm import embedded
from crm.engines.places import places

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "facet-migrated-"
MADE_OF = ("*/migrations/*.py", "crm/engines/*.py", "crm/embedded.py", "requirements.txt", "tests/template_cluster.py")
KEPT = 4
MIGRATED_WITHIN_SECONDS = 300
ABANDONED_AFTER_SECONDS = 3600


def prepare() -> None:
    """Make the migrated cluster if need be: a minute of work, before there is a folder that would look abandoned by then."""
    made = _place()
    if not made.exists():
        _make(made)


def copy_into(var: Path) -> None:
    """Put the migrated cluster where the embedded engine of ``var`` looks for its own."""
    prepare()
    made = _place()
    with contextlib.suppress(OSError):
        os.utime(made)
    # cp keeps the owner: as root PostgreSQL runs as another user.
    subprocess.run(["cp", "-a", made / "pg", places(var).postgres], check=True)


def _place() -> Path:
    digest = hashlib.sha256(str(os.geteuid()).encode())
    for pattern in MADE_OF:
        for path in sorted(ROOT.glob(pattern)):
            digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return Path(tempfile.gettempdir()) / f"{PREFIX}{digest.hexdigest()[:16]}"


def _make(made: Path) -> None:
    _remove_old()
    draft = Path(tempfile.mkdtemp(prefix=f"{PREFIX}new-"))
    try:
        if os.geteuid() == 0:
            draft.chmod(0o711)
        with embedded.hold(draft, command="tests", durable=False):
            _migrate(draft)
        # Two runs at once both make it and the first to arrive wins.
        with contextlib.suppress(OSError):
            draft.rename(made)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _migrate(var: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}}
    done = subprocess.run(
        [sys.executable, ROOT / "manage.py", "migrate", "--verbosity", "0"],
        check=False,
        cwd=ROOT,
        env={**environment, "FACET_VAR": str(var), "SECRET_KEY": "k" * 50},
        timeout=MIGRATED_WITHIN_SECONDS,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"The migrations do not run:\n{done.stdout}{done.stderr}")


def _remove_old() -> None:
    """All but the newest few that nobody has used for a while, and drafts of runs that were killed."""
    found = sorted(Path(tempfile.gettempdir()).glob(f"{PREFIX}*"), key=_age)
    drafts = [folder for folder in found if folder.name.startswith(f"{PREFIX}new-")]
    whole = [folder for folder in found if folder not in drafts]
    for folder in (*drafts, *whole[KEPT:]):
        if _age(folder) > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def _age(folder: Path) -> float:
    with contextlib.suppress(OSError):
        return time.time() - folder.stat().st_mtime
    return 0.0
