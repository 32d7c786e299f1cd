"""Mail into the log: whose it is says the address it came to or the token it came with, never the line From.

A mail is logged at the account of the contact who wrote it or to whom it was written, one interaction an account, once
however often it comes. What fits no account, or several, waits for its user to say; nothing is lost.
"""

from __future__ import annotations

import base64
import secrets
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import structlog
from django.conf import settings
from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.access import Action
from accounts.models import Account, Contact, User
from crm.lib.exceptions import CrmError
from crm.lib.mails import Mail, UnreadableMail, read
from crm.lib.wall import beyond_the_wall
from service import storage
from service.attachments import MEGABYTE, AttachmentRefused, check, kept_or_nothing, shown
from service.enums import InteractionKind, MailState
from service.models import TEXT_LENGTH, IncomingMail, Interaction, MailAddress
from service.models_mail import ADDRESS_LENGTH
from service.services import log_interaction

PREFIX = "log+"
SHOWN_CANDIDATES = 5
PREVIEW = 2000  # characters of a mail that waits
WHOLE_TEXT = "mail.txt"

logger = structlog.get_logger(__name__)


class MailRefused(CrmError):
    """A mail that cannot be taken: too large, none at all, or from somebody who may not log."""

    code = "mail-refused"
    status = 422


@dataclass(slots=True)
class Received:
    """What became of a mail. is_new : it had not come before; refused : its files that were not taken, with the reasons"""

    mail: IncomingMail
    is_new: bool
    interactions: list[Interaction] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


# --- Addresses ---


@beyond_the_wall("the address of one's own is made when its page is first read, which writes")
def address_of(user: User) -> str:
    """The address of a user, made when it is first asked for; "" where this Facet takes no mail."""
    if not settings.MAIL_IN_DOMAIN:
        return ""
    found, _made = MailAddress.objects.get_or_create(
        user=user, defaults={"token": _new_token(), "made_at": timezone.now()}
    )
    return f"{PREFIX}{found.token}@{settings.MAIL_IN_DOMAIN}"


def renew_address(user: User) -> str:
    """Another address; mail to the old one is refused from now on."""
    new = {"token": _new_token(), "made_at": timezone.now()}
    MailAddress.objects.update_or_create(user=user, defaults=new)
    return address_of(user)


def _new_token() -> str:
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=").lower()


def user_of(addresses: Iterable[str]) -> User | None:
    """Whose address is among these; None for none of ours, and for a log-in that is switched off."""
    tokens = []
    for address in addresses:
        local, _at, domain = address.strip().strip("<>").lower().rpartition("@")
        if domain == settings.MAIL_IN_DOMAIN and local.startswith(PREFIX):
            tokens.append(local.removeprefix(PREFIX))
    found = MailAddress.objects.filter(token__in=tokens, user__is_active=True).select_related("user").first()
    return found.user if found else None


def largest() -> int:
    return settings.MAIL_IN_MAX_MB * MEGABYTE


def too_large_words() -> str:
    return _("This mail is larger than %(most)s MB.") % {"most": settings.MAIL_IN_MAX_MB}


# --- What comes in ---


def receive(*, raw: bytes, user: User, now: datetime) -> Received:
    """Log a mail for a user, or keep it until they say where it belongs. A repeat changes nothing.

    Raises MailRefused for one that is too large or none at all, and for a user who may not log interactions.
    """
    if not user.may(Action.INTERACTION_ADD):
        raise MailRefused(_("Your log-in may not log interactions. An administrator can give you that right."))
    mail = _read(raw)
    with translation.override(user.language or settings.LANGUAGE_CODE), kept_or_nothing() as written:
        _one_at_a_time(mail.message_id)
        known = IncomingMail.objects.filter(user=user, message_id=mail.message_id).first()
        if known and known.state != MailState.ASIDE:
            return Received(known, False, list(known.interactions.all()))
        if known:  # put aside once, and now sent again
            known.delete()
        matched = matches(mail, user)
        if not matched:
            return Received(_wait(mail, raw, user, now, written), True)
        row = _row(mail, user, now, MailState.LOGGED)
        row.save()
        return _log(row, mail, matched, now)


def _read(raw: bytes) -> Mail:
    if len(raw) > largest():
        raise MailRefused(too_large_words())
    try:
        return read(raw)
    except UnreadableMail as unreadable:
        raise MailRefused(str(unreadable)) from unreadable


