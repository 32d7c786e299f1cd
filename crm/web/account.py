"""One account on one page, in tabs that keep their address."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property, wraps
from typing import Any

from django.db import connection
from django.db.models import Count, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from accounts.access import Action
from accounts.enums import AccountNeed, Attitude, ContractStatus, MarketPotential, TeamRole
from accounts.fields import is_hidden
from accounts.models import Account, Contract, RevenueRecord, TeamMember
from crm.lib.periods import Period, ttm
from crm.lib.wall import beyond_the_wall
from crm.models.trail import ERASE_PERSON, EXPORT_PERSON
from crm.web import lifetime_words
from crm.web.account_chart import CHART_MONTHS, revenue_chart
from crm.web.account_history import history_panel
from crm.web.account_ideas import ideas_of
from crm.web.account_outlook import key_forecast, loss_card
from crm.web.attention import contracts_ending, items_of, promise_items
from crm.web.figure import Figure, Kind
from crm.web.growth_notes import notes_of_account
from crm.web.htmx import signed_in
from crm.web.keyset import Order, page_of
from crm.web.metric_patterns import patterns_card
from crm.web.rights import CHANGE_CONTACT, may_request
from crm.web.scope import number_style
from crm.web.standing import as_of_of
from crm.web.why import why_card
from metrics.selectors import company_basis
from metrics.services.contract_lines import account_contracts
from metrics.services.receivables import account_receivables

MOST_PRODUCTS = 12
RECORD_FIELDS = (
    "booked_on", "kind", "reference", "product__code", "product__name", "contract__number", "quantity", "amount", "cost",
    "currency", "basis", "source", "batch_id", "source_row",
)  # fmt: skip
ANCESTORS = """
WITH RECURSIVE up(id, name, parent_id, height) AS (
    SELECT id, name, parent_id, 1 FROM accounts_account WHERE id = %s
    UNION ALL
    SELECT a.id, a.name, a.parent_id, up.height + 1 FROM accounts_account a JOIN up ON a.id = up.parent_id
    WHERE up.height < 20
) SELECT id, name FROM up ORDER BY height DESC
"""


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: Any
    href: str


@dataclass(frozen=True, slots=True)
class Seat:
    """One corner of the iron triangle; ``member`` is None where nobody sits."""

    role: TeamRole
    member: TeamMember | None


class MergedAway(Exception):
    """The account is part of another one, whose page is asked for instead."""

    def __init__(self, survivor_id: int) -> None:
        super().__init__(survivor_id)
        self.survivor_id = survivor_id


def _elsewhere(request: HttpRequest, pk: int) -> Exception:
    """Where an account is that is not to be seen: merged into one that is, or nowhere."""
    seen = Account.objects.visible_to(request.user)
    survivor = Account.objects.filter(pk=pk, merged_into__in=seen).values_list("merged_into", flat=True).first()
    return MergedAway(survivor) if survivor else Http404()


def _above(pk: int) -> list[tuple[int, str]]:
    """(key, name) from the root of the group down to the account itself."""
    with connection.cursor() as cursor:
        cursor.execute(ANCESTORS, [pk])
        return list(cursor.fetchall())


def leads_on(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The page of a merged account leads to the same page of the account that stays."""

    @wraps(view)
    def led(request: HttpRequest, pk: int, **of: int) -> HttpResponse:
        try:
            return view(request, pk, **of)
        except MergedAway as away:
            name = request.resolver_match.view_name  # type: ignore[union-attr]
            return redirect(name, away.survivor_id, *of.values())

    return led


