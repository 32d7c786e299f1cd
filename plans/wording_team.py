"""Gaps of teams and the tasks they open, in the reader's words; the same on page, export and REST."""

from __future__ import annotations

from django.utils.translation import gettext as _

from accounts.enums import TeamRole
from plans.enums_team import TaskOrigin, TeamGap
from plans.models import Task


def gap_text(gap: str, role: str = "") -> str:
    """What is wrong: the gap, and at which seat where it is about one."""
    label = str(TeamGap(gap).label)
    return _("%(gap)s: %(role)s") % {"gap": label, "role": TeamRole(role).label} if role else label


def task_text(task: Task) -> str:
    """What is to be done. No query where ``about`` came along."""
    if task.origin != TaskOrigin.GAP:
        return task.text
    if task.gap == TeamGap.OVERLOAD:
        return _("Relieve %(user)s: the load is above the capacity") % {"user": task.about}
    if task.gap == TeamGap.UNTOUCHED:
        return _("Call or visit the customer: the cadence of the grade has passed")
    words = {
        TeamGap.MISSING: _("Fill the seat: %(role)s"),
        TeamGap.LEFT: _("Fill the seat anew, its holder is switched off: %(role)s"),
        TeamGap.NO_DEPUTY: _("Name a deputy: %(role)s"),
    }
    return words[TeamGap(task.gap)] % {"role": TeamRole(task.role).label}
