"""A heat map as data: cells in a few steps of one hue with their number in them, so that nothing hangs on colour alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from crm.web.charts import LegendEntry, Option

STEPS = 5
NICE_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0)  # widths of a step that read well
OPEN = -1.0  # value of a cell that is not over: below every step
WIDE_FROM = ((19, "plot-wider"), (11, "plot-wide"))  # columns that no longer fit a phone: the map scrolls sideways
HEIGHTS = ((8, "md"), (11, "lg"), (15, "xl"))  # rows up to, size


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: ``text`` stands in it, ``tip`` is all its words. Without a value it is empty; ``is_open``: hatched."""

    column: int
    row: int
    value: float | None
    text: str
    tip: str
    is_open: bool = False


def top_of(values: Sequence[float]) -> float:
    """End of the scale: nine tenths of the values lie below, rounded up; what lies above is in the last step with them."""
    known = sorted(value for value in values if value > 0)
    if not known:
        return 1.0
    high = known[min(len(known) - 1, int(0.9 * len(known)))]
    return STEPS * next((step for step in NICE_STEPS if round(STEPS * step, 9) >= high), NICE_STEPS[-1])


def bounds(top: float) -> list[float]:
    """Lower ends of the steps."""
    return [top * step / STEPS for step in range(STEPS)]


def legend(top: float, *, reads: Any, open_label: Any) -> list[LegendEntry]:
    """What each step means, and the hatching."""
    lows = bounds(top)
    texts = [f"{reads(low)} – {reads(high)}" for low, high in pairwise(lows)]
    texts.append(f"≥ {reads(lows[-1])}")
    steps = [LegendEntry(text, f"mark-heat-{step + 1}") for step, text in enumerate(texts)]
    return [*steps, LegendEntry(open_label, "mark-heat-open")]


def heatmap(
    cells: Sequence[Cell], *, columns: Sequence[str], rows: Sequence[str], column_name: str, top: float
) -> Option:
    """Columns along the top, rows from the top down."""
    lows = bounds(top)
    return {
        "facet": {"format": "percent"},
        "tooltip": {"trigger": "item", "facetFormat": "item-label"},
        "grid": {"top": 24, "bottom": 4, "right": 4},
        "xAxis": {
            "type": "category",
            "data": list(columns),
            "position": "top",
            "name": column_name,
            "nameLocation": "middle",
            "nameGap": 20,
            "axisLine": {"show": False},
        },
        "yAxis": {"type": "category", "data": list(rows), "inverse": True, "axisLine": {"show": False}},
        "visualMap": {"type": "piecewise", "show": False, "dimension": 2, "pieces": _steps(lows)},
        "series": [
            {
                "type": "heatmap",
                "data": [_datum(cell, lows) for cell in cells],
                "itemStyle": {"borderColor": "token:--surface", "borderWidth": 2, "borderRadius": 3},
                "label": {"show": True, "fontSize": 10, "facetFormat": "percent"},
                "labelLayout": {"hideOverlap": True},
                "emphasis": {"itemStyle": {"borderColor": "token:--text"}},
            }
        ],
    }


def _steps(lows: Sequence[float]) -> list[Option]:
    """From where to where each hue goes; the last has no end, and what is not over has a hue of its own."""
    ends = [*lows[1:], None]
    steps: list[Option] = [{"lt": 0, "color": "token:--heat-open"}]
    for number, (low, end) in enumerate(zip(lows, ends, strict=True), 1):
        upper = {} if end is None else {"lt": end}
        steps.append({"gte": low, **upper, "color": f"token:--heat-{number}"})
    return steps


def size_of(*, rows: int, columns: int) -> str:
    """The size of the chart as its css knows it."""
    height = next((name for most, name in HEIGHTS if rows <= most), "tall")
    width = next((f" {name}" for least, name in WIDE_FROM if columns >= least), "")
    return height + width


def _datum(cell: Cell, lows: Sequence[float]) -> Option:
    if cell.is_open:
        return {
            "value": [cell.column, cell.row, OPEN],
            "label_text": cell.text,
            "label": {"color": "token:--text-3"},
            "tip": cell.tip,
            "itemStyle": {
                "decal": {
                    "symbol": "rect",
                    "color": "token:--heat-hatch",
                    "dashArrayX": [1, 0],
                    "dashArrayY": [2, 4],
                    "rotation": -0.7854,
                }
            },
        }
    shade = None if cell.value is None else max(cell.value, 0.0)  # credits may outweigh revenue; the text says so
    step = sum(shade >= low for low in lows) if shade is not None else 0
    return {
        "value": [cell.column, cell.row, shade],
        "label_text": cell.text,
        "label": {"color": f"token:--heat-on-{max(step, 1)}"},
        "tip": cell.tip,
    }
