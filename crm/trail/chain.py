"""The chain over the trail: each link is SHA-256 of the link before it and of all that its entry says.

Writers never wait for one another: triggers write entries without a link, and the sealer adds links afterwards, in one
transaction under a lock of its own. It takes what belongs to transactions that are over (below the oldest one that still
runs), in the order of transaction and id, so a late commit is never left out and never in between. Sealed is once a
minute, by the tick, and before every check.

**What that leaves open.** Who owns the database can switch triggers off and change an entry before it is sealed: within a
minute, or for as long as a transaction that was open then stays open. ``verify`` finds the switched-off trigger unless it
was switched on again. After sealing, a change is found; a chain that was computed anew from some link on, or cut at its
end, is found by the heads that every pass notes outside the database: a line in the log and one in ``TRAIL_HEADS``. Who
can write there too can forge both: keep the log elsewhere.

After a restore into another cluster transaction numbers begin anew: the sealer sees that its mark lies in the future and
takes whatever has no link.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from accounts.locks import trail_lock
from crm.lib.snapshot import one_snapshot
from crm.trail import triggers

logger = structlog.get_logger(__name__)

START = bytes(32)  # what the first link follows
A_PASS = 20_000  # entries in one transaction of the sealer
SAID = (
    "id", "(extract(epoch FROM at) * 1000000)::bigint", "transaction", "actor_id", "via", "request_id", "database_user",
    "table_name", "row_key", "account_id", "action", "before", "after", "person",
)  # fmt: skip
CONTENT = ", ".join(f"coalesce(({expression})::text, '')" for expression in SAID)
HAS_NO_LINK = "NOT EXISTS (SELECT 1 FROM crm_traillink l WHERE l.entry_id = e.id)"
MARKS = """
SELECT (SELECT until_transaction FROM crm_trailseal ORDER BY number DESC LIMIT 1),
    (SELECT coalesce(max(number), 0) FROM crm_trailseal),
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
"""
WAITING = f"""
SELECT id, transaction, {CONTENT} FROM crm_trailentry e
WHERE {{span}} AND {HAS_NO_LINK} ORDER BY transaction, id LIMIT %s
"""
BETWEEN = "transaction >= %s AND transaction < %s"
AFTER_A_RESTORE = "(transaction < %s OR transaction >= %s)"
WALK = f"""
SELECT l.position, l.entry_id, l.hash, e.id, {CONTENT}
FROM crm_traillink l LEFT JOIN crm_trailentry e ON e.id = l.entry_id ORDER BY l.position
"""


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends after a pass."""

    number: int
    position: int
    hash: bytes
    sealed: int = 0


@dataclass(slots=True)
class Report:
    """What a check found. ``faults`` is empty where all is well; the first of the chain says where it breaks."""

    entries: int = 0
    seals: int = 0
    head: str = ""
    heads_outside: int = 0
    faults: list[str] = field(default_factory=list)

    @property
    def is_valid(self) -> bool:
        return not self.faults


def link(previous: bytes, content: tuple[str, ...]) -> bytes:
    """The hash of an entry that follows ``previous``; lengths stand before the parts, so that none runs into the next."""
    digest = hashlib.sha256(previous)
    for part in content:
        told = part.encode()
        digest.update(b"%d:" % len(told))
        digest.update(told)
    return digest.digest()


def seal() -> Head | None:
    """Give every entry of finished transactions its link; returns the new head, None where nothing waited."""
    head, sealed = None, 0
    while True:
        found = _seal_a_pass()
        if found is None:
            break
        head, sealed = found, sealed + found.sealed
        transaction.on_commit(partial(_note_outside, found))  # at once, unless a caller's transaction is open
        if found.sealed < A_PASS:
            break
    return Head(head.number, head.position, head.hash, sealed) if head else None


@transaction.atomic
def _seal_a_pass() -> Head | None:
    trail_lock()
    with connection.cursor() as cursor:
        cursor.execute(MARKS)
        until, number, oldest, newest = cursor.fetchone()
        if until is not None and until > newest:
            span, values = AFTER_A_RESTORE, [oldest, newest]
        else:
            span, values = BETWEEN, [until or 0, oldest]
        cursor.execute(WAITING.format(span=span), [*values, A_PASS])
        waiting = cursor.fetchall()
        if not waiting:
            return None
        cursor.execute("SELECT position, hash FROM crm_traillink ORDER BY position DESC LIMIT 1")
        position, last = cursor.fetchone() or (0, START)
        last = bytes(last)
        links = []
        for at, (entry_id, _transaction, *content) in enumerate(waiting, position + 1):
            last = link(last, tuple(content))
            links.append((at, entry_id, last))
        _add_links(cursor, links)
        # A pass that is full goes on with the transaction it broke off in.
        reached = waiting[-1][1] if len(waiting) == A_PASS else oldest
        cursor.execute(
            "INSERT INTO crm_trailseal (number, sealed_at, until_transaction, position, hash) VALUES (%s, %s, %s, %s, %s)",
            [number + 1, timezone.now(), reached, links[-1][0], last],
        )
    return Head(number + 1, links[-1][0], last, len(links))


def _add_links(cursor: CursorWrapper, links: list[tuple[int, int, bytes]]) -> None:
    from psycopg2.extras import execute_values

    execute_values(cursor, "INSERT INTO crm_traillink (position, entry_id, hash) VALUES %s", links, page_size=2000)


