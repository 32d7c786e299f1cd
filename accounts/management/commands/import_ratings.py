"""CSV, CSV.gz or XLSX → ratings, by hand."""

from pathlib import Path
from typing import IO

from accounts.imports.command import ListCommand
from accounts.imports.lists import ListResult
from accounts.imports.opinions import Sender, import_ratings
from accounts.models import Account


class Command(ListCommand):
    help = (
        "Keep ratings from CSV, CSV.gz or XLSX files with the columns account, indicator, score, evaluator, function,"
        " rated_on, expires_on and evidence (the last two may be left out). Exit code 1 if any row was rejected, 2 if"
        " nothing could be read."
    )
    folder = "ratings"

    def import_file(self, path: Path, *, dry_run: bool, errors: IO[bytes]) -> ListResult:
        return import_ratings(path=path, sender=Sender(Account.objects.all()), dry_run=dry_run, errors=errors)
