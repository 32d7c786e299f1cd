"""The drawers of the figures of contracts: the answer, the value, and the accounts behind it; an account is a filter here."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import PeriodError
from crm.web.contract_words import BACKLOG_FIELDS, GROWTH_FIELDS, LINE_FIELDS
from crm.web.contracts_form import DayField, backlog_defaults, contract_growth_defaults
from crm.web.figure import Kind
from crm.web.figure_drivers import Driven, Head
from metrics.definitions import METRICS
from metrics.selectors import default_as_of
from metrics.services.backlog import backlog
from metrics.services.contract_growth import contract_growth

CONTRACT_KEYS = frozenset({*GROWTH_FIELDS, *LINE_FIELDS, *BACKLOG_FIELDS})
STOCK_HEADS: tuple[Head, ...] = (
    (_("Base"), "base", Kind.MONEY),
    (_("Comparison"), "comparison", Kind.MONEY),
    (_("Change"), "change", Kind.MONEY),
)
OF_ALL = "contract_overall_growth"


def contract_answer(
    key: str,
    accounts: AccountQuerySet,
    params: Mapping[str, Any],
    *,
    level: Any,
    currency: str | None,
    membership: Any = None,
) -> Driven:
    """Raises PeriodError for days that cannot be read or compared."""
    if key in BACKLOG_FIELDS:
        return _backlog(key, accounts, params, level=level, currency=currency)
    defaults = contract_growth_defaults(params, default_as_of())  # type: ignore[arg-type]
    days = {name: read_day(params.get(name) or defaults[name]) for name in ("base", "comparison")}
    found = contract_growth(accounts, **days, level=level, currency=currency)
    if key in LINE_FIELDS:
        line = LINE_FIELDS[key]
        bar = found.bridge.bars[line]
        if bar.amount is None:
            return Driven(found, None, found.reasons.get(line, ""), STOCK_HEADS, lambda _limit: [])
        column = {"opening": "base", "closing": "comparison"}.get(line, line)
        heads = (*STOCK_HEADS[:2], (METRICS[key].label, column, Kind.MONEY))
        return Driven(found, bar.amount, "", heads, lambda limit: found.bridge.behind(line, limit=limit))
    field = GROWTH_FIELDS[key]
    table = found.table if key == OF_ALL else found.table.where(found.table.columns["base"] > 0)
    return Driven(
        found, getattr(found, field), found.reasons.get(field, ""), STOCK_HEADS,
        lambda limit: table.rows(order_by="change", by_size=True, limit=limit),
    )  # fmt: skip


def _backlog(key: str, accounts: AccountQuerySet, params: Mapping[str, Any], **choices: Any) -> Driven:
    default = backlog_defaults(params, default_as_of())["as_of"]  # type: ignore[arg-type]
    found, field = backlog(accounts, as_of=read_day(params.get("as_of") or default), **choices), BACKLOG_FIELDS[key]
    shown = ("contract_signed", "contract_recognised", "backlog")
    others = [one for one in shown if one != key][:2]
    heads = tuple((METRICS[one].label, BACKLOG_FIELDS[one], Kind.MONEY) for one in (key, *others))
    table = found.table.where(found.table.columns[field] != 0)
    return Driven(
        found, getattr(found, field), found.reasons.get(field, ""), heads,
        lambda limit: table.rows(order_by=field, limit=limit),
    )  # fmt: skip


def read_day(text: str) -> Any:
    """A day of an address. Raises PeriodError where it is none."""
    try:
        return DayField().clean(str(text).replace("\x00", "").strip())
    except forms.ValidationError as error:
        raise PeriodError(error.messages[0]) from None
