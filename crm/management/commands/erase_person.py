from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from crm.lib.exceptions import CrmError
from crm.management.commands.export_person import known_person
from crm.models.trail import ERASE_PERSON
from crm.trail.persons import erase_person


class Command(BaseCommand):
    help = "Erase the personal data of one person (contact:12 or user:3) for good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="KIND:NUMBER")
        parser.add_argument("--reason", required=True, help="who asked for it, and when; it stays")
        parser.add_argument(
            "--by", metavar="USERNAME", required=True, help="who answers for it: a user with that right"
        )
        parser.add_argument("--yes", metavar="KIND:NUMBER", default="", help="the person again: it cannot be undone")

    def handle(self, *args: Any, **options: Any) -> None:
        person = known_person(options["person"])
        if options["yes"] != person.name:
            raise CommandError(f"It cannot be undone: add --yes {person.name}.", returncode=2)
        by = User.objects.filter(username=options["by"], is_active=True).first()
        if by is None or not by.has_perm(ERASE_PERSON):
            raise CommandError(f"{options['by']} may not erase personal data.", returncode=2)
        try:
            erasure = erase_person(person, by=by, reason=options["reason"])
        except CrmError as refused:
            raise CommandError(str(refused)) from refused
        told = ", ".join(f"{name} {count}" for name, count in erasure.counts.items())
        self.stdout.write(f"{person.name} erased: {told}")
