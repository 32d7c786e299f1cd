"""What of contracts is signed, recognised and still to come, and when. Exact decimals, no Django import.

Recognised is what the books say where they say anything of a contract, else a stand-in: straight line, or milestones at
acceptance. The two are never mixed within one contract. Source: domain.md 1.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Context, Decimal

import numpy as np

from crm.lib.exceptions import FormulaError
from crm.lib.money import rounded
from metrics.formulas import schedule
from metrics.formulas.cohorts import NOWHERE, period_places
from metrics.formulas.exact import BoolArray, DateArray
from metrics.formulas.schedule import DecimalArray, UnitArray, decimals, units_of

_BEFORE_ALL = np.datetime64("0001-01-01")
_EXACT = Context(prec=60)  # digits that no amount times a rate reaches


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """Contracts, shape (n,): value, at least 0 and at most 4 decimals; first and last day, both in the term, NaT where
    nobody said; day of cancellation, NaT where it is not cancelled; what the books recognised of it, None where nothing."""

    value: Sequence[Decimal]
    first_on: DateArray
    last_on: DateArray
    cancelled_on: DateArray
    recorded: Sequence[Decimal | None]


@dataclass(frozen=True, slots=True, eq=False)
class Milestones:
    """Parts of the contracts, shape (m,): place of the contract, amount above 0, planned day, day of acceptance or NaT."""

    contract: np.ndarray[tuple[int], np.dtype[np.int64]]
    amount: Sequence[Decimal]
    planned_on: DateArray
    accepted_on: DateArray


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Per contract, shape (n,), money. signed - recognised = backlog - overrun; one of these two is 0.

    backlog = the sum of its periods + later + overdue + undated
    periods : what comes in each period asked for, (n, p); later : after the last of them; overdue : its day has passed
    undated : signed, and nothing says when it comes
    is_recorded : recognised is that of the books, not a stand-in
    """

    signed: DecimalArray
    recognised: DecimalArray
    backlog: DecimalArray
    overrun: DecimalArray
    periods: DecimalArray
    later: DecimalArray
    overdue: DecimalArray
    undated: DecimalArray
    is_recorded: BoolArray


def progress(terms: Terms, parts: Milestones, *, as_of: np.datetime64, edges: DateArray) -> Progress:
    """Signed, recognised and still to come of each contract at the end of ``as_of``.

    edges : first day of each of p periods and the first day after the last, beginning the day after as_of, (p + 1,)
    A contract with milestones is recognised as they are accepted, the others in a straight line until as_of, or until the
    day before they were cancelled. From the day of its cancellation on a contract is signed for what was recognised of it:
    the undelivered part is taken back, and nothing is still to come.
    Still to come: the rest of the line; where the books differ from the line, the rest evenly over the days that are left;
    milestones on the day they are planned for, as far as the backlog reaches.
    raises FormulaError : lengths differ, a value below 0, a contract without milestones has no term or ends before it
        begins, or edges do not begin the day after as_of
    """
    _check(terms, as_of, edges)
    has_parts = np.isin(np.arange(len(terms.value)), parts.contract)
    recognised = _stand_in(terms, parts, has_parts, as_of)
    is_recorded = np.array([amount is not None for amount in terms.recorded], dtype=bool)
    recognised[is_recorded] = units_of([amount for amount in terms.recorded if amount is not None])
    is_over = terms.cancelled_on <= as_of
    signed = np.where(is_over, recognised, units_of(terms.value))
    left = schedule.backlog(_list(signed), _list(recognised))
    backlog = units_of(left.amount.tolist())
    of_lines = _line_to_come(terms, has_parts | (backlog == 0), backlog, is_recorded, as_of, edges)
    of_parts = _parts_to_come(parts, backlog, as_of, edges)
    periods, later, overdue = (line + part for line, part in zip(of_lines, of_parts, strict=True))
    return Progress(
        signed=decimals(signed),
        recognised=decimals(recognised),
        backlog=left.amount,
        overrun=decimals(np.maximum(recognised - signed, 0)),
        periods=decimals(periods),
        later=decimals(later),
        overdue=decimals(overdue),
        undated=decimals(backlog - periods.sum(axis=1) - later - overdue),
        is_recorded=is_recorded,
    )


def translated(found: Progress, rates: Sequence[Decimal]) -> Progress:
    """The same in another currency, each contract at one rate, shape (n,), rounded to the fourth decimal.

    What adds up before adds up after: running totals are rounded, and the parts are their differences.
    """
    if len(rates) != len(found.signed):
        raise FormulaError("a contract needs one rate")
    if all(rate == 1 for rate in rates):
        return found
    flows = np.column_stack([found.recognised, found.overdue, found.periods, found.later, found.undated])
    running = np.cumsum(flows, axis=1)
    moved = _at(running, rates)
    flows = np.column_stack([moved[:, :1], moved[:, 1:] - moved[:, :-1]])
    backlog = moved[:, -1] - moved[:, 0]
    overrun = _at(found.overrun[:, None], rates)[:, 0]
    return Progress(
        signed=flows[:, 0] + backlog - overrun,
        recognised=flows[:, 0],
        backlog=backlog,
        overrun=overrun,
        periods=flows[:, 2:-2],
        later=flows[:, -2],
        overdue=flows[:, 1],
        undated=flows[:, -1],
        is_recorded=found.is_recorded,
    )


