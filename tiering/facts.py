"""What an evaluation reads: one set-based query a question over all accounts, as arrays."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import QuerySet
from django.utils import timezone
from numpy.typing import NDArray

from accounts.enums import SIGNED_CONTRACT_STATUSES, ContractStatus, EvaluatorFunction, RatingIndicator, TeamRole
from accounts.models import Account, Receivable, RevenueRecord, WalletEstimate
from accounts.querysets import AccountQuerySet
from metrics.binary import Kind, as_sql, fetch
from metrics.models_products import NO_PRODUCT
from metrics.rates import closing_rates, rate_book
from metrics.scope import Scope, lines
from metrics.selectors import currencies_in_view
from service.enums import GRIEVANCES, Severity
from tiering.grading import FLAG_DTYPE, GRADE_CODES, Flag
from tiering.grouping import Ints
from tiering.scoring import Bools, Floats
from tiering.windows import Windows

USING = "default"
Dates = NDArray[np.datetime64]
RELIEF_DAYS = 180  # domain.md 3.5: how long an expired rating or estimate still holds the current grade


@dataclass(frozen=True, slots=True)
class Standing:
    """The grade columns of the accounts as the last published night left them.

    shown, underlying : number in GRADE_CODES, 0 none; composite NaN for none; is_graded : some night has written them
    """

    shown: Ints
    underlying: Ints
    composite: Floats
    is_watched: Bools
    is_graded: Bools


@dataclass(frozen=True, slots=True)
class People:
    """Every account, ascending by id: hard signals that stand on the account, whether contracts were signed, and whether an
    approved plan covers the day."""

    ids: Ints
    flags: NDArray[np.int64]
    before_data_start: Bools
    opened_on: Dates
    first_revenue_on: Dates
    signed: Bools
    running: Bools
    planned: Bools
    standing: Standing


@dataclass(frozen=True, slots=True)
class MonthLines:
    """Roll-up rows in the model's currency: account, month (or day), money with NaN where a rate is missing."""

    account_ids: Ints
    days: Dates
    net: Floats
    cost: Floats
    lines_without_cost: Ints
    orders: Ints


@dataclass(frozen=True, slots=True)
class RatingRows:
    """Ratings known at the as-of and not expired longer than RELIEF_DAYS, in order of account, indicator, evaluator,
    day. ``indicator`` is the position in INDICATORS, ``function`` that in FUNCTIONS.

    is_manager : the evaluator is the account's account manager at the as-of, or was on the day of the rating: who looks
    after an account speaks for it, also after a handover
    """

    account_ids: Ints
    indicator: Ints
    evaluator_ids: Ints
    score: Floats
    function: Ints
    is_manager: Bools
    is_unexpired: Bools


INDICATORS = tuple(RatingIndicator.values)
FUNCTIONS = tuple(EvaluatorFunction.values)


def grade_number(column: str) -> str:
    """SQL for the number of a stored grade code in GRADE_CODES; an empty one is 0."""
    return f"array_position(ARRAY[{', '.join(repr(code) for code in GRADE_CODES[1:])}]::text[], {column}::text)"


def everyone() -> AccountQuerySet:
    return Account.objects.all()


def whole_scope(*, basis: str, currency: str) -> Scope:
    """Every account, in one currency and on one basis."""
    accounts = everyone()
    return Scope(
        accounts=accounts,
        basis=basis,
        currency=currency,
        currencies=currencies_in_view(accounts, basis=basis),
        using=USING,
    )


