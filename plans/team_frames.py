"""Accounts, seats and touches → arrays, by one statement a kind of fact, however many accounts there are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet
from numpy.typing import NDArray

from accounts.enums import AccountStatus, Grade, TeamRole
from accounts.querysets import AccountQuerySet
from metrics.binary import Kind, as_sql, fetch
from plans.enums import SPAN_MONTHS, PromiseType
from plans.enums_team import PENDING_HAND_OVERS
from plans.formulas_team import cadence_days
from plans.models import HandOver, Promise, TeamRule
from plans.selectors import policy_on
from service.enums import TOUCH_KINDS

Array = NDArray[Any]

GRADES: tuple[str, ...] = tuple(Grade.values)
ROLES: tuple[str, ...] = tuple(TeamRole.values)
MANAGER_SEAT = ROLES.index(TeamRole.ACCOUNT_MANAGER)
TOUCHES_LOOKED_AT = timedelta(days=400)  # longer than any cadence a policy can promise
CURRENT = "m.valid_from <= %s AND (m.valid_to IS NULL OR m.valid_to > %s)"
ACCOUNTS = """
SELECT {id}, {grade}, {since}, {owner} FROM accounts_account a LEFT JOIN accounts_user u ON u.id = a.owner_id
WHERE a.id IN ({among}) ORDER BY a.id
"""
SEATS = """
SELECT {account}, {role}, {user}, {deputy}, {active}, {since}
FROM accounts_teammember m JOIN accounts_user u ON u.id = m.user_id
WHERE {current} AND m.account_id IN ({among})
"""
# By holders and deputies of any seat of the triangle: who took part, and who wrote it down.
TOUCHES = """
SELECT {account}, {last} FROM (
    SELECT i.account_id, i.held_on FROM service_interaction i
    JOIN accounts_teammember m ON m.account_id = i.account_id AND m.user_id = i.logged_by_id
    WHERE {current} AND i.kind = ANY(%s) AND i.held_on BETWEEN %s AND %s AND i.account_id IN ({among})
    UNION ALL
    SELECT i.account_id, i.held_on FROM service_interaction i
    JOIN service_interaction_our_people p ON p.interaction_id = i.id
    JOIN accounts_teammember m ON m.account_id = i.account_id AND m.user_id = p.user_id
    WHERE {current} AND i.kind = ANY(%s) AND i.held_on BETWEEN %s AND %s AND i.account_id IN ({among})
) t GROUP BY t.account_id
"""


@dataclass(frozen=True, slots=True)
class Rules:
    """By place in GRADES."""

    required: Array  # (grades, 3) bool
    needs_deputy: Array
    points: Array
    cadence: Array  # days, NaN: nothing promised


@dataclass(frozen=True, slots=True)
class TeamFacts:
    """Accounts in ascending order of their key; seats are columns in the order of ROLES, 0 is nobody."""

    ids: Array
    grade: Array
    grade_since: Array
    owner: Array  # 0 where there is none, or one who is switched off
    holder: Array
    holder_active: Array
    holder_since: Array
    has_deputy: Array
    touched: Array  # by anybody who holds a seat of it or stands in for one
    hand_over: Array
    deputy_user: Array  # of every place of a deputy
    deputy_account: Array
    rules: Rules

    @property
    def required(self) -> Array:
        return np.asarray(self.rules.required[self.grade])

    @property
    def points(self) -> Array:
        return np.asarray(self.rules.points[self.grade])


def read_team(accounts: AccountQuerySet, *, on: date) -> TeamFacts:
    """What is known of the teams of these accounts on a day; closed accounts have none. Seven statements."""
    open_ones = accounts.exclude(status=AccountStatus.CLOSED)
    among, given = _among(open_ones)
    using = accounts.db
    found = _accounts(among, given, using)
    ids = found["id"]
    count = len(ids)
    seats = _seats(among, given, using, on=on)
    at, is_holder = np.searchsorted(ids, seats["account"]), seats["deputy"] == 0
    shape = (count, len(ROLES))
    holder, active, deputy = np.zeros(shape, np.int64), np.zeros(shape, bool), np.zeros(shape, bool)
    since = np.full(shape, np.datetime64("NaT"), dtype="datetime64[D]")
    place = (at[is_holder], seats["role"][is_holder])
    holder[place], since[place] = seats["user"][is_holder], seats["since"][is_holder]
    active[place] = seats["active"][is_holder] > 0
    stands_in = ~is_holder & (seats["active"] > 0)
    deputy[at[stands_in], seats["role"][stands_in]] = True
    touched = np.full(count, np.datetime64("NaT"), dtype="datetime64[D]")
    touches = _touches(among, given, using, on=on)
    touched[np.searchsorted(ids, touches["account"])] = touches["last"]
    return TeamFacts(
        ids=ids, grade=found["grade"].astype(np.int64), grade_since=found["since"], owner=found["owner"], holder=holder,
        holder_active=active, holder_since=since, has_deputy=deputy, touched=touched,
        hand_over=_pending(ids, open_ones), deputy_user=seats["user"][~is_holder],
        deputy_account=seats["account"][~is_holder], rules=read_rules(on),
    )  # fmt: skip


def read_rules(on: date) -> Rules:
    """The rules of the grades, and how often the policy of the day promises a visit. Three statements."""
    size = len(GRADES)
    required, needs = np.zeros((size, len(ROLES)), bool), np.zeros(size, bool)
    points, cadence = np.zeros(size, np.int64), np.full(size, np.nan)
    for rule in TeamRule.objects.all():
        at = GRADES.index(rule.grade)
        required[at] = [role in rule.roles for role in ROLES]
        needs[at], points[at] = rule.needs_deputy, rule.points
    version = policy_on(on)
    visits = Promise.objects.filter(version=version, type=PromiseType.VISITS) if version else ()
    for promise in visits:
        if promise.period and promise.target is not None:
            days = cadence_days(float(promise.target), float(SPAN_MONTHS[promise.period]))
            cadence[GRADES.index(promise.grade)] = float(days)
    return Rules(required, needs, points, cadence)


def _among(accounts: AccountQuerySet) -> tuple[str, tuple[Any, ...]]:
    """The keys of these accounts as SQL, also where none can be."""
    try:
        sql, given = accounts.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "SELECT 0::bigint WHERE FALSE", ()
    return sql, tuple(given)


def _accounts(among: str, given: Iterable[Any], using: str) -> dict[str, Array]:
    columns: dict[str, Kind] = {"id": "int8", "grade": "int4", "since": "date", "owner": "int8"}
    sql = ACCOUNTS.format(
        id=as_sql("a.id", "int8"),
        grade=as_sql(_place("a.grade", GRADES), "int4"),
        since=as_sql("a.grade_since", "date"),
        owner=as_sql("CASE WHEN u.is_active THEN a.owner_id END", "int8"),
        among=among,
    )
    return fetch(sql, [*given], columns, using=using)


def _seats(among: str, given: Iterable[Any], using: str, *, on: date) -> dict[str, Array]:
    columns: dict[str, Kind] = {
        "account": "int8", "role": "int4", "user": "int8", "deputy": "int4", "active": "int4", "since": "date",
    }  # fmt: skip
    sql = SEATS.format(
        account=as_sql("m.account_id", "int8"),
        role=as_sql(_place("m.role", ROLES), "int4"),
        user=as_sql("m.user_id", "int8"),
        deputy=as_sql("m.is_deputy::int", "int4"),
        active=as_sql("u.is_active::int", "int4"),
        since=as_sql("m.valid_from", "date"),
        current=CURRENT,
        among=among,
    )
    return fetch(sql, [on, on, *given], columns, using=using)


def _touches(among: str, given: Iterable[Any], using: str, *, on: date) -> dict[str, Array]:
    columns: dict[str, Kind] = {"account": "int8", "last": "date"}
    sql = TOUCHES.format(
        account=as_sql("t.account_id", "int8"), last=as_sql("max(t.held_on)", "date"), current=CURRENT, among=among
    )
    half = [on, on, sorted(TOUCH_KINDS), on - TOUCHES_LOOKED_AT, on, *given]
    return fetch(sql, half * 2, columns, using=using)


def _pending(ids: Array, accounts: AccountQuerySet) -> Array:
    found = np.zeros((len(ids), len(ROLES)), bool)
    rows = HandOver.objects.filter(state__in=PENDING_HAND_OVERS, account__in=accounts.order_by().values("pk"))
    for account, role in rows.order_by().values_list("account", "role"):
        found[np.searchsorted(ids, account), ROLES.index(role)] = True
    return found


def _place(column: str, codes: tuple[str, ...]) -> str:
    cases = " ".join(f"WHEN '{code}' THEN {number}" for number, code in enumerate(codes))
    return f"CASE {column} {cases} END"
