"""Somebody leaves: all that hangs on them, given to others by a rule in one transaction, and taken back exactly.

Every kind of row moves by a fixed number of statements, however many there are. What moved is written down row by row;
taking it back gives each row to the leaver again where it is still as the move left it, and leaves the others alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from plans.enums_team import MovedKind, MoveRule
from plans.models import MovedRow, Reassignment
from plans.team_health import team_health

# Kinds whose person is one column: table, column, rows that still matter, and how to reach the account.
SWAPPED: dict[str, tuple[str, str, str, str]] = {
    MovedKind.OWNER: ("accounts_account", "owner_id", "TRUE", "x.id"),
    MovedKind.REQUEST: ("service_servicerequest", "assigned_to_id", "x.resolved_at IS NULL", "x.account_id"),
    MovedKind.TASK: ("plans_task", "owner_id", "x.done_on IS NULL", "x.account_id"),
    MovedKind.PLAN: ("plans_accountplan", "owner_id", "x.valid_to > %(on)s", "x.account_id"),
    MovedKind.PLAN_STEP: (
        "plans_planaction", "owner_id", "x.done_on IS NULL",
        "(SELECT p.account_id FROM plans_accountplan p WHERE p.id = x.plan_id)",
    ),
    MovedKind.REMEDY: ("plans_remediationplan", "owner_id", "x.closed_on IS NULL", "x.account_id"),
    MovedKind.REMEDY_STEP: (
        "plans_remediationaction", "owner_id", "x.done_on IS NULL",
        "(SELECT p.account_id FROM plans_remediationplan p WHERE p.id = x.plan_id)",
    ),
}  # fmt: skip
STAMPED = {
    MovedKind.OWNER, MovedKind.REQUEST, MovedKind.TASK, MovedKind.PLAN, MovedKind.REMEDY, MovedKind.TIES,
}  # fmt: skip
SWAPPED |= {
    MovedKind.TIES: ("plans_relationshipplan", "owner_id", "TRUE", "x.account_id"),
    MovedKind.TIES_STEP: (
        "plans_relationshipaction", "owner_id", "x.done_on IS NULL",
        "(SELECT p.account_id FROM plans_relationshipplan p WHERE p.id = x.plan_id)",
    ),
}  # fmt: skip
RUNNING = "(m.valid_to IS NULL OR m.valid_to > %(on)s)"
# Who takes over at each account; a temporary table, so that every kind follows the same choice.
TARGETS = """
CREATE TEMP TABLE departing ON COMMIT DROP AS
SELECT a.id AS account_id, coalesce({choice}, %(successor)s)::bigint AS target
FROM accounts_account a WHERE a.id IN ({among}) AND ({held})
"""
CHOICES: dict[str, str] = {
    MoveRule.PERSON: "NULL",
    MoveRule.REGION: """(SELECT r.target FROM unnest(%(regions)s::text[], %(targets)s::bigint[]) AS r(region, target)
                         WHERE r.region = a.region)""",
    MoveRule.DEPUTY: """(SELECT m.user_id FROM accounts_teammember m JOIN accounts_user u ON u.id = m.user_id AND u.is_active
                         WHERE m.account_id = a.id AND m.is_deputy AND m.user_id <> %(leaver)s
                           AND m.valid_from <= %(on)s AND (m.valid_to IS NULL OR m.valid_to > %(on)s)
                         ORDER BY m.role <> 'account_manager', m.valid_from, m.id LIMIT 1)""",
}
SEATS = """
INSERT INTO plans_movedrow (reassignment_id, kind, row, successor_id, valid_to)
SELECT %(move)s, CASE WHEN m.valid_from >= %(on)s THEN 'planned' WHEN m.is_deputy THEN 'deputy' ELSE 'seat' END, m.id,
       {target}, m.valid_to
FROM accounts_teammember m JOIN departing d ON d.account_id = m.account_id
WHERE m.user_id = %(leaver)s AND {running} AND NOT (m.valid_from >= %(on)s AND EXISTS (
    SELECT 1 FROM accounts_teammember o WHERE o.account_id = m.account_id AND o.role = m.role AND o.user_id = {target}
      AND daterange(o.valid_from, o.valid_to) && daterange(m.valid_from, m.valid_to)))
