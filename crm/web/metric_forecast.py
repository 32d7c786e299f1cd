"""What comes next? The months ahead with their interval behind the last two years, and how good the method has been."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, lines
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_leaves import more_words
from crm.web.metric_table import Column, Order
from crm.web.next_form import METHODS
from metrics.formulas.forecast import Method
from metrics.services.forecast import ForecastFigures, SeriesForecast, forecast

KEYS = ("forecast_revenue", "forecast_wape", "baseline_wape", "forecast_mase", "baseline_mase")
PAST, AHEAD = "--period-comparison", "--series-3"
SHOWN_PARTS = 50  # the largest; the rest is counted
FAINT = 0.12  # opacity of the interval


@dataclass(frozen=True, slots=True)
class Part:
    """One leaf as its row shows it; ``query`` narrows the question to it where a filter can."""

    label: Any
    query: str
    past: str
    ahead: str
    method: Any
    wape: str
    baseline: str
    reason: Any


def forecast_answer(asked: Asked) -> Shown:
    answer = forecast(asked.accounts, as_of=asked.as_of, **asked.form.choices())
    columns = (
        Column("ttm_revenue", _("Revenue, 12 months"), Kind.MONEY),
        Column("prior_ttm_revenue", _("12 months before"), Kind.MONEY),
    )
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, columns, Order("ttm_revenue", descending=True)),
        note=_note(answer),
        below=_parts(asked, answer),
    )


def _sentence(asked: Asked, answer: ForecastFigures) -> SafeString:
    whole = answer.whole
    if not whole.is_shown:
        return unsaid(whole.reason)
    parts = {
        "months": formats.number(answer.horizon_months),
        "ahead": asked.said(asked.figure("forecast_revenue", answer)),
        "before": format_html(
            "<strong>{} {}</strong>", formats.money_short(whole.past_revenue or 0, asked.style), answer.currency
        ),
        "wape": asked.said(asked.figure("forecast_wape", answer)),
        "baseline": asked.said(asked.figure("baseline_wape", answer)),
    }
    if whole.past_revenue is None or whole.wape is None or whole.baseline_wape is None:
        return format_html(_("The next {months} months bring {ahead}."), **parts)
    return format_html(
        _(
            "The next {months} months bring {ahead}, after {before} in the {months} before. Tried on our own past it was"
            " {wape} off; the same month of the year before was {baseline} off."
        ),
        **parts,
    )


def _note(answer: ForecastFigures) -> str:
    whole = answer.whole
    if whole.method is None:
        return ""
    return _("Method: %(method)s, the best of those tried from %(origins)s past months.") % {
        "method": METHODS[Method(whole.method)],
        "origins": formats.number(whole.origins),
    }


def _chart(answer: ForecastFigures) -> Chart:
    whole = answer.whole
    past = [formats.month(month.period.start) for month in whole.past]
    ahead = [formats.month(month.period.start) for month in whole.months]
    before: list[float | None] = [None] * len(past)
    values = [None if month.value is None else float(month.value) for month in whole.past]
    names = {"past": _("Revenue"), "ahead": _("Forecast"), "low": _("Lower end"), "high": _("Upper end")}
    series = [Series(names["past"], [*values, *[None] * len(ahead)], PAST)]
    if whole.is_shown:
        low, high = _ends(whole, "low"), _ends(whole, "high")
        series += [
            Series(names["ahead"], [*before, *(float(month.value) for month in whole.months)], AHEAD, _dashed(2)),
            Series(names["low"], [*before, *low], AHEAD, _dashed(1)),
            Series(names["high"], [*before, *high], AHEAD, _dashed(1)),
            *_band(before, low, high),
        ]
    title = _("Revenue of each month, %(currency)s") % {"currency": answer.currency}
    return Chart(
        key="metrics-chart",
        title=title,
        summary=_summary(answer),
        option=lines([*past, *ahead], series),
        columns=[_("Month"), names["past"], names["ahead"], names["low"], names["high"]],
        rows=_rows(whole),
        caption=title,
        legend=[
            LegendEntry(names["past"], "mark-comparison"),
            *([LegendEntry(_interval_name(answer), "mark-series-3")] if whole.is_shown else []),
        ],
        size="lg",
        is_empty=not any(values),
    )


def _interval_name(answer: ForecastFigures) -> str:
    return _("Forecast with the middle %(share)s of its past misses") % {
        "share": formats.percent(answer.coverage, decimals=0)
    }


def _summary(answer: ForecastFigures) -> str:
    whole = answer.whole
    if not whole.is_shown:
        return str(whole.reason)
    return _("%(months)s months ahead after %(past)s of the past.") % {
        "months": len(whole.months),
        "past": len(whole.past),
    }


def _ends(whole: SeriesForecast, name: str) -> list[float | None]:
    ends = [getattr(month, name) for month in whole.months]
    return [None if end is None else float(end) for end in ends]


def _dashed(width: int) -> dict[str, Any]:
    return {
        "lineStyle": {"width": width, "type": "dashed", "color": f"token:{AHEAD}", "opacity": 1 if width > 1 else 0.5}
    }


def _band(before: Sequence[Any], low: Sequence[float | None], high: Sequence[float | None]) -> list[Series]:
    """A filled area between the ends: an invisible foot and what stands on it; neither is in the tooltip."""
    silent: dict[str, Any] = {
        "stack": "band", "stackStrategy": "all", "silent": True, "symbol": "none",
        "tooltip": {"show": False}, "lineStyle": {"opacity": 0},
    }  # fmt: skip
    height = [
        None if top is None or foot is None else top - foot for foot, top in zip(low, high, strict=True)
    ]  # fmt: skip
    filled = {"areaStyle": {"color": f"token:{AHEAD}", "opacity": FAINT}}
    return [Series("", [*before, *low], AHEAD, silent), Series("", [*before, *height], AHEAD, silent | filled)]


def _rows(whole: SeriesForecast) -> list[list[str]]:
    """Newest first; the months ahead on top."""
    ahead = [
        [formats.month(month.period.start), "–", *(_money(value) for value in (month.value, month.low, month.high))]
        for month in whole.months
    ]
    past = [[formats.month(month.period.start), _money(month.value), "–", "–", "–"] for month in whole.past]
    return [*reversed(ahead), *reversed(past)]


def _parts(asked: Asked, answer: ForecastFigures) -> Piece | None:
    if answer.by is None or not answer.leaves:
        return None
    parts = [
        Part(
            label=leaf.label,
            query=asked.with_params(**{str(answer.by): leaf.key, "by": ""}) if leaf.key else "",
            past=_money(leaf.past_revenue),
            ahead=_money(leaf.forecast_revenue),
            method=METHODS[Method(leaf.method)] if leaf.method else "",
            wape=_percent(leaf.wape) if leaf.is_shown else "–",
            baseline=_percent(leaf.baseline_wape),
            reason=leaf.reason,
        )
        for leaf in answer.leaves[:SHOWN_PARTS]
    ]
    hidden = len(answer.leaves) - len(parts)
    more = more_words(hidden) if hidden else ""
    return Piece("metrics/_forecast_parts.html", {"parts": parts, "more": more, "currency": answer.currency})


def _money(value: Any) -> str:
    return "–" if value is None else formats.money(value)


def _percent(value: float | None) -> str:
    return "–" if value is None else formats.percent(value)
