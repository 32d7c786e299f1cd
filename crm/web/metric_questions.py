"""The questions of the metrics page, each answered in one sentence, its figures, a chart and the accounts behind it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.querysets import AccountQuerySet
from crm.web import formats, metric_charts, metric_form
from crm.web.charts import Chart
from crm.web.figure import Figure, Kind
from crm.web.figure_answers import kind_of
from crm.web.formats import NumberStyle
from crm.web.metric_form import ChoicesForm
from crm.web.metric_table import Accounts, Column, Order
from metrics.definitions import METRICS
from metrics.services.activity import activity
from metrics.services.base import AccountTable, Answer, Passport
from metrics.services.concentration import concentration
from metrics.services.lifetime import lifetime
from metrics.services.portfolio import BridgeFigures, two_periods
from metrics.services.trend import Trend, trend

TWO_PERIOD_COLUMNS = (
    Column("base", gettext_lazy("Base"), Kind.MONEY),
    Column("comparison", gettext_lazy("Comparison"), Kind.MONEY),
    Column("change", gettext_lazy("Change"), Kind.MONEY),
    Column("growth_rate", gettext_lazy("Growth"), Kind.CHANGE),
)
LIFETIME_KEYS = ("clv", "expected_revenue", "expected_orders")
BRIDGE_LINES = ("opening", "expansion", "contraction", "churned", "reactivated", "new", "adjustment", "closing")


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as the address puts it: whose accounts, by which choices, in whose number style."""

    accounts: AccountQuerySet
    form: ChoicesForm
    params: QueryDict
    links: Mapping[str, Any]
    style: NumberStyle
    as_of: date

    def figure(
        self, key: str, answer: Answer, *, label: Any = None, value: Any = None, kind: Kind | None = None
    ) -> Figure:
        """A figure of the answer, with the link to its drawer."""
        found = getattr(answer, key, None) if value is None else value
        definition = METRICS[key]
        shown = kind or kind_of(definition, found)
        return Figure(
            key,
            label or definition.label,
            found,
            shown,
            currency=answer.currency if shown is Kind.MONEY else "",
            reason=answer.reasons.get(key, ""),
            query=self.links,
        )

    def said(self, figure: Figure) -> SafeString:
        """A figure inside a sentence."""
        unit = format_html(" {}", figure.currency) if figure.currency and figure.value is not None else ""
        return format_html("<strong>{}{}</strong>", figure.as_link(self.style), unit)


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer as the page shows it. ``table`` is None where no accounts stand behind a point (a series)."""

    sentence: SafeString
    figures: Sequence[Figure]
    chart: Chart
    passport: Passport
    currency: str
    table: Accounts | None = None
    points: Sequence[Sequence[Any]] = ()
    note: Any = ""
    lines: Sequence[tuple[str, Any]] = field(default_factory=tuple)
    line: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """``words`` are what people ask; ``hint`` says what the answer counts."""

    key: str
    words: Any
    hint: Any
    icon: str
    form: type[ChoicesForm]
    defaults: Callable[[QueryDict, date], dict[str, str]]
    answer: Callable[[Asked], Shown]


def growth_answer(asked: Asked) -> Shown:
    cleaned = asked.form.cleaned_data
    found = two_periods(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
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
        table=_accounts(asked, answer.table, TWO_PERIOD_COLUMNS, Order("comparison", descending=True)),
    )


def _growth_sentence(asked: Asked, answer: Any) -> SafeString:
    if answer.growth_rate is None:
        return _unsaid(answer.reasons.get("growth_rate", ""))
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
    cleaned = asked.form.cleaned_data
    found = two_periods(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
    bridge = found.bridge()
    line = asked.params.get("line", "")
    line = line if line in BRIDGE_LINES else ""
    table, columns, order = bridge.table, TWO_PERIOD_COLUMNS, Order("change", descending=True, by_size=True)
    if line and not bridge.reasons:
        key = {"opening": "base", "closing": "comparison"}.get(line, line)
        effect = table.columns[key]
        table = table.where(effect > 0 if line in ("opening", "closing") else effect != 0)
        order = Order(key, descending=True, by_size=True)
        if key == line:
            columns = (*TWO_PERIOD_COLUMNS[:2], Column(line, METRICS[line].label, Kind.MONEY), TWO_PERIOD_COLUMNS[3])
    return Shown(
        sentence=_change_sentence(asked, bridge),
        figures=[_bar(asked, bridge, key) for key in BRIDGE_LINES],
        chart=metric_charts.bridge(bridge, asked.links, asked.style),
        passport=bridge.passport,
        currency=bridge.currency,
        table=_accounts(asked, table, columns, order),
        lines=[(key, METRICS[key].label) for key in BRIDGE_LINES if bridge.bars[key].accounts],
        line=line,
    )


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


def _change_sentence(asked: Asked, bridge: BridgeFigures) -> SafeString:
    opening, closing = bridge.bars["opening"].amount, bridge.bars["closing"].amount
    if opening is None or closing is None:
        return _unsaid(next(iter(bridge.reasons.values()), ""))
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
    cleaned = asked.form.cleaned_data
    found = two_periods(
        asked.accounts,
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        as_of=asked.as_of,
        **asked.form.choices(),
    )
    answer = found.retention()
    keys = ("logo_retention", "gross_revenue_retention", "net_revenue_retention")
    said = {key: asked.said(asked.figure(key, answer)) for key in (*keys, "cohort_accounts")}
    sentence = (
        _unsaid(answer.reasons.get("logo_retention", ""))
        if answer.logo_retention is None
        else format_html(
            _(
                "{logo_retention} of the {cohort_accounts} customers bought again; {gross_revenue_retention} of their"
                " revenue stayed, {net_revenue_retention} with what they bought more."
            ),
            **said,
        )
    )
    return Shown(
        sentence=sentence,
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
        table=_accounts(
            asked,
            answer.table.where(answer.table.columns["base"] > 0),
            TWO_PERIOD_COLUMNS,
            Order("change", descending=False),
        ),
    )


def activity_answer(asked: Asked) -> Shown:
    period = asked.form.cleaned_data["period"]
    answer = activity(asked.accounts, period=period, as_of=asked.as_of, **asked.form.choices())
    keys = ("covered_accounts", "active_accounts", "active_rate", "orders", "average_order_value", "order_frequency",
            "revenue_per_active_account", "revenue", "repeat_rate", "returning_rate")  # fmt: skip
    said = {key: asked.said(asked.figure(key, answer)) for key in keys}
    sentence = (
        _unsaid(answer.reasons.get("active_rate", ""))
        if answer.active_rate is None
        else format_html(
            _(
                "{active_rate} of the {covered_accounts} customers on the books ordered: {active_accounts} of them"
                " placed {orders} orders, {average_order_value} each."
            ),
            **said,
        )
    )
    columns = (
        Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
        Column("orders", gettext_lazy("Orders"), Kind.COUNT),
        Column("order_days", gettext_lazy("Order days"), Kind.COUNT),
        Column("first_order_on", gettext_lazy("First order"), Kind.DAY, is_sortable=False),
    )
    return Shown(
        sentence=sentence,
        figures=[asked.figure(key, answer) for key in keys],
        chart=metric_charts.activity_chart(
            asked.accounts, period, as_of=asked.as_of, choices=asked.form.choices(), style=asked.style
        ),
        passport=answer.passport,
        currency=answer.currency,
        table=_accounts(asked, answer.table, columns, Order("revenue", descending=True)),
    )


def concentration_answer(asked: Asked) -> Shown:
    answer = concentration(
        asked.accounts, period=asked.form.cleaned_data["period"], as_of=asked.as_of, **asked.form.choices()
    )
    keys = ("top_1_share", "top_5_share", "top_10_share", "top_20_percent_share", "largest_group_share",
            "effective_accounts", "hhi", "gini")  # fmt: skip
    said = {key: asked.said(asked.figure(key, answer)) for key in ("top_10_share", "top_1_share")}
    sentence = (
        _unsaid(answer.reasons.get("top_10_share", ""))
        if answer.top_10_share is None
        else format_html(
            _(
                "The 10 largest of {accounts} customers bring {top_10_share} of the revenue, the largest alone {top_1_share}."
            ),
            accounts=formats.number(answer.accounts or 0),
            **said,
        )
    )
    columns = (
        Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
        Column("share", gettext_lazy("Share"), Kind.PERCENT),
        Column("abc", gettext_lazy("Class"), Kind.TEXT, is_sortable=False),
    )
    if "share" not in answer.table.columns:
        columns = columns[:1]
    return Shown(
        sentence=sentence,
        figures=[asked.figure(key, answer) for key in keys],
        chart=metric_charts.curve(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=_accounts(asked, answer.table, columns, Order("revenue", descending=True)),
    )


def lifetime_answer(asked: Asked) -> Shown:
    answer = lifetime(asked.accounts, as_of=asked.as_of, **asked.form.choices())
    known = next((key for key in LIFETIME_KEYS if getattr(answer, key) is not None), LIFETIME_KEYS[-1])
    columns = (
        Column("clv", gettext_lazy("Lifetime value"), Kind.MONEY),
        Column("expected_revenue", gettext_lazy("Expected revenue"), Kind.MONEY),
        Column("expected_orders", gettext_lazy("Expected order days"), Kind.SCORE),
        Column("p_alive", gettext_lazy("Still a customer"), Kind.PERCENT),
        Column("margin", gettext_lazy("Gross margin"), Kind.PERCENT),
        Column("grade", gettext_lazy("Data"), Kind.TEXT, is_sortable=False),
    )
    return Shown(
        sentence=_lifetime_sentence(asked, answer),
        figures=[
            asked.figure(key, answer, kind=Kind.COUNT if key == "expected_orders" else None) for key in LIFETIME_KEYS
        ],
        chart=metric_charts.largest_chart(answer, known),
        passport=answer.passport,
        currency=answer.currency,
        table=_accounts(asked, answer.table, columns, Order(known, descending=True)),
        note=_lifetime_note(answer),
    )


def _lifetime_sentence(asked: Asked, answer: Any) -> SafeString:
    months = formats.number(answer.horizon_months)
    expected = asked.said(asked.figure("expected_revenue", answer))
    if answer.clv is not None:
        return format_html(
            _("Over the next {months} months our customers are worth {clv} of gross profit in today's money."),
            months=months,
            clv=asked.said(asked.figure("clv", answer)),
        )
    if answer.expected_revenue is not None:
        return format_html(
            _(
                "Over the next {months} months our customers bring {expected} of revenue in today's money; what is left of it is not known: {reason}."
            ),
            months=months,
            expected=expected,
            reason=answer.reasons.get("clv", ""),
        )
    return _unsaid(answer.reasons.get("expected_revenue", "") or answer.reasons.get("clv", ""))


def _lifetime_note(answer: Any) -> str:
    """What limits the estimate, where something does."""
    if answer.method is None:
        return ""
    if answer.is_dependent:
        return _(
            "Who orders often also spends another amount an order, which the model does not expect; take the figure with care."
        )
    return _("Fitted on all %(accounts)s customers that have ordered; for one account it is the estimate for accounts with this history.") % {
        "accounts": formats.number(answer.accounts)
    }  # fmt: skip


def trend_answer(asked: Asked) -> Shown:
    cleaned = asked.form.cleaned_data
    first, last = cleaned.get("from"), cleaned.get("to")
    found = trend(
        asked.accounts,
        metric=cleaned["metric"],
        interval=cleaned["interval"],
        first=first.start if first else None,
        last=last.last_day if last else None,
        as_of=asked.as_of,
        **asked.form.choices(),
    )
    return Shown(
        sentence=_trend_sentence(found, asked.style),
        figures=(),
        chart=metric_charts.series_chart(found),
        passport=found.passport,
        currency=found.currency if metric_charts.series_kind(found.metric) is Kind.MONEY else "",
        points=metric_charts.series_rows(found),
    )


def _trend_sentence(found: Trend, style: NumberStyle) -> SafeString:
    known = [point for point in found.points if point.value is not None]
    if not known:
        return _unsaid(found.points[-1].reason if found.points else "")
    last, label = known[-1], metric_form.series_label(found.metric)
    value = format_html(
        "<strong>{}</strong>", metric_charts.series_text(found.metric, last.value, found.currency, style)
    )
    before = metric_charts.year_before(found, last)
    parts = {"label": label, "value": value, "period": metric_charts.period_name(found, last.period)}
    if before is None or before.value is None:
        return format_html(_("{label}: {value} in {period}."), **parts)
    text = metric_charts.series_text(found.metric, before.value, found.currency, style)
    return format_html(_("{label}: {value} in {period}, after {before} a year before."), before=text, **parts)


def _accounts(asked: Asked, table: AccountTable, columns: Sequence[Column], order: Order) -> Accounts:
    return Accounts(table, columns, order, asked.params, asked.style)


def _unsaid(reason: str) -> SafeString:
    if not reason:
        return format_html("{}", _("It cannot be said for these dates."))
    return format_html(_("It cannot be said ({reason})."), reason=reason)


QUESTIONS: dict[str, Question] = {
    one.key: one
    for one in (
        Question(
            "growth", gettext_lazy("Do our customers grow?"), gettext_lazy("The same customers in two periods; new ones stand apart."),
            "trending-up", metric_form.TwoPeriodsForm, metric_form.two_period_defaults, growth_answer,
        ),
        Question(
            "change", gettext_lazy("Where did the change come from?"), gettext_lazy("From opening to closing revenue, account by account."),
            "git-branch", metric_form.TwoPeriodsForm, metric_form.two_period_defaults, change_answer,
        ),
        Question(
            "retention", gettext_lazy("Do they stay?"), gettext_lazy("Customers and revenue of the base period that are still there."),
            "users", metric_form.TwoPeriodsForm, metric_form.two_period_defaults, retention_answer,
        ),
        Question(
            "activity", gettext_lazy("How active are they?"), gettext_lazy("Who of those on the books orders, how often, for how much."),
            "activity", metric_form.OnePeriodForm, metric_form.one_period_defaults, activity_answer,
        ),
        Question(
            "concentration", gettext_lazy("Who carries us?"), gettext_lazy("How much of the revenue hangs on how few."),
            "scale", metric_form.OnePeriodForm, metric_form.one_period_defaults, concentration_answer,
        ),
        Question(
            "lifetime", gettext_lazy("What are they worth?"), gettext_lazy("What customers are still expected to bring, discounted to today."),
            "coin", metric_form.LifetimeForm, metric_form.lifetime_defaults, lifetime_answer,
        ),
        Question(
            "trend", gettext_lazy("How does it develop?"), gettext_lazy("Any figure, month by month, quarter by quarter or year by year."),
            "chart-line", metric_form.TrendForm, metric_form.trend_defaults, trend_answer,
        ),
    )
}  # fmt: skip
