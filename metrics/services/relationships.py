"""How do we stand with our customers' people? Three layers with targets and gaps, for all accounts at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accounts.enums import Grade
from accounts.fields import is_hidden
from accounts.models import RelationshipRule
from accounts.querysets import AccountQuerySet
from accounts.relationship_rules import relationship_rules
from metrics import reasons
from metrics.formulas.exact import BoolArray, FloatArray
from metrics.formulas.relationships import (
    ALARMS,
    coverage,
    distinct,
    freshness,
    gaps,
    key_score,
    shortfall,
    tells_nobody,
    threads,
)
from metrics.frames import IntArray
from metrics.frames_relationships import (
    CELLS,
    DEPARTMENTS,
    LEVELS,
    NOT_SAID,
    RelationshipFrame,
    relationship_frame,
    relationships_scope,
)
from metrics.scope import Level
from metrics.services.backlog import contract_units
from metrics.services.base import AccountTable, Answer, Reasons, Units, passport

LOWEST_LEVEL = 1.0  # an account without evidence is transactional (domain.md 5.3)
PERCENT = 100.0
GRADES = tuple(Grade.values)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the rules ask of each unit, (u,): NaN where a layer is not asked for; required: (u, CELLS)."""

    cadence: FloatArray
    key_target: FloatArray
    general_target: FloatArray
    organisational_target: FloatArray
    required: BoolArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RelationshipFigures(Answer):
    """Means over accounts where the figure is defined, and counts of accounts; at group level a group is one.

    The table has by account: key_relationship_score, key_withheld (whether there is a score that is not the reader's),
    key_target, key_gap, gaps (flags of formulas.relationships.Gap),
    members; relationship_coverage, general_target, general_gap (fractions), cells_covered, cells_required;
    organisational_level, organisational_target, organisational_gap; thread (formulas.relationships.Thread), theirs, ours;
    cadence (days), grade (place in Grade).
    """

    key_relationship_score: float | None
    relationship_coverage: float | None
    organisational_level: float | None
    mapped_accounts: int
    gap_accounts: int
    single_threaded_accounts: int


def relationships(accounts: AccountQuerySet, *, as_of: date, level: Level | str = Level.ENTITY) -> RelationshipFigures:
    """The three layers of ``accounts`` (already limited to what the caller may see) at the end of ``as_of``; the same
    number of statements however many there are. A group counts the people of all its accounts in view once, and is asked
    what the rule of the account that stands for it says."""
    level, scope = Level(level), relationships_scope(accounts)
    frame = relationship_frame(scope, as_of=as_of)
    units = contract_units(scope, frame.account_ids, level)
    table = relationship_table(frame, units, relationship_rules())
    why = Reasons()
    columns = table.columns
    has_map, alarms = columns["members"] > 0, np.isin(columns["thread"], [int(one) for one in ALARMS])
    return RelationshipFigures(
        key_relationship_score=_mean("key_relationship_score", columns, key_reason(columns["key_withheld"].any()), why),
        relationship_coverage=_mean("relationship_coverage", columns, "no_cells", why),
        organisational_level=_mean("organisational_level", columns, "no_accounts", why),
        mapped_accounts=int(has_map.sum()),
        gap_accounts=int((has_map & (columns["gaps"] > 0)).sum()),
        single_threaded_accounts=int(alarms.sum()),
        currency="",
        reasons=why.frozen(),
        passport=passport("relationships", scope=scope, level=level, as_of=as_of, accounts=len(table)),
        table=table,
    )


def relationship_table(frame: RelationshipFrame, units: Units, rules: dict[str, RelationshipRule]) -> AccountTable:
    """The figures of each unit from what was read; pure but for the rules' rows."""
    count, asked = len(units.ids), asked_of(frame, units, rules)
    at = units.place[np.searchsorted(frame.account_ids, frame.member_account)]
    cadence = asked.cadence[at]
    score, is_withheld = _key_scores(frame, units, at, freshness(frame.member_days, cadence))
    flags = _flags(frame, at, cadence, count)
    met_at = units.place[np.searchsorted(frame.account_ids, frame.met_account)]
    covered = np.zeros((count, CELLS), dtype=bool)
    is_placed = frame.met_cell >= 0
    covered[met_at[is_placed], frame.met_cell[is_placed]] = True
    share, both, required = coverage(asked.required, covered)
    theirs = distinct(met_at, frame.met_contact, count)
    ours = distinct(units.place[np.searchsorted(frame.account_ids, frame.ours_account)], frame.ours_user, count)
    reached = np.full(count, LOWEST_LEVEL)
    np.maximum.at(reached, units.place, np.nan_to_num(frame.level, nan=LOWEST_LEVEL))
    columns: dict[str, NDArray[Any]] = {
        "key_relationship_score": score,
        "key_withheld": is_withheld,
        "key_target": asked.key_target,
        "key_gap": shortfall(score, asked.key_target),
        "gaps": flags,
        "members": np.bincount(at, minlength=count)[:count],
        "relationship_coverage": share,
        "general_target": asked.general_target / PERCENT,
        "general_gap": shortfall(share, asked.general_target / PERCENT),
        "cells_covered": both,
        "cells_required": required,
        "organisational_level": reached,
        "organisational_target": asked.organisational_target,
        "organisational_gap": shortfall(reached, asked.organisational_target),
        "thread": threads(theirs, ours),
        "theirs": theirs,
        "ours": ours,
        "cadence": asked.cadence,
        "grade": frame.grade[_standing(frame, units)],
    }
    return AccountTable(units.ids, columns, units.members)


