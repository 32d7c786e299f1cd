"""``accounts_today()``: the day in the company's time zone (``TIME_ZONE``), for triggers; connections themselves are in UTC.

Made by migration ``0036_days_of_the_company`` and, where the setting was changed since, after the next ``migrate``.
"""

from typing import Any

from django.conf import settings
from django.db import connection

BODY = "SELECT (now() AT TIME ZONE '{zone}')::date"


def body() -> str:
    return BODY.format(zone=settings.TIME_ZONE.replace("'", "''"))


def create() -> str:
    return f"CREATE OR REPLACE FUNCTION accounts_today() RETURNS date LANGUAGE sql STABLE AS $${body()}$$"


def put_on(**kwargs: Any) -> None:
    """Receiver of post_migrate."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT prosrc FROM pg_proc WHERE oid = to_regproc('accounts_today')")
        there = cursor.fetchone()
        if there and there[0] != body():
            cursor.execute(create())
