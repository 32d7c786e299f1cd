"""The set-based statements between the staging table and the ledger, in the order in which posting runs them."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.backends.utils import CursorWrapper

# Under which source a row is known: the import's, except for rows of an export, which name their own.
ONE_SOURCE = "%(source)s::text"
OWN_SOURCE = "coalesce({0}.source, %(source)s::text)"

# --- Rows that only the ledger can judge ---
IDENTITY = """
CASE WHEN n = 1 THEN uuid_send(hash) ELSE decode(md5(uuid_send(hash) || int4send(n::int)), 'hex') END
"""
UNKNOWN = """
INSERT INTO import_reject (row_no, field, value, code)
SELECT s.row_no, '{field}', s.{field}, 'unknown_{table}' FROM import_stage s
WHERE s.{field} <> '' AND NOT EXISTS (SELECT 1 FROM accounts_{table} t WHERE t.{key} = s.{field})
"""
# A known external id, or a record an export names, with another amount, date, account or currency. What is known is the
# ledger's row, else the first of this file.
CONFLICTS = """
WITH first AS (
    SELECT DISTINCT ON ({source}, hash) {source} AS origin, hash, row_no, amount, booked_on, account_code, currency
    FROM import_stage s WHERE s.external_id <> '' OR s.source IS NOT NULL ORDER BY {source}, hash, row_no
), known AS (
    SELECT s.row_no, s.external_id, s.hash, s.source, s.amount, s.booked_on, s.account_code, s.currency,
           coalesce(r.batch_id, %(batch)s) AS batch, CASE WHEN r.id IS NULL THEN f.row_no ELSE r.source_row END AS row,
           CASE WHEN r.id IS NULL THEN f.amount ELSE r.amount END AS known_amount,
           CASE WHEN r.id IS NULL THEN f.booked_on ELSE r.booked_on END AS known_day,
           CASE WHEN r.id IS NULL THEN f.account_code ELSE a.code END AS known_account,
           CASE WHEN r.id IS NULL THEN f.currency ELSE r.currency END AS known_currency
    FROM import_stage s
    JOIN first f ON f.hash = s.hash AND f.origin = {source}
    LEFT JOIN accounts_revenuerecord r
           ON r.source = {source} AND r.identity = uuid_send(s.hash) AND r.withdrawn_at IS NULL
    LEFT JOIN accounts_account a ON a.id = r.account_id
    WHERE s.external_id <> '' OR s.source IS NOT NULL
)
INSERT INTO import_reject
SELECT row_no, CASE WHEN source IS NULL THEN 'external_id' ELSE '_identity' END,
       CASE WHEN source IS NULL THEN external_id ELSE encode(uuid_send(hash), 'hex') END,
       'posted_before', jsonb_build_object('batch', batch, 'row', row)
FROM known
WHERE (amount, booked_on, account_code, currency)
      IS DISTINCT FROM (known_amount, known_day, known_account, known_currency)
