"""How account teams stand: gaps of every account, load of every person, from arrays alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from accounts.enums import GRADE_RANK
from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from plans import formulas_team as formulas
from plans.enums_team import TeamGap
from plans.team_frames import GRADES, MANAGER_SEAT, ROLES, Array, TeamFacts, read_team

GAPS: tuple[str, ...] = tuple(TeamGap.values)
NO_ROLE = -1  # of a gap that is about the whole team


@dataclass(frozen=True, slots=True)
class Gaps:
    """One row a gap of an account: places in ``TeamHealth.ids``, GAPS and ROLES; ``user`` is who holds the seat, or 0."""

    at: Array
    gap: Array
    role: Array
    user: Array

    def __len__(self) -> int:
        return len(self.at)

    def where(self, chosen: Array) -> Gaps:
        return Gaps(self.at[chosen], self.gap[chosen], self.role[chosen], self.user[chosen])


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """What one person carries, over the accounts in view."""

    user: User
    load: int
    accounts: int
    seats: tuple[int, ...]  # by ROLES
    deputies: int

    @property
    def capacity(self) -> int:
        return int(self.user.capacity)

    @property
    def is_over(self) -> bool:
        return self.load > self.capacity


@dataclass(frozen=True, slots=True)
class GradeStanding:
    """Teams of one grade: how many are not complete, and the share of required seats that stand."""

    grade: str
    accounts: int
    incomplete: int
    share: float


@dataclass(frozen=True, slots=True)
class TeamHealth:
    """The teams of the accounts in view on a day."""

    on: date
    facts: TeamFacts
    is_broken: Array  # (accounts, 3): missing, or held by somebody who is switched off
    gaps: Gaps

    @property
    def ids(self) -> Array:
        return self.facts.ids

    @property
    def is_incomplete(self) -> Array:
        """Accounts with a required seat that does not stand."""
        return np.asarray((self.is_broken & self.facts.required).any(axis=1))

    @property
    def share(self) -> float:
        """Share of required seats that stand, over all accounts; NaN where none is required."""
        return formulas.standing_share(self.facts.required, self.is_broken)

    def by_grade(self) -> list[GradeStanding]:
        found = []
        for grade in sorted(GRADES, key=lambda code: -GRADE_RANK[code]):
            mine = self.facts.grade == GRADES.index(grade)
            if mine.any() and self.facts.rules.required[GRADES.index(grade)].any():
                share = formulas.standing_share(self.facts.required[mine], self.is_broken[mine])
                found.append(GradeStanding(grade, int(mine.sum()), int(self.is_incomplete[mine].sum()), share))
        return found

    def loads(self) -> dict[int, tuple[int, int]]:
        """User id → (load, accounts) of everybody who holds a seat."""
        count = len(ROLES)
        people, sums, accounts = formulas.load(
            self.facts.holder.ravel(), np.repeat(self.ids, count), np.repeat(self.facts.points, count)
        )
        return {int(who): (int(sums[at]), int(accounts[at])) for at, who in enumerate(people)}

    def people(self, *, also: tuple[int, ...] = ()) -> list[PersonLoad]:
        """Everybody with a seat or a place as a deputy, the most overloaded first. One statement."""
        loads = self.loads()
        seats: dict[int, list[int]] = {}
        for role in range(len(ROLES)):
            who, count = np.unique(self.facts.holder[:, role], return_counts=True)
            for user, number in zip(who.tolist(), count.tolist(), strict=True):
                seats.setdefault(user, [0] * len(ROLES))[role] = number
        who, count = np.unique(self.facts.deputy_user, return_counts=True)
        deputies = dict(zip(who.tolist(), count.tolist(), strict=True))
        users = User.objects.in_bulk([*{*loads, *deputies, *also} - {0}])
        found = [
            PersonLoad(
                user, *loads.get(pk, (0, 0)), tuple(seats.get(pk, [0] * len(ROLES))), deputies.get(pk, 0)
            )
            for pk, user in users.items()
        ]  # fmt: skip
        return sorted(found, key=lambda one: (one.capacity - one.load, -one.load, one.user.username))

    def gaps_of(self, account_id: int) -> list[tuple[TeamGap, str, int]]:
        """(gap, role or "", user id or 0) of one account."""
        at = np.searchsorted(self.ids, account_id)
        if at >= len(self.ids) or self.ids[at] != account_id:
            return []
        return list(_tuples(self.gaps.where(self.gaps.at == at)))

    def assignee(self, gaps: Gaps) -> Array:
        """Who is to close each gap: the account manager who works here, else the owner who does, else nobody (0)."""
        manager = self.facts.holder[:, MANAGER_SEAT]
        works = self.facts.holder_active[:, MANAGER_SEAT]
        return np.asarray(np.where(works, manager, self.facts.owner)[gaps.at])


def team_health(accounts: AccountQuerySet, *, on: date) -> TeamHealth:
    """Gaps and loads of the teams of these accounts; the same statements for one account and for all."""
    return assess(read_team(accounts, on=on), on=on)


def account_health(account: Account, *, on: date) -> TeamHealth:
    return team_health(Account.objects.filter(pk=account.pk), on=on)


def assess(facts: TeamFacts, *, on: date) -> TeamHealth:
    """Pure: the rules of domain.md 5.4 over all accounts at once."""
    empty = formulas.missing(facts.required, facts.holder)
    gone = formulas.left(facts.holder, facts.holder_active)
    alone = formulas.without_deputy(
        facts.required, facts.holder, facts.has_deputy, facts.rules.needs_deputy[facts.grade]
    )
    seat = MANAGER_SEAT
    since = np.fmax(_answers_since(facts), facts.grade_since)
    late = formulas.untouched(facts.touched, since, today=on, cadence=facts.rules.cadence[facts.grade])
    late &= facts.holder_active.any(axis=1)
    several = formulas.in_several(facts.holder)
    by_seat = {
        TeamGap.LEFT: gone, TeamGap.MISSING: empty, TeamGap.NO_DEPUTY: alone, TeamGap.HAND_OVER: facts.hand_over,
    }  # fmt: skip
    parts = [_of_seats(gap, mask, facts) for gap, mask in by_seat.items()]
    parts.append(_of_accounts(TeamGap.UNTOUCHED, late, facts, role=seat))
    parts.append(_of_accounts(TeamGap.SEVERAL, several, facts, role=NO_ROLE))
    return TeamHealth(on=on, facts=facts, is_broken=empty | gone, gaps=_sorted(parts, facts))


def _answers_since(facts: TeamFacts) -> Array:
    """Since when somebody answers for the touch: the account manager, else whoever of the others began first."""
    started = np.where(facts.holder_active, facts.holder_since, np.datetime64("NaT"))
    return np.asarray(np.where(
        facts.holder_active[:, MANAGER_SEAT], facts.holder_since[:, MANAGER_SEAT], np.fmin.reduce(started, axis=1)
    ))  # fmt: skip


def _of_seats(gap: TeamGap, mask: Array, facts: TeamFacts) -> Gaps:
    at, role = np.nonzero(mask)
    return Gaps(at, np.full(len(at), GAPS.index(gap)), role, facts.holder[at, role])


def _of_accounts(gap: TeamGap, mask: Array, facts: TeamFacts, *, role: int) -> Gaps:
    at = np.flatnonzero(mask)
    user = facts.holder[at, max(role, 0)]
    return Gaps(at, np.full(len(at), GAPS.index(gap)), np.full(len(at), role), user)


def _sorted(parts: list[Gaps], facts: TeamFacts) -> Gaps:
    """The weightiest accounts first, of one the gravest gap."""
    at, gap, role, user = (
        np.concatenate([getattr(one, name) for one in parts]) for name in ("at", "gap", "role", "user")
    )
    rank = np.array([GRADE_RANK[grade] for grade in GRADES])[facts.grade[at]]
    order = np.lexsort((role, gap, at, -rank))
    return Gaps(at[order], gap[order], role[order], user[order])


def _tuples(gaps: Gaps) -> Any:
    for gap, role, user in zip(gaps.gap.tolist(), gaps.role.tolist(), gaps.user.tolist(), strict=True):
        yield TeamGap(GAPS[gap]), ROLES[role] if role != NO_ROLE else "", user
