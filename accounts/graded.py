"""Groups that are graded as one: which account of a group carries the grade that its companies are served by.

At most one on the way from a root to a leaf (domain.md 5.5), on any day from today on; kept here with words, and for
today's tree by the database. What follows from it, the policy of those below, is in ``plans.inherited``.
"""

from __future__ import annotations

from django.db import connections, transaction
from django.utils.translation import gettext as _

from accounts.group_tree import CHILDREN, PARENTS
from accounts.groups import GroupRefused
from accounts.locks import tree_lock
from accounts.models import Account
from crm.lib.wall import beyond_the_wall

# A graded account above (or below) another on some day from today on, or at the parent itself.
ABOVE = f"""
WITH RECURSIVE up(id, days) AS (
    SELECT %(node)s::bigint, daterange(CURRENT_DATE, NULL)
    UNION
    SELECT e.parent, u.days * e.days FROM up u CROSS JOIN LATERAL ({PARENTS.format("u.id")}) AS e WHERE e.days && u.days
) SELECT a.id FROM up JOIN accounts_account a ON a.id = up.id WHERE a.is_graded_node LIMIT 1
"""
BELOW = f"""
WITH RECURSIVE below(id, days) AS (
    SELECT %(node)s::bigint, daterange(CURRENT_DATE, NULL)
    UNION
    SELECT e.child, b.days * e.days FROM below b CROSS JOIN LATERAL ({CHILDREN.format("b.id")}) AS e
    WHERE e.days && b.days
) SELECT a.id FROM below JOIN accounts_account a ON a.id = below.id
WHERE a.is_graded_node AND a.id <> %(but)s LIMIT 1
"""


@transaction.atomic
def set_graded_node(*, account: Account, is_graded: bool) -> Account:
    """Grade the group of ``account`` as one at this account, or no more. Raises GroupRefused where another account above
    or below it carries the grade already; a repeat changes nothing."""
    tree_lock()
    account.refresh_from_db()
    if account.merged_into_id is not None:
        raise GroupRefused(_("This account was merged into another: change the group of that one."))
    if is_graded and not account.is_graded_node:
        other = _first(ABOVE, account.pk) or _first(BELOW, account.pk, but=account.pk)
        if other is not None:
            raise GroupRefused(
                _(
                    "%(account)s carries the grade of this group already: one account on the way from top to bottom does."
                )
                % {"account": other}
            )
    account.is_graded_node = is_graded
    account.save(update_fields=["is_graded_node", "updated_at"])
    return account


def refuse_two_graded(account: Account, parent: Account | None) -> None:
    """Raise GroupRefused where the account, or one below it, carries a grade and ``parent``, or one above it, too."""
    if parent is None or not Account.objects.filter(is_graded_node=True).exists():
        return
    above, below = _first(ABOVE, parent.pk), _first(BELOW, account.pk)
    if above is not None and below is not None:
        raise GroupRefused(
            _("%(above)s and %(below)s are both graded as groups: take that from one of them first.")
            % {"above": above, "below": below}
        )


@beyond_the_wall("who carries the grade of a group is told, by name, to whoever may open a member")
def graded_above(account: Account) -> Account | None:
    """Who carries the grade of the group that the account belongs to today, itself apart; one query."""
    if account.parent_id is None:
        return None
    return _first(ABOVE, account.parent_id)


def _first(sql: str, node: int, *, but: int = 0) -> Account | None:
    with connections[Account.objects.db].cursor() as cursor:
        cursor.execute(sql, {"node": node, "but": but})
        found = cursor.fetchone()
    return Account.objects.get(pk=found[0]) if found else None
