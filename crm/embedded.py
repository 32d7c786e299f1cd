"""PostgreSQL and Valkey where no URL is given: real ones, from their wheels, under one folder, on unix sockets.

What a newcomer tries is what production runs. ``urls`` is pure, so importing the settings starts nothing; ``hold``
starts the engines or joins those another process of this folder has started, and nothing outlives its owner.
"""

import contextlib
import os
import secrets
import stat
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from crm.engines import postgres, root, valkey
from crm.engines.errors import EngineError
from crm.engines.locks import FileLock
from crm.engines.places import Places, places
from crm.engines.postgres import Postgres
from crm.engines.valkey import Valkey

Engine = Postgres | Valkey
# In the order in which they start; they leave in the reverse one.
KINDS: dict[str, type[Postgres] | type[Valkey]] = {"postgres": Postgres, "valkey": Valkey}
ALL = tuple(KINDS)
POLL_SECONDS = 0.05
# After this long a person wants to know what the command waits for.
PATIENCE_SECONDS = 1
RUN = "run"


@dataclass(frozen=True)
class Urls:
    """Where the embedded engines of one folder listen, in the spelling of the library that reads it."""

    database: str
    broker: str
    cache: str


def urls(var: Path) -> Urls:
    """The addresses of the engines under ``var``, started or not. Touches nothing: names follow from the path."""
    place = places(var)
    return Urls(
        # Not percent-encoded: django-environ would not decode it. The socket folder's name is plain by choice.
        database=f"postgres://{postgres.SUPERUSER}@/{postgres.DATABASE}?host={place.sockets}",
        broker=f"redis+socket://{place.valkey_socket}?virtual_host=0",
        cache=f"unix://{place.valkey_socket}?db=1",
    )


def secret_key(var: Path) -> str:
    """The key kept in ``var/secret_key``, made at the first call; all processes get the same one."""
    path = var / "secret_key"
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().strip()
    _make_private(var)
    draft = var / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
    draft.touch(mode=0o600)
    draft.write_text(secrets.token_urlsafe(64) + "\n")
    # A link, not a rename: of two that start at once the first wins and both read the same key.
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()
    return path.read_text().strip()


@dataclass
class Engines:
    """The engines this process may use. ``owned`` is empty where another process owns them."""

    owned: list[Engine] = field(default_factory=list)

    @property
    def is_owner(self) -> bool:
        return bool(self.owned)

    def mend(self) -> None:
        """Start owned engines again that have ended without being asked to."""
        for engine in self.owned:
            if not engine.alive():
                print(f"{engine.name} ended, starting it again.", file=sys.stderr, flush=True)
                engine.start()


@contextlib.contextmanager
def hold(var: Path, *, needs: Collection[str] = ALL, command: str = "", durable: bool = True) -> Iterator[Engines]:
    """Have the engines ``needs`` running for the length of the block.

    needs : "postgres", "valkey" or both
    command : what a process that has to wait for us is told. ``run`` is special: it waits for a short command that
        owns the engines instead of joining it, and when it leaves it waits for nobody.
    durable : False for throw-away engines, which forget everything in a crash
    raises EngineError : one line that says what to do

    The first process of a folder starts them and, at the end, waits for the others to leave before it stops them.
    """
    if not needs:
        yield Engines()
        return
    place = places(var)
    _make_folders(place)
    owner, user = FileLock(place.owner_lock), FileLock(place.users_lock)
    try:
        if _enter(place, owner, user, needs=needs, command=command):
            yield from _own(place, owner, user, needs=needs, command=command, durable=durable)
        else:
            yield Engines()
    finally:
        user.release()
        owner.release()


def _own(
    place: Places, owner: FileLock, user: FileLock, *, needs: Collection[str], command: str, durable: bool
) -> Iterator[Engines]:
    """Start the engines, lend them, stop them. The owner's lock is held."""
    owner.write_note({"pid": os.getpid(), "command": command, "engines": sorted(needs)})
    _make_socket_folder(place.sockets)  # an owner that left while we waited may have removed it
    us, engines = os.getpid(), Engines()
    try:
        for kind, make_engine in KINDS.items():
            if kind in needs:
                engine = make_engine(place, durable=durable)
                engines.owned.append(engine)
                engine.start()
        yield engines
        if command != RUN:
            _wait_for_users(user)
    finally:
        if os.getpid() == us:  # not in a process forked from the block
            for engine in reversed(engines.owned):
                engine.stop()
            if place.var not in place.sockets.parents:
                with contextlib.suppress(OSError):
                    place.sockets.rmdir()


def _enter(place: Places, owner: FileLock, user: FileLock, *, needs: Collection[str], command: str) -> bool:
    """Wait until we own the engines (True) or may use another's (False)."""
    began, told = time.monotonic(), False
    while True:
        if owner.try_exclusive():
            user.release()
            return True
        note = owner.read_note()
        if note.get("command") == RUN:
            _refuse_if_useless(place, note, needs=needs, command=command)
        can_join = command != RUN and set(needs) <= set(note.get("engines", ()))
        # While our lock on the users' file is held the owner does not leave; a leaving one holds that file alone.
        if can_join and user.try_shared() and _all_answer(place, needs):
            return False
        if not told and time.monotonic() - began > PATIENCE_SECONDS and note:
            print(
                f"Waiting for 'manage.py {note.get('command')}' (process {note.get('pid')}) …",
                file=sys.stderr,
                flush=True,
            )
            told = True
        time.sleep(POLL_SECONDS)


def _refuse_if_useless(place: Places, note: dict[str, object], *, needs: Collection[str], command: str) -> None:
    if command == RUN:
        raise EngineError(f"Facet already runs in {place.var} (process {note.get('pid')}): stop that one first.")
    missing = set(needs) - set(note.get("engines", ()))  # type: ignore[call-overload]
    if missing:
        raise EngineError(
            f"Facet runs in {place.var} (process {note.get('pid')}) with another database: "
            "give this command the same DATABASE_URL and REDIS_URL, or stop that one first."
        )


def _all_answer(place: Places, needs: Collection[str]) -> bool:
    answers = {"postgres": postgres.answers, "valkey": valkey.answers}
    return all(answers[kind](place) for kind in needs)


def _wait_for_users(user: FileLock) -> None:
    """Wait until no other process uses our engines; from then on nobody can join."""
    began, told = time.monotonic(), False
    while not user.try_exclusive():
        if not told and time.monotonic() - began > PATIENCE_SECONDS:
            print("Done; another command still uses this database, waiting for it …", file=sys.stderr, flush=True)
            told = True
        time.sleep(POLL_SECONDS)


def _make_folders(place: Places) -> None:
    _make_private(place.var)
    place.logs.mkdir(mode=0o700, exist_ok=True)
    _make_socket_folder(place.sockets)


def _make_private(folder: Path) -> None:
    """A folder for us alone; as root others may pass through it, since PostgreSQL then runs as another user."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, exist_ok=True)


def _make_socket_folder(folder: Path) -> None:
    """Mode 0700; one that somebody else put in the shared temporary area is refused."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    ours = {os.geteuid()}
    if (account := root.postgres_account()) is not None:
        ours.add(account.uid)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in ours or stat.S_IMODE(found.st_mode) & 0o077:
        raise EngineError(f"{folder} is not a private folder of ours: remove it and start again.")
