"""Links that are sent by mail: signed, good once, good for a while; and what keeps strange addresses out of mails."""

import re
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.signing import BadSignature, Signer
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from crm.lib.exceptions import CrmError

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class BadAddress(CrmError):
    code = "bad-address"
    status = 422


class LinkRefused(CrmError):
    """A link that is not (any more) good. The words are the same whatever the cause, so that nothing can be probed."""

    code = "link-refused"
    status = 410

    def __init__(self) -> None:
        super().__init__(_("This link is not valid any more: it was used, replaced or has run out. Ask for a new one."))


def mail_address(text: str) -> str:
    """The address, if it is one and nothing else. Raises BadAddress."""
    found = text.strip(" ")
    if CONTROL.search(found) or "," in found or len(found) > 254 or not _is_address(found):
        raise BadAddress(_("This is no e-mail address. Give one such as lin@example.com."))
    return found


def _is_address(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return True


def send(*, to: str, subject: str, text: str) -> None:
    """Send a plain mail. A subject is one line: line ends in it are words of a stranger, and become spaces."""
    EmailMessage(subject=" ".join(CONTROL.sub(" ", subject).split()), body=text, to=[mail_address(to)]).send()


def sign(purpose: str, *parts: object) -> str:
    return Signer(salt=f"facet.{purpose}", sep=".").sign("-".join(map(str, parts)))


def unsign(purpose: str, token: str) -> list[str]:
    """The parts that were signed. Raises LinkRefused."""
    try:
        return Signer(salt=f"facet.{purpose}", sep=".").unsign(token).split("-")
    except BadSignature:
        raise LinkRefused from None


def moment_text(moment: datetime) -> str:
    from django.utils import timezone

    return timezone.localtime(moment).strftime("%Y-%m-%d %H:%M")
