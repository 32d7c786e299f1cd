"""Reads over runs, scores and grades; every one takes accounts already limited to what the viewer may see."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from django.db.models import Case, Count, F, IntegerField, Q, QuerySet, Sum, Value, When
from django.utils.translation import gettext_lazy

from accounts.enums import GRADE_RANK, Grade
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.lib.remember import remembered
from metrics.models import AccountFigures
from metrics.selectors import ledger_state
from tiering.enums import RunState
from tiering.grading import Flag
from tiering.models import GradePeriod, ReplacedPeriod, Score, TierRun
from tiering.querysets import STANDING

T = TypeVar("T")
BIG_DECLINE = -0.3  # growth of the last 12 months on the 12 before, domain.md 3.7


@dataclass(frozen=True, slots=True)
class GradeTotal:
    """One grade: its accounts and their revenue of the last 12 whole months; None where currencies differ."""

    grade: str
    accounts: int
    revenue: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class Attention:
    """An account somebody should look at. at_stake: revenue of the last 12 whole months, or what it has lost."""

    account: Account
    reason: str
    words: str
    at_stake: Decimal | None
    currency: str


REASON_WORDS = {
    "problem": gettext_lazy("Problem"),
    "watch": gettext_lazy("Under watch"),
    "decline": gettext_lazy("Big decline of revenue"),
}
REASON_RANK = {reason: rank for rank, reason in enumerate(REASON_WORDS)}


def published_runs() -> QuerySet[TierRun]:
    """What readers may follow, newest day first."""
    return TierRun.objects.filter(state=RunState.PUBLISHED).select_related("model").order_by("-as_of")


def latest_run() -> TierRun | None:
    """The run everybody sees; None before the first night."""
    return published_runs().first()


def of_the_night(name: str, accounts: AccountQuerySet, find: Callable[[], T], *, about: object = None) -> T:
    """What ``find`` gives: over every account found once for a published night, over a part of them anew.

    For choices made from what a night alone writes (grades, watch, figures of the list); it may not give None.
    """
    if not accounts.is_everything:
        return find()
    run = latest_run()
    night = (run.pk, str(run.published_at)) if run else ()
    return remembered(name, (*ledger_state(using=accounts.db, with_rates=False), night, about), find)


def score_of(account: Account, *, run: TierRun | None = None) -> Score | None:
    """The result row of one account that stands on the night of ``run`` (default: the latest published), ready to be
    explained as of that night."""
    shown = run or latest_run()
    found = None if shown is None else Score.objects.of(shown).filter(account=account).first()
    return found.on(shown) if found and shown else None


def nights_of(account: Account) -> QuerySet[TierRun]:
    """Every published night that has a row of the account, newest first, with its ``grade``, ``composite`` and ``row``."""
    nights = published_runs().filter(STANDING, base__rows__account=account)
    return nights.annotate(grade=F("base__rows__grade"), composite=F("base__rows__composite"), row=F("base__rows__pk"))


def two_nights(account: Account, *, first: int | None = None, second: int | None = None) -> tuple[Score, Score] | None:
    """The account's rows of the runs ``first`` and ``second``, ready to be explained; by default of the last night it has
    and the one before (the same one where there is but one). Two statements. None where it has no such row.
    """
    nights: dict[int, Any] = {night.pk: night for night in nights_of(account)}
    runs = list(nights)
    if not runs:
        return None
    after = runs[0] if second is None else second
    earlier = runs[runs.index(after) + 1 :] if after in runs else []
    before = (earlier[0] if earlier else after) if first is None else first
    if before not in runs or after not in runs:
        return None
    rows = Score.objects.in_bulk({nights[before].row, nights[after].row})
    return rows[nights[before].row].on(nights[before]), rows[nights[after].row].on(nights[after])


def scores_in_view(accounts: AccountQuerySet, *, run: TierRun) -> QuerySet[Score]:
    """The rows that stand on the night of ``run``."""
    return Score.objects.of(run).filter(account__in=accounts)


def grade_totals(accounts: AccountQuerySet) -> list[GradeTotal]:
    """Accounts and revenue per grade, every grade present, in the order of Grade; two queries."""
    counts = dict(accounts.order_by().values_list("grade").annotate(accounts=Count("pk")))
    figures = AccountFigures.objects.filter(account__in=accounts, ttm_revenue__isnull=False).order_by()
    sums = list(figures.values_list("account__grade", "currency").annotate(revenue=Sum("ttm_revenue")))
    currencies = {currency for _grade, currency, _revenue in sums}
    currency = currencies.pop() if len(currencies) == 1 else ""
    revenue = {grade: total for grade, _currency, total in sums} if currency else {}
    return [
        GradeTotal(
            grade=grade,
            accounts=counts.get(grade, 0),
            revenue=revenue.get(grade, Decimal(0)) if currency else None,
            currency=currency,
        )
        for grade in Grade.values
    ]


def movers(accounts: AccountQuerySet, *, run: TierRun) -> QuerySet[Score]:
    """Rows whose grade differs from the one before, with the sign of the move as ``step``; largest revenue first.

    Who moves is graded anew that night and the next, so the night's own rows are all there are.
    """
    moved = (
        scores_in_view(accounts, run=run).filter(run=run).exclude(previous_grade="").exclude(grade=F("previous_grade"))
    )
    return (
        moved.annotate(step=rank_of("grade") - rank_of("previous_grade"))
        .select_related("account__figures", "account__owner")
        .order_by(F("account__figures__ttm_revenue").desc(nulls_last=True), "account_id")
    )


def grade_history(account: Account) -> QuerySet[GradePeriod]:
    """The account's grades over time, newest first."""
    return GradePeriod.objects.filter(account=account).select_related("run").order_by("-valid_from", "-pk")


