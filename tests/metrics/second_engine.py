"""Bridge, cohorts and concentration of the Online Retail II files, against another engine that reads the same files by itself.

``assert_agreement()`` reads the ledger of the connected database; a test imports both files first and then calls it.
"""

from collections import defaultdict
from contextlib import contextmanager

import pytest

from accounts.models import Account
from crm.lib.periods import parse_period
from metrics.services.cohorts import cohorts
from metrics.services.concentration import concentration
from metrics.services.portfolio import bridge
from metrics.services.trend import Interval
from tests.accounts.imports.helpers import ONLINE_RETAIL

FILES = [ONLINE_RETAIL / f"year-{years}.csv.gz" for years in ("2009-2010", "2010-2011")]
EXACT = 1e-9

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

CONCENTRATION = """
WITH totals AS (
    SELECT customer, CAST(sum(amount) AS DOUBLE) AS revenue FROM ledger
    WHERE day >= '$first' AND day < '$end' GROUP BY customer
), ranked AS (
    SELECT revenue, row_number() OVER (ORDER BY revenue DESC) AS place, row_number() OVER (ORDER BY revenue) AS rising,
           count(*) OVER () AS n, sum(revenue) OVER () AS whole
    FROM totals WHERE revenue > 0
)
SELECT any_value(n), sum(revenue) FILTER (WHERE place <= 1) / any_value(whole),
       sum(revenue) FILTER (WHERE place <= 5) / any_value(whole), sum(revenue) FILTER (WHERE place <= 10) / any_value(whole),
       sum(revenue) FILTER (WHERE place <= ceil(n / 5.0)) / any_value(whole), sum((revenue / whole) ** 2),
       1 / sum((revenue / whole) ** 2), sum((2 * rising - n - 1) * revenue / (n * whole))
FROM ranked
"""
# Every line of the bridge by its definition, one CASE each; the account is new where its first positive line is not older
# than the end of the base.
BRIDGE = """
WITH windows AS (
    SELECT customer, coalesce(sum(amount) FILTER (WHERE day >= '$first' AND day < '$middle'), 0) AS b,
           coalesce(sum(amount) FILTER (WHERE day >= '$middle' AND day < '$end'), 0) AS c,
           min(day) FILTER (WHERE amount > 0) AS came
    FROM ledger GROUP BY customer
), placed AS (
    SELECT *, CASE WHEN b > 0 AND c > b THEN 'expansion' WHEN b > 0 AND c > 0 AND c < b THEN 'contraction'
                   WHEN b > 0 AND c <= 0 THEN 'churned' WHEN b <= 0 AND c > 0 AND came < '$middle' THEN 'reactivated'
                   WHEN b <= 0 AND c > 0 THEN 'new' ELSE '' END AS line
    FROM windows
)
SELECT line, sum(CASE line WHEN 'churned' THEN -b WHEN 'reactivated' THEN c WHEN 'new' THEN c ELSE c - b END), count(*)
FROM placed WHERE line <> '' GROUP BY line
UNION ALL
SELECT 'adjustment', sum(least(c, 0) - least(b, 0)), count(*) FILTER (WHERE least(c, 0) <> least(b, 0)) FROM windows
UNION ALL SELECT 'opening', sum(b), count(*) FILTER (WHERE b > 0) FROM windows
UNION ALL SELECT 'closing', sum(c), count(*) FILTER (WHERE c > 0) FROM windows
"""
SHARES = (
    "accounts",
    "top_1_share",
    "top_5_share",
    "top_10_share",
    "top_20_percent_share",
    "hhi",
    "effective_accounts",
    "gini",
)


def assert_agreement():
    """Cohort matrix by every interval and concentration by every year: no difference beyond EXACT."""
    assert_cohorts()
    assert_concentration()
    assert_bridge()


def assert_bridge():
    """Every line to the last digit, with its accounts, for two years and for two quarters that follow each other."""
    for labels in (("2009-12..2010-11", "2010-12..2011-11"), ("2011-Q1", "2011-Q2")):
        base, comparison = map(parse_period, labels)
        found = bridge(Account.objects.all(), base=base, comparison=comparison)
        dates = {"$first": base.start, "$middle": base.end, "$end": comparison.end}
        sql = BRIDGE
        for name, day in dates.items():
            sql = sql.replace(name, str(day))
        with connected("month") as connection:
            expected = {line: (amount, count) for line, amount, count in connection.execute(sql).fetchall()}
        bars = {line: (bar.amount, bar.accounts) for line, bar in found.bars.items()}
        assert bars == {line: expected.get(line, (0, 0)) for line in bars}
        assert len(expected) == 8


def assert_concentration():
    for label in ("2009-12..2010-11", "2010-12..2011-11", "2011-Q2"):
        period = parse_period(label)
        found = concentration(Account.objects.all(), period=period)
        with connected("month") as connection:
            dates = CONCENTRATION.replace("$first", str(period.start)).replace("$end", str(period.end))
            expected = connection.execute(dates).fetchone()
        assert [float(getattr(found, name)) for name in SHARES] == pytest.approx(expected, rel=EXACT, abs=EXACT)


@contextmanager
def connected(interval):
    """The other engine with the ledger as it reads the files."""
    import duckdb

    files = ", ".join(f"'{path.as_posix()}'" for path in FILES)
    with duckdb.connect() as connection:
        connection.execute(LEDGER.replace("$files", files).replace("$interval", interval))
        yield connection


def second_engine(interval):
    """(accounts by cohort, (active accounts, revenue) by cohort and age), cohorts by their first day."""
    with connected(interval) as connection:
        sizes = dict(connection.execute(SIZES).fetchall())
        cells = {
            (cohort, age): (active, revenue)
            for cohort, _period, age, active, revenue in connection.execute(
                CELLS.replace("$interval", interval)
            ).fetchall()
        }
    return sizes, cells


def by_day(key):
    """The first day of a cohort, whatever type the other engine gave it."""
    return key.date() if hasattr(key, "date") else key


def assert_cohorts():
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
