"""RevenueRecord → ProductDay, by set-based SQL inside the transaction that posts.

A posting recomputes the days it touched, and no other: unlike orders, the sums of a day and product hang on no other day.
One delete and one insert, whatever the number of accounts.
"""

from __future__ import annotations

from django.db import connection, transaction

from metrics.models_products import NO_PRODUCT
from metrics.rollup import DAY, LEDGER, MANY_ROWS

TABLE = "metrics_productday"
COLUMNS = (
    "account_id", "day", "product_key", "currency", "basis", "net", "cost", "lines", "lines_without_cost",
    "has_positive",
)  # fmt: skip
SUMMED = f"""
SELECT r.account_id, r.booked_on, coalesce(r.product_id, {NO_PRODUCT}), r.currency, r.basis,
       sum(r.amount)::numeric(25, 4), coalesce(sum(r.cost), 0)::numeric(25, 4), count(*)::int,
       (count(*) FILTER (WHERE r.cost IS NULL))::int, bool_or(r.amount > 0)
FROM {LEDGER} r {{joined}}
WHERE r.withdrawn_at IS NULL
GROUP BY 1, 2, 3, 4, 5
"""
# By account and day, so that rows lie as they are read and the key grows at its end.
INSERT = f"INSERT INTO {TABLE} ({', '.join(COLUMNS)}) {{summed}} ORDER BY 1, 2"
SAME_DAY = """
{one}.account_id = t.account_id AND {one}.{day} = t.booked_on AND {one}.currency = t.currency AND {one}.basis = t.basis
"""


def refresh_touched(sender: object = None, *, touched_table: str, **_kwargs: object) -> None:
    """Bring the days in ``touched_table`` up to date, inside the caller's transaction."""
    touched = connection.ops.quote_name(touched_table)
    joined = f"JOIN {touched} t ON {SAME_DAY.format(one='r', day='booked_on')}"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} p USING {touched} t WHERE {SAME_DAY.format(one='p', day='day')}")
        cursor.execute(INSERT.format(summed=SUMMED.format(joined=joined)))
        if cursor.rowcount > MANY_ROWS:
            cursor.execute(f"ANALYZE {TABLE}")


@transaction.atomic
def rebuild() -> int:
    """Sum up every day anew; returns the rows there are then."""
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE}")
        cursor.execute(INSERT.format(summed=SUMMED.format(joined="")))
        rows = int(cursor.rowcount)
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
