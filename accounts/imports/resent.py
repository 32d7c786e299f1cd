"""Rows of an error file that come back: (batch, row) says which rejected row each of them is.

Such a row is already there only if that same rejected row was posted before. Otherwise its occurrence is the next free
one of its corrected content, so that a true duplicate is neither lost now nor doubled when the whole file comes again.
"""

import csv
import io

from django.db.backends.utils import CursorWrapper

from accounts.enums import BatchState
from accounts.imports.fields import MARK_BATCH, MARK_ROW
from accounts.imports.posting import IDENTITY
from accounts.models import ImportBatch

MARKS = """
CREATE TEMP TABLE import_mark ON COMMIT DROP AS
SELECT row_no, marked_batch AS batch, marked_row AS row FROM import_stage WHERE marked_batch IS NOT NULL
"""
TWICE = """
INSERT INTO import_reject (row_no, field, value, code)
SELECT row_no, '_row', batch || ', ' || row, 'mark_twice' FROM (
    SELECT *, row_number() OVER (PARTITION BY batch, row ORDER BY row_no) AS n FROM import_mark
) AS numbered WHERE n > 1
"""
UNKNOWN = """
INSERT INTO import_reject
SELECT row_no, '_row', batch || ', ' || row, 'unknown_mark', jsonb_build_object('batch', batch, 'row', row)
FROM import_mark WHERE batch = %s AND NOT (row = ANY(%s))
"""
# An external id is an identity by itself, and so is the record an export names: such a row goes the ordinary way once
# it is known not to be there.
POSTED_BEFORE = f"""
CREATE TEMP TABLE import_resent ON COMMIT DROP AS
SELECT m.row_no, r.posted_batch_id AS known_batch FROM import_mark m
JOIN accounts_resentrow r ON r.batch_id = m.batch AND r.row_number = m.row
JOIN accounts_importbatch b ON b.id = r.posted_batch_id AND b.state = '{BatchState.POSTED}'
"""
UNMARK_EXTERNAL = """
UPDATE import_stage s SET marked_batch = NULL
WHERE marked_batch IS NOT NULL AND (external_id <> '' OR source IS NOT NULL) AND row_no NOT IN (SELECT row_no FROM import_resent)
"""
LINE_COLUMNS = """
    row_no, hash, marked_batch, marked_row, account_code, product_code, contract_number, booked_on, kind, basis,
    reference, external_id, quantity, unit_price, amount, cost, currency, credits_reference
"""
ADD_KNOWN = f"""
INSERT INTO import_line ({LINE_COLUMNS}, n, identity, is_repeated_id, known_batch)
SELECT {LINE_COLUMNS}, 0, ''::bytea, false, known_batch FROM import_stage JOIN import_resent USING (row_no)
"""
IS_FREE = f"""
n > ordinary AND NOT EXISTS (
    SELECT 1 FROM accounts_revenuerecord r
    WHERE r.source = %(source)s AND r.identity = {IDENTITY} AND r.withdrawn_at IS NULL
) {{and_unnamed}}
"""
# In a file of an export the records its rows name are taken, though they may not be in the ledger yet.
AND_UNNAMED = f"""
AND ({IDENTITY}) NOT IN (SELECT identity FROM import_line WHERE coalesce(source, %(source)s) = %(source)s)
"""
ADD_FRESH = f"""
WITH RECURSIVE fresh AS (
    SELECT *, row_number() OVER (PARTITION BY hash ORDER BY row_no) AS place FROM import_stage
    WHERE marked_batch IS NOT NULL AND row_no NOT IN (SELECT row_no FROM import_resent)
), need AS (
    SELECT hash, count(*) AS wanted,
           (SELECT count(*) FROM import_stage o WHERE o.hash = f.hash AND o.marked_batch IS NULL AND o.source IS NULL) AS ordinary
    FROM fresh f GROUP BY hash
), slot (hash, wanted, ordinary, n, is_free) AS (
    SELECT hash, wanted, ordinary, n, {IS_FREE} FROM (SELECT *, 1 AS n FROM need) AS first
    UNION ALL
    SELECT hash, wanted, ordinary, n, {IS_FREE}
    FROM (SELECT hash, wanted - is_free::int AS wanted, ordinary, n + 1 AS n FROM slot) AS next WHERE wanted > 0
), free AS (
    SELECT hash, n, row_number() OVER (PARTITION BY hash ORDER BY n) AS place FROM slot WHERE is_free
)
INSERT INTO import_line ({LINE_COLUMNS}, n, identity, is_repeated_id, known_batch)
SELECT {LINE_COLUMNS}, n, {IDENTITY}, false, NULL FROM fresh JOIN free USING (hash, place)
"""
REMEMBER = """
INSERT INTO accounts_resentrow (batch_id, row_number, posted_batch_id)
SELECT m.batch, m.row, %(batch)s FROM import_mark m JOIN import_line l USING (row_no)
WHERE l.known_batch IS NULL AND NOT l.is_repeated_id
ON CONFLICT (batch_id, row_number) DO UPDATE SET posted_batch_id = excluded.posted_batch_id
"""


def reject_marks(cursor: CursorWrapper, *, source: str) -> None:
    """Mark rows whose (batch, row) repeats, or names no rejected row of this source."""
    cursor.execute("DROP TABLE IF EXISTS import_mark, import_resent")
    cursor.execute(MARKS)
    cursor.execute(TWICE)
    cursor.execute("SELECT DISTINCT batch FROM import_mark")
    for (number,) in cursor.fetchall():
        rows = rejected_rows(number, source=source)
        if rows is not None:
            cursor.execute(UNKNOWN, [number, rows])


def rejected_rows(number: int, *, source: str) -> list[int] | None:
    """The rows a batch rejected, by its error file; None where the file is gone, [] where there was none."""
    batch = ImportBatch.objects.filter(pk=number, source=source).first()
    if batch is None or not batch.error_file:
        return []
    try:
        with batch.error_file.open("rb") as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
            return [int(row[MARK_ROW]) for row in csv.DictReader(text) if row[MARK_BATCH] == str(number)]
    except FileNotFoundError:
        return None


def find_resent(cursor: CursorWrapper) -> None:
    """Note the rows that were posted before under the same marks."""
    cursor.execute(POSTED_BEFORE)
    cursor.execute(UNMARK_EXTERNAL)


def add_marked_lines(cursor: CursorWrapper, *, source: str, has_origins: bool) -> None:
    """Add the marked rows to import_line: known ones as such, the others with the next free occurrence."""
    cursor.execute(ADD_KNOWN)
    cursor.execute(ADD_FRESH.format(and_unnamed=AND_UNNAMED if has_origins else ""), {"source": source})


def remember_resent(cursor: CursorWrapper, *, batch: int) -> None:
    """Record which rejected rows this batch has posted."""
    cursor.execute(REMEMBER, {"batch": batch})
    cursor.execute("DROP TABLE IF EXISTS import_mark, import_resent")


def marked_source(number: str) -> str:
    """The source of the batch an error file names, so that it comes back under the same one; "" where there is none."""
    if not number.isascii() or not number.isdigit() or len(number) > 10:
        return ""
    return ImportBatch.objects.filter(pk=int(number)).values_list("source", flat=True).first() or ""
