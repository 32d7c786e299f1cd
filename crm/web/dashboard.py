"""The portfolio on one page: growth, retention, lifetime value, the bridge, the grades, and who needs somebody."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.enums import GRADE_RANK, Grade
from accounts.fields import is_hidden
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from crm.web import lifetime_words
from crm.web.attention import needing_attention, reminders
from crm.web.dashboard_charts import bridge_chart, concentration_chart, trend_chart
from crm.web.drawing import Share
from crm.web.figure import Figure, Kind
from crm.web.formats import NumberStyle
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.period_bar import PeriodBar
from crm.web.scope import accounts_in_scope, number_style
from crm.web.standing import as_of_of
from metrics.selectors import last_booked_on
from metrics.services.base import Answer
from metrics.services.lifetime import LifetimeFigures
from metrics.services.summary import PortfolioSummary, portfolio_summary
from tiering.models import GradePeriod
from tiering.selectors import grade_totals, of_the_night

SHOWN_MOVERS = 5


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the six figures on top, with its second reading and a line of the last 24 months."""

    figure: Figure
    seconds: tuple[Figure, ...]
    spark: list[float | None]
    spark_label: str
    note: str = ""
    between: str = ""

    @property
    def is_amount(self) -> bool:
        return self.figure.kind is Kind.MONEY


@dataclass(frozen=True, slots=True)
class GradeRow:
    """One grade: how many accounts, how much revenue, and both as shares of the largest."""

    grade: str
    accounts: int
    revenue: Decimal | None
    accounts_share: Share
    revenue_share: Share


@dataclass(frozen=True, slots=True)
class Mover:
    account_id: int
    account: str
    before: str
    now: str
    revenue: Decimal | None
    currency: str

    @property
    def is_up(self) -> bool:
        return GRADE_RANK[self.now] > GRADE_RANK[self.before]


@signed_in
@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    if last_booked_on() is None:
        return page_or_fragment(request, "dashboard/page.html", "dashboard/_body.html", {"is_empty": True})
    as_of = as_of_of(request)
    accounts, style = accounts_in_scope(request), number_style(request)
    choice = PeriodBar(request, as_of=as_of)
    found = portfolio_summary(
        accounts,
        base=choice.base,
        comparison=choice.comparison,
        as_of=as_of,
        **choice.choices(),
    )
    context = {
        "choice": choice,
        "currencies": choice.currencies(accounts),
        "passport": found.growth.passport,
        "currency": found.growth.currency,
        "tiles": tiles(found, choice, style),
        "bridge": bridge_chart(found.bridge, choice, style),
        "grades": grade_rows(accounts),
        "attention": needing_attention(accounts),
        "reminders": reminders(user_of(request), as_of=as_of, today=timezone.localdate()),
        "movers": movers(accounts, choice.comparison),
        "concentration": concentration_chart(found.concentration),
        "top_10": Figure(
            "top_10_share", _("Share of the 10 largest"), found.concentration.top_10_share, Kind.PERCENT,
            reason=found.concentration.reasons.get("top_10_share", ""), query=_single_period(choice),
        ),
        "trend": trend_chart(found.series["revenue"], style),
        "apart": accounts.filter(pk__in=found.set_apart) if found.set_apart else (),
    }  # fmt: skip
    return page_or_fragment(request, "dashboard/page.html", "dashboard/_body.html", context)


def tiles(found: PortfolioSummary, choice: PeriodBar, style: NumberStyle) -> list[Tile]:
    growth, kept, query = found.growth, found.retention, choice.query
    spark_words = _("each month, over the 12 months before it")

    def figure(key: str, label: str, answer: Any, kind: Kind) -> Figure:
        return Figure(key, label, getattr(answer, key), kind, reason=answer.reasons.get(key, ""), query=query)

    def line(key: str) -> list[float | None]:
        return [None if point.value is None else float(point.value) for point in found.series[key].points]

    lapsed = None
    if kept.cohort_accounts is not None and kept.retained_accounts is not None:
        lapsed = kept.cohort_accounts - kept.retained_accounts
    every = [
        Tile(
            figure("growth_rate", _("Customer revenue growth (same customers)"), growth, Kind.CHANGE),
            (figure("overall_growth_rate", _("Overall growth"), growth, Kind.CHANGE),),
            line("growth_rate"),
            spark_words,
        ),
        Tile(
            figure("net_revenue_retention", _("Net revenue retention"), kept, Kind.PERCENT),
            (figure("gross_revenue_retention", _("Gross revenue retention"), kept, Kind.PERCENT),),
            line("net_revenue_retention"),
            spark_words,
        ),
        Tile(
            figure("logo_retention", _("Customer retention"), kept, Kind.PERCENT),
            (Figure("churned", _("Lapsed accounts"), lapsed, Kind.COUNT, query=query),),
            line("logo_retention"),
            spark_words,
        ),
        order_tile(found, choice, line("average_order_value")),
        acquisition_tile(found, choice),
        lifetime_tile(found.lifetime, choice, line("ttm_revenue"), style),
    ]
    return [tile for tile in every if not is_hidden(tile.figure.metric)]


