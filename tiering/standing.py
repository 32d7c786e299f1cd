"""Which accounts a night has to look at, and what the one after it goes on from.

A result stands until something is written of the account (triggers and the roll-up mark it) or its day comes
(``tiering.ageing``). So a night in which little happened grades few accounts anew; the others keep the row they have, which
is the row a night over everyone would write (tests/tiering/test_ledger_facts.py). Everyone is looked at on a month's first
night and where something changed that concerns all: another version of the model, another start of the data, the first
receivable ever, foreign revenue, indicators that read other accounts; and when a night is done again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from metrics.binary import Kind, as_sql, fetch, send
from metrics.rollup import EVERY_ACCOUNT
from metrics.selectors import data_start
from tiering import ageing, facts, graded_groups, indicators, publishing
from tiering.design import Design
from tiering.enums import IndicatorCode, RunState
from tiering.evaluation import Before, Evaluation, state_before
from tiering.graded_groups import Groups
from tiering.grading import Rules
from tiering.grouping import Ints
from tiering.ledger_facts import COLUMNS, MOST_READ_ONE_BY_ONE, TABLE, TOUCHED, posted_marks, question_of
from tiering.lifetime_value import OF_THE_WHOLE_BASE
from tiering.measured import Measured
from tiering.models import KeptLedger, LedgerFacts, ScoringModel, TierRun
from tiering.publishing import Part
from tiering.scoring import Bools
from tiering.stability import State
from tiering.windows import Windows, windows_at

USING, CHANGED = "default", "tiering_changedaccount"
FORMULAS = 3  # count up when an evaluation of the same figures may come out otherwise: the next night grades everyone
# They read what is written of other accounts, or turn with the year.
OF_EVERYONE = OF_THE_WHOLE_BASE | {IndicatorCode.S4, IndicatorCode.V4, IndicatorCode.L8}
PROBLEM, PROPOSED, PIERCED = 1, 2, 4
LEFT: dict[str, Kind] = {
    "account_id": "int8", "shown": "int4", "ladder": "int4", "state_bits": "int4", "run_support": "int4",
    "run_since": "float8", "graded_on": "float8", "signal_since": "float8", "row_run": "int8",
}  # fmt: skip
WRITTEN: dict[str, Kind] = COLUMNS | LEFT | {"next_on": "int4"}


@dataclass(frozen=True, slots=True)
class Chosen:
    """ids : accounts to grade anew, ascending, some of them gone by now; None for everyone
    seen : keys of the marks that are dealt with; held_for : see KeptLedger; is_left : ``run_before`` left its states
    groups : those graded as one on the day; who is graded for one is chosen with any of its companies
    """

    ids: Ints | None
    seen: Ints
    held_for: str
    is_left: bool
    groups: Groups


@dataclass(frozen=True, slots=True)
class Left:
    """Where the night before left m accounts. shown : number in GRADES; row_run : who wrote the row that stands."""

    ids: Ints
    shown: Ints
    row_run: Ints
    state: State

    def before(self, ids: Ints, *, is_same_model: bool) -> Before:
        """The state ``ids`` start from; whoever has none starts anew, another version without runs (domain.md 3.8)."""
        found = Before.plain(np.zeros(len(ids), dtype=np.int8), np.zeros(len(ids), dtype=np.int64))
        here = np.isin(self.ids, ids)
        places = np.searchsorted(ids, self.ids[here])
        for name in (
            "ladder",
            "run_since",
            "run_support",
            "graded_on",
            "signal_since",
            "problem",
            "proposed",
            "pierced",
        ):
            column = getattr(found.state, name).copy()
            column[places] = getattr(self.state, name)[here]
            found = replace(found, state=replace(found.state, **{name: column}))
        found.shown[places] = self.shown[here]
        return found if is_same_model else replace(found, state=found.state.without_runs())


@dataclass(frozen=True, slots=True)
class Night:
    """What a night begins with. part : None where everyone is graded anew."""

    chosen: Chosen
    measured: Measured
    before: Before
    part: Part | None

    @property
    def recounted(self) -> int:
        """Accounts read from the ledger again."""
        return int(self.measured.ledger.counted.sum()) if self.measured.ledger is not None else 0


@dataclass(frozen=True, slots=True)
class Next:
    """What ``keep`` writes down: the night with what it began with, what came of it, and who was set apart, (n,)."""

    run: TierRun
    measured: Measured
    before: Before
    after: Evaluation
    chosen: Chosen
    set_apart: Bools
    rules: Rules


def begin(
    model: ScoringModel, design: Design, *, as_of: date, fiscal_start_month: int, everyone: bool = False
) -> Night:
    """Whom to grade anew, what is measured of them, and where the night before left them; in one snapshot.

    everyone : grade every account anew, and read all of the ledger again
    """
    codes, earlier = design.scheme().codes, publishing.run_before(as_of)
    chosen = choose(model, windows_at(as_of, fiscal_start_month=fiscal_start_month), codes=codes)
    if everyone:
        chosen = replace(chosen, ids=None)
    measured = indicators.measure(
        model,
        as_of=as_of,
        codes=codes,
        fiscal_start_month=fiscal_start_month,
        use_kept=not everyone,
        only=chosen.ids,
        groups=chosen.groups,
    )
    if not chosen.is_left or earlier is None:
        return Night(chosen, measured, state_before(earlier, ids=measured.ids, model_id=model.pk), None)
    found = left(chosen.ids)
    before = found.before(measured.ids, is_same_model=earlier.model_id == model.pk)
    part = None if chosen.ids is None else Part(earlier, found.ids, found.row_run, found.shown)
    return Night(chosen, measured, before, part)


def choose(model: ScoringModel, windows: Windows, *, codes: Collection[str]) -> Chosen:
    """Whom the night of ``windows.as_of`` has to grade anew; in the snapshot in which everything else is read."""
    rows = fetch(
        f"SELECT {as_sql('id', 'int8')}, {as_sql('account_id', 'int8')} FROM {CHANGED}", [],
        {"id": "int8", "account_id": "int8"}, using=USING,
    )  # fmt: skip
    asked = question_of(
        windows,
        basis=model.basis,
        currency=model.currency,
        with_products=not {IndicatorCode.P5, IndicatorCode.L7}.isdisjoint(codes),
    )
    has_debts = facts.are_debts_recorded(as_of=windows.as_of)
    held_for = f"formulas {FORMULAS} model {model.pk} data {data_start()} debts {has_debts}"
    earlier, kept = publishing.run_before(windows.as_of), KeptLedger.objects.first()
    is_left = kept is not None and earlier is not None and kept.run_id == earlier.pk and LedgerFacts.objects.exists()
    groups = graded_groups.read(windows.as_of)
    everyone = Chosen(None, rows["id"], held_for, is_left, groups)
    if not is_left or kept is None or earlier is None:
        return everyone
    is_same = (kept.question, kept.held_for, earlier.model_id) == (asked, held_for, model.pk)
    if not is_same or not OF_EVERYONE.isdisjoint(codes):
        return everyone
    if facts.whole_scope(basis=model.basis, currency=model.currency).is_translated:
        return everyone
    marked = np.concatenate([rows["account_id"], posted_marks()[0]])
    if EVERY_ACCOUNT in marked or _is_done(windows.as_of):
        return everyone
    ids = np.union1d(np.concatenate([marked, graded_groups.moved(groups)]), _due(windows.as_of))
    ids = groups.with_nodes(ids)
    return everyone if len(ids) > MOST_READ_ONE_BY_ONE * earlier.accounts else replace(everyone, ids=ids)


def _is_done(as_of: date) -> bool:
    """A night that is done again replaces all of its rows."""
    return TierRun.objects.filter(as_of__gte=as_of, state=RunState.PUBLISHED).exists()


def _due(as_of: date) -> Ints:
    day = int(np.datetime64(as_of).astype(np.int64))
    sql = f"SELECT {as_sql('account_id', 'int8')} FROM {TABLE} WHERE next_on <= %s"
    return fetch(sql, [day], {"account_id": "int8"}, using=USING)["account_id"]


def left(only: Ints | None) -> Left:
    """States of the last night, of all accounts or some; ascending."""
    picked = ", ".join(as_sql(name, kind) for name, kind in LEFT.items())
    sql = f"SELECT {picked} FROM {TABLE} WHERE true{facts.among('account_id', only)} ORDER BY account_id"
    rows = fetch(sql, facts.these(only), LEFT, using=USING)
    bits = rows["state_bits"]
    state = State(
        ladder=rows["ladder"].astype(np.int8),
        run_since=rows["run_since"],
        run_support=rows["run_support"].astype(np.int8),
        graded_on=rows["graded_on"],
        signal_since=rows["signal_since"],
        problem=(bits & PROBLEM) > 0,
        proposed=(bits & PROPOSED) > 0,
        pierced=(bits & PIERCED) > 0,
    )
    return Left(rows["account_id"], rows["shown"].astype(np.int64), rows["row_run"], state)


@transaction.atomic
def keep(night: Next) -> None:
    """What the next night goes on from; belongs to the transaction that publishes. Marks set since then stay for it."""
    run, measured, after, chosen = night.run, night.measured, night.after, night.chosen
    assert measured.ledger is not None
    assert run.model is not None
    count, is_part, state = measured.ledger, chosen.ids is not None, after.state
    values: dict[str, NDArray] = {"account_id": measured.ids, **count.values}
    values |= {
        "shown": after.shown, "ladder": state.ladder, "run_support": state.run_support, "run_since": state.run_since,
        "graded_on": state.graded_on, "signal_since": state.signal_since,
        "state_bits": state.problem * PROBLEM + state.proposed * PROPOSED + state.pierced * PIERCED,
        "row_run": np.full(len(measured.ids), run.pk),
        "next_on": ageing.next_days(
            run.model, measured, night.before, after, set_apart=night.set_apart, rules=night.rules, is_part=is_part
        ),
    }  # fmt: skip
    with connection.cursor() as cursor:
        if chosen.ids is None:
            cursor.execute(f"TRUNCATE {TABLE}")
        else:
            cursor.execute(f"DELETE FROM {TABLE} WHERE account_id = ANY(%s)", [chosen.ids.tolist()])
        send(TABLE, values, WRITTEN, using=USING)
        cursor.execute(
            f"DELETE FROM {TOUCHED} t USING unnest(%s::bigint[], %s::bigint[]) AS seen(account_id, mark)"
            " WHERE t.account_id = seen.account_id AND t.mark = seen.mark",
            [column.tolist() for column in count.marks],
        )
        cursor.execute(f"DELETE FROM {CHANGED} WHERE id = ANY(%s)", [chosen.seen.tolist()])
        if chosen.ids is None:
            cursor.execute(f"ANALYZE {TABLE}")
    graded_groups.keep(chosen.groups)
    KeptLedger.objects.update_or_create(
        pk=1,
        defaults={
            "question": count.question, "as_of": count.as_of, "run_id": run.pk, "held_for": chosen.held_for,
        },
    )  # fmt: skip
