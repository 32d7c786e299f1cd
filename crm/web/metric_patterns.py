"""How do they buy? One sentence, the season as bars, weekdays and products as tables; the same as a card of one account."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account
from crm.lib.periods import MONTHS_PER_YEAR
from crm.web import formats
from crm.web.charts import Chart, Series, bars
from crm.web.figure import Figure, Kind
from crm.web.figure_answers import kind_of
from crm.web.formats import NumberStyle
from crm.web.metric_asked import Asked, Piece, Sheet, Shown, accounts_behind, unsaid
from crm.web.metric_table import Column, Order
from metrics.definitions import METRICS
from metrics.services.patterns import TOP_PRODUCTS, BoughtProduct, PatternFigures, patterns

KEYS = (
    "usual_interval_days", "average_order_value", "order_day_size", "breadth", "breadth_change", "products_bought",
    "new_product_share", "peak_month_index", "peak_weekday_share",
)  # fmt: skip
CARD_KEYS = ("usual_interval_days", "average_order_value", "breadth", "new_product_share", "peak_month_index", "peak_weekday_share")  # fmt: skip
COLUMNS = (
    Column("revenue", gettext_lazy("Revenue"), Kind.MONEY),
    Column("orders", gettext_lazy("Orders"), Kind.COUNT),
    Column("order_days", gettext_lazy("Order days"), Kind.COUNT),
    Column("usual_interval", gettext_lazy("Usual interval, days"), Kind.SCORE),
    Column("products", gettext_lazy("Products"), Kind.COUNT),
    Column("new_products", gettext_lazy("New to it"), Kind.COUNT),
    Column("new_product_revenue", gettext_lazy("Revenue with new ones"), Kind.MONEY),
)


@dataclass(frozen=True, slots=True)
class PatternsContent:
    """What the tables below the chart need."""

    weekdays: Sequence[tuple[Any, str, float]]
    breadth: Sequence[tuple[str, str]]
    products: Sequence[tuple[BoughtProduct, str, str]]
    parts: Sequence[tuple[Any, str, str]]
    currency: str
    rest: int
    is_one: bool


def patterns_answer(asked: Asked) -> Shown:
    answer = patterns(
        asked.accounts,
        period=asked.form.cleaned_data["period"],
        as_of=asked.as_of,
        currency=asked.form.cleaned_data["currency"] or None,
        basis=asked.form.cleaned_data.get("basis") or None,
    )
    return Shown(
        sentence=_sentence(asked, answer),
        figures=[_figure(key, answer, asked.links, asked.style) for key in KEYS],
        chart=_season_chart(answer),
        passport=answer.passport,
        currency=answer.currency,
        table=accounts_behind(asked, answer.table, COLUMNS, Order("revenue", descending=True)),
        note=_note(answer),
        below=Piece("metrics/_patterns.html", _content(answer)) if len(answer.table) else None,
        sheets=[Sheet("products", _("Products"), _headings(), lambda: _exported(answer))],
    )


@dataclass(frozen=True, slots=True)
class PatternsCard:
    """How one account buys, in a few figures; ``href`` leads to the whole answer."""

    figures: Sequence[Figure]
    period: Any
    currency: str
    href: str
    is_empty: bool


def patterns_card(account: Account, style: NumberStyle) -> PatternsCard:
    """The card of one account, which the reader must be allowed to see."""
    answer = patterns(Account.objects.filter(pk=account.pk))
    query = {"account": account.pk}
    period = answer.passport.comparison
    links = query | ({"period": period.label} if period else {})
    return PatternsCard(
        [_figure(key, answer, links, style) for key in CARD_KEYS],
        period,
        answer.currency,
        f"{reverse('metrics:question', args=['patterns'])}?{urlencode(query)}",
        is_empty=not len(answer.table),
    )


def _figure(key: str, answer: PatternFigures, links: Any, style: NumberStyle) -> Figure:
    value, definition = getattr(answer, key), METRICS[key]
    kind = kind_of(definition, value)
    return Figure(
        key, definition.label, value, kind, currency=answer.currency if kind is Kind.MONEY else "",
        reason=answer.reasons.get(key, ""), query=links, note=_beside(key, answer, style),
    )  # fmt: skip


def _beside(key: str, answer: PatternFigures, style: NumberStyle) -> str:
    """The spread of a figure, or the month or weekday it speaks of."""
    if getattr(answer, key) is None:
        return ""
    if key == "usual_interval_days":
        return _("days; half lie between %(low)s and %(high)s") % {
            "low": formats.number(answer.interval_low_days or 0, decimals=1),
            "high": formats.number(answer.interval_high_days or 0, decimals=1),
        }
    if key == "order_day_size" and answer.order_day_low is not None and answer.order_day_high is not None:
        return _("half lie between %(low)s and %(high)s") % {
            "low": formats.money_short(answer.order_day_low, style),
            "high": formats.money_short(answer.order_day_high, style),
        }
    if key == "peak_month_index" and answer.season:
        return str(MONTHS[answer.season.index(max(answer.season)) + 1])
    if key == "peak_weekday_share" and answer.weekdays:
        return str(WEEKDAYS[answer.weekdays.index(max(answer.weekdays))])
    return ""


def _sentence(asked: Asked, answer: PatternFigures) -> SafeString:
    if answer.usual_interval_days is None or answer.average_order_value is None or answer.breadth is None:
        missing = ("usual_interval_days", "average_order_value", "breadth")
        return unsaid(next((answer.reasons[key] for key in missing if key in answer.reasons), ""))
    said = {
        key: asked.said(asked.figure(key, answer)) for key in ("usual_interval_days", "average_order_value", "breadth")
    }
    if answer.new_product_share is None:
        return format_html(
            _("They order every {usual_interval_days} days, for {average_order_value} an order and {breadth} products a day."),
            **said,
        )  # fmt: skip
    return format_html(
        _(
            "They order every {usual_interval_days} days, for {average_order_value} an order and {breadth} products a day;"
            " {new_product_share} of the revenue comes from products new to them."
        ),
        new_product_share=asked.said(asked.figure("new_product_share", answer)),
        **said,
    )


def _note(answer: PatternFigures) -> str:
    if answer.rhythm_accounts < 2:
        return ""
    return _("The interval is that of the typical one of %(accounts)s accounts with three order days or more.") % {
        "accounts": formats.number(answer.rhythm_accounts)
    }


def _season_chart(answer: PatternFigures) -> Chart:
    names = [str(MONTHS[number]) for number in range(1, MONTHS_PER_YEAR + 1)]
    season = answer.season or ()
    title = _("Season: revenue of each calendar month, 1 is an average month")
    rows = [[name, formats.number(value, decimals=2)] for name, value in zip(names, season, strict=False)]
    if answer.spring_index is not None:
        rows.append([_("January and February together"), formats.number(answer.spring_index, decimals=2)])
    return Chart(
        key="metrics-chart",
        title=title,
        caption=_("%(title)s; %(years)s whole years") % {"title": title, "years": answer.season_years} if season else title,
        summary=_("%(count)s months.") % {"count": len(season)},
        option=bars(names, [Series(_("index"), [round(value, 4) for value in season])], reads="plain"),
        columns=[_("Month"), _("Index")],
        rows=rows,
        is_empty=not season,
        empty_title=_("No season can be said"),
        empty_text=answer.reasons.get("season", ""),
    )  # fmt: skip


def _content(answer: PatternFigures) -> PatternsContent:
    shown = [one for one in answer.products if one.product_id is not None and one.order_days][:TOP_PRODUCTS]
    largest = max(answer.weekdays) if answer.weekdays else 1.0
    return PatternsContent(
        weekdays=[
            (WEEKDAYS[number], formats.percent(share), 100 * share / largest)
            for number, share in enumerate(answer.weekdays or ())
        ],
        breadth=[(formats.month(month), formats.number(mean, decimals=1)) for month, mean in answer.breadth_months],
        products=[(one, _money(one.revenue), _percent(one.share)) for one in shown],
        parts=_parts(answer),
        currency=answer.currency,
        rest=max(answer.products_bought - len(shown), 0),
        is_one=len(answer.table) == 1,
    )


def _parts(answer: PatternFigures) -> list[tuple[Any, str, str]]:
    """Revenue by whether the account knew the product."""
    amounts = (
        (_("products it had bought before"), answer.known_product_revenue),
        (_("products new to it"), answer.new_product_revenue),
        (_("without a product"), answer.no_product_revenue),
    )
    whole = answer.revenue
    return [
        (label, _money(amount), _percent(float(amount / whole) if amount is not None and whole and whole > 0 else None))
        for label, amount in amounts
    ]


def _headings() -> list[Any]:
    return [
        _("Code"), _("Product"), _("Revenue"), _("Share"), _("Order days"), _("Buyers"), _("New buyers"),
        _("First bought"), _("Last bought"),
    ]  # fmt: skip


def _exported(answer: PatternFigures) -> Iterator[list[Any]]:
    for one in answer.products:
        name = one.name or ("" if one.product_id else _("without a product"))
        yield [
            one.code,
            name,
            one.revenue,
            one.share,
            one.order_days,
            one.buyers,
            one.new_buyers,
            one.first_on,
            one.last_on,
        ]


def _money(value: Any) -> str:
    return _("n/a") if value is None else formats.money(value)


def _percent(share: float | None) -> str:
    return _("n/a") if share is None else formats.percent(share)
