"""The trail of changes over everything, for those who may see it: by person, record and day; as a file too."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from accounts.models import Account, User
from crm.models import TrailAction, TrailEntry, TrailSeal
from crm.models.trail import VIEW_TRAIL
from crm.trail import registry
from crm.trail.words import Told, record_label, tell
from crm.web.auth import dress
from crm.web.export import table_file
from crm.web.htmx import page_or_fragment, signed_in, user_of
from crm.web.keyset import Order, Page, page_of

ENTRY_FIELDS = tuple(field.attname for field in TrailEntry._meta.concrete_fields)  # noqa: SLF001
NEWEST_FIRST = Order("at", descending=True, nullable=False)
MOST_EXPORTED = 50_000
A_READ = 500


class TrailFilter(forms.Form):
    """What the trail is narrowed to; everything may be left empty."""

    person = forms.CharField(
        label=gettext_lazy("Person"), required=False, max_length=150,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("user name"), "spellcheck": "false"}),
    )  # fmt: skip
    account = forms.CharField(
        label=gettext_lazy("Account"), required=False, max_length=64,
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("its code"), "spellcheck": "false"}),
    )  # fmt: skip
    table = forms.ChoiceField(label=gettext_lazy("Kind of record"), required=False)
    key = forms.CharField(
        label=gettext_lazy("Its number"), required=False, max_length=128,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "spellcheck": "false"}),
    )  # fmt: skip
    action = forms.ChoiceField(label=gettext_lazy("What was done"), required=False)
    from_day = forms.DateField(
        label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    to_day = forms.DateField(
        label=gettext_lazy("To"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    request = forms.CharField(label=gettext_lazy("Request"), required=False, max_length=128)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = {model._meta.db_table: record_label(model._meta.db_table) for model in registry.watched_models()}  # noqa: SLF001
        any_one = ("", gettext_lazy("any"))
        self.fields["table"].choices = [any_one, *sorted(kinds.items(), key=lambda one: one[1])]  # type: ignore[attr-defined]
        self.fields["action"].choices = [any_one, *TrailAction.choices]  # type: ignore[attr-defined]
        dress(self)

    def clean_person(self) -> str | int:
        name = self.cleaned_data["person"].strip()
        if not name:
            return ""
        found = User.objects.filter(username=name).values_list("pk", flat=True).first()
        if found is None and not name.isdecimal():
            raise forms.ValidationError(_("There is no user of this name."))
        return found or int(name[:18])

    def clean_account(self) -> str | int:
        code = self.cleaned_data["account"].strip()
        if not code:
            return ""
        found = Account.objects.filter(code=code).values_list("pk", flat=True).first()
        if found is None:
            raise forms.ValidationError(_("There is no account with this code."))
        return int(found)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("from_day") and given.get("to_day") and given["to_day"] < given["from_day"]:
            self.add_error("to_day", _("The last day lies before the first."))
        return given

    def apply(self, rows: QuerySet[TrailEntry]) -> QuerySet[TrailEntry]:
        given: dict[str, Any] = self.cleaned_data
        lookups = {
            "actor_id": given["person"],
            "account_id": given["account"],
            "table_name": given["table"],
            "row_key": given["key"].strip(),
            "action": given["action"],
            "request_id": given["request"].strip(),
        }
        rows = rows.filter(**{name: value for name, value in lookups.items() if value != ""})
        if given["from_day"]:
            rows = rows.filter(at__gte=_midnight(given["from_day"]))
        if given["to_day"]:
            rows = rows.filter(at__lt=_midnight(given["to_day"] + timedelta(days=1)))
        return rows

    @property
    def is_narrow(self) -> bool:
        return self.is_valid() and any(value not in {"", None} for value in self.cleaned_data.values())


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def require_trail(request: HttpRequest) -> None:
    if not request.user.has_perm(VIEW_TRAIL):
        raise PermissionDenied(
            _("Your log-in may not see the trail of changes. An administrator can give you that right.")
        )


@signed_in
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Newest first, by key; a constant number of statements."""
    require_trail(request)
    form = TrailFilter(_asked(request))
    rows: QuerySet[TrailEntry] = TrailEntry.objects.visible_to(user_of(request))
    rows = form.apply(rows) if form.is_valid() else rows.none()
    listed, told = told_page(request, rows)
    context = {
        "form": form,
        "listed": listed,
        "told": told,
        "seal": TrailSeal.objects.order_by("-number").first(),
        "query": _query(request),
    }
    return page_or_fragment(
        request, "trail/index.html", "trail/_list.html", context, status=200 if form.is_valid() else 422
    )


def _asked(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET.get(name, "").replace("\x00", "") for name in TrailFilter.base_fields}


def _query(request: HttpRequest) -> str:
    params = request.GET.copy()
    for name in ("after", "before"):
        params.pop(name, None)
    return str(params.urlencode())


def told_page(request: HttpRequest, rows: QuerySet[TrailEntry]) -> tuple[Page, list[Told]]:
    """One page of entries in words."""
    listed = page_of(
        rows,
        ENTRY_FIELDS,
        order=NEWEST_FIRST,
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    entries = [TrailEntry(**{name: row[name] for name in ENTRY_FIELDS}) for row in listed.rows]
    return listed, tell(entries, user_of(request))


@signed_in
@require_GET
def export(request: HttpRequest, form: str) -> HttpResponseBase:
    """What the filter leaves, newest first, a line for each field; no cell runs as a formula."""
    require_trail(request)
    asked = TrailFilter(_asked(request))
    if not asked.is_valid():
        raise Http404
    user = user_of(request)
    rows = asked.apply(TrailEntry.objects.visible_to(user)).order_by("-at", "-pk")[:MOST_EXPORTED]
    headings = [
        _("Time"), _("Person"), _("By way of"), _("Request"), _("Kind of record"), _("Record"), _("Number"),
        _("What was done"), _("Field"), _("Before"), _("After"),
    ]  # fmt: skip
    return table_file(form, f"trail-{timezone.localdate()}", headings, _lines(rows, user))


def _lines(rows: QuerySet[TrailEntry], user: User) -> Iterator[list[Any]]:
    found: list[TrailEntry] = []
    for entry in rows.iterator(chunk_size=A_READ):
        found.append(entry)
        if len(found) == A_READ:
            yield from _told_lines(found, user)
            found = []
    yield from _told_lines(found, user)


def _told_lines(entries: list[TrailEntry], user: User) -> Iterator[list[Any]]:
    for told in tell(entries, user):
        entry = told.entry
        head = [
            f"{timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}", told.actor, told.via, entry.request_id, told.what,
            told.record, entry.row_key, told.done,
        ]  # fmt: skip
        for change in told.changes or (None,):
            if change is None:
                yield [*head, "", "", ""]
            elif change.is_hidden:
                yield [*head, change.label, _("hidden"), _("hidden")]
            else:
                yield [*head, change.label, change.before, change.after]


def oldest_unsealed() -> datetime | None:
    """Since when something waits for its link; None where nothing does. One statement over the index of transactions."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(at) FROM crm_trailentry WHERE transaction >="
            " coalesce((SELECT until_transaction FROM crm_trailseal ORDER BY number DESC LIMIT 1), 0)"
        )
        return cursor.fetchone()[0]