"""
CYCLES = """
WITH RECURSIVE parent AS (
    SELECT DISTINCT ON (f.code) f.code, f.parent_code FROM import_account f
    WHERE f.parent_code NOT IN ('', f.code) AND NOT EXISTS (SELECT 1 FROM accounts_account a WHERE a.code = f.code)
    ORDER BY f.code, f.row_no
), climb (code, above) AS (
    SELECT code, parent_code FROM parent
    UNION
    SELECT c.code, p.parent_code FROM climb c JOIN parent p ON p.code = c.above WHERE c.above <> c.code
)
INSERT INTO import_reject (row_no, field, value, code)
SELECT s.row_no, 'parent_code', c.above, 'group_cycle' FROM import_stage s JOIN climb c ON c.code = s.account_code
WHERE c.above = c.code {or_further_up}
"""
# The parents an export describes may have no row of their own that could be rejected for them.
OR_FURTHER_UP = "OR EXISTS (SELECT 1 FROM climb d WHERE d.code = c.above AND d.above = d.code)"
# A ledger the server has not looked at since it grew is taken for a small one, and then searched for each row by its
# source alone.
LOOK_AT_LEDGER = "ANALYZE accounts_revenuerecord (source, identity, withdrawn_at)"
DROP_REJECTED = """
DELETE FROM import_stage s USING import_reject r WHERE r.row_no = s.row_no
"""

# --- Identity and occurrence ---
REPEATS = """
CREATE TEMP TABLE import_repeat ON COMMIT DROP AS
SELECT row_no, n FROM (
    SELECT row_no, row_number() OVER (PARTITION BY hash ORDER BY row_no)::int AS n FROM import_stage
    WHERE {ordinary} AND source IS NULL
) AS numbered WHERE n > 1
"""
LINES = f"""
CREATE TEMP TABLE import_line ON COMMIT DROP AS
SELECT l.*, r.batch_id AS known_batch
FROM (
    SELECT s.*, {IDENTITY} AS identity, s.external_id <> '' AND n > 1 AS is_repeated_id
    FROM (
        SELECT s.*, coalesce(p.n, 1) AS n FROM import_stage s LEFT JOIN import_repeat p USING (row_no)
        WHERE {{ordinary}}
    ) AS s
) AS l
LEFT JOIN accounts_revenuerecord r ON r.source = {{source}} AND r.identity = l.identity AND r.withdrawn_at IS NULL
"""
# A record named twice, or named and given again as an ordinary row of the same content: it is there the second time.
NAMED_TWICE = f"""
UPDATE import_line l SET is_repeated_id = true
FROM (
    SELECT row_no, row_number() OVER (
        PARTITION BY {OWN_SOURCE.format("l")}, identity ORDER BY source IS NULL, row_no
    ) AS n FROM import_line l
) AS numbered WHERE numbered.row_no = l.row_no AND numbered.n > 1
"""
INSERT = """
INSERT INTO accounts_revenuerecord (
    account_id, product_id, contract_id, booked_on, kind, basis, reference, external_id, quantity, unit_price, amount,
    cost, currency, credits_reference, source, identity, source_row, batch_id
)
SELECT a.id, p.id, {contract}, l.booked_on, l.kind, l.basis, l.reference, l.external_id, l.quantity, l.unit_price, l.amount,
       l.cost, l.currency, nullif(l.credits_reference, ''), {source}, l.identity, l.row_no, %(batch)s
