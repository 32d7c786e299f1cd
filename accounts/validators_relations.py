"""Rules between people at a customer that form, admin and REST share; each raises Django's ValidationError."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import connection
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from accounts.models import Contact

# Whether two accounts have the same root in the group tree of today.
SAME_GROUP = """
WITH RECURSIVE up(start, id, parent_id) AS (
    SELECT id, id, parent_id FROM accounts_account WHERE id IN (%s, %s)
    UNION
    SELECT up.start, a.id, a.parent_id FROM accounts_account a JOIN up ON a.id = up.parent_id
) SELECT count(DISTINCT id) = 1 FROM up WHERE parent_id IS NULL
"""
# Whether somebody is above somebody else, at whatever distance.
IS_ABOVE = """
WITH RECURSIVE up(id) AS (
    SELECT reports_to_id FROM accounts_contact WHERE id = %s
    UNION
    SELECT c.reports_to_id FROM accounts_contact c JOIN up ON c.id = up.id
) SELECT EXISTS (SELECT 1 FROM up WHERE id = %s)
"""


def in_one_group(first_id: int, second_id: int) -> bool:
    """Whether two accounts are one, or belong to one group today; one query at most."""
    return first_id == second_id or _asked(SAME_GROUP, first_id, second_id)


def check_reports_to(contact: Contact) -> None:
    """Somebody reports to a person of the same account or group, and never in a circle; two queries at most."""
    boss = contact.reports_to
    if boss is None:
        return
    if contact.account_id is not None and not in_one_group(contact.account_id, boss.account_id):
        raise ValidationError(
            {"reports_to": _("This person belongs to another customer: choose somebody of this account or its group.")}
        )
    if contact.pk is not None and (boss.pk == contact.pk or _asked(IS_ABOVE, boss.pk, contact.pk)):
        raise ValidationError(
            {"reports_to": _("They would report to each other in a circle: choose somebody who is not below.")}
        )


def _asked(sql: str, first_id: int, second_id: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(sql, [first_id, second_id])
        return bool(cursor.fetchone()[0])
