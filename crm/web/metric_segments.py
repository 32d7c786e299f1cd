"""Which kinds of customers do we have? Segments by last order, orders and revenue; value bands with what each asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.cohort_words import ACTIONS, BANDS, SEGMENTS, worded
from crm.web.cohorts_form import STABLE, STABLE_PROFITABLE
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, Shown, accounts_behind, unsaid
from crm.web.metric_leaves import LEAF_HEADS, LEAF_TITLES
from crm.web.metric_table import Column, Order
from metrics.services.base import AccountTable
from metrics.services.segments import AxisTotals, SegmentFigures, SegmentTotal, ValueMeasure, segments

KEYS = ("scored_accounts", "high_value_accounts", "high_value_share", "stable_accounts", "stable_profitable_accounts")
MEASURES = {
    ValueMeasure.GROSS_PROFIT: gettext_lazy(
        "By gross profit of the period: high is the top fifth, low the lower half."
    ),
    ValueMeasure.REVENUE: gettext_lazy(
        "By revenue of the period, since cost is missing on some lines: high is the top fifth, low the lower half."
    ),
}


@dataclass(frozen=True, slots=True)
class Panel:
    """A small table of its own beside the chart. ``links`` opens the accounts of each row."""

    title: Any
    note: Any
    columns: Sequence[Any]
    rows: Sequence[tuple[str, Sequence[Any]]]
    ends_in_words: bool = True  # its last column


@dataclass(frozen=True, slots=True)
class SegmentsShown(Shown):
    panels: Sequence[Panel] = ()


def segments_answer(asked: Asked) -> SegmentsShown:
    answer = segments(
        asked.accounts,
        with_axes=True,
        period=asked.form.cleaned_data["period"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
    table = _chosen(answer.table, asked.form.cleaned_data["kind"])
    table = table.with_columns(
        {
            "segment_label": worded(table.columns["segment"], SEGMENTS),
            "band_label": worded(table.columns["band"], BANDS),
        }
    )
    columns = (
        Column("segment_label", gettext_lazy("Segment"), Kind.TEXT, is_sortable=False),
        Column("band_label", gettext_lazy("Value"), Kind.TEXT, is_sortable=False),
        Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
        Column("profit", gettext_lazy("Gross profit"), Kind.MONEY),
        Column("stability", gettext_lazy("Stability"), Kind.NUMBER),
        Column("orders", gettext_lazy("Orders"), Kind.COUNT),
        Column("days_silent", gettext_lazy("Days silent"), Kind.COUNT),
        Column("recency", gettext_lazy("Recency"), Kind.COUNT),
        Column("frequency", gettext_lazy("Frequency"), Kind.COUNT),
        Column("monetary", gettext_lazy("Amount"), Kind.COUNT),
    )
    return SegmentsShown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer, asked.links),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, columns, Order("revenue", descending=True)),
        note=_("So few accounts that the scores say little.") if answer.is_few and answer.scored_accounts else "",
        panels=[_bands(answer, asked.links), *(_axis(axis, asked.links) for axis in answer.axes if _is_told(axis))],
    )


def _chosen(table: AccountTable, kind: str) -> AccountTable:
    """The accounts of one kind: stable ones, a value band, or a segment."""
    if not kind:
        return table
    if kind in (STABLE, STABLE_PROFITABLE):
        return table.where(table.columns[f"is_{kind}"])
    return table.where(table.columns["band" if kind in {str(band) for band in BANDS} else "segment"] == kind)


def _sentence(asked: Asked, answer: SegmentFigures) -> SafeString:
    if answer.high_value_share is None:
        return unsaid(answer.reasons.get("high_value_share", ""))
    said = {key: asked.said(asked.figure(key, answer)) for key in KEYS}
    if answer.stable_profitable_accounts is None:
        return format_html(
            _(
                "{high_value_accounts} of {scored_accounts} customers are of high value and bring {high_value_share} of"
                " the revenue; {stable_accounts} order in a stable rhythm."
            ),
            **said,
        )
    return format_html(
        _(
            "{high_value_accounts} of {scored_accounts} customers are of high value and bring {high_value_share} of the"
            " revenue; {stable_profitable_accounts} are stable and profitable."
        ),
        **said,
    )


def _chart(answer: SegmentFigures, links: Mapping[str, Any]) -> Chart:
    """Share of accounts and share of revenue of each segment, side by side; a bar opens its accounts."""
    shown = [one for one in answer.segments if one.accounts]
    names = [str(SEGMENTS[one.segment]) for one in shown]
    title = _("Segments: their share of the customers and of the revenue; a bar opens its accounts")
    option = bars(
        names,
        [
            Series(_("customers"), [_datum(answer, one, links, of_accounts=True) for one in shown], "--period-base"),
            Series(_("revenue"), [_datum(answer, one, links, of_accounts=False) for one in shown], "--series-1"),
        ],
        reads="percent",
        horizontal=True,
    )
    option["tooltip"] = {"trigger": "item", "facetFormat": "item-label"}
    option["yAxis"] |= {"axisLabel": {"width": 120, "overflow": "truncate", "interval": 0, "hideOverlap": False}}
    for one in option["series"]:
        one["barMaxWidth"] = 11
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s segments with accounts.") % {"count": len(shown)},
        option=option,
        columns=[_("Segment"), _("Accounts"), _("Revenue"), _("Share of the revenue")],
        rows=[
            [
                SEGMENTS[one.segment],
                formats.number(one.accounts),
                formats.money(one.revenue),
                _percent(one.revenue_share),
            ]
            for one in answer.segments
        ],
        legend=[LegendEntry(_("customers"), "mark-base"), LegendEntry(_("revenue"), "mark-series-1")],
        size="xl" if len(shown) > len(answer.segments) / 2 else "lg",
        is_empty=not shown,
        empty_title=_("No customer with scores"),
        empty_text=answer.reasons.get("monetary", "") or answer.reasons.get("high_value_share", ""),
    )


def _datum(answer: SegmentFigures, one: SegmentTotal, links: Mapping[str, Any], *, of_accounts: bool) -> dict[str, Any]:
    share = one.accounts / answer.scored_accounts if of_accounts else one.revenue_share or 0.0
    tip = _("%(accounts)s customers, %(revenue)s %(currency)s") % {
        "accounts": formats.number(one.accounts),
        "revenue": formats.money(one.revenue),
        "currency": answer.currency,
    }
    return {
        "value": share,
        "tip": f"{SEGMENTS[one.segment]}\n{formats.percent(share)}\n{tip}",
        "href": _link(links, str(one.segment)),
    }


def _bands(answer: SegmentFigures, links: Mapping[str, Any]) -> Panel:
    return Panel(
        title=_("Value bands, and what each asks for"),
        note=MEASURES[answer.measure],
        columns=[_("Value"), _("Accounts"), _("Revenue"), _("Share of the revenue"), _("What to do")],
        rows=[
            (
                _link(links, str(one.band)),
                [
                    BANDS[one.band],
                    formats.number(one.accounts),
                    formats.money(one.revenue),
                    _percent(one.revenue_share),
                    ACTIONS[one.action],
                ],
            )
            for one in answer.bands
        ],
    )


def _is_told(axis: AxisTotals) -> bool:
    """Whether anybody has filled it in."""
    return any(part.key and part.accounts for part in axis.parts)


def _axis(axis: AxisTotals, links: Mapping[str, Any]) -> Panel:
    return Panel(
        title=LEAF_TITLES[axis.axis],
        note="",
        columns=[LEAF_HEADS[axis.axis], _("Accounts"), _("Revenue"), _("Share of the revenue")],
        rows=[
            (
                f"?{urlencode({**links, str(axis.axis): part.key or '-'}, doseq=True)}#behind",
                [part.label, formats.number(part.accounts), formats.money(part.revenue), _percent(part.revenue_share)],
            )
            for part in axis.parts
        ],
        ends_in_words=False,
    )


def _link(links: Mapping[str, Any], kind: str) -> str:
    return f"?{urlencode({**links, 'kind': kind}, doseq=True)}#behind"


def _percent(share: float | None) -> str:
    return _("n/a") if share is None else formats.percent(share)
