"""How much of their spending is ours? Share of wallet, headroom, and the estimates that are to be made anew."""

from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Series, bars
from crm.web.cohort_words import worded
from crm.web.efforts_form import WALLET_STATES
from crm.web.figure import Kind
from crm.web.metric_asked import Asked, accounts_behind, unsaid
from crm.web.metric_segments import Panel, SegmentsShown
from crm.web.metric_table import Column, Order
from metrics.services.wallet import WalletFigures, WalletState, share_of_wallet

KEYS = (
    "portfolio_share", "own_revenue", "wallet", "headroom", "account_coverage", "revenue_coverage", "invalid_accounts",
    "expired_accounts", "none_accounts",
)  # fmt: skip
SHOWN_LARGEST = 12
COLUMNS = (
    Column("revenue", gettext_lazy("Revenue, 12 months"), Kind.MONEY),
    Column("wallet", gettext_lazy("Their spending"), Kind.MONEY),
    Column("share", gettext_lazy("Our share"), Kind.PERCENT),
    Column("headroom", gettext_lazy("Headroom"), Kind.MONEY),
    Column("state_label", gettext_lazy("Estimate"), Kind.TEXT, is_sortable=False),
    Column("estimated_on", gettext_lazy("Estimated on"), Kind.DAY, is_sortable=False),
    Column("expires_on", gettext_lazy("Counts until"), Kind.DAY, is_sortable=False),
)


def wallet_answer(asked: Asked) -> SegmentsShown:
    answer = share_of_wallet(asked.accounts, as_of=asked.as_of, **asked.form.choices())
    chosen = asked.form.cleaned_data["state"]
    table = answer.behind(WalletState(chosen)) if chosen else answer.table
    table = table.with_columns({"state_label": worded(table.columns["state"], WALLET_STATES)})
    order = Order("revenue" if chosen and chosen != WalletState.VALID else "headroom", descending=True)
    return SegmentsShown(
        sentence=_sentence(asked, answer),
        figures=[asked.figure(key, answer) for key in KEYS],
        chart=_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, table, COLUMNS, order),
        panels=[_states(asked, answer)],
    )


def _sentence(asked: Asked, answer: WalletFigures) -> SafeString:
    if answer.portfolio_share is None or answer.revenue_coverage is None:
        return unsaid(answer.reasons.get("portfolio_share") or answer.reasons.get("revenue_coverage", ""))
    said = {key: asked.said(asked.figure(key, answer)) for key in KEYS}
    return format_html(
        _(
            "{portfolio_share} of their spending is ours, where it is estimated ({count} accounts, {revenue_coverage} of our"
            " revenue); they buy for {headroom} a year from others."
        ),
        count=formats.number(answer.valid_accounts),
        **said,
    )


def _states(asked: Asked, answer: WalletFigures) -> Panel:
    """How many estimates count, and how many are to be made anew; a row opens the accounts."""
    rows: list[tuple[str, list[Any]]] = [
        (f"?{asked.with_params(state=one.value)}", [words, formats.number(getattr(answer, f"{one.value}_accounts")), _STEPS[one]])
        for one, words in WALLET_STATES.items()
        if getattr(answer, f"{one.value}_accounts")
    ]  # fmt: skip
    note = _(
        "An estimate counts for 12 months. One that is smaller than what the account buys from us cannot be right."
    )
    return Panel(_("The estimates"), note, [_("Estimate"), _("Accounts"), _("What to do")], rows)


_STEPS = {
    WalletState.VALID: gettext_lazy("Plan how to win the headroom"),
    WalletState.INVALID: gettext_lazy("Estimate anew: it is below our revenue"),
    WalletState.EXPIRED: gettext_lazy("Estimate anew: it is too old"),
    WalletState.NO_RATE: gettext_lazy("Give the exchange rate of the month"),
    WalletState.NONE: gettext_lazy("Ask those who know the account"),
}


def _chart(answer: WalletFigures) -> Chart:
    """The accounts with the most headroom: ours and the rest of their spending as one bar."""
    valid = answer.behind(WalletState.VALID)
    rows = [row for row in valid.rows(order_by="headroom", limit=SHOWN_LARGEST) if row.values["wallet"]]
    names = [row.name for row in rows]
    series = [
        Series(_("Ours"), [max(float(row.values["revenue"]), 0.0) for row in rows], "--series-1", {"stack": "wallet"}),
        Series(_("Headroom"), [float(row.values["headroom"]) for row in rows], "--period-base", {"stack": "wallet"}),
    ]
    title = _("Most headroom: their spending, %(currency)s") % {"currency": answer.currency}
    option = bars(names, series, horizontal=True)
    option["yAxis"] |= {"axisLabel": {"width": 130, "overflow": "truncate", "interval": 0, "hideOverlap": False}}
    return Chart(
        key="metrics-chart",
        title=title,
        caption=title,
        option=option,
        columns=[_("Account"), _("Ours"), _("Headroom"), _("Our share")],
        rows=[
            [
                row.name,
                formats.money(row.values["revenue"]),
                formats.money(row.values["headroom"]),
                formats.percent(row.values["share"]),
            ]
            for row in rows
        ],
        legend=[LegendEntry(_("Ours"), "mark-series-1"), LegendEntry(_("Headroom"), "mark-base")],
        size="lg",
        is_empty=not rows,
        empty_title=_("No estimate counts"),
        empty_text=answer.reasons.get("portfolio_share", ""),
    )
