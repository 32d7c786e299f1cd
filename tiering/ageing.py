"""Until when a result stands if nobody writes anything: the first day on which time alone may make it another one.

A score row is a function of what was written of the account, of the state the night began with, and of the day. Money,
rhythm and age in years count until the end of the last whole month, whose turn grades everyone anew; what is left of the
day are dates. For each of them the next one ahead is looked up here, so a night finds whom it has to look at in an index.

A day that comes too early costs an evaluation that changes nothing; one that comes too late would be a wrong grade.
"""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

import numpy as np
from django.utils import timezone

from accounts.enums import TeamRole
from crm.lib.periods import is_month_end
from metrics.binary import Kind, as_sql, fetch
from service.enums import GRIEVANCES, Severity
from tiering import facts
from tiering.enums import HELD_OVERRIDES
from tiering.evaluation import USING, Before, Evaluation
from tiering.facts import OPEN_FOR_DAYS, RELIEF_DAYS
from tiering.grading import Rules
from tiering.grouping import Ints
from tiering.indicators import DAY_EXACT_MONTHS
from tiering.measured import Measured
from tiering.models import ScoringModel
from tiering.scoring import Bools, Floats
from tiering.stability import State

NEVER = 2**31 - 1
# Days on which what people wrote begins or ceases to count, those ahead; the conditions are those of tiering.facts.
DATES = """
SELECT account_id, unnest(ARRAY[rated_on, expires_on, expires_on + %(relief)s]) AS day FROM accounts_rating
WHERE expires_on + %(relief)s > %(as_of)s AND {only}
UNION ALL
SELECT account_id, unnest(ARRAY[valid_from, valid_to]) FROM accounts_teammember
WHERE role = %(manager)s AND greatest(valid_from, valid_to) > %(as_of)s AND {only}
UNION ALL
SELECT account_id, unnest(ARRAY[estimated_on, expires_on, expires_on + %(relief)s]) FROM accounts_walletestimate
WHERE expires_on + %(relief)s > %(as_of)s AND {only}
UNION ALL
SELECT account_id, %(as_of)s + 1 FROM accounts_walletestimate WHERE currency <> %(currency)s AND {only}
UNION ALL
SELECT account_id, %(as_of)s + 1 FROM accounts_receivable WHERE currency <> %(currency)s AND {only}
UNION ALL
SELECT account_id, unnest(ARRAY[issued_on, due_on, due_on + 31, due_on + 61, due_on + 91]) FROM accounts_receivable
WHERE greatest(issued_on, due_on + 91) > %(as_of)s AND {only}
UNION ALL
SELECT r.account_id, p.paid_on FROM accounts_receivablepayment p JOIN accounts_receivable r ON r.id = p.receivable_id
WHERE p.paid_on > %(as_of)s AND {only}
UNION ALL
SELECT account_id, unnest(ARRAY[(opened_at AT TIME ZONE %(zone)s)::date + %(open_days)s,
    (resolved_at AT TIME ZONE %(zone)s)::date]) FROM service_servicerequest
WHERE severity = %(severity)s AND kind = ANY(%(kinds)s) AND {only}
UNION ALL
SELECT account_id, attitude_since FROM accounts_contact WHERE attitude_since > %(as_of)s AND {only}
UNION ALL
SELECT account_id, unnest(ARRAY[coalesce(signed_on, starts_on), ends_on + 1, non_renewal_notice_on])
FROM accounts_contract WHERE {only}
UNION ALL
SELECT account_id, day FROM metrics_accountday WHERE day > %(as_of)s AND basis = %(basis)s AND {only}
UNION ALL
SELECT account_id, unnest(ARRAY[valid_from, valid_to]) FROM tiering_override
WHERE state = ANY(%(held)s) AND valid_to > %(as_of)s AND {only}
UNION ALL
SELECT id, unnest(ARRAY[credit_stop_on, litigation_on, insolvency_on, planned_from, planned_until]) FROM accounts_account
WHERE greatest(credit_stop_on, litigation_on, insolvency_on, planned_from, planned_until) > %(as_of)s AND {only_ids}
"""


