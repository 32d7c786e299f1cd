"""P4: the portfolio dashboard, against live GROUP BY over the revenue table and DuckDB over the same rows in memory.

Both references compute what the dashboard says of figures, tiers, whitespace and risk in the same run; ours reads what
postings and nights have left. The goals are stated for L. A figure counts only if all three name the same money to the
cent and the same accounts. What a posting costs the first reader is measured by the benchmark of the pages.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.bench.bench_list import AS_OF, Pages, company
from tests.bench.bench_retier import Night
from tests.bench.harness import compare, database, note

GOAL_LIVE, GOAL_DUCKDB, GOAL_PAGE_SECONDS = 500, 50, 0.008
YEARS = {"before": date(2023, 1, 1), "year": date(2024, 1, 1), "end": date(2025, 1, 1)}
COLUMNS = "account_id, product_id, booked_on, amount"
# One pass over the rows for figures, tiers and risk, one for what each account buys: the same words for both engines.
FIGURES = """
WITH sums AS (
    SELECT account_id, coalesce(sum(amount) FILTER (WHERE booked_on < DATE '{year}'), 0) AS base,
           coalesce(sum(amount) FILTER (WHERE booked_on >= DATE '{year}'), 0) AS comparison
    FROM {ledger} WHERE booked_on >= DATE '{before}' AND booked_on < DATE '{end}' GROUP BY account_id
)
SELECT a.grade, count(*), sum(base), sum(comparison), coalesce(sum(base) FILTER (WHERE base > 0), 0),
       coalesce(sum(comparison) FILTER (WHERE base > 0), 0),
       count(*) FILTER (WHERE base > 0 AND comparison <= 0.7 * base AND a.grade NOT IN ('problem', 'not_graded'))
FROM sums JOIN {accounts} AS a ON a.id = sums.account_id GROUP BY a.grade
"""
BOUGHT = """
SELECT count(*), sum(net) FROM (
    SELECT account_id, product_id, sum(amount) AS net FROM {ledger}
    WHERE booked_on >= DATE '{year}' AND booked_on < DATE '{end}' GROUP BY account_id, product_id
) AS bought
"""
MOVED = """
SELECT count(*) FILTER (WHERE before.grade = later.grade), count(*)
FROM tiering_gradeperiod AS before JOIN tiering_gradeperiod AS later USING (account_id)
WHERE before.valid_from <= %(first)s AND coalesce(before.valid_to, 'infinity') > %(first)s
  AND later.valid_from <= %(last)s AND coalesce(later.valid_to, 'infinity') > %(last)s
  AND before.grade <> 'not_graded' AND later.grade <> 'not_graded'
"""
NEXT_NIGHT = AS_OF + timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What all three must agree on: revenue by grade, totals, the same customers, declines, and what products brought."""

    by_grade: dict[str, Decimal]
    base: Decimal
    comparison: Decimal
    cohort_base: Decimal
    cohort_comparison: Decimal
    declines: int
    of_products: Decimal


def run(size: str) -> None:
    with database():
        from metrics.product_rollup import write_account_products

        company(size)
        write_account_products(AS_OF)
        Night(NEXT_NIGHT)
        pages = Pages()
        pages.get("/")  # a new ledger: the tick prepares it, nobody reads it cold
        with tempfile.TemporaryDirectory() as folder:
            duck = Duck(Path(folder) / "ledger.csv")
        expected = live()
        assert duck.portfolio() == expected, "DuckDB and PostgreSQL name other figures"
        check(expected)
        for name, reference, goal in (
            ("live GROUP BY", live, GOAL_LIVE), ("DuckDB in memory", duck.portfolio, GOAL_DUCKDB)
        ):  # fmt: skip
            compare("dashboard page", ours=lambda: pages.get("/"), reference=reference, at_least=goal,
                    reference_name=f"{name} (goal stated for 1M accounts)")  # fmt: skip
        seconds, statements = pages.measure("/")
        verdict = "met" if seconds <= GOAL_PAGE_SECONDS else "MISSED"
        note(f"page {seconds * 1000:.1f} ms, {statements} statements, goal ≤ {GOAL_PAGE_SECONDS * 1000:g} ms {verdict}")
        for name, answer in answers().items():
            compare(f"answer: {name}", ours=answer, reference=live, reference_name="all of live GROUP BY")


