"""The second wall: what a narrow reader's request reads and changes, the database itself limits to accounts in their sight.

``Account.objects.visible_to`` decides, and every query has to remember to ask it. Where one forgets, the tables answer no
more than the policies of ``crm.wall`` let through: the transaction of the request runs as the role ``facet_viewer``, which
owns nothing, and the accounts in sight are worked out by ``accounts_seen_by`` in the database, from its own tables.

They are worked out once, when the wall is raised, and kept in a setting of the transaction: policies are asked once for
each table of each statement, and finding some thousand accounts each time would cost more than the statements. Role and
setting are local to the transaction: however it ends, nothing survives in a connection that is used again. A request that
may write opens several transactions, and each of its statements is told (``crm.lib.wall_statements``).

Where an answer is of more than its reader's accounts on purpose (the total of a group, the model all accounts are measured
by), ``beyond_the_wall`` says so and why; ``tests/test_security_rules.py`` lists the places.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from accounts.access import Action, Reach
from accounts.querysets import today_local
from crm.lib.wall import raise_for, raise_for_statements

if TYPE_CHECKING:
    from accounts.models import User

NOBODY = 0  # no key of a user
# The rights to read of everybody what others read of themselves.
WHOLES = {"trail": Action.TRAIL_VIEW, "people": Action.USER_VIEW, "webhooks": Action.WEBHOOK_CHANGE}


def raise_wall(user: User) -> None:
    """Have the rest of the current transaction read as ``user``; who may see every account has no wall.

    A user whom the token of the request lets see no account sees none.
    """
    if user.reach is not Reach.ALL:
        raise_for(_viewer(user), on=today_local(), wholes=_wholes(user))


def raise_wall_for_writes(user: User) -> None:
    """The same for a request that may write, whose services open their own transactions: until ``lower_wall``."""
    if user.reach is not Reach.ALL:
        raise_for_statements(_viewer(user), on=today_local(), wholes=_wholes(user))


def _viewer(user: User) -> int:
    return user.pk if user.may(Action.ACCOUNT_VIEW) else NOBODY


def _wholes(user: User) -> list[str]:
    return [one for one, right in WHOLES.items() if user.may(right)]
