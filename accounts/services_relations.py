"""Writing down relationships with a customer: people, who decides, how close we are, courtesies (domain.md 5.1 to 5.3).

Days are passed in; the edges read the clock. Every refusal names the field where there is one and says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.enums_relations import COUNTED_COURTESIES, ChainRole, CourtesyState
from accounts.models import (
    Account,
    AttitudeNote,
    BuyingCentre,
    CentreMember,
    Contact,
    Courtesy,
    LevelEvidence,
    PartnershipState,
    RelationshipTarget,
    User,
)
from accounts.relationship_rules import courtesy_limit
from accounts.validators_relations import in_one_group
from crm.lib.exceptions import CrmError
from crm.lib.periods import add_months

EVIDENCE_GOOD_FOR_MONTHS = 12  # of an organisational level, unless said otherwise [D]
ATTITUDE_FIELDS = ("attitude", "attitude_since", "is_decision_maker")


class RelationshipRefused(CrmError):
    """Something about a relationship that the rules do not allow; the message says what to do."""

    code = "relationship-refused"
    status = 409


@transaction.atomic
def save_contact(*, contact: Contact, by: User | None, today: date, **fields: Any) -> Contact:
    """Keep a person, new or changed; a changed attitude goes through the log. Raises ValidationError."""
    stand = {name: fields.pop(name) for name in ATTITUDE_FIELDS if name in fields}
    for name, value in fields.items():
        setattr(contact, name, " ".join(value.split()) if name == "department" else value)
    if fields.get("department") is not None and "department_kind" not in fields:
        contact.department_kind = ""  # read anew from the name
    contact.full_clean()
    contact.save()
    if not stand:
        return contact
    attitude = stand.get("attitude", contact.attitude)
    return note_attitude(
        contact=contact,
        is_decision_maker=stand.get("is_decision_maker", contact.is_decision_maker),
        attitude=attitude,
        since=stand.get("attitude_since")
        or (contact.attitude_since if attitude == contact.attitude else None)
        or today,
        by=by,
    )


@transaction.atomic
def note_attitude(
    *,
    contact: Contact,
    attitude: int | None,
    since: date,
    is_decision_maker: bool | None = None,
    evidence: str = "",
    by: User | None = None,
) -> Contact:
    """Add to the log how a person stands to us from a day on; the contact shows the last word of the log.

    attitude : None is not known any more. The same attitude again, with evidence, confirms it and moves no day.
    A key decision maker below neutral is a warning sign of the account (domain.md 3.7). Raises ValidationError for a day
    before that of the last entry, and where a rule of the row is broken.
    """
    row = Contact.objects.select_for_update().get(pk=contact.pk)
    if is_decision_maker is not None:
        row.is_decision_maker = is_decision_maker
    last = row.attitude_notes.order_by("-held_from", "-pk").first()
    if attitude != row.attitude or evidence.strip():
        if last is not None and since < last.held_from:
            words = _("An attitude was noted from %(day)s on: choose that day or a later one.")
            raise ValidationError({"attitude_since": words % {"day": last.held_from.isoformat()}})
        note = AttitudeNote(contact=row, attitude=attitude, held_from=since, evidence=evidence.strip(), noted_by=by)
        note.full_clean()
        note.save()
    if attitude != row.attitude:
        row.attitude_since = None if attitude is None else since
    row.attitude = attitude
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def save_centre(*, centre: BuyingCentre, name: str, is_active: bool = True, notes: str = "") -> BuyingCentre:
    """Keep a buying centre, new or changed. Raises ValidationError where the account has one of that name."""
    centre.name, centre.is_active, centre.notes = " ".join(name.split()), is_active, notes.strip()
    centre.full_clean()
    centre.save()
    return centre


@transaction.atomic
def set_member(
    *,
    centre: BuyingCentre,
    contact: Contact,
    roles: Iterable[str],
    weight: int,
    owner: User | None = None,
    target_attitude: int | None = None,
    target_on: date | None = None,
    member: CentreMember | None = None,
) -> CentreMember:
    """Put a person into a buying centre, or change what was said of them there (``member``). Raises ValidationError for
    somebody of another group, for a person who is there already, and where a rule of the row is broken."""
    if not in_one_group(centre.account_id, contact.account_id):
        raise ValidationError(
            {"contact": _("This person belongs to another customer: choose somebody of this account or its group.")}
        )
    row = member or CentreMember(centre=centre)
    chosen = set(roles)
    row.contact, row.weight, row.owner = contact, weight, owner
    row.roles = [role for role in ChainRole.values if role in chosen] + sorted(chosen - set(ChainRole.values))
    row.target_attitude, row.target_on = target_attitude, target_on
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def remove_member(*, member: CentreMember) -> None:
    CentreMember.objects.filter(pk=member.pk).delete()


@transaction.atomic
def record_level(
    *, account: Account, level: int, evidence: str, reached_on: date, by: User | None, expires_on: date | None = None
) -> LevelEvidence:
    """Write down what shows how close the companies are; good for twelve months unless said otherwise."""
    row = LevelEvidence(
        account=account,
        level=level,
        evidence=evidence.strip(),
        reached_on=reached_on,
        expires_on=expires_on or add_months(reached_on, EVIDENCE_GOOD_FOR_MONTHS),
        noted_by=by,
    )
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def end_level(*, evidence: LevelEvidence, on: date) -> LevelEvidence:
    """It counts until before ``on``. Raises RelationshipRefused for what has ended by then or has not begun."""
    row = LevelEvidence.objects.select_for_update().get(pk=evidence.pk)
    if on >= row.expires_on:
        raise RelationshipRefused(_("This evidence has ended already."))
    if on <= row.reached_on:
        raise RelationshipRefused(_("It counts for a day at least: choose a later day."))
    row.expires_on = on
    row.save(update_fields=["expires_on", "updated_at"])
    return row


@transaction.atomic
def note_partnership(*, account: Account, state: str, since: date, evidence: str, by: User | None) -> PartnershipState:
    """Add what the customer has become for us. Raises RelationshipRefused for the state it has, and for a day before
    that of the last one."""
    Account.objects.select_for_update().get(pk=account.pk)
    last = account.partnership_states.order_by("-since", "-pk").first()
    if last is not None and last.state == state:
        raise RelationshipRefused(_("The customer has this state already: choose another one."))
    if last is not None and since < last.since:
        words = _("The state changed last on %(day)s: choose that day or a later one.")
        raise RelationshipRefused(words % {"day": last.since.isoformat()})
    row = PartnershipState(account=account, state=state, since=since, evidence=evidence.strip(), noted_by=by)
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def set_targets(*, account: Account, **fields: Any) -> RelationshipTarget:
    """Where the account departs from the rule of its grade; None follows the rule. Raises ValidationError."""
    row = RelationshipTarget.objects.select_for_update().filter(account=account).first() or RelationshipTarget(
        account=account
    )
    for name, value in fields.items():
        setattr(row, name, value or None if name == "departments" else value)
    row.full_clean()
    row.save()
    return row


@transaction.atomic
def record_courtesy(
    *,
    contact: Contact,
    kind: str,
    given_on: date,
    occasion: str,
    amount: Decimal,
    currency: str,
    given_by: User,
    today: date,
    reason: str = "",
) -> Courtesy:
    """Write down a gift or an invitation. Beyond a limit it waits for somebody else, if a reason is given.

    Raises RelationshipRefused beyond a limit without a reason, for a foreign currency and for a day to come.
    """
    Contact.objects.select_for_update().get(pk=contact.pk)  # two at once do not pass the limit together
    limit = courtesy_limit(kind)
    if given_on > today:
        raise RelationshipRefused(_("It lies in the future: note it once it was given."))
    if currency != limit.currency:
        raise RelationshipRefused(
            _("The limits are in %(currency)s: give the worth in that currency.") % {"currency": limit.currency}
        )
    row = Courtesy(
        contact=contact, kind=kind, given_on=given_on, occasion=occasion.strip(), amount=amount, currency=currency,
        given_by=given_by, reason=reason.strip(),
    )  # fmt: skip
    row.full_clean(exclude=["state"])
    beyond = _beyond(row, limit)
    if beyond and not row.reason:
        raise RelationshipRefused(beyond)
    row.state = CourtesyState.WAITING if beyond else CourtesyState.RECORDED
    row.save()
    return row


@transaction.atomic
def decide_courtesy(*, courtesy: Courtesy, by: User, on: date, is_approved: bool) -> Courtesy:
    """Raises RelationshipRefused for whoever gave it, and where it was decided before."""
    row = Courtesy.objects.select_for_update().get(pk=courtesy.pk)
    if row.state != CourtesyState.WAITING:
        raise RelationshipRefused(_("Nothing is to be decided here any more."))
    if row.given_by_id == by.pk:
        raise RelationshipRefused(_("You gave this yourself: another person must decide."))
    row.state = CourtesyState.APPROVED if is_approved else CourtesyState.REFUSED
    row.decided_by, row.decided_on = by, on
    row.save()
    return row


def _beyond(row: Courtesy, limit: Any) -> str:
    """Why it is more than the limits allow; "" where it is not. Limits of a year count calendar years, all kinds apart."""
    words: Mapping[str, Any] = {"limit": f"{limit.per_occasion.normalize():f}", "currency": limit.currency}
    if row.amount > limit.per_occasion:
        return (
            _("One occasion may be worth %(limit)s %(currency)s at most. Choose less, or say why and ask for approval.")
            % words
        )
    year = Courtesy.objects.filter(
        contact=row.contact, kind=row.kind, given_on__year=row.given_on.year, state__in=COUNTED_COURTESIES
    )
    spent = year.aggregate(total=Sum("amount"))["total"] or Decimal(0)
    if spent + row.amount > limit.per_year:
        words = {
            "limit": f"{limit.per_year.normalize():f}", "currency": limit.currency, "spent": f"{spent.normalize():f}",
        }  # fmt: skip
        return (
            _(
                "This person was given %(spent)s of at most %(limit)s %(currency)s this year. Choose less, or say why and ask for approval."
            )
            % words
        )
    return ""