def next_days(
    model: ScoringModel,
    measured: Measured,
    before: Before,
    after: Evaluation,
    *,
    set_apart: Bools,
    rules: Rules,
    is_part: bool,
) -> Ints:
    """Day number (from 1970-01-01) of the first day, after the night, on which each account may come out otherwise, (n,).

    set_apart : accounts whose figures cannot be computed with are looked at every night
    One query.
    """
    as_of = measured.windows.as_of
    day = int(np.datetime64(as_of).astype(np.int64))
    found = _dates_ahead(model, as_of=as_of, ids=measured.ids, is_part=is_part)
    for ahead in (*_spans(after.state, rules), _next_whole_month(measured, as_of, day)):
        found = np.minimum(found, _ahead(ahead, day))
    if measured.late_order_on is not None:
        found = np.minimum(found, _ahead(measured.late_order_on, day))
    moves_on = set_apart | _has_moved(before, after)
    return np.where(moves_on, day + 1, found)


def _ahead(days: Floats, today: int) -> Ints:
    """Day numbers as whole ones, NEVER where there is none or it has come already."""
    later = np.nan_to_num(days, nan=0.0)
    return np.where(later > today, np.floor(later), NEVER).astype(np.int64)


def _has_moved(before: Before, after: Evaluation) -> Bools:
    """Whose state is another than the night began with: the next night begins with that one, so it may differ."""
    moved = before.shown != after.shown
    for part in fields(State):
        old, new = getattr(before.state, part.name), getattr(after.state, part.name)
        same = old == new
        if old.dtype.kind == "f":
            same |= np.isnan(old) & np.isnan(new)
        moved = moved | ~same
    return np.asarray(moved, dtype=bool)


def _spans(state: State, rules: Rules) -> tuple[Floats, ...]:
    """When the runs that are on have held for their spans, and first grades are confirmed (domain.md 3.7, 3.8)."""
    up, down = state.run_since + rules.confirm_up_days, -state.run_since + rules.confirm_down_days
    return (
        np.where(state.run_since > 0, up, down),
        np.abs(state.signal_since) + rules.confirm_problem_days,
        state.graded_on + rules.confirm_down_days,
    )


def _next_whole_month(measured: Measured, as_of: date, day: int) -> Floats:
    """The next day that completes a month of tenure, while those are counted to the day; NaN where it does not come before
    the next end of a month, which grades everyone anyway."""
    starts = measured.tenure_starts
    months = measured.inputs["months"]
    if starts is None:
        return np.full(len(months), np.nan)
    day_of_month = (starts - starts.astype("datetime64[M]")).astype(np.float64) + 1
    passed = 0 if is_month_end(as_of) else as_of.day  # days of the month in which the next one comes
    counts = (months < DAY_EXACT_MONTHS) & (day_of_month > passed)
    return np.where(counts, day + day_of_month - passed, np.nan)


def _dates_ahead(model: ScoringModel, *, as_of: date, ids: Ints, is_part: bool) -> Ints:
    columns: dict[str, Kind] = {"account_id": "int8", "day": "int4"}
    chosen = "account_id = ANY(%(only)s)" if is_part else "true"
    named = DATES.format(only=chosen, only_ids="id = ANY(%(only)s)" if is_part else "true")
    sql = (
        f"SELECT {as_sql('d.account_id', 'int8')}, {as_sql('(min(d.day) - %(epoch)s)', 'int4')} FROM ({named}) AS d"
        " WHERE d.day > %(as_of)s GROUP BY d.account_id"
    )
    values: dict[str, Any] = {
        "as_of": as_of, "relief": RELIEF_DAYS, "manager": TeamRole.ACCOUNT_MANAGER, "currency": model.currency,
        "zone": timezone.get_current_timezone_name(), "open_days": OPEN_FOR_DAYS, "severity": Severity.SEVERE,
        "kinds": sorted(GRIEVANCES), "basis": model.basis, "epoch": date(1970, 1, 1),
        "held": sorted(HELD_OVERRIDES), "only": ids.tolist() if is_part else None,
    }  # fmt: skip
    rows = fetch(*facts.positional(sql, values), columns, using=USING)
    found = np.full(len(ids), NEVER, dtype=np.int64)
    here = np.isin(rows["account_id"], ids)
    found[np.searchsorted(ids, rows["account_id"][here])] = rows["day"][here]
    return found
