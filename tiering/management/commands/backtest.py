import json
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from crm.lib.periods import add_months
from metrics.selectors import data_start, default_as_of
from tiering.backtest import MONTHS_AHEAD, Backtest, Stability, backtest, month_ends, summary
from tiering.enums import ModelState
from tiering.models import ScoringModel


class Command(BaseCommand):
    help = "Grade month-ends of the past by a scoring model without writing anything: how stable, how telling?"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", type=int, metavar="ID", help="a version by its key; default: the active one")
        parser.add_argument("--from", dest="first", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--to", dest="last", type=date.fromisoformat, metavar="YYYY-MM-DD")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        found = ScoringModel.objects.filter(pk=options["model"]) if options["model"] else ScoringModel.objects.filter(
            state=ModelState.ACTIVE
        )  # fmt: skip
        model, start = found.first(), data_start()
        if model is None:
            raise CommandError("There is no such scoring model. Make one with create_model.", returncode=2)
        if start is None:
            raise CommandError("The ledger is empty. Import revenue first.", returncode=2)
        last = options["last"] or default_as_of()
        days = month_ends(options["first"] or start, last)
        if len(days) < 2:
            raise CommandError("Give two month-ends or more: a later --to or an earlier --from.", returncode=2)
        result = backtest(model=model, days=days, fiscal_start_month=settings.FISCAL_YEAR_START_MONTH)
        if options["json"]:
            self.stdout.write(json.dumps(summary(result)))
        else:
            self._print(model, result)

    def _print(self, model: ScoringModel, result: Backtest) -> None:
        days = [night.as_of for night in result.nights]
        self.stdout.write(f"{model}: {len(days)} month-ends from {days[0]} to {days[-1]}")
        for name, one in (("with the stability rules", result.with_rules), ("without them", result.without_rules)):
            self.stdout.write(f"  {name}: {one.moves} moves, {_rate(one)}")
        if not result.validity:
            first = add_months(days[0], MONTHS_AHEAD)
            self.stdout.write(f"Nothing to hold the score against: no month-end lies 12 months after {first}.")
        for row in result.validity:
            self.stdout.write(
                f"  {row.as_of}: rank correlation with {result.measure} of the next 12 months:"
                f" score {_number(row.composite)}, last year's revenue {_number(row.last_year)} ({row.accounts} accounts)"
            )


def _rate(one: Stability) -> str:
    moves, flaps = one.moves_per_account_year, one.flap_rate
    if moves is None or flaps is None:
        return "no account was graded twice" if moves is None else "none taken back"
    return f"{moves:.3f} per account and year, {flaps:.1%} taken back within four evaluations"


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:.3f}"
