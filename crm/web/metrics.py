"""Metrics: questions in words on the left, the answer on the right; everything that was chosen is in the address."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from accounts.enums import CreditNotes
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.exceptions import CrmError
from crm.models import SavedView, ViewPage
from crm.reported import PAGE_QUESTIONS
from crm.web import formats
from crm.web.accounts import options_of
from crm.web.basis import basis_of, basis_words, credit_note_facts, credit_note_words
from crm.web.cohorts_form import STABLE_PROFITABLE
from crm.web.export import FORMS, table_file
from crm.web.filters import FILTERS, AccountFilter
from crm.web.filters import Asked as FilterAsked
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.levels import level_words
from crm.web.metric_asked import Asked, Sheet, Shown
from crm.web.metric_form import ChoicesForm
from crm.web.metric_questions import QUESTIONS, Question
from crm.web.period_choices import presets
from crm.web.scope import accounts_in_scope, number_style
from metrics.periods import restated_pair
from metrics.selectors import (
    bases_in_view,
    currencies_in_view,
    default_as_of,
    has_linked_credit_notes,
    last_booked_on,
)
from metrics.services.base import Passport
from metrics.services.credit_notes import unmatched_credit_notes

FIRST = "growth"
OFFERED_FILTERS = (
    *("grade", "owner", "segment", "industry", "region", "size", "need", "potential", "channel", "dealer", "group"),
)
LEDGER_FIELDS = ("level", "currency", "basis", "credit_notes")  # of the form: kept where only the periods change
READY_VIEWS = (  # (words, question, what else it asks), for everybody
    (gettext_lazy("Stable and profitable"), "segments", {"kind": STABLE_PROFITABLE}),
)
UNPROCESSABLE = 422
NAME_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Chip:
    """One active filter and the address without it."""

    label: Any
    value: Any
    without: str


class Screen:
    """One question as an address asks it."""

    def __init__(self, request: HttpRequest, key: str) -> None:
        if key not in QUESTIONS:
            raise Http404
        self.request, self.question = request, QUESTIONS[key]
        self.as_of = default_as_of()
        self.filter = AccountFilter(request.GET, FilterAsked(user_of(request), self.as_of))
        self.account = _account(request)
        self.accounts = self._accounts()
        self.basis = basis_of(request.GET)
        self.currencies = sorted({*currencies_in_view(self.accounts, basis=self.basis), settings.BASE_CURRENCY})
        self.form = self.asked_form()

    def asked_form(self, **more: str) -> ChoicesForm:
        """The form as the address fills it; ``more`` stands where the address says nothing."""
        defaults = self.question.defaults(self.request.GET, self.as_of) | more
        return self.question.form(
            self.request.GET,
            currencies=self.currencies,
            defaults=defaults,
            bases=bases_in_view(self.accounts),
            has_linked_credits=has_linked_credit_notes(self.accounts, basis=self.basis),
        )

    def _accounts(self) -> AccountQuerySet:
        found = self.filter.apply(accounts_in_scope(self.request))
        return found.filter(pk=self.account.pk) if self.account else found

    @property
    def filters(self) -> dict[str, list[str]]:
        """The account filters as parameters."""
        found = {key: list(values) for key, values in self.filter.values.items()}
        return found | ({"account": [str(self.account.pk)]} if self.account else {})

    @property
    def query(self) -> str:
        """Everything that was chosen, filters included, in one order."""
        return urlencode({**self.form.query(), **self.filters}, doseq=True)

    def chips(self) -> list[Chip]:
        chips = [
            Chip(chip.label, chip.value, self._without(key, value))
            for chip, (key, value) in zip(
                self.filter.chips(),
                [(key, value) for key, values in self.filter.values.items() for value in values],
                strict=True,
            )
        ]
        if self.account:
            chips.append(Chip(_("Account"), self.account.name, self._without("account", str(self.account.pk))))
        return chips

    def _without(self, key: str, value: str) -> str:
        params = self.request.GET.copy()
        params.pop("page", None)
        params.setlist(key, [one for one in params.getlist(key) if one != value])
        return params.urlencode()

    def shown(self) -> Shown:
        """Raises CrmError for choices that no answer exists for."""
        return self.question.answer(self.asked())

    def asked(self) -> Asked:
        links = {**self.form.query(), **self.filters}
        return Asked(self.accounts, self.form, self.request.GET, links, number_style(self.request), self.as_of)


def _account(request: HttpRequest) -> Account | None:
    """The one account the address asks for; one that the reader may not see is not there."""
    asked = request.GET.get("account", "")
    if not asked:
        return None
    is_id = asked.isascii() and asked.isdecimal() and len(asked) < 19
    return get_object_or_404(Account.objects.visible_to(request.user), pk=int(asked) if is_id else 0)


@signed_in
@require_GET
def question(request: HttpRequest, key: str = FIRST) -> HttpResponse:
    screen = Screen(request, key)
    context = frame_context(screen)
    status = 200
    if screen.question.needs_ledger and last_booked_on() is None:
        context["is_empty"] = True
    elif not screen.form.is_valid():
        status = UNPROCESSABLE
    else:
        try:
            context |= answer_context(screen)
        except CrmError as refused:
            context["refusal"], status = str(refused), refused.status
    return page_or_fragment(request, "metrics/page.html", "metrics/_screen.html", context, status=status)


def frame_context(screen: Screen) -> dict[str, Any]:
    now = screen.form.query()
    carried = urlencode(screen.filters | {name: now[name] for name in LEDGER_FIELDS if name in now}, doseq=True)
    offered: list[dict[str, Any]] = []
    if "comparison" in screen.form.fields:
        offered = [
            {"label": one.label, "is_now": one.is_now, "base": one.base, "comparison": one.comparison}
            for one in presets(screen.as_of, base=now.get("base", ""), comparison=now.get("comparison", ""))
        ]
    elif "period" in screen.form.fields:
        offered = [
            {"label": one.label, "is_now": one.comparison == now.get("period"), "period": one.comparison}
            for one in presets(screen.as_of)
        ]
    for one in offered:
        given: dict[str, str] = {name: one[name] for name in ("base", "comparison", "period") if name in one}
        one["query"] = f"{urlencode(given)}&{carried}" if carried else urlencode(given)
    return {
        "screen": screen,
        "question": screen.question,
        "questions": [(one, _carried(screen, one)) for one in QUESTIONS.values()],
        "form": screen.form,
        "presets": offered,
        "chips": screen.chips(),
        "hidden": [(key, value) for key, values in screen.filters.items() for value in values],
        "views": list(
            SavedView.objects.visible_to(user_of(screen.request), page=ViewPage.METRICS).select_related("owner")
        ),
        "ready_views": [
            (words, f"{reverse('metrics:question', args=[key])}?{urlencode({**more, **screen.filters}, doseq=True)}")
            for words, key, more in READY_VIEWS
        ],
        "query": screen.query,
    }


def _carried(screen: Screen, other: Question) -> str:
    """The address of another question with all that means something to it: filters, level, currency, periods."""
    now = screen.form.query()
    fields = set(other.form.base_fields) - other.form.left_out
    kept = {name: now[name] for name in now if name in fields}
    if screen.form.takes_days and not other.form.takes_days:
        kept = {name: value for name, value in kept.items() if name not in ("base", "comparison")}  # a day is no period
    if "period" in fields and "comparison" in now and not screen.form.takes_days:
        kept["period"] = now["comparison"]
    elif "comparison" in fields and "period" in now:
        kept["comparison"] = now["period"]
    return urlencode({**kept, **screen.filters}, doseq=True)


def answer_context(screen: Screen) -> dict[str, Any]:
    shown = screen.shown()
    passport = shown.passport
    return {
        "shown": shown,
        "passport": passport,
        "basis": basis_words(passport.basis),
        "credit_notes": credit_note_words(passport.credit_notes),
        "level": level_words(passport),
        "lines": [(key, label, _with(screen, line=key)) for key, label in shown.lines],
        "all_lines": _with(screen, line=""),
        "can_keep": screen.question.key in PAGE_QUESTIONS,
        "restated_query": _restated(screen, passport),
        "unmatched": _unmatched(screen, passport),
    }


def _unmatched(screen: Screen, passport: Passport) -> int:
    """How many credit notes of the periods stay in their own, where the answer moves those it can."""
    if passport.credit_notes != CreditNotes.RESTATED:
        return 0
    periods = (passport.base, passport.comparison)
    return unmatched_credit_notes(screen.accounts, basis=passport.basis, periods=periods).count()


def _restated(screen: Screen, passport: Passport) -> str:
    """The address with the year of 53 weeks without its first one; empty where there is none to restate."""
    pair = restated_pair(passport.base, passport.comparison) if "comparison" in screen.form.fields else None
    return _with(screen, base=pair[0], comparison=pair[1]) if pair else ""


def _with(screen: Screen, **changes: str) -> str:
    params = screen.request.GET.copy()
    params.pop("page", None)
    params.pop("sort", None)
    for key, value in changes.items():
        params[key] = value
        if not value:
            del params[key]
    return params.urlencode()


@signed_in
@require_GET
def filters(request: HttpRequest, key: str) -> HttpResponse:
    """The account filters as a form of their own; fills the menu when it opens, or stands as a page."""
    screen = Screen(request, key)
    values = screen.filter.values
    offered = [
        {
            "key": name,
            "label": FILTERS[name].label,
            "is_multiple": FILTERS[name].is_multiple and name == "grade",
            "options": [(str(value), label, str(value) in values.get(name, ())) for value, label in options_of(request, name)],
        }
        for name in OFFERED_FILTERS
    ]  # fmt: skip
    kept = [(name, value) for name, value in screen.form.query().items()]
    kept += [
        (name, value) for name, chosen in screen.filters.items() if name not in OFFERED_FILTERS for value in chosen
    ]
    context = {"question": screen.question, "filters": [one for one in offered if one["options"]], "kept": kept}
    return page_or_fragment(request, "metrics/filters.html", "metrics/_filters.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, key: str, form: str) -> HttpResponseBase:
    """The accounts behind the answer, all pages in the order shown, or the points of a series; with the passport."""
    if form not in FORMS:
        raise Http404
    screen = Screen(request, key)
    if not screen.form.is_valid():
        return HttpResponseRedirect(f"{reverse('metrics:question', args=[key])}?{request.GET.urlencode()}")
    shown = screen.shown()
    passport = shown.passport
    name = f"{key}-{passport.as_of:%Y-%m-%d}"
    about = _about(screen, shown)
    if request.GET.get("sheet"):
        sheet = _sheet(shown, request.GET["sheet"])
        return table_file(form, f"{sheet.key}-{name}", sheet.headings, sheet.rows(), about=about)
    if shown.table is None:
        headings = [_("Period"), screen.question.words, _("A year before"), _("Change")]
        return table_file(form, name, headings, shown.points, about=about)
    columns = [column.label for column in shown.table.columns]
    headings = [_("Code"), _("Account"), *columns, _("Currency"), _("Revenue basis"), _("As of")]
    tail = [shown.currency, basis_words(passport.basis), passport.as_of]
    return table_file(form, name, headings, ([*row, *tail] for row in shown.table.export_rows()), about=about)


def _sheet(shown: Shown, key: str) -> Sheet:
    """Raises Http404 for a table that the answer does not have."""
    found = next((sheet for sheet in shown.sheets if sheet.key == key), None)
    if found is None:
        raise Http404
    return found


def _about(screen: Screen, shown: Shown) -> list[tuple[Any, Any]]:
    passport = shown.passport
    periods = [(_("Base"), passport.base), (_("Comparison"), passport.comparison)]
    return [
        (_("Question"), screen.question.words),
        *((label, formats.period(one.start, one.last_day)) for label, one in periods if one is not None),
        (_("Currency"), shown.currency),
        (_("Revenue basis"), basis_words(passport.basis)),
        *credit_note_facts(passport.credit_notes),
        (_("Counted in"), level_words(passport)),
        (_("Filter"), "; ".join(f"{chip.label}: {chip.value}" for chip in screen.chips()) or _("none")),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(screen.request).display_name}),
        (_("Data until"), formats.day(passport.as_of)),
        (_("Version"), f"{passport.metric} v{passport.version}"),
    ]


@signed_in
@require_POST
def save_view(request: HttpRequest) -> HttpResponse:
    """Keep an address under a name; the same name again replaces one's own view."""
    key = request.POST.get("question", "")
    if key not in QUESTIONS:
        raise Http404
    name = request.POST.get("name", "").replace("\x00", "").strip()[:NAME_LENGTH]
    query = QueryDict(request.POST.get("query", "")).urlencode()
    address = f"{reverse('metrics:question', args=[key])}?{query}"
    if not name:
        messages.error(request, _("Give the view a name."))
        return HttpResponseRedirect(address)
    SavedView.objects.update_or_create(
        owner=user_of(request),
        page=ViewPage.METRICS,
        name=name,
        defaults={"query": query, "columns": [key], "is_shared": "is_shared" in request.POST},
    )
    messages.success(request, _("The view “%(name)s” is kept.") % {"name": name})
    return HttpResponseRedirect(address)


@signed_in
@require_GET
def open_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead to what a saved view asks for."""
    view = get_object_or_404(SavedView.objects.visible_to(user_of(request), page=ViewPage.METRICS), pk=pk)
    key = view.columns[0] if view.columns and view.columns[0] in QUESTIONS else FIRST
    return HttpResponseRedirect(f"{reverse('metrics:question', args=[key])}?{view.query}")


@signed_in
@require_POST
def delete_view(request: HttpRequest, pk: int) -> HttpResponse:
    """Only its owner removes a view; somebody else's is not there."""
    view = get_object_or_404(SavedView, pk=pk, owner=request.user, page=ViewPage.METRICS)
    view.delete()
    messages.success(request, _("The view “%(name)s” is gone.") % {"name": view.name})
    return HttpResponseRedirect(reverse("metrics:first"))
