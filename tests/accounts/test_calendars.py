"""Fiscal calendars: generated, checked whole before they are active, one active at a time, and who may do what."""

from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.db import IntegrityError, transaction
from django.urls import reverse

from accounts.calendars import activate_calendar, active_calendar, deactivate_calendar, generate_calendar
from accounts.models import FiscalCalendar, FiscalPeriodRow
from crm.lib.exceptions import PeriodError
from crm.lib.fiscal import WeekPattern, week_calendar
from crm.lib.periods import Period
from metrics.periods import last_fiscal_year, read_period
from tests.factories import make_superuser, make_user
from tiering.windows import windows_at

pytestmark = pytest.mark.django_db
RETAIL = {"pattern": "4-5-4", "first": 2009, "last": 2013, "month": 1, "is_named_by_start": True}


def make_calendar(**fields):
    return generate_calendar(**({"name": "Retail", **RETAIL} | fields))


def test_generated_calendar_holds_the_published_retail_years():
    calendar = activate_calendar(calendar=make_calendar())

    assert calendar.rows.count() == 60
    assert read_period("FY2012") == Period(date(2012, 1, 29), date(2013, 2, 3))  # 53 weeks
    assert read_period("fy2011-q2") == Period(date(2011, 5, 1), date(2011, 7, 31))
    assert read_period("FY2011-H2") == Period(date(2011, 7, 31), date(2012, 1, 29))
    assert read_period("FY2011-P03") == Period(date(2011, 4, 3), date(2011, 5, 1))
    assert read_period("FY2011-P02..FY2011-P03") == Period(date(2011, 2, 27), date(2011, 5, 1))
    assert read_period("2011") == Period(date(2011, 1, 1), date(2012, 1, 1))


@pytest.mark.parametrize("pattern", ["4-4-5", "4-5-4", "5-4-4"])
def test_rows_give_the_calendar_they_were_made_from(pattern):
    activate_calendar(calendar=make_calendar(pattern=pattern))

    assert active_calendar() == week_calendar(
        2009, 2013, pattern=WeekPattern(pattern), end_month=1, is_named_by_start=True
    )


def test_year_from_april_is_a_calendar_of_months():
    activate_calendar(calendar=make_calendar(name="April", pattern="months", month=4))

    assert read_period("FY2011") == Period(date(2010, 4, 1), date(2011, 4, 1))
    assert read_period("FY2011-P12") == Period(date(2011, 3, 1), date(2011, 4, 1))


def test_without_an_active_calendar_the_start_month_of_the_settings_counts(settings):
    settings.FISCAL_YEAR_START_MONTH = 12
    calendar = make_calendar()
    assert active_calendar() is None
    assert read_period("FY2011-Q2") == Period(date(2011, 3, 1), date(2011, 6, 1))
    assert last_fiscal_year(date(2011, 11, 30)).label == "FY2011"

    activate_calendar(calendar=calendar)
    assert read_period("FY2011-Q2").start == date(2011, 5, 1)
    deactivate_calendar(calendar=calendar)
    assert read_period("FY2011-Q2").start == date(2011, 3, 1)


def test_one_calendar_is_active_at_a_time():
    retail, april = make_calendar(), make_calendar(name="April", pattern="months", month=4)
    for chosen in (retail, april, april):
        activate_calendar(calendar=chosen)

    assert list(FiscalCalendar.objects.filter(is_active=True)) == [april]
    with pytest.raises(IntegrityError), transaction.atomic():
        FiscalCalendar.objects.update(is_active=True)


def test_edited_table_is_read_anew_and_one_with_a_gap_is_refused():
    calendar = make_calendar()
    activate_calendar(calendar=calendar)
    assert read_period("FY2010-P01").days == 28
    deactivate_calendar(calendar=calendar)
    first, second = calendar.rows.filter(year=2010, number__lte=2).order_by("number")
    first.ends_on = date(2010, 3, 6)
    with pytest.raises(IntegrityError), transaction.atomic():
        first.save()
    second.starts_on = date(2010, 3, 7)
    second.save()
    with pytest.raises(PeriodError, match="must begin on the day after"):
        activate_calendar(calendar=calendar)
    first.save()
    activate_calendar(calendar=calendar)

    assert read_period("FY2010-P01").days == 35


def test_calendar_without_rows_cannot_be_active():
    with pytest.raises(PeriodError):
        activate_calendar(calendar=FiscalCalendar.objects.create(name="Empty"))


