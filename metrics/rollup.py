"""RevenueRecord → AccountDay → AccountMonth, AccountSpan, AccountCredit and ContractDay, by set-based SQL inside the transaction that posts.

A posting recomputes the accounts it touched whole: an earlier line moves an order to another day, so the days of one
account hang together. One pass over the counting lines of those accounts gives days, orders and spans; only rows that
differ are written, so a repeat writes nothing.
"""

from dataclasses import dataclass

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

LEDGER = "accounts_revenuerecord"
DAY, MONTH, SPAN = "metrics_accountday", "metrics_accountmonth", "metrics_accountspan"
CREDIT, CONTRACT = "metrics_accountcredit", "metrics_contractday"
TOUCHED_ACCOUNT = "metrics_touchedaccount"
EVERY_ACCOUNT = 0  # marked instead of each one

MANY_ROWS = 10_000  # changed by one posting: the planner then plans with outdated statistics until told

SUMS = "net, credits, cost, lines_without_cost, quantity, lines, orders"
DAY_COLUMNS = f"account_id, day, currency, basis, {SUMS}, has_positive"
MONTH_COLUMNS = f"account_id, month, currency, basis, {SUMS}, active_days"
CONTRACT_COLUMNS = "account_id, contract_id, day, currency, net"
SPAN_COLUMNS = "account_id, basis, first_order_on, last_order_on, first_revenue_on, last_booked_on"
CREDIT_COLUMNS = (
    "account_id, day, currency, basis, reference, credits_reference, original_on, net, cost, lines_without_cost, lines"
)

# The records of an account that was merged count for the one that stays; the ledger keeps its rows as they are.
MERGED = "LEFT JOIN accounts_account gone ON gone.id = r.account_id AND gone.merged_into_id IS NOT NULL"
COUNTS_FOR = "coalesce(gone.merged_into_id, r.account_id)"

# One row per account, currency, basis, document and day: the finest level that orders need.
DOCUMENTS = f"""
CREATE TEMP TABLE fresh_document ON COMMIT DROP AS
SELECT {COUNTS_FOR} AS account_id, r.currency, basis, reference, booked_on AS day,
       sum(amount) AS net,
       coalesce(sum(amount) FILTER (WHERE kind = 'credit_note'), 0) AS credits,
       sum(amount) FILTER (WHERE kind <> 'credit_note') AS ordered,
       coalesce(sum(cost), 0) AS cost,
       count(*) FILTER (WHERE cost IS NULL) AS lines_without_cost,
       coalesce(sum(quantity), 0) AS quantity,
       count(*) AS lines,
       bool_or(amount > 0) AS has_positive
FROM {LEDGER} r {MERGED}
WHERE withdrawn_at IS NULL {{only}}
GROUP BY 1, 2, basis, reference, booked_on
"""

# An order is a document that is no credit note; it counts on its first day, by the net of that day. Lines without a
# reference make one order a day.
DAYS = """
CREATE TEMP TABLE fresh_day ON COMMIT DROP AS
WITH dated AS (
    SELECT *, ordered IS NOT NULL AND (reference = '' OR day = min(day) FILTER (WHERE ordered IS NOT NULL) OVER document)
              AS is_first_day
    FROM fresh_document
    WINDOW document AS (PARTITION BY account_id, currency, basis, reference)
)
SELECT account_id, day, currency, basis,
       sum(net)::numeric(25, 4) AS net,
       sum(credits)::numeric(25, 4) AS credits,
       sum(cost)::numeric(25, 4) AS cost,
       sum(lines_without_cost)::int AS lines_without_cost,
       sum(quantity)::numeric(25, 6) AS quantity,
       sum(lines)::int AS lines,
       (count(*) FILTER (WHERE is_first_day AND ordered > 0))::int AS orders,
       bool_or(has_positive) AS has_positive
FROM dated
GROUP BY account_id, day, currency, basis
"""

MONTHS = """
CREATE TEMP TABLE fresh_month ON COMMIT DROP AS
SELECT account_id, date_trunc('month', day)::date AS month, currency, basis,
       sum(net)::numeric(25, 4) AS net, sum(credits)::numeric(25, 4) AS credits, sum(cost)::numeric(25, 4) AS cost,
       sum(lines_without_cost)::int AS lines_without_cost, sum(quantity)::numeric(25, 6) AS quantity,
       sum(lines)::int AS lines, sum(orders)::int AS orders,
       (count(*) FILTER (WHERE orders > 0))::smallint AS active_days
FROM fresh_day
GROUP BY 1, 2, 3, 4
"""

SPANS = """
CREATE TEMP TABLE fresh_span ON COMMIT DROP AS
SELECT account_id, basis,
       min(day) FILTER (WHERE orders > 0) AS first_order_on,
       max(day) FILTER (WHERE orders > 0) AS last_order_on,
       min(day) FILTER (WHERE has_positive) AS first_revenue_on,
       max(day) AS last_booked_on
FROM fresh_day
GROUP BY 1, 2
"""

