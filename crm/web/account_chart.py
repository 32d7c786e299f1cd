"""The 36-month revenue chart of one account: bars, the grade it had behind them, its contracts beneath."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.enums import ContractStatus, Grade
from accounts.models import Account, Contract
from crm.lib.periods import add_months, last_complete_month, month_start
from crm.web import formats
from crm.web.charts import Chart, LegendEntry
from crm.web.formats import NumberStyle
from metrics.services.trend import Trend, trend
from tiering.models import GradePeriod

CHART_MONTHS = 36
MOST_CONTRACTS = 4
CONTRACT_ROW = 22  # pixels of one contract's line
CONTRACT_TITLE = 26  # characters of a contract's number above its line


def revenue_chart(account: Account, *, as_of: date, style: NumberStyle) -> Chart:
    """Three queries: the series, the grades, the contracts."""
    last = last_complete_month(as_of)
    first = add_months(last, 1 - CHART_MONTHS)
    series = trend(Account.objects.filter(pk=account.pk), metric="revenue", first=first, last=last, as_of=as_of)
    end = add_months(last, 1)
    grades = list(GradePeriod.objects.filter(account=account, valid_from__lt=end).order_by("valid_from", "pk"))
    grades = [period for period in grades if period.valid_to is None or period.valid_to > first]
    contracts = list(
        account.contracts.filter(starts_on__lt=end, ends_on__gte=first)
        .exclude(status__in=(ContractStatus.DRAFT, ContractStatus.CANCELLED))
        .order_by("-amount", "pk")[:MOST_CONTRACTS]
    )
    contracts.sort(key=lambda contract: (contract.starts_on, contract.pk))
    months = [point.period.start for point in series.points]
    shown = list(dict.fromkeys(period.grade for period in grades))
    return Chart(
        key="account-revenue",
        title=_("Revenue of the last %(months)s months") % {"months": CHART_MONTHS},
        summary=_summary(series, style),
        option=_option(series, months, grades, contracts),
        columns=[_("Month"), _("Revenue, %(currency)s") % {"currency": series.currency}, _("Grade")],
        rows=[
            [
                formats.month(point.period.start),
                formats.money(point.value) if point.value is not None else f"{_('n/a')}: {point.reason}",
                _grade_in(point.period.start, grades),
            ]
            for point in reversed(series.points)
        ],
        legend=[LegendEntry(Grade(grade).label, f"mark-{grade}") for grade in shown],
        size="account",
        is_empty=not any(point.value for point in series.points),
    )


def _summary(series: Trend, style: NumberStyle) -> str:
    known = [point for point in series.points if point.value is not None]
    if not known:
        return _("No month is known yet.")
    best = max(known, key=lambda point: point.value)
    return _("Highest month %(month)s with %(amount)s %(currency)s.") % {
        "month": formats.month(best.period.start),
        "amount": formats.money_short(best.value, style),
        "currency": series.currency,
    }


def _option(
    series: Trend, months: Sequence[date], grades: Sequence[GradePeriod], contracts: Sequence[Contract]
) -> dict[str, Any]:
    labels = [formats.month(month) for month in months]
    below = len(contracts) * CONTRACT_ROW + (14 if contracts else 0)
    option: dict[str, Any] = {
        "facet": {"format": "money"},
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "grid": [{"left": 52, "right": 8, "top": 14, "bottom": below + 24}],
        "xAxis": [{"type": "category", "data": labels, "gridIndex": 0}],
        "yAxis": [{"type": "value", "gridIndex": 0}],
        "series": [
            {
                "type": "bar",
                "name": _("Revenue"),
                "data": [None if point.value is None else float(point.value) for point in series.points],
                "itemStyle": {"color": "token:--period-comparison", "borderRadius": 2},
                "barCategoryGap": "30%",
                "markArea": {"silent": True, "data": _bands(months, labels, grades)},
            }
        ],
    }
    if contracts:
        _add_contracts(option, months, labels, contracts, below)
    return option


def _bands(months: Sequence[date], labels: Sequence[str], grades: Sequence[GradePeriod]) -> list[list[dict[str, Any]]]:
    """The grade of each stretch of months, drawn behind the bars in the grade's tint."""
    return [
        [
            {"xAxis": labels[_place(months, period.valid_from)], "itemStyle": {"color": f"token:--grade-{period.grade}-soft"}},
            {"xAxis": labels[_place(months, period.valid_to - timedelta(days=1) if period.valid_to else months[-1])]},
        ]
        for period in grades
    ]  # fmt: skip


def _add_contracts(
    option: dict[str, Any], months: Sequence[date], labels: Sequence[str], contracts: Sequence[Contract], height: int
) -> None:
    """A second, small drawing under the bars: one line a contract, on the same months."""
    names = [contract.number[:CONTRACT_TITLE] for contract in contracts]
    option["grid"].append({"left": 52, "right": 8, "height": height, "bottom": 0})
    option["xAxis"].append({"type": "category", "data": labels, "gridIndex": 1, "show": False})
    option["yAxis"].append({"type": "category", "data": names, "gridIndex": 1, "show": False, "inverse": True})
    for contract, name in zip(contracts, names, strict=True):
        start, end = _place(months, contract.starts_on), _place(months, contract.ends_on)
        option["series"].append(
            {
                "type": "line",
                "name": name,
                "xAxisIndex": 1,
                "yAxisIndex": 1,
                "silent": True,
                "data": [[labels[start], name], [labels[end], name]],
                "symbol": "none",
                "lineStyle": {"width": 4, "color": "token:--series-2", "cap": "round"},
                "tooltip": {"show": False},
                "markPoint": {
                    "silent": True,
                    "symbolSize": 0,
                    "data": [{"coord": [labels[start], name], "value": name}],
                    "label": {
                        "show": True, "position": "right" if start < len(months) * 0.6 else "left", "offset": [0, -9],
                        "formatter": name, "fontSize": 11, "color": "token:--text-2",
                    },
                },
            }
        )  # fmt: skip


def _place(months: Sequence[date], day: date) -> int:
    """Which of the months a day lies in, cut to the ends of the chart."""
    month = month_start(day)
    if month <= months[0]:
        return 0
    return months.index(month) if month <= months[-1] else len(months) - 1


def _grade_in(month: date, grades: Sequence[GradePeriod]) -> str:
    last = add_months(month, 1) - timedelta(days=1)
    for period in reversed(grades):
        if period.valid_from <= last and (period.valid_to is None or period.valid_to > month):
            return str(Grade(period.grade).label)
    return "–"
