"""Do our contracts grow? What is signed and still to come? Contracts on two days, and their backlog month by month."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from crm.web import formats
from crm.web.charts import Chart, Series, bars
from crm.web.contract_words import BACKLOG_FIELDS, GROWTH_FIELDS, LINE_FIELDS, PREFIX
from crm.web.dashboard_charts import bridge_chart
from crm.web.figure import Figure, Kind
from crm.web.figure_answers import kind_of
from crm.web.metric_asked import Asked, Piece, Shown, accounts_behind, unsaid
from crm.web.metric_breakdown import breakdown_table
from crm.web.metric_table import Column, Order
from metrics.definitions import METRICS
from metrics.services.backlog import BacklogFigures, RecognisedSource, backlog
from metrics.services.base import Answer
from metrics.services.contract_growth import ContractGrowth, contract_growth
from metrics.services.contract_lines import Listing

GROWTH_KEYS = tuple(key for key in GROWTH_FIELDS if key not in ("contract_base_value", "contract_comparison_value"))
STOCK_COLUMNS = (
    Column("base", gettext_lazy("Base"), Kind.MONEY),
    Column("comparison", gettext_lazy("Comparison"), Kind.MONEY),
    Column("change", gettext_lazy("Change"), Kind.MONEY),
    Column("growth_rate", gettext_lazy("Growth"), Kind.CHANGE),
    Column("contracts", gettext_lazy("Contracts"), Kind.COUNT),
)
BACKLOG_COLUMNS = (
    Column("signed", gettext_lazy("Signed"), Kind.MONEY),
    Column("recognised_from_records", gettext_lazy("By the books"), Kind.MONEY),
    Column("recognised_by_proxy", gettext_lazy("By stand-in"), Kind.MONEY),
    Column("backlog", gettext_lazy("Backlog"), Kind.MONEY),
    Column("next_12_months", gettext_lazy("In 12 months"), Kind.MONEY),
    Column("overdue", gettext_lazy("Overdue"), Kind.MONEY),
)


@dataclass(frozen=True, slots=True)
class ListedContracts:
    """A list of contracts with what is to be said of them; ``more`` where not all are shown."""

    title: Any
    hint: Any
    listing: Listing
    more: str = ""


@dataclass(frozen=True, slots=True)
class Below:
    """What stands below the chart: a piece of its own, and lists of contracts."""

    breakdown: Piece | None
    lists: Sequence[ListedContracts]


class _Links:
    """What the chart of the bridge asks of a period bar."""

    def __init__(self, query: Any) -> None:
        self.query = query


def contract_growth_answer(asked: Asked) -> Shown:
    answer = contract_growth(asked.accounts, **asked.form.choices())
    line = asked.params.get("line", "")
    line = line if line in LINE_FIELDS.values() else ""
    table, columns, order = answer.table, STOCK_COLUMNS, Order("change", descending=True, by_size=True)
    if line and not answer.missing_rates:
        key = {"opening": "base", "closing": "comparison"}.get(line, line)
        effect = table.columns[key]
        table = table.where(np.asarray(effect > 0 if line in ("opening", "closing") else effect != 0))
        order = Order(key, descending=True, by_size=True)
        if key == line:
            shown = Column(line, METRICS[f"{PREFIX}{line}"].label, Kind.MONEY)
            columns = (*STOCK_COLUMNS[:2], shown, *STOCK_COLUMNS[3:])
    labels = {bar: METRICS[key].label for key, bar in LINE_FIELDS.items()}
    breakdown = breakdown_table(asked, answer.breakdown, answer.bridge, labels) if answer.breakdown else None
    return Shown(
        sentence=_growth_sentence(asked, answer),
        figures=[_figure(asked, answer, key, GROWTH_FIELDS[key]) for key in GROWTH_KEYS],
        chart=_bridge(asked, answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, columns, order),
        note=_growth_note(answer),
        lines=[(bar, labels[bar]) for bar in LINE_FIELDS.values() if answer.bridge.bars[bar].accounts],
        line=line,
        below=_below(breakdown, [_left_out(answer.left_out)]),
    )


def backlog_answer(asked: Asked) -> Shown:
    answer = backlog(asked.accounts, **asked.form.choices())
    keys = [key for key in BACKLOG_FIELDS if key != "contract_overrun" or answer.overrun]
    return Shown(
        sentence=_backlog_sentence(asked, answer),
        figures=[_figure(asked, answer, key, BACKLOG_FIELDS[key]) for key in keys],
        chart=_months(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, BACKLOG_COLUMNS, Order("backlog", descending=True)),
        note=_source_note(answer),
        below=_below(None, [_overrun(answer.overrun_contracts), _left_out(answer.left_out)]),
    )


def _figure(asked: Asked, answer: Answer, key: str, field: str) -> Figure:
    """A figure of the answer under its own name in the catalogue."""
    shown = asked.figure(key, answer, value=getattr(answer, field), kind=kind_of(METRICS[key], getattr(answer, field)))
    return replace(shown, value=getattr(answer, field), reason=answer.reasons.get(field, ""))


def _growth_sentence(asked: Asked, answer: ContractGrowth) -> SafeString:
    if answer.growth_rate is None:
        return unsaid(answer.reasons.get("growth_rate", ""))
    rate = replace(
        _figure(asked, answer, "contract_growth_rate", "growth_rate"), value=abs(answer.growth_rate), kind=Kind.PERCENT
    )
    parts = {
        "accounts": asked.said(_figure(asked, answer, "contract_customers", "cohort_accounts")),
        "rate": asked.said(rate),
        "base": asked.said(_figure(asked, answer, "contract_base_value", "base_value")),
        "comparison": asked.said(_figure(asked, answer, "contract_comparison_value", "comparison_value")),
    }
    if formats.percent(answer.growth_rate) == formats.percent(0):
        return format_html(
            _("They hold: the same {accounts} customers are signed for {comparison} a year, as before."), **parts
        )
    words = (
        _("Yes: the same {accounts} customers are signed for {rate} more, {comparison} a year after {base}.")
        if answer.growth_rate > 0
        else _("No: the same {accounts} customers are signed for {rate} less, {comparison} a year after {base}.")
    )
    return format_html(words, **parts)


def _growth_note(answer: ContractGrowth) -> str:
    return _("%(base)s contracts in force on the one day, %(comparison)s on the other; each by its value a year.") % {
        "base": formats.number(answer.base_contracts),
        "comparison": formats.number(answer.comparison_contracts),
    }


def _bridge(asked: Asked, answer: ContractGrowth) -> Chart:
    title = _("Bridge of contract value")
    chart = bridge_chart(answer.bridge, _Links(asked.links), asked.style, prefix=PREFIX)  # type: ignore[arg-type]
    return replace(
        chart,
        title=title,
        caption=_("%(title)s, %(currency)s a year; a bar opens its accounts")
        % {"title": title, "currency": answer.currency},
        empty_text=answer.reasons.get("opening", "") or _("No contract of these accounts was in force on either day."),
    )


def _backlog_sentence(asked: Asked, answer: BacklogFigures) -> SafeString:
    if answer.backlog is None:
        return unsaid(answer.reasons.get("backlog", ""))
    parts = {
        name: asked.said(_figure(asked, answer, key, name))
        for key, name in BACKLOG_FIELDS.items()
        if name in ("backlog", "signed", "recognised", "recognised_by_proxy", "next_12_months")
    }
    if answer.signed is None:
        return format_html(_("{backlog} is still to come, {next_12_months} of it in the next 12 months."), **parts)
    if not answer.backlog:
        return format_html(_("Nothing: of {signed} signed, {recognised} is recognised."), **parts)
    return format_html(
        _("{backlog} of {signed} signed is still to come, {next_12_months} of it in the next 12 months."), **parts
    )


def _source_note(answer: BacklogFigures) -> str:
    """How recognised was found: by the books, by a stand-in, or both beside each other."""
    parts = {
        "proxy": formats.number(answer.contracts_by_proxy),
        "records": formats.number(answer.contracts_from_records),
    }
    stand_in = _("a stand-in that decides no recognition: straight line by day, or milestones when they are accepted")
    if answer.recognised_source is RecognisedSource.NONE:
        return ""
    if answer.recognised_source is RecognisedSource.RECORDS:
        return _("Recognised is what the books say.")
    if answer.recognised_source is RecognisedSource.PROXY:
        return _("The books say nothing of these contracts, so recognised is %(stand_in)s.") % {"stand_in": stand_in}
    return _(
        "Of %(records)s contracts recognised is what the books say; of the other %(proxy)s it is %(stand_in)s."
    ) % (parts | {"stand_in": stand_in})


def _months(answer: BacklogFigures) -> Chart:
    labels = [formats.month(month.period.start) for month in answer.months]
    without_month = ((_("Later"), answer.later), (_("Overdue"), answer.overdue), (_("Without a date"), answer.undated))
    rest = [(label, amount) for label, amount in without_month if amount]
    shown = [*zip(labels, (month.amount for month in answer.months), strict=True), *rest]
    title = _("When the backlog comes, %(currency)s") % {"currency": answer.currency}
    values = [None if amount is None else float(amount) for _label, amount in shown]
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        summary=_("12 months ahead, and what has no month among them."),
        option=bars([str(label) for label, _amount in shown], [Series(_("Backlog"), values, "--period-comparison")]),
        columns=[_("Month"), _("Backlog")],
        rows=[[label, _("n/a") if amount is None else formats.money(amount)] for label, amount in shown],
        size="lg",
        is_empty=not answer.backlog,
        empty_title=_("Nothing is still to come") if answer.backlog is not None else _("Nothing to draw"),
        empty_text=answer.reasons.get("backlog", "") or _("All that was signed is recognised."),
    )


def _below(breakdown: Piece | None, lists: Sequence[ListedContracts | None]) -> Piece | None:
    shown = [one for one in lists if one is not None]
    if not breakdown and not shown:
        return None
    return Piece("metrics/_contracts.html", Below(breakdown, shown))


def _left_out(found: Listing) -> ListedContracts | None:
    hint = _("Nothing can be said of these contracts, so they are in no amount.")
    return _listed(_("Contracts left out"), hint, found)


def _overrun(found: Listing) -> ListedContracts | None:
    hint = _("One of the two needs a look. Amount: what is recognised beyond the contract; the backlog counts as 0.")
    return _listed(_("More recognised than signed"), hint, found)


def _listed(title: Any, hint: Any, found: Listing) -> ListedContracts | None:
    if not found.count:
        return None
    rest = found.count - len(found.shown)
    more = ngettext("and %(count)s more contract", "and %(count)s more contracts", rest) % {
        "count": formats.number(rest)
    }
    return ListedContracts(title, hint, found, more if rest else "")