def answers() -> dict[str, Any]:
    """The parts of the dashboard, each by the service that answers it; the page shows all of them but two."""
    from accounts.models import Account
    from crm.pipeline import _usual_view
    from metrics.services.summary import portfolio_summary
    from metrics.services.whitespace import whitespace
    from tiering.migration import migration_matrix
    from tiering.selectors import grade_totals, needs_attention, of_the_night

    accounts, view = Account.objects.all(), _usual_view()
    return {
        "figures": lambda: portfolio_summary(accounts, **view),
        "tiers": lambda: of_the_night("grades", accounts, lambda: grade_totals(accounts)),
        "whitespace": lambda: whitespace(accounts),
        "migration matrix": lambda: migration_matrix(accounts, first=AS_OF, last=NEXT_NIGHT),
        "risk": lambda: needs_attention(accounts, limit=10),
    }


def live() -> Portfolio:
    from django.db import connection

    names = {"ledger": "accounts_revenuerecord", "accounts": "accounts_account", **YEARS}
    with connection.cursor() as cursor:
        cursor.execute(FIGURES.format(**names))
        rows = cursor.fetchall()
        cursor.execute(BOUGHT.format(**names))
        return _portfolio(rows, cursor.fetchone())


class Duck:
    """The ledger and the grades in DuckDB, in memory; loading them is not timed."""

    def __init__(self, path: Path) -> None:
        import duckdb
        from django.db import connection

        self.engine = duckdb.connect(config={"threads": 2})
        for table, columns, types in (
            ("ledger", f"{COLUMNS} FROM accounts_revenuerecord", "account_id BIGINT, product_id BIGINT, booked_on DATE, amount DECIMAL(18, 4)"),
            ("accounts", "id, grade FROM accounts_account", "id BIGINT, grade VARCHAR"),
        ):  # fmt: skip
            with connection.cursor() as cursor, path.open("wb") as file:
                cursor.copy_expert(f"COPY (SELECT {columns}) TO STDOUT (FORMAT csv)", file)
            self.engine.execute(f"CREATE TABLE {table} ({types})")
            self.engine.execute(f"COPY {table} FROM '{path}' (FORMAT csv, HEADER false)")

    def portfolio(self) -> Portfolio:
        names = {"ledger": "ledger", "accounts": "accounts", **YEARS}
        rows = self.engine.execute(FIGURES.format(**names)).fetchall()
        return _portfolio(rows, self.engine.execute(BOUGHT.format(**names)).fetchone())


def _portfolio(rows: list[Any], bought: Any) -> Portfolio:
    columns = list(zip(*rows, strict=True))
    sums = [sum(values, Decimal(0)) for values in columns[2:6]]
    return Portfolio(
        by_grade={row[0]: row[3] for row in rows}, base=sums[0], comparison=sums[1], cohort_base=sums[2],
        cohort_comparison=sums[3], declines=sum(columns[6]), of_products=bought[1],
    )  # fmt: skip


def check(expected: Portfolio) -> None:
    """Ours against the live sums, to the cent."""
    from django.db import connection

    from accounts.models import Account
    from tiering.selectors import BIG_DECLINE

    ours = {name: answer() for name, answer in answers().items()}
    growth, gaps, moved = ours["figures"].growth, ours["whitespace"], ours["migration matrix"]
    assert (growth.total_base_revenue, growth.total_comparison_revenue) == (expected.base, expected.comparison)
    assert (growth.base_revenue, growth.comparison_revenue) == (expected.cohort_base, expected.cohort_comparison)
    tiers = {total.grade: total.revenue for total in ours["tiers"] if total.grade in expected.by_grade}
    assert tiers == expected.by_grade, "revenue by grade differs"
    assert Decimal(str(round(gaps.table.columns["ttm_revenue"].sum(), 2))) == round(expected.of_products, 2)
    graded = Account.objects.exclude(grade__in=["problem", "not_graded"])
    assert graded.filter(figures__growth_rate__lte=BIG_DECLINE).count() == expected.declines, "other declines"
    with connection.cursor() as cursor:
        cursor.execute(MOVED, {"first": AS_OF, "last": NEXT_NIGHT})
        assert cursor.fetchone() == (moved.same, moved.accounts), "other moves"
