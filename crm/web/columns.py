"""The columns of the account list: what each shows, sorts by, links to and exports.

Cells are written by plain functions, not templates: fifty rows of a dozen columns are the busiest lines of the
product. What people typed goes through ``escape``; everything else is ours.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from html import escape
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from accounts.enums import AccountNeed, AccountSize, AccountStatus, Grade, MarketPotential, TeamRole
from accounts.fields import is_hidden
from crm.web import formats
from crm.web.drawing import sparkline
from crm.web.formats import PLAIN, NumberStyle
from crm.web.keyset import Order

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Words:
    """What every row repeats, translated and escaped once a page."""

    na: str
    empty: str
    watch: str
    grades: Mapping[str, str]
    roles: tuple[tuple[str, str], ...]

    @classmethod
    def of_now(cls) -> "Words":
        return cls(
            na=escape(_("n/a")),
            empty=escape(_("empty")),
            watch=f'<span class="watch" title="{escape(_("Watch"))}">◔</span>',
            grades={
                grade: f'<span class="grade grade-{grade}">{escape(str(label))}</span>'
                for grade, label in Grade.choices
            },
            roles=tuple((str(role), escape(str(role.label))) for role in TeamRole),
        )


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: how numbers look, and whether the page has one currency (then cells need not repeat it)."""

    style: NumberStyle = PLAIN
    one_currency: bool = True
    words: Words = field(default_factory=Words.of_now)