def of_contracts(found: Progress, chosen: BoolArray) -> Progress:
    """That of the contracts that are ``chosen``, (n,)."""
    return Progress(**{one.name: getattr(found, one.name)[chosen] for one in fields(Progress)})


def _stand_in(terms: Terms, parts: Milestones, has_parts: BoolArray, as_of: np.datetime64) -> UnitArray:
    until = np.fmin(terms.cancelled_on - 1, as_of)
    line = np.flatnonzero(~has_parts)
    found = units_of(
        schedule.milestones(
            parts.contract, parts.amount, parts.accepted_on, contracts=len(terms.value),
            edges=np.array([_BEFORE_ALL, as_of + 1], dtype="datetime64[D]"),
        )[:, 0].tolist()
    )  # fmt: skip
    found[line] = units_of(
        schedule.straight_line_until(
            [terms.value[at] for at in line.tolist()], terms.first_on[line], terms.last_on[line], as_of=until[line]
        ).tolist()
    )
    return found


def _line_to_come(
    terms: Terms,
    is_left_out: BoolArray,
    backlog: UnitArray,
    is_recorded: BoolArray,
    as_of: np.datetime64,
    edges: DateArray,
) -> tuple[UnitArray, UnitArray, UnitArray]:
    """(in each period, later, overdue) of contracts in a straight line."""
    periods = np.zeros((len(backlog), len(edges) - 1), dtype=object)
    later, overdue = np.zeros_like(backlog), np.zeros_like(backlog)
    over = ~is_left_out & (terms.last_on <= as_of)
    overdue[over] = backlog[over]
    rows = np.flatnonzero(~is_left_out & ~over)
    # The line goes on as it began; where the books say otherwise, the rest has a line of its own.
    first = np.where(is_recorded[rows], np.maximum(terms.first_on[rows], as_of + 1), terms.first_on[rows])
    value = [_money(backlog[at]) if is_recorded[at] else terms.value[at] for at in rows.tolist()]
    found = schedule.straight_line(value, first, terms.last_on[rows], edges=edges)
    periods[rows] = units_of(found.ravel().tolist()).reshape(found.shape)
    later[rows] = backlog[rows] - periods[rows].sum(axis=1)
    return periods, later, overdue


def _parts_to_come(
    parts: Milestones, backlog: UnitArray, as_of: np.datetime64, edges: DateArray
) -> tuple[UnitArray, UnitArray, UnitArray]:
    """(in each period, later, overdue) of milestones that are not accepted, in the order planned, cut where the backlog ends."""
    periods = np.zeros((len(backlog), len(edges) - 1), dtype=object)
    later, overdue = np.zeros_like(backlog), np.zeros_like(backlog)
    open_parts = np.flatnonzero(~(parts.accepted_on <= as_of))  # NaT compares false
    due = np.where(np.isnat(parts.accepted_on), parts.planned_on, parts.accepted_on)[open_parts]
    order = np.lexsort((due, parts.contract[open_parts]))
    who, due, amount = (
        parts.contract[open_parts][order],
        due[order],
        units_of([parts.amount[at] for at in open_parts[order].tolist()]),
    )
    running = np.cumsum(amount) if len(amount) else amount
    is_first = np.concatenate([[True], who[1:] != who[:-1]])[: len(who)]
    before = np.repeat((running - amount)[is_first], np.diff(np.append(np.flatnonzero(is_first), len(who))))
    high = np.minimum(running - before, backlog[who])
    low = np.minimum(running - before - amount, backlog[who])
    is_overdue = due <= as_of
    place = period_places(due, edges)
    np.add.at(overdue, who[is_overdue], (high - low)[is_overdue])
    inside = place != NOWHERE
    np.add.at(periods, (who[inside], place[inside]), (high - low)[inside])
    after = ~inside & ~is_overdue
    np.add.at(later, who[after], (high - low)[after])
    return periods, later, overdue


def _check(terms: Terms, as_of: np.datetime64, edges: DateArray) -> None:
    lengths = {len(getattr(terms, one.name)) for one in fields(Terms)}
    if len(lengths) > 1:
        raise FormulaError("value, days and what was recorded must have one value a contract")
    if any(amount < 0 for amount in terms.value):
        raise FormulaError("a contract below 0 is no backlog")
    if not len(edges) or edges[0] != as_of + 1:
        raise FormulaError("the first period begins the day after the as-of day")


def _at(money: DecimalArray, rates: Sequence[Decimal]) -> DecimalArray:
    moved = [[rounded(_EXACT.multiply(amount, rate)) for amount in row] for row, rate in zip(money, rates, strict=True)]
    return np.array(moved, dtype=object).reshape(money.shape)


def _list(units: UnitArray) -> list[Decimal]:
    return list(decimals(units))


def _money(units: int) -> Decimal:
    return Decimal(units).scaleb(-schedule.UNIT_PLACES)
