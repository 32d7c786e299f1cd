"""Where do we invest? Accounts by attractiveness and by our strength with them, as a chart and as a table."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import numpy as np
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.enums import Grade
from accounts.fields import is_hidden
from accounts.models import Account
from crm.web import formats
from crm.web.charts import Chart, LegendEntry, Option
from crm.web.export import FORMS, table_file
from crm.web.formats import NumberStyle
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.scope import accounts_in_scope, number_style
from tiering.enums import IndicatorCode, Quadrant
from tiering.evaluation import GRADES
from tiering.models import TierRun
from tiering.portfolio import CUT, Points, Portfolio, portfolio, rests_on_margins
from tiering.selectors import latest_run

MOST_DRAWN = 300  # accounts in the chart, largest revenue first
NAMED = 8  # of them with their name beside
ACCOUNTS_A_PAGE = 25
BUBBLE = (7, 34)  # diameters in pixels: of nothing, and of the largest revenue
SYMBOLS: Mapping[str, str] = {
    Grade.DIAMOND: "diamond", Grade.GOLD: "circle", Grade.STRATEGIC: "triangle", Grade.POTENTIAL: "arrow",
    Grade.GENERAL: "emptyCircle", Grade.PROBLEM: "rect", Grade.NOT_GRADED: "pin",
}  # fmt: skip
MEANINGS: Mapping[str, Any] = {
    Quadrant.INVEST: gettext_lazy("Attractive, and we are strong there: the best people, joint plans."),
    Quadrant.SELECTIVE: gettext_lazy("Attractive, and others are stronger: choose a few and win them."),
    Quadrant.MAINTAIN: gettext_lazy("Strong with little ahead: keep the level, without spending more."),
    Quadrant.CASH: gettext_lazy("Little ahead and weak: serve at low cost, or end it."),
}
# Corners of the four fields: left, bottom, right, top, and where their name stands.
FIELDS: Mapping[str, tuple[float, float, float, float, str]] = {
    Quadrant.INVEST: (CUT, CUT, 100, 100, "insideTopRight"),
    Quadrant.SELECTIVE: (0, CUT, CUT, 100, "insideTopLeft"),
    Quadrant.MAINTAIN: (CUT, 0, 100, CUT, "insideBottomRight"),
    Quadrant.CASH: (0, 0, CUT, CUT, "insideBottomLeft"),
}


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """The chart, the four fields with their money, and the accounts of one of them or of all."""
    run = latest_run()
    context: dict[str, Any] = {"run": run, "is_withheld": is_withheld(run)}
    if run is not None and run.model is not None and not context["is_withheld"]:
        found, style = portfolio(accounts_in_scope(request), run=run), number_style(request)
        chosen = _chosen(request)
        points = found.points.of(chosen) if chosen else found.points
        drawn = found.points.where(np.arange(len(found.points)) < MOST_DRAWN)
        page = Paginator(range(len(points)), ACCOUNTS_A_PAGE).get_page(request.GET.get("page"))
        names = _accounts(request, [*drawn.ids.tolist(), *points.ids[page.object_list].tolist()])
        context |= {
            "found": found,
            "chart": _chart(drawn, names, run, style=style),
            "not_drawn": len(found.points) - len(drawn),
            "quadrants": [(one, MEANINGS[one.quadrant], f"?quadrant={one.quadrant}#accounts") for one in found.quadrants],
            "chosen": chosen,
            "chosen_label": Quadrant(chosen).label if chosen else "",
            "page": page,
            "rows": [row for at in page.object_list if (row := _row(points, at, names))],
            "unmeasured": [IndicatorCode(code).label for code in found.unmeasured],
            "sentence": _sentence(found),
            "export_query": urlencode({"quadrant": chosen}) if chosen else "",
        }  # fmt: skip
    return page_or_fragment(request, "tiering/portfolio.html", "tiering/_portfolio.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The accounts of the chart, or of one of its fields."""
    run = latest_run()
    if form not in FORMS or run is None or run.model is None:
        raise Http404
    if is_withheld(run):
        raise PermissionDenied(_("An axis of this model is worked out with costs and margins."))
    chosen = _chosen(request)
    points = portfolio(accounts_in_scope(request), run=run).points
    points = points.of(chosen) if chosen else points
    names = _accounts(request, points.ids.tolist())
    rows = (row for at in range(len(points)) if (row := _row(points, at, names)))
    headings = [
        *(_("Code"), _("Account"), _("Grade"), _("What to do"), _("Attractiveness"), _("Our strength")),
        *(_("Revenue, 12 months"), _("Currency")),
    ]
    lines = (
        [
            *(row["account"].code, row["account"].name, Grade(row["grade"]).label, row["quadrant"].label),
            *(round(row["attractiveness"], 1), round(row["strength"], 1), row["revenue"], run.model.currency),
        ]
        for row in rows
    )
    about = [
        (_("Question"), _("Where do we invest?")),
        (_("Night as of"), formats.day(run.as_of)),
        (_("Scoring model"), str(run.model)),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(request).display_name}),
    ]
    return table_file(form, f"portfolio-{run.as_of}", headings, lines, about=about)