def people(*, as_of: date, basis: str, only: Ints | None = None) -> People:
    """Accounts with their signals and spans; a first revenue after the as-of is none yet.

    only : ids of the accounts to read; those that are gone or merged are left out. Default all
    """
    signals = (
        f"CASE WHEN a.credit_stop_on <= %s OR a.litigation_on <= %s THEN {Flag.H3_CREDIT_OR_LITIGATION:d} ELSE 0 END"
        f" + CASE WHEN a.insolvency_on <= %s THEN {Flag.H4_INSOLVENT:d} ELSE 0 END"
    )
    columns: dict[str, Kind] = {
        "id": "int8", "flags": "int8", "before": "int4", "opened_on": "date", "first_revenue_on": "date",
        "signed": "int4", "running": "int4", "planned": "int4", "shown": "int4", "underlying": "int4", "composite": "float8",
        "watched": "int4", "graded": "int4",
    }  # fmt: skip
    sql = (
        f"SELECT {as_sql('a.id', 'int8')}, {as_sql(signals, 'int8')}, {as_sql('a.before_data_start::int', 'int4')},"
        f" {as_sql('a.opened_on', 'date')}, {as_sql('s.first_revenue_on', 'date')},"
        f" {as_sql('c.signed', 'int4')}, {as_sql('c.running', 'int4')},"
        f" {as_sql('(a.planned_from <= %s AND a.planned_until > %s)::int', 'int4')},"
        f" {as_sql(grade_number('a.grade'), 'int4')}, {as_sql(grade_number('a.underlying_grade'), 'int4')},"
        f" {as_sql('a.composite', 'float8')}, {as_sql('a.is_watched::int', 'int4')},"
        f" {as_sql('(a.graded_as_of IS NOT NULL)::int', 'int4')}"
        " FROM accounts_account a"
        " LEFT JOIN metrics_accountspan s ON s.account_id = a.id AND s.basis = %s AND s.first_revenue_on <= %s"
        " LEFT JOIN (SELECT account_id, 1 AS signed,"
        " bool_or(status = %s AND (ends_on IS NULL OR ends_on >= %s))::int AS running"
        " FROM accounts_contract WHERE status = ANY(%s)"
        f" AND coalesce(signed_on, starts_on, '-infinity') <= %s{among('account_id', only)}"
        " GROUP BY account_id) c ON c.account_id = a.id"
        f" WHERE a.merged_into_id IS NULL{among('a.id', only)} ORDER BY a.id"
    )
    signed, chosen = sorted(SIGNED_CONTRACT_STATUSES), these(only)
    params = [as_of, as_of, as_of, as_of, as_of, basis, as_of, ContractStatus.ACTIVE, as_of, signed, as_of]
    rows = fetch(sql, [*params, *chosen, *chosen], columns, using=USING)
    return People(
        ids=rows["id"],
        flags=rows["flags"].astype(FLAG_DTYPE),
        before_data_start=rows["before"] > 0,
        opened_on=rows["opened_on"],
        first_revenue_on=rows["first_revenue_on"],
        signed=rows["signed"] > 0,
        running=rows["running"] > 0,
        planned=rows["planned"] > 0,
        standing=Standing(
            shown=rows["shown"].astype(np.int64),
            underlying=rows["underlying"].astype(np.int64),
            composite=rows["composite"],
            is_watched=rows["watched"] > 0,
            is_graded=rows["graded"] > 0,
        ),
    )


def month_lines(scope: Scope, *, first: date, end: date, only: Ints | None = None) -> MonthLines:
    """The roll-up of first <= day < end (whole months), translated at dated rates where a currency is foreign.

    only : ids of the accounts to read, of one currency alone; default all
    """
    sql: str
    params: list[Any]
    if scope.is_translated:
        source = lines(scope, first=first, end=end)
        sql, params = source.sql, list(source.params)
    else:  # every account, one currency: no view to join, no rate
        sql, params = OWN_MONTHS, [scope.basis, first, end]
        sql, params = restricted(sql, params, "account_id", only)
    columns: dict[str, Kind] = {
        "account_id": "int8", "day": "date", "net": "float8", "cost": "float8", "without": "int4", "orders": "int4",
    }  # fmt: skip
    picked = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql('day', 'date')},"
        f" {as_sql('net', 'float8')}, {as_sql('cost', 'float8')},"
        f" {as_sql('lines_without_cost', 'int4')}, {as_sql('orders', 'int4')} FROM ({sql}) AS line"
    )
    rows = fetch(picked, params, columns, using=scope.using)
    return MonthLines(rows["account_id"], rows["day"], rows["net"], rows["cost"], rows["without"], rows["orders"])


OWN_MONTHS = (
    "SELECT account_id, month AS day, net, cost, lines_without_cost, orders FROM metrics_accountmonth"
    " WHERE basis = %s AND month >= %s AND month < %s"
)


def among(column: str, only: Ints | None) -> str:
    """A further condition for some accounts alone; its value comes from ``these``."""
    return "" if only is None else f" AND {column} = ANY(%s)"


def these(only: Ints | None) -> list[Any]:
    return [] if only is None else [only.tolist()]


def restricted(sql: str, params: list[Any], column: str, only: Ints | None) -> tuple[str, list[Any]]:
    """A statement that ends in its conditions, for some accounts alone where ``only`` names them."""
    return sql + among(column, only), [*params, *these(only)]


