"""Promised and delivered for the portfolio: who gets what was promised, who does not, and what it takes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.enums import Grade
from accounts.querysets import AccountQuerySet
from crm.lib.periods import ttm
from crm.web import formats
from crm.web.charts import Chart, Series, bars
from crm.web.drawing import Share
from crm.web.htmx import page_or_fragment, signed_in
from crm.web.scope import accounts_in_scope, number_style
from crm.web.standing import as_of_of
from plans import selectors_portfolio as portfolio_of
from plans.enums import PROMISED_GRADES, PromiseType
from plans.models import AccountPlan, PromiseResult
from plans.selectors import policy_on
from plans.selectors_portfolio import GradeSum, Resources
from plans.wording import delivered_text, missing_text, promise_text

A_PAGE = 20
UNDER, OVER, BROKEN = "under", "over", "broken"
SIDES = (
    (BROKEN, gettext_lazy("Broken promises")),
    (UNDER, gettext_lazy("Under-served")),
    (OVER, gettext_lazy("Over-served")),
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What the address asks for; what cannot be read counts as not asked."""

    grade: str
    owner: str
    type: str
    side: str

    @classmethod
    def of(cls, request: HttpRequest) -> Filters:
        asked = request.GET
        owner = asked.get("owner", "")
        sides = [key for key, _label in SIDES]
        return cls(
            grade=asked.get("grade", "") if asked.get("grade") in PROMISED_GRADES else "",
            owner=owner if owner.isascii() and owner.isdigit() and len(owner) < 19 else "",
            type=asked.get("type", "") if asked.get("type") in PromiseType.values else "",
            side=asked.get("list", "") if asked.get("list") in sides else BROKEN,
        )

    def within(self, accounts: AccountQuerySet) -> AccountQuerySet:
        found = accounts.filter(compliance__grade=self.grade) if self.grade else accounts
        return found.filter(owner=int(self.owner)) if self.owner else found


@dataclass(frozen=True, slots=True)
class BrokenRow:
    """One broken promise in words."""

    result: PromiseResult
    promised: str
    delivered: str
    missing: str


@signed_in
@require_GET
def portfolio(request: HttpRequest) -> HttpResponse:
    """Headline by grade, three lists, and resources against revenue; the lists and the head follow the filters."""
    filters, everyone = Filters.of(request), accounts_in_scope(request)
    accounts = filters.within(everyone)
    sums = portfolio_of.grade_sums(accounts)
    context: dict[str, Any] = {
        "tab": "portfolio",
        "measured": portfolio_of.latest(),
        "filters": filters,
        "sides": SIDES,
        "sums": sums,
        "overall": portfolio_of.overall(sums),
        "broken": sum(one.broken for one in sums),
        "under": sum(one.under for one in sums),
        "over": sum(one.over for one in sums),
        "violations": sum(one.violations for one in sums),
        "chart": compliance_chart(sums),
        "grades": [(grade, Grade(grade).label) for grade in PROMISED_GRADES],
        "types": [(one.value, one.label) for one in PromiseType if one != PromiseType.DISCOUNT],
        "owners": portfolio_of.owners_of(everyone),
        "page": _page(request, filters, accounts),
        **_resources(request, accounts),
    }
    return page_or_fragment(request, "plans/portfolio.html", "plans/_portfolio.html", context)


@dataclass(frozen=True, slots=True)
class RankedRow:
    """One plan on the ranked list: how much of the planned hours is spent, and what its grade is for."""

    plan: AccountPlan
    hours: float
    share: Share
    purpose: str


@signed_in
@require_GET
def ranking(request: HttpRequest) -> HttpResponse:
    """Every account with a plan by its rank: goal, strategy, hours planned and spent, and how far the steps are."""
    filters, everyone, today = Filters.of(request), accounts_in_scope(request), timezone.localdate()
    accounts = everyone.filter(owner=int(filters.owner)) if filters.owner else everyone
    accounts = accounts.filter(grade=filters.grade) if filters.grade else accounts
    page = Paginator(portfolio_of.ranked_plans(accounts, on=today), A_PAGE).get_page(request.GET.get("page"))
    version = policy_on(today)
    purposes = {one.grade: one.purpose for one in version.strategies.all()} if version else {}
    page.object_list = [_ranked(plan, purposes) for plan in page.object_list]
    context = {
        "tab": "ranking",
        "filters": filters,
        "page": page,
        "grades": [(grade, Grade(grade).label) for grade in PROMISED_GRADES],
        "owners": portfolio_of.owners_of(everyone),
    }
    return render(request, "plans/ranking.html", context)


def _ranked(plan: AccountPlan, purposes: dict[str, str]) -> RankedRow:
    hours = (plan.minutes or 0) / portfolio_of.MINUTES_AN_HOUR  # type: ignore[attr-defined]
    share = Share(min(100.0, 100 * hours / float(plan.planned_hours)) if plan.planned_hours else 0.0)
    return RankedRow(plan, hours, share, purposes.get(plan.account.grade, ""))


def _page(request: HttpRequest, filters: Filters, accounts: AccountQuerySet) -> Any:
    rows: Any
    if filters.side == UNDER:
        rows = portfolio_of.under_served(accounts)
    elif filters.side == OVER:
        rows = portfolio_of.over_served(accounts)
    else:
        rows = portfolio_of.broken_promises(accounts, type_=filters.type)
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    if filters.side == BROKEN:
        page.object_list = [_broken(one) for one in page.object_list]
    return page