def is_withheld(run: TierRun | None) -> bool:
    """Whether the places of the chart would tell the reader what costs are hidden from them."""
    return is_hidden("margin") and run is not None and run.model is not None and rests_on_margins(run.model)


def _chosen(request: HttpRequest) -> str:
    asked = request.GET.get("quadrant", "")
    return asked if asked in Quadrant.values else ""


def _accounts(request: HttpRequest, ids: list[int]) -> dict[int, Account]:
    """The accounts by key, as far as the reader may see them still."""
    rows = Account.objects.visible_to(request.user).filter(pk__in=set(ids))
    return {row.pk: row for row in rows.only("code", "name", "short_name")}


def _row(points: Points, at: int, names: Mapping[int, Account]) -> dict[str, Any] | None:
    account = names.get(int(points.ids[at]))
    if account is None:
        return None
    revenue = float(points.revenue[at])
    return {
        "account": account,
        "grade": GRADES[points.shown[at]] or Grade.NOT_GRADED,
        "quadrant": list(Quadrant)[points.quadrant[at]],
        "attractiveness": float(points.attractiveness[at]),
        "strength": float(points.strength[at]),
        "revenue": None if np.isnan(revenue) else Decimal(f"{revenue:.4f}"),
    }


def _sentence(found: Portfolio) -> str:
    if not len(found.points):
        return _("No account you see has evidence for both axes.")
    best = found.quadrants[0]
    return _("%(invest)s of %(placed)s accounts are attractive and ours: invest there. %(missing)s more lack evidence.") % {
        "invest": formats.number(best.accounts),
        "placed": formats.number(len(found.points)),
        "missing": formats.number(found.missing),
    }  # fmt: skip


def _chart(drawn: Points, names: Mapping[int, Account], run: TierRun, *, style: NumberStyle) -> Chart:
    """One bubble an account, one shape and hue a grade; the dashed lines cut at 50."""
    rows = [row for at in range(len(drawn)) if (row := _row(drawn, at, names))]
    largest = float(max((row["revenue"] or 0 for row in rows), default=0)) or 1.0
    currency = run.model.currency if run.model else ""
    bubbles: dict[str, list[Option]] = {}
    for place, row in enumerate(rows):
        bubbles.setdefault(row["grade"], []).append(_bubble(row, place, largest, f" {currency}", style=style))
    title = _("Attractiveness of the account against our strength there; the larger the bubble, the more revenue")
    return Chart(
        key="portfolio-chart",
        title=title,
        caption=title,
        summary=_("%(count)s accounts are drawn.") % {"count": formats.number(len(rows))},
        option=_option([_series(grade, bubbles[grade]) for grade in Grade.values if grade in bubbles]),
        columns=(_("Account"), _("Grade"), _("What to do"), _("Attractiveness"), _("Our strength"), _("Revenue")),
        rows=[
            (
                row["account"].name, Grade(row["grade"]).label, row["quadrant"].label,
                formats.number(row["attractiveness"], decimals=1), formats.number(row["strength"], decimals=1),
                _("n/a") if row["revenue"] is None else formats.money(row["revenue"]),
            )
            for row in rows
        ],
        legend=[LegendEntry(Grade(grade).label, f"mark-{grade}") for grade in Grade.values if grade in bubbles],
        size="xl",
        is_empty=not rows,
        empty_title=_("Nothing to draw yet"),
        empty_text=_("An account is drawn once its attractiveness is rated or its growth known, and its wallet or satisfaction is known."),
    )  # fmt: skip


