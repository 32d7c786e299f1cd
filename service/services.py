"""Writing down what is done for customers: interactions, requests and their steps, sponsors, discounts.

Times are passed in; the edges read the clock. Every refusal is a CrmError that says the next step.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model, Q
from django.utils.translation import gettext as _

from accounts.enums import TeamRole
from accounts.models import Account, Contact, TeamMember, User
from crm.lib.days import day_text
from crm.lib.exceptions import CrmError
from service.attachments import Sent, add_files, kept_or_nothing
from service.enums import InteractionPurpose, RequestStepKind, Severity
from service.models import Discount, Interaction, RequestStep, ServiceRequest, Sponsor

MOST_ACCOUNTS = 10  # of one sponsor; domain.md 4 [D]
ONE_DAY = timedelta(days=1)


class InteractionRefused(CrmError):
    """An interaction that breaks a rule of its row."""

    code = "interaction-refused"
    status = 422


class RequestRefused(CrmError):
    """A step that a request cannot take as it stands, or a request that breaks a rule of its row."""

    code = "request-refused"
    status = 409


class SponsorRefused(CrmError):
    """A sponsor that the rules do not allow."""

    code = "sponsor-refused"
    status = 409


class DiscountRefused(CrmError):
    """A discount, or an approval of one, that the rules do not allow."""

    code = "discount-refused"
    status = 409


def log_interaction(
    *,
    account: Account,
    kind: str,
    held_on: date,
    summary: str,
    logged_by: User,
    today: date,
    purpose: str = InteractionPurpose.ROUTINE,
    minutes: int | None = None,
    is_remote: bool = False,
    next_step: str = "",
    next_step_on: date | None = None,
    our_people: Iterable[User] = (),
    their_people: Iterable[Contact] = (),
    files: Iterable[Sent] = (),
) -> Interaction:
    """Write down one interaction that took place, with its files. Raises InteractionRefused for one still to come, for
    people of another account, and where a rule of the row is broken; AttachmentRefused for a file that is not taken. Then
    neither row nor file is left."""
    made = Interaction(account=account, logged_by=logged_by)
    fields = {"kind": kind, "held_on": held_on, "summary": summary, "purpose": purpose, "minutes": minutes}
    fields |= {"is_remote": is_remote, "next_step": next_step, "next_step_on": next_step_on}
    with kept_or_nothing() as written:
        row = _written(made, fields, today=today, our_people=list(our_people), their_people=list(their_people))
        add_files(row, list(files), by=logged_by, written=written)
    return row


def correct_interaction(
    *,
    interaction: Interaction,
    today: date,
    our_people: Iterable[User] | None = None,
    their_people: Iterable[Contact] | None = None,
    files: Iterable[Sent] = (),
    by: User | None = None,
    **fields: Any,
) -> Interaction:
    """Change what was written down; the account and who wrote it stay. People that are not given stay too, and so do the
    files; ``files`` are added, by ``by``.

    Raises InteractionRefused and AttachmentRefused as ``log_interaction`` does.
    """
    with kept_or_nothing() as written:
        row = _corrected(interaction, fields, today=today, our_people=our_people, their_people=their_people)
        add_files(row, list(files), by=by or row.logged_by, written=written)
    return row


def _corrected(
    interaction: Interaction,
    fields: dict[str, Any],
    *,
    today: date,
    our_people: Iterable[User] | None,
    their_people: Iterable[Contact] | None,
) -> Interaction:
    row = Interaction.objects.select_for_update().get(pk=interaction.pk)
    ours = list(row.our_people.all()) if our_people is None else list(our_people)
    theirs = list(row.their_people.all()) if their_people is None else list(their_people)
    return _written(row, fields, today=today, our_people=ours, their_people=theirs)


@transaction.atomic
def delete_interaction(*, interaction: Interaction) -> None:
    """Take off the log what never took place."""
    Interaction.objects.filter(pk=interaction.pk).delete()


@transaction.atomic
def finish_next_step(*, interaction: Interaction, on: date) -> Interaction:
    """Say that the next step is done. Raises InteractionRefused where there is none, or it was done before."""
    row = Interaction.objects.select_for_update().get(pk=interaction.pk)
    if not row.next_step or row.next_step_done_on is not None:
        raise InteractionRefused(_("There is no next step left to do here."))
    row.next_step_done_on = on
    row.save(update_fields=["next_step_done_on", "updated_at"])
    return row


def _written(
    row: Interaction, fields: dict[str, Any], *, today: date, our_people: list[User], their_people: list[Contact]
) -> Interaction:
    for name, value in fields.items():
        setattr(row, name, value.strip() if isinstance(value, str) else value)
    if row.held_on > today:
        raise InteractionRefused(_("It lies in the future: log it once it has taken place."))
    if any(contact.account_id != row.account_id for contact in their_people):
        raise InteractionRefused(_("One of these people belongs to another customer. Choose contacts of this account."))
    _check(row, InteractionRefused)
    row.save()
    row.our_people.set(our_people)
    row.their_people.set(their_people)
    return row


@transaction.atomic
def open_request(
    *,
    account: Account,
    kind: str,
    subject: str,
    opened_by: User,
    now: datetime,
    severity: int = Severity.NORMAL,
    text: str = "",
    contact: Contact | None = None,
    assigned_to: User | None = None,
    opened_at: datetime | None = None,
) -> ServiceRequest:
    """Keep what a customer asks for; ``opened_at`` where it came in earlier than now. Raises RequestRefused."""
    opened_at = opened_at or now
    if opened_at > now:
        raise RequestRefused(_("A request cannot come in later than now."))
    if contact is not None and contact.account_id != account.pk:
        raise RequestRefused(_("This person belongs to another customer. Choose a contact of this account."))
    made = ServiceRequest(
        account=account,
        kind=kind,
        severity=severity,
        subject=subject.strip(),
        text=text.strip(),
        contact=contact,
        assigned_to=assigned_to,
        opened_by=opened_by,
        opened_at=opened_at,
    )
    _check(made, RequestRefused)
    made.save()
    return made


@transaction.atomic
def respond(*, request: ServiceRequest, by: User, at: datetime, text: str = "") -> ServiceRequest:
    """The first response to the customer, which stops the clock of response times. Raises RequestRefused."""
    row = _unresolved(request)
    if row.first_response_at is not None:
        raise RequestRefused(_("This request has had its first response already."))
    row.first_response_at = at
    return _stepped(row, RequestStepKind.RESPONSE, by=by, at=at, text=text)


@transaction.atomic
def escalate(
    *, request: ServiceRequest, by: User, at: datetime, text: str, assigned_to: User | None = None
) -> ServiceRequest:
    """Bring it before a director, who may take it over (``assigned_to``). Raises RequestRefused."""
    row = _unresolved(request)
    if row.escalated_at is not None:
        raise RequestRefused(_("This request is escalated already."))
    if not text.strip():
        raise RequestRefused(_("Say why it is escalated."))
    row.escalated_at = at
    row.assigned_to = assigned_to or row.assigned_to
    return _stepped(row, RequestStepKind.ESCALATION, by=by, at=at, text=text)


@transaction.atomic
def resolve(*, request: ServiceRequest, by: User, at: datetime, resolution: str) -> ServiceRequest:
    """Close it with what solved it; where nobody answered before, this is the first response too. Raises RequestRefused."""
    row = _unresolved(request)
    if not resolution.strip():
        raise RequestRefused(_("Say what solved it."))
    row.resolved_at, row.resolution = at, resolution.strip()
    row.first_response_at = row.first_response_at or at
    return _stepped(row, RequestStepKind.RESOLUTION, by=by, at=at, text=resolution)


@transaction.atomic
def reopen(*, request: ServiceRequest, by: User, at: datetime, text: str) -> ServiceRequest:
    """It was not solved after all: open again, with the age it had. Raises RequestRefused."""
    row = ServiceRequest.objects.select_for_update().get(pk=request.pk)
    if row.resolved_at is None:
        raise RequestRefused(_("This request is open."))
    if not text.strip():
        raise RequestRefused(_("Say why."))
    row.resolved_at, row.resolution = None, ""
    return _stepped(row, RequestStepKind.REOPENING, by=by, at=at, text=text)


@transaction.atomic
def change_request(*, request: ServiceRequest, by: User, at: datetime, **fields: Any) -> ServiceRequest:
    """Change kind, severity, responsible person, contact, subject or text; what changed is written down as a step.

    Raises RequestRefused for a contact of another account, and where a rule of the row is broken.
    """
    row = ServiceRequest.objects.select_for_update().get(pk=request.pk)
    contact = fields.get("contact")
    if contact is not None and contact.account_id != row.account_id:
        raise RequestRefused(_("This person belongs to another customer. Choose a contact of this account."))
    changed = [name for name, value in fields.items() if getattr(row, name) != value]
    if not changed:
        return row
    for name in changed:
        setattr(row, name, fields[name])
    _check(row, RequestRefused)
    lines = [_line(row, name) for name in changed]
    return _stepped(row, RequestStepKind.CHANGE, by=by, at=at, text="\n".join(lines))


def _line(row: ServiceRequest, name: str) -> str:
    """A field as it is now, in words."""
    show = getattr(row, f"get_{name}_display", None)
    labels = {field.name: field.verbose_name for field in row._meta.fields}  # noqa: SLF001 - Django's public name
    return _("%(field)s: %(value)s") % {"field": labels[name], "value": (show() if show else getattr(row, name)) or "–"}


def _unresolved(request: ServiceRequest) -> ServiceRequest:
    """The row as it is now, locked; raises RequestRefused where it is resolved."""
    row = ServiceRequest.objects.select_for_update().get(pk=request.pk)
    if row.resolved_at is not None:
        raise RequestRefused(_("This request is resolved. Open it again first."))
    return row


def _stepped(row: ServiceRequest, kind: RequestStepKind, *, by: User, at: datetime, text: str) -> ServiceRequest:
    _check(row, RequestRefused)
    row.save()
    RequestStep.objects.create(request=row, kind=kind, at=at, by=by, text=text.strip())
    return row


@transaction.atomic
def name_sponsor(
    *,
    account: Account,
    user: User,
    kind: str,
    valid_from: date,
    valid_to: date | None = None,
    is_exclusive: bool = False,
) -> Sponsor:
    """Make somebody a sponsor of the account from a day on, until a day (half-open; None: for good).

    Raises SponsorRefused for the account's own account manager, for somebody with ten accounts in these days, for an
    exclusive sponsor of another account, and where the account has a sponsor of the kind in these days.
    """
    User.objects.select_for_update().get(pk=user.pk)  # two namings of one person wait for each other
    made = Sponsor(
        account=account, user=user, kind=kind, is_exclusive=is_exclusive, valid_from=valid_from, valid_to=valid_to
    )
    _check(made, SponsorRefused)
    in_these_days = _overlaps(valid_from, valid_to)
    seats = TeamMember.objects.filter(in_these_days, account=account, user=user, role=TeamRole.ACCOUNT_MANAGER)
    if seats.exists():
        raise SponsorRefused(_("%(user)s manages this account: a sponsor has to be somebody else.") % {"user": user})
    others = Sponsor.objects.filter(in_these_days, user=user).exclude(account=account)
    elsewhere = {row.account_id: row.is_exclusive for row in others.order_by("is_exclusive")}
    if any(elsewhere.values()):
        raise SponsorRefused(_("%(user)s stands exclusively by another account in these days.") % {"user": user})
    if is_exclusive and elsewhere:
        raise SponsorRefused(
            _("%(user)s sponsors other accounts in these days, so not this one exclusively.") % {"user": user}
        )
    if len(elsewhere) >= MOST_ACCOUNTS:
        raise SponsorRefused(
            _(
                "%(user)s sponsors %(number)d accounts in these days, which is the most. End one of them, or name another."
            )
            % {"user": user, "number": len(elsewhere)}
        )
    made.save()
    return made


@transaction.atomic
def end_sponsor(*, sponsor: Sponsor, on: date) -> Sponsor:
    """``on`` is the first day without; a sponsorship lasts a day at least. Raises SponsorRefused where it ended before."""
    row = Sponsor.objects.select_for_update().get(pk=sponsor.pk)
    last = max(on, row.valid_from + ONE_DAY)
    if row.valid_to is not None and row.valid_to <= last:
        raise SponsorRefused(_("It ends on %(day)s already.") % {"day": day_text(row.valid_to)})
    row.valid_to = last
    row.save(update_fields=["valid_to", "updated_at"])
    return row


@transaction.atomic
def grant_discount(
    *,
    account: Account,
    percent: Decimal,
    granted_on: date,
    granted_by: User,
    reason: str,
    today: date,
    reference: str = "",
) -> Discount:
    """Keep a discount off the list price. Above the own authority somebody else has to approve it. Raises DiscountRefused."""
    if granted_on > today:
        raise DiscountRefused(_("It lies in the future: note it on the day it is granted."))
    made = Discount(
        account=account,
        percent=percent,
        granted_on=granted_on,
        granted_by=granted_by,
        reason=reason.strip(),
        reference=reference.strip(),
    )
    _check(made, DiscountRefused)
    made.save()
    return made


@transaction.atomic
def approve_discount(*, discount: Discount, by: User) -> Discount:
    """Somebody else than who granted it allows it. Raises DiscountRefused."""
    row = Discount.objects.select_for_update().get(pk=discount.pk)
    if row.approved_by_id is not None:
        raise DiscountRefused(_("This discount is approved already."))
    if row.granted_by_id == by.pk:
        raise DiscountRefused(_("You granted this discount, so somebody else has to approve it."))
    row.approved_by = by
    row.save(update_fields=["approved_by", "updated_at"])
    return row


def _overlaps(valid_from: date, valid_to: date | None) -> Q:
    """Effective-dated rows that share a day with [valid_from, valid_to)."""
    starts_before = Q(valid_from__lt=valid_to) if valid_to else Q()
    return starts_before & (Q(valid_to__isnull=True) | Q(valid_to__gt=valid_from))


def _check(row: Model, refusal: type[CrmError]) -> None:
    """The rules of the row, and of the row among others, as one refusal in words."""
    try:
        row.full_clean(exclude={field.name for field in row._meta.fields if field.generated})  # noqa: SLF001
    except ValidationError as error:
        raise refusal(" ".join(error.messages)) from error