class AccountPage:
    """What the head of every tab shows; each part is read when first needed."""

    TABS = (
        ("detail", _("Overview")),
        ("revenue", _("Revenue")),
        ("grade", _("Grade")),
        ("people", _("People")),
        ("team", pgettext_lazy("of an account", "Team")),
        ("group", _("Group")),
        ("relations", _("Relationships")),
        ("contracts", _("Contracts")),
        ("plan", _("Plan")),
        ("service", _("Service")),
        ("changes", _("History")),
    )

    def __init__(self, request: HttpRequest, pk: int, tab: str) -> None:
        found = (
            Account.objects.visible_to(request.user).select_related("owner", "figures", "dealer").filter(pk=pk).first()
        )
        if found is None:
            raise _elsewhere(request, pk)
        if found.dealer_id and found.dealer is None:  # joined, and hidden
            with beyond_the_wall("the dealer of an account is told by name to whoever may open it"):
                found.dealer = Account.objects.only("name").get(pk=found.dealer_id)
        self.request, self.account, self.tab = request, found, tab
        self.figures = getattr(found, "figures", None)

    @cached_property
    def as_of(self) -> date:
        return as_of_of(self.request)

    @property
    def tabs(self) -> list[Tab]:
        return [Tab(key, label, reverse(f"accounts:{key}", args=[self.account.pk])) for key, label in self.TABS]

    @cached_property
    def group_path(self) -> list[dict[str, Any]]:
        """From the root of the group down to the account's parent; a link where the user may see it. Two queries."""
        if self.account.parent_id is None:
            return []
        with beyond_the_wall("who stands above is told by name to whoever may open an account"):
            above = _above(self.account.parent_id)
        ids = [pk for pk, _name in above]
        seen = set(Account.objects.visible_to(self.request.user).filter(pk__in=ids).values_list("pk", flat=True))
        return [{"pk": pk, "name": name, "is_visible": pk in seen} for pk, name in above]

    @cached_property
    def sees_dealer(self) -> bool:
        """The user may open the account through which this one buys."""
        return Account.objects.visible_to(self.request.user).filter(pk=self.account.dealer_id).exists()

    @cached_property
    def members(self) -> list[TeamMember]:
        rows = TeamMember.objects.filter(account=self.account).select_related("user")
        return list(rows.order_by("-valid_from", "pk"))

    @cached_property
    def seats(self) -> list[Seat]:
        today = timezone.localdate()
        held = {member.role: member for member in self.members if not member.is_deputy and member.holds_on(today)}
        return [Seat(role, held.get(role)) for role in TeamRole]

    @property
    def has_manager(self) -> bool:
        return self.seats[0].member is not None

    @cached_property
    def head_figures(self) -> list[Figure]:
        return [
            self.figure("ttm_revenue", _("Revenue, 12 months"), Kind.MONEY),
            self.figure("growth_rate", _("Growth"), Kind.CHANGE),
        ]

    def figure(self, name: str, label: Any, kind: Kind) -> Figure:
        """A figure of the last night, with its interval where it has one."""
        value = getattr(self.figures, name, None)
        sure = lifetime_words.between(self.figures, name, number_style(self.request))
        reason = "" if value is not None else str(_("not defined by the last night, open it for the reason"))
        currency = self.figures.currency if self.figures and kind is Kind.MONEY else ""
        query = {"account": self.account.pk}
        return Figure(name, label, value, kind, currency=currency, reason=reason, query=query, note=sure)

    @property
    def can_edit(self) -> bool:
        user = self.request.user
        return user.is_staff and user.has_perm("accounts.change_account")

    @property
    def can_merge(self) -> bool:
        return bool(self.request.user.has_perm("accounts.change_account"))

    can_change = can_merge
    needs, potentials = AccountNeed.choices, MarketPotential.choices

    def render(self, **context: Any) -> HttpResponse:
        return self.render_as(f"accounts/{self.tab}.html", **context)

    def render_as(self, template: str, *, status: int = 200, **context: Any) -> HttpResponse:
        """A page under the tab, with the same head."""
        return render(self.request, template, {"page": self, "account": self.account, **context}, status=status)


@signed_in
@require_GET
@leads_on
def overview(request: HttpRequest, pk: int) -> HttpResponse:
    page = AccountPage(request, pk, "detail")
    chart = revenue_chart(page.account, as_of=page.as_of, style=number_style(request))
    ending = contracts_ending(page.account, as_of=page.as_of)
    attention = items_of(page.account, has_manager=page.has_manager, ending=ending) + promise_items(page.account)
    children = page.account.children.filter(pk__in=Account.objects.visible_to(request.user).values("pk"))
    return page.render(
        figures=overview_figures(page),
        chart=chart,
        attention=attention,
        children=list(children.select_related("figures").order_by("sort_key", "pk")[:20]),
        months=CHART_MONTHS,
        merges=list(page.account.merges_taken.filter(undone_at=None).select_related("merged")[:20]),
        loss=loss_card(page.account, as_of=page.as_of),
        ahead=key_forecast(page.account, as_of=page.as_of),
        notes=notes_of_account(page.account, as_of=page.as_of),
    )


def overview_figures(page: AccountPage) -> list[Figure]:
    kinds = (
        ("ttm_revenue", _("Revenue, 12 months"), Kind.MONEY),
        ("growth_rate", _("Growth"), Kind.CHANGE),
        ("ttm_gross_profit", _("Gross profit, 12 months"), Kind.MONEY),
        ("margin", _("Gross margin"), Kind.PERCENT),
        ("clv", _("Customer lifetime value"), Kind.MONEY),
        ("expected_revenue", _("Expected revenue"), Kind.MONEY),
        ("p_alive", _("Still a customer"), Kind.PERCENT),
        ("orders_ttm", _("Orders, 12 months"), Kind.COUNT),
    )
    return [page.figure(name, label, kind) for name, label, kind in kinds]


