"""The page of the retention calculator: one of the questions of the metrics, with sliders and a state that asks."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib.exceptions import CrmError
from crm.web import formats
from crm.web.economics_charts import names
from crm.web.economics_form import EconomicsForm, portfolio_defaults
from crm.web.export import FORMS, table_file
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.levels import level_choices
from crm.web.metric_economics import COSTS, SOURCES, EconomicsShown, economics_answer, portfolio_figures
from crm.web.metrics import UNPROCESSABLE, Screen, answer_context, frame_context
from metrics.formulas.economics import Reading, UpliftKind
from metrics.selectors import last_booked_on
from metrics.services.economics import EconomicsFigures
from metrics.services.economics_portfolio import PortfolioEconomics, Source, portfolio_economics

KEY = "retention-economics"


class EconomicsScreen(Screen):
    """The calculator as an address asks it, filled with what the ledger knows of the accounts in view."""

    form: EconomicsForm

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, KEY)
        self.form.is_valid()
        chosen = self.form.cleaned_data
        self.portfolio = portfolio_economics(
            self.accounts,
            as_of=self.as_of,
            **level_choices(chosen.get("level") or ""),
            **self.form.ledger_choices(),
        )
        self.form = self.asked_form(**portfolio_defaults(self.portfolio))  # type: ignore[assignment]
        self.form.portfolio = self.portfolio

    def shown(self) -> EconomicsShown:
        return economics_answer(self.asked(), self.portfolio)

    def with_(self, **changes: str) -> str:
        """The address with some choices made, or unmade where the change is empty."""
        params = self.request.GET.copy()
        for name, value in changes.items():
            params.pop(name, None)
            if value:
                params[name] = value
        return params.urlencode()


@signed_in
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    screen = EconomicsScreen(request)
    context = frame_context(screen) | _known_context(screen)
    status = 200
    if not screen.form.is_valid():
        status = UNPROCESSABLE
    else:
        try:
            context |= answer_context(screen)
        except CrmError as refused:
            context["refusal"], status = str(refused), refused.status
    shown = context.get("shown")
    context["is_empty"] = last_booked_on() is None and not (shown and not shown.unsaid)
    return page_or_fragment(request, "metrics/economics.html", "metrics/_economics.html", context, status=status)


def _known_context(screen: EconomicsScreen) -> dict[str, Any]:
    """What the ledger knows beside each field it could fill, and the address that takes it."""
    defaults, form = portfolio_defaults(screen.portfolio), screen.form
    figures = portfolio_figures(screen.portfolio, {**form.query(), **screen.filters})
    return {
        "known": {
            name: {
                "figure": figure,
                "is_used": form[name].value() == defaults.get(name),
                "query": screen.with_(**{name: ""}),
                "source": SOURCES[_source_of(name, screen.portfolio)],
                "is_recorded": name in COSTS,
            }
            for name, figure in figures.items()
        },
        "kinds": [
            (label, screen.with_(uplift_kind=str(kind)))
            for kind, label in ((UpliftKind.POINTS, _("In points: 80 becomes 85")), (UpliftKind.RELATIVE, _("Relative: 80 becomes 84")))
        ],
        "style": screen.asked().style,
    }  # fmt: skip


def _source_of(name: str, known: PortfolioEconomics) -> Source:
    if name in COSTS:
        return Source.EFFORTS
    return (name == "margin_per_customer" and known.margin_source) or Source.LEDGER


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The curve of lifts with everything it rests on; without a whole answer back to the page, which says what is missing."""
    if form not in FORMS:
        raise Http404
    screen = EconomicsScreen(request)
    shown = screen.shown() if screen.form.is_valid() else None
    if shown is None or shown.unsaid or shown.answer is None:
        return HttpResponseRedirect(f"{reverse('metrics:question', args=[KEY])}?{request.GET.urlencode()}")
    passport = shown.passport
    about = [
        (_("Question"), screen.question.words),
        *shown.assumptions,
        (_("Claims"), _("articles' claims, source unknown")),
        (_("Currency"), shown.currency),
        (_("Filter"), "; ".join(f"{chip.label}: {chip.value}" for chip in screen.chips()) or _("none")),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(request).display_name}),
        (_("Data until"), formats.day(passport.as_of)),
        (_("Version"), f"{passport.metric} v{passport.version}"),
    ]
    headings = [_("Retention"), _("Retention with the uplift"), *names().values(), _("Article's claim, source unknown")]
    return table_file(form, f"{KEY}-{passport.as_of:%Y-%m-%d}", headings, _rows(shown.answer), about=about)


def _rows(answer: EconomicsFigures) -> Iterator[list[float | None]]:
    """Fractions, one row a retention."""
    for point in answer.curve:
        lifts = [point.lifts[reading] for reading in Reading]
        yield [point.retention, point.raised_retention, *lifts, answer.inputs.claimed_lift]