"""
# By the rule of deputies each seat goes to its own deputy before it goes to that of the account.
OWN_DEPUTY = """coalesce((SELECT o.user_id FROM accounts_teammember o JOIN accounts_user u ON u.id = o.user_id AND u.is_active
    WHERE o.account_id = m.account_id AND o.role = m.role AND o.is_deputy AND o.user_id <> m.user_id
      AND o.valid_from <= %(on)s AND (o.valid_to IS NULL OR o.valid_to > %(on)s)
    ORDER BY o.valid_from, o.id LIMIT 1), d.target)"""
SPONSORS = """
INSERT INTO plans_movedrow (reassignment_id, kind, row, successor_id, valid_to)
SELECT %(move)s, 'sponsor', m.id, %(leaver)s, m.valid_to FROM service_sponsor m JOIN departing d ON d.account_id = m.account_id
WHERE m.user_id = %(leaver)s AND m.valid_from < %(on)s AND {running}
"""
# Deputies who become the holder of the seat they stand in for stop standing in.
PROMOTED = """
INSERT INTO plans_movedrow (reassignment_id, kind, row, successor_id, valid_to)
SELECT %(move)s, 'promoted', o.id, o.user_id, o.valid_to
FROM plans_movedrow r JOIN accounts_teammember m ON m.id = r.row
JOIN accounts_teammember o ON o.account_id = m.account_id AND o.role = m.role AND o.user_id = r.successor_id
WHERE r.reassignment_id = %(move)s AND r.kind = 'seat' AND o.is_deputy AND o.valid_from < %(on)s
  AND (o.valid_to IS NULL OR o.valid_to > %(on)s)
"""
END_PLACES = """
UPDATE accounts_teammember m SET valid_to = %(on)s, updated_at = now() FROM plans_movedrow r
WHERE r.reassignment_id = %(move)s AND r.kind IN ('seat', 'deputy', 'promoted') AND m.id = r.row
"""
END_SPONSORS = """
UPDATE service_sponsor m SET valid_to = %(on)s, updated_at = now() FROM plans_movedrow r
WHERE r.reassignment_id = %(move)s AND r.kind = 'sponsor' AND m.id = r.row
"""
GIVE_PLANNED = """
UPDATE accounts_teammember m SET user_id = r.successor_id, updated_at = now() FROM plans_movedrow r
WHERE r.reassignment_id = %(move)s AND r.kind = 'planned' AND m.id = r.row
"""
# The successor's own row; not where they have a place in the seat already, and not with holder and deputy in one.
GIVE_PLACES = """
WITH made AS (
    INSERT INTO accounts_teammember (account_id, role, user_id, is_deputy, valid_from, valid_to, created_at, updated_at)
    SELECT m.account_id, m.role, r.successor_id, m.is_deputy, %(on)s, r.valid_to, now(), now()
    FROM plans_movedrow r JOIN accounts_teammember m ON m.id = r.row
    WHERE r.reassignment_id = %(move)s AND r.kind = %(kind)s AND NOT EXISTS (
        SELECT 1 FROM accounts_teammember o WHERE o.account_id = m.account_id AND o.role = m.role
          AND o.user_id = r.successor_id AND daterange(o.valid_from, o.valid_to) && daterange(%(on)s, r.valid_to))
    RETURNING id, account_id, role
)
UPDATE plans_movedrow r SET made = made.id FROM made, accounts_teammember m
WHERE m.account_id = made.account_id AND m.role = made.role AND r.row = m.id
  AND r.reassignment_id = %(move)s AND r.kind = %(kind)s