def grade_corrections(account: Account) -> QuerySet[ReplacedPeriod]:
    """What the history said before it was corrected, latest correction first."""
    return ReplacedPeriod.objects.filter(account=account).order_by("-replaced_at", "-pk")


def grade_on(account: Account, day: date) -> GradePeriod | None:
    """What the account was on one day."""
    held = Q(valid_to__isnull=True) | Q(valid_to__gt=day)
    return GradePeriod.objects.filter(held, account=account, valid_from__lte=day).first()


def needs_attention(accounts: AccountQuerySet, *, limit: int) -> list[Attention]:
    """Problems first, then watched, then big declines, each by money at stake; one query.

    A decline puts the revenue lost against the 12 months before at stake, the others their revenue.
    """
    found = (
        accounts.filter(
            Q(grade=Grade.PROBLEM)
            | Q(is_watched=True)
            | Q(figures__growth_rate__lte=BIG_DECLINE, grade__in=[g for g, rank in GRADE_RANK.items() if rank > 1])
        )
        .annotate(
            attention=Case(
                When(grade=Grade.PROBLEM, then=Value(REASON_RANK["problem"])),
                When(is_watched=True, then=Value(REASON_RANK["watch"])),
                default=Value(REASON_RANK["decline"]),
                output_field=IntegerField(),
            ),
            stake=Case(
                When(
                    Q(is_watched=False) & ~Q(grade=Grade.PROBLEM),
                    then=F("figures__prior_ttm_revenue") - F("figures__ttm_revenue"),
                ),
                default=F("figures__ttm_revenue"),
            ),
        )
        .select_related("figures", "owner")
        .order_by("attention", F("stake").desc(nulls_last=True), "pk")[:limit]
    )
    return [_attention(account) for account in found]


def signals_of(score: Score) -> list[Flag]:
    """The warning signs that are on, hard ones first."""
    order = (
        Flag.H4_INSOLVENT,
        Flag.H3_CREDIT_OR_LITIGATION,
        Flag.H1_OVERDUE,
        Flag.H2_LOSS,
        Flag.DECLINE_50,
        Flag.DECLINE_30,
        Flag.OVERDUE_61,
        Flag.OVERDUE_31,
        Flag.NON_RENEWAL,
        Flag.SEVERE_REQUESTS,
        Flag.DECIDER_AGAINST,
        Flag.LOW_MARGIN,
        Flag.DISSATISFIED,
        Flag.LATE_ORDER,
    )
    return [flag for flag in order if score.has_flag(flag)]


def _attention(account: Account) -> Attention:
    annotated: Any = account
    reason = list(REASON_RANK)[annotated.attention]
    figures = getattr(account, "figures", None)
    return Attention(
        account=account,
        reason=reason,
        words=str(REASON_WORDS[reason]),
        at_stake=annotated.stake,
        currency=figures.currency if figures else "",
    )


def rank_of(field: str) -> Case:
    """The rank of the grade a column holds, 0 for none."""
    whens = [When(**{field: grade}, then=Value(rank)) for grade, rank in GRADE_RANK.items()]
    return Case(*whens, default=Value(0), output_field=IntegerField())
