"""One column of a file as one field, and what is wrong with a row. Pure: no Django import."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accounts.imports.cells import CellFault, Typer
from accounts.imports.limits import MEMO_CELLS


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with one row: the column's header, the cell, a key of reasons.ROW_REASONS and its numbers."""

    column: str
    value: str
    code: str
    details: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is not posted, with its own cells and every fault found in it, the decisive one first."""

    number: int
    cells: list[str]
    faults: list[Fault]


class TypedColumn:
    """One column of the file as one field. Memory is bounded: the memo is emptied when it has grown."""

    def __init__(self, key: str, at: int, typer: Typer, placeholder: str) -> None:
        self.key, self.at = key, at
        self._typer, self._placeholder = typer, placeholder
        self._memo: dict[str, str] = {}
        self.faults: dict[str, CellFault] = {}

    def typed(self, raw: Sequence[str]) -> list[str]:
        """The normal forms of ``raw``; a faulty cell gives the placeholder and is found in ``faults``."""
        distinct = set(raw)
        if len(self._memo) > MEMO_CELLS:
            self._memo.clear()
            self.faults.clear()
        memo = self._memo
        for cell in distinct.difference(memo):
            try:
                memo[cell] = self._typer(cell)
            except CellFault as fault:
                memo[cell] = self._placeholder
                self.faults[cell] = fault
        return [memo[cell] for cell in raw]

    def faulty_rows(self, raw: Sequence[str]) -> list[int]:
        faults = self.faults
        return [at for at, cell in enumerate(raw) if cell in faults] if faults else []

    def faults_of(self, raw: Sequence[str]) -> list[tuple[int, CellFault]]:
        """(place, fault) of every cell of ``raw`` that cannot be posted."""
        return [(at, self.faults[raw[at]]) for at in self.faulty_rows(raw)]
