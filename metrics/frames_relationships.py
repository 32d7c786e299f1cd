"""People, who of them decides, and whom we met → arrays; beside ``frames``, whose rules hold here too.

Attitudes, evidence and interactions are those known at the end of ``as_of``; who sits where is what stands today.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np

from accounts.enums import Grade
from accounts.enums_relations import ChainRole, ContactLevel, DepartmentKind
from accounts.querysets import AccountQuerySet
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.exact import BoolArray, FloatArray
from metrics.frames import IntArray
from metrics.scope import Membership, Scope
from service.enums import TOUCH_KINDS, TWO_WAY_KINDS

RELATIONSHIPS = "relationships"  # the basis of these figures: who is known and met, no money
WINDOW_DAYS = 180  # domain.md 5.2
DEPARTMENTS, LEVELS = tuple(DepartmentKind.values), tuple(ContactLevel.values)
CELLS = len(DEPARTMENTS) * len(LEVELS)
NOT_SAID = -1  # of a target that follows the rule of the grade

ACCOUNTS = """
SELECT a.id, array_position(%s::text[], a.grade::text) - 1, e.level, t.key_target, t.general_target,
       t.organisational_target,
       CASE WHEN t.departments IS NULL THEN -1 ELSE (
           SELECT coalesce(sum(1 << (array_position(%s::text[], d.kind::text) - 1)), 0) FROM unnest(t.departments) AS d(kind)
       ) END
FROM accounts_account a
LEFT JOIN accounts_relationshiptarget t ON t.account_id = a.id
LEFT JOIN (
    SELECT account_id, max(level) AS level FROM accounts_levelevidence
    WHERE reached_on <= %s AND expires_on > %s GROUP BY account_id
) e ON e.account_id = a.id
WHERE {view} ORDER BY a.id
"""
MEMBERS = """
SELECT c.account_id, m.centre_id, m.id, m.contact_id, m.weight, (%s = ANY(m.roles))::int, (%s = ANY(m.roles))::int,
       n.attitude, %s::date - t.last
FROM accounts_centremember m
JOIN accounts_buyingcentre c ON c.id = m.centre_id AND c.is_active
JOIN accounts_contact p ON p.id = m.contact_id AND p.is_active
LEFT JOIN LATERAL (
    SELECT attitude FROM accounts_attitudenote WHERE contact_id = m.contact_id AND held_from <= %s
    ORDER BY held_from DESC, id DESC LIMIT 1
) n ON true
LEFT JOIN LATERAL (
    SELECT max(i.held_on) AS last FROM service_interaction_their_people x
    JOIN service_interaction i ON i.id = x.interaction_id
    WHERE x.contact_id = m.contact_id AND i.kind = ANY(%s) AND i.held_on <= %s
) t ON true
WHERE {view} ORDER BY c.account_id, m.centre_id, m.weight DESC, m.id
"""
# People there who took part in a two-way interaction of the window, with their cell (-1: not placed).
MET = """
SELECT p.account_id, p.id,
       CASE WHEN p.department_kind = '' OR p.level = '' THEN -1
            ELSE (array_position(%s::text[], p.department_kind::text) - 1) * {levels}
                 + array_position(%s::text[], p.level::text) - 1 END
