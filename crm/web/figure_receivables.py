"""The drawers of the figures of receivables: the answer, the value, and the accounts behind it; an account is a filter."""

from collections.abc import Mapping
from typing import Any

from accounts.querysets import AccountQuerySet
from crm.web.figure import Kind
from crm.web.figure_contracts import read_day
from crm.web.figure_drivers import Driven, Head
from metrics.definitions import METRICS
from metrics.definitions_receivables import RECEIVABLES
from metrics.metric import Unit
from metrics.selectors import default_as_of
from metrics.services.receivables_ageing import receivables_ageing

RECEIVABLES_KEYS = frozenset(one.key for one in RECEIVABLES if one.unit is not Unit.GROUP_OF_FIGURES)
# The column that the accounts behind a figure are ordered by, where it is not the figure's own.
COLUMN = {
    "overdue_share": "owed_overdue",
    "late_accounts": "owed_overdue",
    "on_time_share": "fell_due",
    "days_outstanding": "owed",
}


def receivables_figure(
    key: str, accounts: AccountQuerySet, params: Mapping[str, Any], *, level: Any, currency: str | None, **_more: Any
) -> Driven:
    """Raises PeriodError for a day that cannot be read."""
    as_of = read_day(params.get("as_of") or default_as_of().isoformat())
    found, column = receivables_ageing(accounts, as_of=as_of, level=level, currency=currency), COLUMN.get(key, key)
    others = [name for name in ("owed", "owed_overdue", "owed_older") if name != column]
    heads: list[Head] = [(METRICS[column].label, column, Kind.COUNT if column == "open_invoices" else Kind.MONEY)]
    if key == "on_time_share":
        heads.append((METRICS[key].label, key, Kind.PERCENT))
    heads += [(METRICS[name].label, name, Kind.MONEY) for name in others[: 3 - len(heads)]]
    table = found.behind(column)
    return Driven(
        found, getattr(found, key), found.reasons.get(key, ""), heads,
        lambda limit: table.rows(order_by=column, limit=limit),
    )  # fmt: skip
