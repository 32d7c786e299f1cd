"""Typed rows → the ledger, set-based, inside the caller's transaction.

COPY into a temporary table with a 16-byte hash of the normalised identity; accounts, products and contracts by
INSERT … SELECT; row_number() over equal hashes is the occurrence; inserted is what does not count yet. Only PostgreSQL
15 features.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress

from django.db import connection
from django.db.backends.utils import CursorWrapper
from psycopg2 import sql

from accounts.imports.rows import RowTyper, TypedChunk

STAGE = "import_stage"
TOUCHED = "import_touched"
COPY_BYTES = 256 * 1024
FACT_LINES = 20_000  # facts held back until the COPY of rows pauses for them
WORK_MEM = "128MB"
STATISTICS = 20  # the planner needs sizes and rough distinct counts of the temporary tables, no histograms

TABLES = """
CREATE TEMP TABLE import_stage (
    row_no int NOT NULL, hash uuid NOT NULL, marked_batch int, marked_row int, account_code text, product_code text,
    contract_number text, booked_on date, kind text, basis text, reference text, external_id text,
    quantity numeric, unit_price numeric, amount numeric, cost numeric, currency text, credits_reference text,
    source text
) ON COMMIT DROP;
CREATE TEMP TABLE import_account (
    row_no int, code text, name text, parent_code text, country text, region text, segment text, industry text,
    channel text, dealer_code text
) ON COMMIT DROP;
CREATE TEMP TABLE import_product (row_no int, code text, name text, category text) ON COMMIT DROP;
CREATE TEMP TABLE import_reject (row_no int, field text, value text, code text, details jsonb) ON COMMIT DROP
"""


class Feed:
    """The file that COPY reads: pulls a chunk whenever PostgreSQL has taken the last one."""

    def __init__(self, blocks: Iterator[str]) -> None:
        self._blocks = blocks
        self._block = memoryview(b"")

    def read(self, size: int) -> bytes:
        while not self._block:
            try:
                self._block = memoryview(next(self._blocks).encode())
            except StopIteration:
                return b""
        piece, self._block = self._block[:size], self._block[size:]
        return bytes(piece)


class Stage:
    """The staging tables of one import."""

    def __init__(self, cursor: CursorWrapper, typer: RowTyper) -> None:
        self._cursor, self._typer = cursor, typer
        self._account_facts: list[str] = []
        self._product_facts: list[str] = []
        cursor.execute(f"SET LOCAL work_mem = '{WORK_MEM}'; SET LOCAL default_statistics_target = {STATISTICS}")
        cursor.execute("DROP TABLE IF EXISTS import_stage, import_account, import_product, import_reject")
        cursor.execute(TABLES)
        self._set_defaults()

    def _set_defaults(self) -> None:
        """Fields no column gives are constants of the table, not text of every row."""
        for key, value in self._typer.constants.items():
            if value != r"\N":
                statement = sql.SQL("ALTER TABLE import_stage ALTER COLUMN {} SET DEFAULT {}")
                self._cursor.execute(statement.format(sql.Identifier(key), sql.Literal(value)))

    def load(self, chunks: Iterable[TypedChunk]) -> None:
        """COPY every chunk; between COPYs the facts about accounts and products that have come together."""
        marks = ["marked_batch", "marked_row"] if self._typer.plan.marks else []
        origin = ["source"] if self._typer.plan.origins else []
        columns = ", ".join(["row_no", "hash", *marks, *origin, *self._typer.staged])
        source = iter(chunks)
        is_open = True
        while is_open:
            is_open = False
            feed = self._until_facts(source)
            self._copy(f"COPY import_stage ({columns}) FROM STDIN", feed)
            is_open = len(self._account_facts) + len(self._product_facts) >= FACT_LINES
            self._flush_facts()
        self._cursor.execute("ANALYZE import_stage")
        self._cursor.execute("ANALYZE import_account")
        self._cursor.execute("ANALYZE import_product")

    def _until_facts(self, source: Iterator[TypedChunk]) -> Iterator[str]:
        for chunk in source:
            self._account_facts += chunk.account_facts
            self._product_facts += chunk.product_facts
            if chunk.lines:
                yield chunk.lines
            if len(self._account_facts) + len(self._product_facts) >= FACT_LINES:
                return

    def _flush_facts(self) -> None:
        for table, lines in (("import_account", self._account_facts), ("import_product", self._product_facts)):
            if lines:
                self._copy(f"COPY {table} FROM STDIN", iter(["\n".join(lines) + "\n"]))
                lines.clear()

    def _copy(self, statement: str, blocks: Iterator[str]) -> None:
        self._cursor.cursor.copy_expert(statement, Feed(blocks), size=COPY_BYTES)

    def close(self) -> None:
        with suppress(Exception):
            if not connection.needs_rollback:
                self._cursor.execute("DROP TABLE IF EXISTS import_stage, import_account, import_product, import_reject")