def order_days(*, as_of: date, basis: str, only: Ints | None = None) -> tuple[Ints, Dates]:
    """(account id, day) of every day with an order from 1970 up to and with the as-of; a day in two currencies comes
    twice. Days before 1970 have no number that could be part of a key."""
    sql = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql('day', 'date')} FROM metrics_accountday"
        " WHERE basis = %s AND orders > 0 AND day <= %s AND day >= '1970-01-01'"
    )
    sql, params = restricted(sql, [basis, as_of], "account_id", only)
    rows = fetch(sql, params, {"account_id": "int8", "day": "date"}, using=USING)
    return rows["account_id"], rows["day"]


def products_bought(*, windows: Windows, basis: str, only: Ints | None = None) -> tuple[Ints, Ints, Bools]:
    """(account id, product id, bought in the last 12 months rather than in the 12 before) of every day with a positive line."""
    sql = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql('product_key', 'int8')},"
        f" {as_sql('(day >= %s)::int', 'int4')} FROM metrics_productday"
        " WHERE basis = %s AND has_positive AND product_key <> %s AND day >= %s AND day < %s"
    )
    params: list[Any] = [windows.ttm.start, basis, NO_PRODUCT, windows.prior.start, windows.ttm.end]
    sql, params = restricted(sql, params, "account_id", only)
    columns: dict[str, Kind] = {"account_id": "int8", "product_id": "int8", "is_recent": "int4"}
    rows = fetch(sql, params, columns, using=USING)
    return rows["account_id"], rows["product_id"], rows["is_recent"] > 0


def ratings(*, as_of: date, only: Ints | None = None) -> RatingRows:
    """Ratings that count or hold a current grade at the as-of; one query.

    Who held the manager's seat twice brings a rating twice, side by side: whoever counts takes the last of each person.
    """
    columns: dict[str, Kind] = {
        "account_id": "int8", "indicator": "int4", "evaluator_id": "int8", "score": "float8", "function": "int4",
        "is_manager": "int4", "is_unexpired": "int4",
    }  # fmt: skip
    sql = (
        f"SELECT {as_sql('r.account_id', 'int8')}, {as_sql(_position('r.indicator', INDICATORS), 'int4')},"
        f" {as_sql('r.evaluator_id', 'int8')}, {as_sql('r.score::float8', 'float8')},"
        f" {as_sql(_position('r.function', FUNCTIONS), 'int4')}, {as_sql('(t.id IS NOT NULL)::int', 'int4')},"
        f" {as_sql('(r.expires_on > %s)::int', 'int4')}"
        " FROM accounts_rating r LEFT JOIN accounts_teammember t ON t.account_id = r.account_id"
        " AND t.user_id = r.evaluator_id AND t.role = %s AND NOT t.is_deputy"
        " AND (daterange(t.valid_from, t.valid_to) @> r.rated_on OR daterange(t.valid_from, t.valid_to) @> %s::date)"
        f" WHERE r.rated_on <= %s AND r.expires_on > %s{among('r.account_id', only)}"
        " ORDER BY r.account_id, r.indicator, r.evaluator_id, r.rated_on, r.id"
    )
    params = [as_of, TeamRole.ACCOUNT_MANAGER, as_of, as_of, as_of - timedelta(days=RELIEF_DAYS), *these(only)]
    rows = fetch(sql, params, columns, using=USING)
    return RatingRows(
        account_ids=rows["account_id"],
        indicator=rows["indicator"].astype(np.int64),
        evaluator_ids=rows["evaluator_id"],
        score=rows["score"],
        function=rows["function"].astype(np.int64),
        is_manager=rows["is_manager"] > 0,
        is_unexpired=rows["is_unexpired"] > 0,
    )


def _position(column: str, codes: tuple[str, ...]) -> str:
    """SQL for the place of a code, from 0."""
    cases = " ".join(f"WHEN '{code}' THEN {number}" for number, code in enumerate(codes))
    return f"CASE {column} {cases} END"


