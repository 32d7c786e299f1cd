"""What an evaluation knows of its accounts, as arrays; filled by ``tiering.indicators``."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from tiering.facts import Dates, Standing
from tiering.graded_groups import NO_GROUPS, Groups
from tiering.grouping import Ints
from tiering.ledger_facts import LedgerCount
from tiering.scoring import Bools, Floats
from tiering.windows import Windows


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything an evaluation knows of n accounts.

    indicators : code → raw value; inputs : name of grading.INPUTS → value, without scores
    relief : the same for what expired at most RELIEF_DAYS ago, for the current grade alone: ratings, P2, evaluators,
    opportunity
    flags : bits of grading.Flag known so far; in_business : line 0 does not hold
    ledger : the part that is kept for the next night
    tenure_starts, late_order_on : the day each account counts as a customer from, and that from which an order is late
    has_debts : whether receivables are recorded at all
    groups : those graded as one that the figures are made of
    """

    ids: Ints
    indicators: dict[str, Floats]
    inputs: dict[str, Floats]
    relief: dict[str, Floats]
    flags: Ints
    in_business: Bools
    windows: Windows
    last_record_id: int | None
    standing: Standing | None = None
    ledger: LedgerCount | None = None
    tenure_starts: Dates | None = None
    late_order_on: Floats | None = None
    has_debts: bool = True
    groups: Groups = NO_GROUPS

    def among(self, ids: Ints) -> Measured:
        """What is known of ``ids`` alone."""
        mask = np.isin(self.ids, ids)
        return self if mask.all() else _cut(self, mask)


def _cut(value: Any, mask: Bools) -> Any:
    """The part of an array, of the arrays by name, or of all arrays of a record; anything else as it is."""
    if isinstance(value, np.ndarray):
        return value[mask]
    if isinstance(value, dict):
        return {name: _cut(part, mask) for name, part in value.items()}
    if isinstance(value, (Measured, Standing, LedgerCount)):
        return replace(value, **{one.name: _cut(getattr(value, one.name), mask) for one in fields(value)})
    return value