# Credit notes are few, and an index of their own finds them. The original is a document of the same account, currency
# and basis with lines that are no credit note; its day is the first of them.
CREDITS = f"""
CREATE TEMP TABLE fresh_credit ON COMMIT DROP AS
WITH credit AS (
    SELECT {COUNTS_FOR} AS account_id, booked_on AS day, r.currency, basis, reference,
           coalesce(credits_reference, '') AS credits_reference,
           sum(amount)::numeric(25, 4) AS net, coalesce(sum(cost), 0)::numeric(25, 4) AS cost,
           (count(*) FILTER (WHERE cost IS NULL))::int AS lines_without_cost, count(*)::int AS lines
    FROM {LEDGER} r {MERGED}
    WHERE withdrawn_at IS NULL AND kind = 'credit_note' {{only}}
    GROUP BY 1, 2, 3, 4, 5, 6
), original AS (
    SELECT account_id, currency, basis, reference, min(day) AS day
    FROM fresh_document
    WHERE ordered IS NOT NULL AND reference IN (SELECT credits_reference FROM credit WHERE credits_reference <> '')
    GROUP BY 1, 2, 3, 4
)
SELECT c.account_id, c.day, c.currency, c.basis, c.reference, c.credits_reference, o.day AS original_on,
       c.net, c.cost, c.lines_without_cost, c.lines
FROM credit c LEFT JOIN original o
  ON (o.account_id, o.currency, o.basis, o.reference) = (c.account_id, c.currency, c.basis, c.credits_reference)
"""

# Few lines name a contract and are recognised revenue; they have an index of their own.
CONTRACTS = f"""
CREATE TEMP TABLE fresh_contract ON COMMIT DROP AS
SELECT {COUNTS_FOR} AS account_id, contract_id, booked_on AS day, r.currency, sum(amount)::numeric(25, 4) AS net
FROM {LEDGER} r {MERGED}
WHERE withdrawn_at IS NULL AND basis = 'recognised' AND contract_id IS NOT NULL {{only}}
GROUP BY 1, 2, 3, 4
"""


# With an account whoever was merged with it, before or after: their records are summed up together.
TOUCHED = """
CREATE TEMP TABLE touched_account ON COMMIT DROP AS
WITH touched AS (SELECT DISTINCT account_id FROM {table}), kept AS (
    SELECT account_id FROM touched
    UNION
    SELECT a.merged_into_id FROM touched t JOIN accounts_account a ON a.id = t.account_id
    WHERE a.merged_into_id IS NOT NULL
)
SELECT account_id FROM kept
UNION
SELECT a.id FROM accounts_account a JOIN kept k ON a.merged_into_id = k.account_id
"""

# For whoever keeps sums of the roll-up between two nights; a mark set again belongs to the later transaction.
MARK = f"""
INSERT INTO {TOUCHED_ACCOUNT} AS kept (account_id, mark)
SELECT account_id, pg_current_xact_id()::text::bigint FROM {{accounts}}
ON CONFLICT (account_id) DO UPDATE SET mark = excluded.mark WHERE kept.mark <> excluded.mark
"""
MARK_EVERYONE = MARK.format(accounts=f"(SELECT {EVERY_ACCOUNT} AS account_id) AS all_of_them")


@dataclass(frozen=True)
class Level:
    """One roll-up table, the temporary table it is compared with, and its columns; ``key`` columns come first."""

    table: str
    fresh: str
    columns: str
    key: int

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in self.columns.split(",")]

    def same(self, names: list[str]) -> str:
        return " AND ".join(f"t.{name} IS NOT DISTINCT FROM f.{name}" for name in names)

    @property
    def same_key(self) -> str:
        return " AND ".join(f"t.{name} = f.{name}" for name in self.names[: self.key])


LEVELS = (
    Level(DAY, "fresh_day", DAY_COLUMNS, 4),
    Level(MONTH, "fresh_month", MONTH_COLUMNS, 4),
    Level(SPAN, "fresh_span", SPAN_COLUMNS, 2),
    Level(CREDIT, "fresh_credit", CREDIT_COLUMNS, 6),
    Level(CONTRACT, "fresh_contract", CONTRACT_COLUMNS, 4),
)