def wallets(*, as_of: date, currency: str, grace_days: int = 0, only: Ints | None = None) -> tuple[Ints, Floats]:
    """(account id, yearly wallet in ``currency``) of the latest estimate that counts; NaN where its rate is missing."""
    columns: dict[str, Kind] = {"account_id": "int8", "amount": "float8", "estimated_on": "date", "currency": "int4"}
    latest = (
        "SELECT DISTINCT ON (account_id) account_id, amount, estimated_on, currency FROM accounts_walletestimate"
        f" WHERE estimated_on <= %s AND expires_on > %s{among('account_id', only)}"
        " ORDER BY account_id, estimated_on DESC, id DESC"
    )
    codes = currencies_of(WalletEstimate.objects.all(), only)
    sql = (
        f"SELECT {as_sql('account_id', 'int8')}, {as_sql('amount', 'float8')}, {as_sql('estimated_on', 'date')},"
        f" {as_sql('array_position(%s::text[], currency::text)', 'int4')} FROM ({latest}) AS latest"
    )
    rows = fetch(sql, [codes, as_of, as_of - timedelta(days=grace_days), *these(only)], columns, using=USING)
    amount = rows["amount"]
    foreign = [(number + 1, code) for number, code in enumerate(codes) if code != currency]
    if foreign and len(amount):
        days = rows["estimated_on"]
        book = rate_book(currency, currencies=codes, first=days.min().item(), last=days.max().item())
        for number, code in foreign:
            for day in np.unique(days[rows["currency"] == number]):
                rate = book.on(code, day.item())
                here = (rows["currency"] == number) & (days == day)
                amount[here] = amount[here] * float(rate) if rate is not None else np.nan
    return rows["account_id"], np.round(amount, 4)


def currencies_of(rows: QuerySet[Any], only: Ints | None) -> list[str]:
    """The currencies in which the accounts have such rows."""
    chosen = rows if only is None else rows.filter(account_id__in=only.tolist())
    return list(chosen.order_by("currency").values_list("currency", flat=True).distinct())


@dataclass(frozen=True, slots=True)
class Debts:
    """What each account owes, in one currency, (m,); NaN where a closing rate is missing.

    due, on_time : what fell due within the 12 months, and what of it was paid by its day
    overdue_31, overdue_61, overdue_90 : open for 31 to 90, 61 to 90 and more than 90 days after its day
    """

    account_ids: Ints
    due: Floats
    on_time: Floats
    overdue_31: Floats
    overdue_61: Floats
    overdue_90: Floats


DEBT_COLUMNS = ("due", "on_time", "overdue_31", "overdue_61", "overdue_90")
DEBTS = """
SELECT r.account_id, r.currency,
       sum(r.amount) FILTER (WHERE r.due_on >= %(first)s) AS due,
       sum(least(r.amount, coalesce(p.in_time, 0))) FILTER (WHERE r.due_on >= %(first)s) AS on_time,
       sum(greatest(r.amount - coalesce(p.paid, 0), 0)) FILTER (WHERE %(as_of)s - r.due_on BETWEEN 31 AND 90) AS overdue_31,
       sum(greatest(r.amount - coalesce(p.paid, 0), 0)) FILTER (WHERE %(as_of)s - r.due_on BETWEEN 61 AND 90) AS overdue_61,
       sum(greatest(r.amount - coalesce(p.paid, 0), 0)) FILTER (WHERE %(as_of)s - r.due_on > 90) AS overdue_90
FROM accounts_receivable r
LEFT JOIN (
    SELECT y.receivable_id, sum(y.amount) AS paid, sum(y.amount) FILTER (WHERE y.paid_on <= i.due_on) AS in_time
    FROM accounts_receivablepayment y JOIN accounts_receivable i ON i.id = y.receivable_id
    WHERE y.paid_on <= %(as_of)s GROUP BY y.receivable_id
) p ON p.receivable_id = r.id
WHERE r.issued_on <= %(as_of)s AND r.due_on <= %(as_of)s AND {only}
GROUP BY r.account_id, r.currency
"""


