"""The cohort matrix of two years of a real wholesaler, against another engine that reads the same files by itself."""

import importlib.util
from collections import defaultdict

import pytest

from accounts.models import Account
from metrics.services.cohorts import cohorts
from metrics.services.trend import Interval
from tests.accounts.imports.helpers import ONLINE_RETAIL, imported

FILES = [ONLINE_RETAIL / f"year-{years}.csv.gz" for years in ("2009-2010", "2010-2011")]
EXACT = 1e-9
pytestmark = [
    pytest.mark.skipif(not FILES[0].exists(), reason="the Online Retail II files are not beside the project"),
    pytest.mark.skipif(importlib.util.find_spec("duckdb") is None, reason="DuckDB is not installed"),
]

# A row that both files hold counts once: the same content as often as in the file that has it most often.
LEDGER = """
CREATE TABLE raw AS
SELECT filename AS file, trim(Invoice) AS invoice, upper(trim(StockCode)) AS product, CAST(Quantity AS DECIMAL(18, 6)) AS quantity,
       CAST(InvoiceDate AS TIMESTAMP)::DATE AS day, CAST(Price AS DECIMAL(18, 6)) AS price, trim("Customer ID") AS customer
FROM read_csv([$files], header = true, all_varchar = true, filename = true, quote = '"', escape = '"')
WHERE coalesce(trim("Customer ID"), '') <> '';

CREATE TABLE ledger AS
SELECT DISTINCT invoice, product, quantity, day, price, customer, occurrence, CAST(quantity * price AS DECIMAL(18, 4)) AS amount
FROM (SELECT *, row_number() OVER (PARTITION BY file, invoice, product, quantity, day, price, customer) AS occurrence FROM raw);

CREATE TABLE bought AS
SELECT customer, date_trunc('$interval', day) AS period, sum(amount) AS revenue FROM ledger GROUP BY ALL;

CREATE TABLE came_in AS
SELECT customer, date_trunc('$interval', min(day)) AS cohort FROM ledger WHERE amount > 0 GROUP BY customer;

-- An order: an invoice that is no credit note, on its first day, with a positive net of that day's lines.
CREATE TABLE active AS
SELECT DISTINCT customer, date_trunc('$interval', day) AS period
FROM (SELECT customer, invoice, day, sum(amount) AS net, min(day) OVER (PARTITION BY customer, invoice) AS first_day
      FROM ledger WHERE NOT starts_with(invoice, 'C') GROUP BY customer, invoice, day)
WHERE day = first_day AND net > 0;
"""
SIZES = "SELECT cohort, count(*) FROM came_in GROUP BY cohort"
CELLS = """
SELECT cohort, period, date_diff('$interval', cohort, period) AS age,
       (SELECT count(*) FROM active JOIN came_in USING (customer) WHERE came_in.cohort = c.cohort AND active.period = p.period),
       coalesce((SELECT sum(revenue) FROM bought JOIN came_in USING (customer)
                 WHERE came_in.cohort = c.cohort AND bought.period = p.period), 0)
FROM (SELECT DISTINCT cohort FROM came_in) AS c, (SELECT DISTINCT period FROM bought) AS p WHERE period >= cohort
"""


def second_engine(interval):
    """(accounts by cohort, (active accounts, revenue) by cohort and age), cohorts by their first day."""
    import duckdb

    def put(sql):
        files = ", ".join(f"'{path.as_posix()}'" for path in FILES)
        return sql.replace("$files", files).replace("$interval", interval)

    with duckdb.connect() as connection:
        connection.execute(put(LEDGER))
        sizes = dict(connection.execute(put(SIZES)).fetchall())
        cells = {
            (cohort, age): (active, revenue)
            for cohort, _period, age, active, revenue in connection.execute(put(CELLS)).fetchall()
        }
    return sizes, cells


def by_day(key):
    """The first day of a cohort, whatever type the other engine gave it."""
    return key.date() if hasattr(key, "date") else key


def test_cohort_matrix_of_online_retail_equals_that_of_duckdb(db):
    for file in FILES:
        imported(file, currency="")

    for interval in Interval:
        sizes, cells = second_engine(str(interval))
        sizes = {by_day(cohort): count for cohort, count in sizes.items()}
        cells = {(by_day(cohort), age): value for (cohort, age), value in cells.items()}
        for share_base in ("first_period", "first_full_period"):
            found = cohorts(Account.objects.all(), interval=interval, share_base=share_base)
            assert {one.period.start: one.accounts for one in found.cohorts if one.accounts} == sizes
            assert (found.currency, found.left_out_accounts) == ("GBP", 0)
            assert found.placed_accounts == sum(sizes.values())
            assert_same(found, cells, base_age=int(share_base == "first_full_period"))


def assert_same(found, cells, *, base_age):
    """Counts and money to the last digit, shares of every cell and of every age to EXACT."""
    sums, compared = defaultdict(lambda: [0, 0, 0.0, 0.0]), 0
    for one in found.cohorts:
        base = float(cells.get((one.period.start, base_age), (0, 0))[1])
        for cell in (cell for cell in one.cells if cell.is_finished):
            active, revenue = cells.get((one.period.start, cell.age), (0, 0))
            assert (cell.active, cell.revenue) == (active, revenue)
            for at, value in enumerate((active, one.accounts, float(revenue), base)):
                sums[cell.age][at] += value
            if one.accounts:
                assert cell.active_share == pytest.approx(active / one.accounts, abs=EXACT)
            if base > 0 and cell.age >= base_age:
                assert cell.revenue_share == pytest.approx(float(revenue) / base, abs=EXACT)
                compared += 1
    assert compared
    for age, (active, accounts, revenue, base) in sums.items():
        assert found.pooled[age].active_share == pytest.approx(active / accounts, abs=EXACT)
        if age >= base_age:
            assert found.pooled[age].revenue_share == pytest.approx(revenue / base, abs=EXACT)
