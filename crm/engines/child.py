"""Child processes that never outlive this one: sessions of their own, death signals, pid files that can be trusted."""

import ctypes
import os
import platform
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
IS_LINUX = platform.system() == "Linux"
_libc = ctypes.CDLL(None) if IS_LINUX else None
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Step:
    """One step of an orderly end: a signal, and how long it is given in seconds."""

    signal: int
    seconds: float


@dataclass(frozen=True)
class RunAs:
    """The account an engine runs under when we are root."""

    uid: int
    gid: int


def end_with_parent(sig: int, *, parent: int | None = None) -> None:
    """Have the kernel send ``sig`` to this process when its parent dies (Linux; elsewhere nothing happens).

    Call it after any change of user, which clears the setting. ``parent`` closes the gap before the call: where the
    parent is another process already, this one ends at once.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, sig, 0, 0, 0)
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def _before_exec(sig: int) -> Callable[[], None]:
    parent = os.getpid()

    def follow_parent() -> None:
        end_with_parent(sig, parent=parent)

    return follow_parent


def spawn(
    args: Sequence[str | Path],
    *,
    cwd: Path,
    death_signal: int,
    output: IO[bytes] | None = None,
    run_as: RunAs | None = None,
    env: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a foreground child in a session of its own, without our standard input.

    death_signal : what the kernel sends it when the calling thread dies, so call it from the main thread
    output : file for its standard output and error; None drops the output and leaves the error channel ours
    """
    return subprocess.Popen(  # noqa: S603 - the arguments are ours
        [os.fspath(arg) for arg in args],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL if output is None else output,
        stderr=output,
        start_new_session=True,
        preexec_fn=_before_exec(death_signal),  # noqa: PLW1509 - the parent has no threads that could hold a lock
        user=run_as.uid if run_as else None,
        group=run_as.gid if run_as else None,
        extra_groups=[] if run_as else None,
    )


def stop(child: subprocess.Popen[bytes], steps: Sequence[Step]) -> bool:
    """Send the signals of ``steps`` in turn until the child has ended, SIGKILL at last; True if the first sufficed."""
    for number, step in enumerate((*steps, Step(signal.SIGKILL, 5))):
        if child.poll() is None:
            child.send_signal(step.signal)
        try:
            child.wait(step.seconds)
        except subprocess.TimeoutExpired:
            continue
        return number == 0
    return False


def end_group(leader: subprocess.Popen[bytes]) -> None:
    """Kill a child with everything it started in its session: initdb runs servers of its own, which outlive it."""
    if leader.poll() is not None:
        return
    os.killpg(leader.pid, signal.SIGKILL)
    leader.wait(5)
    wait_until(lambda: not _group_is_there(leader.pid), 5)


def _group_is_there(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def is_running(pid: int, marker: str) -> bool:
    """True if ``pid`` is a live process, no zombie, whose command line contains ``marker``."""
    if IS_LINUX:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
            words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
        except (OSError, IndexError):
            return False
        return state not in "ZX" and os.fsencode(marker) in words
    listed = subprocess.run(  # noqa: S603
        ["/bin/ps", "-ww", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout.strip()
    return bool(listed) and not listed.startswith("Z") and marker in listed


def read_pid(path: Path) -> int | None:
    try:
        return int(path.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def end_leftover(pid_file: Path, marker: str, steps: Sequence[Step]) -> None:
    """End what a killed owner left running (systems without death signals, or one still on its way out).

    The pid file is believed only if that process runs with ``marker``; it is removed in any case. Call it only as the
    owner of the folder.
    """
    pid = read_pid(pid_file)
    for step in (Step(0, 0.3), *steps, Step(signal.SIGKILL, 5)):
        if pid is None or not is_running(pid, marker):
            break
        try:
            os.kill(pid, step.signal)
        except ProcessLookupError:
            break
        wait_until(lambda: not is_running(pid, marker), step.seconds)
    pid_file.unlink(missing_ok=True)


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask ``condition`` until it holds or the time is over; whether it held."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True
