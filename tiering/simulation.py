"""What another design would make of the last night's accounts: read once, re-scored while somebody watches, never
written (domain.md 3.9).

The night's stored raw values are the snapshot. Every candidate is taken at once, as if it had held for its span, with the
thresholds of the grade in force relaxed: where the accounts would settle.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from accounts.enums import KEY_GRADES, Grade
from accounts.querysets import AccountQuerySet
from crm.lib.wall import beyond_the_wall
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import exact_total
from tiering import evaluation, graded_groups
from tiering.design import HUNDRED, Design
from tiering.enums import IndicatorCode
from tiering.evaluation import GRADES, Before
from tiering.facts import USING, grade_number
from tiering.grading import FLAG_DTYPE, INPUTS, NOT_GRADED, Flag, Ranks
from tiering.grouping import Ints
from tiering.measured import Measured
from tiering.models import TierRun
from tiering.querysets import OF_NIGHT, night_values
from tiering.scoring import Bools, Floats
from tiering.stability import SHOWN_RANKS, STATE_FLAGS, Decisions, State
from tiering.windows import windows_at

# Bits that an evaluation sets anew.
OUTCOMES = (
    Flag.NO_BUSINESS | Flag.INSUFFICIENT_EVIDENCE | Flag.KEPT | Flag.HELD_BACK | Flag.FLOOR | Flag.WATCH | Flag.STALE
    | Flag.ALSO_STRATEGIC | Flag.ALSO_POTENTIAL | STATE_FLAGS
)  # fmt: skip
SCORED = ("sal", "str", "gro", "gro_evidence")  # inputs that the scores give, not the ledger
# Points of service load an account of each grade puts on its team (domain.md 5.4).
LOAD_POINTS: Mapping[str, int] = MappingProxyType(
    {Grade.DIAMOND: 5, Grade.GOLD: 3, Grade.STRATEGIC: 3, Grade.PROBLEM: 2, Grade.POTENTIAL: 2, Grade.GENERAL: 1}
)
MOST_KEY_ACCOUNTS = 35  # McDonald and Woodburn, as domain.md 3.6 quotes them
MOVERS = 200  # accounts named, largest revenue first


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The rows of one published night, ascending by account.

    raw : code → (n,), every code of the version's layout; ladder : rank in force after the night; shown : number in GRADES
    groups : the account graded for the group of each, 0 for who is in none; its revenue is that of the whole group
    """

    run_id: int
    ids: Ints
    raw: Mapping[str, Floats]
    flags: Ints
    ladder: Ranks
    shown: Ints
    groups: Ints

    def where(self, mask: Bools) -> Snapshot:
        raw = {code: values[mask] for code, values in self.raw.items()}
        columns = (self.flags, self.ladder, self.shown, self.groups)
        return Snapshot(self.run_id, self.ids[mask], raw, *(column[mask] for column in columns))

    def summed_revenue(self) -> Floats:
        """Revenue of the last 12 whole months for sums: a company whose group is counted too adds nothing to them."""
        revenue = np.nan_to_num(self.raw.get("revenue_ttm", np.zeros(len(self.ids))))
        nodes = self.ids[(self.flags & Flag.OF_GROUP) != 0]  # as the night graded them
        is_counted = (self.groups != self.ids) & np.isin(self.groups, nodes)
        return np.where(is_counted, 0.0, revenue)


@dataclass(frozen=True, slots=True)
class Mover:
    account_id: int
    before: str
    after: str
    revenue: float | None


@dataclass(frozen=True, slots=True)
class Simulated:
    """What the design would give, over the accounts in view.

    before, after : accounts per grade code, every code present; matrix : (from, to) → accounts, those that stay included
    pending : those of the movers that the version in force moves as well, once its spans have passed
    moved_revenue : revenue of the last 12 whole months of those that would move, in the model's currency; up, down : them
    load_before, load_after : service load in points; key_accounts : Diamond, Gold and Strategic after
    unmeasured : indicators of the design that the night did not measure
    """

    accounts: int
    before: dict[str, int]
    after: dict[str, int]
    matrix: dict[tuple[str, str], int]
    moved: int
    pending: int
    up: int
    down: int
    moved_revenue: Decimal
    revenue_before: dict[str, Decimal]
    revenue_after: dict[str, Decimal]
    movers: tuple[Mover, ...]
    load_before: int
    load_after: int
    key_accounts: int
    unmeasured: tuple[str, ...]

    @property
    def is_crowded(self) -> bool:
        """More key accounts than people can look after."""
        return self.key_accounts > MOST_KEY_ACCOUNTS


