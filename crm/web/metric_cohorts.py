"""How do cohorts develop? A heat map of what became of those who came in together, and the accounts behind it."""

from typing import Any

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats
from crm.web.charts import Chart
from crm.web.cohorts_form import REVENUE
from crm.web.figure import Kind
from crm.web.heatmap import Cell, heatmap, legend, size_of, top_of
from crm.web.metric_asked import Asked, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.formulas.cohorts import CohortBase
from metrics.services.cohorts import Cohort, CohortCell, CohortFigures, PooledAge, cohorts
from metrics.services.trend import Interval

SHOWN_COHORTS = 36  # more rows are not read; the newest are shown
KEYS = (
    "placed_accounts", "left_out_accounts", "next_active_share", "next_revenue_share", "year_active_share",
    "year_revenue_share",
)  # fmt: skip
AGES = {
    Interval.MONTH: gettext_lazy("months since the first"),
    Interval.QUARTER: gettext_lazy("quarters since the first"),
    Interval.YEAR: gettext_lazy("years since the first"),
}
OPEN_TEXT = "…"


def cohorts_answer(asked: Asked) -> Shown:
    answer = cohorts(asked.accounts, as_of=asked.as_of, **asked.form.choices())
    is_revenue = asked.form.cleaned_data["measure"] == REVENUE
    labels = np.array([one.period.label for one in answer.cohorts] or [""], dtype=object)
    table = answer.table
    if len(table):
        table = table.with_columns({"cohort_label": labels[table.columns["cohort"]]})
    columns = (
        Column("cohort_label", gettext_lazy("Cohort"), Kind.TEXT, is_sortable=False),
        Column("first_revenue_on", gettext_lazy("First revenue"), Kind.DAY, is_sortable=False),
        Column("active_periods", gettext_lazy("Periods with an order"), Kind.COUNT),
        Column("revenue", gettext_lazy("Revenue since"), Kind.MONEY),
    )
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS if key != "left_out_accounts" or answer.left_out_accounts],
        chart=_chart(answer, is_revenue=is_revenue),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, columns, Order("revenue", descending=True)),
        note=_note(answer),
    )


def _sentence(asked: Asked, answer: CohortFigures) -> SafeString:
    said = {key: asked.said(asked.figure(key, answer)) for key in KEYS}
    if answer.year_active_share is not None and answer.year_revenue_share is not None:
        return format_html(
            _(
                "A year after they came, {year_active_share} of the customers ordered, with {year_revenue_share} of the"
                " revenue they began with."
            ),
            **said,
        )
    if answer.year_active_share is not None:
        return format_html(_("A year after they came, {year_active_share} of the customers ordered."), **said)
    if answer.next_active_share is not None:
        return format_html(_("One period after they came, {next_active_share} of the customers ordered."), **said)
    return unsaid(answer.reasons.get("next_active_share", ""))


def _note(answer: CohortFigures) -> Any:
    """What limits the table, where something does."""
    notes = [_("Some of the first cohort may have been customers before the data begin.")] if answer.cohorts else []
    if answer.left_out_accounts:
        notes.append(
            ngettext(
                "%(count)s customer from before the data is in no cohort.",
                "%(count)s customers from before the data are in no cohort.",
                answer.left_out_accounts,
            )
            % {"count": formats.number(answer.left_out_accounts)}
        )
    filled = sum(one.accounts > 0 for one in answer.cohorts)
    if filled > SHOWN_COHORTS:
        notes.append(
            _("The newest %(shown)s of %(count)s cohorts are drawn.") % {"shown": SHOWN_COHORTS, "count": filled}
        )
    return format_lazy("{}", " ".join(notes)) if notes else ""