def debts(*, as_of: date, first: date, currency: str, only: Ints | None = None) -> Debts:
    """Receivables due until ``as_of``, those due from ``first`` on for the share paid in time; at the closing rate of the
    day or the last one within FALLBACK_DAYS (domain.md 1.5). Two queries."""
    codes = currencies_of(Receivable.objects.all(), only)
    columns: dict[str, Kind] = {"account_id": "int8", "currency": "int4", **dict.fromkeys(DEBT_COLUMNS, "float8")}
    picked = ", ".join(
        [as_sql("d.account_id", "int8"), as_sql("array_position(%(codes)s::text[], d.currency::text)", "int4")]
        + [as_sql(f"coalesce(d.{name}, 0)", "float8") for name in DEBT_COLUMNS]
    )
    chosen = "true" if only is None else "r.account_id = ANY(%(only)s)"
    values = {"as_of": as_of, "first": first, "codes": codes, "only": None if only is None else only.tolist()}
    rows = fetch(*positional(f"SELECT {picked} FROM ({DEBTS.format(only=chosen)}) AS d", values), columns, using=USING)
    rates = closing_rates(currency, currencies=codes, on=as_of)
    factor = np.array([np.nan, *(float(rate) if rate is not None else np.nan for rate in rates)])[rows["currency"]]
    ids, places = np.unique(rows["account_id"], return_inverse=True)

    def total(name: str) -> Floats:
        found = np.zeros(len(ids))
        np.add.at(found, places, np.where(rows[name] == 0, 0.0, rows[name] * factor))
        return np.round(found, 4)

    return Debts(ids, *(total(name) for name in DEBT_COLUMNS))


def are_debts_recorded(*, as_of: date) -> bool:
    """Whether any receivable is due by the day: a company that records none knows nothing of them."""
    return Receivable.objects.filter(issued_on__lte=as_of, due_on__lte=as_of).exists()


@dataclass(frozen=True, slots=True)
class Troubles:
    """What people noted that warns of an account, (m,): numbers of severe complaints and disputes open for long, of key
    decision makers against us, and of running contracts that will not be renewed."""

    account_ids: Ints
    severe_requests: Ints
    deciders_against: Ints
    non_renewals: Ints


OPEN_FOR_DAYS = 30  # domain.md 3.7
TROUBLES = """
SELECT account_id, sum(severe) AS severe, sum(against) AS against, sum(leaving) AS leaving FROM (
    SELECT account_id, 1 AS severe, 0 AS against, 0 AS leaving FROM service_servicerequest
    WHERE severity = %(severity)s AND kind = ANY(%(kinds)s)
      AND opened_at < %(opened_before)s AND coalesce(resolved_at, 'infinity') >= %(day_end)s AND {only}
    UNION ALL
    SELECT account_id, 0, 1, 0 FROM accounts_contact
    WHERE is_decision_maker AND is_active AND attitude < 0 AND attitude_since <= %(as_of)s AND {only}
    UNION ALL
    SELECT account_id, 0, 0, 1 FROM accounts_contract
    WHERE status = ANY(%(signed)s) AND non_renewal_notice_on <= %(as_of)s AND coalesce(ends_on, 'infinity') >= %(as_of)s
      AND {only}
) AS trouble GROUP BY account_id
"""


def troubles(*, as_of: date, only: Ints | None = None) -> Troubles:
    """Warning signs that hold at the end of the as-of day; one query. A request opened 30 days before it, at whatever hour,
    has been open for more than 30 days by then."""
    values = {
        "as_of": as_of, "severity": Severity.SEVERE, "kinds": sorted(GRIEVANCES), "day_end": _end_of(as_of),
        "opened_before": _end_of(as_of - timedelta(days=OPEN_FOR_DAYS)), "signed": sorted(SIGNED_CONTRACT_STATUSES),
        "only": None if only is None else only.tolist(),
    }  # fmt: skip
    sql = TROUBLES.format(only="true" if only is None else "account_id = ANY(%(only)s)")
    names = ("severe", "against", "leaving")
    columns: dict[str, Kind] = {"account_id": "int8", **dict.fromkeys(names, "int4")}
    picked = ", ".join(as_sql(f"t.{name}", kind) for name, kind in columns.items())
    rows = fetch(*positional(f"SELECT {picked} FROM ({sql}) AS t", values), columns, using=USING)
    return Troubles(rows["account_id"], *(rows[name].astype(np.int64) for name in names))


def _end_of(day: date) -> datetime:
    """The moment at which a local day is over."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def positional(sql: str, values: dict[str, Any]) -> tuple[str, list[Any]]:
    """Named parameters as the positional ones that ``fetch`` takes."""
    names = re.findall(r"%\((\w+)\)s", sql)
    return re.sub(r"%\(\w+\)s", "%s", sql), [values[name] for name in names]


def last_record_id() -> int | None:
    """Id of the newest ledger line, withdrawn or not; one index look-up."""
    return RevenueRecord.all_objects.order_by("-pk").values_list("pk", flat=True).first()
