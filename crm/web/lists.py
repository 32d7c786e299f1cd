"""Lists that come in as files, in three steps: upload, check, post. Receivables, ratings, wallet estimates."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from typing import IO, Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET, require_http_methods

from accounts.imports import opinions, receivables
from accounts.imports.lists import Listing, ListResult
from accounts.imports.opinions import Sender, import_ratings, import_wallets
from accounts.imports.reasons import reason_label
from accounts.imports.receivables import import_receivables
from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.wall import beyond_the_wall
from crm.web.drafts import Draft
from crm.web.htmx import signed_in, user_of
from crm.web.import_forms import UploadForm
from crm.web.rights import (
    ADD_RATING,
    ADD_RECEIVABLES,
    ADD_WALLET,
    may_speak_for_others,
)

LIMIT = 50 * 1024**2
UNPROCESSABLE = 422
Import = Callable[..., ListResult]


@dataclass(frozen=True, slots=True)
class ListKind:
    """One kind of list. rights : all of them are asked for; after : the page that shows what was posted."""

    key: str
    title: Any
    lead: Any
    hint: Any
    rights: tuple[str, ...]
    listing: Listing
    run: Callable[..., ListResult]
    twice: Any
    after: tuple[str, ...]

    @property
    def draft(self) -> Draft:
        return Draft(f"{self.key}_file", f"{self.key}/drafts")

    @property
    def optional(self) -> list[str]:
        return [key for key, column in self.listing.columns.items() if not column.required]


def _receivables(user: User, **given: Any) -> ListResult:
    return import_receivables(accounts=Account.objects.visible_to(user), **given)


def _sender(user: User) -> Sender:
    return Sender(Account.objects.visible_to(user), user, may_speak_for_others(user))


KINDS = {
    kind.key: kind
    for kind in (
        ListKind(
            "receivables",
            gettext_lazy("Import receivables"),
            gettext_lazy("Invoices to be paid, and what was paid of them."),
            gettext_lazy("CSV, CSV.gz or XLSX; one row for each invoice, or one for each of its payments."),
            ADD_RECEIVABLES,
            receivables.LISTING,
            _receivables,
            gettext_lazy("An invoice and a payment that are there are left; other content under the same number is rejected, and so is a payment beyond the amount."),
            ("metrics:question", "receivables"),
        ),
        ListKind(
            "ratings",
            gettext_lazy("Import ratings"),
            gettext_lazy("Judgements from 1 to 5, each with who gave it and when."),
            gettext_lazy("CSV, CSV.gz or XLSX; one row for each rating."),
            (ADD_RATING,),
            opinions.RATINGS,
            lambda user, **given: import_ratings(sender=_sender(user), **given),
            gettext_lazy("A rating that is there is left; another one by the same person on the same day is rejected."),
            ("ratings:index",),
        ),
        ListKind(
            "wallets",
            gettext_lazy("Import wallet estimates"),
            gettext_lazy("What accounts spend a year in our category, with the source."),
            gettext_lazy("CSV, CSV.gz or XLSX; one row for each estimate."),
            (ADD_WALLET,),
            opinions.WALLETS,
            lambda user, **given: import_wallets(sender=_sender(user), **given),
            gettext_lazy("An estimate that is there is left; another one by the same person on the same day is rejected."),
            ("metrics:question", "wallet"),
        ),
    )
}  # fmt: skip


class ListForm(UploadForm):
    """The file of a list."""

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > LIMIT:
            raise forms.ValidationError(_("The file is larger than 50 MB. Split it, or import it by command."))
        return file


@signed_in
@require_http_methods(["GET", "POST"])
def upload(request: HttpRequest, kind: str) -> HttpResponse:
    """Step 1: keep the file as a draft of this log-in, if it can be read at all."""
    one = _kind(request, kind)
    is_sent = request.method == "POST"
    form = ListForm(request.POST, request.FILES) if is_sent else ListForm()
    if is_sent and form.is_valid():
        one.draft.keep(request, form.cleaned_data["file"])
        try:
            _run(request, one, dry_run=True)
        except CrmError as refused:
            one.draft.forget(request)
            form.add_error("file", str(refused))
        else:
            return redirect("imports:list_check", one.key)
    return render(request, "imports/list_new.html", {"form": form, "kind": one}, status=UNPROCESSABLE if is_sent else 200)  # fmt: skip


@signed_in
@require_http_methods(["GET", "POST"])
def check(request: HttpRequest, kind: str) -> HttpResponse:
    """Step 2: what posting would do with every row; step 3, sent from here: post it."""
    one = _kind(request, kind)
    if not one.draft.is_there(request):
        return redirect("imports:list_new", one.key)
    try:
        result = _run(request, one, dry_run=request.method != "POST")
    except (CrmError, FileNotFoundError) as refused:
        one.draft.forget(request)
        messages.error(request, str(refused) if isinstance(refused, CrmError) else _("Upload the file again."))
        return redirect("imports:list_new", one.key)
    if request.method == "POST":
        one.draft.forget(request)
        messages.success(request, _posted(result))
        return redirect(*one.after)
    context = {
        "kind": one,
        "file_name": one.draft.name(request),
        "result": result,
        "counts": [
            (_("Read"), result.read),
            (_("New"), result.new),
            (_("Already there"), result.already_there),
            (_("Rejected"), result.rejected),
        ],
        "reasons": [(reason_label(code), rows, result.examples.get(code, [])) for code, rows in result.reasons.items()],
    }
    return render(request, "imports/list_check.html", context)


@signed_in
@require_GET
def errors(request: HttpRequest, kind: str) -> HttpResponseBase:
    """The rejected rows of the draft with their reasons, to mend and send again."""
    one = _kind(request, kind)
    if not one.draft.is_there(request):
        raise Http404
    target = BytesIO()
    _run(request, one, dry_run=True, errors=target)
    target.seek(0)
    name = f"{one.draft.stem(request) or one.key}-errors.csv"
    return FileResponse(target, as_attachment=True, filename=name, content_type="text/csv")


def _kind(request: HttpRequest, key: str) -> ListKind:
    """Raises Http404 for a kind there is not, PermissionDenied that says who can give the right."""
    kind = KINDS.get(key)
    if kind is None:
        raise Http404
    if not user_of(request).has_perms(kind.rights):
        raise PermissionDenied(_("Your log-in may not bring in this list. An administrator can give you that right."))
    return kind


@beyond_the_wall("a rehearsal writes as posting does and is undone; whom the importer may write about the service asks")
def _run(request: HttpRequest, kind: ListKind, *, dry_run: bool, errors: IO[bytes] | None = None) -> ListResult:
    with kind.draft.opened(request) as path:
        return kind.run(user_of(request), path=path, dry_run=dry_run, errors=errors)


def _posted(result: ListResult) -> str:
    words = ngettext("%(count)s row posted", "%(count)s rows posted", result.new) % {"count": result.new}
    told = {"posted": words, "known": result.already_there, "rejected": result.rejected}
    return _("%(posted)s, %(known)s already there, %(rejected)s rejected.") % told
