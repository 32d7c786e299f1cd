"""What are they worth? Value and expected revenue with how sure they are, and the accounts behind them."""

from dataclasses import replace

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats, metric_charts
from crm.web.figure import Figure, Kind
from crm.web.lifetime_words import between
from crm.web.metric_asked import Asked, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.services.lifetime import LifetimeFigures, lifetime
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
        Column("grade", gettext_lazy("Data"), Kind.TEXT, is_sortable=False),
    )
    return Shown(
        sentence=_lifetime_sentence(asked, answer),
        figures=[_figure(asked, answer, key) for key in LIFETIME_KEYS],
        chart=metric_charts.largest_chart(answer, known),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, columns, Order(known, descending=True)),
        note=_lifetime_note(answer),
    )


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
    return _("Fitted on all %(accounts)s customers that have ordered; for one account it is the estimate for accounts with this history.") % {
        "accounts": formats.number(answer.accounts)
    }  # fmt: skip
