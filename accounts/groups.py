"""The group tree as it was on each day: who changes a parent says since when.

``Account.parent`` is the parent of today; ``apply_memberships`` makes a change that was dated ahead today's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.locks import tree_lock
from accounts.models import Account, User
from accounts.querysets import today_local
from crm.lib.exceptions import CrmError

# Every parent of every account with its days; an account without rows has today's parent since ever.
EDGES = """
edge AS (
    SELECT account_id AS child, parent_id AS parent, daterange(valid_from, valid_to) AS days
    FROM accounts_groupmembership
    UNION ALL
    SELECT id, parent_id, daterange(NULL, NULL) FROM accounts_account a
    WHERE parent_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM accounts_groupmembership m WHERE m.account_id = a.id)
)
"""
# Whoever is above the account on some day; the account itself among them is a cycle on these days.
LOOPS = f"""
WITH RECURSIVE {EDGES}, climb(top, days) AS (
    SELECT parent, days FROM edge WHERE child = %s
    UNION
    SELECT e.parent, c.days * e.days FROM climb c JOIN edge e ON e.child = c.top AND e.days && c.days
    WHERE c.top <> %s
) SELECT lower(days), upper(days) FROM climb WHERE top = %s ORDER BY lower(days) NULLS FIRST LIMIT 1
"""
# The parent of a day, for every account with rows; none covers the day: it stands alone.
TODAYS = """
UPDATE accounts_account a SET parent_id = t.parent_id, updated_at = %s
FROM (
    SELECT d.account_id, m.parent_id FROM (SELECT DISTINCT account_id FROM accounts_groupmembership) AS d
    LEFT JOIN accounts_groupmembership m ON m.account_id = d.account_id AND daterange(m.valid_from, m.valid_to) @> %s::date
) AS t
WHERE t.account_id = a.id AND a.parent_id IS DISTINCT FROM t.parent_id {only}
"""


class GroupRefused(CrmError):
    """A change of a group that cannot be: the message says why, and what can be done."""

    code = "group-refused"
    status = 422


@dataclass(frozen=True, slots=True)
class Stay:
    """A stretch of days in one group, or alone (parent None); dates as in ``GroupMembership``."""

    parent_id: int | None
    start: date | None
    end: date | None


@transaction.atomic
def change_parent(*, account: Account, parent: Account | None, since: date | None, by: User | None) -> Account:
    """Put the account below ``parent`` (None: in no group any more) from ``since`` on; returns it as stored.

    since : first day in the new group, past or to come; None corrects the record: it has always been so, and what was
    dated before is dropped
    A parent that was merged into another account means that one. Raises GroupRefused for a loop on any day, for a day
    before the last change, and for a parent that the account has already.
    """
    from accounts.graded import refuse_two_graded  # which refuses with the words of this module

    tree_lock()
    account.refresh_from_db()
    if account.merged_into_id is not None:
        raise GroupRefused(_("This account was merged into another: change the group of that one."))
    if parent is not None:
        parent.refresh_from_db(fields=["merged_into"])
        parent = parent.merged_into or parent
    if parent is not None and parent.pk == account.pk:
        raise GroupRefused(_("A group cannot contain itself: choose another parent."))
    refuse_two_graded(account, parent)
    if since is None:
        _correct(account, parent)
    else:
        _change(account, parent, since, by)
    refuse_loops(account)
    apply_memberships(account=account)
    account.refresh_from_db()
    return account


def apply_memberships(*, day: date | None = None, account: Account | None = None) -> int:
    """Make the parent of a day (today) the one ``Account.parent`` holds; one statement, returns the accounts changed."""
    params: list[Any] = [timezone.now(), day or today_local(), *([account.pk] if account else [])]
    with connection.cursor() as cursor:
        cursor.execute(TODAYS.format(only="AND a.id = %s" if account else ""), params)
        return int(cursor.rowcount)


def stays_of(account: Account) -> list[Stay]:
    """The groups of an account since ever, oldest first, without a gap; days alone have no parent. One query."""
    rows = list(account.memberships.order_by(F("valid_from").asc(nulls_first=True)))
    if not rows:
        return [Stay(account.parent_id, None, None)]
    found: list[Stay] = []
    reached: date | None = None
    for number, row in enumerate(rows):
        if row.valid_from is not None and (number == 0 or row.valid_from != reached):
            found.append(Stay(None, reached, row.valid_from))
        found.append(Stay(row.parent_id, row.valid_from, row.valid_to))
        reached = row.valid_to
    if reached is not None:
        found.append(Stay(None, reached, None))
    return found


def _correct(account: Account, parent: Account | None) -> None:
    account.memberships.all().delete()
    if account.parent_id != (parent.pk if parent else None):
        account.parent = parent
        account.save(update_fields=["parent", "updated_at"])


def _change(account: Account, parent: Account | None, since: date, by: User | None) -> None:
    """Close the last stay on ``since`` and begin the new one; one that begins on the same day is replaced."""
    stays = stays_of(account)
    last, wanted = stays[-1], parent.pk if parent else None
    if last.start is not None and since < last.start:
        raise GroupRefused(
            _("The group of this account changed last on %(day)s: choose that day or a later one.")
            % {"day": last.start.isoformat()}
        )
    if last.parent_id == wanted:
        raise GroupRefused(
            _("The account is in this group already: correct the record without a day if it has always been.")
            if wanted
            else _("The account is in no group already.")
        )
    if len(stays) == 1 and not account.memberships.exists() and last.parent_id is not None:
        account.memberships.create(parent_id=last.parent_id, created_by=by)
    if last.start == since:
        account.memberships.filter(valid_from=since).delete()
    else:
        account.memberships.filter(valid_to__isnull=True).update(valid_to=since, updated_at=timezone.now())
    before = account.memberships.filter(valid_to=since).first()
    if before is not None and before.parent_id == wanted:  # the change that is replaced is taken back
        before.valid_to = None
        before.save(update_fields=["valid_to", "updated_at"])
    elif parent is not None:
        account.memberships.create(parent=parent, valid_from=since, created_by=by)
    if not account.memberships.exists():
        account.parent = None
        account.save(update_fields=["parent", "updated_at"])


def refuse_loops(account: Account) -> None:
    """Raise GroupRefused where the account is above itself on some day."""
    with connection.cursor() as cursor:
        cursor.execute(LOOPS, [account.pk] * 3)
        found = cursor.fetchone()
    if found is None:
        return
    first = found[0]
    if first is None:
        raise GroupRefused(_("A group cannot contain itself: choose another parent."))
    raise GroupRefused(
        _("A group cannot contain itself: on %(day)s the new parent belongs to this account.")
        % {"day": first.isoformat()}
    )