def _key_scores(
    frame: RelationshipFrame, units: Units, at: IntArray, fresh: FloatArray
) -> tuple[FloatArray, BoolArray]:
    """The score of each unit, and where it is withheld: from whom attitudes are kept, those too few people make up."""
    count = len(units.ids)
    score = key_score(frame.member_weight, frame.member_attitude, fresh, place=at, units=count)
    if not is_hidden("attitude"):
        return score, np.zeros(count, dtype=bool)
    is_told = tells_nobody(
        frame.member_attitude,
        fresh,
        person=frame.member_contact,
        part=np.searchsorted(frame.account_ids, frame.member_account),
        part_unit=units.place,
        units=count,
    )
    return np.where(is_told, score, np.nan), ~np.isnan(score) & ~is_told


def asked_of(frame: RelationshipFrame, units: Units, rules: dict[str, RelationshipRule]) -> Asked:
    """The rule of the grade of the account that stands for a unit, and what was decided for that account."""
    row = _standing(frame, units)
    grade = frame.grade[row]

    def by_grade(values: list[float | None]) -> FloatArray:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64)[grade]

    of = [rules[code] for code in GRADES]
    cells = np.array([_cells(rule.departments, rule.levels) for rule in of], dtype=bool).reshape(len(of), CELLS)
    levels = np.array([_cells(DEPARTMENTS, rule.levels or LEVELS) for rule in of], dtype=bool).reshape(len(of), CELLS)
    own = frame.departments[row]
    chosen = ((own[:, None] >> np.arange(len(DEPARTMENTS))) & 1).astype(bool).repeat(len(LEVELS), axis=1)
    is_own = (own != NOT_SAID)[:, None]

    def target(mine: FloatArray, rule: FloatArray) -> FloatArray:
        return np.where(np.isnan(mine[row]), rule, mine[row])

    return Asked(
        cadence=by_grade([rule.cadence_days for rule in of]),
        key_target=target(frame.key_target, by_grade([rule.key_target for rule in of])),
        general_target=target(frame.general_target, by_grade([rule.general_target for rule in of])),
        organisational_target=target(
            frame.organisational_target, by_grade([rule.organisational_target for rule in of])
        ),
        required=np.where(is_own, chosen & levels[grade], cells[grade]),
    )


def cell_of(department: str, level: str) -> int:
    """Place of a cell among CELLS; NOT_SAID where one of the two is not known."""
    if department not in DEPARTMENTS or level not in LEVELS:
        return NOT_SAID
    return DEPARTMENTS.index(department) * len(LEVELS) + LEVELS.index(level)


def _cells(departments: Any, levels: Any) -> list[bool]:
    return [kind in departments and level in levels for kind in DEPARTMENTS for level in LEVELS]


def _standing(frame: RelationshipFrame, units: Units) -> IntArray:
    """For each unit the row of the account that stands for it: itself, its root, or the first member in view."""
    if not units.members:
        return np.searchsorted(frame.account_ids, units.ids)
    shown = [unit if unit in units.members[unit] else units.members[unit][0] for unit in units.ids.tolist()]
    known = np.searchsorted(frame.account_ids, np.array(shown, dtype=np.int64))
    return np.minimum(known, max(len(frame.account_ids) - 1, 0))


def _flags(frame: RelationshipFrame, at: IntArray, cadence: FloatArray, count: int) -> IntArray:
    """Gaps of every buying centre, gathered for its account; a unit without any has no map."""
    centres, place = np.unique(frame.member_centre, return_inverse=True)
    found = centre_gaps(frame, cadence, place=place, centres=len(centres))
    flags = gaps(
        is_decider=[], is_coach=[], attitude=[], days=[], cadence=[], place=np.empty(0, dtype=np.int64), units=count
    )
    flags[at] = 0
    np.bitwise_or.at(flags, at, found[place])
    return flags


def centre_gaps(frame: RelationshipFrame, cadence: FloatArray, *, place: IntArray, centres: int) -> IntArray:
    """Gaps by centre; who is against us is an attitude of theirs, and counts only for readers who may see attitudes."""
    attitude = np.full_like(frame.member_attitude, np.nan) if is_hidden("attitude") else frame.member_attitude
    return gaps(
        is_decider=frame.member_decides,
        is_coach=frame.member_coaches,
        attitude=attitude,
        days=frame.member_days,
        cadence=cadence,
        place=place,
        units=centres,
    )


def key_reason(is_withheld: object) -> str:
    """Key of the reason why there is no score."""
    return "few_people" if is_withheld else "no_map"


def _mean(name: str, columns: dict[str, NDArray[Any]], key: str, why: Reasons) -> float | None:
    values = columns[name]
    known = values[~np.isnan(values)]
    if not len(known):
        why.undefined([name], reasons.sentence(key))
        return None
    return float(known.mean())
