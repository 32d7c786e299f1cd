"""The drawer of a figure: what it is, how it was computed, from which accounts; the same as a page and as a file."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib.exceptions import CrmError
from crm.lib.periods import Period
from crm.web import formats
from crm.web.basis import basis_words, credit_note_facts
from crm.web.export import FORMS, table_file
from crm.web.figure import Kind, format_value
from crm.web.figure_answers import FigureAnswer, answer_for
from crm.web.formats import NumberStyle
from crm.web.htmx import page_or_fragment, signed_in
from crm.web.levels import level_words
from crm.web.scope import number_style
from metrics.reasons import is_about_rates


@signed_in
@require_GET
def figure(request: HttpRequest, metric: str) -> HttpResponse:
    try:
        answer = answer_for(request, metric)
        rows = answer.rows
    except CrmError as error:
        return _refused(request, error)
    style = number_style(request)
    context: dict[str, Any] = {
        "answer": answer,
        "figure": answer.figure,
        "definition": answer.definition,
        "passport": answer.passport,
        "basis": basis_words(answer.passport.basis),
        "credit_notes": credit_note_facts(answer.passport.credit_notes),
        "level": level_words(answer.passport),
        "lacks_rates": is_about_rates(answer.figure.reason),
        "rows": [
            (row, [_cell(row.values.get(name), kind, style) for _label, name, kind in answer.heads]) for row in rows
        ],
        "query": request.GET.urlencode(),
    }
    return page_or_fragment(request, "figures/page.html", "figures/_drawer.html", context)


@signed_in
@require_GET
def figure_export(request: HttpRequest, metric: str, form: str) -> HttpResponseBase:
    """The accounts behind a figure with its passport, as CSV or XLSX."""
    if form not in FORMS:
        raise Http404
    try:
        answer = answer_for(request, metric)
    except CrmError as error:
        return _refused(request, error)
    columns = [label for label, _name, _kind in answer.heads]
    headings = [_("Code"), _("Account"), *columns, _("Currency"), _("Revenue basis"), _("As of")]
    tail = [answer.currency, basis_words(answer.passport.basis), answer.passport.as_of]
    rows = ([*row, *tail] for row in answer.export_rows())
    about = [
        (_("Figure"), f"{answer.definition.label} (v{answer.passport.version})"),
        (_("Value"), answer.figure.text() or f"{_('n/a')}: {answer.figure.reason}"),
        (_("Formula"), answer.definition.formula),
        *((label, formats.period(period.start, period.last_day)) for label, period in _periods(answer)),
        (_("Revenue basis"), basis_words(answer.passport.basis)),
        *credit_note_facts(answer.passport.credit_notes),
        (_("Level"), level_words(answer.passport)),
        (_("As of"), formats.day(answer.passport.as_of)),
    ]
    return table_file(form, f"{metric}-{answer.passport.as_of:%Y-%m-%d}", headings, rows, about=about)


def _refused(request: HttpRequest, error: CrmError) -> HttpResponse:
    words = {"error": str(error)}
    return page_or_fragment(request, "figures/page.html", "figures/_drawer.html", words, status=error.status)


def _periods(answer: FigureAnswer) -> list[tuple[str, Period]]:
    found = [(_("Base"), answer.passport.base), (_("Comparison"), answer.passport.comparison)]
    return [(label, period) for label, period in found if period is not None]


def _cell(value: object, kind: Kind, style: NumberStyle) -> str:
    return "–" if value is None else format_value(value, kind, style)
