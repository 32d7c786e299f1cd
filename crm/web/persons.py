"""What is kept about one person: all of it as a file, or all of it gone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.models import Erasure
from crm.models.trail import ERASE_PERSON, EXPORT_PERSON
from crm.trail import registry
from crm.trail.persons import Person, account_of, erase_person, export_json, history_of, is_known, tables_about
from crm.trail.words import record_label
from crm.web.auth import dress
from crm.web.htmx import signed_in, user_of

REASON_LENGTH = 300
UNPROCESSABLE = 422


class EraseForm(forms.Form):
    """Why, and the name of the person typed, so that nobody does it by a slip."""

    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=REASON_LENGTH, widget=forms.Textarea(attrs={"rows": 3}),
        help_text=gettext_lazy("Who asked for it, and when. Write no personal data here: this stays."),
    )  # fmt: skip
    typed = forms.CharField(
        label=gettext_lazy("Type the number of the person to confirm"), max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )  # fmt: skip

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        self.fields["typed"].help_text = _("%(person)s, exactly so.") % {"person": person.name}
        dress(self)

    def clean_typed(self) -> str:
        if self.cleaned_data["typed"].strip() != self.person.name:
            raise forms.ValidationError(_("Type %(person)s to confirm.") % {"person": self.person.name})
        return self.person.name


def person_of(request: HttpRequest, kind: str, pk: int) -> Person:
    """Raises Http404 for nobody, and for a contact of an account that the reader may not see."""
    person = Person.read(f"{kind}:{pk}")
    user = user_of(request)
    if person is None or not (user.has_perm(EXPORT_PERSON) or user.has_perm(ERASE_PERSON)):
        raise Http404
    if person.kind == "contact" and not Account.objects.visible_to(user).filter(pk=account_of(person) or 0).exists():
        raise Http404
    if not is_known(person):
        raise Http404
    return person


@signed_in
@require_GET
def detail(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """What there is, in numbers, and what can be done with it."""
    person = person_of(request, kind, pk)
    return render(request, "trail/person.html", _context(request, person))


def _context(request: HttpRequest, person: Person) -> dict[str, Any]:
    kept = []
    for model, about in tables_about(person):
        labels = [str(one.verbose_name) for one in model._meta.local_concrete_fields if one.column in about.fields]  # noqa: SLF001
        rows = model._default_manager.filter(**{about.column: person.pk}).count()  # noqa: SLF001
        kept.append((record_label(model._meta.db_table), rows, labels))  # noqa: SLF001
    row = person.model._default_manager.filter(pk=person.pk).first()  # noqa: SLF001
    changes, erasures = history_of(person)
    return {
        "person": person,
        "row": row,
        "account": Account.objects.filter(pk=account_of(person) or 0).first(),
        "kept": kept,
        "changes": changes,
        "erasures": [(one, User.objects.filter(pk=one.erased_by_id or 0).first()) for one in erasures[:5]],
        "may_export": request.user.has_perm(EXPORT_PERSON),
        "may_erase": request.user.has_perm(ERASE_PERSON),
    }


@signed_in
@require_GET
def export(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    person = person_of(request, kind, pk)
    if not request.user.has_perm(EXPORT_PERSON):
        raise PermissionDenied(
            _("Your log-in may not export what is kept about people. An administrator can give you that right.")
        )
    response = HttpResponse(export_json(person), content_type="application/json; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="person-{person.kind}-{person.pk}.json"'
    return response


@signed_in
@require_http_methods(["GET", "POST"])
def erase(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Irreversible: asks for a reason and for the person's number, typed."""
    person = person_of(request, kind, pk)
    if not request.user.has_perm(ERASE_PERSON):
        raise PermissionDenied(_("Your log-in may not erase personal data. An administrator can give you that right."))
    form = EraseForm(request.POST if request.method == "POST" else None, person=person)
    if form.is_bound and form.is_valid():
        try:
            erasure = erase_person(person, by=user_of(request), reason=form.cleaned_data["reason"])
        except CrmError as refused:
            form.add_error(None, str(refused))
        else:
            messages.success(request, _told(erasure))
            return redirect("trail:person", person.kind, person.pk)
    status = UNPROCESSABLE if form.is_bound else 200
    return render(request, "trail/person_erase.html", {**_context(request, person), "form": form}, status=status)


def _told(erasure: Erasure) -> str:
    words = _("The personal data is erased: %(fields)s fields, %(files)s files, and the key of its history.")
    texts = erasure.counts.get("texts", 0)
    told = words % {"fields": erasure.counts["fields"], "files": erasure.counts["files"]}
    if not texts:
        return told
    return f"{told} {_('%(texts)s other texts still hold the name: search for it and judge them.') % {'texts': texts}}"


def watched_kinds() -> list[tuple[str, str]]:
    """Kinds of records that hang on an account, by table, for the filter of its history."""
    found = [
        (watch.table, record_label(watch.table))
        for watch in map(registry.watch_of, registry.watched_models())
        if watch.account
    ]
    return sorted(found, key=lambda one: one[1])