def _bubble(row: Mapping[str, Any], place: int, largest: float, currency: str, *, style: NumberStyle) -> Option:
    account, revenue = row["account"], max(float(row["revenue"] or 0), 0.0)
    small, large = BUBBLE
    money = _("n/a") if row["revenue"] is None else formats.money_short(row["revenue"], style) + currency
    tip = _("attractiveness %(y)s, our strength %(x)s, revenue %(money)s") % {
        "y": formats.number(row["attractiveness"], decimals=1),
        "x": formats.number(row["strength"], decimals=1),
        "money": money,
    }
    return {
        "value": [round(row["strength"], 2), round(row["attractiveness"], 2)],
        "symbolSize": round(small + (large - small) * (revenue / largest) ** 0.5, 1),
        "label_text": (account.short_name or account.name) if place < NAMED else "",
        "tip": f"{account.name}\n{Grade(row['grade']).label} · {row['quadrant'].label}\n{tip}",
        "href": reverse("accounts:detail", args=[account.pk]),
    }


def _series(grade: str, data: list[Option]) -> Option:
    return {
        "type": "scatter",
        "name": str(Grade(grade).label),
        "symbol": SYMBOLS[grade],
        "data": data,
        "itemStyle": {"color": f"token:--grade-{grade}-solid", "opacity": 0.8},
        "label": {"show": True, "position": "right", "facetFormat": "plain", "fontSize": 10},
        "labelLayout": {"hideOverlap": True},
        "emphasis": {"itemStyle": {"borderColor": "token:--text", "borderWidth": 1}},
    }


def _option(series: list[Option]) -> Option:
    quiet: Option = {"silent": True, "symbol": "none", "animation": False}
    fields = [
        [
            {
                "name": str(Quadrant(quadrant).label), "xAxis": left, "yAxis": bottom,
                "label": {"position": place, "color": "token:--chart-text", "fontSize": 11},
            },
            {"xAxis": right, "yAxis": top},
        ]
        for quadrant, (left, bottom, right, top, place) in FIELDS.items()
    ]  # fmt: skip
    frame = {
        "type": "scatter",
        "data": [],
        "silent": True,
        "markLine": {
            **quiet,
            "label": {"show": False},
            "lineStyle": {"color": "token:--line-strong", "type": "dashed"},
            "data": [{"xAxis": CUT}, {"yAxis": CUT}],
        },
        "markArea": {"silent": True, "itemStyle": {"color": "transparent"}, "data": fields},
    }
    axis = {
        "type": "value",
        "min": 0,
        "max": 100,
        "interval": 25,
        "splitLine": {"show": False},
        "nameLocation": "middle",
    }
    return {
        "facet": {"format": "plain"},
        "tooltip": {"trigger": "item", "facetFormat": "item-label"},
        "grid": {"left": 28, "bottom": 24, "top": 8, "right": 12},
        "xAxis": {**axis, "name": _("our strength as the customer sees it"), "nameGap": 24},
        "yAxis": {**axis, "name": _("attractiveness"), "nameGap": 30, "nameRotate": 90},
        "series": [frame, *series],
    }
