"""The credit notes that restated figures leave in their own period, because their original is not known."""

from collections.abc import Iterator
from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from crm.lib.exceptions import PeriodError
from crm.web import formats
from crm.web.basis import basis_of, basis_words
from crm.web.export import FORMS, table_file
from crm.web.figure_answers import filtered_accounts
from crm.web.htmx import signed_in, user_of
from metrics.models import AccountCredit
from metrics.periods import read_period
from metrics.selectors import default_as_of
from metrics.services.credit_notes import unmatched_credit_notes

ROWS_A_PAGE = 50


@signed_in
@require_GET
def unmatched(request: HttpRequest) -> HttpResponse:
    """Those of the accounts and periods the address names, newest first."""
    page = Paginator(_found(request), ROWS_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "rows": [(one, formats.money(one.net, decimals=2)) for one in page],
        "basis": basis_words(basis_of(request.GET)),
    }
    return render(request, "metrics/credit_notes.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same list as a file, all rows."""
    if form not in FORMS:
        raise Http404
    headings = [
        *(_("Code"), _("Account"), _("Date"), _("Credit note"), _("Names the document"), _("Amount")),
        *(_("Currency"), _("Revenue basis")),
    ]
    about = [
        (_("Question"), _("Credit notes without their original")),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(request).display_name}),
        (_("Data until"), formats.day(default_as_of())),
    ]
    return table_file(form, f"credit-notes-{default_as_of():%Y-%m-%d}", headings, _rows(_found(request)), about=about)


def _rows(found: QuerySet[AccountCredit]) -> Iterator[list[Any]]:
    for one in found.iterator(chunk_size=2_000):
        account = one.account
        named = [account.code, account.name, one.day, one.reference, one.credits_reference]
        yield [*named, one.net, one.currency, basis_words(one.basis)]


def _found(request: HttpRequest) -> QuerySet[AccountCredit]:
    """Raises Http404 for a period that cannot be read: nobody types this address."""
    try:
        periods = [read_period(request.GET[name]) for name in ("base", "comparison", "period") if request.GET.get(name)]
    except PeriodError as error:
        raise Http404(str(error)) from error
    return unmatched_credit_notes(filtered_accounts(request), basis=basis_of(request.GET), periods=periods)