FROM accounts_contact p
WHERE p.is_active AND {view} AND EXISTS (
    SELECT 1 FROM service_interaction_their_people x JOIN service_interaction i ON i.id = x.interaction_id
    WHERE x.contact_id = p.id AND i.kind = ANY(%s) AND i.held_on > %s AND i.held_on <= %s
) ORDER BY p.account_id, p.id
"""
# Who of us took part; where nobody is named, whoever wrote it down.
OURS = """
SELECT DISTINCT i.account_id, coalesce(o.user_id, i.logged_by_id)
FROM service_interaction i LEFT JOIN service_interaction_our_people o ON o.interaction_id = i.id
WHERE i.kind = ANY(%s) AND i.held_on > %s AND i.held_on <= %s AND {view} ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class RelationshipFrame:
    """All that the figures of relationships are made of, accounts ascending.

    account_ids, grade (place in Grade.values) : (a,); level : organisational, NaN without evidence that counts
    key_target, general_target, organisational_target : of the account itself, NaN where the rule of the grade holds
    departments : bits of the kinds to know, NOT_SAID where the rule holds
    member_* : people in active buying centres, (m,); attitude and days are NaN where not known, never met
    met_* : people there met within WINDOW_DAYS, (t,), cell NOT_SAID where not placed; ours_* : people of ours, (o,)
    """

    account_ids: IntArray
    grade: IntArray
    level: FloatArray
    key_target: FloatArray
    general_target: FloatArray
    organisational_target: FloatArray
    departments: IntArray
    member_account: IntArray
    member_centre: IntArray
    member_id: IntArray
    member_contact: IntArray
    member_weight: FloatArray
    member_decides: BoolArray
    member_coaches: BoolArray
    member_attitude: FloatArray
    member_days: FloatArray
    met_account: IntArray
    met_contact: IntArray
    met_cell: IntArray
    ours_account: IntArray
    ours_user: IntArray


def relationships_scope(accounts: AccountQuerySet) -> Scope:
    """No money and no currency; groups are those of today."""
    return Scope(accounts, RELATIONSHIPS, "", (), using=accounts.db, membership=Membership.AS_NOW)


def relationship_frame(scope: Scope, *, as_of: date) -> RelationshipFrame:
    """Four statements, however many accounts there are."""
    since = as_of - timedelta(days=WINDOW_DAYS)
    touches, two_way = sorted(TOUCH_KINDS), sorted(TWO_WAY_KINDS)
    kinds, levels = list(DEPARTMENTS), list(LEVELS)
    base = _read(scope, ACCOUNTS, "a.id", [list(Grade.values), kinds, as_of, as_of], {
        "account_ids": "int8", "grade": "int4", "level": "float8", "key_target": "float8", "general_target": "float8",
        "organisational_target": "float8", "departments": "int8",
    })  # fmt: skip
    roles = [ChainRole.DECIDER.value, ChainRole.COACH.value]
    members = _read(scope, MEMBERS, "c.account_id", [*roles, as_of, as_of, touches, as_of], {
        "account": "int8", "centre": "int8", "id": "int8", "contact": "int8", "weight": "float8", "decides": "int4",
        "coaches": "int4", "attitude": "float8", "days": "float8",
    })  # fmt: skip
    met = _read(
        scope, MET.replace("{levels}", str(len(LEVELS))), "p.account_id", [kinds, levels], {
            "account": "int8", "contact": "int8", "cell": "int8",
        }, after=[two_way, since, as_of],
    )  # fmt: skip
    ours = _read(scope, OURS, "i.account_id", [two_way, since, as_of], {"account": "int8", "user": "int8"})
    people: dict[str, Any] = {f"member_{name}": values for name, values in members.items()}
    people["member_decides"], people["member_coaches"] = (
        people[name].astype(np.bool_) for name in ("member_decides", "member_coaches")
    )
    people |= {f"met_{name}": values for name, values in met.items()}
    people |= {f"ours_{name}": values for name, values in ours.items()}
    return RelationshipFrame(**base, **people)


def _read(
    scope: Scope, sql: str, column: str, params: list[Any], columns: dict[str, Kind], *, after: Sequence[Any] = ()
) -> dict[str, Any]:
    """``params`` stand before the condition of the view, ``after`` behind it."""
    view, inside = scope.within(column)
    names = ", ".join(f"c{number}" for number in range(len(columns)))
    picked = ", ".join(as_sql(f"s.c{number}::{kind}", kind) for number, kind in enumerate(columns.values()))
    statement = f"SELECT {picked} FROM ({sql.replace('{view}', view)}) AS s({names})"
    return fetch(statement, [*params, *inside, *after], columns, using=scope.using)
