"""The account list as the user asked for it: filter, order, columns, one page of rows, or all of them for export."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import islice
from typing import Any

from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.enums import GRADE_RANK
from accounts.fields import is_hidden
from accounts.models import Account, TeamMember, User
from accounts.querysets import AccountQuerySet
from crm.lib.wall import beyond_the_wall
from crm.models import ListLayout, SavedView
from crm.web import columns as listing
from crm.web.columns import Column, Reader
from crm.web.filters import AccountFilter, Asked
from crm.web.htmx import user_of
from crm.web.keyset import COUNT_CAP, Order, Page, capped_count, page_of
from crm.web.scope import accounts_in_scope, number_style
from crm.web.standing import as_of_of

EXPORT_CHUNK = 2000
DEFAULT_SORT = "-ttm"
NEIGHBOURS = ("parent", "parent__parent", "dealer")
GRADE_RANKS = Case(
    *(When(grade=grade, then=Value(rank)) for grade, rank in GRADE_RANK.items()),
    default=Value(0),
    output_field=IntegerField(),
)


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of one column: the link that sorts by it, and how it is sorted now."""

    column: Column
    query: str
    sorted: str


class AccountList:
    """Everything one request asks of the list; each part is read once, when first needed."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.user = user_of(request)
        self.query = request.GET

    @cached_property
    def as_of(self) -> date:
        return as_of_of(self.request)

    @cached_property
    def filter(self) -> AccountFilter:
        return AccountFilter(self.query, Asked(self.user, self.as_of))

    @cached_property
    def layout(self) -> ListLayout:
        return layout_of(self.user)

    @cached_property
    def view(self) -> SavedView | None:
        """The saved view whose tab is open."""
        wanted = self.query.get("view", "")
        return next((view for view in self.views if str(view.pk) == wanted), None)

    @cached_property
    def views(self) -> list[SavedView]:
        return list(SavedView.objects.visible_to(self.user).select_related("owner"))

    @cached_property
    def columns(self) -> list[Column]:
        return listing.chosen((self.view.columns if self.view else ()) or self.layout.columns)

    @cached_property
    def sort(self) -> str:
        wanted = self.query.get("sort", DEFAULT_SORT)
        column = listing.COLUMNS.get(wanted.removeprefix("-"))
        return wanted if column and column.order and not is_hidden(column.key) else DEFAULT_SORT

    @property
    def order(self) -> Order:
        known = listing.COLUMNS[self.sort.removeprefix("-")].order
        assert known is not None
        return Order(known.field, self.sort.startswith("-"), known.tie, known.nullable, known.tie_follows)

    @cached_property
    def rows(self) -> AccountQuerySet:
        rows = self.filter.apply(accounts_in_scope(self.request))
        return rows.annotate(grade_rank=GRADE_RANKS) if self.order.field == "grade_rank" else rows

    @cached_property
    def page(self) -> Page:
        page = page_of(
            self.rows,
            listing.fields_of(self.columns),
            order=self.order,
            after=self.query.get("after", ""),
            before=self.query.get("before", ""),
        )
        add_neighbours(page.rows)
        add_teams(page.rows, self.columns)
        return page

    @cached_property
    def count(self) -> int:
        return capped_count(self.rows)

    @property
    def count_text(self) -> str:
        return f"{COUNT_CAP:,}+" if self.count > COUNT_CAP else f"{self.count:,}"

    @cached_property
    def reader(self) -> Reader:
        currencies = {row["figures__currency"] for row in self.page.rows} - {None, ""}
        return Reader(number_style(self.request), one_currency=len(currencies) < 2)

    @property
    def currency(self) -> str:
        """The one currency of the page's amounts; empty where there are several, then each cell says its own."""
        found = {row["figures__currency"] for row in self.page.rows} - {None, ""}
        return next(iter(found)) if len(found) == 1 else ""

    @property
    def figures_as_of(self) -> date | None:
        return max((row["figures__as_of"] for row in self.page.rows if row["figures__as_of"]), default=None)

    def html_rows(self) -> list[SafeString]:
        return listing.write_rows(self.page.rows, self.columns, self.reader, can_select=self.can_change)

    @cached_property
    def can_change(self) -> bool:
        return self.user.has_perm("accounts.change_account")

    def headings(self) -> list[Heading]:
        return [self._heading(column) for column in self.columns]

    def _heading(self, column: Column) -> Heading:
        if column.order is None:
            return Heading(column, "", "")
        first = f"-{column.key}" if column.order.descending else column.key
        other = column.key if column.order.descending else f"-{column.key}"
        is_sorted = self.sort.removeprefix("-") == column.key
        target = other if is_sorted and self.sort == first else first
        view = self.query.get("view", "")
        now = ("descending" if self.sort.startswith("-") else "ascending") if is_sorted else ""
        return Heading(column, self.filter.query(sort=target, view=view), now)

    @property
    def previous_query(self) -> str:
        return self.neighbour(before=self.page.previous)

    @property
    def next_query(self) -> str:
        return self.neighbour(after=self.page.next)

    def neighbour(self, **token: str) -> str:
        """The query string of the list as it stands, with the token of another page where one is given."""
        return self.filter.query(sort=self.query.get("sort", ""), view=self.query.get("view", ""), **token)

    def all_rows(self) -> Iterator[dict[str, Any]]:
        """Every row of the filter in the order shown, read in chunks by one server-side cursor."""
        fields = listing.fields_of(self.columns)
        found = self.rows.order_by(*self.order.clauses()).values(*fields).iterator(chunk_size=EXPORT_CHUNK)
        while rows := list(islice(found, EXPORT_CHUNK)):
            add_neighbours(rows)
            add_teams(rows, self.columns)
            yield from rows


def layout_of(user: User) -> ListLayout:
    """The user's layout, or the one as delivered, not yet saved."""
    return ListLayout.objects.filter(user=user).first() or ListLayout(user=user)


def add_neighbours(rows: list[dict[str, Any]]) -> None:
    """Name the groups and dealers that the reader may not open, which the list tells by name alone. One query where there
    are such; it is sorted by what the reader may open."""
    hidden = [row["pk"] for row in rows if any(row.get(key) and not row[f"{key}__name"] for key in NEIGHBOURS)]
    if not hidden:
        return
    names = [f"{key}__name" for key in NEIGHBOURS]
    with beyond_the_wall("groups and dealers of an account are told by name to whoever may open it"):
        named = {row["pk"]: row for row in Account.objects.filter(pk__in=hidden).values("pk", *names)}
    for row in rows:
        row.update(named.get(row["pk"], {}))


def add_teams(rows: list[dict[str, Any]], columns: list[Column]) -> None:
    """Give each row ``team``: {role: name of who holds it today}. One query, none where the column is not shown."""
    if not any(column.key == "team" for column in columns):
        return
    seats: dict[int, dict[str, str]] = {row["pk"]: {} for row in rows}
    members = TeamMember.objects.filter(account__in=list(seats)).holders().current(timezone.localdate())
    named = members.values_list("account_id", "role", "user__first_name", "user__last_name", "user__username")
    for account, role, first, last, username in named:
        seats[account][role] = f"{first} {last}".strip() or username
    for row in rows:
        row["team"] = seats[row["pk"]]
