"""What the tests of the embedded engines share: folders of their own, commands in processes of their own."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
GIVEN = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEMO", "PORT", "HTTPS_ONLY", "DEBUG", "LOG_LEVEL", "MAKELEVEL")


@contextmanager
def engine_folder(*, parts: str = "") -> Iterator[Path]:
    """A folder for engines, short enough for sockets unless ``parts`` makes it long; emptied and removed at the end."""
    top = Path(tempfile.mkdtemp(prefix="facet-var-"))
    if os.geteuid() == 0:
        top.chmod(0o711)
    try:
        yield top / parts / "var"
    finally:
        shutil.rmtree(top, ignore_errors=True)


def environment(var: Path, **extra: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in GIVEN}
    kept.pop("PYTEST_CURRENT_TEST", None)
    return {**kept, "FACET_VAR": str(var), "DJANGO_SETTINGS_MODULE": "crm.settings", **extra}


def start(args: list[str], var: Path, **extra: str) -> subprocess.Popen[str]:
    """A Python process with the project on its path, in a session of its own."""
    return subprocess.Popen(
        [sys.executable, *args],
        cwd=ROOT,
        env=environment(var, **extra),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def manage(*words: str, var: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=environment(var, **extra),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """Kill -9 the process and nothing else."""
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def processes_of(var: Path) -> list[str]:
    """Command lines of what works for this folder: started in it, on it, or with it in the environment."""
    found, name = [], os.fsencode(var.resolve())
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            alive = words and (entry / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
            marked = name in words or b"FACET_VAR=" + name + b"\0" in (entry / "environ").read_bytes() + b"\0"
            if alive and (marked or os.fsencode((entry / "cwd").readlink()).startswith(name)):
                found.append(words.replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
