"""The two charts of the retention calculator; a claim of the articles is a dashed line that says it is one."""

from typing import Any

from django.utils.translation import gettext as _

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Option, Series, lines
from metrics.formulas.economics import Reading
from metrics.services.economics import CURVE_FIRST, CURVE_LAST, EconomicsFigures, LiftPoint, RatioPoint

COLOURS = {
    Reading.CUSTOMER_VALUE: "--series-1",
    Reading.STEADY_STATE: "--series-3",
    Reading.FIRST_YEAR: "--series-2",
}
HIGHEST_LIFT = 2.0  # of the axis where nothing asks for more: the long run has a pole where nobody leaves
TABLE_EVERY = 4  # points of the curve: whole percentage points
LABEL_EVERY = 20  # points of the curve: five percentage points
RATIO_LABEL_EVERY = 25  # points of the curve of ratios
ROOM = 1.25  # above the highest point that must be seen


def names() -> dict[Reading, str]:
    return {
        Reading.CUSTOMER_VALUE: _("Value of a customer"),
        Reading.STEADY_STATE: _("Yearly profit in the long run"),
        Reading.FIRST_YEAR: _("Margin within one year"),
    }


def lift_chart(found: EconomicsFigures) -> Chart:
    """How much the uplift brings at each retention, by the three readings."""
    labels = [_label(point.retention) for point in found.curve]
    words, claimed = names(), found.inputs.claimed_lift
    series = [
        Series(words[reading], [point.lifts[reading] for point in found.curve], COLOURS[reading]) for reading in Reading
    ]
    option = lines(labels, series, reads="percent")
    if labels:
        retention = found.inputs.retention or 0
        marks = [_claim({"yAxis": claimed}, _claimed_lift(found))]
        if found.curve[0].retention <= retention <= found.curve[-1].retention:
            marks.append(
                _here(
                    {"xAxis": _nearest(found.curve, retention)},
                    _("you: %(share)s") % {"share": formats.percent(retention)},
                )
            )
        option["series"][0]["markLine"] = _mark_line(marks)
        option["xAxis"]["axisLabel"] = {"interval": LABEL_EVERY - 1}
        option["yAxis"] |= _lift_range(found)
        option["grid"] = {"top": 20, "right": 14}
    title = _("What the uplift brings, by the retention it starts from")
    return Chart(
        key="economics-lift",
        title=title,
        caption=_caption(found, title),
        summary=_claimed_lift(found),
        option=option,
        columns=[_("Retention"), *words.values()],
        rows=[
            [_label(point.retention), *(_change(point.lifts[reading]) for reading in Reading)]
            for point in found.curve[::TABLE_EVERY]
        ],
        size="lg",
        legend=[LegendEntry(words[reading], f"mark-{colour[2:]}") for reading, colour in COLOURS.items()],
        is_empty=not labels,
    )


def ratio_chart(found: EconomicsFigures) -> Chart:
    """How many times the first-year profit of a new customer an existing one earns, if a new one costs k times as much."""
    curve, inputs = found.ratio_curve, found.inputs
    labels = [_label(point.cost_share) for point in curve]
    multiple, ratio = times(inputs.cost_multiple), times(inputs.profit_ratio)
    name = _("a new customer costs %(multiple)s× (article's claim, source unknown)") % {"multiple": multiple}
    option = lines(labels, [Series(name, [round(point.ratio, 4) for point in curve], "--series-4")], reads="plain")
    option["series"][0]["markLine"] = _mark_line([
        _claim({"yAxis": inputs.profit_ratio}, _("article's claim, source unknown: %(ratio)s×") % {"ratio": ratio}),
        _here({"xAxis": _nearest_share(curve, found.claimed_cost_share)}, formats.percent(found.claimed_cost_share)),
    ])  # fmt: skip
    option["xAxis"]["axisLabel"] = {"interval": RATIO_LABEL_EVERY - 1}
    option["yAxis"] |= {"min": 0, "max": _round_top(ROOM * inputs.profit_ratio)}
    option["grid"] = {"top": 20, "right": 14}
    title = _("Profit of an existing customer as a multiple of a new one's, by what keeping it costs of the margin")
    return Chart(
        key="economics-ratio",
        title=title,
        caption=title,
        summary=name,
        option=option,
        columns=[_("Cost of keeping, of the margin"), _("Times the profit of a new one")],
        rows=[[_label(point.cost_share), formats.number(point.ratio, decimals=2)] for point in curve[::TABLE_EVERY]],
        size="md",
        legend=[LegendEntry(name, "mark-series-4")],
    )


def times(value: float) -> str:
    """A multiple without needless decimals: 3, 2.5."""
    return formats.number(value, decimals=2).rstrip("0").rstrip(".")


def _caption(found: EconomicsFigures, title: str) -> str:
    retention = found.inputs.retention
    if retention is None or CURVE_FIRST <= retention <= CURVE_LAST:
        return title
    return _("%(title)s; yours, %(share)s, lies beyond it") % {"title": title, "share": formats.percent(retention)}


def _claimed_lift(found: EconomicsFigures) -> str:
    return _("article's claim, source unknown: %(lift)s") % {"lift": _change(found.inputs.claimed_lift)}


def _lift_range(found: EconomicsFigures) -> Option:
    """The claim and the reader's own point are in sight; what flies off near 100 % leaves at the top."""
    own = max((getattr(found, f"{reading}_lift") or 0 for reading in Reading), default=0)
    top = max(2 * found.inputs.claimed_lift, min(ROOM * own, HIGHEST_LIFT))
    values = [lift for point in found.curve for lift in point.lifts.values() if lift is not None]
    low = min(values, default=0)
    return {"min": 0 if low >= 0 else -_round_top(min(-low, 1)), "max": _round_top(top)}


def _round_top(value: float) -> float:
    """A round end of an axis, not below ``value``."""
    step = 0.1 if value <= 1 else 0.5 if value <= 5 else 5
    return round(step * -(-value // step), 6)


def _mark_line(marks: list[Option]) -> Option:
    return {"symbol": "none", "silent": True, "animation": False, "data": marks}


def _claim(place: Option, words: str) -> Option:
    return place | _line("--series-5", "dashed", words, "insideStartTop")


def _here(place: Option, words: str) -> Option:
    return place | _line("--text-2", "dotted", words, "insideEndTop")


def _line(colour: str, kind: str, words: str, position: str) -> Option:
    label: dict[str, Any] = {"formatter": words, "position": position, "color": "token:--text-2", "fontSize": 11}
    return {"lineStyle": {"color": f"token:{colour}", "type": kind, "width": 1.5}, "label": label}


def _nearest(curve: list[LiftPoint], retention: float) -> str:
    return _label(min(curve, key=lambda point: abs(point.retention - retention)).retention)


def _nearest_share(curve: list[RatioPoint], share: float) -> str:
    return _label(min(curve, key=lambda point: abs(point.cost_share - share)).cost_share)


def _label(share: float) -> str:
    """A share as the axis names it: no more decimals than it has, so that round ones stay short."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + "%"


def _change(lift: float | None) -> str:
    return _("n/a") if lift is None else formats.percent(lift, signed=True)
