"""Charts as data: an ECharts option without colours or functions, and the same numbers as a table.

In an option "token:--series-1" is a colour of tokens.css; ``facet.format`` names how numbers read ("money", "percent",
"count", "plain"). static/js/charts.js gives it the theme. A datum with ``href`` is a link (``drawer``: beside the page).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext_lazy as _

Option = dict[str, Any]
Format = str


@dataclass(frozen=True)
class LegendEntry:
    label: Any
    css: str


@dataclass(frozen=True)
class Chart:
    """One chart. ``summary`` is the sentence a screen reader hears; ``rows`` begin with their heading."""

    key: str
    title: Any
    option: Option
    columns: Sequence[Any]
    rows: Sequence[Sequence[Any]]
    summary: Any = ""
    caption: Any = ""
    size: str = "md"
    legend: Sequence[LegendEntry] = ()
    empty_title: Any = _("Nothing to draw yet")
    empty_text: Any = _("There is no revenue in these dates. Choose other dates, or import revenue.")
    is_empty: bool = False
    prints_as_table: bool = False  # on paper the table stands for it


@dataclass(frozen=True)
class Series:
    """A line or a set of bars; ``colour`` is a name of tokens.css."""

    name: Any
    values: Sequence[Any]
    colour: str = "--series-1"
    extra: Option = field(default_factory=dict)


def lines(labels: Sequence[str], series: Sequence[Series], *, reads: Format = "money", area: bool = False) -> Option:
    """Lines over common labels; None leaves a gap."""
    return {
        "facet": {"format": reads},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"type": "category", "data": list(labels), "boundaryGap": False},
        "yAxis": {"type": "value", "min": 0 if _all_positive(series) else None},
        "series": [
            {
                "type": "line",
                "name": str(one.name),
                "data": list(one.values),
                "showSymbol": False,
                "symbolSize": 6,
                "lineStyle": {"width": 2, "color": f"token:{one.colour}"},
                "itemStyle": {"color": f"token:{one.colour}"},
                **({"areaStyle": {"color": f"token:{one.colour}", "opacity": 0.1}} if area else {}),
                **one.extra,
            }
            for one in series
        ],
    }


def bars(
    labels: Sequence[str], series: Sequence[Series], *, reads: Format = "money", horizontal: bool = False
) -> Option:
    """Bars from zero; ``horizontal`` puts the labels at the left, first on top."""
    categories = {"type": "category", "data": list(labels), **({"inverse": True} if horizontal else {})}
    values = {"type": "value"}
    return {
        "facet": {"format": reads},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "xAxis": values if horizontal else categories,
        "yAxis": categories if horizontal else values,
        "series": [
            {
                "type": "bar",
                "name": str(one.name),
                "data": list(one.values),
                "barMaxWidth": 28,
                "itemStyle": {"color": f"token:{one.colour}", "borderRadius": 2},
                **one.extra,
            }
            for one in series
        ],
    }


@dataclass(frozen=True)
class Step:
    """One bar of a waterfall; ``is_total`` stands on zero, others float from where the last one ended."""

    label: str
    amount: float
    colour: str
    text: str
    is_total: bool = False
    href: str = ""


def waterfall(steps: Sequence[Step]) -> Option:
    """Opening, changes and closing as floating bars; each carries its words and may open its accounts."""
    blank, shown, level = [], [], 0.0
    for step in steps:
        start, end = (0.0, step.amount) if step.is_total else (level, level + step.amount)
        level = end
        # A bar across zero has no invisible foot; below zero both parts count downwards.
        low, high = min(start, end), max(start, end)
        foot = low if low >= 0 else (high if high <= 0 else 0.0)
        blank.append(foot)
        shown.append(
            {
                "value": high - low if low >= 0 else (low - high if high <= 0 else step.amount),
                "itemStyle": {"color": f"token:{step.colour}", "borderRadius": 2},
                "label_text": step.text,
                "tip": f"{step.label}\n{step.text}",
                **({"href": step.href, "drawer": True} if step.href else {}),
            }
        )
    return {
        "facet": {"format": "money", "flip_narrow": True},
        "tooltip": {"trigger": "item", "facetFormat": "item-label"},
        "grid": {"top": 24},
        "xAxis": {
            "type": "category",
            "data": [step.label for step in steps],
            "axisLabel": {"interval": 0, "hideOverlap": False, "width": 74, "overflow": "break"},
        },
        "yAxis": {"type": "value"},
        "series": [
            {"type": "bar", "stack": "bridge", "silent": True, "data": blank, "itemStyle": {"color": "transparent"}},
            {
                "type": "bar",
                "stack": "bridge",
                "data": shown,
                "barMaxWidth": 64,
                "barCategoryGap": "28%",
                "label": {"show": True, "position": "top", "facetFormat": "money"},
            },
        ],
    }


def _all_positive(series: Sequence[Series]) -> bool:
    return all((_number(value) or 0) >= 0 for one in series for value in one.values)


def _number(value: Any) -> float | None:
    found = value.get("value") if isinstance(value, dict) else value
    return found if isinstance(found, int | float) else None
