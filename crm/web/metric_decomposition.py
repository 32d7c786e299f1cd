"""What drove the change? The factors of revenue, what each did, whom it moved, and the same leaf by leaf."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, Step, waterfall
from crm.web.figure import Figure, Kind
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_leaves import (
    LEAF_HEADS,
    LEAF_TITLES,
    SHOWN_LEAVES,
    FactorLine,
    LeafLine,
    Leaves,
    full_amount,
    more_words,
    narrowed_to,
    not_known,
    signed_amount,
)
from crm.web.metric_table import Column, Order
from metrics.definitions import METRICS
from metrics.formulas.movers import Mover
from metrics.services.decomposition import BEHIND, UNATTRIBUTED, DecompositionFigures, Split, decomposition

MOVER_LABELS: dict[Mover, Promise] = {
    Mover.NEWLY_COVERED: gettext_lazy("newly covered"),
    Mover.NO_LONGER_COVERED: gettext_lazy("no longer covered"),
    Mover.BECAME_ACTIVE: gettext_lazy("became active"),
    Mover.WENT_SILENT: gettext_lazy("went silent"),
    Mover.SPENDS_MORE: gettext_lazy("spend more"),
    Mover.SPENDS_LESS: gettext_lazy("spend less"),
    Mover.WITHOUT_ORDERS: gettext_lazy("without orders"),
}
MOVER_COLUMNS = (
    Column("base", gettext_lazy("Base"), Kind.MONEY),
    Column("comparison", gettext_lazy("Comparison"), Kind.MONEY),
    Column("change", gettext_lazy("Change"), Kind.MONEY),
    Column("base_orders", gettext_lazy("Orders, base"), Kind.COUNT),
    Column("comparison_orders", gettext_lazy("Orders, comparison"), Kind.COUNT),
)
FACTOR_KINDS = {"active_rate": Kind.PERCENT, "covered_accounts": Kind.COUNT, "order_frequency": Kind.NUMBER}
GOOD, BAD = "--bridge-good", "--bridge-bad"


def decomposition_answer(asked: Asked) -> Shown:
    cleaned = asked.form.cleaned_data
    answer = decomposition(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
    line = asked.params.get("line", "")
    line = line if line in answer.movers else ""
    return Shown(
        sentence=_driver_sentence(asked, answer),
        figures=[
            _total(asked, answer, "total_base_revenue", answer.base_revenue, "base_revenue"),
            *(_effect(asked, answer, name) for name in _told(answer)),
            _total(asked, answer, "total_comparison_revenue", answer.comparison_revenue, "comparison_revenue"),
        ],
        chart=_driver_chart(asked, answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(
            asked,
            answer.moved(line) if line else answer.table.where(answer.table.columns["change"] != 0),
            MOVER_COLUMNS,
            Order("change", descending=True, by_size=True),
        ),
        note=_driver_note(answer),
        lines=[(key, MOVER_LABELS[Mover(key)]) for key, bar in answer.movers.items() if bar.accounts],
        line=line,
        below=Piece("metrics/_drivers.html", _driver_tables(asked, answer)),
    )


def _told(answer: DecompositionFigures) -> list[str]:
    """The factors, and what no factor carries where there is some."""
    return [name for name, amount in answer.effects.items() if name != UNATTRIBUTED or amount]


def _effect(asked: Asked, answer: DecompositionFigures, name: str) -> Figure:
    definition = METRICS[f"{name}_effect"]
    return Figure(
        definition.key,
        definition.label,
        answer.effects[name],
        Kind.MONEY,
        currency=answer.currency,
        reason=answer.reasons.get(f"effects.{name}", ""),
        query=asked.links,
    )


def _total(asked: Asked, answer: DecompositionFigures, key: str, value: Decimal | None, field: str) -> Figure:
    return Figure(
        key,
        METRICS[key].label,
        value,
        Kind.MONEY,
        currency=answer.currency,
        reason=answer.reasons.get(field, ""),
        query=asked.links,
    )


def _driver_sentence(asked: Asked, answer: DecompositionFigures) -> SafeString:
    if answer.change is None or answer.base_revenue is None or answer.comparison_revenue is None:
        return unsaid(answer.reasons.get("change", ""))
    parts: dict[str, Any] = {
        "base": asked.said(_total(asked, answer, "total_base_revenue", answer.base_revenue, "")),
        "comparison": asked.said(_total(asked, answer, "total_comparison_revenue", answer.comparison_revenue, "")),
    }
    known = {name: amount for name, amount in answer.effects.items() if amount}
    if not known:
        return format_html(_("Nothing moved: revenue was {base} and is {comparison}."), **parts)
    is_up = answer.change >= 0
    along = {name: amount for name, amount in known.items() if (amount > 0) == is_up}
    against = {name: amount for name, amount in known.items() if name not in along}
    for key, drivers in (("driver", along or known), ("other", against)):
        if drivers:
            largest = max(drivers, key=lambda name: abs(drivers[name]))
            parts |= {key: METRICS[largest].label, f"{key}_amount": asked.said(_effect(asked, answer, largest))}
    return format_html(_driver_words(answer.change, is_contested=bool(against)), **parts)


def _driver_words(change: Decimal, *, is_contested: bool) -> str:
    if change == 0:
        return _("Revenue stayed at {comparison}; “{driver}” moved it by {driver_amount}, “{other}” by {other_amount}.")
    if change > 0 and is_contested:
        return _("Revenue rose from {base} to {comparison}; “{driver}” drove it with {driver_amount}, “{other}” held against it with {other_amount}.")  # fmt: skip
    if change > 0:
        return _("Revenue rose from {base} to {comparison}; the strongest driver is “{driver}” with {driver_amount}.")
    if is_contested:
        return _("Revenue fell from {base} to {comparison}; “{driver}” drove it with {driver_amount}, “{other}” held against it with {other_amount}.")  # fmt: skip
    return _("Revenue fell from {base} to {comparison}; the strongest driver is “{driver}” with {driver_amount}.")


def _driver_note(answer: DecompositionFigures) -> str:
    if answer.is_fallback:
        return _("LMDI is not defined here, for a factor is below 0: this is the split by Shapley.")
    if answer.by:
        return _(
            "Each part is split by itself and added up; the mix line says how far that is from splitting the totals."
        )
    return ""


def _driver_chart(asked: Asked, answer: DecompositionFigures) -> Chart:
    steps: list[Step] = []
    rows: list[list[Any]] = []
    if answer.change is not None:
        ends = [
            _total(asked, answer, "total_base_revenue", answer.base_revenue, ""),
            _total(asked, answer, "total_comparison_revenue", answer.comparison_revenue, ""),
        ]
        names = [METRICS[name].label for name in _told(answer)]
        drawn = list(zip(names, [_effect(asked, answer, name) for name in _told(answer)], strict=True))
        steps = [
            _step(_("Base"), ends[0], "--period-base", asked, is_total=True),
            *(_step(label, one, GOOD if one.value >= 0 else BAD, asked) for label, one in drawn if one.value),
            _step(_("Comparison"), ends[1], "--period-comparison", asked, is_total=True),
        ]
        rows = [[_("Base"), formats.money(ends[0].value, decimals=2)]]
        rows += [[label, formats.money(one.value, decimals=2)] for label, one in drawn]
        rows += [[_("Comparison"), formats.money(ends[1].value, decimals=2)]]
    return Chart(
        key="metrics-chart",
        title=_("What drove the change"),
        caption=_("What each driver did to revenue, %(currency)s; a bar opens its accounts")
        % {"currency": answer.currency},
        summary=_("From %(opening)s to %(closing)s %(currency)s.")
        % {"opening": steps[0].text, "closing": steps[-1].text, "currency": answer.currency}
        if steps
        else "",
        option=waterfall(steps),
        columns=[_("Driver"), _("Amount, %(currency)s") % {"currency": answer.currency}],
        rows=rows,
        size="lg",
        is_empty=not (answer.base_revenue or answer.comparison_revenue),
        **({"empty_text": answer.reasons["change"]} if answer.change is None else {}),
    )


def _step(label: Any, figure: Figure, colour: str, asked: Asked, *, is_total: bool = False) -> Step:
    text = formats.money_short(figure.value, asked.style)
    shown = text if is_total or figure.value < 0 else f"+{text}"
    return Step(str(label), float(figure.value), colour, shown, is_total=is_total, href=figure.href)


def _driver_tables(asked: Asked, answer: DecompositionFigures) -> Leaves:
    names = _told(answer)
    lines = [
        LeafLine(leaf.label, _split_cells(asked, leaf, names), narrowed_to(asked, answer.by, leaf.key))
        for leaf in answer.leaves[:SHOWN_LEAVES]
    ]
    rest = answer.leaves[SHOWN_LEAVES:]
    if rest:
        lines.append(LeafLine(more_words(len(rest)), _rest_cells(asked, rest, names)))
    if answer.leaves:
        lines += _sum_lines(asked, answer, names)
    return Leaves(
        head=LEAF_HEADS[answer.by] if answer.by else "",
        title=LEAF_TITLES[answer.by] if answer.by else "",
        columns=[_("Base"), _("Comparison"), _("Change"), *(METRICS[name].label for name in names)],
        lines=lines,
        currency=answer.currency,
        factors=[_factor_line(asked, answer, name) for name in names],
    )


def _factor_line(asked: Asked, answer: DecompositionFigures, name: str) -> FactorLine:
    part = answer.whole.parts[name]
    return FactorLine(
        METRICS[name].label,
        _factor_text(asked, name, part.base),
        _factor_text(asked, name, part.comparison),
        _effect(asked, answer, name),
        [
            (
                MOVER_LABELS[mover],
                formats.number(answer.movers[mover].accounts),
                signed_amount(answer.movers[mover].amount),
                asked.with_params(line=str(mover)),
            )
            for mover in BEHIND[name]
            if answer.movers[mover].accounts
        ],
    )


def _sum_lines(asked: Asked, answer: DecompositionFigures, names: Sequence[str]) -> list[LeafLine]:
    whole = answer.whole
    totals = [full_amount(whole.base_revenue), full_amount(whole.comparison_revenue), signed_amount(whole.change)]
    return [
        LeafLine(_("Parts added up"), [*totals, *(signed_amount(answer.effects[name]) for name in names)], is_sum=True),
        LeafLine(
            _("Totals split"),
            ["", "", signed_amount(whole.change), *(signed_amount(whole.parts[name].effect) for name in names)],
            hint=_("The same change, split without looking at the parts."),
        ),
        LeafLine(
            _("Mix of the parts"),
            ["", "", signed_amount(Decimal(0)), *(signed_amount(answer.mix[name]) for name in names)],
            hint=_("The difference of the two lines above: the parts differ, and their weights moved."),
        ),
    ]


def _split_cells(asked: Asked, leaf: Split, names: Sequence[str]) -> list[str | SafeString]:
    amounts = [leaf.change, *(leaf.parts[name].effect for name in names)]
    return [
        full_amount(leaf.base_revenue),
        full_amount(leaf.comparison_revenue),
        *(signed_amount(one) for one in amounts),
    ]


def _rest_cells(asked: Asked, rest: Sequence[Split], names: Sequence[str]) -> list[str | SafeString]:
    def total(amounts: Sequence[Decimal | None]) -> Decimal | None:
        return None if None in amounts else sum((one or Decimal(0) for one in amounts), Decimal(0))

    moved = [total([leaf.change for leaf in rest])]
    moved += [total([leaf.parts[name].effect for leaf in rest]) for name in names]
    return [
        full_amount(total([leaf.base_revenue for leaf in rest])),
        full_amount(total([leaf.comparison_revenue for leaf in rest])),
        *(signed_amount(one) for one in moved),
    ]


def _factor_text(asked: Asked, name: str, value: Any) -> str | SafeString:
    if value is None:
        return not_known()
    kind = FACTOR_KINDS.get(name, Kind.MONEY)
    return formats.money(value) if kind is Kind.MONEY else Figure(name, "", value, kind).text(asked.style)
