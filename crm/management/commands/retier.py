import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.enums import Grade
from crm.lib.exceptions import CrmError
from crm.pipeline import run_night
from metrics.selectors import default_as_of
from tiering.enums import ModelState, RunTrigger
from tiering.models import ScoringModel, TierRun


class Command(BaseCommand):
    help = "Grade every account as of one day: roll-up, indicators, scores, grades, history."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="data until this day")
        parser.add_argument("--replay", action="store_true", help="fill history before the first run, ascending days")
        parser.add_argument("--no-create", action="store_true", help="refuse to work without an active model")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        had_model = ScoringModel.objects.filter(state=ModelState.ACTIVE).exists()
        try:
            run = run_night(
                as_of=options["as_of"] or default_as_of(),
                trigger=RunTrigger.COMMAND,
                replay=options["replay"],
                make_model=not options["no_create"],
            )
        except CrmError as refused:
            raise CommandError(str(refused), returncode=2) from refused
        if options["json"]:
            self.stdout.write(json.dumps(summary(run)))
        else:
            self._print(run, made_model=not had_model)

    def _print(self, run: TierRun, *, made_model: bool) -> None:
        if made_model:
            self.stdout.write(f"No model was active: made and activated {run.model} from the ledger.")
        self.stdout.write(f"Graded {run.accounts} accounts as of {run.as_of} with {run.model} (run {run.pk}).")
        for code, count in run.counts.items():
            self.stdout.write(f"  {code:<11} {count:>8}")
        self.stdout.write(f"{run.moves} moved{':' if run.moves else '.'}")
        for before, now, count in run.matrix:
            self.stdout.write(f"  {before} → {now}: {count}")
        self.stdout.write(f"{run.seconds:.2f} s: " + ", ".join(f"{p['name']} {p['seconds']:.2f}" for p in run.phases))


def summary(run: TierRun) -> dict[str, Any]:
    """What ``--json`` prints; every grade code is there, and the counts sum to ``accounts``."""
    return {
        "as_of": run.as_of.isoformat(),
        "run": run.pk,
        "accounts": run.accounts,
        "grades": {code: run.counts[code] for code in Grade.values},
        "moves": run.moves,
        "seconds": run.seconds,
    }