Cell = Callable[[Row, Reader], str]
Plain = Callable[[Row], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``fields`` are what it reads, ``order`` how it sorts, ``cell`` its HTML, ``plain`` its export value."""

    key: str
    label: Any
    fields: tuple[str, ...]
    cell: Cell
    plain: Plain
    order: Order | None = None
    is_number: bool = False
    css: str = ""


def _text(name: str) -> Cell:
    return lambda row, _reader: escape(row[name]) if row[name] else '<span class="na">–</span>'


def _value(name: str) -> Plain:
    return lambda row: row[name]


def _choice(name: str, choices: Any) -> Cell:
    labels = dict(choices.choices)
    return lambda row, _reader: escape(str(labels.get(row[name], "–")))


def _linked(metric: str, name: str, write: Callable[[Any, Reader], str]) -> Cell:
    """A figure of one account as a link to its drawer; its sign is its class, so that a cell is two elements."""
    is_change = metric in CHANGE_METRICS

    def cell(row: Row, reader: Reader) -> str:
        value = row[name]
        css = "na" if value is None else _direction(value) if is_change else ""
        inner = reader.words.na if value is None else write(value, reader)
        unit = "" if reader.one_currency or value is None or metric not in MONEY_METRICS else f" {_currency(row)}"
        return f'<a class="fig {css}" data-drawer href="/figures/{metric}/?account={row["pk"]}">{inner}{unit}</a>'

    return cell


def _direction(value: float) -> str:
    return "up" if value > 0 else "down" if value < 0 else ""


def _currency(row: Row) -> str:
    return escape(row["figures__currency"] or "")


def _money(value: Any, reader: Reader) -> str:
    return formats.money(value)


def _change(value: float, reader: Reader) -> str:
    return formats.percent(value, signed=True)


def name_cell(row: Row, reader: Reader) -> str:
    """Name as the link of the row, and the group it belongs to beneath."""
    path = [escape(row[key]) for key in ("parent__parent__name", "parent__name") if row[key]]
    below = f"<small>{' › '.join(path)}</small>" if path else ""
    return (
        f'<a class="name" href="/accounts/{row["pk"]}/" title="{escape(row["code"])}">{escape(row["name"])}</a>{below}'
    )


def grade_cell(row: Row, reader: Reader) -> str:
    return reader.words.grades[row["grade"]] + (reader.words.watch if row["is_watched"] else "")


def owner_cell(row: Row, reader: Reader) -> str:
    return escape(owner_name(row)) or '<span class="na">–</span>'


def owner_name(row: Row) -> str:
    full = f"{row['owner__first_name'] or ''} {row['owner__last_name'] or ''}".strip()
    return full or row["owner__username"] or ""


def team_cell(row: Row, reader: Reader) -> str:
    """Three seats, an empty one visible: account, solution, delivery."""
    team = row["team"]
    return "".join(_seat(label, team.get(role), reader.words.empty) for role, label in reader.words.roles)


def _seat(label: str, name: str | None, empty: str) -> str:
    if not name:
        return f'<i class="seat seat-none" title="{label}: {empty}">–</i>'
    return f'<i class="seat" title="{label}: {escape(name)}">{escape(initials(name))}</i>'


def initials(name: str) -> str:
    """Two letters of a name; of a Chinese one the last two characters, as colleagues call each other."""
    words = name.split()
    if len(words) > 1:
        return (words[0][:1] + words[-1][:1]).upper()
    return name[-2:] if not name.isascii() else name[:2].upper()


def spark_cell(row: Row, reader: Reader) -> str:
    return sparkline(row["figures__spark"])


def score_cell(row: Row, reader: Reader) -> str:
    value = row["composite"]
    css, inner = ("na", reader.words.na) if value is None else ("", formats.number(value, decimals=1))
    return f'<a class="fig {css}" href="/accounts/{row["pk"]}/grade/">{inner}</a>'


def day_cell(name: str) -> Cell:
    return lambda row, _reader: formats.day(row[name]) if row[name] else '<span class="na">–</span>'


def team_plain(row: Row) -> str:
    return "; ".join(f"{role.label}: {row['team'][role]}" for role in TeamRole if row["team"].get(role))


def _figure(key: str, label: Any, metric: str, name: str, write: Callable[[Any, Reader], str]) -> Column:
    path = f"figures__{name}"
    return Column(
        key,
        label,
        (path,),
        _linked(metric, path, write),
        _value(path),
        order=Order(path, descending=True, tie="figures__account", tie_follows=False),
        is_number=True,
    )


def _percent(value: float, reader: Reader) -> str:
    return formats.percent(value)


def _plain_text(key: str, label: Any, name: str | None = None) -> Column:
    name = name or key
    return Column(key, label, (name,), _text(name), _value(name), order=Order(name, nullable=False))


CHANGE_METRICS = frozenset({"growth_rate"})
MONEY_METRICS = frozenset({"ttm_revenue", "prior_ttm_revenue", "ttm_gross_profit", "clv", "expected_revenue"})
OWNER_FIELDS = ("owner__first_name", "owner__last_name", "owner__username")
NAME = Column(
    "name",
    _lazy("Account"),
    ("name", "code", "parent", "parent__name", "parent__parent", "parent__parent__name"),
    name_cell,
    _value("name"),
    order=Order("sort_key", nullable=False),
    css="cell-name",
)
COLUMNS: dict[str, Column] = {
    column.key: column
    for column in (
        NAME,
        Column("grade", _lazy("Grade"), ("grade", "is_watched"), grade_cell,
               lambda row: Grade(row["grade"]).label, order=Order("grade_rank", descending=True, nullable=False)),
        Column("owner", _lazy("Owner"), OWNER_FIELDS, owner_cell, owner_name, order=Order("owner__username")),
        Column("team", _lazy("Team"), (), team_cell, team_plain, css="cell-team"),
        _figure("ttm", _lazy("Revenue, 12 months"), "ttm_revenue", "ttm_revenue", _money),
        _figure("growth", _lazy("Growth"), "growth_rate", "growth_rate", _change),
        Column("spark", _lazy("12 months"), ("figures__spark",), spark_cell,
               lambda row: "; ".join(f"{value:.2f}" for value in row["figures__spark"] or ()), css="cell-spark"),
        _figure("clv", _lazy("Lifetime value"), "clv", "clv", _money),
        Column("last_order", _lazy("Last order"), ("figures__last_order_on",), day_cell("figures__last_order_on"),
               _value("figures__last_order_on"), is_number=True,
               order=Order("figures__last_order_on", descending=True, tie="figures__account", tie_follows=False)),
        Column("score", _lazy("Score"), ("composite",), score_cell, _value("composite"),
               order=Order("composite", descending=True), is_number=True),
        Column("code", _lazy("Code"), ("code",), _text("code"), _value("code"), order=Order("code", nullable=False)),
        Column("latin_name", _lazy("Latin name"), ("latin_name",), _text("latin_name"), _value("latin_name"),
               order=Order("latin_name", nullable=False)),
        _plain_text("segment", _lazy("Segment")),
        _plain_text("industry", _lazy("Industry")),
        _plain_text("region", _lazy("Region")),
        _plain_text("channel", _lazy("Channel")),
        Column("dealer", _lazy("Dealer"), ("dealer", "dealer__name"), _text("dealer__name"), _value("dealer__name"),
               order=Order("dealer__sort_key")),
        _plain_text("country", _lazy("Country")),
        Column("size", _lazy("Size"), ("size",), _choice("size", AccountSize), _value("size"),
               order=Order("size", nullable=False)),
        Column("need", _lazy("Need"), ("need",), _choice("need", AccountNeed), _value("need"),
               order=Order("need", nullable=False)),
        Column("potential", _lazy("Potential"), ("potential",), _choice("potential", MarketPotential),
               _value("potential"), order=Order("potential", nullable=False)),
        Column("status", _lazy("Status"), ("status",), _choice("status", AccountStatus), _value("status"),
               order=Order("status", nullable=False)),
        _figure("prior", _lazy("Revenue, 12 months before"), "prior_ttm_revenue", "prior_ttm_revenue", _money),
        _figure("gross_profit", _lazy("Gross profit, 12 months"), "ttm_gross_profit", "ttm_gross_profit", _money),
        _figure("margin", _lazy("Margin"), "margin", "margin", _percent),
        _figure("expected", _lazy("Expected revenue"), "expected_revenue", "expected_revenue", _money),
        _figure("alive", _lazy("Chance of further orders"), "p_alive", "p_alive", _percent),
        _figure("orders", _lazy("Orders, 12 months"), "orders_ttm", "orders_ttm",
                lambda value, _reader: formats.number(value)),
        Column("since", _lazy("Grade since"), ("grade_since",), day_cell("grade_since"), _value("grade_since"),
               order=Order("grade_since", descending=True), is_number=True),
    )
}  # fmt: skip
DEFAULT_COLUMNS = ("grade", "owner", "team", "ttm", "growth", "spark", "clv", "last_order", "score")
ALWAYS_READ = ("pk", "name", "code", "figures__currency", "figures__as_of")


def chosen(keys: Sequence[str]) -> list[Column]:
    """The name first, then the columns asked for in their order; unknown ones are left out, none means the default."""
    known = [COLUMNS[key] for key in dict.fromkeys(keys) if key in COLUMNS and key != NAME.key]
    wanted = known or [COLUMNS[key] for key in DEFAULT_COLUMNS]
    return [NAME, *(column for column in wanted if not is_hidden(column.key))]


def fields_of(columns: Sequence[Column]) -> list[str]:
    return list(dict.fromkeys([*ALWAYS_READ, *(name for column in columns for name in column.fields)]))


def write_rows(rows: Sequence[Row], columns: Sequence[Column], reader: Reader, *, can_select: bool) -> list[SafeString]:
    """Table rows; on a phone the same row is drawn as a card, with the labels of its cells."""
    shown = [(_opening(column), column.cell) for column in columns[1:]]
    written = []
    for row in rows:
        name = escape(row["name"])
        box = (
            f'<input type="checkbox" name="account" value="{row["pk"]}" form="bulk" aria-label="{name}">'
            if can_select
            else ""
        )
        cells = "".join(f"{opening}{cell(row, reader)}</td>" for opening, cell in shown)
        first = f'<td class="cell-name">{box}{columns[0].cell(row, reader)}</td>'
        written.append(mark_safe(f"<tr data-row>{first}{cells}</tr>"))  # noqa: S308  # nosec B308, B703 # every cell escapes what people typed
    return written


def _opening(column: Column) -> str:
    css = " ".join(part for part in ("num" if column.is_number else "", column.css) if part)
    return f'<td{f" class={chr(34)}{css}{chr(34)}" if css else ""} data-label="{escape(str(column.label))}">'


def export_value(value: Any) -> Any:
    """A value as a spreadsheet takes it: numbers and dates as such, everything else as text."""
    if value is None or isinstance(value, int | float | Decimal | date):
        return value
    return str(value)