"""
# --- And back ---
TAKE_PLACES = """
WITH back AS (
    DELETE FROM accounts_teammember n USING plans_movedrow r, accounts_teammember m
    WHERE r.reassignment_id = %(move)s AND r.kind IN ('seat', 'deputy') AND n.id = r.made AND m.id = r.row
      AND n.user_id = r.successor_id AND n.valid_from = %(on)s AND n.valid_to IS NOT DISTINCT FROM r.valid_to
      AND m.valid_to = %(on)s
    RETURNING r.id
) UPDATE plans_movedrow r SET made = NULL FROM back WHERE r.id = back.id
"""
RESTORE_PLACES = """
WITH back AS (
    UPDATE accounts_teammember m SET valid_to = r.valid_to, updated_at = now() FROM plans_movedrow r
    WHERE r.reassignment_id = %(move)s AND r.kind = ANY(%(kinds)s) AND m.id = r.row AND r.made IS NULL
      AND m.valid_to = %(on)s AND NOT EXISTS (
        SELECT 1 FROM accounts_teammember o WHERE o.id <> m.id AND o.account_id = m.account_id AND o.role = m.role
          AND (o.user_id = m.user_id OR NOT (o.is_deputy OR m.is_deputy))
          AND daterange(o.valid_from, o.valid_to) && daterange(%(on)s, r.valid_to))
    RETURNING r.id, r.kind
) SELECT kind, count(*) FROM back GROUP BY kind
"""
RESTORE_PLANNED = """
UPDATE accounts_teammember m SET user_id = %(leaver)s, updated_at = now() FROM plans_movedrow r
WHERE r.reassignment_id = %(move)s AND r.kind = 'planned' AND m.id = r.row AND m.user_id = r.successor_id
  AND NOT EXISTS (
    SELECT 1 FROM accounts_teammember o WHERE o.id <> m.id AND o.account_id = m.account_id AND o.role = m.role
      AND o.user_id = %(leaver)s AND daterange(o.valid_from, o.valid_to) && daterange(m.valid_from, m.valid_to))
"""
RESTORE_SPONSORS = """
UPDATE service_sponsor m SET valid_to = r.valid_to, updated_at = now() FROM plans_movedrow r
WHERE r.reassignment_id = %(move)s AND r.kind = 'sponsor' AND m.id = r.row AND m.valid_to = %(on)s AND NOT EXISTS (
    SELECT 1 FROM service_sponsor o WHERE o.id <> m.id AND o.account_id = m.account_id AND o.kind = m.kind
      AND daterange(o.valid_from, o.valid_to) && daterange(%(on)s, r.valid_to))
