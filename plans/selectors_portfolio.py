"""Promised against delivered over many accounts, from the measurement in view; each question a fixed number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, F, OuterRef, Q, QuerySet, Subquery, Sum

from accounts.enums import KEY_GRADES
from accounts.models import Account, MarketEffort, User
from accounts.querysets import AccountQuerySet
from crm.lib.periods import Period
from metrics.models import AccountFigures
from plans.enums import PROMISED_GRADES, PromiseState, PromiseType
from plans.models import AccountCompliance, AccountPlan, Measurement, PromiseResult
from service.models import Interaction

UNDER_SERVED, OVER_SERVED = 0.8, 1.5  # of compliance; of what is counted, delivered against promised [D]
MINUTES_AN_HOUR = 60


@dataclass(frozen=True, slots=True)
class GradeSum:
    """Compliance pooled over the accounts of a grade: sums of weights, never a mean of shares."""

    grade: str
    accounts: int
    measured: int
    weight_due: float
    weight_kept: float
    broken: int
    violations: int
    under: int
    over: int

    @property
    def compliance(self) -> float | None:
        return self.weight_kept / self.weight_due if self.weight_due else None


@dataclass(frozen=True, slots=True)
class Resources:
    """What one grade takes and gives in the twelve months; money in ``currency``, None where it is not known."""

    grade: str
    accounts: int
    meeting_hours: float
    effort_hours: float
    revenue: Decimal | None
    gross_profit: Decimal | None

    @property
    def hours(self) -> float:
        return self.meeting_hours + self.effort_hours

    @property
    def hours_each(self) -> float | None:
        return self.hours / self.accounts if self.accounts else None

    @property
    def revenue_an_hour(self) -> Decimal | None:
        return self.revenue / Decimal(str(self.hours)) if self.revenue is not None and self.hours else None


def latest() -> Measurement | None:
    return Measurement.objects.first()


def _of(rows: QuerySet[Any], accounts: AccountQuerySet) -> QuerySet[Any]:
    return rows if accounts.is_everything else rows.filter(account__in=accounts.order_by().values("pk"))


def grade_sums(accounts: AccountQuerySet) -> list[GradeSum]:
    """Each grade that has accounts, best first; one query."""
    under = Q(compliance__lt=UNDER_SERVED)
    over = Q(service_ratio__gte=OVER_SERVED)
    found = _of(AccountCompliance.objects.all(), accounts).order_by().values("grade")
    rows = found.annotate(
        accounts=Count("pk"), measured=Count("compliance"), due=Sum("weight_due"), kept=Sum("weight_kept"),
        broken_sum=Sum("broken"), violation_sum=Sum("violations"), under=Count("pk", filter=under),
        over=Count("pk", filter=over),
    )  # fmt: skip
    sums = [
        GradeSum(
            row["grade"], row["accounts"], row["measured"], row["due"], row["kept"], row["broken_sum"],
            row["violation_sum"], row["under"], row["over"],
        )
        for row in rows
    ]  # fmt: skip
    return sorted(sums, key=lambda one: PROMISED_GRADES.index(one.grade))


def overall(sums: Iterable[GradeSum]) -> float | None:
    """Compliance over all grades; None where nothing is due."""
    found = list(sums)
    due = sum(one.weight_due for one in found)
    return sum(one.weight_kept for one in found) / due if due else None


def under_served(accounts: AccountQuerySet) -> QuerySet[AccountCompliance]:
    """Accounts that get too little of what they are promised, most revenue first."""
    rows = _of(AccountCompliance.objects.filter(compliance__lt=UNDER_SERVED), accounts)
    return _with_account(rows).order_by(F("account__figures__ttm_revenue").desc(nulls_last=True), "pk")


def over_served(accounts: AccountQuerySet) -> QuerySet[AccountCompliance]:
    """Accounts that get far more than they are promised, the dearest surplus first."""
    rows = _of(AccountCompliance.objects.filter(service_ratio__gte=OVER_SERVED), accounts)
    return _with_account(rows).order_by("-surplus_cost", "-service_ratio", "pk")


def broken_for_key_accounts(accounts: AccountQuerySet, *, without: Iterable[int]) -> QuerySet[AccountCompliance]:
    """Key accounts that get too little, most revenue first; leaves out those that are named already."""
    grades = [str(grade) for grade in KEY_GRADES]
    rows = under_served(accounts).filter(grade__in=grades, broken__gt=0)
    return rows.exclude(account__in=list(without))


def _with_account(rows: QuerySet[AccountCompliance]) -> QuerySet[AccountCompliance]:
    return rows.select_related("account__owner", "account__figures")


def broken_promises(accounts: AccountQuerySet, *, type_: str = "") -> QuerySet[PromiseResult]:
    """Broken ones, most revenue of the account at stake first; discounts above authority are no promise to a customer."""
    rows = PromiseResult.objects.filter(state=PromiseState.BROKEN).exclude(type=PromiseType.DISCOUNT)
    rows = _of(rows.filter(type=type_) if type_ else rows, accounts)
    money = F("account__figures__ttm_revenue").desc(nulls_last=True)
    return rows.select_related("promise", "account__owner", "account__figures").order_by(
        money, "account", "-weight", "pk"
    )


def resources(accounts: AccountQuerySet, *, window: Period) -> list[Resources]:
    """Hours and money of each grade as it is today, best first; four queries. Money stays None where the accounts of a
    grade have figures in several currencies."""
    meetings = _of(Interaction.objects.held_in(window), accounts).order_by().values("account__grade")
    minutes = dict(meetings.annotate(sum=Sum("minutes")).values_list("account__grade", "sum"))
    months = MarketEffort.objects.filter(month__gte=window.start, month__lt=window.end, account__isnull=False)
    efforts = _of(months, accounts).order_by().values("account__grade")
    hours = dict(efforts.annotate(sum=Sum("hours")).values_list("account__grade", "sum"))
    counts = dict(accounts.order_by().values("grade").annotate(n=Count("pk")).values_list("grade", "n"))
    money = _money(accounts)
    return [
        Resources(
            grade=grade,
            accounts=counts.get(grade, 0),
            meeting_hours=(minutes.get(grade) or 0) / MINUTES_AN_HOUR,
            effort_hours=float(hours.get(grade) or 0),
            revenue=money.get(grade, (None, None))[0],
            gross_profit=money.get(grade, (None, None))[1],
        )
        for grade in PROMISED_GRADES
    ]


def _money(accounts: AccountQuerySet) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    rows = _of(AccountFigures.objects.all(), accounts).order_by().values("account__grade")
    found = rows.annotate(
        revenue=Sum("ttm_revenue"), profit=Sum("ttm_gross_profit"), currencies=Count("currency", distinct=True)
    )
    return {
        row["account__grade"]: (row["revenue"], row["profit"]) if row["currencies"] == 1 else (None, None)
        for row in found
    }


def ranked_plans(accounts: AccountQuerySet, *, on: date) -> QuerySet[AccountPlan]:
    """Plans that cover the day, first rank first, with ``minutes`` of interactions so far, and steps ``done``, ``late``
    and in ``steps``."""
    held = Interaction.objects.filter(
        account=OuterRef("account"), held_on__gte=OuterRef("valid_from"), held_on__lt=OuterRef("valid_to")
    )
    minutes = held.order_by().values("account").annotate(sum=Sum("minutes")).values("sum")
    is_done = Q(actions__done_on__isnull=False)
    rows = _of(AccountPlan.objects.filter(valid_from__lte=on, valid_to__gt=on), accounts)
    found = rows.annotate(
        minutes=Subquery(minutes),
        steps=Count("actions"),
        done=Count("actions", filter=is_done),
        late=Count("actions", filter=~is_done & Q(actions__due_on__lt=on)),
    )
    people = ("account__owner", "account__figures", "account__compliance", "owner", "approved_by")
    return found.select_related(*people).order_by("priority_rank", "account__sort_key", "pk")


def money_currency(accounts: AccountQuerySet) -> str:
    """The currency of the figures of these accounts."""
    return _of(AccountFigures.objects.order_by(), accounts).values_list("currency", flat=True).first() or ""


def owners_of(accounts: AccountQuerySet) -> list[tuple[int, str]]:
    """Who owns accounts that were measured: key and name, by name."""
    mine = Account.objects.filter(compliance__isnull=False, pk__in=accounts.order_by().values("pk"))
    people = User.objects.filter(pk__in=mine.order_by().values("owner"))
    return sorted(((one.pk, one.display_name) for one in people), key=lambda one: one[1])
