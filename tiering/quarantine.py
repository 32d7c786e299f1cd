"""Accounts whose figures would poison a night are set apart: they keep the grade they had, the rest is graded.

What is not known (NaN where a rate or a cost is missing) is no fault. A fault is a figure that no formula can use: a
stored NaN, an infinite result, an amount or a date beyond what can be true. Everything here works on masks of shape
(n,) over all accounts; only those set apart are ever looked at one by one, to say why.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import date

import numpy as np
from django.db import transaction

from metrics.binary import Kind, as_sql, fetch
from tiering import stability
from tiering.enums import IndicatorCode, QuarantineReason
from tiering.evaluation import NUMBER_OF_RANK, USING, Before, Evaluation
from tiering.grading import GRADE_CODES, LADDER, Flag, Rules
from tiering.grouping import Ints
from tiering.measured import Measured
from tiering.models import Quarantine, TierRun
from tiering.scoring import Bools, Floats
from tiering.signals import WATCH_POINTS
from tiering.stability import STATE, State

LARGEST_AMOUNT = 1e15  # of the model's currency; what a ledger line may hold is just below it
EARLIEST, LATEST = date(1900, 1, 1), date(2199, 12, 31)  # days of business that can be true
MONEY_INDICATORS = frozenset({IndicatorCode.S1, IndicatorCode.S2, IndicatorCode.S5, IndicatorCode.P2})
MONEY_INPUTS = ("revenue_", "gross_profit_", "overdue_")
REASONS = tuple(QuarantineReason)
MONTHS_A_YEAR = 12

# Stored rows that no formula can use, by account. Days are found by their index, NaN only among accounts whose sums
# came out as NaN: most of those just lack an exchange rate. Estimates are few.
FAULTY_ROWS = f"""
SELECT {as_sql("f.account_id", "int8")}, {as_sql("f.reason", "int4")}, {as_sql("f.figure", "int4")} FROM (
    SELECT account_id, 1 AS reason, 0 AS figure FROM metrics_accountday WHERE day < %s OR day > %s
    UNION SELECT account_id, 0, 1 FROM metrics_accountmonth
        WHERE account_id = ANY(%s) AND net = 'NaN'
    UNION SELECT account_id, 0, 5 FROM metrics_accountmonth WHERE account_id = ANY(%s) AND cost = 'NaN'
    UNION SELECT account_id, 0, 2 FROM accounts_walletestimate WHERE amount = 'NaN'
    UNION SELECT account_id, 0, 3 FROM accounts_receivable WHERE account_id = ANY(%s) AND amount = 'NaN'
    UNION SELECT r.account_id, 0, 4 FROM accounts_receivable r
        JOIN accounts_receivablepayment p ON p.receivable_id = r.id
        WHERE r.account_id = ANY(%s) AND p.amount = 'NaN'
) f
"""
ROW_REASONS = (QuarantineReason.NOT_A_NUMBER, QuarantineReason.DATE)
ROW_FIGURES = ("booked_on", "revenue", "wallet", "receivable", "payment", "cost")


@dataclass(frozen=True, slots=True)
class Faults:
    """The accounts set apart. mask : (n,); reason : (n,) position in REASONS, -1 none; figure, value : (n,), of the first
    fault of each account."""

    mask: Bools
    reason: Ints
    figure: np.ndarray
    value: Floats

    def __bool__(self) -> bool:
        return bool(self.mask.any())

    def __len__(self) -> int:
        return int(self.mask.sum())


def find(measured: Measured) -> Faults:
    """Which accounts cannot be graded tonight, and why; one query."""
    count = len(measured.ids)
    reason = np.full(count, -1, dtype=np.int64)
    figure, value = np.zeros(count, dtype="U24"), np.full(count, np.nan)

    def note(mask: Bools, why: QuarantineReason, name: str, values: Floats | None = None) -> None:
        here = mask & (reason < 0)
        reason[here], figure[here] = REASONS.index(why), name
        if values is not None:
            value[here] = values[here]

    for mask, why, name in _faulty_rows(measured):
        note(mask, why, name)
    for name, values in [*measured.inputs.items(), *measured.indicators.items(), *measured.relief.items()]:
        note(np.isinf(values), QuarantineReason.INFINITE, str(name), values)
        if name in MONEY_INDICATORS or str(name).startswith(MONEY_INPUTS):
            note(np.abs(values) > LARGEST_AMOUNT, QuarantineReason.AMOUNT, str(name), values)
    months = measured.inputs["months"]
    longest = (measured.windows.as_of.year - EARLIEST.year) * MONTHS_A_YEAR
    note((months < 0) | (months > longest), QuarantineReason.DATE, "months", months)
    return Faults(reason >= 0, reason, figure, value)


def _faulty_rows(measured: Measured) -> list[tuple[Bools, QuarantineReason, str]]:
    inputs = measured.inputs
    revenue = np.logical_or.reduce([np.isnan(values) for name, values in inputs.items() if name.startswith("revenue_")])
    owed = np.isnan(inputs["overdue_90"]) | np.isnan(inputs["overdue_31"])
    if not measured.has_debts:
        owed = np.zeros_like(owed)
    groups = measured.groups  # whatever of a company cannot be computed with, cannot be of its group either
    debtors = groups.whole(measured.ids[owed]).tolist()
    columns: dict[str, Kind] = {"account_id": "int8", "reason": "int4", "figure": "int4"}
    costs = [np.isinf(values) for name, values in inputs.items() if name.startswith("gross_profit_")]
    costs.append(np.isinf(measured.indicators[IndicatorCode.S2]))
    params = [
        EARLIEST, LATEST, groups.whole(measured.ids[revenue]).tolist(),
        groups.whole(measured.ids[np.logical_or.reduce(costs)]).tolist(), debtors, debtors,
    ]  # fmt: skip
    rows = fetch(FAULTY_ROWS, params, columns, using=USING)
    found = []
    for reason, figure in sorted(set(zip(rows["reason"].tolist(), rows["figure"].tolist(), strict=True))):
        here = (rows["reason"] == reason) & (rows["figure"] == figure)
        faulty = rows["account_id"][here]
        mask = np.isin(measured.ids, groups.with_nodes(faulty))
        found.append((mask, ROW_REASONS[reason], ROW_FIGURES[figure]))
    return found


def without(measured: Measured, faults: Faults) -> Measured:
    """``measured`` with nothing known of the accounts set apart, so that no formula meets their figures."""
    if not faults:
        return measured

    def blank(values: dict[str, Floats]) -> dict[str, Floats]:
        return {name: np.where(faults.mask, np.nan, found) for name, found in values.items()}

    return replace(
        measured,
        indicators=blank(measured.indicators),
        inputs=blank(measured.inputs),
        relief=blank(measured.relief),
        flags=np.where(faults.mask, 0, measured.flags),
    )


def keep_grades(evaluation: Evaluation, faults: Faults, *, before: Before, day: date, rules: Rules) -> Evaluation:
    """``evaluation`` in which the accounts set apart stand where the night before left them; a missed night, to them.

    What people set for the day still holds: an override is a grade that was not computed.
    """
    if not faults:
        return evaluation
    apart, left = faults.mask, before.state
    number = int(np.datetime64(day).astype(np.int64))
    ladder = _numbers()[left.ladder]
    ranks = stability.shown_grades(left.ladder, problem=left.problem, override=before.overrides, pierced=left.pierced)
    points = np.where(np.nan_to_num(left.signal_since) > 0, float(WATCH_POINTS), 0.0)
    flags = stability.bits_of(left, in_business=left.ladder > 0, points=points, day=number, rules=rules)
    flags |= np.where((before.overrides > 0) & ~left.pierced, int(Flag.OVERRIDDEN), 0) | int(Flag.QUARANTINED)
    raw = evaluation.raw.copy()
    raw[apart] = np.nan
    raw[np.ix_(apart, np.arange(raw.shape[1] - len(STATE), raw.shape[1]))] = _state_values(left)[apart]
    return replace(
        evaluation,
        shown=np.where(apart, NUMBER_OF_RANK[ranks], evaluation.shown),
        ladder=np.where(apart, ladder, evaluation.ladder),
        composite=np.where(apart, np.nan, evaluation.composite),
        evidence=np.where(apart, 0.0, evaluation.evidence),
        flags=np.where(apart, flags, evaluation.flags),
        raw=raw,
        contributions=np.where(apart[:, None], np.nan, evaluation.contributions),
        state=_merged(left, evaluation.state, apart),
    )


def _numbers() -> Ints:
    """Number in GRADE_CODES of each ladder rank, 0 for none."""
    return np.array([GRADE_CODES.index(LADDER.get(rank, "")) for rank in range(max(LADDER) + 1)], dtype=np.int64)


def _state_values(left: State) -> Floats:
    """Values of STATE, shape (n, 6), of accounts that stay where they are."""
    support = np.where(np.isnan(left.run_since), np.nan, left.run_support)
    held = left.ladder.astype(np.float64)
    return np.stack([held, held, left.run_since, support, left.graded_on, left.signal_since], axis=1)


def _merged(left: State, after: State, apart: Bools) -> State:
    return State(**{
        part.name: np.where(apart, getattr(left, part.name), getattr(after, part.name)) for part in fields(State)
    })  # fmt: skip


def _text(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.6g}"


@transaction.atomic
def record(run: TierRun, measured: Measured, faults: Faults) -> None:
    """Write down on the run what was set apart; a repeat replaces it."""
    Quarantine.objects.filter(run=run).delete()
    places = np.flatnonzero(faults.mask)
    Quarantine.objects.bulk_create(
        [
            Quarantine(run=run, account_id=pk, reason=REASONS[reason], figure=figure, value=_text(value))
            for pk, reason, figure, value in zip(
                measured.ids[places].tolist(), faults.reason[places].tolist(), faults.figure[places].tolist(),
                faults.value[places].tolist(), strict=True,
            )
        ],
        batch_size=5000,
    )  # fmt: skip
    run.quarantined = len(places)
    run.save(update_fields=["quarantined"])
