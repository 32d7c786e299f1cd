"""Answers that hold two periods against each other: growth, where the change came from, who stayed."""

from decimal import Decimal

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats, metric_charts
from crm.web.cohort_words import LOSSES, worded
from crm.web.figure import Figure, Kind
from crm.web.growth_notes import NotesPanel, notes_of_answer
from crm.web.metric_asked import Asked, Piece, RateLine, Shown, accounts_behind, unsaid
from crm.web.metric_breakdown import asked_breakdown, breakdown_piece, breakdown_sheet
from crm.web.metric_table import Column, Order
from metrics.definitions import METRICS
from metrics.services.churn import STATE, LossSplit, LossState, loss_split
from metrics.services.portfolio import BridgeFigures, Growth, RetentionFigures, TwoPeriods, two_periods

TWO_PERIOD_COLUMNS = (
    Column("base", gettext_lazy("Base"), Kind.MONEY),
    Column("comparison", gettext_lazy("Comparison"), Kind.MONEY),
    Column("change", gettext_lazy("Change"), Kind.MONEY),
    Column("growth_rate", gettext_lazy("Growth"), Kind.CHANGE),
)
CONSTANT_COLUMNS = (
    Column("constant", gettext_lazy("At constant rates"), Kind.MONEY),
    Column("fx_effect", gettext_lazy("Exchange rate effect"), Kind.MONEY),
)
LOSS_COLUMN = Column("loss_label", gettext_lazy("State"), Kind.TEXT, is_sortable=False)
BRIDGE_LINES = ("opening", "expansion", "contraction", "churned", "reactivated", "new", "adjustment", "closing")


def growth_answer(asked: Asked) -> Shown:
    found = _loaded(asked)
    answer = found.growth()
    return Shown(
        sentence=_growth_sentence(asked, answer),
        figures=[
            asked.figure(key, answer)
            for key in ("growth_rate", "overall_growth_rate", "cohort_accounts", "base_revenue", "comparison_revenue")
        ],
        chart=metric_charts.rates_chart(
            asked.accounts,
            ("growth_rate", "overall_growth_rate"),
            title=_("Growth, 12 months on the 12 before, at the end of each month"),
            as_of=asked.as_of,
            choices=asked.form.choices(),
        ),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(
            asked,
            answer.table,
            (*TWO_PERIOD_COLUMNS, *CONSTANT_COLUMNS) if found.is_translated else TWO_PERIOD_COLUMNS,
            Order("comparison", descending=True),
        ),
        rates=_rate_lines(asked, answer) if found.is_translated else (),
        below=Piece("metrics/_growth_notes.html", _notes(asked)),
    )


def _notes(asked: Asked) -> NotesPanel:
    cleaned = asked.form.cleaned_data
    account = next(iter(asked.links.get("account", ())), None)
    return notes_of_answer(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        account=int(account) if account else None,
    )


def _rate_lines(asked: Asked, answer: Growth) -> list[RateLine]:
    """Reported and constant currency side by side."""
    keys = (
        (_("Same customers"), "growth_rate", "constant_growth_rate", "cohort_fx_effect"),
        (_("All customers"), "overall_growth_rate", "constant_overall_growth_rate", "fx_effect"),
    )
    return [RateLine(label, *(asked.figure(key, answer) for key in row)) for label, *row in keys]


def _growth_sentence(asked: Asked, answer: Growth) -> SafeString:
    if answer.growth_rate is None:
        return unsaid(answer.reasons.get("growth_rate", ""))
    rate = asked.figure("growth_rate", answer, value=abs(answer.growth_rate), kind=Kind.PERCENT)
    parts = {
        "accounts": asked.said(asked.figure("cohort_accounts", answer)),
        "rate": asked.said(rate),
        "base": asked.said(asked.figure("base_revenue", answer)),
        "comparison": asked.said(asked.figure("comparison_revenue", answer)),
    }
    if formats.percent(answer.growth_rate) == formats.percent(0):
        return format_html(_("They hold: the same {accounts} customers bought for {comparison}, as before."), **parts)
    words = (
        _("Yes: the same {accounts} customers bought {rate} more, {comparison} after {base}.")
        if answer.growth_rate > 0
        else _("No: the same {accounts} customers bought {rate} less, {comparison} after {base}.")
    )
    return format_html(words, **parts)


def change_answer(asked: Asked) -> Shown:
    found = _loaded(asked)
    bridge = found.bridge()
    line = asked.params.get("line", "")
    line = line if line in BRIDGE_LINES else ""
    split = loss_split(found, bridge)
    lost = {"loss_label": worded(split.table.columns[STATE], LOSSES)}
    table, columns, order = (
        split.table.with_columns(lost),
        TWO_PERIOD_COLUMNS,
        Order("change", descending=True, by_size=True),
    )
    if line and not bridge.reasons:
        key = {"opening": "base", "closing": "comparison"}.get(line, line)
        effect = table.columns[key]
        table = table.where(effect > 0 if line in ("opening", "closing") else effect != 0)
        order = Order(key, descending=True, by_size=True)
        if key == line:
            columns = (*TWO_PERIOD_COLUMNS[:2], Column(line, METRICS[line].label, Kind.MONEY), TWO_PERIOD_COLUMNS[3])
    if bridge.bars["churned"].accounts and line in ("", "churned", "opening"):
        columns = (*columns, LOSS_COLUMN)
    breakdown = asked_breakdown(asked, found, bridge)
    return Shown(
        sentence=_change_sentence(asked, bridge),
        figures=[
            *_line_figures(asked, bridge, split),
            *([_fx_figure(asked, bridge)] if found.is_translated else []),
        ],
        chart=metric_charts.bridge(bridge, asked.links, asked.style),
        passport=bridge.passport,
        currency=bridge.currency,
        table=accounts_behind(asked, table, columns, order),
        lines=[(key, METRICS[key].label) for key in BRIDGE_LINES if bridge.bars[key].accounts],
        line=line,
        below=breakdown_piece(asked, breakdown, bridge) if breakdown else None,
        sheets=[breakdown_sheet(breakdown)] if breakdown else (),
    )


