"""Reported figures: keep an answer as it is, list what was kept, hold it against the live answer."""

from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import Account
from crm import reported
from crm.lib.exceptions import CrmError
from crm.web import formats
from crm.web.auth import dress
from crm.web.basis import basis_words
from crm.web.export import FORMS, table_file
from crm.web.htmx import signed_in, user_of
from crm.web.metrics import Screen
from crm.web.reported_lines import about, cause_lines, figure_lines, headline, label_of, live_address, period_words
from crm.web.scope import MINE, number_style, scope_of
from metrics.models import ReportedAccount, ReportedFigure
from metrics.models_reported import NOTE_LENGTH, TITLE_LENGTH
from metrics.services.reported import is_as_then, may_withdraw, state_now, withdraw_figure

ROWS_A_PAGE = 25
EXPORTED_AT_ONCE = 2000  # rows read at a time into a file
SORTS = {"name": ("name",), "base": ("base_amount",), "comparison": ("comparison_amount",)}
DEFAULT_SORT = "-comparison"


class WithdrawForm(forms.Form):
    """Why a report is taken back; the words stay with it."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("It stays with the report, for whoever looks at it later."),
        error_messages={"required": gettext_lazy("Say why the report is withdrawn.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


@signed_in
@require_POST
def keep(request: HttpRequest) -> HttpResponse:
    """Keep the answer an address of the metrics page gives now; what cannot be kept leads back there and says why."""
    key = request.POST.get("question", "")
    if key not in reported.PAGE_QUESTIONS:
        raise Http404
    asked = QueryDict(request.POST.get("query", "").replace("\x00", ""))
    address = f"{reverse('metrics:question', args=[key])}?{asked.urlencode()}"
    title, note = (_text(request, name, longest) for name, longest in (("title", TITLE_LENGTH), ("note", NOTE_LENGTH)))
    request.GET = asked  # type: ignore[assignment]  # the question is asked again as its page asked it
    screen = Screen(request, key)
    if not title:
        messages.error(request, _("Give the report a title."))
    elif screen.form.is_valid():
        try:
            figure = _keep(screen, title=title, note=note)
        except CrmError as refused:
            messages.error(request, str(refused))
        else:
            messages.success(request, _("“%(title)s” is kept as reported.") % {"title": title})
            return redirect(figure)
    return HttpResponseRedirect(address)


def _keep(screen: Screen, *, title: str, note: str) -> ReportedFigure:
    cleaned, choices = screen.form.cleaned_data, screen.form.choices()
    mine = {reported.SCOPE: [MINE]} if scope_of(screen.request) == MINE else {}
    return reported.report(
        author=user_of(screen.request),
        question=reported.PAGE_QUESTIONS[screen.question.key],
        base=cleaned["base"],
        comparison=cleaned["comparison"],
        title=title,
        note=note,
        filters=screen.filters | mine,
        as_of=screen.as_of,
        **choices,
    )


def _text(request: HttpRequest, name: str, longest: int) -> str:
    return request.POST.get(name, "").replace("\x00", "").replace("\r\n", "\n").strip()[:longest]


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    shows_withdrawn = request.GET.get("withdrawn") == "1"
    found = reported.visible_figures(user_of(request))
    page = Paginator(found if shows_withdrawn else found.standing(), ROWS_A_PAGE).get_page(request.GET.get("page"))
    state, style = state_now("default"), number_style(request)
    context = {
        "page": page,
        "rows": [(figure, _periods(figure), headline(figure, style), is_as_then(figure, state)) for figure in page],
        "shows_withdrawn": shows_withdrawn,
        "has_any": bool(page.paginator.count) or found.exists(),
    }
    return render(request, "metrics/reported_list.html", context)


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    figure = _figure(request, pk)
    found = reported.live(figure, user_of(request))
    page, sort = _cohort_page(request, figure)
    different = sum(one.is_different for one in found.figures)
    context = {
        "figure": figure,
        "passport": reported.passport(figure),
        "periods": _periods(figure),
        "lines": figure_lines(found.figures),
        "different": different,
        "causes": cause_lines(found.causes),
        "live": found.answer,
        "live_address": live_address(figure),
        "about": about(figure),
        "page": page,
        "rows": _cohort_rows(request, page),
        "heads": _heads(request, sort),
        "may_withdraw": not figure.withdrawn_at and may_withdraw(figure, user_of(request)),
    }
    return render(request, "metrics/reported.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, pk: int, form: str) -> HttpResponseBase:
    """The cohort as it was, every account, the largest comparison first; on a second sheet the figures."""
    if form not in FORMS:
        raise Http404
    figure = _figure(request, pk)
    headings = [
        *(_("Code"), _("Account"), _("Base"), _("Comparison"), _("Change")),
        *(_("Currency"), _("Revenue basis"), _("As of")),
    ]
    facts = [(label, value) for label, value in about(figure)]
    facts += [(label_of(key), "" if text is None else text) for key, text in figure.figures.items()]
    return table_file(form, f"reported-{figure.pk}-{figure.as_of}", headings, _export_rows(figure), about=facts)


def _export_rows(figure: ReportedFigure) -> Iterator[list[Any]]:
    rows = figure.cohort.order_by("-comparison_amount", "account").iterator(chunk_size=EXPORTED_AT_ONCE)
    tail = [figure.currency, basis_words(figure.basis), figure.as_of]
    for row in rows:
        change = row.comparison_amount - row.base_amount
        yield [row.code, row.name, row.base_amount, row.comparison_amount, change, *tail]


@signed_in
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    figure = _figure(request, pk)
    if figure.withdrawn_at or not may_withdraw(figure, user_of(request)):
        raise Http404
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        withdraw_figure(figure, withdrawn_by=user_of(request), reason=form.cleaned_data["reason"])
        messages.success(request, _("“%(title)s” is withdrawn; it stays at its address.") % {"title": figure.title})
        return redirect("metrics:reported_list")
    status = 422 if form.is_bound else 200
    return render(request, "metrics/reported_withdraw.html", {"figure": figure, "form": form}, status=status)


def _periods(figure: ReportedFigure) -> str:
    words = {"comparison": period_words(figure.comparison), "base": period_words(figure.base)}
    return _("%(comparison)s on %(base)s") % words


def _figure(request: HttpRequest, pk: int) -> ReportedFigure:
    """A report the reader may see; another is not there."""
    return get_object_or_404(reported.visible_figures(user_of(request)), pk=pk)


def _cohort_page(request: HttpRequest, figure: ReportedFigure) -> tuple[Page, str]:
    asked = request.GET.get("sort", DEFAULT_SORT)
    sort = asked if asked.removeprefix("-") in SORTS else DEFAULT_SORT
    sign = "-" if sort.startswith("-") else ""
    rows = figure.cohort.order_by(*(f"{sign}{column}" for column in SORTS[sort.removeprefix("-")]), "account_id")
    return Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page")), sort


def _cohort_rows(request: HttpRequest, page: Page) -> list[dict[str, Any]]:
    """The page's accounts, each a link where the reader sees it today; one query for that, one for the groups."""
    rows = list(page.object_list)
    ids = [row.account_id for row in rows]
    linked = set(Account.objects.visible_to(request.user).filter(pk__in=ids).values_list("pk", flat=True))
    tops = ReportedAccount.objects.filter(
        figure__in={row.figure_id for row in rows}, account__in={row.root_id for row in rows} - set(ids)
    )
    names = {row.account_id: row.name for row in (*rows, *tops)}
    return [
        {
            "row": row,
            "is_linked": row.account_id in linked,
            "group": names.get(row.root_id, "") if row.root_id != row.account_id else "",
            "base": formats.money(row.base_amount, decimals=2),
            "comparison": formats.money(row.comparison_amount, decimals=2),
            "change": formats.money(row.comparison_amount - row.base_amount, decimals=2),
        }
        for row in rows
    ]


def _heads(request: HttpRequest, sort: str) -> list[dict[str, Any]]:
    labels = {"name": _("Account"), "base": _("Base"), "comparison": _("Comparison")}
    now, is_down = sort.removeprefix("-"), sort.startswith("-")
    return [
        {
            "label": label,
            "is_number": key != "name",
            "sort": key if (now == key and is_down) or (now != key and key == "name") else f"-{key}",
            "sorted": ("descending" if is_down else "ascending") if now == key else "",
        }
        for key, label in labels.items()
    ]
