"""What are they worth? Value and expected revenue with how sure they are, and the accounts behind them."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats, metric_charts
from crm.web.figure import Figure, Kind
from crm.web.formats import NumberStyle
from crm.web.lifetime_words import METHODS, between
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.formulas.contractual import retention
from metrics.services.base import AccountTable
from metrics.services.lifetime import LifetimeFigures, lifetime
from metrics.services.lifetime_backtest import Contest, LifetimeBacktest, lifetime_backtest
from metrics.services.lifetime_contracts import RenewalCohort
from metrics.services.lifetime_interval import NAMES

LIFETIME_KEYS = ("clv", "expected_revenue", "expected_orders")


def lifetime_answer(asked: Asked) -> Shown:
    answer = lifetime(asked.accounts, as_of=asked.as_of, **asked.form.choices())
    known = next((key for key in LIFETIME_KEYS if getattr(answer, key) is not None), LIFETIME_KEYS[-1])
    columns = (
        *_columns(known),
        Column("expected_orders", gettext_lazy("Expected order days"), Kind.SCORE),
        Column("p_alive", gettext_lazy("Still a customer"), Kind.PERCENT),
        Column("margin", gettext_lazy("Gross margin"), Kind.PERCENT),
        Column("method", gettext_lazy("Valued by"), Kind.TEXT, is_sortable=False),
        Column("grade", gettext_lazy("Data"), Kind.TEXT, is_sortable=False),
    )
    return Shown(
        sentence=_lifetime_sentence(asked, answer),
        figures=[_figure(asked, answer, key) for key in LIFETIME_KEYS],
        chart=metric_charts.largest_chart(answer, known),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, _named(answer.table), columns, Order(known, descending=True)),
        below=Piece("metrics/_lifetime.html", _models(asked, answer)),
        note=_lifetime_note(answer),
    )


def _named(table: AccountTable) -> AccountTable:
    """The methods in words."""
    methods = table.columns["method"]
    words = {key: str(METHODS[key]) for key in np.unique(methods).tolist()}
    return table.with_columns({"method": np.array([words[key] for key in methods.tolist()], dtype=object)})


def _models(asked: Asked, answer: LifetimeFigures) -> dict[str, Any]:
    """What stands below the chart: whether the model would have known, and the renewals of contracts."""
    test = lifetime_backtest(asked.accounts, as_of=asked.as_of, **asked.form.ledger_choices())
    return {
        "test": test,
        "contests": [
            _contest(_("Order days"), test.orders, test.reasons.get("orders", ""), "", asked.style),
            _contest(_("Revenue"), test.revenue, test.reasons.get("revenue", ""), test.currency, asked.style),
        ],
        "verdict": _verdict(test),
        "renewals": [_renewal(cohort) for cohort in answer.renewals],
        "signed": asked.figure("contract_value", answer),
    }


def _contest(label: str, found: Contest | None, reason: str, currency: str, style: NumberStyle) -> dict[str, Any]:
    if found is None:
        return {"label": label, "reason": reason}
    is_money = bool(currency)

    def amount(value: float) -> str:
        return formats.money_short(value, style) if is_money else formats.number(value, decimals=0)

    def error(value: float) -> str:
        return formats.money(value) if is_money else formats.number(value, decimals=2)

    def share(value: float) -> str:
        return _("n/a") if math.isnan(value) else formats.percent(value, signed=True)

    def rank(value: float) -> str:
        return _("n/a") if math.isnan(value) else formats.number(value, decimals=2)

    lines = [
        [name, amount(one.total), share(one.total_error), error(one.mean_error), rank(one.rank_correlation)]
        for name, one in ((_("The model"), found.model), (_("Like the months before"), found.naive))
    ]
    return {"label": label, "unit": currency, "actual": amount(found.actual), "lines": lines}


def _verdict(test: LifetimeBacktest) -> str:
    """Who was nearer, account by account, without mercy."""
    known = [one.is_better for one in (test.orders, test.revenue) if one]
    if not known:
        return ""
    if all(known):
        return _("The model was nearer, account by account, than taking the months before as the forecast.")
    if not any(known):
        return _("The model lost: taking the months before as the forecast was nearer, account by account.")
    if test.orders and test.orders.is_better:
        return _("The model was nearer in order days, and lost in revenue to taking the months before as the forecast.")
    return _("The model was nearer in revenue, and lost in order days to taking the months before as the forecast.")


def _renewal(cohort: RenewalCohort) -> dict[str, Any]:
    model = cohort.model
    return {
        "term": ngettext("%(months)s month", "%(months)s months", cohort.term_months) % {"months": cohort.term_months},
        "contracts": _count(cohort.contracts),
        "points": _count(cohort.points),
        "rates": [formats.percent(rate) for rate in retention(model, [1, 2, 3]).tolist()] if model else [],
        "reason": cohort.sentence(),
    }


def _count(value: int | None) -> str:
    return "–" if value is None else formats.number(value)


def _columns(known: str) -> tuple[Column, ...]:
    """Value and revenue, the one that the portfolio has with its interval."""
    clv = Column("clv", gettext_lazy("Lifetime value"), Kind.MONEY)
    expected = Column("expected_revenue", gettext_lazy("Expected revenue"), Kind.MONEY)
    name = known if known in NAMES else NAMES[0]
    ends = (
        Column(f"{name}_low", gettext_lazy("Lower end"), Kind.MONEY),
        Column(f"{name}_high", gettext_lazy("Upper end"), Kind.MONEY),
    )
    return (clv, *ends, expected) if name == "clv" else (expected, *ends, clv)


def _figure(asked: Asked, answer: LifetimeFigures, key: str) -> Figure:
    figure = asked.figure(key, answer, kind=Kind.COUNT if key == "expected_orders" else None)
    return replace(figure, note=between(answer, key, asked.style))


def _lifetime_sentence(asked: Asked, answer: LifetimeFigures) -> SafeString:
    months = formats.number(answer.horizon_months)
    expected = asked.said(asked.figure("expected_revenue", answer))
    if answer.clv is not None:
        return format_html(
            _("Over the next {months} months our customers are worth {clv} of gross profit in today's money."),
            months=months,
            clv=asked.said(asked.figure("clv", answer)),
        )
    if answer.expected_revenue is not None:
        return format_html(
            _(
                "Over the next {months} months our customers bring {expected} of revenue in today's money; what is left of it is not known: {reason}."
            ),
            months=months,
            expected=expected,
            reason=answer.reasons.get("clv", ""),
        )
    return unsaid(answer.reasons.get("expected_revenue", "") or answer.reasons.get("clv", ""))


def _lifetime_note(answer: LifetimeFigures) -> str:
    """What limits the estimate, where something does."""
    if answer.method is None:
        return ""
    if answer.is_dependent:
        return _(
            "Who orders often also spends another amount an order, which the model does not expect; take the figure with care."
        )
    if answer.accounts is None:
        return _(
            "Fitted on all customers that have ordered; for one account it is the estimate for accounts with this history."
        )
    return _("Fitted on all %(accounts)s customers that have ordered; for one account it is the estimate for accounts with this history.") % {
        "accounts": formats.number(answer.accounts)
    }  # fmt: skip
