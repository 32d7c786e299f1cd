"""The three charts of the dashboard."""

from django.utils.translation import gettext as _

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, Step, lines, waterfall
from crm.web.figure import Figure, Kind
from crm.web.formats import NumberStyle
from crm.web.period_bar import PeriodBar
from metrics.definitions import METRICS
from metrics.services.concentration import ConcentrationFigures
from metrics.services.portfolio import BridgeFigures
from metrics.services.trend import Trend

MONTHS = 12
TOP = 10
BRIDGE_COLOURS = {
    "opening": "--period-base", "expansion": "--bridge-good", "contraction": "--bridge-bad", "churned": "--bridge-bad",
    "reactivated": "--bridge-good", "new": "--bridge-good", "adjustment": "--bridge-neutral",
    "closing": "--period-comparison",
}  # fmt: skip


def bridge_chart(bridge: BridgeFigures, choice: PeriodBar, style: NumberStyle, *, prefix: str = "") -> Chart:
    """Opening to closing revenue; a bar opens the accounts behind it. A line of zero is left out of the drawing.

    prefix : of the keys in the catalogue, where the bridge is not of revenue
    """
    reason = next(iter(bridge.reasons.values()), "")
    known = {line: bar for line, bar in bridge.bars.items() if bar.amount is not None}
    steps = [
        Step(
            label=str(METRICS[f"{prefix}{line}"].label),
            amount=float(bar.amount),
            colour=BRIDGE_COLOURS[line],
            text=_bar_text(line, bar.amount, style),
            is_total=line in {"opening", "closing"},
            href=Figure(f"{prefix}{line}", "", None, Kind.MONEY, query=choice.query).href,
        )
        for line, bar in known.items()
        if bar.amount or line in {"opening", "closing"}
    ]
    return Chart(
        key="bridge",
        title=_("Revenue bridge"),
        summary=_("From %(opening)s to %(closing)s %(currency)s.")
        % {
            "opening": steps[0].text if steps else _("n/a"),
            "closing": steps[-1].text if steps else _("n/a"),
            "currency": bridge.currency,
        },
        option=waterfall(steps),
        columns=[_("Part"), _("Amount, %(currency)s") % {"currency": bridge.currency}, _("Accounts")],
        rows=[
            [METRICS[f"{prefix}{line}"].label, formats.money(bar.amount), formats.number(bar.accounts or 0)]
            for line, bar in known.items()
        ],
        size="lg",
        is_empty=not known or not (known["opening"].amount or known["closing"].amount),
        **({"empty_text": reason} if reason else {}),
    )


def _bar_text(line: str, amount: object, style: NumberStyle) -> str:
    text = formats.money_short(amount, style)  # type: ignore[arg-type]
    return text if line in {"opening", "closing"} or amount < 0 else f"+{text}"  # type: ignore[operator]


def concentration_chart(found: ConcentrationFigures) -> Chart:
    """How much of the revenue the largest accounts bring: a curve from the largest to all."""
    curve = found.curve or ()
    data = [[0, 0], *([point.accounts, point.share] for point in curve)]
    return Chart(
        key="concentration",
        title=_("Concentration"),
        summary=_("The 10 largest of %(count)s accounts bring %(share)s of the revenue.")
        % {
            "count": found.accounts or 0,
            "share": formats.percent(found.top_10_share) if found.top_10_share is not None else _("n/a"),
        },
        option={
            "facet": {"format": "percent"},
            "tooltip": {"trigger": "axis"},
            "xAxis": [{"type": "value", "facetFormat": "count", "max": found.accounts or 1, "splitLine": {"show": False}}],
            "yAxis": [{"type": "value", "max": 1, "min": 0, "interval": 0.25}],
            "grid": {"top": 22, "right": 14},
            "series": [
                {
                    "type": "line",
                    "name": _("Share of revenue"),
                    "data": data,
                    "showSymbol": False,
                    "lineStyle": {"width": 2, "color": "token:--period-comparison"},
                    "itemStyle": {"color": "token:--period-comparison"},
                    "areaStyle": {"color": "token:--period-comparison", "opacity": 0.1},
                    "markLine": {
                        "silent": True,
                        "symbol": "none",
                        "label": {"formatter": _("10 largest"), "position": "end", "rotate": 0, "distance": 4, "color": "token:--chart-text", "fontSize": 11},
                        "lineStyle": {"color": "token:--line-strong", "type": "dashed"},
                        "data": [{"xAxis": TOP}] if (found.accounts or 0) > TOP else [],
                    },
                }
            ],
        },
        columns=[_("Largest accounts"), _("Share of revenue")],
        rows=[[formats.number(point.accounts), formats.percent(point.share)] for point in _thinned(curve)],
        is_empty=not curve,
    )  # fmt: skip


def _thinned(curve: tuple) -> list:
    """A curve of 200 points as a table people read: the first ten, then every tenth, and the last."""
    last = len(curve) - 1
    return [point for at, point in enumerate(curve) if at < TOP or (at + 1) % TOP == 0 or at == last]


def trend_chart(series: Trend, style: NumberStyle) -> Chart:
    """Revenue of the last 12 months with the same months of the year before behind it."""
    points = series.points
    now, before = points[-MONTHS:], points[-2 * MONTHS : -MONTHS]
    values = [None if point.value is None else float(point.value) for point in now]
    earlier = [None if point.value is None else float(point.value) for point in before]
    earlier = [None] * (len(values) - len(earlier)) + earlier
    labels = [formats.month(point.period.start) for point in now]
    return Chart(
        key="trend",
        title=_("Revenue by month"),
        summary=_("%(months)s months, with the same months a year before.") % {"months": len(values)},
        option=lines(
            labels,
            [
                Series(_("a year before"), earlier, "--period-base", {"lineStyle": {"width": 2, "type": "dashed", "color": "token:--period-base"}}),
                Series(_("last 12 months"), values, "--period-comparison", {"areaStyle": {"color": "token:--period-comparison", "opacity": 0.08}}),
            ],
        ),
        columns=[
            _("Month"),
            _("Revenue, %(currency)s") % {"currency": series.currency},
            _("A year before"),
        ],
        rows=[
            [label, _cell(value), _cell(prior)] for label, value, prior in zip(labels, values, earlier, strict=True)
        ],
        legend=[LegendEntry(_("last 12 months"), "mark-comparison"), LegendEntry(_("a year before"), "mark-base")],
        is_empty=not any(values),
    )  # fmt: skip


def _cell(value: float | None) -> str:
    return _("n/a") if value is None else formats.money(value)
