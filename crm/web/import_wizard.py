"""The import wizard: file → columns → check → post. Each step is a plain form; htmx only refreshes parts of it."""

from typing import Any

from django.contrib import messages
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.enums import BatchState
from accounts.imports import selectors, services
from accounts.imports.fields import FIELDS
from accounts.imports.mapping import NAME_LENGTH
from accounts.imports.options import ImportOptions
from accounts.imports.progress import progress_of
from accounts.imports.saved_mappings import save_mapping
from accounts.imports.selectors import FileFacts
from accounts.models import Account, ImportBatch
from crm.lib.exceptions import CrmError, ImportRefused
from crm.web.editing import on_seen
from crm.web.htmx import page_or_fragment, signed_in, user_of, wants_fragment
from crm.web.import_forms import ColumnsForm, UploadForm, initial_of, reading_options
from crm.web.import_result import alike_rows, booked_rows, rows_of_check
from crm.web.imports import batch_for
from crm.web.rights import require_import

CREATED = 201
CHECK_MARK = "import-check:{0}"
CHECK_SECONDS = 600  # after which a check that was killed may be started again


@signed_in
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest) -> HttpResponse:
    """Step 1: keep the file as a draft, if it can be read at all."""
    require_import(request.user)
    is_sent = request.method == "POST"
    form = UploadForm(request.POST, request.FILES) if is_sent else UploadForm()
    if is_sent and form.is_valid():
        file = form.cleaned_data["file"]
        batch = services.create_batch(upload=file, file_name=file.name, user=user_of(request))
        try:
            selectors.file_facts(batch)
        except ImportRefused as refused:
            _throw_away(batch)
            form.add_error("file", str(refused))
        else:
            return _to_next_step(request, reverse("imports:columns", args=[batch.pk]))
    return render(request, "imports/new.html", {"form": form}, status=422 if is_sent else 200)


def _to_next_step(request: HttpRequest, address: str) -> HttpResponse:
    """A redirect; a script that sent the file itself gets the address instead, so that the page is not loaded twice."""
    if request.headers.get("X-Requested-With") == "XMLHttpRequest":
        return HttpResponse(status=CREATED, headers={"Location": address})
    return redirect(address)


def _throw_away(batch: ImportBatch) -> None:
    name = batch.upload.name or ""
    batch.delete()
    default_storage.delete(name)