"""


class ReassignRefused(CrmError):
    """What cannot be given away or taken back like that; the message says what to do."""

    code = "reassign-refused"
    status = 409


@dataclass(frozen=True, slots=True)
class Preview:
    """What a re-assignment would do: rows by kind, by successor and kind, and the load of each successor afterwards."""

    counts: dict[str, int]
    by_successor: list[tuple[User, dict[str, int], int]] = field(default_factory=list)

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def holdings(leaver: User, accounts: AccountQuerySet, *, on: date) -> dict[str, int]:
    """How many rows of each kind hang on somebody, at these accounts; kinds without one are 0. One statement."""
    among, given = _among(accounts)
    seats = f"FROM accounts_teammember m WHERE m.user_id = %(leaver)s AND {RUNNING} AND m.account_id IN ({among})"
    parts = [
        f"SELECT '{kind}' AS kind, count(*) FROM {table} x WHERE x.{column} = %(leaver)s AND {still} AND {_mine(kind, account, among)}"
        for kind, (table, column, still, account) in SWAPPED.items()
    ]
    parts += [
        f"SELECT CASE WHEN m.valid_from > %(on)s THEN 'planned' WHEN m.is_deputy THEN 'deputy' ELSE 'seat' END, count(*) {seats} GROUP BY 1",
        f"SELECT 'sponsor', count(*) FROM service_sponsor m WHERE m.user_id = %(leaver)s AND {RUNNING} AND m.account_id IN ({among})",
    ]
    counts = dict.fromkeys(MovedKind.values, 0)
    del counts[MovedKind.PROMOTED]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(parts), {"leaver": leaver.pk, "on": on, **given})
        counts.update(dict(cursor.fetchall()))
    return counts


@transaction.atomic
def reassign(
    *, leaver: User, accounts: AccountQuerySet, rule: str, successor: User, made_by: User, on: date,
    regions: Mapping[str, User] | None = None,
) -> Reassignment:  # fmt: skip
    """Give what ``leaver`` holds at these accounts to others, from ``on`` (today) on.

    successor : takes over where the rule names nobody: a region that is not listed, an account or seat without a deputy,
        tasks of no account. Sponsorships end and are to be named anew: a sponsor is never the account's own manager.
    raises ReassignRefused : the leaver would succeed, a successor is switched off, or nothing hangs on the leaver
    """
    named = dict(regions or {}) if rule == MoveRule.REGION else {}
    _check(leaver, [successor, *named.values()])
    User.objects.select_for_update().get(pk=leaver.pk)  # two re-assignments of one person wait for each other
    move = Reassignment.objects.create(
        leaver=leaver, rule=rule, successor=successor, regions={region: user.pk for region, user in named.items()},
        on=on, made_by=made_by,
    )  # fmt: skip
    among, given = _among(accounts)
    params = {
        "move": move.pk, "leaver": leaver.pk, "successor": successor.pk, "on": on, "regions": list(named),
        "targets": [user.pk for user in named.values()], **given,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(TARGETS.format(choice=CHOICES[rule], among=among, held=_held()), params)
        cursor.execute("ANALYZE departing")
        for kind in SWAPPED:
            cursor.execute(_swap(kind, among), params)
        target = OWN_DEPUTY if rule == MoveRule.DEPUTY else "d.target"
        cursor.execute(SEATS.format(target=target, running=RUNNING), params)
        cursor.execute(SPONSORS.format(running=RUNNING), params)
        cursor.execute(PROMOTED, params)
        for statement in (END_PLACES, END_SPONSORS, GIVE_PLANNED):
            cursor.execute(statement, params)
        for kind in (MovedKind.SEAT, MovedKind.DEPUTY):
            cursor.execute(GIVE_PLACES, params | {"kind": kind.value})
        cursor.execute("DROP TABLE departing")
    move.counts = _counts(MovedRow.objects.filter(reassignment=move))
    if not move.counts:
        raise ReassignRefused(_("Nothing hangs on %(user)s at the accounts you may see.") % {"user": leaver})
    move.save()
    return move


def preview(*, leaver: User, accounts: AccountQuerySet, made_by: User, on: date, **choice: Any) -> Preview:
    """The same as ``reassign``, counted and taken back; raises as it does."""
    with transaction.atomic():
        move = reassign(leaver=leaver, accounts=accounts, made_by=made_by, on=on, **choice)
        found = _by_successor(move, accounts, on=on)
        counts = dict(move.counts)
        transaction.set_rollback(True)
    return Preview(counts, found)


@transaction.atomic
def undo_reassignment(*, move: Reassignment, by: User) -> Reassignment:
    """Give back what moved, row by row, where it is still as the move left it; ``restored`` says how many of each kind.

    raises ReassignRefused : undone before, the leaver is switched off, or nothing is as it was left
    """
    row = Reassignment.objects.select_for_update(of=("self",)).select_related("leaver").get(pk=move.pk)
    if row.undone_at is not None:
        raise ReassignRefused(_("This was taken back before."))
    if not row.leaver.is_active:
        raise ReassignRefused(_("%(user)s is switched off. Switch the log-in on first.") % {"user": row.leaver})
    params: dict[str, Any] = {"move": row.pk, "leaver": row.leaver_id, "on": row.on}
    restored: dict[str, int] = {}
    with connection.cursor() as cursor:
        for kind, (table, column, _still, _account) in SWAPPED.items():
            stamp = ", updated_at = now()" if kind in STAMPED else ""
            cursor.execute(
                f"UPDATE {table} x SET {column} = %(leaver)s{stamp} FROM plans_movedrow r WHERE r.reassignment_id = %(move)s"
                f" AND r.kind = '{kind}' AND x.id = r.row AND x.{column} = r.successor_id",
                params,
            )
            restored[kind] = cursor.rowcount
        cursor.execute(TAKE_PLACES, params)
        for kinds in (["seat", "deputy"], ["promoted"]):
            cursor.execute(RESTORE_PLACES, params | {"kinds": kinds})
            restored.update(dict(cursor.fetchall()))
        for kind, statement in ((MovedKind.PLANNED, RESTORE_PLANNED), (MovedKind.SPONSOR, RESTORE_SPONSORS)):
            cursor.execute(statement, params)
            restored[kind] = cursor.rowcount
    row.restored = {str(kind): count for kind, count in restored.items() if count}
    if not row.restored:
        raise ReassignRefused(_("Everything has changed since: nothing is left to give back."))
    row.undone_at, row.undone_by = timezone.now(), by
    row.save()
    return row


def _check(leaver: User, successors: Sequence[User]) -> None:
    for user in successors:
        if user.pk == leaver.pk:
            raise ReassignRefused(_("%(user)s cannot take over from themself: choose somebody else.") % {"user": user})
        if not user.is_active:
            raise ReassignRefused(
                _("%(user)s is switched off and cannot take over. Choose somebody who works here.") % {"user": user}
            )


def _among(accounts: AccountQuerySet) -> tuple[str, dict[str, Any]]:
    """The keys of these accounts as SQL with named parameters."""
    try:
        sql, given = accounts.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:
        return "SELECT 0::bigint WHERE FALSE", {}
    names = {f"among_{place}": value for place, value in enumerate(given)}
    return sql % tuple(f"%({name})s" for name in names), names


def _mine(kind: str, account: str, among: str) -> str:
    inside = f"{account} IN ({among})"
    return f"(x.account_id IS NULL OR {inside})" if kind == MovedKind.TASK else inside


def _held() -> str:
    """Accounts at which anything hangs on the leaver."""
    parts = ["a.owner_id = %(leaver)s", "a.id IN (SELECT account_id FROM accounts_teammember WHERE user_id = %(leaver)s)",
             "a.id IN (SELECT account_id FROM service_sponsor WHERE user_id = %(leaver)s)"]  # fmt: skip
    parts += [
        f"a.id IN (SELECT {account} FROM {table} x WHERE x.{column} = %(leaver)s)"
        for kind, (table, column, _still, account) in SWAPPED.items()
        if kind != MovedKind.OWNER
    ]
    return " OR ".join(parts)


def _swap(kind: str, among: str) -> str:
    """Change one column and write down which rows that were, in one statement."""
    table, column, still, account = SWAPPED[kind]
    stamp = ", updated_at = now()" if kind in STAMPED else ""
    where = f"x.{column} = %(leaver)s AND {still}"
    if kind == MovedKind.TASK:  # those of no account have no place among the accounts
        source = f"(SELECT x.id, coalesce(d.target, %(successor)s) AS target FROM {table} x LEFT JOIN departing d ON d.account_id = x.account_id WHERE {where} AND (x.account_id IS NULL OR d.account_id IS NOT NULL))"
    else:
        source = f"(SELECT x.id, d.target FROM {table} x JOIN departing d ON d.account_id = {account} WHERE {where})"
    return (
        f"WITH moved AS (UPDATE {table} x SET {column} = s.target{stamp} FROM {source} s WHERE x.id = s.id"
        f" RETURNING x.id, s.target) INSERT INTO plans_movedrow (reassignment_id, kind, row, successor_id)"
        f" SELECT %(move)s, '{kind}', id, target FROM moved"
    )


def _counts(rows: Any) -> dict[str, int]:
    counted = rows.exclude(kind=MovedKind.PROMOTED).order_by().values_list("kind").annotate(count=Count("pk"))
    return dict(counted)


def _by_successor(move: Reassignment, accounts: AccountQuerySet, *, on: date) -> list[tuple[User, dict[str, int], int]]:
    rows = MovedRow.objects.filter(reassignment=move).exclude(kind__in=[MovedKind.PROMOTED, MovedKind.SPONSOR])
    found: dict[int, dict[str, int]] = {}
    for user, kind, count in rows.order_by().values_list("successor", "kind").annotate(count=Count("pk")):
        found.setdefault(user, {})[kind] = count
    theirs = accounts.kept_by(tuple(found), on=on)
    loads = team_health(theirs, on=on).loads()
    users = User.objects.in_bulk(list(found))
    listed = [(users[pk], counts, loads.get(pk, (0, 0))[0]) for pk, counts in found.items()]
    return sorted(listed, key=lambda one: (-sum(one[1].values()), one[0].username))