def order_tile(found: PortfolioSummary, choice: PeriodBar, spark: list[float | None]) -> Tile:
    """What an order brings in the later period, and what a customer who orders does."""
    first, second = (
        _of_period(found.activity, choice, key, label)
        for key, label in (
            ("average_order_value", _("Average order value")),
            ("revenue_per_active_account", _("Revenue per active account")),
        )
    )
    return Tile(first, (second,), spark, _("average order value, month by month"))


def acquisition_tile(found: PortfolioSummary, choice: PeriodBar) -> Tile:
    """What a new customer of the later period cost, and when it has paid for that."""
    answer = found.acquisition
    paid = Figure(
        "payback_months", _("Months until it has paid"), answer.payback_months, Kind.SCORE,
        reason=answer.reasons.get("payback_months", ""), query=_single_period(choice),
    )  # fmt: skip
    line = [None if point.value is None else float(point.value) for point in answer.trend]
    cost = _of_period(answer, choice, "cac", _("Cost of a new customer (CAC)"))
    return Tile(cost, (paid,), line, _("cost of a new customer, quarter by quarter"))


def _of_period(answer: Answer, choice: PeriodBar, key: str, label: str) -> Figure:
    return Figure(
        key, label, getattr(answer, key), Kind.MONEY, currency=answer.currency, reason=answer.reasons.get(key, ""),
        query=_single_period(choice),
    )  # fmt: skip


def lifetime_tile(worth: LifetimeFigures, choice: PeriodBar, spark: list[float | None], style: NumberStyle) -> Tile:
    """Portfolio value with its interval; where no cost is known, expected revenue under its own name."""
    query = {"currency": choice.currency} if choice.currency else {}

    def figure(key: str, label: str) -> Figure:
        return Figure(
            key, label, getattr(worth, key), Kind.MONEY, currency=worth.currency,
            reason=worth.reasons.get(key, ""), query=query,
        )  # fmt: skip

    value = figure("clv", _("Customer lifetime value"))
    expected = figure("expected_revenue", _("Expected revenue"))
    horizon = _("next %(months)s months") % {"months": worth.horizon_months}
    first, second = (value, expected) if value.value is not None or expected.value is None else (expected, value)
    sure = lifetime_words.between(worth, first.metric, style)
    return Tile(first, (second,), spark, _("revenue of 12 months, month by month"), note=horizon, between=sure)


def grade_rows(accounts: AccountQuerySet) -> list[GradeRow]:
    """Accounts and revenue of 12 months per grade, best grade first."""
    counted = of_the_night("grades", accounts, lambda: grade_totals(accounts))
    totals = sorted(counted, key=lambda total: -GRADE_RANK[total.grade])
    most = max(total.accounts for total in totals)
    largest = max(total.revenue or Decimal(0) for total in totals)
    return [
        GradeRow(
            total.grade,
            total.accounts,
            total.revenue,
            Share.of(total.accounts, most),
            Share.of(total.revenue or Decimal(0), largest),
        )
        for total in totals
    ]


def movers(accounts: AccountQuerySet, period: Period) -> dict[str, list[Mover]]:
    """Grade changes that fell into the period, the larger customers first: {"up": […], "down": […]}."""
    chosen = of_the_night("movers", accounts, lambda: _mover_ids(accounts, period), about=period)
    found: dict[str, list[Mover]] = {"up": [], "down": []}
    for change in _changes(accounts, period).filter(pk__in=chosen).select_related("account__figures"):
        figures = getattr(change.account, "figures", None)
        mover = Mover(
            change.account_id, change.account.name, change.before, change.grade,
            figures.ttm_revenue if figures else None, figures.currency if figures else "",
        )  # fmt: skip
        found["up" if mover.is_up else "down"].append(mover)
    return found


def _mover_ids(accounts: AccountQuerySet, period: Period) -> list[int]:
    """The grade periods of the SHOWN_MOVERS largest customers in either direction."""
    shown: dict[bool, list[int]] = {True: [], False: []}
    for pk, before, now in _changes(accounts, period).values_list("pk", "before", "grade").iterator():
        side = shown[GRADE_RANK[now] > GRADE_RANK[before]]
        if len(side) < SHOWN_MOVERS:
            side.append(pk)
        elif all(len(ids) == SHOWN_MOVERS for ids in shown.values()):
            break
    return [*shown[True], *shown[False]]


def _changes(accounts: AccountQuerySet, period: Period) -> QuerySet[GradePeriod]:
    """Grades that began in the period, still hold and followed another one, each with it as ``before``."""
    before = GradePeriod.objects.filter(account=OuterRef("account"), valid_to=OuterRef("valid_from")).values("grade")[
        :1
    ]
    return (
        GradePeriod.objects.filter(
            account__in=accounts, valid_from__gte=period.start, valid_from__lt=period.end, valid_to__isnull=True
        )
        .annotate(before=Subquery(before))
        .filter(before__isnull=False)
        .exclude(Q(grade=Grade.NOT_GRADED) | Q(before=Grade.NOT_GRADED) | Q(before=F("grade")))
        .order_by(F("account__figures__ttm_revenue").desc(nulls_last=True), "pk")
    )


def _single_period(choice: PeriodBar) -> dict[str, str]:
    query = {key: value for key, value in choice.query.items() if key in {"level", "currency"}}
    return query | {"period": choice.query["comparison"]}
