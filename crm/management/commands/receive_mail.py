"""Take one mail from standard input into the log: what a mail server hands on to (Postfix: ``|command`` in aliases, or
pipe(8)). Exit codes are those of sysexits.h, which mail servers understand: 75 means "try again later"."""

import os
import sys
from argparse import ArgumentParser
from email import message_from_bytes, policy
from email.utils import getaddresses
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.utils import timezone
from django.utils.translation import gettext as _

from service import mails
from service.enums import MailState

DATA_ERROR, NO_USER, TRY_LATER, NOT_SET_UP = 65, 67, 75, 78
# Where a mail server says to whom it delivers, the surest first.
ENVIRONMENT = ("ORIGINAL_RECIPIENT", "RECIPIENT")
HEADERS = ("X-Original-To", "Delivered-To", "Envelope-To", "To", "Cc")


class Command(BaseCommand):
    help = "Log the mail on standard input for the user whose forwarding address it came to."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            action="append",
            default=[],
            help="The address it was delivered to; without it the environment and the headers say.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.MAIL_IN_DOMAIN:
            raise CommandError("MAIL_IN_DOMAIN is not set: this Facet takes no mail.", returncode=NOT_SET_UP)
        raw = read_all(sys.stdin.buffer)
        try:
            user = mails.user_of(options["to"] or recipients(raw))
            if user is None:
                raise CommandError(_("Nobody has this address, or their log-in is switched off."), returncode=NO_USER)
            done = mails.receive(raw=raw, user=user, now=timezone.now())
        except mails.MailRefused as refused:
            raise CommandError(str(refused), returncode=DATA_ERROR) from refused
        except (DatabaseError, InterfaceError, OSError) as away:
            raise CommandError(f"Not now: {away}", returncode=TRY_LATER) from away
        waits = done.mail.state == MailState.WAITING
        self.stdout.write(f"{'waits' if waits else 'logged'} {done.mail.message_id}")


def read_all(stream: BinaryIO) -> bytes:
    """A byte more than the limit is enough to know."""
    return stream.read(mails.largest() + 1)


def recipients(raw: bytes) -> list[str]:
    """To whom it was delivered, as the mail server or else the mail itself says."""
    told = [os.environ[name] for name in ENVIRONMENT if os.environ.get(name)]
    if told:
        return told
    head = message_from_bytes(raw[:200_000].lstrip(b"\r\n"), policy=policy.compat32)
    values = [str(value) for name in HEADERS for value in head.get_all(name, [])]
    return [address for _name, address in getaddresses(values)]