@signed_in
@require_GET
@leads_on
def revenue(request: HttpRequest, pk: int) -> HttpResponse:
    """Revenue of one account: by product, by year, and the records behind it."""
    page = AccountPage(request, pk, "revenue")
    records = RevenueRecord.objects.filter(basis=company_basis()).of_accounts(
        Account.objects.filter(pk=page.account.pk)
    )
    window = ttm(page.as_of)
    listed = page_of(
        records,
        RECORD_FIELDS,
        order=Order("booked_on", descending=True, nullable=False),
        after=request.GET.get("after", ""),
        before=request.GET.get("before", ""),
    )
    return page.render(
        products=by_product(records, window),
        history=history_panel(page.account, request.GET, as_of=page.as_of),
        records=listed,
        window=window,
        ideas=ideas_of(page.account),
        patterns=patterns_card(page.account, number_style(request)),
        hides_margin=is_hidden("margin"),
    )


def by_product(records: Any, window: Period) -> list[dict[str, Any]]:
    """Net revenue of the window per product and currency, largest first, the rest as one row."""
    rows = list(
        records.booked_in(window)
        .values("product__code", "product__name", "product__category", "currency")
        .annotate(net=Sum("amount"), lines=Count("pk"))
        .order_by("currency", "-net", "product__code")
    )
    totals: dict[str, Any] = defaultdict(int)
    for row in rows:
        totals[row["currency"]] += max(row["net"], 0)
    for row in rows:
        total = totals[row["currency"]]
        row["share"] = float(row["net"] / total) if total and row["net"] > 0 else None
    return rows[:MOST_PRODUCTS] + _rest(rows[MOST_PRODUCTS:])


def _rest(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for currency in dict.fromkeys(row["currency"] for row in rows):
        mine = [row for row in rows if row["currency"] == currency]
        shares = [row["share"] for row in mine if row["share"] is not None]
        found.append(
            {
                "rest": len(mine),
                "currency": currency,
                "net": sum(row["net"] for row in mine),
                "lines": sum(row["lines"] for row in mine),
                "share": sum(shares) if shares else None,
            }
        )
    return found


@signed_in
@require_GET
@leads_on
def grade(request: HttpRequest, pk: int) -> HttpResponse:
    """Why the grade; whoever may not see costs is told its history alone, for the reasons are worked out with them."""
    page = AccountPage(request, pk, "grade")
    hides = is_hidden("margin")
    return page.render(
        card=why_card(page.account, with_reasons=not hides), may_ask=may_request(request.user), hides_margin=hides
    )


@signed_in
@require_GET
@leads_on
def people(request: HttpRequest, pk: int) -> HttpResponse:
    page = AccountPage(request, pk, "people")
    today = timezone.localdate()
    past = [member for member in page.members if member.valid_to is not None and member.valid_to <= today]
    contacts = page.account.contacts.order_by("-is_active", "-is_primary", "name", "pk")
    return page.render(
        contacts=list(contacts),
        past=past,
        may_note=request.user.has_perm(CHANGE_CONTACT),
        may_handle=request.user.has_perm(EXPORT_PERSON) or request.user.has_perm(ERASE_PERSON),
        sees_personal=request.user.may(Action.PERSONAL_VIEW),
        attitudes=Attitude.choices,
        today=today,
    )


@signed_in
@require_GET
@leads_on
def contracts(request: HttpRequest, pk: int) -> HttpResponse:
    """Contracts with their milestones and what is signed, recognised and still to come of each, and what is owed; seven
    statements for all."""
    page = AccountPage(request, pk, "contracts")
    found = list(Contract.objects.filter(account=page.account).prefetch_related("milestones"))
    states = account_contracts(page.account, as_of=page.as_of)
    rows = [(contract, _elapsed(contract, page.as_of), states.get(contract.pk)) for contract in found]
    running = [contract for contract in found if contract.status == ContractStatus.ACTIVE]
    owed = account_receivables(page.account, as_of=page.as_of)
    return page.render(contracts=rows, running=running, soon=page.as_of + timedelta(days=90), receivables=owed)


def _elapsed(contract: Contract, day: date) -> int | None:
    """Percent of the contract's term that is over; None without both ends."""
    if not contract.starts_on or not contract.ends_on:
        return None
    term = (contract.ends_on - contract.starts_on).days + 1
    return max(0, min(100, round(100 * ((day - contract.starts_on).days + 1) / term)))
