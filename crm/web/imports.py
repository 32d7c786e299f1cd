"""Imports: the list of batches, and one batch from waiting to posted, withdrawn or failed."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.enums import UNFINISHED_BATCH_STATES, BatchState
from accounts.imports import services
from accounts.imports.progress import progress_of
from accounts.models import Account, ImportBatch, RevenueRecord
from crm.lib.exceptions import CrmError
from crm.web import formats
from crm.web.auth import dress
from crm.web.export import ledger_file
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.import_result import effect_rows, remaining_text, rows_of_batch
from crm.web.lists import KINDS
from crm.web.rights import may_import, may_withdraw, require_withdraw
from metrics.services.batch_effect import batch_effect

BATCHES_A_PAGE = 25
WAITING_LONG = timedelta(seconds=8)  # a worker that runs takes a batch up within a second
READING_SHARE = 0.8  # of the bar; matching, posting and figures fill the rest
PHASE_SHARE = {"matching": 82, "posting": 88, "figures": 95, "done": 100}


class WithdrawForm(forms.Form):
    """Why a batch is taken back; the words stay with it."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=500,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        help_text=gettext_lazy("It stays with the batch, for whoever looks at it later."),
        error_messages={"required": gettext_lazy("Say why the batch is withdrawn.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        dress(self)


def batch_for(request: HttpRequest, pk: int) -> ImportBatch:
    """The batch, if the reader may see it; a stranger's is not there."""
    visible = ImportBatch.objects.visible_to(user_of(request)).select_related("created_by", "withdrawn_by")
    return get_object_or_404(visible, pk=pk)


@signed_in
@require_GET
def batch_list(request: HttpRequest) -> HttpResponse:
    batches = ImportBatch.objects.visible_to(user_of(request)).select_related("created_by")
    page = Paginator(batches, BATCHES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "may_import": may_import(request.user),
        "lists": [kind for kind in KINDS.values() if request.user.has_perms(kind.rights)],
        "may_export": RevenueRecord.objects.of_visible_accounts(user_of(request)).exists(),
    }
    return page_or_fragment(request, "imports/list.html", "imports/_table.html", context)


@signed_in
@require_GET
def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every record of the accounts the reader sees, as a file that this page takes back."""
    user = user_of(request)
    return ledger_file(RevenueRecord.objects.of_visible_accounts(user), visible=Account.objects.visible_to(user))


@signed_in
@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft goes on in the wizard; anything else shows how far it is or how it ended."""
    batch = batch_for(request, pk)
    if batch.state == BatchState.DRAFT:
        return redirect("imports:columns", pk)
    return render(request, "imports/detail.html", batch_context(request, batch))


@signed_in
@require_GET
def progress(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the page that asks again every second while the batch is unfinished."""
    batch = batch_for(request, pk)
    return page_or_fragment(request, "imports/detail.html", "imports/_batch.html", batch_context(request, batch))


@signed_in
@require_GET
def error_file(request: HttpRequest, pk: int) -> FileResponse:
    """The rejected rows as they came, each with its reason."""
    batch = batch_for(request, pk)
    if not batch.error_file.name or not default_storage.exists(batch.error_file.name):
        raise Http404
    name = f"batch-{batch.pk}-rejected.csv"
    return FileResponse(batch.error_file.open("rb"), as_attachment=True, filename=name, content_type="text/csv")


@signed_in
@require_http_methods(["GET", "POST"])
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a posted batch back: first what that does, in numbers, then the reason."""
    batch = batch_for(request, pk)
    require_withdraw(request.user)
    if batch.state != BatchState.POSTED:
        return redirect(batch)
    form = WithdrawForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        return _withdrawn(request, batch, reason=form.cleaned_data["reason"])
    context = {"batch": batch, "form": form, "dependent": services.dependent_batches(batch)}
    return render(request, "imports/withdraw.html", context, status=422 if form.errors else 200)


def _withdrawn(request: HttpRequest, batch: ImportBatch, *, reason: str) -> HttpResponseRedirect:
    try:
        services.withdraw_batch(batch=batch, reason=reason, user=user_of(request))
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        text = ngettext(
            "%(number)s row does not count any more; the figures are up to date.",
            "%(number)s rows do not count any more; the figures are up to date.",
            batch.posted,
        )
        messages.success(request, text % {"number": formats.number(batch.posted)})
    return redirect(batch)


@signed_in
@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Throw a draft away; nothing of it was ever posted."""
    batch = batch_for(request, pk)
    if batch.state == BatchState.DRAFT:
        upload = batch.upload.name
        batch.delete()
        if upload:
            default_storage.delete(upload)
        messages.info(request, _("The draft is gone; nothing of it was posted."))
    return HttpResponseRedirect(reverse("imports:list"))


@signed_in
@require_GET
def changes(request: HttpRequest, pk: int) -> HttpResponse:
    """What the batch did to the figures of the accounts the reader sees: with it and without it."""
    batch = batch_for(request, pk)
    if batch.state != BatchState.POSTED:
        return redirect(batch)
    accounts = Account.objects.visible_to(request.user)
    effect = batch_effect(batch, accounts)
    context = {"batch": batch, "effect": effect, "rows": effect_rows(effect)}
    return render(request, "imports/changes.html", context)


def batch_context(request: HttpRequest, batch: ImportBatch) -> dict[str, Any]:
    """What the page of one batch needs."""
    is_unfinished = batch.state in UNFINISHED_BATCH_STATES
    now = progress_of(batch.pk) if is_unfinished else None
    context: dict[str, Any] = {
        "batch": batch,
        "step": 4 if is_unfinished or batch.state == BatchState.FAILED else 5,
        "may_import": may_import(request.user),
        "may_withdraw": may_withdraw(request.user),
        "progress": now,
        "is_waiting_long": bool(batch.queued_at and timezone.now() - batch.queued_at > WAITING_LONG),
    }
    if now is not None:
        context |= {
            "bar": PHASE_SHARE.get(now.phase, round(now.percent * READING_SHARE)),
            "total_text": formats.number(now.total),
            "remaining": remaining_text(now.remaining) if now.remaining is not None else "",
        }
    if not is_unfinished:
        context |= {"result": rows_of_batch(batch), "new_accounts": batch.options.get("new_accounts", 0)}
        context["dependent"] = services.dependent_batches(batch) if batch.state == BatchState.WITHDRAWN else []
    return context
