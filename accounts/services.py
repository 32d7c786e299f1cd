"""Writing down what people think of an account: ratings from 1 to 5 and estimates of its wallet.

Groups and merges of accounts have modules of their own; their services are named here too.

The day is passed in. Where the caller names none, the edges take the day the figures go up to: on an older ledger a
judgement dated today would not count yet.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from django.db import transaction

from accounts.enums import RatingIndicator
from accounts.groups import apply_memberships, change_parent
from accounts.merges import merge_accounts, undo_merge
from accounts.models import Account, Rating, User, WalletEstimate
from accounts.services_relations import note_attitude
from crm.lib.periods import add_months

__all__ = [
    "apply_memberships", "change_parent", "merge_accounts", "note_attitude", "rating_expiry", "record_rating",
    "record_ratings", "record_wallet_estimate", "undo_merge", "wallet_expiry",
]  # fmt: skip

GOOD_FOR_MONTHS = 12  # domain.md 3.4 and 1.8: ratings and wallet estimates
SATISFACTION_GOOD_FOR_MONTHS = 6  # domain.md 3.4


def rating_expiry(*, indicator: str, rated_on: date) -> date:
    """First day on which a rating of that day no longer counts; raises PeriodError beyond the calendar."""
    months = SATISFACTION_GOOD_FOR_MONTHS if indicator == RatingIndicator.L5 else GOOD_FOR_MONTHS
    return add_months(rated_on, months)


def wallet_expiry(*, estimated_on: date) -> date:
    return add_months(estimated_on, GOOD_FOR_MONTHS)


@transaction.atomic
def record_rating(
    *,
    account: Account,
    indicator: str,
    score: int,
    evaluator: User,
    function: str,
    rated_on: date,
    expires_on: date | None = None,
    evidence: str = "",
) -> Rating:
    """Add one judgement; without an expiry it is good for 12 months, satisfaction for 6.

    A later rating by the same person does not replace it: the latest unexpired one of each evaluator counts.
    Raises ValidationError where a rule of the row is broken.
    """
    rating = Rating(
        account=account,
        indicator=indicator,
        score=score,
        evaluator=evaluator,
        function=function,
        rated_on=rated_on,
        expires_on=expires_on or rating_expiry(indicator=indicator, rated_on=rated_on),
        evidence=evidence,
    )
    rating.full_clean()
    rating.save()
    return rating


@transaction.atomic
def record_ratings(
    *, account: Account, evaluator: User, function: str, rated_on: date, judgements: Mapping[str, tuple[int, str]]
) -> list[Rating]:
    """All that one person says of an account on one day: indicator → (score, evidence); all of it is kept, or nothing.

    Raises ValidationError where a rule of a row is broken.
    """
    return [
        record_rating(
            account=account,
            indicator=indicator,
            score=score,
            evaluator=evaluator,
            function=function,
            rated_on=rated_on,
            evidence=evidence,
        )
        for indicator, (score, evidence) in judgements.items()
    ]


@transaction.atomic
def record_wallet_estimate(
    *,
    account: Account,
    amount: Decimal,
    currency: str,
    source: str,
    author: User,
    estimated_on: date,
    expires_on: date | None = None,
) -> WalletEstimate:
    """Add one estimate of the account's yearly spend in our category; good for 12 months unless said otherwise.

    Raises ValidationError where a rule of the row is broken.
    """
    estimate = WalletEstimate(
        account=account,
        amount=amount,
        currency=currency,
        source=source,
        author=author,
        estimated_on=estimated_on,
        expires_on=expires_on or wallet_expiry(estimated_on=estimated_on),
    )
    estimate.full_clean()
    estimate.save()
    return estimate