@signed_in
@require_http_methods(["GET", "POST"])
def columns(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 2: how the file is written and which column is which field, with the first rows as they will be posted."""
    batch = _draft(request, pk)
    if batch is None:
        return redirect("imports:detail", pk)
    if request.method == "GET":
        return _show_columns(request, batch, *_first_form(request, batch))
    form, facts, refusal = _posted_form(request, batch)
    action = request.POST.get("action", "preview")
    if form.is_valid() and not refusal and not form.missing() and action in ("check", "save"):
        try:
            return _check_next(batch, form) if action == "check" else _saved(request, batch, form)
        except ImportRefused as refused:
            refusal = str(refused)
    return _show_columns(request, batch, form, facts, refusal, is_refused=action != "preview")


def _first_form(request: HttpRequest, batch: ImportBatch) -> tuple[ColumnsForm, FileFacts, str]:
    """The form with what was detected, chosen before, or kept under the mapping named in the address."""
    options, refusal = ImportOptions.from_json(batch.options), ""
    wanted = _mapping_name(request.GET.get("mapping", ""))
    if wanted:
        options = options.changed(profile=wanted, mapping=None, source="")
    try:
        facts = selectors.file_facts(batch, options)
    except ImportRefused as refused:
        refusal, options, wanted = str(refused), ImportOptions(), ""
        facts = selectors.file_facts(batch, options)
    based_on = wanted or options.profile or facts.profile
    return ColumnsForm(facts=facts, initial=initial_of(facts, options, based_on=based_on)), facts, refusal


def _posted_form(request: HttpRequest, batch: ImportBatch) -> tuple[ColumnsForm, FileFacts, str]:
    """The form as sent, for the file read as it says; a reading that fails keeps the last good one and says why."""
    reading, refusal = reading_options(request.POST), ""
    based_on = _mapping_name(request.POST.get("based_on", ""))
    try:
        facts = selectors.file_facts(batch, reading.changed(profile=based_on) if based_on else reading)
    except ImportRefused as refused:
        refusal = str(refused)
        facts = selectors.file_facts(batch, ImportOptions())
    form = ColumnsForm(request.POST, facts=facts)
    if not refusal and _is_mappable(form):
        # Dates and numbers are judged by the columns that were chosen, not by those that were suggested.
        try:
            facts = selectors.file_facts(batch, form.options())
            form = ColumnsForm(request.POST, facts=facts)
        except ImportRefused as refused:
            refusal = str(refused)
    return form, facts, refusal


def _mapping_name(text: str) -> str:
    """A name as it may be looked up: a database takes no NUL."""
    return text.replace("\x00", "")[:NAME_LENGTH]


def _is_mappable(form: ColumnsForm) -> bool:
    """Whether columns are chosen without a clash; an open question about dates does not matter here."""
    form.is_valid()
    is_clean = not any(name.startswith("column_") or name == "currency" for name in form.errors)
    return is_clean and not form.missing()


def _show_columns(
    request: HttpRequest,
    batch: ImportBatch,
    form: ColumnsForm,
    facts: FileFacts,
    refusal: str,
    *,
    is_refused: bool = False,
) -> HttpResponse:
    preview, missing, options = None, _missing(form), _options_now(form, batch)
    if options and not missing and not facts.dates.is_ambiguous and not facts.decimal.is_ambiguous:
        try:
            preview = selectors.preview(batch, options)
        except ImportRefused as refused:
            refusal = str(refused)
    context: dict[str, Any] = {
        "batch": batch,
        "form": form,
        "facts": facts,
        "preview": preview,
        "refusal": refusal,
        "wanted": [(str(FIELDS[key].label).capitalize(), key in missing) for key in selectors.REQUIRED],
        "rows": [(form[f"column_{at}"], facts.samples.get(column, [])) for at, column in enumerate(facts.columns)],
        "mappings": selectors.mapping_names(),
        "based_on": form["based_on"].value() or "",
        "questions": [form[name] for name in ("date_formats", "decimal") if _is_question(form, name)],
        "formats": [form[name] for name in FORMAT_LINE if name in form.fields and not _is_question(form, name)],
    }
    status = 422 if is_refused else 200
    return page_or_fragment(request, "imports/columns.html", "imports/_columns.html", context, status=status)


FORMAT_LINE = ("encoding", "delimiter", "sheet", "decimal", "date_formats")


def _is_question(form: ColumnsForm, name: str) -> bool:
    found = {"date_formats": form.facts.dates, "decimal": form.facts.decimal}.get(name)
    return found is not None and found.is_ambiguous


def _missing(form: ColumnsForm) -> list[str]:
    return form.missing() if form.is_bound else list(form.facts.missing)


def _options_now(form: ColumnsForm, batch: ImportBatch) -> ImportOptions | None:
    """What the preview goes by: the form as sent, or before that what it starts from; None for a currency unknown."""
    if form.is_bound:
        form.is_valid()
        return form.options() if "currency" in form.cleaned_data else None
    initial = form.initial
    options = ImportOptions.from_json(batch.options).changed(currency=initial["currency"])
    if initial["based_on"]:
        return options.changed(profile=initial["based_on"], mapping=None)
    return options.changed(mapping=form.facts.mapping, profile="")


def _check_next(batch: ImportBatch, form: ColumnsForm) -> HttpResponse:
    services.set_options(batch=batch, options=form.options())
    return redirect("imports:check", batch.pk)


def _saved(request: HttpRequest, batch: ImportBatch, form: ColumnsForm) -> HttpResponse:
    saved = save_mapping(name=form.cleaned_data["save_as"], definition=form.definition(), user=user_of(request))
    options = form.options().changed(profile=saved.name, mapping=None)
    services.set_options(batch=batch, options=options)
    messages.success(request, _("The mapping “%(name)s” is kept; choose it for the next file.") % {"name": saved.name})
    return redirect("imports:columns", batch.pk)


@signed_in
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 3: the dry run. GET shows the last one or asks for it; POST runs it, which takes as long as posting."""
    batch = _draft(request, pk)
    if batch is None:
        return redirect("imports:detail", pk)
    if not batch.mapping:
        return redirect("imports:columns", pk)
    context: dict[str, Any] = {"batch": batch, "refusal": "", "is_running": False}
    if request.method == "POST" and not batch.options.get("check"):
        context |= _run_check(batch)
        if not wants_fragment(request) and not context["refusal"]:
            return redirect("imports:check", pk)
    found = batch.options.get("check")
    if found and not context["refusal"]:
        context |= {"result": rows_of_check(found), "posted": found["posted"], "seconds": found["seconds"]}
        context["alike"] = alike_rows(found, user_of(request))
        context["booked"] = booked_rows(batch.options.get("books") or {}, user_of(request))
    status = 422 if context["refusal"] else 200
    return page_or_fragment(request, "imports/check.html", "imports/_check.html", context, status=status)


def _run_check(batch: ImportBatch) -> dict[str, Any]:
    """Run the check unless one runs already: a reload joins it instead of doing the work twice."""
    mark = CHECK_MARK.format(batch.pk)
    if not cache.add(mark, 1, CHECK_SECONDS):
        return {"is_running": True}
    try:
        services.check(batch=batch)
    except CrmError as refused:
        return {"refusal": str(refused)}
    finally:
        cache.delete(mark)
    return {}


@signed_in
@require_GET
def check_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """How far the dry run is; once it has ended, whoever waits is led to its result."""
    batch = batch_for(request, pk)
    is_over = batch.options.get("check") or (request.GET.get("joined") and cache.get(CHECK_MARK.format(pk)) is None)
    if batch.state != BatchState.DRAFT or is_over:
        return HttpResponse(status=204, headers={"HX-Redirect": reverse("imports:check", args=[pk])})
    return render(request, "imports/_check_progress.html", {"progress": progress_of(batch.pk), "batch": batch})


@signed_in
@require_POST
def book(request: HttpRequest, pk: int) -> HttpResponse:
    """Book customers of the file on accounts that are there, or let them be new ones again; then it is checked anew.

    Only accounts that the reader may open are chosen or taken back; what others chose among those they see stays.
    """
    batch = _draft(request, pk)
    if batch is None:
        return redirect("imports:detail", pk)
    kept = dict(batch.options.get("books") or {})
    offered = {one["code"]: one["id"] for one in (batch.options.get("check") or {}).get("alike", ())} | kept
    seen = set(Account.objects.visible_to(request.user).filter(pk__in=offered.values()).values_list("pk", flat=True))
    wanted = set(request.POST.getlist("book"))
    books = {code: key for code, key in offered.items() if (code in wanted if key in seen else code in kept)}
    try:
        on_seen(
            batch, request.POST, lambda: services.set_books(batch=batch, books=books), asked=", ".join(sorted(wanted))
        )
    except CrmError as refused:
        messages.error(request, str(refused))
    return redirect("imports:check", pk)


@signed_in
@require_POST
def post(request: HttpRequest, pk: int) -> HttpResponse:
    """Step 4: hand the draft to a worker; sent twice it is posted once."""
    batch = _draft(request, pk)
    if batch is not None:
        if not batch.mapping:
            return redirect("imports:columns", pk)
        try:
            on_seen(batch, request.POST, lambda: services.queue_batch(batch=batch), asked=_("post it"))
        except CrmError as refused:
            messages.error(request, str(refused))
            return redirect("imports:check", pk)
    return redirect("imports:detail", pk)


def _draft(request: HttpRequest, pk: int) -> ImportBatch | None:
    """The draft, if the reader may go on with it; None for a batch that is past that."""
    batch = batch_for(request, pk)
    require_import(request.user)
    return batch if batch.state == BatchState.DRAFT else None
