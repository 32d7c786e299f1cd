"""Make a token for programs: it is shown once, the database keeps only its digest."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.security.tokens import TokenProblem, make_token, preset

PRESETS = ("all", "read")


class Command(BaseCommand):
    help = "Print a new API token of a user, once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        most = settings.API_TOKEN_MAX_DAYS
        parser.add_argument("username")
        parser.add_argument(
            "--days", type=int, default=most, help=f"It lasts so many days, at most and usually {most}."
        )
        parser.add_argument(
            "--scopes",
            default="all",
            help="all: whatever the user may (usual); read: only look; or scopes, separated by commas.",
        )
        parser.add_argument("--name", default="create_api_token", help="By which it is known in lists.")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(_("There is no user %(name)s.") % {"name": options["username"]})
        if not user.is_active:
            raise CommandError(_("The user %(name)s is switched off.") % {"name": user.username})
        asked = options["scopes"]
        scopes = preset(asked) if asked in PRESETS else [part.strip() for part in asked.split(",") if part.strip()]
        try:
            _row, token = make_token(
                user=user, name=options["name"], days=options["days"], scopes=scopes, now=timezone.now()
            )
        except TokenProblem as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(token)
