"""Who is about to leave? The accounts with the most points, from which signals, and what the points were worth so far."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from crm.web.next_form import BANDS, SIGNALS
from metrics.formulas.decline_evaluation import RankQuality
from metrics.services.base import AccountTable
from metrics.services.decline import DeclineFigures, decline

SHOWN_LARGEST = 12
KEYS = (
    "at_risk_accounts", "at_risk_money", "watch_accounts", "late_rhythm_accounts", "late_rhythm_money", "points_precision",
    "baseline_precision",
)  # fmt: skip
COLOURS = ("--series-1", "--series-2", "--series-3", "--series-4")


@dataclass(frozen=True, slots=True)
class Rule:
    """One way to make the list, and what it would have found a year ago."""

    label: Any
    listed: str
    hits: str
    precision: str
    recall: str
    lift: str


def decline_answer(asked: Asked) -> Shown:
    answer = decline(asked.accounts, as_of=asked.as_of, **asked.form.choices())
    line = asked.params.get("line", "")
    line = line if line in {str(band) for band in BANDS} else ""
    table = answer.table.where(answer.table.columns["band"] == line) if line else answer.table
    points = [
        Column(f"{signal}_points", label, Kind.SCORE)
        for signal, label in SIGNALS.items()
        if np.isfinite(table.columns[f"{signal}_points"]).any()
    ]
    columns = (
        Column("points", gettext_lazy("Points"), Kind.SCORE),
        *points,
        Column("rhythm", gettext_lazy("Order rhythm"), Kind.SCORE),
        Column("last_order_on", gettext_lazy("Last order"), Kind.DAY, is_sortable=False),
        Column("money_at_stake", gettext_lazy("At stake"), Kind.MONEY),
    )
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(table, answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, columns, Order(answer.order_by, descending=True)),
        note=_note(answer),
        lines=[
            (str(band), label) for band, label in BANDS.items() if (answer.table.columns["band"] == str(band)).any()
        ],
        line=line,
        below=_tested(answer),
    )


def _sentence(asked: Asked, answer: DeclineFigures) -> SafeString:
    if not answer.watched_accounts:
        return unsaid(_("none of these customers bought in the last 12 months"))
    by = "at_risk" if answer.is_by_points else "late_rhythm"
    parts = {
        "watched": formats.number(answer.watched_accounts),
        "accounts": asked.said(asked.figure(f"{by}_accounts", answer)),
        "money": asked.said(asked.figure(f"{by}_money", answer)),
    }
    if not getattr(answer, f"{by}_accounts"):
        return (
            format_html(_("Nobody: none of the {watched} customers is at high risk."), **parts)
            if answer.is_by_points
            else format_html(_("Nobody: none of the {watched} customers is clearly late with its next order."), **parts)
        )
    if answer.is_by_points:
        return format_html(
            _("{accounts} of {watched} customers are at high risk; {money} a year is at stake."), **parts
        )
    return format_html(
        _("{accounts} of {watched} customers are clearly late with their next order; {money} a year is at stake."),
        **parts,
    )


def _note(answer: DeclineFigures) -> str:
    """Which rule makes the list, and why."""
    tested = answer.backtest
    if tested.points is None or tested.baseline is None:
        return _("Whether the points find the right ones could not be tested: %(reason)s.") % {"reason": tested.reason}
    parts = {
        "top": formats.number(tested.points.listed),
        "points": _hits(tested.points),
        "baseline": _hits(tested.baseline),
    }
    if tested.is_better:
        return (
            _(
                "Tried on our own past, the points found %(points)s who declined among the first %(top)s, a late rhythm"
                " alone %(baseline)s."
            )
            % parts
        )
    return (
        _(
            "Tried on our own past, the points were no better than a late rhythm alone: %(points)s against %(baseline)s"
            " who declined among the first %(top)s. So the list goes by rhythm."
        )
        % parts
    )


def _chart(table: AccountTable, answer: DeclineFigures) -> Chart:
    """The accounts with the most points, each bar made of its signals."""
    rows = [row for row in table.rows(order_by="points", limit=SHOWN_LARGEST) if row.values["points"]]
    names = [row.name for row in rows]
    title = _("Most points of risk, and where they come from")
    signals = list(zip(SIGNALS.items(), COLOURS, strict=True))
    is_known = {signal: any(row.values[f"{signal}_points"] for row in rows) for signal in SIGNALS}
    series = [
        Series(label, [row.values[f"{signal}_points"] for row in rows], colour, {"stack": "points"})
        for (signal, label), colour in signals
        if is_known[signal]
    ]
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s accounts.") % {"count": len(rows)},
        option=bars(names, series, reads="count", horizontal=True),
        columns=[
            _("Account"),
            _("Points"),
            *SIGNALS.values(),
            _("At stake, %(currency)s") % {"currency": answer.currency},
        ],
        rows=[
            [
                row.name,
                formats.number(row.values["points"], decimals=1),
                *(_points(row.values[f"{signal}_points"]) for signal in SIGNALS),
                "–" if row.values["money_at_stake"] is None else formats.money(row.values["money_at_stake"]),
            ]
            for row in rows
        ],
        legend=[LegendEntry(label, f"mark-{colour[2:]}") for (signal, label), colour in signals if is_known[signal]],
        size="lg",
        is_empty=not rows,
        empty_title=_("Nobody has points"),
        empty_text=_("No signal points to a decline for these accounts."),
    )


def _tested(answer: DeclineFigures) -> Piece | None:
    tested = answer.backtest
    rules = (
        (_("First %(count)s by points"), tested.points),
        (_("First %(count)s by late rhythm"), tested.baseline),
        (_("As many by points"), tested.points_as_many),
        (_("All with a late rhythm"), tested.flagged),
    )
    if tested.points is None:
        return None
    rows = [
        Rule(
            label=label % {"count": formats.number(quality.listed)} if "%(" in label else label,
            listed=formats.number(quality.listed),
            hits=_hits(quality),
            precision=_share(quality.precision),
            recall=_share(quality.recall),
            lift=_lift(quality.lift),
        )
        for label, quality in rules
        if quality is not None
    ]
    bands = [
        (
            f"{line.first}–{line.last}",
            formats.number(line.accounts),
            "–" if line.expected is None else formats.percent(line.expected),
            "–" if line.observed is None else formats.percent(line.observed),
        )
        for line in tested.bands
    ]
    content = {"rows": rows, "bands": bands, "tested": tested, "accounts": formats.number(tested.accounts),
               "declines": formats.number(tested.declines)}  # fmt: skip
    return Piece("metrics/_decline_tested.html", content)


def _hits(quality: RankQuality) -> str:
    """Whole numbers as such; a list that ends among equals has expected hits."""
    return formats.number(quality.hits, decimals=0 if quality.hits == round(quality.hits) else 1)


def _points(value: float | None) -> str:
    return "–" if value is None else formats.number(value, decimals=1)


def _share(value: float) -> str:
    return formats.percent(value) if np.isfinite(value) else "–"


def _lift(value: float) -> str:
    return f"{formats.number(value, decimals=1)}×" if np.isfinite(value) else "–"
