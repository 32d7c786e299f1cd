"""The night's figures of every account, for lists and exports: computed over all accounts at once, written by COPY."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from django.db import connections, transaction
from numpy.typing import NDArray

from accounts.models import Account
from crm.lib.periods import Period, add_months, prior_ttm, ttm
from metrics import frames
from metrics.binary import NO_DATE, Kind, send
from metrics.formulas.exact import UNITS_PER_ONE, FloatArray
from metrics.formulas.growth import growth_rate
from metrics.formulas.margin import gross_margin, gross_profit
from metrics.frames import LEDGER_START, Histories, Windows
from metrics.frames_contracts import contract_state
from metrics.scope import Scope, scope_of
from metrics.selectors import data_start
from metrics.services.lifetime import HORIZON_MONTHS, YEARLY_DISCOUNT, AccountLifetimes, account_lifetimes
from metrics.services.lifetime_contracts import contract_values
from metrics.services.lifetime_fit import FittedLifetime, fit_purchases, purchases_of, store_fit, with_draws
from metrics.services.lifetime_interval import ENDS, Outlook, of_the_night

SPARK_MONTHS = 12
NO_MONEY = -(2**63)  # ten-thousandths that stand for an unknown amount
LARGEST_AMOUNT = 9e14  # what ten-thousandths in 64 bits hold; above it the column is left empty
MONEY = ("ttm_revenue", "prior_ttm_revenue", "ttm_gross_profit")
LIFETIME = ("clv", "expected_revenue", "p_alive")
RATES = ("growth_rate", "margin", *LIFETIME, *ENDS)
SPARK = tuple(f"spark_{month:02}" for month in range(SPARK_MONTHS))
COLUMNS: dict[str, Kind] = {
    "account_id": "int8", "last_order_on": "date", "orders_ttm": "int4",
    **dict.fromkeys(MONEY, "int8"), **dict.fromkeys((*RATES, *SPARK), "float8"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrittenFigures:
    """What a run of ``write_account_figures`` did; accounts: those with a record."""

    accounts: int
    currency: str
    fit: FittedLifetime


@transaction.atomic
def write_account_figures(as_of: date, *, basis: str | None = None, currency: str | None = None) -> WrittenFigures:
    """Figures of every account as of one day, and the lifetime fit of that day; a repeat writes the same rows.

    Set-based: two reads of the roll-ups, one COPY into a temporary table, one statement into AccountFigures. Accounts
    without a record get a row with nothing in it. The refits behind the intervals take most of the time, a few seconds.
    """
    scope = scope_of(Account.objects.all(), basis=basis, currency=currency)
    year, before = ttm(as_of), prior_ttm(as_of)
    histories = frames.histories(scope, as_of=as_of)
    months = [Period(start, add_months(start, 1)) for start in year.month_starts]
    windows = frames.windows(
        scope, [year, Period(LEDGER_START, year.end), before], with_orders=True, with_cost=True, series=months
    )
    purchases = purchases_of(histories, as_of=as_of)
    fitted = fit_purchases(purchases, is_rate_missing=bool(histories.missing))
    fitted = with_draws(fitted, purchases, scope=scope, as_of=as_of)
    signed = contract_values(
        scope, histories.account_ids, as_of=as_of, horizon_months=HORIZON_MONTHS, discount=YEARLY_DISCOUNT
    )
    values = account_lifetimes(fitted, histories, windows, signed, as_of=as_of)
    ends, together = _intervals(scope, fitted, values, as_of)
    _write(scope, _rows(windows, histories, values, ends, before), as_of)
    store_fit(fitted, scope=scope, as_of=as_of, intervals=together)
    return WrittenFigures(accounts=len(windows.spans.account_ids), currency=scope.currency, fit=fitted)


def _intervals(
    scope: Scope, fitted: FittedLifetime, values: AccountLifetimes, as_of: date
) -> tuple[dict[str, FloatArray], dict[str, Any] | None]:
    """(ends of each account, those of all together to be stored), by the draws of the fit; none where it has none."""
    if fitted.draws is None:
        return {}, None
    valued = values.valued(rests_on=contract_state(currency=scope.currency))
    return of_the_night(scope, valued, fitted.draws, Outlook(as_of, HORIZON_MONTHS, YEARLY_DISCOUNT))


def _rows(
    windows: Windows, histories: Histories, values: AccountLifetimes, ends: Mapping[str, FloatArray], before: Period
) -> dict[str, NDArray[Any]]:
    """One row an account with a record, columns as COLUMNS; windows are the TTM, all history, the prior TTM."""
    known = np.where(windows.is_missing, np.nan, windows.net)
    profit = gross_profit(known[:, 0], windows.cost[:, 0], windows.lines_without_cost[:, 0])
    growth = growth_rate(known[:, 2], known[:, 0])
    known_from = data_start()
    if known_from is None or before.start < known_from:
        growth = np.full(len(growth), np.nan)
    place = np.searchsorted(windows.spans.account_ids, histories.account_ids)
    last_order = np.full(len(known), NO_DATE, dtype=np.int64)
    last_order[place] = histories.last_order_on.astype("datetime64[D]").astype(np.int64)
    rows: dict[str, NDArray[Any]] = {
        "account_id": windows.spans.account_ids,
        "last_order_on": last_order,
        "orders_ttm": windows.orders[:, 0],
        "ttm_revenue": _units(known[:, 0]),
        "prior_ttm_revenue": _units(known[:, 2]),
        "ttm_gross_profit": _units(profit),
        "growth_rate": growth,
        "margin": gross_margin(known[:, 0], profit),
        **{name: windows.series[:, number] for number, name in enumerate(SPARK)},
    }
    for name in (*LIFETIME, *ENDS):
        rows[name] = np.full(len(known), np.nan)
        rows[name][place] = getattr(values, name) if name in LIFETIME else ends.get(name, np.nan)
    return rows


def _write(scope: Scope, rows: dict[str, NDArray[Any]], as_of: date) -> None:
    wire = {"int8": "bigint", "int4": "int", "float8": "float8", "date": "int"}
    columns = ", ".join(f"{name} {wire[kind]}" for name, kind in COLUMNS.items())
    with connections[scope.using].cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS fresh_figures")
        cursor.execute(f"CREATE TEMP TABLE fresh_figures ({columns}) ON COMMIT DROP")
        send("fresh_figures", rows, COLUMNS, using=scope.using)
        cursor.execute("ANALYZE fresh_figures")
        cursor.execute(UPSERT, [as_of, scope.currency])
        cursor.execute("DROP TABLE fresh_figures")


def _upsert() -> str:
    """From the temporary table into AccountFigures; only rows that differ are touched."""
    known = {name: f"CASE WHEN f.account_id IS NULL THEN 0 WHEN f.{name} <> {NO_MONEY} THEN f.{name}" for name in MONEY}
    values = {
        "account_id": "a.id", "as_of": "%s::date", "currency": "%s",
        **{name: f"({case}::numeric / {UNITS_PER_ONE} END)::numeric(25, 4)" for name, case in known.items()},
        **{name: f"nullif(f.{name}, 'NaN')" for name in RATES},
        "last_order_on": f"date '1970-01-01' + nullif(f.last_order_on, {NO_DATE})",
        "orders_ttm": "coalesce(f.orders_ttm, 0)",
        "spark": f"ARRAY[{', '.join(f'coalesce(f.{name}, 0)' for name in SPARK)}]",
    }  # fmt: skip
    own = [name for name in values if name != "account_id"]
    return (
        f"INSERT INTO metrics_accountfigures AS kept ({', '.join(values)}) SELECT {', '.join(values.values())}"
        " FROM accounts_account a LEFT JOIN fresh_figures f ON f.account_id = a.id WHERE a.merged_into_id IS NULL"
        f" ON CONFLICT (account_id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in own)}"
        f" WHERE ({', '.join(f'kept.{name}' for name in own)})"
        f" IS DISTINCT FROM ({', '.join(f'excluded.{name}' for name in own)})"
    )


UPSERT = _upsert()


def _units(amounts: FloatArray) -> NDArray[np.int64]:
    """Ten-thousandths, NO_MONEY where the amount is unknown or beyond LARGEST_AMOUNT."""
    is_known = np.abs(amounts) < LARGEST_AMOUNT  # false for NaN
    units = np.full(len(amounts), NO_MONEY, dtype=np.int64)
    units[is_known] = np.rint(amounts[is_known] * UNITS_PER_ONE).astype(np.int64)
    return units
