"""The wall of a request that may write: it manages its own transactions, so each statement is told for itself.

``crm.trail.signature`` puts what ``preface`` says in front of every statement, in the same message. What is read is read
as ``facet_viewer`` until a transaction has written something: from then on the services read what they need, and what
they change is held to the accounts in sight by the trigger ``wall_keeps`` on the trail, which hears of every change. After
the transaction it is narrow again, with the accounts that are in sight by then.

Everything is local to the message or the transaction it stands in: nothing survives in a connection that is used again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from crm.lib.wall import STEP_IN, STEP_OUT, WHOLES

SEEN = "SELECT accounts_seen_by(%(viewer)s, %(day)s)"
READS = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
WRITES = re.compile(r"[\s(]*(?:INSERT|UPDATE|DELETE|TRUNCATE|MERGE|CREATE\s+TEMP)\b", re.IGNORECASE)
WITH = re.compile(r"\s*WITH\b", re.IGNORECASE)
# Within a WITH; a lock (FOR UPDATE) is none.
WRITES_WITHIN = re.compile(r"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|(?<!FOR )(?<!KEY )UPDATE)\b", re.IGNORECASE)
Ask = Callable[[str, dict[str, Any]], Any]


def is_write(sql: str) -> bool:
    return bool(WRITES.match(sql) or (WITH.match(sql) and WRITES_WITHIN.search(sql)))


@dataclass(slots=True)
class Writer:
    """A narrow reader in a request that may write.

    ask : has the owner of the tables answer SQL with one value; outside : how many blocks of transactions were open when
    the request began; sees : None, to be asked; touches : whatever was in sight since it began; has_written : since
    ``sees`` was asked; is_beyond : within ``beyond_the_wall``
    """

    viewer: int
    on: date
    wholes: Collection[str]
    outside: int
    ask: Ask
    sees: list[int] | None = None
    touches: set[int] = field(default_factory=set)
    has_written: bool = False
    is_beyond: bool = False

    def is_narrow(self, depth: int) -> bool:
        """Whether what is read now is narrowed. depth : blocks of transactions that are open now."""
        return not self.is_beyond and not (self.has_written and depth > self.outside)

    def preface(self, sql: str, depth: int) -> str:
        """What to say before ``sql``; empty where it neither reads nor writes rows."""
        if self.has_written and depth <= self.outside:
            self.has_written, self.sees = False, None
        if is_write(sql):
            changes = "" if self.is_beyond else self._changes()
            self.has_written = True
            return f"SELECT set_config('facet.changes', '{changes}', true); {STEP_OUT}; "
        if not READS.match(sql):
            return ""
        return f"SELECT {self._told()}; {STEP_IN}; " if self.is_narrow(depth) else f"{STEP_OUT}; "

    @contextmanager
    def beyond(self) -> Iterator[None]:
        """Neither reads nor changes are narrowed inside."""
        before, self.is_beyond = self.is_beyond, True
        try:
            yield
        finally:
            self.is_beyond = before

    def _seen(self) -> list[int]:
        if self.sees is None:
            self.sees = list(self.ask(SEEN, {"viewer": self.viewer, "day": self.on}))
            self.touches.update(self.sees)
        return self.sees

    def _told(self) -> str:
        told = {"viewer": str(self.viewer), "sees": f"{{{','.join(map(str, self._seen()))}}}"}
        told |= {f"reads_{one}": str(one in self.wholes).lower() for one in WHOLES}
        return ", ".join(f"set_config('facet.{name}', '{value}', true)" for name, value in told.items())

    def _changes(self) -> str:
        """Between commas, so that the trigger finds one by its text; never empty."""
        self._seen()
        return f",{','.join(map(str, sorted(self.touches)))},"
