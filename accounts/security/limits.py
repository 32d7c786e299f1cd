"""How often one may try. Counted in the database before the password is looked at, so that the limit is exact.

A try takes a number by one statement; those within the limit are looked at, the others are refused unseen. A cache
would lose count between processes and at a restart, and counting afterwards lets every parallel try through.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Greatest

from accounts.models import LoginLimit

CAP = 1_000_000  # a flood is not counted further


@dataclass(frozen=True, slots=True)
class Limit:
    """``tries`` within ``span``, counted from the first of them."""

    kind: str
    tries: int
    span: timedelta


# A person mistypes a few times, an office behind one address has many persons, six digits must not be guessed: five
# tries a quarter of an hour find a code after two years of trying, day and night.
USER = Limit("user", 10, timedelta(minutes=15))
ADDRESS = Limit("address", 100, timedelta(minutes=15))
CODE = Limit("code", 5, timedelta(minutes=15))
TOKEN = Limit("token", 100, timedelta(minutes=15))
RESET = Limit("reset", 5, timedelta(hours=1))
LIMITS = {limit.kind: limit for limit in (USER, ADDRESS, CODE, TOKEN, RESET)}

TAKE = """
INSERT INTO accounts_loginlimit AS counted (kind, subject, attempts, since) VALUES (%(kind)s, %(subject)s, 1, %(now)s)
ON CONFLICT (kind, subject) DO UPDATE SET
    attempts = CASE WHEN counted.since <= %(over)s THEN 1 ELSE least(counted.attempts + 1, %(cap)s) END,
    since = CASE WHEN counted.since <= %(over)s THEN excluded.since ELSE counted.since END
RETURNING attempts, since
"""


def take(limit: Limit, subject: str, *, now: datetime) -> datetime | None:
    """Begin a try. None: go ahead; else the moment from which tries are looked at again.

    Call it outside a transaction: the number has to count whatever becomes of the rest.
    """
    values: dict[str, Any] = {
        "kind": limit.kind,
        "subject": subject[:254],
        "now": now,
        "over": now - limit.span,
        "cap": CAP,
    }
    with connection.cursor() as cursor:
        cursor.execute(TAKE, values)
        attempts, since = cursor.fetchone()
    return since + limit.span if attempts > limit.tries else None


def give_back(limit: Limit, subject: str) -> None:
    """A try that turned out right was none."""
    found = LoginLimit.objects.filter(kind=limit.kind, subject=subject[:254])
    found.update(attempts=Greatest(F("attempts") - 1, 0))


def clear(limit: Limit, subject: str) -> bool:
    """Forget the tries; True where there were any."""
    return bool(LoginLimit.objects.filter(kind=limit.kind, subject=subject[:254]).delete()[0])


def locked_rows(*, now: datetime) -> QuerySet[LoginLimit]:
    """What is locked now; one statement."""
    found = Q(pk__in=[])
    for limit in LIMITS.values():
        found |= Q(kind=limit.kind, attempts__gt=limit.tries, since__gt=now - limit.span)
    return LoginLimit.objects.filter(found)


def locked(*, now: datetime) -> list[tuple[LoginLimit, datetime]]:
    """What is locked now, with the moment it ends; the latest first."""
    found = [(row, row.since + LIMITS[row.kind].span) for row in locked_rows(now=now)]
    return sorted(found, key=lambda pair: pair[1], reverse=True)


def sweep(*, now: datetime) -> int:
    """Delete what no longer counts; returns how many rows."""
    over = now - max(limit.span for limit in LIMITS.values())
    return LoginLimit.objects.filter(since__lte=over).delete()[0]
