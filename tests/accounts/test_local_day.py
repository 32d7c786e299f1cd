"""The day of the company in triggers."""

import pytest
from django.db import connection
from django.utils import timezone

from accounts import local_day


def today_of_the_database():
    with connection.cursor() as cursor:
        cursor.execute("SELECT accounts_today()")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Pacific/Kiritimati", "Pacific/Pago_Pago"])
def test_today_is_that_of_the_zone_of_the_settings(db, settings, zone):
    """Between Kiritimati and Pago Pago lie 25 hours: at any time one of them has another day than UTC."""
    settings.TIME_ZONE = zone
    local_day.put_on()
    with timezone.override(zone):
        assert today_of_the_database() == timezone.localdate()


def test_no_trigger_asks_for_the_day_of_the_connection(db):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname FROM pg_proc WHERE pronamespace = current_schema()::regnamespace"
            " AND prorettype = 'trigger'::regtype AND prosrc ~* 'current_date|now\\(\\)::date'"
            " OR proname = 'accounts_follow_link' AND prosrc ~* 'current_date'"
        )
        assert cursor.fetchall() == []
