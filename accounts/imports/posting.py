"""The set-based statements between the staging table and the ledger, in the order in which posting runs them."""

from dataclasses import dataclass, field
from datetime import date, datetime

from django.db.backends.utils import CursorWrapper

# --- Rows that only the ledger can judge ---
IDENTITY = """
CASE WHEN n = 1 THEN uuid_send(hash) ELSE decode(md5(uuid_send(hash) || int4send(n::int)), 'hex') END
"""
UNKNOWN = """
INSERT INTO import_reject (row_no, field, value, code)
SELECT s.row_no, '{field}', s.{field}, 'unknown_{table}' FROM import_stage s
WHERE s.{field} <> '' AND NOT EXISTS (SELECT 1 FROM accounts_{table} t WHERE t.{key} = s.{field})
"""
# A known external id with another amount, date, account or currency. What is known is the ledger's row, else the first
# of this file.
CONFLICTS = """
WITH first AS (
    SELECT DISTINCT ON (hash) hash, row_no, amount, booked_on, account_code, currency FROM import_stage
    WHERE external_id <> '' ORDER BY hash, row_no
), known AS (
    SELECT s.row_no, s.external_id, s.amount, s.booked_on, s.account_code, s.currency,
           coalesce(r.batch_id, %(batch)s) AS batch, CASE WHEN r.id IS NULL THEN f.row_no ELSE r.source_row END AS row,
           CASE WHEN r.id IS NULL THEN f.amount ELSE r.amount END AS known_amount,
           CASE WHEN r.id IS NULL THEN f.booked_on ELSE r.booked_on END AS known_day,
           CASE WHEN r.id IS NULL THEN f.account_code ELSE a.code END AS known_account,
           CASE WHEN r.id IS NULL THEN f.currency ELSE r.currency END AS known_currency
    FROM import_stage s
    JOIN first f USING (hash)
    LEFT JOIN accounts_revenuerecord r
           ON r.source = %(source)s AND r.identity = uuid_send(s.hash) AND r.withdrawn_at IS NULL
    LEFT JOIN accounts_account a ON a.id = r.account_id
    WHERE s.external_id <> ''
)
INSERT INTO import_reject
SELECT row_no, 'external_id', external_id, 'posted_before', jsonb_build_object('batch', batch, 'row', row) FROM known
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
WHERE c.above = c.code
"""
DROP_REJECTED = """
DELETE FROM import_stage s USING import_reject r WHERE r.row_no = s.row_no
"""

# --- Identity and occurrence ---
REPEATS = """
CREATE TEMP TABLE import_repeat ON COMMIT DROP AS
SELECT row_no, n FROM (
    SELECT row_no, row_number() OVER (PARTITION BY hash ORDER BY row_no)::int AS n FROM import_stage {ordinary}
) AS numbered WHERE n > 1
"""
LINES = f"""
CREATE TEMP TABLE import_line ON COMMIT DROP AS
SELECT l.*, r.batch_id AS known_batch
FROM (
    SELECT s.*, {IDENTITY} AS identity, s.external_id <> '' AND n > 1 AS is_repeated_id
    FROM (
        SELECT s.*, coalesce(p.n, 1) AS n FROM import_stage s LEFT JOIN import_repeat p USING (row_no) {{ordinary}}
    ) AS s
) AS l
LEFT JOIN accounts_revenuerecord r ON r.source = %(source)s AND r.identity = l.identity AND r.withdrawn_at IS NULL
"""
INSERT = """
INSERT INTO accounts_revenuerecord (
    account_id, product_id, contract_id, booked_on, kind, basis, reference, external_id, quantity, unit_price, amount,
    cost, currency, source, identity, source_row, batch_id
)
SELECT a.id, p.id, {contract}, l.booked_on, l.kind, l.basis, l.reference, l.external_id, l.quantity, l.unit_price, l.amount,
       l.cost, l.currency, %(source)s, l.identity, l.row_no, %(batch)s
FROM import_line l
JOIN accounts_account a ON a.code = l.account_code
LEFT JOIN accounts_product p ON p.code = l.product_code AND l.product_code <> ''
{join_contract}
WHERE l.known_batch IS NULL AND NOT l.is_repeated_id
"""
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


def reject_unknown(cursor: CursorWrapper) -> None:
    """Mark rows that name an account, product or contract which does not exist."""
    for field_name, table, key in (
        ("account_code", "account", "code"),
        ("product_code", "product", "code"),
        ("contract_number", "contract", "number"),
    ):
        cursor.execute(UNKNOWN.format(field=field_name, table=table, key=key))


def reject_conflicts(cursor: CursorWrapper, *, source: str, batch: int) -> None:
    """Mark rows whose external id is known with other content."""
    cursor.execute(CONFLICTS, {"source": source, "batch": batch})


def reject_cycles(cursor: CursorWrapper) -> None:
    """Mark rows of new accounts whose group parents lead back to themselves."""
    cursor.execute(CYCLES)


def drop_rejected(cursor: CursorWrapper) -> int:
    cursor.execute(DROP_REJECTED)
    return cursor.rowcount


def identify(cursor: CursorWrapper, *, source: str, has_marks: bool) -> None:
    """Give every staged row its occurrence and identity, and find the batch that has posted it already."""
    ordinary = "WHERE marked_batch IS NULL" if has_marks else ""
    cursor.execute(f"DROP TABLE IF EXISTS {TEMPORARY}")
    cursor.execute(REPEATS.format(ordinary=ordinary))
    cursor.execute("ANALYZE import_repeat")
    cursor.execute(LINES.format(ordinary=ordinary), {"source": source})


def insert_lines(cursor: CursorWrapper, *, source: str, batch: int, has_contracts: bool) -> Posted:
    """Insert what does not count yet, and note the touched days in import_touched."""
    done = Posted()
    cursor.execute("ANALYZE import_line")
    cursor.execute(KNOWN)
    done.known = {known or 0: count for known, count in cursor.fetchall()}
    insert = INSERT.format(
        contract="c.id" if has_contracts else "NULL::bigint", join_contract=JOIN_CONTRACT if has_contracts else ""
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