def _chart(answer: CohortFigures, *, is_revenue: bool) -> Chart:
    shown = [one for one in answer.cohorts if one.accounts][-SHOWN_COHORTS:]  # nobody came in the others
    ages = max((len(one.cells) for one in shown), default=0)
    rows = [_row(one) for one in shown]
    title = _title(answer, is_revenue=is_revenue)
    pooled = answer.pooled[:ages]
    measured_from = int(is_revenue and answer.share_base is CohortBase.FIRST_FULL_PERIOD)
    known = [_share(cell, is_revenue) for one in shown for cell in one.cells[measured_from + 1 :]]
    top = top_of([share for share in known if share is not None])
    cells = [_cell(answer, one, cell, row, is_revenue) for row, one in enumerate(shown) for cell in one.cells]
    cells += [_pooled_cell(one, len(shown), is_revenue) for one in pooled]
    option = heatmap(
        cells,
        columns=[str(age) for age in range(ages)],
        rows=[*rows, _("All cohorts")],
        column_name=str(AGES[answer.interval]),
        top=top,
    )
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s cohorts, oldest first; the last row is all of them together.") % {"count": len(shown)},
        option=option,
        columns=[_("Cohort"), _("Accounts"), *(str(age) for age in range(ages))],
        rows=[
            *([one.period.label, formats.number(one.accounts), *_texts(one.cells, ages, is_revenue)] for one in shown),
            [_("All cohorts"), formats.number(answer.placed_accounts), *_texts(pooled, ages, is_revenue)],
        ],
        legend=legend(top, reads=lambda value: formats.percent(value, decimals=0), open_label=_("period not over")),
        size=size_of(rows=len(shown) + 1, columns=ages),
        prints_as_table=True,
        is_empty=not any(cell.is_finished for one in shown for cell in one.cells),
        empty_title=_("No cohort yet"),
        empty_text=answer.reasons.get("next_active_share", ""),
    )


def _title(answer: CohortFigures, *, is_revenue: bool) -> str:
    if not is_revenue:
        return _("Customers of each cohort who ordered, in %")
    if answer.share_base is CohortBase.FIRST_FULL_PERIOD:
        return _("Revenue of each cohort against its first full period, in %")
    return _("Revenue of each cohort against its first period, in %")


def _row(one: Cohort) -> str:
    return f"{one.period.label} ({formats.number(one.accounts)})"


def _share(one: CohortCell | PooledAge, is_revenue: bool) -> float | None:  # noqa: FBT001
    return one.revenue_share if is_revenue else one.active_share


def _number(share: float | None) -> str:
    """A share in percent without its sign: the title says the unit."""
    return "" if share is None else formats.number(100 * share)


def _cell(answer: CohortFigures, one: Cohort, cell: CohortCell, row: int, is_revenue: bool) -> Cell:  # noqa: FBT001
    head = _("Cohort %(cohort)s in %(period)s") % {"cohort": one.period.label, "period": cell.period.label}
    if not cell.is_finished:
        return Cell(cell.age, row, None, OPEN_TEXT, f"{head}\n{cell.reason}", is_open=True)
    share = _share(cell, is_revenue)
    words = [head]
    if share is None:
        words.append(_("n/a"))
    elif is_revenue:
        words.append(
            _("%(share)s: %(revenue)s %(currency)s")
            % {
                "share": formats.percent(share),
                "revenue": formats.money(cell.revenue or 0),
                "currency": answer.currency,
            }
        )
    else:
        words.append(
            _("%(share)s: %(active)s of %(accounts)s customers")
            % {
                "share": formats.percent(share),
                "active": formats.number(cell.active or 0),
                "accounts": formats.number(one.accounts),
            }
        )
    if share is None and cell.reason:
        words.append(str(cell.reason))
    return Cell(cell.age, row, share, _number(share), "\n".join(words))


def _pooled_cell(one: PooledAge, row: int, is_revenue: bool) -> Cell:  # noqa: FBT001
    share = _share(one, is_revenue)
    words = [
        _("All cohorts that are so old: %(accounts)s customers") % {"accounts": formats.number(one.accounts)},
        _("n/a") if share is None else formats.percent(share),
    ]
    if share is None and one.reason:
        words.append(str(one.reason))
    return Cell(one.age, row, share, _number(share), "\n".join(words))


def _texts(cells: Any, ages: int, is_revenue: bool) -> list[str]:  # noqa: FBT001
    """The cells of one row of the table, empty where nothing can be yet."""
    texts = [
        _("not over")
        if not getattr(cell, "is_finished", True)
        else _("n/a")
        if _share(cell, is_revenue) is None
        else formats.percent(_share(cell, is_revenue) or 0.0)
        for cell in cells
    ]
    return [*texts, *[""] * (ages - len(texts))]
