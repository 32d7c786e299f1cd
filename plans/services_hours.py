"""Days off and make-up days, taken in as a plain list; what cannot be read is named line by line, and nothing is kept."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.db import transaction
from django.utils.translation import gettext as _

from crm.lib.exceptions import CrmError
from plans.models import BusinessDay

MOST_LINES = 2_000
MOST_DAYS = 60  # of one line
SHOWN = 5  # faults named in the refusal
NAME_LENGTH = 80
CHINA = Path(__file__).parent / "days" / "china.csv"
DAY = r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*[-/.月]?\s*(\d{1,2})\s*日?"
LINE = re.compile(
    rf"^{DAY}(?:\s*(?:\.\.|–|—|~|至|to)\s*{DAY})?\s*[,，;；\t ]\s*([^,，;；\t ]+)\s*(?:[,，;；\t ]\s*(.*))?$"
)
OFF = frozenset({"off", "holiday", "free", "休", "休息", "放假", "假", "节假日", "節假日"})
WORKED = frozenset({"work", "working", "worked", "班", "上班", "补班", "補班", "调休上班", "調休上班"})


class DaysRefused(CrmError):
    """A list of days that cannot be read; the message names lines and what is wrong with each."""

    code = "days-refused"
    status = 422


@dataclass(frozen=True, slots=True)
class Taken:
    """What a list brought: days that are new, that say something else now, and that were there."""

    new: int
    changed: int
    there: int


@transaction.atomic
def import_days(text: str) -> Taken:
    """Take in lines such as ``2026-10-01..2026-10-07, off, National Day`` or ``2026年10月10日 班``. The same list twice
    changes nothing.

    raises DaysRefused : a line that is none, a day named twice with another meaning, or nothing at all
    """
    wanted = _read(text)
    known = {row.day: row for row in BusinessDay.objects.select_for_update().filter(day__in=wanted)}
    new = [row for day, row in wanted.items() if day not in known]
    changed = []
    for day, row in known.items():
        asked = wanted[day]
        if (row.is_working, row.name) != (asked.is_working, asked.name):
            row.is_working, row.name = asked.is_working, asked.name
            changed.append(row)
    BusinessDay.objects.bulk_create(new)
    for row in changed:
        row.save()
    return Taken(len(new), len(changed), len(wanted) - len(new) - len(changed))


def official_days_of_china() -> str:
    """The list that comes along: days off and make-up days that the State Council announced, as text for ``import_days``."""
    with CHINA.open(encoding="utf-8", newline="") as lines:
        return "\n".join(", ".join(row) for row in csv.reader(lines) if row and not row[0].startswith("#"))


def _read(text: str) -> dict[date, BusinessDay]:
    found: dict[date, BusinessDay] = {}
    faults: list[str] = []
    lines = text.splitlines()
    if len(lines) > MOST_LINES:
        raise DaysRefused(_("A list holds %(count)s lines at most.") % {"count": MOST_LINES})
    for number, line in enumerate(lines, start=1):
        bare = line.strip().strip("\ufeff\u3000")
        if not bare or bare.startswith("#"):
            continue
        try:
            for row in _days_of(bare):
                if found.setdefault(row.day, row).is_working != row.is_working:
                    twice = _("%(day)s is named twice, off and worked.") % {"day": row.day}
                    faults.append(_("Line %(number)s: %(fault)s") % {"number": number, "fault": twice})
        except DaysRefused as fault:
            faults.append(_("Line %(number)s: %(fault)s") % {"number": number, "fault": fault})
    if faults:
        raise DaysRefused(" ".join(faults[:SHOWN]))
    if not found:
        raise DaysRefused(_("There is no day in the list. Write one a line, such as 2026-10-01, off, National Day."))
    return found


def _days_of(line: str) -> Iterator[BusinessDay]:
    parts = LINE.match(line)
    if parts is None:
        raise DaysRefused(_("“%(line)s” is no day. Write it as 2026-10-01, off, National Day.") % {"line": line[:40]})
    first = _date(*parts.group(1, 2, 3))
    last = _date(*parts.group(4, 5, 6)) if parts.group(4) else first
    if not 0 <= (last - first).days < MOST_DAYS:
        raise DaysRefused(_("A line covers %(count)s days at most, the first of them first.") % {"count": MOST_DAYS})
    word = parts.group(7).lower()
    if word not in OFF | WORKED:
        raise DaysRefused(_("“%(word)s” is neither off nor work.") % {"word": word[:20]})
    name = (parts.group(8) or "").strip().replace("\x00", "")[:NAME_LENGTH]
    for step in range((last - first).days + 1):
        yield BusinessDay(day=first + timedelta(days=step), is_working=word in WORKED, name=name)


def _date(year: str, month: str, day: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError as error:
        words = {"day": f"{year}-{month}-{day}"}
        raise DaysRefused(_("%(day)s is no day of the calendar.") % words) from error
