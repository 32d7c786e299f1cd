"""Why somebody sees an account, or does not: the ways behind ``AccountQuerySet.visible_to``, told one by one.

Nothing here decides. Who sees what is asked of ``visible_to``; the ways are the parts it is made of (reach, owner, seats,
people below), and a test holds that an account has a way exactly where it is visible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from django.contrib.auth.models import Permission
from django.db.models import Count, Q

from accounts.access import REACH, VIEW_ALL, Action, Reach, Role
from accounts.models import Account, OrgUnit, TeamMember, User
from accounts.querysets import AccountQuerySet


class Way(StrEnum):
    """The first three show every account, the others one at a time."""

    ROLE = "role"
    PERMISSION = "permission"
    GROUP = "group"  # of rights, that holds the permission
    OWNER = "owner"
    SEAT = "seat"
    DEPUTY = "deputy"
    UNIT = "unit"  # owned by, or with a seat of, somebody in the units one heads and below


EACH = (Way.OWNER, Way.SEAT, Way.DEPUTY, Way.UNIT)


@dataclass(frozen=True, slots=True)
class Sight:
    """What decides about the accounts of one person. ``everything``: the ways by which all are seen, with the names of
    groups; ``others``: keys of the people whose accounts a manager sees; ``units``: those one heads, whatever the role."""

    user: User
    may_look: bool
    reach: Reach
    everything: tuple[tuple[Way, str], ...]
    others: frozenset[int]
    units: tuple[OrgUnit, ...]


def sight_of(user: User) -> Sight:
    """A handful of statements, the same number for everybody."""
    others: frozenset[int] = frozenset()
    if user.effective_role is Role.MANAGER:
        others = frozenset(user.people_below) - {user.pk}
    return Sight(
        user=user,
        may_look=user.may(Action.ACCOUNT_VIEW),
        reach=user.reach,
        everything=tuple(_ways_to_everything(user)),
        others=others,
        units=tuple(OrgUnit.objects.filter(head=user).order_by("name", "pk")),
    )


def _ways_to_everything(user: User) -> list[tuple[Way, str]]:
    app, codename = VIEW_ALL.split(".")
    wanted = Permission.objects.filter(content_type__app_label=app, codename=codename)
    found = [(Way.ROLE, "")] if REACH[user.effective_role] is Reach.ALL else []
    if user.user_permissions.filter(pk__in=wanted).exists():
        found.append((Way.PERMISSION, ""))
    names = user.groups.filter(permissions__in=wanted).order_by("name").values_list("name", flat=True).distinct()
    return found + [(Way.GROUP, name) for name in names]


def seen_by(user: User, *, viewer: User) -> AccountQuerySet:
    """What the user sees, of what the viewer may see too."""
    rows = Account.objects.visible_to(user)
    if viewer.reach is Reach.ALL and viewer.may(Action.ACCOUNT_VIEW):
        return rows
    return rows.filter(pk__in=Account.objects.visible_to(viewer).order_by().values("pk"))


def condition(sight: Sight, way: Way, *, on: date) -> Q:
    """Which accounts this way leads to."""
    seats = TeamMember.objects.current(on).order_by()
    if way in {Way.ROLE, Way.PERMISSION, Way.GROUP}:
        return Q() if any(way is one for one, _name in sight.everything) else Q(pk__in=[])
    if way is Way.OWNER:
        return Q(owner=sight.user)
    if way is Way.UNIT:
        theirs = seats.filter(user__in=sight.others).values("account")
        return Q(owner__in=sight.others) | Q(pk__in=theirs) if sight.others else Q(pk__in=[])
    return Q(pk__in=seats.filter(user=sight.user, is_deputy=way is Way.DEPUTY).values("account"))


def counts(sight: Sight, *, viewer: User, on: date) -> dict[str, int]:
    """``total``, and how many of them each single way leads to; one statement. An account can be seen in several ways."""
    asked = {f"by_{way}": Count("pk", filter=condition(sight, way, on=on)) for way in EACH}
    told = seen_by(sight.user, viewer=viewer).order_by().aggregate(total=Count("pk"), **asked)
    return {name.removeprefix("by_"): number for name, number in told.items()}


@dataclass(frozen=True, slots=True)
class Found:
    """One way to one account. ``name``: of a group of rights; ``role`` and ``since``: of the seat; ``person``: whose
    account it is, for a unit."""

    way: Way
    name: str = ""
    role: str = ""
    since: date | None = None
    person: User | None = None


def ways_to(sight: Sight, accounts: Sequence[Account], *, on: date) -> dict[int, list[Found]]:
    """Every way to each of these accounts; two statements however many. Empty lists where there is none."""
    found: dict[int, list[Found]] = {account.pk: [] for account in accounts}
    if not sight.may_look:
        return found
    standing = [account for account in accounts if account.merged_into_id is None]
    people = User.objects.select_related("unit").in_bulk(
        {account.owner_id for account in standing} & (sight.others | {sight.user.pk})
    )
    for account in standing:
        ways = found[account.pk]
        ways += [Found(way, name=name) for way, name in sight.everything]
        if account.owner_id == sight.user.pk:
            ways.append(Found(Way.OWNER))
        elif account.owner_id in people:
            ways.append(Found(Way.UNIT, person=people[account.owner_id]))
    for seat in _seats(sight, standing).current(on):
        found[seat.account_id].append(_of_seat(sight, seat))
    return found


def _seats(sight: Sight, accounts: Sequence[Account]) -> Any:
    rows = TeamMember.objects.filter(account__in=accounts, user__in=sight.others | {sight.user.pk})
    return rows.select_related("user__unit").order_by("account", "role", "valid_from", "pk")


def _of_seat(sight: Sight, seat: TeamMember) -> Found:
    if seat.user_id != sight.user.pk:
        return Found(Way.UNIT, role=seat.role, since=seat.valid_from, person=seat.user)
    return Found(Way.DEPUTY if seat.is_deputy else Way.SEAT, role=seat.role, since=seat.valid_from)


# --- One account: yes or no, and why ---


class Obstacle(StrEnum):
    """What stands in the way, the first ones whatever else there is."""

    OFF = "off"
    ROLE = "no_look"
    MERGED = "merged"
    OTHER_OWNER = "other_owner"
    NO_OWNER = "no_owner"
    NO_SEAT = "no_seat"
    SEAT_OVER = "seat_over"
    SEAT_COMES = "seat_comes"
    HEADS_NOTHING = "heads_nothing"
    OUTSIDE = "outside"
    NO_MANAGER = "no_manager"


@dataclass(frozen=True, slots=True)
class Explanation:
    account: Account
    sees: bool
    ways: list[Found] = field(default_factory=list)
    obstacles: list[tuple[Obstacle, Any]] = field(default_factory=list)  # with a person, day, account or None


def explain(sight: Sight, account: Account, *, on: date) -> Explanation:
    """Whether the person sees the account, as ``visible_to`` says, and by which ways; else everything that would have to
    be otherwise."""
    sees = Account.objects.visible_to(sight.user).filter(pk=account.pk).exists()
    if sees:
        return Explanation(account, sees, ways=ways_to(sight, [account], on=on)[account.pk])
    return Explanation(account, sees, obstacles=_obstacles(sight, account, on))


def _obstacles(sight: Sight, account: Account, on: date) -> list[tuple[Obstacle, Any]]:
    user = sight.user
    if not user.is_active:
        return [(Obstacle.OFF, None)]
    if not sight.may_look:
        return [(Obstacle.ROLE, None)]
    if account.merged_into_id is not None:
        return [(Obstacle.MERGED, account.merged_into)]
    owner = (Obstacle.OTHER_OWNER, account.owner) if account.owner_id else (Obstacle.NO_OWNER, None)
    return [owner, _of_past_seats(user, account, on), *_of_units(sight)]


def _of_past_seats(user: User, account: Account, on: date) -> tuple[Obstacle, Any]:
    seats = TeamMember.objects.filter(account=account, user=user)
    if coming := seats.filter(valid_from__gt=on).order_by("valid_from").first():
        return Obstacle.SEAT_COMES, coming.valid_from
    if ended := seats.filter(valid_to__lte=on).order_by("-valid_to").first():
        return Obstacle.SEAT_OVER, ended.valid_to
    return Obstacle.NO_SEAT, None


def _of_units(sight: Sight) -> list[tuple[Obstacle, Any]]:
    if sight.user.effective_role is not Role.MANAGER:
        return [(Obstacle.NO_MANAGER, sight.units[0])] if sight.units else []
    return [(Obstacle.OUTSIDE if sight.units else Obstacle.HEADS_NOTHING, None)]
