"""What people were asked to say and have said: ratings that run out, accounts that lack some, and where they lie apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from statistics import median

from django.db.models import Count, F, Max, Min, Q, QuerySet

from accounts.enums import STRATEGIC_INDICATORS, AccountStatus, RatingIndicator
from accounts.models import Account, Rating, RatingAnchor, User, WalletEstimate
from accounts.querysets import AccountQuerySet

# domain.md 3.4
CALIBRATE_RANGE = 3  # ratings of one indicator this far apart: people should talk
FUNCTIONS_NEEDED = 2  # people who rate the strategic value come from as many functions
REMIND_WITHIN_DAYS = 30


@dataclass(frozen=True, slots=True)
class IndicatorOpinions:
    """What is said of one account in one indicator.

    anchors : level → what it means; counting : the latest unexpired rating of each evaluator, highest first;
    earlier : the others, newest first; own : the last one of who asks
    """

    indicator: RatingIndicator
    anchors: dict[int, str]
    counting: list[Rating] = field(default_factory=list)
    earlier: list[Rating] = field(default_factory=list)
    own: Rating | None = None

    @property
    def value(self) -> float | None:
        return median(rating.score for rating in self.counting) if self.counting else None

    @property
    def needs_calibration(self) -> bool:
        return bool(self.counting) and self.counting[0].score - self.counting[-1].score >= CALIBRATE_RANGE

    @property
    def furthest(self) -> list[tuple[Rating, str]]:
        """The highest and the lowest rating with the words of their levels."""
        return [(rating, self.anchors.get(rating.score, "")) for rating in (self.counting[0], self.counting[-1])]


def rating_anchors() -> dict[str, dict[int, str]]:
    """Indicator → level → what it means, in the language in use. One query."""
    found: dict[str, dict[int, str]] = {code: {} for code in RatingIndicator.values}
    for anchor in RatingAnchor.objects.all():
        found[anchor.indicator][anchor.level] = anchor.text
    return found


def account_opinions(account: Account, *, as_of: date, reader: User) -> list[IndicatorOpinions]:
    """Everything said of one account until ``as_of``, by indicator. Two queries."""
    anchors = rating_anchors()
    found = {code: IndicatorOpinions(code, anchors[code]) for code in RatingIndicator}
    rows = account.ratings.known_on(as_of).select_related("evaluator").order_by("-rated_on", "-pk")
    own: dict[str, Rating] = {}
    heard: set[tuple[str, int]] = set()
    for rating in rows:
        said, key = found[RatingIndicator(rating.indicator)], (rating.indicator, rating.evaluator_id)
        counts = rating.expires_on > as_of and key not in heard
        (said.counting if counts else said.earlier).append(rating)
        heard |= {key} if counts else set()
        if rating.evaluator_id == reader.pk:
            own.setdefault(rating.indicator, rating)
    return [
        IndicatorOpinions(
            one.indicator,
            one.anchors,
            sorted(one.counting, key=lambda rating: (-rating.score, rating.pk)),
            one.earlier,
            own.get(one.indicator),
        )
        for one in found.values()
    ]


def _latest(ratings: QuerySet[Rating]) -> QuerySet[Rating]:
    """The last of each account, indicator and evaluator."""
    keys = ("account_id", "indicator", "evaluator_id")
    return ratings.order_by(*keys, "-rated_on", "-pk").distinct(*keys)


def expiring_ratings(user: User, *, as_of: date) -> QuerySet[Rating]:
    """The user's own ratings that still count and stop doing so within REMIND_WITHIN_DAYS, the first to go first."""
    own = _latest(Rating.objects.unexpired_on(as_of).filter(evaluator=user, account__in=_standing(user)))
    limit = as_of + timedelta(days=REMIND_WITHIN_DAYS)
    soon = Rating.objects.filter(pk__in=own.values("pk"), expires_on__lte=limit)
    return soon.select_related("account").order_by("expires_on", "account__sort_key", "indicator")


def expiring_wallets(user: User, *, as_of: date) -> QuerySet[WalletEstimate]:
    """The user's own estimates that are their account's last word and stop counting within REMIND_WITHIN_DAYS."""
    known = WalletEstimate.objects.known_on(as_of).filter(account__in=_standing(user))
    last = known.order_by("account_id", "-estimated_on", "-pk").distinct("account_id")
    limit = as_of + timedelta(days=REMIND_WITHIN_DAYS)
    soon = WalletEstimate.objects.filter(
        pk__in=last.values("pk"), author=user, expires_on__gt=as_of, expires_on__lte=limit
    )
    return soon.select_related("account").order_by("expires_on", "account__sort_key")


def unrated_accounts(user: User, *, as_of: date) -> AccountQuerySet:
    """Accounts of the user without a rating that counts, or whose strategic value is not rated by people from
    FUNCTIONS_NEEDED functions; the largest first. Each has rated, people, functions."""
    valid = Q(ratings__rated_on__lte=as_of, ratings__expires_on__gt=as_of)
    strategic = valid & Q(ratings__indicator__in=STRATEGIC_INDICATORS)
    return (
        _standing(user)
        .mine(user, on=as_of)
        .annotate(
            rated=Count("ratings", filter=valid),
            people=Count("ratings__evaluator", filter=strategic, distinct=True),
            functions=Count("ratings__function", filter=strategic, distinct=True),
        )
        .filter(Q(people__lt=FUNCTIONS_NEEDED) | Q(functions__lt=FUNCTIONS_NEEDED))
        .order_by(F("composite").desc(nulls_last=True), "sort_key", "pk")
    )


def to_calibrate(accounts: AccountQuerySet, *, as_of: date, limit: int) -> list[tuple[Account, list[str]]]:
    """Accounts with an indicator whose ratings lie CALIBRATE_RANGE or more apart, with those indicators. Two queries."""
    latest = _latest(Rating.objects.unexpired_on(as_of).filter(account__in=accounts))
    apart = (
        Rating.objects.filter(pk__in=latest.values("pk"))
        .values("account", "indicator")
        .annotate(low=Min("score"), high=Max("score"))
        .filter(high__gte=F("low") + CALIBRATE_RANGE)
        .order_by("account", "indicator")
    )
    found: dict[int, list[str]] = {}
    for row in apart:
        found.setdefault(row["account"], []).append(str(RatingIndicator(row["indicator"]).label))
    shown = Account.objects.filter(pk__in=found).order_by(F("composite").desc(nulls_last=True), "sort_key", "pk")
    return [(account, found[account.pk]) for account in shown[:limit]]


def _standing(user: User) -> AccountQuerySet:
    return Account.objects.visible_to(user).exclude(status=AccountStatus.CLOSED)
