"""Who sleeps? The accounts that are later than their own rhythm, by what is at stake, with the next step for each."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.cohort_words import STATES, STEPS, worded
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.services.sleepers import SleeperFigures, SleepState, sleepers

SHOWN_LARGEST = 12
HATCHED = {
    "symbol": "rect",
    "color": "token:--surface",
    "dashArrayX": [1, 0],
    "dashArrayY": [1, 5],
    "rotation": -0.7854,
}
COLOURS = {SleepState.LATE: "--series-3", SleepState.CHURNED: "--series-5"}
KEYS = (
    "sleeping_accounts", "sleeping_share", "late_accounts", "late_money", "churned_accounts", "churned_money",
    "no_rhythm_accounts",
)  # fmt: skip


def sleepers_answer(asked: Asked) -> Shown:
    choices = asked.form.choices()
    answer = sleepers(asked.accounts, as_of=asked.as_of, **choices)
    table = answer.table
    state = asked.form.cleaned_data["state"]
    if state:
        table = table.where(table.columns["state"] == state)
    table = table.with_columns(
        {
            "state_label": worded(table.columns["state"], STATES),
            "step_label": worded(table.columns["next_step"], STEPS),
        }
    )
    columns = (
        Column("step_label", gettext_lazy("Next step"), Kind.TEXT, is_sortable=False),
        Column("state_label", gettext_lazy("Why"), Kind.TEXT, is_sortable=False),
        Column("money_at_stake", gettext_lazy("At stake"), Kind.MONEY),
        Column("last_order_on", gettext_lazy("Last order"), Kind.DAY, is_sortable=False),
        Column("days_silent", gettext_lazy("Days silent"), Kind.COUNT),
        Column("usual_interval", gettext_lazy("Usual interval, days"), Kind.COUNT),
        Column("ttm_revenue", gettext_lazy("Revenue, 12 months"), Kind.MONEY),
        Column("prior_ttm_revenue", gettext_lazy("12 months before"), Kind.MONEY),
    )
    shown = accounts_behind(asked, table, columns, Order("money_at_stake", descending=True))
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer, state),
        passport=answer.passport,
        currency=answer.currency,
        table=shown,
        note=_("At stake is what a sleeper brought in the better of its last two years."),
    )


def _sentence(asked: Asked, answer: SleeperFigures) -> SafeString:
    keys = ("watched_accounts", "sleeping_accounts", "late_accounts", "churned_accounts", "money_at_stake")
    said = {key: asked.said(asked.figure(key, answer)) for key in keys}
    if not answer.watched_accounts:
        return unsaid(answer.reasons.get("sleeping_share", ""))
    if not answer.sleeping_accounts:
        return format_html(_("Nobody: none of the {watched_accounts} customers is later than its own rhythm."), **said)
    if answer.money_at_stake is None:
        return format_html(
            _(
                "{sleeping_accounts} of {watched_accounts} customers: {late_accounts} later than their own rhythm,"
                " {churned_accounts} churned. What is at stake is not known: {reason}."
            ),
            reason=answer.reasons.get("money_at_stake", ""),
            **said,
        )
    return format_html(
        _(
            "{sleeping_accounts} of {watched_accounts} customers: {late_accounts} later than their own rhythm,"
            " {churned_accounts} churned. {money_at_stake} a year is at stake."
        ),
        **said,
    )


def _chart(answer: SleeperFigures, state: str) -> Chart:
    """The sleepers with the most at stake, each bar with its state in words."""
    table = answer.table
    table = table.where(table.columns["state"] == state) if state else table
    rows = [row for row in table.rows(order_by="money_at_stake", limit=SHOWN_LARGEST) if row.values["money_at_stake"]]
    names = [row.name for row in rows]
    title = _("Most at stake, %(currency)s") % {"currency": answer.currency}
    series = [
        Series(
            label,
            [float(row.values["money_at_stake"]) if row.values["state"] == one.value else None for row in rows],
            COLOURS[one],
            {"stack": "stake", "label": {"show": True, "position": "right", "facetFormat": "money"}, **_look(one)},
        )
        for one, label in STATES.items()
    ]
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        option=bars(names, series, reads="money", horizontal=True)
        | {"yAxis": _names(names), "grid": {"right": 52}, "tooltip": {"show": False}},
        columns=[_("Account"), _("At stake"), _("Why"), _("Next step")],
        rows=[
            [
                row.name,
                formats.money(row.values["money_at_stake"]),
                STATES[SleepState(row.values["state"])],
                STEPS[row.values["next_step"]],
            ]
            for row in rows
        ],
        legend=[LegendEntry(label, f"mark-{one}") for one, label in STATES.items()],
        size="lg",
        is_empty=not rows,
        empty_title=_("Nothing at stake"),
        empty_text=answer.reasons.get("money_at_stake", "")
        or _("Nobody sleeps who brought revenue in the last two years."),
    )


def _look(state: SleepState) -> dict[str, Any]:
    """Churned bars are hatched besides their colour."""
    colour = {"color": f"token:{COLOURS[state]}", "borderRadius": 2}
    return {"itemStyle": colour | ({"decal": HATCHED} if state is SleepState.CHURNED else {})}


def _names(names: list[str]) -> dict[str, Any]:
    return {
        "type": "category",
        "data": names,
        "inverse": True,
        "axisLabel": {"width": 96, "overflow": "truncate", "interval": 0, "hideOverlap": False},
    }
