"""Make a token for programs: it is shown once, the database keeps only its digest."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _
from knox.models import AuthToken

from accounts.models import User


class Command(BaseCommand):
    help = "Print a new API token of a user, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--days", type=int, help="Let it expire after so many days; without it, it does not expire."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(_("There is no user %(name)s.") % {"name": options["username"]})
        if not user.is_active:
            raise CommandError(_("The user %(name)s is switched off.") % {"name": user.username})
        days = options["days"]
        if days is not None and not 1 <= days <= 3650:
            raise CommandError(_("--days takes 1 to 3650."))
        _row, token = AuthToken.objects.create(user=user, expiry=timedelta(days=days) if days else None)
        self.stdout.write(token)