def refresh_touched(sender: object = None, *, touched_table: str, **_kwargs: object) -> None:
    """Bring the roll-up of the accounts in ``touched_table`` up to date, inside the caller's transaction."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS touched_account")
        table = connection.ops.quote_name(touched_table)
        cursor.execute(TOUCHED.format(table=table))
        cursor.execute("ANALYZE touched_account")
        _compute(cursor, only="AND r.account_id IN (SELECT account_id FROM touched_account)")
        _write(cursor, scope="account_id IN (SELECT account_id FROM touched_account)")
        cursor.execute(MARK.format(accounts="touched_account"))
        cursor.execute("DROP TABLE touched_account")


@transaction.atomic
def rebuild() -> int:
    """Compute the whole roll-up anew and write what differs; returns the rows that differed."""
    with connection.cursor() as cursor:
        _compute(cursor, only="")
        changed = _write(cursor, scope="true")
        if changed:
            cursor.execute(MARK_EVERYONE)
        return changed


@transaction.atomic
def difference() -> int:
    """Rows of the stored roll-up that the ledger does not give, plus rows it gives that are not stored."""
    with connection.cursor() as cursor:
        _compute(cursor, only="")
        found = 0
        for level in LEVELS:
            columns = ", ".join(level.names)
            cursor.execute(
                f"SELECT count(*) FROM ((SELECT {columns} FROM {level.table} EXCEPT ALL SELECT {columns} FROM"
                f" {level.fresh}) UNION ALL (SELECT {columns} FROM {level.fresh} EXCEPT ALL SELECT {columns} FROM"
                f" {level.table})) AS differing"
            )
            found += cursor.fetchone()[0]
        _drop(cursor)
        return int(found)


def is_current() -> bool:
    """Whether ledger and roll-up agree per account that stays on lines, net, cost and quantity: the nightly check, one pass each."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT NOT EXISTS (
                SELECT 1 FROM
                (SELECT {COUNTS_FOR} AS account_id, count(*) AS lines, sum(amount) AS net,
                        coalesce(sum(cost), 0) AS cost
                 FROM {LEDGER} r {MERGED} WHERE withdrawn_at IS NULL GROUP BY 1) AS ledger
                FULL JOIN
                (SELECT account_id, sum(lines) AS lines, sum(net) AS net, sum(cost) AS cost
                 FROM {DAY} GROUP BY account_id) AS days USING (account_id)
                FULL JOIN
                (SELECT account_id, sum(lines) AS lines, sum(net) AS net, sum(cost) AS cost
                 FROM {MONTH} GROUP BY account_id) AS months USING (account_id)
                FULL JOIN
                (SELECT account_id, sum(credits) AS net FROM {DAY} WHERE credits <> 0 GROUP BY account_id) AS credited
                USING (account_id)
                FULL JOIN
                (SELECT account_id, sum(net) AS net FROM {CREDIT} GROUP BY account_id) AS credit_notes USING (account_id)
                WHERE coalesce(credited.net, 0) <> coalesce(credit_notes.net, 0) OR (ledger.lines, ledger.net, ledger.cost) IS DISTINCT FROM (days.lines, days.net, days.cost)
                   OR (ledger.lines, ledger.net, ledger.cost) IS DISTINCT FROM (months.lines, months.net, months.cost)
            )
            """
        )
        return bool(cursor.fetchone()[0])


def _compute(cursor: CursorWrapper, *, only: str) -> None:
    _drop(cursor)
    cursor.execute(DOCUMENTS.format(only=only))
    cursor.execute(DAYS)
    cursor.execute(MONTHS)
    cursor.execute(SPANS)
    cursor.execute(CREDITS.format(only=only))
    cursor.execute(CONTRACTS.format(only=only))
    cursor.execute("; ".join(f"ANALYZE {level.fresh}" for level in LEVELS))


def _write(cursor: CursorWrapper, *, scope: str) -> int:
    changed = 0
    for level in LEVELS:
        columns = ", ".join(level.names)
        cursor.execute(
            f"DELETE FROM {level.table} t WHERE {scope} AND NOT EXISTS"
            f" (SELECT 1 FROM {level.fresh} f WHERE {level.same_key} AND {level.same(level.names[level.key :])})"
        )
        changed += cursor.rowcount
        cursor.execute(
            # What is still there is equal. An anti join is planned as a nested loop over a table that was empty when
            # it was last analysed: hours for a first large import.
            # By account, so that the rows of one lie together and are read together.
            f"INSERT INTO {level.table} ({columns}) SELECT {columns} FROM {level.fresh} ORDER BY 1, 2"
            " ON CONFLICT DO NOTHING"
        )
        changed += cursor.rowcount
    if changed > MANY_ROWS:
        # The accounts too: a first import makes them in the same transaction, and every figure joins them.
        cursor.execute(f"ANALYZE accounts_account, {', '.join(level.table for level in LEVELS)}")
    _drop(cursor)
    return changed


def _drop(cursor: CursorWrapper) -> None:
    cursor.execute(
        "DROP TABLE IF EXISTS fresh_document, fresh_day, fresh_month, fresh_span, fresh_credit, fresh_contract"
    )
