"""What do they owe us, and since when? Open invoices by age, the share paid in time, and who is late."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, accounts_behind, unsaid
from crm.web.metric_segments import Panel, SegmentsShown
from crm.web.metric_table import Column, Order
from crm.web.receivables_form import AGE_WORDS
from metrics.services.receivables_ageing import ReceivablesFigures, receivables_ageing

KEYS = (
    "owed", "owed_overdue", "overdue_share", "on_time_share", "days_outstanding", "owed_older", "late_accounts", "open_invoices",
)  # fmt: skip
SHOWN_LARGEST = 12
COLUMNS = (
    Column("owed", gettext_lazy("Owed"), Kind.MONEY),
    Column("owed_not_due", gettext_lazy("Not due yet"), Kind.MONEY),
    Column("owed_30", gettext_lazy("Up to 30 days"), Kind.MONEY),
    Column("owed_60", gettext_lazy("31–60 days"), Kind.MONEY),
    Column("owed_90", gettext_lazy("61–90 days"), Kind.MONEY),
    Column("owed_older", gettext_lazy("Over 90 days"), Kind.MONEY),
    Column("oldest", gettext_lazy("Oldest, days overdue"), Kind.COUNT),
    Column("on_time_share", gettext_lazy("Paid in time"), Kind.PERCENT),
    Column("open_invoices", gettext_lazy("Open invoices"), Kind.COUNT),
)
# From grey to the colours that ask for something: (token, class of the legend's mark).
COLOURS = {
    "owed_not_due": ("--period-base", "mark-base"),
    "owed_30": ("--series-2", "mark-series-2"),
    "owed_60": ("--series-1", "mark-series-1"),
    "owed_90": ("--series-4", "mark-series-4"),
    "owed_older": ("--series-3", "mark-series-3"),
}


def receivables_answer(asked: Asked) -> SegmentsShown:
    answer = receivables_ageing(asked.accounts, **asked.form.choices())
    age = asked.form.cleaned_data["age"]
    return SegmentsShown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(
            asked, answer.behind(age) if age else answer.table, COLUMNS, Order(age or "owed", descending=True)
        ),
        panels=[_ages(asked, answer)],
    )


def _sentence(asked: Asked, answer: ReceivablesFigures) -> SafeString:
    if answer.owed is None:
        return unsaid(answer.reasons.get("owed", ""))
    said = {key: asked.said(asked.figure(key, answer)) for key in KEYS}
    if answer.overdue_share is None:
        return format_html("{}", _("Nobody owes us anything on that day."))
    first = format_html(
        _("They owe us {owed}; {owed_overdue} of it, {overdue_share}, is overdue, {owed_older} for more than 90 days."),
        **said,
    )
    if answer.on_time_share is None:
        return first
    then = format_html(_("Of what fell due in 12 months, {on_time_share} was paid in time."), **said)
    return format_html("{} {}", first, then)


def _ages(asked: Asked, answer: ReceivablesFigures) -> Panel:
    """What is owed by age, and by how many; a row opens the accounts."""
    rows: list[tuple[str, list[Any]]] = []
    for age, words in AGE_WORDS.items():
        amount = getattr(answer, age)
        accounts = len(answer.behind(age)) if len(answer.table) else 0
        if accounts:
            share = float(amount / answer.owed) if amount is not None and answer.owed else None
            shown = [
                _("n/a") if amount is None else formats.money(amount),
                _("n/a") if share is None else formats.percent(share),
            ]
            rows.append((f"?{asked.with_params(age=age)}", [words, *shown, formats.number(accounts)]))
    note = _("An invoice is overdue from its due day on. In %(currency)s, at the closing rates of the day.") % {
        "currency": answer.currency
    }
    return Panel(_("By age"), note, [_("Age"), _("Amount"), _("Share"), _("Accounts")], rows)


def _chart(answer: ReceivablesFigures) -> Chart:
    """Who owes most: one bar an account, its ages stacked."""
    rows = [row for row in answer.table.rows(order_by="owed", limit=SHOWN_LARGEST) if row.values["owed"]]
    series = [
        Series(words, [float(row.values[age] or 0) for row in rows], COLOURS[age][0], {"stack": "owed"})
        for age, words in AGE_WORDS.items()
    ]
    title = _("Who owes most, by age, %(currency)s") % {"currency": answer.currency}
    option = bars([row.name for row in rows], series, horizontal=True)
    option["yAxis"] |= {"axisLabel": {"width": 130, "overflow": "truncate", "interval": 0, "hideOverlap": False}}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        option=option,
        columns=[_("Account"), _("Owed"), *AGE_WORDS.values()],
        rows=[[row.name, *(formats.money(row.values[name]) for name in ("owed", *AGE_WORDS))] for row in rows],
        legend=[LegendEntry(words, COLOURS[age][1]) for age, words in AGE_WORDS.items()],
        size="lg",
        is_empty=not rows,
        empty_title=_("Nothing is owed"),
        empty_text=answer.reasons.get("owed", ""),
    )
