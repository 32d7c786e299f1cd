"""What the database holds, as one checksum a table: equal before and after means that nothing was written (S3)."""

from django.db import connection

# What a refusal may write: attempts, sessions, counters.
ATTEMPTS = frozenset({"accounts_loginevent", "accounts_loginlimit", "accounts_usersession", "django_session"})
TABLES = """
SELECT c.relname FROM pg_class c WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
ORDER BY c.relname
"""


def fingerprint(*, without: frozenset[str] = ATTEMPTS) -> dict[str, tuple[int, int]]:
    """By table: rows, and the sum of their hashes, which does not mind their order. Two statements; unmanaged tables, the
    trail and what no model knows among them."""
    with connection.cursor() as cursor:
        cursor.execute(TABLES)
        tables = [name for (name,) in cursor.fetchall() if name not in without]
        cursor.execute(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM \"{table}\" t"
                for table in tables
            )
        )
        return {table: (rows, int(total)) for table, rows, total in cursor.fetchall()}


def written(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> set[str]:
    """Tables that differ."""
    return {table for table in before.keys() | after.keys() if before.get(table) != after.get(table)}
