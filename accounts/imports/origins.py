"""Rows of our own export that come back: which record each of them is. Pure: no Django import.

``_source`` and ``_identity`` name the record, whatever its content would hash to: where it counts already the row is
"already there", and elsewhere it is posted under that same identity, so that files imported before the export was made
are known afterwards too. Both are there or neither is; a row without them is an ordinary row. What names a record twice
in one file is "already there" the second time if it says the same, and rejected if it does not.

``_parents`` describes the group parents and dealers above the account, so that those without a record of their own get
their names.
A contract that is not there is made as for any file: a draft of that number on the account of the first row that names
it. A draft counts as signed nowhere, so nothing is claimed that the export does not know.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress

from accounts.imports.cells import NULL, CellFault, escaped, shown, text_typer, trimmed
from accounts.imports.columns import Fault, TypedColumn
from accounts.imports.fields import ACCOUNT_FACTS, FIELDS, ORIGIN_IDENTITY, ORIGIN_PARENTS, ORIGIN_SOURCE
from accounts.imports.limits import SOURCE_LENGTH
from accounts.imports.plan import Plan
from accounts.imports.readers import Chunk

IDENTITY = re.compile(r"[0-9a-f]{32}\Z")
ORDINARY = ""  # the identity of a row that names no record
SEEN_PARENTS = 20_000
PARENT_KEYS = ("account_code", *ACCOUNT_FACTS)


@dataclass(frozen=True, slots=True)
class Origins:
    """By row: the source as COPY takes it, the identity as hex or ORDINARY, and the cell of the group parents."""

    sources: list[str]
    identities: list[str]
    parents: Sequence[str]

    def kept(self, keep: list[bool]) -> "Origins":
        return Origins(
            list(compress(self.sources, keep)),
            list(compress(self.identities, keep)),
            list(compress(self.parents, keep)),
        )

    def over(self, hashes: list[str]) -> list[str]:
        """The identities, and where a row has none the hash of its content."""
        if not hashes:
            return self.identities
        return [identity or content for identity, content in zip(self.identities, hashes, strict=True)]


class OriginTyper:
    """Types the three columns of one file; ``plan.origins`` says where they are."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._at = plan.origins or {}
        typer = text_typer(plan.guards, length=SOURCE_LENGTH)
        self._source = TypedColumn(ORIGIN_SOURCE, self._at.get(ORIGIN_SOURCE, -1), typer, "")
        self._parents: dict[str, list[str] | None] = {"": []}
        self._told: set[str] = set()

    def typed(self, chunk: Chunk, faults: dict[int, list[Fault]]) -> Origins:
        """The origins of the chunk's rows; what is wrong with them goes to ``faults``."""
        named, parents = self._cells(chunk, ORIGIN_SOURCE), self._cells(chunk, ORIGIN_PARENTS)
        sources = self._source.typed(named)
        identities = [cell.strip().lower() for cell in self._cells(chunk, ORIGIN_IDENTITY)]
        unusable = dict(self._source.faults_of(named))
        wrong = [(at, ORIGIN_SOURCE, fault) for at, fault in unusable.items()]
        for at, (source, identity) in enumerate(zip(sources, identities, strict=True)):
            if identity and not IDENTITY.match(identity):
                wrong.append((at, ORIGIN_IDENTITY, CellFault("bad_identity")))
            elif bool(source) != bool(identity) and at not in unusable:
                wrong.append((at, ORIGIN_IDENTITY if source else ORIGIN_SOURCE, CellFault("half_origin")))
        if any(self._lines(cell) is None for cell in set(parents)):
            wrong += [
                (at, ORIGIN_PARENTS, CellFault("bad_parents"))
                for at, cell in enumerate(parents)
                if self._lines(cell) is None
            ]
        for at, name, found in wrong:
            fault = Fault(name, self._shown(name, chunk.rows[at]), found.code, found.details)
            faults.setdefault(at, []).append(fault)
        return Origins([source or NULL for source in sources], identities, parents)

    def parent_facts(self, numbers: list[int], origins: Origins) -> list[str]:
        """COPY lines (row, code, facts …) of group parents, as each cell first gives them."""
        if len(self._told) > SEEN_PARENTS:
            self._told.clear()
        lines = []
        for number, cell in zip(numbers, origins.parents, strict=True):
            if cell and cell not in self._told:
                self._told.add(cell)
                lines += [f"{number}\t{line}" for line in self._lines(cell) or ()]
        return lines

    def _cells(self, chunk: Chunk, name: str) -> list[str]:
        at = self._at.get(name)
        return [row[at] for row in chunk.rows] if at is not None else [""] * len(chunk.rows)

    def _shown(self, name: str, row: list[str]) -> str:
        at = self._at.get(name)
        return shown(self._plan.guards.original(row[at])) if at is not None else ""

    def _lines(self, cell: str) -> list[str] | None:
        """The parents of one cell as COPY takes them; None where the cell is none of ours."""
        if cell not in self._parents:
            if len(self._parents) > SEEN_PARENTS:
                self._parents.clear()
            self._parents[cell] = parent_lines(self._plan.guards.original(cell))
        return self._parents[cell]


def parent_lines(cell: str) -> list[str] | None:
    """A JSON list of accounts, each an object of ``account_code`` and facts, as COPY lines; None where it is none."""
    text = trimmed(shown(cell))
    try:
        found = json.loads(text) if text else []
        return [_parent_line(parent) for parent in found] if isinstance(found, list) else None
    except (ValueError, RecursionError):
        return None


def _parent_line(parent: object) -> str:
    """Raises ValueError for what is no such object, or holds a text that no account can have."""
    if not isinstance(parent, dict) or set(parent) - set(PARENT_KEYS) or not parent.get("account_code"):
        raise ValueError(parent)
    facts = [parent.get(key, "") for key in PARENT_KEYS]
    for key, fact in zip(PARENT_KEYS, facts, strict=True):
        is_edged = isinstance(fact, str) and key.endswith("_code") and fact != trimmed(fact)
        if not isinstance(fact, str) or is_edged or len(fact) > FIELDS[key].length or "\0" in fact:
            raise ValueError(fact)
        fact.encode()
    return "\t".join(escaped(trimmed(fact)) for fact in facts)  # words as the door takes those of rows
