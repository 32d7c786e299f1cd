"""Credit notes in the period of their original, record by record: the slow version the roll-up is held against. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Line:
    """One ledger record; ``credits`` is the reference it names, None where it names none."""

    account: int
    day: date
    currency: str
    basis: str
    kind: str
    reference: str
    credits: str | None
    amount: Decimal
    cost: Decimal | None = None

    @property
    def book(self) -> tuple[int, str, str]:
        return self.account, self.currency, self.basis


def original_days(lines: Iterable[Line]) -> dict[tuple[object, ...], date]:
    """(account, currency, basis, reference) → first day of the document's lines that are no credit note."""
    found: dict[tuple[object, ...], date] = {}
    for line in lines:
        if line.kind != "credit_note" and line.reference:
            key = (*line.book, line.reference)
            found[key] = min(found.get(key, line.day), line.day)
    return found


def counted_on(lines: Sequence[Line]) -> list[date]:
    """The day each line counts on when credit notes are restated."""
    originals = original_days(lines)
    return [
        originals.get((*line.book, line.credits), line.day) if line.kind == "credit_note" and line.credits else line.day
        for line in lines
    ]


def sums(lines: Sequence[Line], days: Sequence[date]) -> dict[tuple[object, ...], tuple[Decimal, Decimal, int]]:
    """(account, currency, basis, day) → net, cost, lines without cost; days on which nothing is left are not there."""
    total: dict[tuple[object, ...], list[Decimal | int]] = defaultdict(lambda: [Decimal(0), Decimal(0), 0])
    for line, day in zip(lines, days, strict=True):
        row = total[(*line.book, day)]
        row[0] += line.amount
        row[1] += line.cost or Decimal(0)
        row[2] += line.cost is None
    return {key: tuple(row) for key, row in total.items() if row != [0, 0, 0]}  # type: ignore[misc]


def unmatched(lines: Sequence[Line]) -> list[Line]:
    """Credit notes that name no document, or one that is not there."""
    originals = original_days(lines)
    return [line for line in lines if line.kind == "credit_note" and (*line.book, line.credits or "") not in originals]
