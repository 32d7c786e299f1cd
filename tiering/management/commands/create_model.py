import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crm.lib.exceptions import CrmError
from tiering.enums import Preset
from tiering.models import ScoringModel
from tiering.services import activate_model, create_model


def amount(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value <= 0:
        raise ArgumentTypeError(f"{text!r} is no amount above 0")
    return value


def currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise ArgumentTypeError(f"{text!r} is no currency; give three capitals such as CNY")
    return text


class Command(BaseCommand):
    help = "Make a scoring model from a preset, as a draft or active at once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("preset", choices=Preset.values)
        parser.add_argument("--as-of", type=date.fromisoformat, metavar="YYYY-MM-DD", help="data until this day")
        parser.add_argument("--diamond", type=amount, metavar="AMOUNT", help="revenue a year that makes a Diamond")
        parser.add_argument("--currency", type=currency, metavar="XXX", help="of scales and thresholds")
        parser.add_argument("--activate", action="store_true", help="grade with it from the next run on")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = create_model(
                preset=options["preset"],
                as_of=options["as_of"],
                diamond=options["diamond"],
                currency=options["currency"],
            )
            self._describe(model)
            if options["activate"]:
                self.stdout.write(f"Activated {activate_model(model=model)}.")
        except CrmError as refused:
            raise CommandError(str(refused), returncode=2) from refused

    def _describe(self, model: ScoringModel) -> None:
        self.stdout.write(f"Made {model} in {model.currency}, data until {model.as_of}.")
        for rule in model.rules.all():
            self.stdout.write(f"  {rule}")
