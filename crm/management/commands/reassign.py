import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import Account, User
from crm.lib.exceptions import CrmError
from plans.departures import preview, reassign, undo_reassignment
from plans.enums_team import MoveRule
from plans.models import Reassignment


class Command(BaseCommand):
    help = "Give all that hangs on one user to others, in one transaction; or take such a re-assignment back."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "leaver", nargs="?", metavar="USERNAME", help="whose accounts, seats, tasks and requests move"
        )
        parser.add_argument("--to", metavar="USERNAME", help="who takes over, also where the rule names nobody")
        parser.add_argument("--deputies", action="store_true", help="each seat to its deputy")
        parser.add_argument(
            "--region", action="append", default=[], metavar="REGION=USERNAME", help="repeat for several"
        )
        parser.add_argument("--by", metavar="USERNAME", required=True, help="in whose name")
        parser.add_argument("--undo", type=int, metavar="ID", help="take the re-assignment of this number back")
        parser.add_argument("--dry-run", action="store_true", help="count and leave nothing behind")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found = self._undo(options) if options["undo"] else self._move(options)
        except CrmError as refused:
            raise CommandError(str(refused), returncode=2) from refused
        if options["json"]:
            self.stdout.write(json.dumps(found))
            return
        self.stdout.write(f"Re-assignment {found['id']}:" if found["id"] else "Nothing written. It would move:")
        for kind, count in sorted(found["counts"].items()):
            self.stdout.write(f"  {kind:<12} {count:>8}")

    def _undo(self, options: dict[str, Any]) -> dict[str, Any]:
        move = Reassignment.objects.filter(pk=options["undo"]).first()
        if move is None:
            raise CommandError(f"There is no re-assignment {options['undo']}.", returncode=2)
        done = undo_reassignment(move=move, by=_user(options["by"]))
        return {"id": done.pk, "counts": done.restored}

    def _move(self, options: dict[str, Any]) -> dict[str, Any]:
        if not options["leaver"] or not options["to"]:
            raise CommandError("Name who leaves, and with --to who takes over.", returncode=2)
        regions = {}
        for pair in options["region"]:
            region, sign, name = pair.partition("=")
            if not sign:
                raise CommandError(f"--region takes REGION=USERNAME, not {pair}.", returncode=2)
            regions[region] = _user(name)
        if regions and options["deputies"]:
            raise CommandError("Choose --deputies or --region, not both.", returncode=2)
        rule = MoveRule.DEPUTY if options["deputies"] else MoveRule.REGION if regions else MoveRule.PERSON
        given: dict[str, Any] = {
            "leaver": _user(options["leaver"]), "successor": _user(options["to"]), "made_by": _user(options["by"]),
            "rule": rule, "regions": regions, "accounts": Account.objects.standing(), "on": timezone.localdate(),
        }  # fmt: skip
        if options["dry_run"]:
            return {"id": None, "counts": preview(**given).counts}
        move = reassign(**given)
        return {"id": move.pk, "counts": move.counts}


def _user(name: str) -> User:
    found = User.objects.filter(username=name).first()
    if found is None:
        raise CommandError(f"There is no user {name}.", returncode=2)
    return found