def test_years_outside_the_calendar_are_refused_in_words():
    activate_calendar(calendar=make_calendar())

    with pytest.raises(PeriodError, match="covers the years 2009 to 2013"):
        read_period("FY2014")
    with pytest.raises(PeriodError, match="has 12 periods"):
        read_period("FY2011-P13")


def test_last_fiscal_year_is_that_of_the_calendar_while_it_reaches():
    activate_calendar(calendar=make_calendar())

    assert last_fiscal_year(date(2012, 1, 28)).label == "FY2011"
    assert last_fiscal_year(date(2012, 1, 27)).label == "FY2010"
    assert last_fiscal_year(date(2014, 6, 1)).label == "FY2013"
    assert last_fiscal_year(date(2009, 6, 1)) is None
    assert last_fiscal_year(date(2016, 1, 1)) is None


@pytest.mark.parametrize(
    "fields", [{"first": 2013, "last": 2009}, {"last": 2200}, {"month": 13}, {"first": 1970, "last": 1971}]
)
def test_what_makes_no_calendar_is_refused_and_leaves_nothing(fields):
    with pytest.raises(PeriodError):
        make_calendar(**fields)

    assert not FiscalCalendar.objects.exists()


def test_name_is_taken_once():
    make_calendar()

    with pytest.raises(PeriodError, match="another name"):
        make_calendar()


def test_grades_keep_to_the_start_month_whatever_is_active():
    before = windows_at(date(2012, 6, 30), fiscal_start_month=1)
    activate_calendar(calendar=make_calendar())

    assert windows_at(date(2012, 6, 30), fiscal_start_month=1) == before


def test_active_calendar_costs_one_look_up_once_it_is_known(django_assert_num_queries):
    activate_calendar(calendar=make_calendar())
    active_calendar()

    with django_assert_num_queries(1):
        read_period("FY2011")


GENERATE, SWITCH = "admin:accounts_fiscalcalendar_generate", "admin:accounts_fiscalcalendar_{}"
SENT = {"name": "Weeks", "pattern": "4-4-5", "first": 2020, "last": 2025, "month": 12, "last_weekday": 5,
        "year_end": "last", "_form_submitted": "1"}  # fmt: skip


def test_admin_generates_activates_and_deactivates(client):
    client.force_login(make_superuser())

    made = client.post(reverse(GENERATE), SENT, headers={"HX-Request": "true"})
    calendar = FiscalCalendar.objects.get(name="Weeks")
    assert made.headers["HX-Redirect"] == reverse("admin:accounts_fiscalcalendar_change", args=[calendar.pk])
    for doing, is_active in (("activate", True), ("deactivate", False)):
        client.post(
            reverse(SWITCH.format(doing), args=[calendar.pk]), {"_form_submitted": "1"}, headers={"HX-Request": "true"}
        )
        calendar.refresh_from_db()
        assert calendar.is_active is is_active
    assert client.get(made.headers["HX-Redirect"]).status_code == 200
    assert "Weeks" in client.get(reverse("admin:accounts_fiscalcalendar_changelist")).content.decode()
    assert client.get(reverse("admin:accounts_fiscalperiodrow_changelist")).status_code == 200


def test_admin_needs_the_rights(client):
    staff = make_user(is_staff=True)
    staff.user_permissions.set(Permission.objects.filter(codename="view_fiscalcalendar"))
    client.force_login(staff)
    calendar = make_calendar()

    client.post(reverse(GENERATE), SENT, headers={"HX-Request": "true"})
    client.post(
        reverse(SWITCH.format("activate"), args=[calendar.pk]), {"_form_submitted": "1"}, headers={"HX-Request": "true"}
    )

    assert list(FiscalCalendar.objects.filter(is_active=False)) == [calendar]


def test_rows_of_the_active_calendar_cannot_be_changed(client):
    client.force_login(make_superuser())
    calendar = activate_calendar(calendar=make_calendar())
    row = calendar.rows.get(year=2010, number=1)
    url = reverse("admin:accounts_fiscalperiodrow_change", args=[row.pk])
    sent = {"calendar": calendar.pk, "year": 2010, "number": 1, "starts_on": "2010-01-31", "ends_on": "2010-02-20"}

    client.post(url, sent)
    client.post(reverse("admin:accounts_fiscalcalendar_delete", args=[calendar.pk]), {"post": "yes"})
    assert FiscalPeriodRow.objects.get(pk=row.pk).ends_on == date(2010, 2, 27)

    deactivate_calendar(calendar=calendar)
    client.post(url, sent)
    assert FiscalPeriodRow.objects.get(pk=row.pk).ends_on == date(2010, 2, 20)
