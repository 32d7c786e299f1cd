"""Which contract renews which? Terms in a row, counted until one of them is not followed by another.

Pure, no Django import. What the renewal models of ``contractual`` count is a chain: one term after the other, of one
account. A contract that runs beside another belongs to its term; one that begins about when the other ends renews it; one
that comes later begins a chain of its own. Source: domain.md 2.2 and 2.4 (renewal points, contracts at start) [D].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm.lib.exceptions import FormulaError
from metrics.formulas.exact import BoolArray, DateArray

GRACE_DAYS = 90  # before and after the end of a term in which a new contract counts as its renewal
TERM_MONTHS = (1, 3, 6, 12, 24, 36, 60)  # lengths of a term that cohorts are told apart by
_DAYS_PER_MONTH = 365.25 / 12
_APART = 10_000_000  # days between the time lines of two accounts, more than any calendar has
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Chains:
    """Terms in a row, one chain a row, ascending by account and first day; shape (c,) but for ``contract``.

    account : number of the account; terms : its terms so far, the running one included; decided : renewals that came up,
    as ``contractual.renewals_of_contracts`` counts them; is_lost : the last term was not renewed
    term_days, last_on : length and last day of the last term; term_months : of the first term, as in TERM_MONTHS
    contract : the chain of each contract, shape (n,) in the order given; is_in_last_term : it is one of its last term, (n,)
    """

    account: IntArray
    terms: IntArray
    decided: IntArray
    is_lost: BoolArray
    term_days: IntArray
    last_on: DateArray
    term_months: IntArray
    contract: IntArray
    is_in_last_term: BoolArray


def renewal_chains(
    account: ArrayLike, first_on: ArrayLike, last_on: ArrayLike, *, is_cancelled: ArrayLike, as_of: np.datetime64
) -> Chains:
    """The chains that these contracts make, n of them.

    account : any whole number, (n,); first_on, last_on : the term, both days included, datetime64[D], (n,)
    is_cancelled : the contract was ended early, (n,); as_of : the day on which is judged what is lost
    A new contract renews the term before it if it begins within w days of that term's end, on either side, with w the
    shorter of GRACE_DAYS and half its own length. A term is lost w days after its end, a cancelled one at once.
    raises FormulaError : lengths differ, a day is missing, or a contract ends before it begins
    """
    who, first, last, cancelled = _checked(account, first_on, last_on, is_cancelled)
    order = np.lexsort((last, first, who))
    who, start, end, cancelled = who[order], first[order], last[order], cancelled[order]
    window = _window(end - start + 1)
    is_first = np.append(True, who[1:] != who[:-1])[: len(who)]
    line = (np.cumsum(is_first) - 1) * _APART
    covered = np.append(0, np.maximum.accumulate(end + line)[:-1])[: len(who)] - line  # last day before this contract
    is_new = is_first | (start > covered - window)
    is_break = is_first | (start > covered + 1 + window)
    heads = np.flatnonzero(is_new)
    term_last = np.maximum.reduceat(end, heads) if len(heads) else end[:0]
    term_days = term_last - start[heads] + 1
    chain_of_term = np.cumsum(is_break)[heads] - 1
    terms = np.bincount(chain_of_term).astype(np.int64)
    last_term = np.cumsum(terms) - 1
    is_ended = np.logical_and.reduceat(cancelled, heads)[last_term] if len(heads) else cancelled[:0]
    today = np.asarray(as_of, dtype="datetime64[D]").astype(np.int64)
    is_lost = is_ended | (term_last[last_term] + _window(term_days[last_term]) < today)
    back = np.argsort(order)
    return Chains(
        account=who[heads][last_term],
        terms=terms,
        decided=terms - ~is_lost,
        is_lost=is_lost,
        term_days=term_days[last_term],
        last_on=term_last[last_term].astype("datetime64[D]"),
        term_months=_nearest_months(term_days[last_term - terms + 1]),
        contract=(np.cumsum(is_break) - 1)[back],
        is_in_last_term=np.isin(np.cumsum(is_new) - 1, last_term)[back],
    )


def _nearest_months(days: IntArray) -> IntArray:
    """The length of TERM_MONTHS that is nearest by ratio."""
    known = np.array(TERM_MONTHS, dtype=np.int64)
    away = np.abs(np.log(days[:, None] / _DAYS_PER_MONTH) - np.log(known)[None, :])
    return known[np.argmin(away, axis=1)]


def _window(days: IntArray) -> IntArray:
    return np.minimum(GRACE_DAYS, days // 2)


def _checked(
    account: ArrayLike, first_on: ArrayLike, last_on: ArrayLike, is_cancelled: ArrayLike
) -> tuple[IntArray, IntArray, IntArray, BoolArray]:
    who, cancelled = np.asarray(account, dtype=np.int64), np.asarray(is_cancelled, dtype=bool)
    first: DateArray = np.asarray(first_on, dtype="datetime64[D]")
    last: DateArray = np.asarray(last_on, dtype="datetime64[D]")
    if who.ndim != 1 or not who.shape == first.shape == last.shape == cancelled.shape:
        raise FormulaError("each contract needs its account, its first and last day and whether it was cancelled")
    if not (last >= first).all():  # NaT compares false
        raise FormulaError("a contract needs a first day and a last day that is not before it")
    return who, first.astype(np.int64), last.astype(np.int64), cancelled
