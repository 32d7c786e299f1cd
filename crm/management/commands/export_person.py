from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.trail.persons import Person, export_json, is_known


class Command(BaseCommand):
    help = "Everything that is kept about one person (contact:12 or user:3), as JSON."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="KIND:NUMBER")
        parser.add_argument("--output", metavar="FILE", help="write there instead of printing")

    def handle(self, *args: Any, **options: Any) -> None:
        text = export_json(known_person(options["person"]))
        if options["output"]:
            Path(options["output"]).write_text(text + "\n", encoding="utf-8")
        else:
            self.stdout.write(text)


def known_person(text: str) -> Person:
    """Raises CommandError (exit 2) for what is no person, or nobody."""
    person = Person.read(text)
    if person is None:
        raise CommandError(f"{text} is no person: contact:12 and user:3 are.", returncode=2)
    if not is_known(person):
        raise CommandError(f"There is no {person.name}.", returncode=2)
    return person