FROM import_line l
JOIN accounts_account a ON a.code = l.account_code
LEFT JOIN accounts_product p ON p.code = l.product_code AND l.product_code <> ''
{join_contract}
WHERE l.known_batch IS NULL AND NOT l.is_repeated_id {in_order}
"""
IN_ORDER = "ORDER BY l.row_no"  # of an export: the records were posted one after the other
JOIN_CONTRACT = "LEFT JOIN accounts_contract c ON c.number = l.contract_number AND l.contract_number <> ''"
TOUCHED = """
CREATE TEMP TABLE import_touched ON COMMIT DROP AS
SELECT DISTINCT a.id AS account_id, l.booked_on, l.currency, l.basis
FROM (
    SELECT DISTINCT account_code, booked_on, currency, basis FROM import_line
    WHERE known_batch IS NULL AND NOT is_repeated_id
) AS l JOIN accounts_account a ON a.code = l.account_code
"""
KNOWN = """
SELECT known_batch, count(*) FROM import_line WHERE known_batch IS NOT NULL OR is_repeated_id GROUP BY known_batch
"""
WITHDRAW = """
UPDATE accounts_revenuerecord SET withdrawn_at = %(at)s WHERE batch_id = %(batch)s AND withdrawn_at IS NULL
"""
WITHDRAWN_DAYS = """
CREATE TEMP TABLE import_touched ON COMMIT DROP AS
SELECT DISTINCT account_id, booked_on, currency, basis FROM accounts_revenuerecord
WHERE batch_id = %(batch)s AND withdrawn_at = %(at)s
"""
TEMPORARY = "import_repeat, import_line, import_touched"


@dataclass(slots=True)
class Posted:
    """What posting did. ``known`` counts rows that were there, by the batch that had posted them (0: this file)."""

    posted: int = 0
    known: dict[int, int] = field(default_factory=dict)
    first_booked_on: date | None = None
    last_booked_on: date | None = None


def look_at_ledger(cursor: CursorWrapper) -> None:
    """Let the server estimate the ledger as it is now; a sample, whatever the size."""
    cursor.execute(LOOK_AT_LEDGER)


def reject_unknown(cursor: CursorWrapper) -> None:
    """Mark rows that name an account, product or contract which does not exist."""
    for field_name, table, key in (
        ("account_code", "account", "code"),
        ("product_code", "product", "code"),
        ("contract_number", "contract", "number"),
    ):
        cursor.execute(UNKNOWN.format(field=field_name, table=table, key=key))


def _source(alias: str, *, has_origins: bool) -> str:
    return OWN_SOURCE.format(alias) if has_origins else ONE_SOURCE


def reject_conflicts(cursor: CursorWrapper, *, source: str, batch: int, has_origins: bool) -> None:
    """Mark rows whose external id, or the record they name, is known with other content."""
    statement = CONFLICTS.format(source=_source("s", has_origins=has_origins))
    cursor.execute(statement, {"source": source, "batch": batch})


def reject_cycles(cursor: CursorWrapper, *, has_origins: bool) -> None:
    """Mark rows of new accounts whose group parents lead back to themselves."""
    cursor.execute(CYCLES.format(or_further_up=OR_FURTHER_UP if has_origins else ""))


def drop_rejected(cursor: CursorWrapper) -> int:
    cursor.execute(DROP_REJECTED)
    return cursor.rowcount


def identify(cursor: CursorWrapper, *, source: str, has_marks: bool, has_origins: bool) -> None:
    """Give every staged row its occurrence and identity, and find the batch that has posted it already.

    Rows of an export keep the identity they name, and take no part in the count of occurrences.
    """
    ordinary = "marked_batch IS NULL" if has_marks else "true"
    cursor.execute(f"DROP TABLE IF EXISTS {TEMPORARY}")
    cursor.execute(REPEATS.format(ordinary=ordinary))
    cursor.execute("ANALYZE import_repeat")
    lines = LINES.format(ordinary=ordinary, source=_source("l", has_origins=has_origins))
    cursor.execute(lines, {"source": source})
    if has_origins:
        cursor.execute(NAMED_TWICE, {"source": source})


def insert_lines(cursor: CursorWrapper, *, source: str, batch: int, has_contracts: bool, has_origins: bool) -> Posted:
    """Insert what does not count yet, and note the touched days in import_touched."""
    done = Posted()
    cursor.execute("ANALYZE import_line")
    cursor.execute(KNOWN)
    done.known = {known or 0: count for known, count in cursor.fetchall()}
    insert = INSERT.format(
        contract="c.id" if has_contracts else "NULL::bigint",
        join_contract=JOIN_CONTRACT if has_contracts else "",
        source=_source("l", has_origins=has_origins),
        in_order=IN_ORDER if has_origins else "",
    )
    cursor.execute(insert, {"source": source, "batch": batch})
    done.posted = cursor.rowcount
    cursor.execute(TOUCHED)
    cursor.execute("ANALYZE import_touched")
    cursor.execute("SELECT min(booked_on), max(booked_on) FROM import_touched")
    done.first_booked_on, done.last_booked_on = cursor.fetchone()
    return done


def withdraw(cursor: CursorWrapper, *, batch: int, at: datetime) -> int:
    """Take the batch's counting rows out of the ledger, their days into import_touched; returns how many there were."""
    cursor.execute(WITHDRAW, {"batch": batch, "at": at})
    count = cursor.rowcount
    cursor.execute(f"DROP TABLE IF EXISTS {TEMPORARY}")
    cursor.execute(WITHDRAWN_DAYS, {"batch": batch, "at": at})
    cursor.execute("ANALYZE import_touched")
    return count


def drop_temporary(cursor: CursorWrapper) -> None:
    cursor.execute(f"DROP TABLE IF EXISTS {TEMPORARY}")
