"""Which hours promises in business hours run by."""

from __future__ import annotations

import zoneinfo
from dataclasses import dataclass
from datetime import date, datetime, time
from functools import lru_cache

from django.db.models import Count, Max
from django.utils import timezone

from plans.models import BusinessDay, BusinessHours
from plans.timetable import USUAL, Hours, Timetable, timetable


@dataclass(frozen=True, slots=True, eq=False)
class WorkingTime:
    """The timetable, and the zone its hours are of: that of the newest hours that hold."""

    table: Timetable
    zone: zoneinfo.ZoneInfo

    def local(self, moment: datetime) -> datetime:
        """An aware moment as a naive one of the zone."""
        return moment.astimezone(self.zone).replace(tzinfo=None)


def working_time() -> WorkingTime:
    """As it stands; two look-ups, its rows are read once a change. Without a row Monday to Friday, 9 to 18 o'clock."""
    stamps = [
        str(model.objects.aggregate(count=Count("pk"), last=Max("updated_at")))
        for model in (BusinessHours, BusinessDay)
    ]
    return _working_time(tuple(stamps), timezone.get_default_timezone_name(), timezone.localdate())


@lru_cache(maxsize=4)
def _working_time(_stamps: tuple[str, ...], own_zone: str, today: date) -> WorkingTime:
    rows = list(BusinessHours.objects.order_by("valid_from"))
    held = [row for row in rows if row.valid_from <= today] or rows[:1]
    zone = (held[-1].time_zone if held else "") or own_zone
    hours = [
        Hours(row.valid_from, _seconds(row.opens_at), _seconds(row.closes_at), frozenset(row.working_days))
        for row in rows
    ]
    exceptions = dict(BusinessDay.objects.values_list("day", "is_working"))
    return WorkingTime(timetable(hours or [USUAL], exceptions), zoneinfo.ZoneInfo(zone))


def _seconds(at: time) -> float:
    return at.hour * 3600.0 + at.minute * 60.0 + at.second