def _broken(result: PromiseResult) -> BrokenRow:
    kind = result.promise.kind
    return BrokenRow(
        result,
        promise_text(result.promise),
        delivered_text(kind, promised=result.promised, delivered=result.delivered),
        missing_text(kind, missing=result.missing),
    )


def compliance_chart(sums: list[GradeSum]) -> Chart:
    """Share of what is due that was kept, a bar a grade."""
    known = [one for one in sums if one.compliance is not None]
    labels = [str(Grade(one.grade).label) for one in known]
    shares = [formats.percent(one.compliance or 0) for one in known]
    heads = (
        *(_("Grade"), _("Promises kept"), _("Accounts"), _("Measured"), _("Broken")),
        *(_("Under-served"), _("Over-served")),
    )
    return Chart(
        key="compliance-chart",
        title=_("Promises kept by grade"),
        summary=", ".join(f"{label} {share}" for label, share in zip(labels, shares, strict=True)),
        option=_compliance_bars(labels, known),
        columns=heads,
        rows=[_compliance_row(one) for one in sums],
        size="sm",
        is_empty=not known,
        empty_title=_("Nothing is due yet"),
        empty_text=_("Promises become due with the days that pass since the grade and the policy began."),
    )


def _compliance_bars(labels: list[str], known: list[GradeSum]) -> dict[str, Any]:
    """Bars in the hues of their grades, each with its share beside it."""
    values = [
        {"value": one.compliance, "itemStyle": {"color": f"token:--grade-{one.grade}-solid", "borderRadius": 2}}
        for one in known
    ]
    beside = {"label": {"show": True, "position": "right", "facetFormat": "percent"}}
    option = bars(labels, [Series(_("Promises kept"), values, extra=beside)], reads="percent", horizontal=True)
    option["xAxis"] |= {"min": 0, "max": 1, "interval": 0.25}
    return option


def _compliance_row(one: GradeSum) -> tuple[Any, ...]:
    share = "–" if one.compliance is None else formats.percent(one.compliance)
    counts = (one.accounts, one.measured, one.broken, one.under, one.over)
    return (Grade(one.grade).label, share, *map(formats.number, counts))


def _resources(request: HttpRequest, accounts: AccountQuerySet) -> dict[str, Any]:
    window = ttm(as_of_of(request))
    found = [one for one in portfolio_of.resources(accounts, window=window) if one.accounts]
    currency = portfolio_of.money_currency(accounts)
    return {
        "resources": found,
        "resource_window": window,
        "currency": currency,
        "resource_chart": resource_chart(found),
        "resource_sentence": resource_sentence(found),
        "style": number_style(request),
    }


def shares_of(found: list[Resources]) -> list[tuple[Resources, float | None, float | None, float | None]]:
    """Each grade's share of the hours, the revenue and the gross profit; None where a total is not above 0."""

    def share(part: Decimal | float | None, total: float) -> float | None:
        return float(part) / total if part is not None and total > 0 else None

    hours = sum(one.hours for one in found)
    revenue = float(sum((one.revenue or Decimal(0)) for one in found))
    profit = float(sum((one.gross_profit or Decimal(0)) for one in found))
    return [
        (one, share(one.hours, hours), share(one.revenue, revenue), share(one.gross_profit, profit)) for one in found
    ]


def resource_sentence(found: list[Resources]) -> str:
    """The answer in one sentence: where effort and revenue part most."""
    known = [
        (one, hours, money) for one, hours, money, _p in shares_of(found) if hours is not None and money is not None
    ]
    if not known:
        return ""
    one, hours, money = max(known, key=lambda item: abs(item[1] - item[2]))
    words = {"grade": Grade(one.grade).label, "hours": formats.percent(hours, decimals=0),
             "revenue": formats.percent(money, decimals=0)}  # fmt: skip
    return (
        _("%(grade)s takes %(hours)s of the hours and gives %(revenue)s of the revenue: here they part most.") % words
    )


def resource_chart(found: list[Resources]) -> Chart:
    shares = shares_of(found)
    labels = [str(Grade(one.grade).label) for one in found]
    names = (_("Share of hours"), _("Share of revenue"), _("Share of gross profit"))
    colours = ("--series-1", "--series-2", "--series-3")
    columns = list(zip(*[row[1:] for row in shares], strict=True)) if shares else [(), (), ()]
    series = [Series(name, list(values), colour) for name, values, colour in zip(names, columns, colours, strict=True)]
    option = bars(labels, series, reads="percent")
    option["legend"] = {"show": True, "top": 0, "textStyle": {"color": "token:--chart-text"}}
    option["grid"] = {"top": 40}

    def text(value: float | None) -> str:
        return "–" if value is None else formats.percent(value)

    rows = [(Grade(one.grade).label, *map(text, values)) for one, *values in shares]
    return Chart(
        key="resource-chart",
        title=_("Resources against revenue by grade"),
        summary=resource_sentence(found),
        option=option,
        columns=(_("Grade"), *names),
        rows=rows,
        is_empty=not any(one.hours for one in found),
        empty_title=_("No hours are noted yet"),
        empty_text=_(
            "Note the minutes of visits and calls, or record efforts with hours; then they stand here against revenue."
        ),
    )
