"""The charts of the metrics page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, add_months, month_start
from crm.lib.spring import MARCH, is_moved_by_spring_festival
from crm.web import dashboard_charts, formats, metric_form
from crm.web.charts import Chart, LegendEntry, Series, bars, lines
from crm.web.figure import Kind, format_value
from crm.web.figure_answers import kind_of
from crm.web.formats import PLAIN, NumberStyle
from metrics.definitions import METRICS
from metrics.services.base import Answer
from metrics.services.concentration import ConcentrationFigures
from metrics.services.portfolio import BridgeFigures
from metrics.services.trend import Interval, Point, Trend, trends

MONTHS_BACK = 23  # of a rolling line, besides the current month
SHOWN_LARGEST = 12
SERIES_COLOURS = ("--series-1", "--series-3", "--series-2")
SPRING_MARK = "†"
COUNTED = frozenset({"orders", "active_accounts"})
RATES = frozenset({
    "margin", "growth_rate", "overall_growth_rate", "net_revenue_retention", "gross_revenue_retention", "logo_retention",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Links:
    """What a chart of the dashboard asks of its period bar."""

    query: Mapping[str, Any]


def bridge(found: BridgeFigures, links: Mapping[str, Any], style: NumberStyle) -> Chart:
    chart = dashboard_charts.bridge_chart(found, _Links(links), style)  # type: ignore[arg-type]
    return replace(
        chart,
        caption=_("%(title)s, %(currency)s; a bar opens its accounts")
        % {"title": chart.title, "currency": found.currency},
    )


def curve(found: ConcentrationFigures) -> Chart:
    return replace(
        dashboard_charts.concentration_chart(found),
        caption=_("Share of the revenue that the largest customers bring, from the largest to all"),
    )


def rates_chart(
    accounts: AccountQuerySet, keys: Sequence[str], *, title: str, as_of: date, choices: Mapping[str, Any]
) -> Chart:
    """Rates of a rolling year at the end of each of the last 24 months; one query."""
    first = add_months(month_start(as_of), -MONTHS_BACK)
    found = trends(accounts, metrics=keys, interval=Interval.MONTH, first=first, as_of=as_of, **choices)
    known = _from_first_known([found[key].points for key in keys])
    points = known[0]
    labels = [formats.month(point.period.start) for point in points]
    series = [
        Series(metric_form.series_label(key), _values(one), colour)
        for key, one, colour in zip(keys, known, SERIES_COLOURS, strict=False)
    ]
    option = lines(labels, series, reads="percent")
    return Chart(
        key="metrics-chart",
        title=title,
        summary=_("%(months)s months.") % {"months": len(points)},
        option=option,
        columns=[_("Month"), *(one.name for one in series)],
        rows=[[label, *(_text(one[at], Kind.PERCENT) for one in known)] for at, label in enumerate(labels)],
        caption=title,
        legend=[
            LegendEntry(one.name, f"mark-{colour[2:]}") for one, colour in zip(series, SERIES_COLOURS, strict=False)
        ],
        is_empty=not any(value is not None for one in series for value in one.values),
        empty_title=_("No line yet"),
        empty_text=_("A rate of 12 months against the 12 before needs two years of revenue."),
    )


def activity_chart(
    accounts: AccountQuerySet, period: Period, *, as_of: date, choices: Mapping[str, Any], style: NumberStyle
) -> Chart:
    """Active accounts of each month of the period, with the same months a year before; one query."""
    first = add_months(month_start(period.start), -12)
    last = min(period.last_day, as_of)
    found = trends(
        accounts,
        metrics=["active_accounts"],
        interval=Interval.MONTH,
        first=first,
        last=max(last, first),
        as_of=as_of,
        **choices,
    )["active_accounts"]
    now = [point for point in found.points if point.period.start >= month_start(period.start)]
    before = [year_before(found, point) for point in now]
    labels = [formats.month(point.period.start) for point in now]
    return Chart(
        key="metrics-chart",
        title=_("Active accounts by month"),
        caption=_("Active accounts by month"),
        summary=_("%(months)s months, with the same months a year before.") % {"months": len(now)},
        option=bars(
            labels,
            [
                Series(_("a year before"), _values(before), "--period-base"),
                Series(_("this period"), _values(now), "--period-comparison"),
            ],
            reads="count",
        ),
        columns=[_("Month"), _("Active accounts"), _("A year before")],
        rows=[
            [label, _text(point, Kind.COUNT), _text(prior, Kind.COUNT)]
            for label, point, prior in zip(labels, now, before, strict=True)
        ],
        legend=[LegendEntry(_("this period"), "mark-comparison"), LegendEntry(_("a year before"), "mark-base")],
        is_empty=not any(point.value for point in now),
    )


def largest_chart(found: Answer, key: str) -> Chart:
    """The accounts with the largest value of ``key`` as bars."""
    rows = [row for row in found.table.rows(order_by=key, limit=SHOWN_LARGEST) if row.values.get(key)]
    name, kind = metric_form.series_label(key), kind_of(METRICS[key])
    names = [row.name for row in rows]
    reads = "money" if kind is Kind.MONEY else "count"
    option = bars(names, [Series(name, [round(row.values[key], 2) for row in rows])], reads=reads, horizontal=True)
    title = _("%(figure)s: the largest customers") % {"figure": name}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        option=option | {"yAxis": _names(names)},
        columns=[_("Account"), name],
        rows=[
            [
                row.name,
                formats.money(row.values[key]) if kind is Kind.MONEY else formats.number(row.values[key], decimals=1),
            ]
            for row in rows
        ],
        size="lg",
        is_empty=not rows,
        empty_title=_("No estimate"),
        empty_text=next(iter(found.reasons.values()), ""),
    )


def _names(names: list[str]) -> dict[str, Any]:
    return {
        "type": "category",
        "data": names,
        "inverse": True,
        "axisLabel": {"width": 150, "overflow": "truncate", "interval": 0, "hideOverlap": False},
    }


def series_chart(found: Trend) -> Chart:
    """Any figure over time: amounts and counts as bars with the year before behind them, rates as a line."""
    points, kind = found.points, series_kind(found.metric)
    labels = [period_name(found, point.period) for point in points]
    name = metric_form.series_label(found.metric)
    title = _("%(figure)s, %(currency)s") % {"figure": name, "currency": found.currency} if kind is Kind.MONEY else name
    reads = {Kind.MONEY: "money", Kind.COUNT: "count", Kind.PERCENT: "percent"}[kind]
    values = Series(name, _values(points), "--period-comparison")
    option = lines(labels, [values], reads=reads) if kind is Kind.PERCENT else bars(labels, [values], reads=reads)
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s points.") % {"count": len(points)},
        option=option,
        columns=[_("Period"), name],
        rows=[[label, _text(point, kind)] for label, point in zip(labels, points, strict=True)],
        size="lg",
        is_empty=not any(point.value is not None for point in points),
        empty_title=_("Nothing to draw"),
        empty_text=points[-1].reason if points else "",
    )


def series_rows(found: Trend) -> list[list[Any]]:
    """Newest first: period, value, the value a year before, change."""
    kind, rows = series_kind(found.metric), []
    for point in reversed(found.points):
        before = year_before(found, point)
        rows.append(
            [
                period_name(found, point.period),
                _text(point, kind),
                _text(before, kind) if before else "–",
                _marked(_change(point, before, kind), point, before),
            ]
        )
    return rows


def spring_note(found: Trend) -> str:
    """What the mark on single months from January to March means, where a row carries it."""
    moved = [point for point in found.points if _is_moved(point, year_before(found, point))]
    if not moved:
        return ""
    if all(point.period.start.month == MARCH for point in moved):
        return _("%(mark)s The Spring Festival moves from year to year, and March with it.") % {"mark": SPRING_MARK}
    return _(
        "%(mark)s The Spring Festival moves from year to year, so single months from January to March compare badly; take"
        " January and February together."
    ) % {"mark": SPRING_MARK}


def _marked(change: str, point: Point, before: Point | None) -> str:
    return f"{change} {SPRING_MARK}" if _is_moved(point, before) else change


def _is_moved(point: Point, before: Point | None) -> bool:
    """A change between two years that the holiday moves."""
    is_compared = before is not None and before.value is not None and point.value is not None
    return is_compared and is_moved_by_spring_festival(point.period)


def series_kind(metric: str) -> Kind:
    if metric in RATES:
        return Kind.PERCENT
    return Kind.COUNT if metric in COUNTED else Kind.MONEY


def series_text(metric: str, value: Any, currency: str, style: NumberStyle) -> str:
    """A value of a series with its unit, as a sentence says it."""
    kind = series_kind(metric)
    text = format_value(value, kind, style)
    return f"{text} {currency}" if kind is Kind.MONEY else text


def period_name(found: Trend, period: Period) -> str:
    """A month in words, January and February joined too, else its label."""
    if found.interval != Interval.MONTH:
        return period.label
    if period.months == 1:
        return formats.month(period.start)
    return _("Jan–Feb %(year)s") % {"year": period.start.year}


def year_before(found: Trend, point: Point) -> Point | None:
    """The point of the same period one year earlier, if the series has it."""
    start = point.period.start
    wanted = start.replace(year=start.year - 1)
    earlier = (other for other in found.points if other.period.start == wanted)
    return next((other for other in earlier if other.period.months == point.period.months), None)


def _change(point: Point, before: Point | None, kind: Kind) -> str:
    if before is None or point.value is None or before.value is None:
        return "–"
    if kind is Kind.PERCENT:
        return _("%(points)s points") % {"points": formats.points(100 * (float(point.value) - float(before.value)))}
    base = float(before.value)
    return formats.percent((float(point.value) - base) / base, signed=True) if base > 0 else _("n/a")


def _from_first_known(series: Sequence[Sequence[Point]]) -> list[Sequence[Point]]:
    """The series without the points at their beginning that no one of them knows."""
    first = next((at for at in range(len(series[0])) if any(one[at].value is not None for one in series)), 0)
    return [one[first:] for one in series]


def _values(points: Sequence[Point | None]) -> list[float | None]:
    return [None if point is None or point.value is None else float(point.value) for point in points]


def _text(point: Point | None, kind: Kind) -> str:
    if point is None or point.value is None:
        return _("n/a")
    return formats.money(Decimal(point.value)) if kind is Kind.MONEY else format_value(point.value, kind, PLAIN)
