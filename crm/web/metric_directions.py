"""Do we grow wider or deeper? New and won-back customers against existing ones, leaf by leaf."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.figure import Figure, Kind
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_leaves import (
    LEAF_HEADS,
    LEAF_TITLES,
    SHOWN_LEAVES,
    LeafLine,
    Leaves,
    full_amount,
    more_words,
    narrowed_to,
    signed_amount,
)
from crm.web.metric_table import Column, Order
from metrics.definitions import METRICS
from metrics.services.directions import DIRECTIONS, Direction, DirectionsFigures, directions

DIRECTION_COLUMNS = (
    Column("base", gettext_lazy("Base"), Kind.MONEY),
    Column("comparison", gettext_lazy("Comparison"), Kind.MONEY),
    Column("horizontal_growth", METRICS["horizontal_growth"].label, Kind.MONEY),
    Column("vertical_growth", METRICS["vertical_growth"].label, Kind.MONEY),
)
DIRECTION_BARS = ("opening", *DIRECTIONS, "closing")


def directions_answer(asked: Asked) -> Shown:
    cleaned = asked.form.cleaned_data
    answer = directions(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
    line = asked.params.get("line", "")
    line = line if line in DIRECTIONS and not answer.reasons else ""
    columns = DIRECTION_COLUMNS if not answer.reasons else DIRECTION_COLUMNS[:2]
    order = Order(line or "change", descending=True, by_size=True)
    return Shown(
        sentence=_direction_sentence(asked, answer),
        figures=[_direction(asked, answer, name) for name in DIRECTION_BARS],
        chart=_direction_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.behind(line) if line else answer.table, columns, order),
        lines=[(name, METRICS[name].label) for name in DIRECTIONS if getattr(answer, name).accounts],
        line=line,
        below=Piece("metrics/_drivers.html", _direction_table(asked, answer)),
    )


def _direction(asked: Asked, answer: DirectionsFigures, name: str) -> Figure:
    definition = METRICS[name]
    value = getattr(answer, name).amount
    return Figure(
        name,
        definition.label,
        value,
        Kind.MONEY,
        currency=answer.currency,
        reason=answer.reasons.get(name, ""),
        query=asked.links,
    )


def _direction_sentence(asked: Asked, answer: DirectionsFigures) -> SafeString:
    wide, deep = answer.horizontal_growth.amount, answer.vertical_growth.amount
    if wide is None or deep is None:
        return unsaid(next(iter(answer.reasons.values()), ""))
    parts = {name: asked.said(_direction(asked, answer, name)) for name in ("horizontal_growth", "vertical_growth")}
    if wide == deep == 0:
        return format_html(_("Neither: no customer was won, and existing ones bought as before."), **parts)
    if wide >= deep:
        words = _("Wider: customers won or won back bring {horizontal_growth}, existing ones {vertical_growth}.")
    else:
        words = _("Deeper: existing customers bring {vertical_growth}, those won or won back {horizontal_growth}.")
    return format_html(words, **parts)


def _direction_chart(answer: DirectionsFigures) -> Chart:
    leaves: Sequence[Direction | DirectionsFigures] = answer.leaves[:SHOWN_LEAVES] or (answer,)
    labels = [str(getattr(leaf, "label", "")) or _("All accounts") for leaf in leaves]
    colours = {"horizontal_growth": "--series-1", "vertical_growth": "--series-3"}
    series = [
        Series(METRICS[name].label, [_drawn(getattr(leaf, name).amount) for leaf in leaves], colour)
        for name, colour in colours.items()
    ]
    option = bars(labels, series, horizontal=True)
    option["yAxis"] |= {"axisLabel": {"width": 110, "overflow": "truncate", "interval": 0, "hideOverlap": False}}
    title = _("Horizontal and vertical growth, %(currency)s") % {"currency": answer.currency}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("%(count)s bars.") % {"count": len(leaves)},
        option=option,
        columns=[LEAF_HEADS[answer.by] if answer.by else _("Accounts"), *(one.name for one in series)],
        rows=[
            [label, *(full_amount(getattr(leaf, name).amount) for name in colours)]
            for label, leaf in zip(labels, leaves, strict=True)
        ],
        legend=[LegendEntry(METRICS[name].label, f"mark-{colour[2:]}") for name, colour in colours.items()],
        size="lg",
        is_empty=not answer.table or bool(answer.reasons),
        **({"empty_text": next(iter(answer.reasons.values()))} if answer.reasons else {}),
    )


def _drawn(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount)


def _direction_table(asked: Asked, answer: DirectionsFigures) -> Leaves:
    def cells(one: Direction | DirectionsFigures) -> list[str | SafeString]:
        inner = [signed_amount(getattr(one, name).amount) for name in DIRECTIONS]
        return [full_amount(one.opening.amount), *inner, full_amount(one.closing.amount)]

    lines = [
        LeafLine(leaf.label, cells(leaf), narrowed_to(asked, answer.by, leaf.key))
        for leaf in answer.leaves[:SHOWN_LEAVES]
    ]
    if answer.leaves:
        hidden = len(answer.leaves) - SHOWN_LEAVES
        lines.append(LeafLine(_("Sum"), cells(answer), is_sum=True, hint=more_words(hidden) if hidden > 0 else ""))
    return Leaves(
        head=LEAF_HEADS[answer.by] if answer.by else "",
        title=LEAF_TITLES[answer.by] if answer.by else "",
        columns=[METRICS[name].label for name in DIRECTION_BARS],
        lines=lines,
        currency=answer.currency,
    )
