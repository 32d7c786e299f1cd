"""Answers about one period or one day: activity, concentration, worth, a series over time."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats, metric_charts, metric_form
from crm.web.figure import Kind
from crm.web.formats import NumberStyle
from crm.web.metric_asked import Asked, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.services.activity import activity
from metrics.services.concentration import concentration
from metrics.services.trend import Trend, trend


def activity_answer(asked: Asked) -> Shown:
    period = asked.form.cleaned_data["period"]
    answer = activity(asked.accounts, period=period, as_of=asked.as_of, **asked.form.choices())
    keys = ("covered_accounts", "active_accounts", "active_rate", "orders", "average_order_value", "order_frequency",
            "revenue_per_active_account", "revenue", "repeat_rate", "returning_rate")  # fmt: skip
    said = {key: asked.said(asked.figure(key, answer)) for key in keys}
    sentence = (
        unsaid(answer.reasons.get("active_rate", ""))
        if answer.active_rate is None
        else format_html(
            _(
                "{active_rate} of the {covered_accounts} customers on the books ordered: {active_accounts} of them"
                " placed {orders} orders, {average_order_value} each."
            ),
            **said,
        )
    )
    columns = (
        Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
        Column("orders", gettext_lazy("Orders"), Kind.COUNT),
        Column("order_days", gettext_lazy("Order days"), Kind.COUNT),
        Column("first_order_on", gettext_lazy("First order"), Kind.DAY, is_sortable=False),
    )
    return Shown(
        sentence=sentence,
        figures=[asked.figure(key, answer) for key in keys],
        chart=metric_charts.activity_chart(
            asked.accounts, period, as_of=asked.as_of, choices=asked.form.choices(), style=asked.style
        ),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, columns, Order("revenue", descending=True)),
    )


def concentration_answer(asked: Asked) -> Shown:
    answer = concentration(
        asked.accounts, period=asked.form.cleaned_data["period"], as_of=asked.as_of, **asked.form.choices()
    )
    keys = ("top_1_share", "top_5_share", "top_10_share", "top_20_percent_share", "largest_group_share",
            "effective_accounts", "hhi", "gini")  # fmt: skip
    said = {key: asked.said(asked.figure(key, answer)) for key in ("top_10_share", "top_1_share")}
    sentence = (
        unsaid(answer.reasons.get("top_10_share", ""))
        if answer.top_10_share is None
        else format_html(
            _(
                "The 10 largest of {accounts} customers bring {top_10_share} of the revenue, the largest alone {top_1_share}."
            ),
            accounts=formats.number(answer.accounts or 0),
            **said,
        )
    )
    columns = (
        Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
        Column("share", gettext_lazy("Share"), Kind.PERCENT),
        Column("abc", gettext_lazy("Class"), Kind.TEXT, is_sortable=False),
    )
    if "share" not in answer.table.columns:
        columns = columns[:1]
    return Shown(
        sentence=sentence,
        figures=[asked.figure(key, answer) for key in keys],
        chart=metric_charts.curve(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, columns, Order("revenue", descending=True)),
    )


def trend_answer(asked: Asked) -> Shown:
    cleaned = asked.form.cleaned_data
    first, last = cleaned.get("from"), cleaned.get("to")
    found = trend(
        asked.accounts,
        metric=cleaned["metric"],
        interval=cleaned["interval"],
        first=first.start if first else None,
        last=last.last_day if last else None,
        as_of=asked.as_of,
        is_spring_joined=asked.form.is_spring_joined,
        **asked.form.choices(),
    )
    return Shown(
        sentence=_trend_sentence(found, asked.style),
        figures=(),
        chart=metric_charts.series_chart(found),
        passport=found.passport,
        currency=found.currency if metric_charts.series_kind(found.metric) is Kind.MONEY else "",
        points=metric_charts.series_rows(found),
        note=metric_charts.spring_note(found),
    )


def _trend_sentence(found: Trend, style: NumberStyle) -> SafeString:
    known = [point for point in found.points if point.value is not None]
    if not known:
        return unsaid(found.points[-1].reason if found.points else "")
    last, label = known[-1], metric_form.series_label(found.metric)
    value = format_html(
        "<strong>{}</strong>", metric_charts.series_text(found.metric, last.value, found.currency, style)
    )
    before = metric_charts.year_before(found, last)
    parts = {"label": label, "value": value, "period": metric_charts.period_name(found, last.period)}
    if before is None or before.value is None:
        return format_html(_("{label}: {value} in {period}."), **parts)
    text = metric_charts.series_text(found.metric, before.value, found.currency, style)
    return format_html(_("{label}: {value} in {period}, after {before} a year before."), before=text, **parts)
