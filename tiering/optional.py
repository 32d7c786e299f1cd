"""Indicators that no preset has and any model may take: what each counts, and its usual scale (domain.md 3.1).

All of them are better the higher they are. What is not known is missing, never 0:

- S4 own turnover: of the account's record, for a year that is over and at most TURNOVER_YEARS old, at the rate of its last month
- S5 lifetime value: in ``lifetime_value``, as it takes a model of all accounts
- V4 referrals: customers that name the account as who recommended us; missing for all where nobody records any
- L7 product breadth: different products on positive lines of the last 12 whole months; missing where lines name none
- L8 renewal rate: contracts that ended within RENEWAL_MONTHS, or were cancelled, and were followed by another one; missing
  where none has ended, or the time to follow is not over
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, timedelta
from types import MappingProxyType

import numpy as np

from accounts.enums import SIGNED_CONTRACT_STATUSES, ContractStatus
from accounts.models import Account
from crm.lib.periods import add_months
from metrics.binary import Kind, as_sql, fetch
from metrics.formulas.renewals import GRACE_DAYS
from metrics.rates import rate_book
from tiering.design import Anchors
from tiering.enums import IndicatorCode
from tiering.facts import USING
from tiering.grouping import Ints, places_of
from tiering.scoring import Floats

TURNOVER_YEARS = 3
RENEWAL_MONTHS = 24
MILLION = 1_000_000
# A draft may change them like any scale; money is in the currency of the model.
USUAL_SCALES: MappingProxyType[str, Anchors] = MappingProxyType(
    {
        IndicatorCode.S4: (
            (0, 0),
            (10 * MILLION, 20),
            (100 * MILLION, 50),
            (1_000 * MILLION, 80),
            (10_000 * MILLION, 100),
        ),
        # Two and a half years of the gross profit that S2 asks for: three years, discounted at 10 %.
        IndicatorCode.S5: (
            (0, 0),
            (0.75 * MILLION, 20),
            (3.75 * MILLION, 50),
            (15 * MILLION, 75),
            (37.5 * MILLION, 90),
            (75 * MILLION, 100),
        ),
        IndicatorCode.V4: ((0, 0), (1, 40), (3, 70), (5, 100)),
        IndicatorCode.L7: ((0, 0), (1, 20), (3, 50), (6, 80), (10, 100)),
        IndicatorCode.L8: ((0, 0), (0.5, 30), (0.8, 70), (1, 100)),
    }
)
RENEWALS = """
WITH known AS (
    SELECT account_id, id, starts_on, ends_on, status, coalesce(least(cancelled_on, ends_on), ends_on, cancelled_on) AS last_on
    FROM accounts_contract
    WHERE status = ANY(%s) AND starts_on IS NOT NULL AND coalesce(signed_on, starts_on) <= %s
), ended AS (
    SELECT k.account_id, k.last_on, EXISTS (
        SELECT 1 FROM known n WHERE n.account_id = k.account_id AND n.id <> k.id AND n.status = ANY(%s)
        AND n.starts_on > k.starts_on AND n.starts_on BETWEEN k.last_on - %s AND k.last_on + %s
        AND (n.ends_on IS NULL OR n.ends_on > k.last_on)
    ) AS is_followed
    FROM known k WHERE k.last_on > %s AND k.last_on <= %s
)
SELECT account_id, avg(is_followed::int)::float8 AS share FROM ended WHERE is_followed OR last_on <= %s GROUP BY account_id
"""
REFERRALS = """
SELECT coalesce(by.merged_into_id, by.id) AS account_id, count(DISTINCT s.account_id) AS referred
FROM accounts_account a JOIN accounts_account by ON by.id = a.referred_by_id
LEFT JOIN metrics_accountspan s ON s.account_id = coalesce(a.merged_into_id, a.id) AND s.basis = %s AND s.first_revenue_on <= %s
GROUP BY 1
"""


def measured(
    codes: Collection[str], ids: Ints, *, as_of: date, basis: str, currency: str, bought: Floats, revenue: Floats
) -> dict[str, Floats]:
    """Code → value of the optional indicators among ``codes``; each costs a query or two, the others nothing.

    bought, revenue : different products and net revenue of the last 12 whole months, (n,)
    """
    found: dict[str, Floats] = {}
    if IndicatorCode.S4 in codes:
        found[IndicatorCode.S4] = _own_turnover(ids, as_of=as_of, currency=currency)
    if IndicatorCode.V4 in codes:
        found[IndicatorCode.V4] = _referrals(ids, as_of=as_of, basis=basis)
    if IndicatorCode.L7 in codes:
        found[IndicatorCode.L7] = np.where((bought == 0) & (revenue != 0), np.nan, bought)
    if IndicatorCode.L8 in codes:
        found[IndicatorCode.L8] = _renewals(ids, as_of=as_of)
    return found


def _own_turnover(ids: Ints, *, as_of: date, currency: str) -> Floats:
    """What each customer sells a year itself, in the currency of the model; NaN without a recent year or its rate."""
    last_year = as_of.year if (as_of.month, as_of.day) == (12, 31) else as_of.year - 1
    kept = Account.objects.filter(
        turnover__isnull=False, turnover_year__gt=last_year - TURNOVER_YEARS, turnover_year__lte=last_year
    )
    pairs = sorted(set(kept.values_list("turnover_currency", "turnover_year")))
    first, last = date(last_year - TURNOVER_YEARS + 1, 12, 1), date(last_year, 12, 31)
    book = rate_book(currency, currencies=[code for code, _year in pairs], first=first, last=last)
    rates = [(code, year, book.of_month(code, date(year, 12, 1))) for code, year in pairs]
    known = [list(column) for column in zip(*rates, strict=True)] if rates else [[], [], []]
    sql = (
        f"SELECT {as_sql('a.id', 'int8')}, {as_sql('round(a.turnover * r.rate, 4)', 'float8')} FROM accounts_account a"
        " JOIN unnest(%s::text[], %s::int[], %s::numeric[]) AS r(currency, year, rate)"
        " ON r.currency = a.turnover_currency AND r.year = a.turnover_year"
        " WHERE a.turnover IS NOT NULL AND a.merged_into_id IS NULL"
    )
    columns: dict[str, Kind] = {"account_id": "int8", "value": "float8"}
    return _placed(fetch(sql, known, columns, using=USING), ids, nothing=np.nan)


def _referrals(ids: Ints, *, as_of: date, basis: str) -> Floats:
    """Customers with revenue by the as-of whom each account recommended us to."""
    columns: dict[str, Kind] = {"account_id": "int8", "value": "float8"}
    sql = f"SELECT {as_sql('f.account_id', 'int8')}, {as_sql('f.referred::float8', 'float8')} FROM ({REFERRALS}) AS f"
    rows = fetch(sql, [basis, as_of], columns, using=USING)
    return _placed(rows, ids, nothing=0.0 if len(rows["value"]) else np.nan)


def _renewals(ids: Ints, *, as_of: date) -> Floats:
    """Share of the contracts that ended, of those that were followed or whose time to be followed is over."""
    columns: dict[str, Kind] = {"account_id": "int8", "value": "float8"}
    sql = f"SELECT {as_sql('f.account_id', 'int8')}, {as_sql('f.share', 'float8')} FROM ({RENEWALS}) AS f"
    signed = sorted(SIGNED_CONTRACT_STATUSES)
    params = [
        *([*signed, ContractStatus.CANCELLED], as_of),
        *(signed, GRACE_DAYS, GRACE_DAYS),
        *(add_months(as_of, -RENEWAL_MONTHS), as_of, as_of - timedelta(days=GRACE_DAYS)),
    ]
    return _placed(fetch(sql, params, columns, using=USING), ids, nothing=np.nan)


def _placed(rows: dict[str, np.ndarray], ids: Ints, *, nothing: float) -> Floats:
    """Values at the places of their accounts; accounts that are not among ``ids`` are left out."""
    found = np.full(len(ids), nothing)
    here = np.isin(rows["account_id"], ids)
    found[places_of(rows["account_id"][here], among=ids)] = rows["value"][here]
    return found
