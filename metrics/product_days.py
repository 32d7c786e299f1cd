"""RevenueRecord → ProductDay, by set-based SQL inside the transaction that posts.

A posting recomputes the days it touched, and no other: unlike orders, the sums of a day and product hang on no other day.
One delete and one insert, whatever the number of accounts.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection, transaction

from metrics.models_products import NO_PRODUCT
from metrics.rollup import COUNTS_FOR, DAY, LEDGER, MANY_ROWS, MARK_EVERYONE, MERGED

TABLE = "metrics_productday"
COLUMNS = (
    "account_id", "day", "product_key", "currency", "basis", "net", "cost", "lines", "lines_without_cost",
    "has_positive",
)  # fmt: skip
SUMMED = f"""
SELECT {COUNTS_FOR}, r.booked_on, coalesce(r.product_id, {NO_PRODUCT}), r.currency, r.basis,
       sum(r.amount)::numeric(25, 4), coalesce(sum(r.cost), 0)::numeric(25, 4), count(*)::int,
       (count(*) FILTER (WHERE r.cost IS NULL))::int, bool_or(r.amount > 0)
FROM {LEDGER} r {MERGED} {{joined}}
WHERE r.withdrawn_at IS NULL {{only}}
GROUP BY 1, 2, 3, 4, 5
"""
# By account and day, so that rows lie as they are read and the key grows at its end.
INSERT = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) {{summed}} ORDER BY 1, 2"
SAME_DAY = """
{one}.account_id = t.account_id AND {one}.{day} = t.booked_on AND {one}.currency = t.currency AND {one}.basis = t.basis
"""


# The touched days of whoever stays, for that account and for all that were merged into it: they are summed up together.
TOGETHER = """
CREATE TEMP TABLE touched_product_day ON COMMIT DROP AS
WITH kept AS (
    SELECT DISTINCT coalesce(a.merged_into_id, t.account_id) AS account_id, t.booked_on, t.currency, t.basis
    FROM {touched} t JOIN accounts_account a ON a.id = t.account_id
)
SELECT account_id, booked_on, currency, basis FROM kept
UNION
SELECT a.id, k.booked_on, k.currency, k.basis FROM kept k JOIN accounts_account a ON a.merged_into_id = k.account_id
"""


def refresh_touched(sender: object = None, *, touched_table: str, **_kwargs: object) -> None:
    """Bring the days in ``touched_table`` up to date, inside the caller's transaction."""
    touched = _together(connection.ops.quote_name(touched_table))
    joined = f"JOIN {touched} t ON {SAME_DAY.format(one='r', day='booked_on')}"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} p USING {touched} t WHERE {SAME_DAY.format(one='p', day='day')}")
        cursor.execute(INSERT.format(summed=SUMMED.format(joined=joined, only="")))
        if cursor.rowcount > MANY_ROWS:
            cursor.execute(f"ANALYZE {TABLE}")


def _together(touched: str) -> str:
    """The table of touched days, where no account was merged; else one with the days of all that count together."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_account WHERE merged_into_id IS NOT NULL)")
        if not cursor.fetchone()[0]:
            return touched
        cursor.execute("DROP TABLE IF EXISTS touched_product_day")
        cursor.execute(TOGETHER.format(touched=touched))
        cursor.execute("ANALYZE touched_product_day")
    return "touched_product_day"


def refresh_accounts(account_ids: Sequence[int]) -> None:
    """Sum up every day of some accounts anew, of which one may have been merged into another."""
    ids = list(account_ids)
    only = (
        "AND r.account_id IN (SELECT id FROM accounts_account WHERE id = ANY(%s) OR merged_into_id = ANY(%s))"
        f" AND {COUNTS_FOR} = ANY(%s)"
    )
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE account_id = ANY(%s)", [ids])
        cursor.execute(INSERT.format(summed=SUMMED.format(joined="", only=only)), [ids, ids, ids])


@transaction.atomic
def rebuild() -> int:
    """Sum up every day anew; returns the rows there are then."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
        cursor.execute(INSERT.format(summed=SUMMED.format(joined="", only="")))
        rows = int(cursor.rowcount)
        cursor.execute(MARK_EVERYONE)
        cursor.execute(f"ANALYZE {TABLE}")
    return rows


def is_current() -> bool:
    """Whether products and days agree per account on lines, net and cost: the nightly check, one pass each."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT NOT EXISTS (
                SELECT 1 FROM
                (SELECT account_id, sum(lines) AS lines, sum(net) AS net, sum(cost) AS cost FROM {DAY} GROUP BY 1) AS days
                FULL JOIN
                (SELECT account_id, sum(lines) AS lines, sum(net) AS net, sum(cost) AS cost FROM {TABLE} GROUP BY 1) AS products
                USING (account_id)
                WHERE (days.lines, days.net, days.cost) IS DISTINCT FROM (products.lines, products.net, products.cost)
            )
            """
        )
        return bool(cursor.fetchone()[0])