def _line_figures(asked: Asked, bridge: BridgeFigures, split: LossSplit) -> list[Figure]:
    """Every line, and below the one that holds both what of it is churned and what only lapsed."""
    figures = []
    for key in BRIDGE_LINES:
        figures.append(_bar(asked, bridge, key))
        if key == "churned" and bridge.bars[key].accounts:
            figures += [_loss(asked, bridge, split, state) for state in LossState]
    return figures


def _loss(asked: Asked, bridge: BridgeFigures, split: LossSplit, state: LossState) -> Figure:
    bar = split.of(state)
    count = bar.accounts or 0
    words = (
        ngettext("of it churned, %(count)s account", "of it churned, %(count)s accounts", count)
        if state is LossState.CHURNED
        else ngettext("of it lapsed, %(count)s account", "of it lapsed, %(count)s accounts", count)
    ) % {"count": formats.number(count)}
    return Figure(f"bridge_{state}", words, bar.amount, Kind.MONEY, currency=bridge.currency, query=asked.links)


def _bar(asked: Asked, bridge: BridgeFigures, key: str) -> Figure:
    bar = bridge.bars[key]
    return Figure(
        key,
        METRICS[key].label,
        bar.amount,
        Kind.MONEY,
        currency=bridge.currency,
        reason=bridge.reasons.get(key, ""),
        query=asked.links,
    )


def _fx_figure(asked: Asked, bridge: BridgeFigures) -> Figure:
    """What exchange rates did to the lines above, together."""
    return Figure(
        "fx_effect",
        _("of it exchange rates"),
        bridge.fx_effect.amount,
        Kind.MONEY,
        currency=bridge.currency,
        reason=bridge.reasons.get("fx_effect", ""),
        query=asked.links,
    )


def _change_sentence(asked: Asked, bridge: BridgeFigures) -> SafeString:
    opening, closing = bridge.bars["opening"].amount, bridge.bars["closing"].amount
    if opening is None or closing is None:
        return unsaid(next(iter(bridge.reasons.values()), ""))
    inner = {key: bridge.bars[key].amount or Decimal(0) for key in BRIDGE_LINES[1:-1]}
    parts = {
        "opening": asked.said(_bar(asked, bridge, "opening")),
        "closing": asked.said(_bar(asked, bridge, "closing")),
    }
    largest = max(inner, key=lambda key: abs(inner[key]))
    if not inner[largest]:
        return format_html(_("Nothing moved: revenue was {opening} and is {closing}."), **parts)
    parts |= {"line": METRICS[largest].label, "amount": asked.said(_bar(asked, bridge, largest))}
    words = (
        _("Revenue rose from {opening} to {closing}; the largest part is “{line}” with {amount}.")
        if closing > opening
        else _("Revenue fell from {opening} to {closing}; the largest part is “{line}” with {amount}.")
    )
    return format_html(words, **parts)


def retention_answer(asked: Asked) -> Shown:
    found = _loaded(asked)
    answer = found.retention()
    keys = ("logo_retention", "gross_revenue_retention", "net_revenue_retention")
    return Shown(
        sentence=_retention_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in (*keys, "cohort_accounts", "retained_accounts")],
        chart=metric_charts.rates_chart(
            asked.accounts,
            keys,
            title=_("Retention, 12 months on the 12 before, at the end of each month"),
            as_of=asked.as_of,
            choices=asked.form.choices(),
        ),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(
            asked,
            answer.table.where(answer.table.columns["base"] > 0),
            TWO_PERIOD_COLUMNS,
            Order("change", descending=False),
        ),
    )


def _retention_sentence(asked: Asked, answer: RetentionFigures) -> SafeString:
    if answer.logo_retention is None:
        return unsaid(answer.reasons.get("logo_retention", ""))
    keys = ("logo_retention", "gross_revenue_retention", "net_revenue_retention", "cohort_accounts")
    return format_html(
        _(
            "{logo_retention} of the {cohort_accounts} customers bought again; {gross_revenue_retention} of their"
            " revenue stayed, {net_revenue_retention} with what they bought more."
        ),
        **{key: asked.said(asked.figure(key, answer)) for key in keys},
    )


def _loaded(asked: Asked) -> TwoPeriods:
    """Both windows of the accounts, by the choices of the form; one query."""
    cleaned = asked.form.cleaned_data
    return two_periods(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
