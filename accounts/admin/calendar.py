from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Max, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.dates import MONTHS, WEEKDAYS
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts.calendars import activate_calendar, deactivate_calendar, generate_calendar
from accounts.enums import CalendarPattern
from accounts.models import FiscalCalendar, FiscalPeriodRow
from crm.lib.exceptions import CrmError
from crm.lib.fiscal import SATURDAY, YearEnd
from crm.lib.periods import FIRST_YEAR, LAST_YEAR

YEAR_ENDS = (
    (YearEnd.NEAREST.value, _("the one nearest to the end of the month")),
    (YearEnd.LAST.value, _("the last one in the month")),
)

ASKED = ("name", "pattern", "first", "last", "month", "last_weekday", "year_end", "is_named_by_start")


class GenerateForm(BaseDialogForm):
    name = forms.CharField(label=_("Name"), max_length=80, widget=UnfoldAdminTextInputWidget)
    pattern = forms.ChoiceField(label=_("Periods"), choices=CalendarPattern.choices, widget=UnfoldAdminSelectWidget)
    first = forms.IntegerField(
        label=_("First fiscal year"), min_value=FIRST_YEAR + 1, max_value=LAST_YEAR, widget=UnfoldAdminTextInputWidget
    )
    last = forms.IntegerField(
        label=_("Last fiscal year"), min_value=FIRST_YEAR + 1, max_value=LAST_YEAR, widget=UnfoldAdminTextInputWidget
    )
    month = forms.TypedChoiceField(
        label=_("Month"),
        choices=list(MONTHS.items()),
        coerce=int,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Years of months begin with it; years of weeks end with it."),
    )
    last_weekday = forms.TypedChoiceField(
        label=_("Last weekday"),
        choices=list(WEEKDAYS.items()),
        coerce=int,
        initial=SATURDAY,
        widget=UnfoldAdminSelectWidget,
        help_text=_("Of years of weeks: they end on this day of the week."),
    )
    year_end = forms.ChoiceField(
        label=_("Which of them"), choices=YEAR_ENDS, initial=YearEnd.NEAREST.value, widget=UnfoldAdminSelectWidget
    )
    is_named_by_start = forms.BooleanField(
        label=_("Named after the year they begin in"),
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text=_("Of years of weeks, as in retail. Else after the year they end in."),
    )


class ConsentForm(BaseDialogForm):
    """Nothing to fill in; the button is the consent."""