def simulate(*, run: TierRun, design: Design, accounts: AccountQuerySet, fiscal_start_month: int) -> Simulated:
    """Grade the accounts of ``run`` in view by ``design``; weights that do not add up are scaled first.

    One read of the night's rows for each published night and process, one of the accounts in view where not all are.
    """
    found, as_it_is = snapshot(run), _as_it_is(run, fiscal_start_month)
    if not accounts.is_everything:
        is_seen = seen(found, accounts)
        found, as_it_is = found.where(is_seen), as_it_is[is_seen]
    measured = measured_of(found, run=run, fiscal_start_month=fiscal_start_month)
    after = _settled(found, measured, normalised(design))
    pending = (as_it_is != found.shown) & (as_it_is == after)
    return _summed(found, after, pending, design)


def seen(found: Snapshot, accounts: AccountQuerySet) -> Bools:
    """Which rows of the night are of ``accounts``; one query."""
    ids = np.array(sorted(accounts.order_by().values_list("pk", flat=True)), dtype=np.int64)
    return np.isin(found.ids, ids)


def _as_it_is(run: TierRun, fiscal_start_month: int) -> Ints:
    """Where the version of the night itself leads every account; kept like the snapshot, for nothing of it changes."""
    kept = _settled_by_night.get(key := (run.pk, str(run.published_at)))
    if kept is None:
        found = snapshot(run)
        measured = measured_of(found, run=run, fiscal_start_month=fiscal_start_month)
        kept = found.shown if run.model is None else _settled(found, measured, run.model.design())
        _settled_by_night.clear()
        _settled_by_night[key] = kept
    return kept


_settled_by_night: dict[tuple[int, str], Ints] = {}


def _settled(found: Snapshot, measured: Measured, design: Design) -> Ints:
    """Number of the grade each account would show; problems and grades set by hand stay as the night left them."""
    state = replace(
        State.none(len(found.ids)),
        ladder=found.ladder,
        problem=(found.flags & Flag.PROBLEM_ON) != 0,
        pierced=(found.flags & Flag.PIERCED) != 0,
    )
    by_hand = np.where((found.flags & Flag.OVERRIDDEN) != 0, SHOWN_RANKS[found.shown], 0).astype(np.int8)
    before = Before(state, found.shown, Decisions.none(len(found.ids)), by_hand)
    composed = evaluation.score(measured, design=design)
    return evaluation.grade(measured, composed, design=design, before=before, at_once=True).shown


def snapshot(run: TierRun) -> Snapshot:
    """The night's rows, kept in the process until another night or another result of it is published."""
    layout = tuple(run.model.raw_layout if run.model else ())
    return _snapshot(run.pk, str(run.published_at), run.as_of.isoformat(), tuple(night_values(run)), layout)


@lru_cache(maxsize=1)
@beyond_the_wall("kept in the process for every reader; answers are limited to the accounts in view by whoever asks")
def _snapshot(run_id: int, _published_at: str, day: str, night: tuple[Any, ...], layout: tuple[str, ...]) -> Snapshot:
    columns: dict[str, Kind] = {"account_id": "int8", "ladder": "int4", "shown": "int4", "flags": "int8"}
    columns |= {f"raw_{place}": "float8" for place in range(len(layout))}
    picked = [
        as_sql("account_id", "int8"), as_sql(grade_number("ladder"), "int4"), as_sql(grade_number("grade"), "int4"),
        as_sql("flags", "int8"), *(as_sql(f"raw[{place + 1}]", "float8") for place in range(len(layout))),
    ]  # fmt: skip
    sql = (  # of accounts set apart nothing is known that could be graded another way
        f"SELECT {', '.join(picked)} FROM tiering_score WHERE {OF_NIGHT} AND flags & %s = 0 ORDER BY account_id"
    )
    rows = fetch(sql, [*night, int(Flag.QUARANTINED)], columns, using=USING)
    return Snapshot(
        run_id=run_id,
        ids=rows["account_id"],
        raw={code: rows[f"raw_{place}"] for place, code in enumerate(layout)},
        flags=rows["flags"],
        ladder=evaluation.RANK_OF_NUMBER[rows["ladder"]],
        shown=rows["shown"].astype(np.int64),
        groups=graded_groups.read(date.fromisoformat(day)).node_of(rows["account_id"]),
    )


