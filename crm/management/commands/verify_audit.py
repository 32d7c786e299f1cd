import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.trail.chain import verify


class Command(BaseCommand):
    help = (
        "Check that the trail of changes is whole: every entry, its order, its triggers, and the heads noted outside."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument("--heads", type=Path, metavar="FILE", help="heads noted outside, instead of the usual file")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["heads"] and not options["heads"].is_file():
            raise CommandError(f"There is no file {options['heads']}.", returncode=2)
        report = verify(heads=options["heads"])
        if options["json"]:
            self.stdout.write(json.dumps({"valid": report.is_valid, **asdict(report)}))
        else:
            self.stdout.write(f"{report.entries} entries, {report.seals} seals, head {report.head or '-'}")
            for fault in report.faults:
                self.stdout.write(self.style.ERROR(fault))
        if not report.is_valid:
            raise CommandError(f"The trail is broken: {report.faults[0]}.")
