"""ProductDay → AccountProduct: what each account bought of each product, summed up once a night."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from crm.lib.periods import Period, prior_ttm, ttm
from metrics.binary import FOR_LARGE_READS
from metrics.models import ProductNight
from metrics.models_products import NO_PRODUCT
from metrics.product_days import TABLE as DAYS
from metrics.rollup import MANY_ROWS

TABLE = "metrics_accountproduct"
KEY = ("account_id", "product_id", "currency", "basis")
SUMS = (
    "ttm_net", "ttm_cost", "ttm_lines", "ttm_lines_without_cost", "prior_net", "prior_lines", "first_bought_on",
    "last_bought_on",
)  # fmt: skip

# The table may be empty when it was last looked at, and a nested loop over it then takes hours; merging reads an index in
# random order.
HASH_JOINS = "SET LOCAL enable_nestloop = off; SET LOCAL enable_mergejoin = off"
# One pass over the days of products. Rows that are the same stay untouched; rows the ledger no longer gives are removed.
STATEMENT = f"""
WITH fresh AS MATERIALIZED (
    SELECT account_id, product_key AS product_id, currency, basis,
           coalesce(sum(net) FILTER (WHERE is_year), 0)::numeric(25, 4) AS ttm_net,
           coalesce(sum(cost) FILTER (WHERE is_year), 0)::numeric(25, 4) AS ttm_cost,
           coalesce(sum(lines) FILTER (WHERE is_year), 0)::int AS ttm_lines,
           coalesce(sum(lines_without_cost) FILTER (WHERE is_year), 0)::int AS ttm_lines_without_cost,
           coalesce(sum(net) FILTER (WHERE is_before), 0)::numeric(25, 4) AS prior_net,
           coalesce(sum(lines) FILTER (WHERE is_before), 0)::int AS prior_lines,
           min(day) FILTER (WHERE has_positive) AS first_bought_on,
           max(day) FILTER (WHERE has_positive) AS last_bought_on
    FROM {DAYS} p
    CROSS JOIN LATERAL (
        SELECT day >= %s AND day < %s AS is_year, day >= %s AND day < %s AS is_before
    ) AS falls
    WHERE product_key <> {NO_PRODUCT} AND day <= %s {{only}}
    GROUP BY 1, 2, 3, 4
), gone AS (
    DELETE FROM {TABLE} t WHERE {{scope}} AND NOT EXISTS (
        SELECT 1 FROM fresh f WHERE {" AND ".join(f"f.{name} = t.{name}" for name in KEY)}
    )
    RETURNING 1
), changed AS (
    SELECT f.* FROM fresh f LEFT JOIN {TABLE} t ON {" AND ".join(f"f.{name} = t.{name}" for name in KEY)}
    WHERE t.id IS NULL OR ({", ".join(f"t.{name}" for name in SUMS)}) IS DISTINCT FROM ({", ".join(f"f.{name}" for name in SUMS)})
), written AS (
    INSERT INTO {TABLE} ({", ".join((*KEY, *SUMS))}) SELECT {", ".join((*KEY, *SUMS))} FROM changed
    ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in SUMS)}
    RETURNING 1
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
"""


@transaction.atomic
def write_account_products(as_of: date) -> int:
    """Sum up every account's products as of one day, in one statement; returns the rows there are then.

    A repeat on the same ledger and day writes nothing; another day writes the rows it changes.
    """
    return _write(as_of, STATEMENT.format(only="", scope="true"), [])


@transaction.atomic
def refresh_account_products(as_of: date, *, account_ids: Sequence[int]) -> int:
    """The same for some accounts alone; returns their rows."""
    statement = STATEMENT.format(only="AND p.account_id = ANY(%s)", scope="t.account_id = ANY(%s)")
    return _write(as_of, statement, [list(account_ids)])


def _write(as_of: date, statement: str, only: list[Any]) -> int:
    year, before = ttm(as_of), prior_ttm(as_of)
    params: list[Any] = [*_ends(year), *_ends(before), as_of, *only, *only]
    with connection.cursor() as cursor:
        cursor.execute(f"{FOR_LARGE_READS}; {HASH_JOINS}")
        cursor.execute(statement, params)
        rows, changed = cursor.fetchone()
        if changed > MANY_ROWS:
            cursor.execute(f"ANALYZE {TABLE}")
    _note(as_of, is_changed=bool(changed))
    return int(rows)


def _note(as_of: date, *, is_changed: bool) -> None:
    """Keep of which day the rows are, and when they last changed."""
    now = timezone.now()
    known = {"as_of": as_of} | ({"written_at": now} if is_changed else {})
    ProductNight.objects.update_or_create(pk=1, defaults=known, create_defaults={"as_of": as_of, "written_at": now})


def _ends(period: Period) -> tuple[date, date]:
    return period.start, period.end
