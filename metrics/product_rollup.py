"""RevenueRecord → AccountProduct: what each account bought of each product, summed up once a night from the ledger."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from crm.lib.periods import Period, prior_ttm, ttm
from metrics.binary import FOR_LARGE_READS
from metrics.models import ProductNight
from metrics.rollup import LEDGER, MANY_ROWS

TABLE = "metrics_accountproduct"
KEY = ("account_id", "product_id", "currency", "basis")
SUMS = (
    "ttm_net", "ttm_cost", "ttm_lines", "ttm_lines_without_cost", "prior_net", "prior_lines", "first_bought_on",
    "last_bought_on", "as_of",
)  # fmt: skip

# One pass over the counting lines. Rows that are the same stay untouched; rows the ledger no longer gives are removed.
STATEMENT = f"""
WITH fresh AS (
    SELECT {", ".join(KEY)},
           coalesce(sum(amount) FILTER (WHERE is_year), 0)::numeric(25, 4) AS ttm_net,
           coalesce(sum(cost) FILTER (WHERE is_year), 0)::numeric(25, 4) AS ttm_cost,
           (count(*) FILTER (WHERE is_year))::int AS ttm_lines,
           (count(*) FILTER (WHERE is_year AND cost IS NULL))::int AS ttm_lines_without_cost,
           coalesce(sum(amount) FILTER (WHERE is_before), 0)::numeric(25, 4) AS prior_net,
           (count(*) FILTER (WHERE is_before))::int AS prior_lines,
           min(booked_on) FILTER (WHERE amount > 0) AS first_bought_on,
           max(booked_on) FILTER (WHERE amount > 0) AS last_bought_on,
           %s::date AS as_of
    FROM {LEDGER} r
    CROSS JOIN LATERAL (
        SELECT booked_on >= %s AND booked_on < %s AS is_year, booked_on >= %s AND booked_on < %s AS is_before
    ) AS falls
    WHERE withdrawn_at IS NULL AND product_id IS NOT NULL AND booked_on <= %s
    GROUP BY {", ".join(KEY)}
), gone AS (
    DELETE FROM {TABLE} t WHERE NOT EXISTS (
        SELECT 1 FROM fresh f WHERE {" AND ".join(f"f.{name} = t.{name}" for name in KEY)}
    )
    RETURNING 1
), written AS (
    INSERT INTO {TABLE} AS kept ({", ".join((*KEY, *SUMS))}) SELECT {", ".join((*KEY, *SUMS))} FROM fresh
    ON CONFLICT ({", ".join(KEY)}) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in SUMS)}
    WHERE ({", ".join(f"kept.{name}" for name in SUMS)}) IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in SUMS)})
    RETURNING 1
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM gone) + (SELECT count(*) FROM written)
"""


@transaction.atomic
def write_account_products(as_of: date) -> int:
    """Sum up every account's products as of one day, in one statement; returns the rows there are then.

    A repeat on the same ledger and day writes nothing.
    """
    year, before = ttm(as_of), prior_ttm(as_of)
    params: list[Any] = [as_of, *_ends(year), *_ends(before), as_of]
    with connection.cursor() as cursor:
        cursor.execute(FOR_LARGE_READS)
        cursor.execute(STATEMENT, params)
        rows, changed = cursor.fetchone()
        if changed > MANY_ROWS:
            cursor.execute(f"ANALYZE {TABLE}")
    if changed:
        ProductNight.objects.update_or_create(pk=1, defaults={"as_of": as_of, "written_at": timezone.now()})
    return int(rows)


def _ends(period: Period) -> tuple[date, date]:
    return period.start, period.end