def _one_at_a_time(message_id: str) -> None:
    """The same mail may come for two people at once; the second finds what the first has logged."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"mail {message_id}"])


def _row(mail: Mail, user: User, now: datetime, state: MailState) -> IncomingMail:
    return IncomingMail(
        user=user, message_id=mail.message_id, state=state, subject=mail.subject, sent_at=mail.sent_at, received_at=now
    )


def _wait(mail: Mail, raw: bytes, user: User, now: datetime, written: list[str]) -> IncomingMail:
    kept = storage.write([raw])
    written.append(kept.stored_as)
    row = _row(mail, user, now, MailState.WAITING)
    row.sender = ", ".join(mail.sender)[:ADDRESS_LENGTH]
    row.recipients, row.text, row.stored_as = ", ".join((*mail.to, *mail.cc)), mail.text[:PREVIEW], kept.stored_as
    row.save()
    return row


# --- Which account ---


def matches(mail: Mail, user: User) -> dict[int, list[Contact]]:
    """Account id → its contacts in the mail, among the accounts the user sees.

    Those who wrote it or to whom it was written count; copies and the head of a forwarded mail only where none of them is
    known. An address that several accounts know decides nothing, and goes with an account that another one names.
    """
    ours = _our_addresses(mail)
    for addresses in (mail.direct, (*mail.cc, *mail.quoted)):
        known = contacts_of(set(addresses) - ours, user)
        sure = {contacts[0].account_id for contacts in known.values() if len(_accounts(contacts)) == 1}
        if sure:
            everybody = contacts_of({*mail.direct, *mail.cc, *mail.quoted} - ours, user)
            found: dict[int, list[Contact]] = {account: [] for account in sorted(sure)}
            for contact in (one for contacts in everybody.values() for one in contacts):
                if contact.account_id in found:
                    found[contact.account_id].append(contact)
            return found
        if known:
            return {}  # the address is known, to several
    return {}


def _accounts(contacts: Iterable[Contact]) -> set[int]:
    return {contact.account_id for contact in contacts}


def contacts_of(addresses: Iterable[str], user: User) -> dict[str, list[Contact]]:
    """Address → contacts who have it, of accounts the user sees; one statement."""
    seen = Account.objects.visible_to(user).order_by().values("pk")
    rows = Contact.objects.annotate(address=Lower("email")).filter(address__in=list(addresses), account__in=seen)
    found: dict[str, list[Contact]] = defaultdict(list)
    for contact in rows.order_by("-is_active", "pk"):
        found[contact.address].append(contact)
    return dict(found)


def _our_addresses(mail: Mail) -> set[str]:
    every = {*mail.direct, *mail.cc, *mail.quoted}
    own = {one for one in every if settings.MAIL_IN_DOMAIN and one.endswith(f"@{settings.MAIL_IN_DOMAIN}")}
    return own | set(_our_people(every))


def _our_people(addresses: Iterable[str]) -> dict[str, User]:
    rows = User.objects.annotate(address=Lower("email")).filter(address__in=list(addresses), is_active=True)
    return {user.address: user for user in rows}


def candidates(row: IncomingMail, user: User) -> list[Account]:
    """Accounts that know somebody in a mail which waits, for its user to choose from."""
    addresses = {one.strip() for text in (row.sender, row.recipients) for one in text.split(",") if one.strip()}
    ids = _accounts(contact for contacts in contacts_of(addresses, user).values() for contact in contacts)
    return list(Account.objects.filter(pk__in=ids).order_by("sort_key", "pk")[:SHOWN_CANDIDATES])


# --- Into the log ---


def _log(row: IncomingMail, mail: Mail, matched: dict[int, list[Contact]], now: datetime) -> Received:
    done = Received(row, True)
    accounts = Account.objects.in_bulk(list(matched))
    ours = {row.user, *_our_people({*mail.direct, *mail.cc}).values()}
    for account_id, contacts in matched.items():
        there = Interaction.objects.filter(account=account_id, mails__message_id=row.message_id).first()
        if there is None:
            people = {"our_people": ours, "their_people": contacts}
            there, done.refused = _interaction(row, mail, accounts[account_id], people, today=timezone.localdate(now))
        there.our_people.add(row.user)
        row.interactions.add(there)
        done.interactions.append(there)
    return done


def _interaction(
    row: IncomingMail, mail: Mail, account: Account, people: dict[str, Any], *, today: date
) -> tuple[Interaction, list[str]]:
    files, refused = _files(mail)
    summary, is_cut = _summary(mail, refused)
    if is_cut:
        files.append(ContentFile(mail.text.encode(), name=WHOLE_TEXT))
    made = log_interaction(
        account=account,
        kind=InteractionKind.EMAIL,
        held_on=_day(mail, today),
        summary=summary,
        logged_by=row.user,
        today=today,
        files=files,
        **people,
    )
    return made, refused


def _day(mail: Mail, today: date) -> date:
    sent = timezone.localdate(mail.sent_at) if mail.sent_at else today
    return min(sent, today)


def _files(mail: Mail) -> tuple[list[ContentFile], list[str]]:
    """The files that are taken, and why the others are not."""
    taken: list[ContentFile] = []
    refused: list[str] = []
    most = settings.ATTACHMENTS_PER_INTERACTION - 1  # one is for a text that is too long
    for part in mail.files:
        file = ContentFile(part.content, name=part.name)
        try:
            check(file)
        except AttachmentRefused as reason:
            refused.append(str(reason))
            continue
        if len(taken) < most:
            taken.append(file)
        else:
            refused.append(_("%(name)s: there are too many files in this mail.") % {"name": shown(part.name)})
    return taken, refused


def _summary(mail: Mail, refused: Sequence[str]) -> tuple[str, bool]:
    """The words of the interaction, and whether the mail has more of them."""
    told = _("Not kept of this mail:") + "\n" + "\n".join(refused) if refused else ""
    told = told[: TEXT_LENGTH // 2]
    room = TEXT_LENGTH - len(told) - 100
    words = "\n\n".join(filter(None, (mail.subject, mail.text))) or _("(a mail without words)")
    is_cut = len(words) > room
    if is_cut:
        words = words[:room].rstrip() + " …\n" + _("The whole text is among the files.")
    return "\n\n".join(filter(None, (words, told))), is_cut


# --- By hand ---


def waiting(user: User) -> list[IncomingMail]:
    return list(IncomingMail.objects.filter(user=user, state=MailState.WAITING))


def waiting_count(user: User) -> int:
    return IncomingMail.objects.filter(user=user, state=MailState.WAITING).count()


def assign(*, mail: IncomingMail, account: Account, now: datetime) -> Received:
    """Log a mail that waits at an account. Raises MailRefused where it was dealt with before, or its bytes are gone."""
    with translation.override(mail.user.language or settings.LANGUAGE_CODE), kept_or_nothing():
        row = _locked(mail)
        raw = storage.bytes_of(row.stored_as)
        if raw is None:
            raise MailRefused(_("The file of this mail is gone. Put it aside, and forward it again."))
        read_again = _read(raw)
        every = {*read_again.direct, *read_again.cc, *read_again.quoted}
        known = contacts_of(every, row.user)
        there = [one for contacts in known.values() for one in contacts if one.account_id == account.pk]
        _forget(row, MailState.LOGGED)
        return _log(row, read_again, {account.pk: there}, now)


@transaction.atomic
def put_aside(*, mail: IncomingMail) -> None:
    """A mail that belongs in no log: its words and bytes go. Raises MailRefused where it was dealt with before."""
    _forget(_locked(mail), MailState.ASIDE)


def _locked(mail: IncomingMail) -> IncomingMail:
    row = IncomingMail.objects.select_for_update(of=("self",)).select_related("user").get(pk=mail.pk)
    if row.state != MailState.WAITING:
        raise MailRefused(_("This mail was dealt with already."))
    return row


def _forget(row: IncomingMail, state: MailState) -> None:
    stored_as = row.stored_as
    row.state, row.sender, row.recipients, row.text, row.stored_as = state, "", "", "", ""
    if state == MailState.ASIDE:
        row.subject = ""
    row.save()
    transaction.on_commit(lambda: storage.remove(stored_as))


def forget_bytes(sender: object, *, instance: IncomingMail, **_kwargs: object) -> None:
    """Whatever removes the row: the bytes follow after the commit."""
    if stored_as := instance.stored_as:
        transaction.on_commit(lambda: storage.remove(stored_as))


def forget_person(values: Sequence[str]) -> int:
    """Put aside the mails that wait and hold one of these values anywhere: what is inside a mail cannot be taken out of it.
    Returns how many."""
    gone = 0
    for row in IncomingMail.objects.filter(state=MailState.WAITING).select_for_update():
        raw = storage.bytes_of(row.stored_as)
        told = " ".join((row.subject, row.sender, row.recipients, row.text, _everything(raw or b""))).lower()
        if any(value.lower() in told for value in values):
            _forget(row, MailState.ASIDE)
            gone += 1
    seen = Q()
    for value in values:
        seen |= Q(subject__icontains=value)
    return gone + (IncomingMail.objects.filter(seen).update(subject="") if values else 0)


def _everything(raw: bytes) -> str:
    try:
        mail = read(raw)
    except UnreadableMail:
        return raw.decode("latin-1")
    files = (f"{part.name} {part.content.decode('utf-8', errors='ignore')}" for part in mail.files)
    return " ".join((raw.decode("utf-8", errors="ignore"), mail.subject, mail.text, *files))
