"""Deciding what becomes of a customer of low value: kept, improved or ended, with a day to look at it again."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months
from tiering.enums import BandVerdict
from tiering.models import BandDecision

LONGEST_MONTHS = 24  # a decision nobody looks at for longer is none
USUAL_MONTHS = 6


class BandDecisionRefused(CrmError):
    """A decision without a reason, without a known verdict, or whose review lies in the past or too far ahead."""

    code = "band-decision-refused"
    status = 422


@transaction.atomic
def decide_band(
    *, account: Account, verdict: str, text: str, review_on: date, decided_by: User, decided_on: date
) -> BandDecision:
    """Write down what becomes of the account; it replaces the decision before, which stays as history.

    Whether the account is of low value is not asked: one just above the line may be decided on too. Nothing is done to the
    account itself. Raises BandDecisionRefused.
    """
    if verdict not in BandVerdict.values:
        raise BandDecisionRefused(_("Choose one of: keep, improve, end."))
    if not text.strip():
        raise BandDecisionRefused(_("Say why: whoever looks at it again reads this."))
    if not decided_on < review_on <= add_months(decided_on, LONGEST_MONTHS):
        raise BandDecisionRefused(_("Choose a day for the review after today, within two years."))
    return BandDecision.objects.create(
        account=account,
        verdict=verdict,
        text=text.strip(),
        review_on=review_on,
        decided_by=decided_by,
        decided_on=decided_on,
    )
