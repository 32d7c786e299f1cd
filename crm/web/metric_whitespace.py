"""What could they buy besides? The accounts against what we sell: bought, lost or a gap, and what a gap is worth."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, Series, bars
from crm.web.figure import Kind
from crm.web.formats import NumberStyle
from crm.web.heatmap import STEPS
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.formulas.whitespace import CellStatus
from metrics.services.suggestions import SuggestionTest, suggested
from metrics.services.whitespace import By, Cell, MatrixRow, WhitespaceFigures, whitespace

KEYS = ("gap_value", "gap_revenue")
SCALE_PART = 0.9
LISTED_GAPS = 100  # in the table beside the map, the largest first
STATES = {
    CellStatus.OWNED: gettext_lazy("bought"),
    CellStatus.OPEN_DEAL: gettext_lazy("open deal"),
    CellStatus.LOST: gettext_lazy("no longer bought"),
    CellStatus.NOT_ELIGIBLE: gettext_lazy("not for this customer"),
    CellStatus.GAP: gettext_lazy("gap"),
}
MARKS = {CellStatus.OWNED: "✓", CellStatus.LOST: "↓", CellStatus.NOT_ELIGIBLE: "✕", CellStatus.OPEN_DEAL: "…"}


@dataclass(frozen=True, slots=True)
class MapCell:
    """One square: ``mark`` stands in it, ``tip`` is all its words."""

    css: str
    mark: str
    tip: str


@dataclass(frozen=True, slots=True)
class MapRow:
    account_id: int
    name: str
    cells: Sequence[MapCell]


@dataclass(frozen=True, slots=True)
class GapLine:
    account_id: int
    name: str
    column: str
    revenue: str
    value: str
    because: str


def whitespace_answer(asked: Asked) -> Shown:
    cleaned = asked.form.cleaned_data
    answer = whitespace(
        asked.accounts, by=cleaned["by"], currency=cleaned["currency"] or None, basis=cleaned.get("basis") or None
    )
    columns = (
        Column("ttm_revenue", gettext_lazy("Revenue, 12 months"), Kind.MONEY),
        Column("owned", gettext_lazy("Bought"), Kind.COUNT),
        Column("gaps", gettext_lazy("Gaps"), Kind.COUNT),
        Column("gap_revenue", gettext_lazy("Revenue in the gaps"), Kind.MONEY),
        Column("gap_value", gettext_lazy("Gross profit in the gaps"), Kind.MONEY),
    )
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, columns, Order("gap_revenue", descending=True)),
        note=_note(suggested([]).test) if answer.products_as_of else "",
        below=_map(answer, asked.style) if answer.rows else None,
    )


def _sentence(asked: Asked, answer: WhitespaceFigures) -> SafeString:
    key = "gap_value" if answer.gap_value is not None else "gap_revenue"
    if getattr(answer, key) is None:
        return unsaid(answer.reasons.get("gap_revenue", ""))
    parts = {
        "gaps": formats.number(answer.gap_cells),
        "accounts": formats.number(answer.passport.accounts),
        "money": asked.said(asked.figure(key, answer)),
    }
    if answer.gap_value is None:
        return format_html(
            _("{accounts} customers leave {gaps} gaps; filled as among customers like them they are worth {money} of revenue a year."),
            **parts,
        )  # fmt: skip
    return format_html(
        _("{accounts} customers leave {gaps} gaps; filled as among customers like them they are worth {money} of gross profit a year."),
        **parts,
    )  # fmt: skip


def _note(test: SuggestionTest) -> str:
    """How good suggestions on the pages of accounts have been."""
    if test.related is None or test.popular is None:
        return _("Whether suggestions of related products hit could not be tested: %(reason)s. The most popular are suggested.") % {
            "reason": test.reason
        }  # fmt: skip
    parts = {"related": formats.percent(test.related), "popular": formats.percent(test.popular), "top": test.top}
    if test.is_better:
        return _("Of customers who bought something new in 12 months, %(related)s bought one of %(top)s related products suggested; the %(top)s most popular would have hit %(popular)s.") % parts  # fmt: skip
    return _("Of customers who bought something new in 12 months, %(related)s bought one of %(top)s related products suggested; the %(top)s most popular would have hit %(popular)s, so those are suggested.") % parts  # fmt: skip


def _worth(cell: Cell) -> Decimal | None:
    return cell.gap_value if cell.gap_value is not None else cell.gap_revenue


def _map(answer: WhitespaceFigures, style: NumberStyle) -> Piece:
    """Squares from light to dark by what a gap is worth; states have marks of their own.

    Nine tenths of the gaps shown lie below the end of the scale, so that one large gap does not pale the others.
    """
    worths = sorted(worth for row in answer.rows for cell in row.cells if (worth := _worth(cell)) is not None)
    largest = worths[min(len(worths) - 1, int(SCALE_PART * len(worths)))] if worths else Decimal(0)
    labels = [column.label or _("without a category") for column in answer.columns]
    content = {
        "labels": labels,
        "rows": [_map_row(row, labels, largest, answer.currency, style) for row in answer.rows],
        "gaps": _gap_lines(answer, labels),
        "as_of": answer.products_as_of,
        "is_products": answer.by is By.PRODUCT,
        "currency": answer.currency,
        "steps": range(1, STEPS + 1),
    }
    return Piece("metrics/_whitespace.html", content)


def _map_row(row: MatrixRow, labels: Sequence[str], largest: Decimal, currency: str, style: NumberStyle) -> MapRow:
    cells = []
    for label, cell in zip(labels, row.cells, strict=True):
        worth, state = _worth(cell), STATES[cell.status]
        if cell.status is not CellStatus.GAP:
            cells.append(MapCell(f"is-{cell.status.name.lower()}", MARKS[cell.status], f"{label}: {state}"))
        elif worth is None:
            cells.append(MapCell("is-unknown", "", f"{label}: {state}; {cell.reason}"))
        else:
            step = min(int(STEPS * worth / largest) + 1, STEPS) if largest else 1
            tip = f"{label}: {state}; {formats.money(worth)} {currency}; {_alike(cell)}"
            cells.append(MapCell(f"heat-{step}", formats.money_short(worth, style), tip))
    return MapRow(row.account.account_id, row.account.name, cells)


def _alike(cell: Cell) -> str:
    return _("%(buyers)s of %(peers)s customers like it buy it") % {"buyers": cell.buyers, "peers": cell.peers}


def _gap_lines(answer: WhitespaceFigures, labels: Sequence[str]) -> list[GapLine]:
    """The gaps of the map as rows, the largest first."""
    found = [
        (worth, row, label, cell)
        for row in answer.rows
        for label, cell in zip(labels, row.cells, strict=True)
        if cell.status is CellStatus.GAP and (worth := _worth(cell)) is not None
    ]
    found.sort(key=lambda one: (-one[0], one[1].account.account_id, one[2]))
    return [
        GapLine(row.account.account_id, row.account.name, label, _money(cell.gap_revenue), _money(cell.gap_value), _alike(cell))
        for _worth_of, row, label, cell in found[:LISTED_GAPS]
    ]  # fmt: skip


def _chart(answer: WhitespaceFigures) -> Chart:
    is_value = answer.gap_value is not None
    columns = [(one, one.gap_value if is_value else one.gap_revenue) for one in answer.columns]
    columns = sorted(((one, worth) for one, worth in columns if worth), key=lambda pair: -pair[1])
    labels = [one.label or _("without a category") for one, _amount in columns]
    name = _("Gross profit in the gaps") if is_value else _("Revenue in the gaps")
    title = f"{name}, {answer.currency}"
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s with a value.") % {"count": len(columns)},
        option=bars(labels, [Series(name, [float(worth) for _one, worth in columns])], horizontal=True),
        columns=[
            _("Product or category"),
            _("Revenue, 12 months"),
            _("Revenue in the gaps"),
            _("Gross profit in the gaps"),
        ],
        rows=[
            [label, _money(one.revenue), _money(one.gap_revenue), _money(one.gap_value)]
            for label, (one, _amount) in zip(labels, columns, strict=True)
        ],
        size="lg",
        is_empty=not columns,
        empty_title=_("No gap has a value"),
        empty_text=_("A gap needs five customers of the same segment and size who buy."),
    )


def _money(value: Decimal | None) -> str:
    return "–" if value is None else formats.money(value)
