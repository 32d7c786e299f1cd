"""Exchange rates: which ones the records in view wait for, and a file of them in three steps: upload, check, post."""

from io import BytesIO
from typing import IO, Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.imports.rates import RatesResult, import_rates
from accounts.imports.reasons import reason_label
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall
from crm.web import formats
from crm.web.basis import basis_words
from crm.web.drafts import Draft
from crm.web.export import FORMS, table_file
from crm.web.htmx import signed_in, user_of
from crm.web.import_forms import UploadForm
from crm.web.rights import may_import_rates, require_import_rates
from crm.web.scope import accounts_in_scope
from metrics.selectors import default_as_of
from metrics.services.missing_rates import WaitingRecords, missing_rates

DRAFT = Draft("rates_file", "rates/drafts")
LIMIT = 20 * 1024**2
UNPROCESSABLE = 422


class RatesForm(UploadForm):
    """The file of rates."""

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LIMIT:
            raise forms.ValidationError(_("The file is larger than 20 MB. Split it, or import it by command."))
        return file


class PostForm(forms.Form):
    replace = forms.BooleanField(label=gettext_lazy("Replace rates that are stored with another value"), required=False)


@signed_in
@require_GET
def missing(request: HttpRequest) -> HttpResponse:
    """The rates that the records in view wait for."""
    found = missing_rates(accounts_in_scope(request))
    context = {
        "rows": [(one, basis_words(one.basis), formats.money(one.amount, decimals=2)) for one in found],
        "records": sum(one.records for one in found),
        "may_import": may_import_rates(request.user),
    }
    return render(request, "imports/rates.html", context)


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """The same list as a file."""
    if form not in FORMS:
        raise Http404
    headings = [
        *(_("Revenue basis"), _("From currency"), _("To currency"), _("Month"), _("First day"), _("Last day")),
        *(_("Records"), _("Amount waiting")),
    ]
    about = [
        (_("Question"), _("Missing exchange rates")),
        (_("Accounts counted"), _("those %(user)s may see") % {"user": user_of(request).display_name}),
        (_("Data until"), formats.day(default_as_of())),
    ]
    rows = (_cells(one) for one in missing_rates(accounts_in_scope(request)))
    return table_file(form, f"missing-rates-{default_as_of():%Y-%m-%d}", headings, rows, about=about)


def _cells(one: WaitingRecords) -> list[Any]:
    pair = (basis_words(one.basis), one.from_currency, one.to_currency)
    return [*pair, f"{one.month:%Y-%m}", one.first_day, one.last_day, one.records, one.amount]


@signed_in
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Step 1: keep the file as a draft of this log-in, if it can be read at all."""
    require_import_rates(request.user)
    is_sent = request.method == "POST"
    form = RatesForm(request.POST, request.FILES) if is_sent else RatesForm()
    if is_sent and form.is_valid():
        DRAFT.keep(request, form.cleaned_data["file"])
        try:
            _run(request, dry_run=True)
        except CrmError as refused:
            DRAFT.forget(request)
            form.add_error("file", str(refused))
        else:
            return redirect("imports:rates_check")
    return render(request, "imports/rates_new.html", {"form": form}, status=UNPROCESSABLE if is_sent else 200)


@signed_in
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest) -> HttpResponse:
    """Step 2: what posting would do with every row; step 3, sent from here: post it."""
    require_import_rates(request.user)
    if not DRAFT.is_there(request):
        return redirect("imports:rates_new")
    form = PostForm(request.POST if request.method == "POST" else request.GET)
    replace = form.is_valid() and form.cleaned_data["replace"]
    try:
        result = _run(request, replace=replace, dry_run=request.method != "POST")
    except (CrmError, FileNotFoundError) as refused:
        DRAFT.forget(request)
        messages.error(request, str(refused) if isinstance(refused, CrmError) else _("Upload the file again."))
        return redirect("imports:rates_new")
    if request.method == "POST":
        DRAFT.forget(request)
        messages.success(request, _posted(result))
        return redirect("imports:rates")
    context = {
        "file_name": DRAFT.name(request),
        "result": result,
        "replace": replace,
        "writes": result.new + result.replaced,
        "counts": [
            (_("Read"), result.read),
            (_("New"), result.new),
            (_("Already there"), result.already_there),
            (_("Replaced"), result.replaced),
            (_("Rejected"), result.rejected),
        ],
        "reasons": [(reason_label(code), rows, result.examples.get(code, [])) for code, rows in result.reasons.items()],
    }
    return render(request, "imports/rates_check.html", context)


@signed_in
@require_GET
def errors(request: HttpRequest) -> HttpResponseBase:
    """The rejected rows of the draft with their reasons, to mend and send again."""
    require_import_rates(request.user)
    if not DRAFT.is_there(request):
        raise Http404
    target = BytesIO()
    form = PostForm(request.GET)
    _run(request, replace=form.is_valid() and form.cleaned_data["replace"], dry_run=True, errors=target)
    target.seek(0)
    stem = DRAFT.stem(request) or "rates"
    return FileResponse(target, as_attachment=True, filename=f"{stem}-errors.csv", content_type="text/csv")


@beyond_the_wall("a rehearsal writes as posting does and is undone; rates are of no account")
def _run(request: HttpRequest, *, replace: bool = False, dry_run: bool, errors: IO[bytes] | None = None) -> RatesResult:
    with DRAFT.opened(request) as path:
        return import_rates(path=path, replace=replace, dry_run=dry_run, errors=errors)


def _posted(result: RatesResult) -> str:
    words = ngettext("%(count)s rate posted", "%(count)s rates posted", result.new) % {"count": result.new}
    told = {"posted": words, "replaced": result.replaced, "known": result.already_there, "rejected": result.rejected}
    return _("%(posted)s, %(replaced)s replaced, %(known)s already there, %(rejected)s rejected.") % told
