"""New or existing: where do we put our effort? Money, hours, revenue and gross profit of both, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.cohort_words import worded
from crm.web.efforts_form import SIDES
from crm.web.figure import Figure, Kind
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.services.effort_split import EFFORTS, RESULTS, SplitFigures, SplitLine, effort_split

QUANTITIES = {
    "effort_money": gettext_lazy("Money spent"),
    "effort_hours": gettext_lazy("Hours spent"),
    "revenue": gettext_lazy("Revenue"),
    "gross_profit": gettext_lazy("Gross profit"),
}
SHARES = {
    "effort_money": "new_effort_share",
    "effort_hours": "new_hours_share",
    "revenue": "new_revenue_share",
    "gross_profit": "new_gross_profit_share",
}
COLUMNS = (
    Column("side_label", gettext_lazy("Customer"), Kind.TEXT, is_sortable=False),
    Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
    Column("gross_profit", gettext_lazy("Gross profit"), Kind.MONEY),
    Column("effort_money", gettext_lazy("Spent on it by name"), Kind.MONEY),
    Column("effort_hours", gettext_lazy("Hours on it by name"), Kind.SCORE),
)
COLOURS = {"new": "--series-3", "existing": "--series-1"}


@dataclass(frozen=True, slots=True)
class SplitRow:
    """One quantity of both sides as the table says it; ``reason`` stands where something is not known."""

    label: object
    cells: Sequence[str]
    share: Figure
    reason: str


def split_answer(asked: Asked) -> Shown:
    answer = effort_split(
        asked.accounts, period=asked.form.cleaned_data["period"], as_of=asked.as_of, **asked.form.choices()
    )
    table = answer.table.with_columns({"side_label": worded(answer.table.columns["side"], SIDES)})
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in SHARES.values()],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, COLUMNS, Order("revenue", descending=True)),
        note=_("Efforts for no account in particular are seen by those who see every account."),
        below=Piece("metrics/_split.html", {"rows": _rows(asked, answer), "currency": answer.currency}),
    )


def _sentence(asked: Asked, answer: SplitFigures) -> SafeString:
    """Where effort and result lie furthest apart."""
    gap = answer.gap
    if gap is None:
        reason = next((answer.reasons[SHARES[name]] for name in EFFORTS if SHARES[name] in answer.reasons), "")
        return unsaid(reason or answer.reasons.get("new_revenue_share", ""))
    said = {
        "effort": asked.said(asked.figure(SHARES[gap.effort], answer)),
        "result": asked.said(asked.figure(SHARES[gap.result], answer)),
        "effort_name": _in_sentence(gap.effort),
        "result_name": _in_sentence(gap.result),
        "points": formats.points(100 * gap.share_gap),
    }
    return format_html(
        _(
            "Effort and result lie furthest apart here: new customers take {effort} of the {effort_name} and bring {result}"
            " of the {result_name} ({points} points)."
        ),
        **said,
    )


def _in_sentence(name: str) -> str:
    return {
        "effort_money": _("money"),
        "effort_hours": _("hours"),
        "revenue": _("revenue"),
        "gross_profit": _("gross profit"),
    }[name]


def _rows(asked: Asked, answer: SplitFigures) -> list[SplitRow]:
    rows = []
    for name in (*EFFORTS, *RESULTS):
        line, is_hours = answer.lines[name], name == "effort_hours"
        cells = [_amount(line.new, is_hours=is_hours), _amount(line.existing, is_hours=is_hours), _accounts(line)]
        share = asked.figure(SHARES[name], answer)
        rows.append(SplitRow(QUANTITIES[name], cells, share, line.reason or line.share_reason))
    return rows


def _accounts(line: SplitLine) -> str:
    if line.new_accounts is None or line.existing_accounts is None:
        return "–"
    return f"{formats.number(line.new_accounts)} / {formats.number(line.existing_accounts)}"


def _amount(amount: Decimal | None, *, is_hours: bool) -> str:
    if amount is None:
        return _("n/a")
    return formats.number(amount, decimals=1) if is_hours else formats.money(amount)


def _chart(answer: SplitFigures) -> Chart:
    """One bar a quantity, all as long as one another, split into new and existing."""
    names = (*EFFORTS, *RESULTS)
    labels = [str(QUANTITIES[name]) for name in names]
    sides = {
        "new": [answer.lines[name].new_share for name in names],
        "existing": [answer.lines[name].existing_share for name in names],
    }
    words = {"new": _("New customers"), "existing": _("Existing customers")}
    series = [Series(words[side], values, COLOURS[side], {"stack": "split"}) for side, values in sides.items()]
    title = _("Shares of new and existing customers")
    option = bars(labels, series, reads="percent", horizontal=True)
    option["xAxis"] |= {"max": 1, "min": 0}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s bars.") % {"count": len(names)},
        option=option,
        columns=["", *words.values()],
        rows=[[label, *(_share(values[at]) for values in sides.values())] for at, label in enumerate(labels)],
        legend=[LegendEntry(words[side], f"mark-{COLOURS[side][2:]}") for side in sides],
        is_empty=all(value is None for value in sides["new"]),
        empty_title=_("No share is known"),
        empty_text=next(iter(answer.reasons.values()), ""),
    )


def _share(value: float | None) -> str:
    return _("n/a") if value is None else formats.percent(value)
