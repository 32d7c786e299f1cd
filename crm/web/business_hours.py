"""When we work: hours by day of effect, days off and make-up days, which promises in business hours run by."""

from __future__ import annotations

import zoneinfo
from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from crm.lib.exceptions import CrmError
from crm.web.auth import dress
from crm.web.editing import CONFLICT, StaleEdit, on_seen
from crm.web.htmx import signed_in
from crm.web.rights import may_change_hours, require_change_hours
from plans.models import BusinessDay, BusinessHours
from plans.services_hours import import_days, official_days_of_china

UNPROCESSABLE = 422
LIST_LENGTH = 100_000
DAY_CHOICES = [(number + 1, name) for number, name in WEEKDAYS.items()]


class HoursForm(forms.ModelForm):
    """Hours from a day on; the same day again changes them."""

    working_days = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Working days"), coerce=int, choices=DAY_CHOICES, widget=forms.CheckboxSelectMultiple
    )
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"), required=False)

    class Meta:
        model = BusinessHours
        fields = ("valid_from", "opens_at", "closes_at", "working_days", "time_zone")
        widgets = {
            "valid_from": forms.DateInput(attrs={"type": "date"}),
            "opens_at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "closes_at": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = _("%(zone)s (of the installation)") % {"zone": settings.TIME_ZONE}
        names = [(name, name) for name in sorted(zoneinfo.available_timezones())]
        self.fields["time_zone"].choices = [("", own), *names]  # type: ignore[attr-defined]
        dress(self)


class DaysForm(forms.Form):
    days = forms.CharField(
        label=gettext_lazy("Days off and make-up days"),
        max_length=LIST_LENGTH,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
        help_text=gettext_lazy("One a line: the day or the days, off or work, and a name."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["days"].widget.attrs["placeholder"] = "2026-10-01..2026-10-07, off, 国庆节\n2026-10-10, work"
        dress(self)


@signed_in
@require_http_methods(["GET", "POST"])
def hours(request: HttpRequest) -> HttpResponse:
    """The hours in force and the days that differ; a POST sets the hours from a day on."""
    if request.method == "POST":
        require_change_hours(request.user)
        return _set(request)
    return _page(request, _next(), DaysForm())


def _set(request: HttpRequest) -> HttpResponse:
    """A row of that day is changed, not doubled."""
    with transaction.atomic():
        day = _day_of(request)
        found = BusinessHours.objects.select_for_update().filter(valid_from=day).first() if day else None
        form = HoursForm(request.POST, instance=found)
        if not form.is_valid():
            return _page(request, form, DaysForm(), status=UNPROCESSABLE)
        try:
            asked = _hours_in_words([form.instance])
            on_seen(BusinessHours.objects.all(), request.POST, form.save, asked=asked, words=_hours_in_words)
        except CrmError as refused:
            form.add_error(None, str(refused))
            return _page(request, form, DaysForm(), status=refused.status)
    messages.success(request, _("The hours are kept; promises are measured anew within minutes."))
    return redirect("plans:hours")


def _day_of(request: HttpRequest) -> date | None:
    field: forms.Field = HoursForm.base_fields["valid_from"]  # type: ignore[attr-defined]
    try:
        return field.clean(request.POST.get("valid_from", ""))
    except ValidationError:
        return None


@signed_in
@require_POST
def drop_hours(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_hours(request.user)
    row = get_object_or_404(BusinessHours, pk=pk)
    return _dropped(request, row, _("The hours before go on in their place."))


def _dropped(request: HttpRequest, row: BusinessHours | BusinessDay, words: str) -> HttpResponse:
    try:
        on_seen(row, request.POST, row.delete, asked=_("remove it"))
    except CrmError as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, words)
    return redirect("plans:hours")


@signed_in
@require_POST
def add_days(request: HttpRequest) -> HttpResponse:
    """A list of days; with ``china`` the official one that comes along."""
    require_change_hours(request.user)
    form = DaysForm(request.POST if "china" not in request.POST else {"days": official_days_of_china()})
    if not form.is_valid():
        return _page(request, _next(), form, status=UNPROCESSABLE)
    try:
        asked = form.cleaned_data["days"].strip().partition("\n")[0]
        given = form.cleaned_data["days"]
        taken = on_seen(
            BusinessDay.objects.all(), request.POST, lambda: import_days(given), asked=asked, words=_days_off
        )
    except CrmError as refused:
        form.add_error("days", str(refused))
        return _page(request, _next(), form, status=CONFLICT if isinstance(refused, StaleEdit) else UNPROCESSABLE)
    counts = {"new": taken.new, "changed": taken.changed, "there": taken.there}
    messages.success(request, _("%(new)s days are new, %(changed)s changed, %(there)s were there.") % counts)
    return redirect("plans:hours")


@signed_in
@require_POST
def drop_day(request: HttpRequest, pk: int) -> HttpResponse:
    require_change_hours(request.user)
    row = get_object_or_404(BusinessDay, pk=pk)
    return _dropped(request, row, _("The day follows its day of the week again."))


def _hours_in_words(rows: list[BusinessHours]) -> str:
    """From when, at which times, on which days; the newest first."""
    told = [
        f"{row.valid_from:%Y-%m-%d} {row.opens_at:%H:%M}–{row.closes_at:%H:%M} {', '.join(_days(row))}"
        for row in sorted(rows, key=lambda row: row.valid_from, reverse=True)
    ]
    return "; ".join(told[:3]) or _("none")


def _days_off(rows: list[BusinessDay]) -> str:
    """The days that were written down last."""
    newest = sorted(rows, key=lambda row: row.updated_at, reverse=True)[:3]
    return ", ".join(str(row) for row in newest) or _("none")


def _next() -> HoursForm:
    """What holds now, to be changed from today on."""
    today = timezone.localdate()
    held = BusinessHours.objects.filter(valid_from__lte=today).first() or BusinessHours()
    names = ("opens_at", "closes_at", "working_days", "time_zone")
    return HoursForm(initial={name: getattr(held, name) for name in names} | {"valid_from": today})


def _page(request: HttpRequest, form: HoursForm, days_form: DaysForm, *, status: int = 200) -> HttpResponse:
    today = timezone.localdate()
    rows = list(BusinessHours.objects.all())
    held = next((row for row in rows if row.valid_from <= today), None)
    years: dict[int, list[BusinessDay]] = {}
    all_days = list(BusinessDay.objects.order_by("day"))
    for day in all_days:
        years.setdefault(day.day.year, []).append(day)
    is_kept = request.method == "POST" and status == UNPROCESSABLE
    context = {
        "tab": "hours",
        "is_kept_of_hours": is_kept and form.is_bound,
        "is_kept_of_days": is_kept and days_form.is_bound,
        "rows": [(row, _days(row), row == held) for row in rows],
        "all_hours": rows,
        "all_days": all_days,
        "own_zone": settings.TIME_ZONE,
        "years": sorted(years.items(), reverse=True),
        "this_year": today.year,
        "form": form,
        "days_form": days_form,
        "may_change": may_change_hours(request.user),
    }
    return render(request, "plans/hours.html", context, status=status)


def _days(row: BusinessHours) -> list[str]:
    return [str(name) for number, name in DAY_CHOICES if number in row.working_days]
