"""Keeps the children of ``manage.py run`` alive: restarts with back-off, and an end in order within 20 seconds."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crm.engines import child
from crm.engines.child import Step
from crm.engines.errors import EngineError
from crm.engines.places import Places

# Web and worker get 8 s to finish what they do, then it is cut off; the engines' own ends take up to 11 s more.
STOP = (Step(signal.SIGTERM, 8), Step(signal.SIGQUIT, 0.5))
LOOK_SECONDS = 0.2
BACK_OFF_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
# A child that lived this long starts with the shortest pause again.
STEADY_SECONDS = 60.0


@dataclass
class Service:
    """One child process: how to start it, and what happened to it so far."""

    name: str
    args: Sequence[str]
    cwd: Path
    env: Mapping[str, str]
    pid_file: Path
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    failures: int = 0
    restart_at: float | None = None

    def start(self) -> None:
        child.end_leftover(self.pid_file, self.marker, STOP)
        self.process = child.spawn(self.args, cwd=self.cwd, death_signal=signal.SIGKILL, env=self.env)
        self.pid_file.write_text(f"{self.process.pid}\n")
        self.started_at, self.restart_at = time.monotonic(), None

    @property
    def marker(self) -> str:
        """What its command line holds, so that a reused pid is not taken for ours. Without the program's own path,
        which macOS shows another way, and without the options, which differ from start to start."""
        return " ".join(self.args[1:4])

    def look(self) -> None:
        """Note an end, and start again when the pause is over."""
        now = time.monotonic()
        if self.restart_at is None and self.process is not None and (code := self.process.poll()) is not None:
            self.failures = 1 if now - self.started_at > STEADY_SECONDS else self.failures + 1
            pause = BACK_OFF_SECONDS[min(self.failures, len(BACK_OFF_SECONDS)) - 1]
            print(f"{self.name} ended ({_how(code)}), starting it again in {pause:g} s.", file=sys.stderr, flush=True)
            self.restart_at = now + pause
        if self.restart_at is not None and now >= self.restart_at:
            self.start()


@dataclass
class Supervisor:
    """The services of one ``run``. All methods belong to the main thread: children follow the thread that made them."""

    services: list[Service] = field(default_factory=list)

    def add(self, name: str, args: Sequence[str], *, place: Places, cwd: Path, env: Mapping[str, str]) -> None:
        pid_file = place.pid_file(name.partition(" ")[0].lower())
        service = Service(name=name, args=args, cwd=cwd, env=env, pid_file=pid_file)
        self.services.append(service)
        service.start()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for the first answer. Raises EngineError where a service ends before it, or the time is over."""
        deadline = time.monotonic() + seconds
        while not ready():
            for service in self.services:
                if service.process is not None and (code := service.process.poll()) is not None:
                    raise EngineError(f"{service.name} does not start ({_how(code)}).")
            if time.monotonic() > deadline:
                raise EngineError(f"No answer from the web server within {seconds:g} s.")
            time.sleep(0.1)

    def watch(self, mend: Callable[[], None]) -> None:
        """Look after the services until a signal's exception ends it. ``mend`` looks after the engines first."""
        while True:
            mend()
            for service in self.services:
                service.look()
            time.sleep(LOOK_SECONDS)

    def stop(self) -> None:
        """End all services side by side; none is left when this returns."""
        left = [service.process for service in self.services if service.process is not None]
        for step in (*STOP, Step(signal.SIGKILL, 3)):
            for process in left:
                if process.poll() is None:
                    process.send_signal(step.signal)
            child.wait_until(lambda: all(process.poll() is not None for process in left), step.seconds)
        for service in self.services:
            service.pid_file.unlink(missing_ok=True)


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else f"signal {-code}"