@admin.register(FiscalCalendar)
class FiscalCalendarAdmin(ModelAdmin):
    list_display = ("name", "active_badge", "first_year", "last_year", "periods")
    fields = ("name", "active_badge", "first_year", "last_year", "periods", ("created_at", "updated_at"))
    readonly_fields = ("active_badge", "first_year", "last_year", "periods", "created_at", "updated_at")
    search_fields = ("name",)
    actions_list = ("generate",)
    actions_detail = ("activate", "deactivate")

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        counted = {"first": Min("rows__year"), "last": Max("rows__year"), "count": Count("rows")}
        return super().get_queryset(request).annotate(**counted)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A calendar begins generated, never empty: see the action."""
        return False

    def has_make_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return request.user.has_perm("accounts.add_fiscalcalendar")

    def has_activate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may_switch(request, object_id, is_active=False)

    def has_deactivate_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self._may_switch(request, object_id, is_active=True)

    def _may_switch(self, request: HttpRequest, object_id: str | None, *, is_active: bool) -> bool:
        if not request.user.has_perm("accounts.change_fiscalcalendar"):
            return False
        return object_id is None or FiscalCalendar.objects.filter(pk=object_id, is_active=is_active).exists()

    @action(
        description=_("Generate a calendar"),
        url_path="generate",
        icon="add",
        permissions=["make"],
        dialog={
            "title": _("New fiscal calendar"),
            "description": _("A table of periods that can be edited. Nothing changes until it is activated."),
            "form_class": GenerateForm,
            "form_submit_text": _("Generate"),
        },
    )
    def generate(self, request: HttpRequest, form: GenerateForm) -> HttpResponse:
        asked: dict[str, Any] = {name: form.cleaned_data[name] for name in ASKED}
        try:
            calendar = generate_calendar(**(asked | {"year_end": YearEnd(asked["year_end"])}))
        except CrmError as error:
            self.message_user(request, str(error), messages.ERROR)
            return _go(reverse("admin:accounts_fiscalcalendar_changelist"))
        self.message_user(request, _("The calendar %(name)s is made.") % {"name": calendar}, messages.SUCCESS)
        return _go(reverse("admin:accounts_fiscalcalendar_change", args=[calendar.pk]))

    @action(
        description=_("Activate"),
        url_path="activate",
        icon="check_circle",
        permissions=["activate"],
        dialog={
            "title": _("Activate this calendar"),
            "description": _(
                "From now on it reads fiscal periods such as FY2011-Q2 on every page and over REST. Grades keep to the start"
                " month of the settings."
            ),
            "form_class": ConsentForm,
            "form_submit_text": _("Activate"),
        },
    )
    def activate(self, request: HttpRequest, form: ConsentForm, object_id: str) -> HttpResponse:
        calendar = self._existing(request, object_id)
        try:
            activate_calendar(calendar=calendar)
        except CrmError as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            self.message_user(request, _("%(name)s is active.") % {"name": calendar}, messages.SUCCESS)
        return _go(reverse("admin:accounts_fiscalcalendar_change", args=[calendar.pk]))

    @action(
        description=_("Deactivate"),
        url_path="deactivate",
        icon="cancel",
        permissions=["deactivate"],
        dialog={
            "title": _("Deactivate this calendar"),
            "description": _("From now on fiscal years begin with the start month of the settings again."),
            "form_class": ConsentForm,
            "form_submit_text": _("Deactivate"),
        },
    )
    def deactivate(self, request: HttpRequest, form: ConsentForm, object_id: str) -> HttpResponse:
        calendar = self._existing(request, object_id)
        deactivate_calendar(calendar=calendar)
        self.message_user(request, _("%(name)s is not active any more.") % {"name": calendar}, messages.SUCCESS)
        return _go(reverse("admin:accounts_fiscalcalendar_change", args=[calendar.pk]))

    def _existing(self, request: HttpRequest, object_id: str) -> FiscalCalendar:
        calendar = self.get_object(request, object_id)
        if calendar is None:
            raise Http404
        return calendar

    @display(description=_("active"), boolean=True, ordering="is_active")
    def active_badge(self, calendar: FiscalCalendar) -> bool:
        return calendar.is_active

    @display(description=_("first fiscal year"), ordering="first")
    def first_year(self, calendar: Any) -> int | None:
        return calendar.first

    @display(description=_("last fiscal year"), ordering="last")
    def last_year(self, calendar: Any) -> int | None:
        return calendar.last

    @display(description=_("periods"), ordering="count")
    def periods(self, calendar: Any) -> SafeString:
        """Their number, as a link to them."""
        rows = reverse("admin:accounts_fiscalperiodrow_changelist")
        return format_html('<a href="{}?calendar__id__exact={}">{}</a>', rows, calendar.pk, calendar.count)


@admin.register(FiscalPeriodRow)
class FiscalPeriodRowAdmin(ModelAdmin):
    """The table of a calendar. While it is active its rows can only be looked at: a gap would leave periods unread."""

    list_display = ("__str__", "calendar", "starts_on", "ends_on")
    list_filter = ("calendar", "year")
    list_select_related = ("calendar",)
    date_hierarchy = "starts_on"

    def has_change_permission(self, request: HttpRequest, obj: FiscalPeriodRow | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.calendar.is_active)

    def has_delete_permission(self, request: HttpRequest, obj: FiscalPeriodRow | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.calendar.is_active)

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        rows = super().get_queryset(request)
        return rows if request.method == "GET" else rows.filter(calendar__is_active=False)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "calendar":
            kwargs["queryset"] = FiscalCalendar.objects.filter(is_active=False)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _go(url: str) -> HttpResponse:
    """Leads the browser on from a dialog, which htmx sends."""
    return HttpResponse(headers={"HX-Redirect": url})