def measured_of(found: Snapshot, *, run: TierRun, fiscal_start_month: int) -> Measured:
    """Stored rows in the form an evaluation takes; expired ratings are left out, whatever relief they gave."""
    unknown = np.full(len(found.ids), np.nan)  # a version from before an input was kept does not have it
    indicators = {code: values for code, values in found.raw.items() if code in IndicatorCode.values}
    inputs = {name: found.raw.get(name, unknown) for name in INPUTS if name not in SCORED}
    return Measured(
        ids=found.ids,
        indicators=indicators,
        inputs=inputs,
        relief=indicators | {name: inputs[name] for name in ("evaluators", "opportunity")},
        flags=(found.flags & ~int(OUTCOMES)).astype(FLAG_DTYPE),
        in_business=(found.flags & Flag.NO_BUSINESS) == 0,
        windows=windows_at(run.as_of, fiscal_start_month=fiscal_start_month),
        last_record_id=run.last_record_id,
    )


def normalised(design: Design) -> Design:
    """The weights scaled to 100 where they do not add up, so that a score can be shown while somebody edits."""
    total = sum(design.dimensions.values(), Decimal(0))
    inside: dict[str, Decimal] = {}
    for of, _code, weight, _anchors in design.indicators:
        inside[of] = inside.get(of, Decimal(0)) + weight
    return replace(
        design,
        dimensions={code: _scaled(weight, total) for code, weight in design.dimensions.items()},
        indicators=tuple(
            (of, code, _scaled(weight, inside[of]), anchors) for of, code, weight, anchors in design.indicators
        ),
    )


def _scaled(weight: Decimal, total: Decimal) -> Decimal:
    return weight * HUNDRED / total if total else weight


def _summed(found: Snapshot, after: Ints, pending: Bools, design: Design) -> Simulated:
    size, revenue = len(GRADES), found.summed_revenue()
    pairs = np.bincount(found.shown * size + after, minlength=size**2)
    matrix = {(GRADES[pair // size], GRADES[pair % size]): int(pairs[pair]) for pair in np.flatnonzero(pairs).tolist()}
    moved = found.shown != after
    step = _ranks()[after] - _ranks()[found.shown]
    counts = [_counts(found.shown), _counts(after)]
    missing = {code for _of, code, _weight, _anchors in design.indicators} - set(found.raw)
    return Simulated(
        accounts=len(found.ids),
        before=counts[0],
        after=counts[1],
        matrix=matrix,
        moved=int(moved.sum()),
        pending=int(pending.sum()),
        up=int((moved & (step > 0)).sum()),
        down=int((moved & (step < 0)).sum()),
        moved_revenue=exact_total(found.where(moved).summed_revenue()),
        revenue_before=_revenue(found.shown, revenue),
        revenue_after=_revenue(after, revenue),
        movers=_movers(found, after, moved),
        load_before=_load(counts[0]),
        load_after=_load(counts[1]),
        key_accounts=sum(counts[1][grade] for grade in KEY_GRADES),
        unmeasured=tuple(sorted(missing)),
    )


def _movers(found: Snapshot, after: Ints, moved: Bools) -> tuple[Mover, ...]:
    """The first MOVERS by revenue, then by id."""
    places = np.flatnonzero(moved)
    revenue = found.raw.get("revenue_ttm", np.full(len(found.ids), np.nan))
    order = places[np.lexsort((found.ids[places], -np.nan_to_num(revenue[places], nan=-np.inf)))][:MOVERS]
    return tuple(
        Mover(
            account_id=int(found.ids[place]),
            before=GRADES[found.shown[place]] or NOT_GRADED,
            after=GRADES[after[place]],
            revenue=None if np.isnan(revenue[place]) else float(revenue[place]),
        )
        for place in order.tolist()
    )


@lru_cache(maxsize=1)
def _ranks() -> Ints:
    from accounts.enums import GRADE_RANK

    return np.array([GRADE_RANK.get(code, 0) for code in GRADES])


def _counts(shown: Ints) -> dict[str, int]:
    found = np.bincount(shown, minlength=len(GRADES))
    return {code: int(found[number]) for number, code in enumerate(GRADES) if code}


def _revenue(shown: Ints, revenue: Floats) -> dict[str, Decimal]:
    return {code: exact_total(revenue[shown == number]) for number, code in enumerate(GRADES) if code}


def _load(counts: Mapping[str, int]) -> int:
    return sum(points * counts[grade] for grade, points in LOAD_POINTS.items())
