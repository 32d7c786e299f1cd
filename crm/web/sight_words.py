"""Ways to an account, and what stands in the way, in whole sentences."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Reach
from accounts.enums import TeamRole
from accounts.fields import Hidden
from accounts.models import User
from accounts.sight import Found, Obstacle, Sight, Way
from crm.web import formats

WAYS = {
    Way.ROLE: gettext_lazy("By role"),
    Way.PERMISSION: gettext_lazy("By a permission of their own"),
    Way.GROUP: gettext_lazy("By a group of rights"),
    Way.OWNER: gettext_lazy("Owner"),
    Way.SEAT: gettext_lazy("Seat on the team"),
    Way.DEPUTY: gettext_lazy("Deputy on the team"),
    Way.UNIT: gettext_lazy("Through units they head"),
}
REACHES = {
    Reach.ALL: gettext_lazy("Every account."),
    Reach.SUBTREE: gettext_lazy("Their own, and those of everybody placed in the units they head and below."),
    Reach.OWN: gettext_lazy("Their own: those they own, and those with a seat of theirs on the team."),
}
HIDDEN = {
    Hidden.MARGIN: gettext_lazy("Costs, margins and what is worked out from them"),
    Hidden.PERSONAL: gettext_lazy("Phone, e-mail, notes and attitude of contacts"),
}


def way_words(found: Found) -> str:
    """One way to one account."""
    if found.way is Way.GROUP:
        return _("By the group of rights “%(name)s”") % {"name": found.name}
    if found.way is Way.UNIT:
        return _through(found)
    if found.role and found.since:
        words = {"role": TeamRole(found.role).label, "day": formats.day(found.since)}
        if found.way is Way.DEPUTY:
            return _("Deputy: %(role)s since %(day)s") % words
        return _("%(role)s since %(day)s") % words
    return str(WAYS[found.way])


def _through(found: Found) -> str:
    assert found.person is not None
    words = {"name": found.person.display_name, "unit": found.person.unit or "–"}
    if found.role:
        return _("%(name)s (%(unit)s) has a seat: %(role)s") % (words | {"role": TeamRole(found.role).label})
    return _("%(name)s (%(unit)s) owns it") % words


def obstacle_words(obstacle: Obstacle, what: Any) -> str:
    if obstacle in {Obstacle.SEAT_OVER, Obstacle.SEAT_COMES}:
        words = {"day": formats.day(what)}
        if obstacle is Obstacle.SEAT_OVER:
            return _("The seat on the team ended on %(day)s.") % words
        return _("The seat on the team begins on %(day)s.") % words
    named = {
        Obstacle.MERGED: gettext_lazy("It was merged into %(name)s, which stands for it; nobody sees it any more."),
        Obstacle.OTHER_OWNER: gettext_lazy("Somebody else owns it: %(name)s."),
        Obstacle.NO_MANAGER: gettext_lazy("Heading %(name)s opens accounts to the role of a manager alone."),
    }
    if obstacle in named:
        return str(named[obstacle]) % {"name": what.display_name if isinstance(what, User) else what}
    return str(_PLAIN[obstacle])


_PLAIN = {
    Obstacle.OFF: gettext_lazy("The log-in is switched off: it sees nothing."),
    Obstacle.ROLE: gettext_lazy("The role does not look at accounts."),
    Obstacle.NO_OWNER: gettext_lazy("Nobody owns it."),
    Obstacle.NO_SEAT: gettext_lazy("There is no seat on its team, nor was there one."),
    Obstacle.HEADS_NOTHING: gettext_lazy("A manager sees the accounts of the units they head; this one heads none."),
    Obstacle.OUTSIDE: gettext_lazy(
        "Neither its owner nor anybody on its team is placed in the units they head, or below."
    ),
}


def everything_words(sight: Sight) -> list[str]:
    """By which ways every account is seen; empty where not all are."""
    return [way_words(Found(way, name=name)) for way, name in sight.everything]
