"""The wall of a request that may write: its services open transactions of their own, so each statement is told for itself.

``crm.trail.signature`` puts what ``preface`` says in front of every statement, in the same message. What pages and REST
look up is read as ``facet_viewer``; within a transaction services read whole, for what they decide (a loop, a second
manager of one day) they must decide on the truth, except for what an address or a field names (``narrowed``). What is
changed is held to the accounts in sight by the trigger ``wall_keeps`` on the trail, which hears of every change.

Everything is local to the message or the transaction it stands in: nothing survives in a connection that is used again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from crm.lib.wall import SEES, STEP_IN, STEP_OUT, WHOLES, told

SEEN = f"""
SELECT {SEES}, (SELECT coalesce(max(id), 0) FROM crm_trailentry),
    ARRAY(SELECT account_id FROM crm_trailentry WHERE id > %(since)s AND actor_id = %(viewer)s
        AND table_name = 'accounts_account' AND action = 'I')
"""
READS = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES)\b", re.IGNORECASE)
WRITES = re.compile(
    r"\s*(?:INSERT|UPDATE|DELETE|TRUNCATE|MERGE|CREATE|DROP|ALTER|LOCK|ANALYZE|CALL|DO)\b", re.IGNORECASE
)
WITH = re.compile(r"\s*WITH\b", re.IGNORECASE)
# Within a WITH; a lock (FOR UPDATE) is none.
WRITES_WITHIN = re.compile(r"\b(?:INSERT\s+INTO|DELETE\s+FROM|MERGE\s+INTO|(?<!FOR )(?<!KEY )UPDATE)\b", re.IGNORECASE)
Ask = Callable[[str, dict[str, Any]], tuple[Any, ...]]


def is_write(sql: str) -> bool:
    return bool(WRITES.match(sql) or (WITH.match(sql) and WRITES_WITHIN.search(sql)))


def quoted(text: str) -> str:
    """As a literal; only of keys and words of ours, which hold no mark that ends it."""
    return f"'{text}'"


@dataclass(slots=True)
class Writer:
    """A narrow reader in a request that may write.

    ask : has the owner of the tables answer SQL with one row; outside : how many blocks of transactions were open when the
    request began; sees : what was in sight since, and what the reader has made since: whoever gives an account away is
    still answered; since : the last entry of the trail at that time; is_current : nothing was written since ``sees`` was
    asked; is_beyond : within ``beyond_the_wall``; may_change : and what is changed there is not held either;
    is_looked_up : within ``narrowed``
    """

    viewer: int
    on: date
    wholes: Collection[str]
    outside: int
    ask: Ask
    sees: set[int] = field(default_factory=set)
    since: int | None = None
    is_current: bool = False
    is_beyond: bool = False
    may_change: bool = False
    is_looked_up: bool = False

    def is_narrow(self, depth: int) -> bool:
        """Whether what is read now is narrowed. depth : blocks of transactions that are open now."""
        return self.is_looked_up or (depth <= self.outside and not self.is_beyond)

    def preface(self, sql: str, depth: int) -> str:
        """What to say before ``sql``; empty where it neither reads nor writes rows."""
        if is_write(sql):
            # Between commas, so that the trigger finds one by its text; never empty.
            changes = "" if self.may_change else f",{self._seen(again=depth <= self.outside)},"
            self.is_current = False
            return f"SELECT {told(changes=quoted(changes))}; {STEP_OUT}; "
        if not READS.match(sql):
            return ""
        return f"SELECT {self._told()}; {STEP_IN}; " if self.is_narrow(depth) else f"{STEP_OUT}; "

    @contextmanager
    def beyond(self, *, may_change: bool) -> Iterator[None]:
        """What is read is not narrowed inside, and with ``may_change`` what is changed is not held."""
        before = (self.is_beyond, self.may_change, self.is_looked_up)
        self.is_beyond, self.may_change, self.is_looked_up = True, may_change or self.may_change, False
        try:
            yield
        finally:
            self.is_beyond, self.may_change, self.is_looked_up = before

    @contextmanager
    def looking_up(self) -> Iterator[None]:
        before, self.is_looked_up = self.is_looked_up, True
        try:
            yield
        finally:
            self.is_looked_up = before

    def _seen(self, *, again: bool = True) -> str:
        """Keys with commas between them. again : asked again where something was written since."""
        if self.since is None or (again and not self.is_current):
            now = self.ask(SEEN, {"viewer": self.viewer, "day": self.on, "since": self.since})
            self.since = now[1] if self.since is None else self.since
            self.sees.update(now[0], now[2])
            self.is_current = True
        return ",".join(map(str, sorted(self.sees)))

    def _told(self) -> str:
        wholes = {f"reads_{one}": quoted(str(one in self.wholes).lower()) for one in WHOLES}
        return told(viewer=quoted(str(self.viewer)), sees=quoted(f"{{{self._seen()}}}"), **wholes)
