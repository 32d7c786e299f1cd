"""The filters of the account list: read from the address, put on a queryset, shown as chips, kept in saved views."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.enums import AccountNeed, AccountSize, AccountStatus, Grade, MarketPotential
from accounts.models import Account, User
from accounts.querysets import AccountQuerySet
from crm.lib.wall import beyond_the_wall

LONGEST_TEXT = 100
ME, NONE = "me", "none"  # besides the keys of people and accounts
BY_KEY = {"owner": {ME, NONE}, "group": {NONE}, "dealer": {NONE}}  # what each takes besides a key
STRONG_CHANGE = 0.2  # of growth, the edge of the outer bands
RECENT_DAYS = (30, 90, 180, 365)
Apply = Callable[[AccountQuerySet, Sequence[str], "Asked"], AccountQuerySet]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks, and the day the figures go up to."""

    user: User
    as_of: date | None


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter. ``choices`` are fixed, or read by ``options`` when its menu opens; both may be missing (free text)."""

    key: str
    label: Any
    apply: Apply
    choices: tuple[tuple[str, Any], ...] = ()
    has_options: bool = False
    is_multiple: bool = False


def _text(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    return rows.search(values[0])


def _grade(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    return rows.filter(grade__in=values)


def _owner(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    wanted = Q()
    for value in values:
        if value == ME:
            wanted |= Q(owner=asked.user)
        elif value == NONE:
            wanted |= Q(owner__isnull=True)
        elif value.isdecimal():
            wanted |= Q(owner_id=int(value))
    return rows.filter(wanted) if wanted else rows.none()


def _equal(field: str) -> Apply:
    return lambda rows, values, _asked: rows.filter(**{f"{field}__in": ["" if v == "-" else v for v in values]})


def _group(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    if values[0] == NONE:
        # Whom the reader may not open does not show by what is missing from the list either.
        members = Account.objects.visible_to(asked.user).filter(parent=OuterRef("pk"))
        return rows.filter(~Exists(members), parent__isnull=True)
    return rows.in_group(int(values[0])) if values[0].isdecimal() else rows.none()


def _dealer(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    wanted = Q(dealer__in=[int(value) for value in values if value != NONE])
    return rows.filter(wanted | Q(dealer__isnull=True) if NONE in values else wanted)


def _growth(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    rate = "figures__growth_rate"
    bands = {
        "up20": Q(**{f"{rate}__gte": STRONG_CHANGE}),
        "up": Q(**{f"{rate}__gte": 0, f"{rate}__lt": STRONG_CHANGE}),
        "down": Q(**{f"{rate}__lt": 0, f"{rate}__gt": -STRONG_CHANGE}),
        "down20": Q(**{f"{rate}__lte": -STRONG_CHANGE}),
        "none": Q(**{f"{rate}__isnull": True}),
    }
    wanted = Q()
    for value in values:
        wanted |= bands[value]
    return rows.filter(wanted)


def _last_order(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    day = "figures__last_order_on"
    value = values[0]
    if value == "never":
        return rows.filter(**{f"{day}__isnull": True})
    if asked.as_of is None:
        return rows.none()
    if value == "lapsed":
        return rows.filter(**{f"{day}__lte": asked.as_of - timedelta(days=RECENT_DAYS[-1])})
    return rows.filter(**{f"{day}__gt": asked.as_of - timedelta(days=int(value))})


def _status(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    return rows.filter(status__in=values)


def _watch(rows: AccountQuerySet, values: Sequence[str], asked: Asked) -> AccountQuerySet:
    return rows.filter(is_watched=True)


UNKNOWN = ("-", _("not given"))
GROWTH_BANDS = (
    # xgettext:no-python-format
    ("up20", _("up 20 % or more")),
    ("up", _("up less than 20 %")),
    ("down", _("down less than 20 %")),
    # xgettext:no-python-format
    ("down20", _("down 20 % or more")),
    ("none", _("not defined")),
)
LAST_ORDERS = (
    ("30", _("in the last 30 days")),
    ("90", _("in the last 90 days")),
    ("180", _("in the last 180 days")),
    ("365", _("in the last 365 days")),
    ("lapsed", _("more than a year ago")),
    ("never", _("never")),
)
FILTERS: dict[str, Filter] = {
    one.key: one
    for one in (
        Filter("q", _("Text"), _text),
        Filter("grade", _("Grade"), _grade, choices=tuple(Grade.choices), is_multiple=True),
        Filter("owner", _("Owner"), _owner, has_options=True, is_multiple=True),
        Filter("segment", _("Segment"), _equal("segment"), has_options=True, is_multiple=True),
        Filter("industry", _("Industry"), _equal("industry"), has_options=True, is_multiple=True),
        Filter("region", _("Region"), _equal("region"), has_options=True, is_multiple=True),
        Filter("channel", _("Channel"), _equal("channel"), has_options=True, is_multiple=True),
        Filter("size", _("Size"), _equal("size"), choices=(*AccountSize.choices, UNKNOWN), is_multiple=True),
        Filter("need", _("Need"), _equal("need"), choices=(*AccountNeed.choices, UNKNOWN), is_multiple=True),
        Filter("potential", _("Potential"), _equal("potential"), choices=(*MarketPotential.choices, UNKNOWN),
               is_multiple=True),
        Filter("dealer", _("Dealer"), _dealer, has_options=True, is_multiple=True),
        Filter("group", _("Group"), _group, has_options=True),
        Filter("growth", _("Growth"), _growth, choices=GROWTH_BANDS, is_multiple=True),
        Filter("last_order", _("Last order"), _last_order, choices=LAST_ORDERS),
        Filter("status", _("Status"), _status, choices=tuple(AccountStatus.choices), is_multiple=True),
        Filter("watch", _("Watch"), _watch, choices=(("1", _("watched")),)),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Chip:
    """One active value of a filter, and the query string without it."""

    label: Any
    value: Any
    without: str


class AccountFilter:
    """What an address asks of the account list. Unknown names and values are left out."""

    def __init__(self, query: QueryDict, asked: Asked) -> None:
        self.asked = asked
        self.values = {key: values for key in FILTERS if (values := _clean(FILTERS[key], query.getlist(key)))}

    def apply(self, rows: AccountQuerySet) -> AccountQuerySet:
        for key, values in self.values.items():
            rows = FILTERS[key].apply(rows, values, self.asked)
        return rows

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def needs_group_name(self) -> bool:
        return self.values.get("group", [NONE]) != [NONE]

    def query(self, **extra: str) -> str:
        """The filter as a query string, always in the same order."""
        params = QueryDict(mutable=True)
        for key, values in self.values.items():
            params.setlist(key, values)
        for key, value in extra.items():
            if value:
                params[key] = value
        return params.urlencode()

    def toggled(self, key: str, value: str) -> str:
        """The query string with ``value`` of a filter switched on or off."""
        params = QueryDict(mutable=True)
        for name, values in self.values.items():
            params.setlist(name, values)
        now = params.getlist(key)
        if value in now:
            now = [one for one in now if one != value]
        else:
            now = [*now, value] if FILTERS[key].is_multiple else [value]
        params.setlist(key, now)
        return params.urlencode()

    def chips(self) -> list[Chip]:
        """The active values in words; a query for owners and one for the group where those are used."""
        names = self._names()
        return [
            Chip(FILTERS[key].label, names.get((key, value), value), self.toggled(key, value))
            for key, values in self.values.items()
            for value in values
        ]

    def _names(self) -> dict[tuple[str, str], Any]:
        names: dict[tuple[str, str], Any] = {
            (one.key, value): label for one in FILTERS.values() for value, label in one.choices
        }
        names |= {("owner", ME): _("me"), ("owner", NONE): _("nobody")}
        names |= {("group", NONE): _("in no group"), ("dealer", NONE): _("no dealer")}
        names |= {(key, "-"): _("not given") for key in ("segment", "industry", "region", "channel")}
        ids = [int(value) for value in self.values.get("owner", ()) if value.isdecimal()]
        if ids:
            names |= {("owner", str(user.pk)): user.display_name for user in User.objects.filter(pk__in=ids)}
        dealers = [int(value) for value in self.values.get("dealer", ()) if value != NONE]
        if dealers:
            seen = Account.objects.filter(
                pk__in=dealers, dealt_accounts__in=Account.objects.visible_to(self.asked.user)
            )
            names |= {("dealer", value): _("unknown") for value in self.values["dealer"] if value != NONE}
            with beyond_the_wall("the dealer of an account is told by name to whoever may open it"):
                names |= {("dealer", str(pk)): name for pk, name in seen.values_list("pk", "name")}
        if self.needs_group_name:
            root = Account.objects.visible_to(self.asked.user).filter(pk=int(self.values["group"][0])).first()
            names[("group", self.values["group"][0])] = root.name if root else _("unknown")
        return names


def _clean(one: Filter, given: Sequence[str]) -> list[str]:
    values = list(dict.fromkeys(value.replace("\x00", "").strip()[:LONGEST_TEXT] for value in given))
    values = [value for value in values if value]
    if one.choices:
        known = {value for value, _label in one.choices}
        values = [value for value in values if value in known]
    elif one.key in BY_KEY:
        values = [value for value in values if _is_id(value) or value in BY_KEY[one.key]]
    return values if one.is_multiple else values[:1]


def _is_id(value: str) -> bool:
    return value.isascii() and value.isdecimal() and len(value) <= 18
