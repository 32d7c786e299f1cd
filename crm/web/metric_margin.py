"""What do they earn us? Margin and contribution of each account with an advice, main and secondary sources."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.cohort_words import worded
from crm.web.efforts_form import ADVICE
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, accounts_behind, unsaid
from crm.web.metric_segments import Panel, SegmentsShown
from crm.web.metric_table import Column, Order
from metrics.formulas.advice import HIGH_ABOVE, LOW_BELOW, Advice
from metrics.formulas.exact import exact_total
from metrics.services.margins import MarginFigures, margins

KEYS = (
    "gross_profit", "known_margin", "known_revenue_share", "contribution", "cost_to_serve", "missing_cost_accounts",
    "main_accounts", "main_profit_accounts",
)  # fmt: skip
SHOWN_LARGEST = 12
COLUMNS = (
    Column("advice_label", gettext_lazy("What to do"), Kind.TEXT, is_sortable=False),
    Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
    Column("cost", gettext_lazy("Cost"), Kind.MONEY),
    Column("gross_profit", gettext_lazy("Gross profit"), Kind.MONEY),
    Column("margin", gettext_lazy("Margin"), Kind.PERCENT),
    Column("cost_to_serve", gettext_lazy("Cost to serve"), Kind.MONEY),
    Column("contribution", gettext_lazy("Contribution"), Kind.MONEY),
    Column("abc", gettext_lazy("Class by revenue"), Kind.TEXT, is_sortable=False),
    Column("abc_profit", gettext_lazy("Class by profit"), Kind.TEXT, is_sortable=False),
    Column("lines_without_cost", gettext_lazy("Lines without cost"), Kind.COUNT),
)


def margin_answer(asked: Asked) -> SegmentsShown:
    answer = margins(
        asked.accounts, period=asked.form.cleaned_data["period"], as_of=asked.as_of, **asked.form.choices()
    )
    chosen = asked.form.cleaned_data["advice"]
    table = answer.behind(Advice(chosen)) if chosen else answer.table
    table = table.with_columns({"advice_label": worded(table.columns["advice"], ADVICE)})
    return SegmentsShown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, COLUMNS, Order("gross_profit", descending=True)),
        note=_note(answer),
        panels=[_advice(asked, answer)],
    )


def _sentence(asked: Asked, answer: MarginFigures) -> SafeString:
    if answer.known_margin is None:
        return unsaid(answer.reasons.get("known_margin", ""))
    said = {key: asked.said(asked.figure(key, answer)) for key in (*KEYS, "known_gross_profit")}
    first = format_html(
        _("Of each 100 sold {hundred} are left as gross profit, {known_gross_profit} in all, where cost is known: on {known_revenue_share} of the revenue."),
        hundred=asked.said(asked.figure("known_margin", answer, value=100 * answer.known_margin, kind=Kind.SCORE)),
        **said,
    )  # fmt: skip
    if answer.contribution is None:
        return first
    then = format_html(
        _(
            "Serving costs {cost_to_serve}, as recorded; {contribution} are left at the {count} accounts that have both known."
        ),
        count=formats.number(answer.served_accounts),
        **said,
    )
    return format_html("{} {}", first, then)


def _note(answer: MarginFigures) -> str:
    if not answer.missing_cost_accounts:
        return ""
    return ngettext(
        "%(count)s account has lines without cost (%(lines)s in all); it is listed and has no margin.",
        "%(count)s accounts have lines without cost (%(lines)s in all); they are listed and have no margin.",
        answer.missing_cost_accounts,
    ) % {
        "count": formats.number(answer.missing_cost_accounts),
        "lines": formats.number(answer.missing_cost_lines),
    }


def _advice(asked: Asked, answer: MarginFigures) -> Panel:
    """How many accounts each advice is for; a row opens them."""
    rules, rows = _rules(answer.known_margin), []
    for one, words in ADVICE.items():
        count = answer.advice_accounts[one.value]
        if count:
            revenue = exact_total(answer.behind(one).columns["revenue"])
            rows.append(
                (
                    f"?{asked.with_params(advice=one.value)}",
                    [words, formats.number(count), formats.money(revenue), rules[one]],
                )
            )
    note = _("High is %(high)s points or more above the margin of all, %(pooled)s; low is %(low)s points or more below it. Both are set, not measured.") % {
        "high": formats.number(100 * HIGH_ABOVE), "low": formats.number(100 * LOW_BELOW), "pooled": _percent(answer.known_margin)
    }  # fmt: skip
    return Panel(_("What to do"), note, [_("Advice"), _("Accounts"), _("Revenue"), _("Where")], rows)


def _rules(pooled: float | None) -> dict[Advice, str]:
    """When each advice holds, in the order in which it is asked."""
    low, high = (None, None) if pooled is None else (pooled - LOW_BELOW, pooled + HIGH_ABOVE)
    return {
        Advice.NO_REVENUE: _("revenue 0 or below"),
        Advice.RECORD_COST: _("a line has no cost"),
        Advice.STOP_LOSS: _("margin below 0"),
        Advice.CUT_SERVICE: _("contribution below 0"),
        Advice.IMPROVE: _("margin %(low)s or less") % {"low": _percent(low)},
        Advice.PERSONAL_SERVICE: _("margin %(high)s or more") % {"high": _percent(high)},
        Advice.KEEP: _("in between"),
    }


def _percent(value: float | None) -> str:
    return _("n/a") if value is None else formats.percent(value)


def _chart(answer: MarginFigures) -> Chart:
    """The accounts with the most gross profit: revenue beside what is left of it."""
    rows = [row for row in answer.table.rows(order_by="revenue", limit=SHOWN_LARGEST) if row.values["revenue"]]
    names = [row.name for row in rows]
    labels = {"revenue": _("Revenue"), "gross_profit": _("Gross profit"), "contribution": _("Contribution")}
    colours = {"revenue": "--period-base", "gross_profit": "--series-1", "contribution": "--series-3"}
    series = [Series(label, [_number(row.values[key]) for row in rows], colours[key]) for key, label in labels.items()]
    title = _("The largest customers and what they leave, %(currency)s") % {"currency": answer.currency}
    option = bars(names, series, horizontal=True)
    option["yAxis"] |= {"axisLabel": {"width": 130, "overflow": "truncate", "interval": 0, "hideOverlap": False}}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        option=option,
        columns=[_("Account"), *labels.values(), _("Margin")],
        rows=[
            [
                row.name,
                *(_money(row.values[key]) for key in labels),
                _percent(row.values["margin"]),
            ]
            for row in rows
        ],
        legend=[
            LegendEntry(label, "mark-base" if key == "revenue" else f"mark-{colours[key][2:]}")
            for key, label in labels.items()
        ],
        size="lg",
        is_empty=not rows,
        **({"empty_text": answer.reasons["revenue"]} if "revenue" in answer.reasons else {}),
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _money(value: Any) -> str:
    return _("n/a") if value is None else formats.money(value)