def _note_outside(head: Head) -> None:
    """The head, where the database's owner does not reach it; a disk that is full is logged, never raised."""
    database = str(connection.settings_dict["NAME"])
    logger.info("trail_sealed", seal=head.number, position=head.position, head=head.hash.hex(), entries=head.sealed)
    try:
        path = Path(settings.TRAIL_HEADS)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{database}\t{head.number}\t{head.position}\t{head.hash.hex()}\n")
    except OSError:
        logger.warning("trail_head_not_noted", path=str(settings.TRAIL_HEADS), exc_info=True)


def heads_outside(path: Path | None = None) -> dict[int, str]:
    """Heads of this database noted in a file: position → hash. Lines that say nothing are passed over."""
    file = Path(path or settings.TRAIL_HEADS)
    if not file.exists():
        return {}
    database, found = str(connection.settings_dict["NAME"]), {}
    for line in file.read_text(encoding="utf-8").splitlines():
        parts = line.split("\t")
        if len(parts) == 4 and parts[0] == database and parts[2].isdecimal():
            found[int(parts[2])] = parts[3]
    return found


def verify(*, heads: Path | None = None) -> Report:
    """Seal what waits, then check triggers and chain; half a minute a million entries, in constant memory."""
    if not connection.in_atomic_block:
        seal()
    report = walk(heads=heads)
    report.faults[:0] = triggers.faults()
    return report


def walk(*, heads: Path | None = None) -> Report:
    """Walk the chain as it stands: the first entry that does not follow is named, then seals, heads and keys."""
    report = Report()
    with one_snapshot():
        noted = heads_outside(heads)
        report.heads_outside = len(noted)
        hashes = _walk(report, set(noted))
        if hashes is not None:
            _check_seals(report, hashes)
            _check_noted(report, hashes, noted)
            _check_left_out(report)
        _check_keys(report)
    return report


def _walk(report: Report, wanted: set[int]) -> dict[int, bytes] | None:
    """Hashes at the positions that seals and heads speak of; None once a link does not follow, which is reported."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT position FROM crm_trailseal")
        wanted = wanted | {position for (position,) in cursor.fetchall()}
    hashes: dict[int, bytes] = {0: START}
    last, expected = START, 1
    for position, entry_id, stored, there, *content in _links():
        if position != expected:
            report.faults.append(f"link {expected} is missing: it stood before entry {entry_id}")
            return None
        if there is None:
            report.faults.append(f"entry {entry_id} is missing: it stood at link {position}")
            return None
        last = link(last, tuple(content))
        if last != bytes(stored):
            report.faults.append(f"entry {entry_id} at link {position} was changed, or stands in another order")
            return None
        if position in wanted:
            hashes[position] = last
        expected += 1
    report.entries, report.head = expected - 1, last.hex() if expected > 1 else ""
    hashes[expected - 1] = last
    return hashes


def _links() -> Iterator[tuple[Any, ...]]:
    with transaction.atomic(), connection.chunked_cursor() as cursor:
        cursor.execute(WALK)
        while rows := cursor.fetchmany(2000):
            yield from rows


def _check_seals(report: Report, hashes: dict[int, bytes]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT number, position, hash FROM crm_trailseal ORDER BY number")
        seals = cursor.fetchall()
    report.seals = len(seals)
    reached = 0
    for expected, (number, position, stored) in enumerate(seals, 1):
        if number != expected:
            report.faults.append(f"seal {expected} is missing")
            return
        if hashes.get(position) != bytes(stored) or position <= reached:
            report.faults.append(f"seal {number} does not fit link {position}")
            return
        reached = position
    if report.entries != reached:
        report.faults.append(f"link {min(report.entries, reached) + 1} is covered by no seal")


def _check_noted(report: Report, hashes: dict[int, bytes], noted: dict[int, str]) -> None:
    for position in sorted(noted):
        if position not in hashes:
            report.faults.append(f"link {position} is missing: its head was noted outside the database")
            return
        if hashes[position].hex() != noted[position]:
            report.faults.append(f"link {position} is not the one whose head was noted outside the database")
            return


def _check_left_out(report: Report) -> None:
    """Entries of transactions that were sealed, without a link: put in behind the chain, or cut out of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT e.id FROM crm_trailentry e WHERE {HAS_NO_LINK} AND e.transaction < ("
            "SELECT until_transaction FROM crm_trailseal ORDER BY number DESC LIMIT 1) ORDER BY e.id LIMIT 1"
        )
        found = cursor.fetchone()
    if found:
        report.faults.append(f"entry {found[0]} stands outside the chain: put in later, or its link was removed")


def _check_keys(report: Report) -> None:
    """A key that is gone without an erasure."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT e.person FROM crm_trailentry e WHERE e.person <> ''"
            " AND NOT EXISTS (SELECT 1 FROM crm_personkey k WHERE k.person = e.person)"
            " AND NOT EXISTS (SELECT 1 FROM crm_erasure d WHERE d.person = e.person) ORDER BY e.person LIMIT 1"
        )
        found = cursor.fetchone()
    if found:
        report.faults.append(f"the key of {found[0]} is gone, and no erasure says why")
