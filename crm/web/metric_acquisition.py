"""What does a new customer cost? Cost of winning and keeping, when the winning has paid, and the customers that were won."""

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats
from crm.web.charts import Chart, Series, bars
from crm.web.economics_charts import times
from crm.web.economics_form import round_end
from crm.web.figure import Figure, Kind
from crm.web.metric_asked import Asked, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.services.acquisition import AcquisitionFigures, acquisition

KEYS = (
    "cac", "payback_months", "monthly_margin", "new_accounts", "acquisition_money", "acquisition_hours", "keeping_cost",
    "kept_accounts", "retention_money", "retention_hours", "acquisition_cost_ratio",
)  # fmt: skip
ONE_DECIMAL = frozenset({"payback_months", "acquisition_hours", "retention_hours"})
COLUMNS = (
    Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
    Column("gross_profit", gettext_lazy("Gross profit"), Kind.MONEY),
    Column("margin", gettext_lazy("Margin"), Kind.PERCENT),
    Column("first_revenue_on", gettext_lazy("First revenue"), Kind.DAY, is_sortable=False),
    Column("months", gettext_lazy("Months"), Kind.COUNT),
    Column("effort_money", gettext_lazy("Spent on it by name"), Kind.MONEY),
    Column("effort_hours", gettext_lazy("Hours on it by name"), Kind.SCORE),
)


def acquisition_answer(asked: Asked) -> Shown:
    answer = acquisition(
        asked.accounts, period=asked.form.cleaned_data["period"], as_of=asked.as_of, **asked.form.choices()
    )
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[_figure(asked, answer, key) for key in KEYS],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, COLUMNS, Order("revenue", descending=True)),
        note=_note(answer),
    )


def _figure(asked: Asked, answer: AcquisitionFigures, key: str) -> Figure:
    return asked.figure(key, answer, kind=Kind.SCORE if key in ONE_DECIMAL else None)


def _sentence(asked: Asked, answer: AcquisitionFigures) -> SafeString:
    if answer.cac is None:
        return unsaid(answer.reasons.get("cac", ""))
    said = {key: asked.said(_figure(asked, answer, key)) for key in KEYS}
    if answer.payback_months is not None:
        won = format_html(
            _("{new_accounts} customers won, at {cac} each; that is paid for after {payback_months} months."),
            **said,
        )
    elif answer.is_never_paid_back:
        won = format_html(
            _("{new_accounts} customers won, at {cac} each; that is never paid for: they bring no gross profit."),
            **said,
        )
    else:
        won = format_html(
            _("{new_accounts} customers won, at {cac} each; when that is paid for is not known ({reason})."),
            reason=answer.reasons.get("payback_months", ""),
            **said,
        )
    if answer.acquisition_cost_ratio is None:
        return won
    kept = format_html(
        _("Keeping one costs {keeping_cost} a year: a new customer costs {ratio} of that."),
        ratio=asked.said(asked.figure("acquisition_cost_ratio", answer, value=_multiple(answer.acquisition_cost_ratio), kind=Kind.TEXT)),
        **said,
    )  # fmt: skip
    return format_html("{} {}", won, kept)


def _multiple(value: float) -> str:
    return f"{times(value)}×"


def _note(answer: AcquisitionFigures) -> str:
    """What the cost rests on, where there is one; else nothing to add to its reason."""
    if answer.acquisition_money is None:
        return _("What is spent for no account in particular is seen by those who see every account.")
    period = answer.passport.comparison
    notes = [
        _("Spending is recorded for %(found)s of %(months)s months.")
        % {"found": answer.acquisition_months, "months": period.months if period else 0},
        _("The article's claim, source unknown: a new customer costs at least %(claim)s.")
        % {"claim": _multiple(answer.claimed_ratio)},
    ]
    if answer.hours_only:
        notes.append(
            ngettext(
                "%(count)s effort is recorded in hours alone and has no cost.",
                "%(count)s efforts are recorded in hours alone and have no cost.",
                answer.hours_only,
            )
            % {"count": formats.number(answer.hours_only)}
        )
    return " ".join(notes)


def _chart(answer: AcquisitionFigures) -> Chart:
    """CAC of each quarter, and the claim as a line at its multiple of what keeping costs."""
    points = answer.trend
    labels = [point.period.label for point in points]
    values = [None if point.value is None else float(point.value) for point in points]
    name = _("Cost of a new customer, %(currency)s") % {"currency": answer.currency}
    option = bars(labels, [Series(name, values, "--period-comparison")])
    if answer.keeping_cost:
        level = answer.claimed_ratio * float(answer.keeping_cost)
        words = _("article's claim, source unknown: %(claim)s the cost of keeping") % {
            "claim": _multiple(answer.claimed_ratio)
        }
        option["series"][0]["markLine"] = {
            "silent": True,
            "symbol": "none",
            "label": {"formatter": words, "position": "insideEndTop", "color": "token:--chart-text", "fontSize": 11},
            "lineStyle": {"color": "token:--line-strong", "type": "dashed"},
            "data": [{"yAxis": level}],
        }
        if level > max(value or 0 for value in values):  # else the bars make room for the line
            option["yAxis"] |= {"max": round_end(level)}
    return Chart(
        key="metrics-chart",
        title=name,
        caption=_("Cost of a new customer by quarter, %(currency)s") % {"currency": answer.currency},
        summary=_("%(count)s points.") % {"count": len(points)},
        option=option,
        columns=[_("Quarter"), name, _("Why not")],
        rows=[
            [label, _("n/a") if point.value is None else formats.money(point.value), point.reason]
            for label, point in zip(labels, points, strict=True)
        ],
        is_empty=not any(value is not None for value in values),
        empty_title=_("No quarter has a cost"),
        empty_text=points[-1].reason,
    )
