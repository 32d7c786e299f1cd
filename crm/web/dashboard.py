"""The portfolio on one page: growth, retention, lifetime value, the bridge, the grades, and who needs somebody."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from accounts.enums import GRADE_RANK, Grade
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period, add_months, last_complete_month
from crm.web.attention import needing_attention
from crm.web.dashboard_charts import bridge_chart, concentration_chart, trend_chart
from crm.web.drawing import Share
from crm.web.figure import Figure, Kind
from crm.web.htmx import page_or_fragment, signed_in
from crm.web.period_bar import PeriodBar
from crm.web.scope import accounts_in_scope, number_style
from crm.web.standing import as_of_of
from metrics.selectors import last_booked_on
from metrics.services.concentration import concentration
from metrics.services.lifetime import lifetime
from metrics.services.portfolio import TwoPeriods, two_periods
from metrics.services.trend import Trend, trends
from tiering.models import GradePeriod
from tiering.selectors import grade_totals

SPARK_MONTHS = 24
SHOWN_MOVERS = 5


@dataclass(frozen=True, slots=True)
class Tile:
    """One of the four figures on top, with its second reading and a line of the last 24 months."""

    figure: Figure
    seconds: tuple[Figure, ...]
    spark: list[float | None]
    spark_label: str
    note: str = ""

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
    found = two_periods(
        accounts,
        base=choice.base,
        comparison=choice.comparison,
        level=choice.level,
        currency=choice.currency,
        as_of=as_of,
    )
    last = last_complete_month(as_of)
    series = trends(
        accounts,
        metrics=["growth_rate", "net_revenue_retention", "logo_retention", "ttm_revenue", "revenue"],
        first=add_months(last, 1 - SPARK_MONTHS),
        last=last,
        level=choice.level,
        currency=choice.currency,
        as_of=as_of,
    )
    concentrated = concentration(
        accounts, period=choice.comparison, level=choice.level, currency=choice.currency, as_of=as_of
    )
    context = {
        "choice": choice,
        "currencies": choice.currencies(accounts),
        "passport": found.growth().passport,
        "currency": found.scope.currency,
        "tiles": tiles(accounts, found, series, choice),
        "bridge": bridge_chart(found.bridge(), choice, style),
        "grades": grade_rows(accounts),
        "attention": needing_attention(accounts),
        "movers": movers(accounts, choice.comparison),
        "concentration": concentration_chart(concentrated),
        "top_10": Figure(
            "top_10_share", _("Share of the 10 largest"), concentrated.top_10_share, Kind.PERCENT,
            reason=concentrated.reasons.get("top_10_share", ""), query=_single_period(choice),
        ),
        "trend": trend_chart(series["revenue"], style),
    }  # fmt: skip
    return page_or_fragment(request, "dashboard/page.html", "dashboard/_body.html", context)


def tiles(accounts: AccountQuerySet, found: TwoPeriods, series: dict[str, Trend], choice: PeriodBar) -> list[Tile]:
    growth, kept, query = found.growth(), found.retention(), choice.query
    spark_words = _("each month, over the 12 months before it")

    def figure(key: str, label: str, answer: Any, kind: Kind) -> Figure:
        return Figure(key, label, getattr(answer, key), kind, reason=answer.reasons.get(key, ""), query=query)

    def line(key: str) -> list[float | None]:
        return [None if point.value is None else float(point.value) for point in series[key].points]

    lapsed = None
    if kept.cohort_accounts is not None and kept.retained_accounts is not None:
        lapsed = kept.cohort_accounts - kept.retained_accounts
    return [
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
        lifetime_tile(accounts, choice, line("ttm_revenue")),
    ]


def lifetime_tile(accounts: AccountQuerySet, choice: PeriodBar, spark: list[float | None]) -> Tile:
    """Portfolio value; where no cost is known, expected revenue under its own name."""
    worth = lifetime(accounts, currency=choice.currency, as_of=choice.as_of)
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
    return Tile(first, (second,), spark, _("revenue of 12 months, month by month"), note=horizon)


def grade_rows(accounts: AccountQuerySet) -> list[GradeRow]:
    """Accounts and revenue of 12 months per grade, best grade first. Two queries."""
    totals = sorted(grade_totals(accounts), key=lambda total: -GRADE_RANK[total.grade])
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
    """Grade changes that fell into the period, the larger customers first: {"up": […], "down": […]}. One query."""
    before = GradePeriod.objects.filter(account=OuterRef("account"), valid_to=OuterRef("valid_from")).values("grade")[
        :1
    ]
    changes = (
        GradePeriod.objects.filter(
            account__in=accounts, valid_from__gte=period.start, valid_from__lt=period.end, valid_to__isnull=True
        )
        .annotate(before=Subquery(before))
        .filter(before__isnull=False)
        .exclude(grade=Grade.NOT_GRADED)
        .select_related("account__figures")
        .order_by("-account__figures__ttm_revenue", "pk")
    )
    found: dict[str, list[Mover]] = {"up": [], "down": []}
    for change in changes[:200]:
        if change.before in (Grade.NOT_GRADED, change.grade):
            continue
        figures = getattr(change.account, "figures", None)
        mover = Mover(
            change.account_id, change.account.name, change.before, change.grade,
            figures.ttm_revenue if figures else None, figures.currency if figures else "",
        )  # fmt: skip
        side = found["up" if mover.is_up else "down"]
        if len(side) < SHOWN_MOVERS:
            side.append(mover)
    return found


def _single_period(choice: PeriodBar) -> dict[str, str]:
    query = {key: value for key, value in choice.query.items() if key in {"level", "currency"}}
    return query | {"period": choice.query["comparison"]}
