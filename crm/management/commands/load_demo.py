from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

ACCOUNTS, MONTHS, SEED = (20, 5_000), (12, 120), (0, 2**31 - 1)


class Command(BaseCommand):
    help = "Fill an empty database with a believable company: accounts, people, contracts, revenue, ratings, a model."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--accounts", type=_within(*ACCOUNTS), default=400, help="how many (default 400)")
        parser.add_argument("--months", type=_within(*MONTHS), default=36, help="of books, ending last month")
        parser.add_argument("--seed", type=_within(*SEED), default=7, help="the same seed makes the same company")
        parser.add_argument(
            "--log-ins",
            action="store_true",
            help="let manager, seller and delivery log in with their name as password; embedded database only",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        from crm.demo.load import AccountsExist, load_demo

        if options["log_ins"] and not settings.EMBEDDED_DATABASE:
            raise CommandError(_("Log-ins with known passwords are made on the embedded database only."), returncode=2)
        try:
            loaded = load_demo(
                accounts=options["accounts"],
                months=options["months"],
                seed=options["seed"],
                today=timezone.localdate(),
                with_logins=options["log_ins"],
            )
        except AccountsExist as error:
            raise CommandError(str(error), returncode=2) from error
        if options["verbosity"]:
            self.stdout.write(
                _("Loaded %(accounts)s accounts and %(records)s revenue records.")
                % {"accounts": loaded.accounts, "records": loaded.records}
            )


def _within(low: int, high: int) -> Callable[[str], int]:
    """Reads a whole number between two bounds."""

    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise ArgumentTypeError(
                _("%(text)s is no whole number from %(low)s to %(high)s.") % {"text": text, "low": low, "high": high}
            )
        return int(text)

    return read
