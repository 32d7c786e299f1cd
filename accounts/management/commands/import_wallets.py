"""CSV, CSV.gz or XLSX → wallet estimates, by hand."""

from pathlib import Path
from typing import IO

from accounts.imports.command import ListCommand
from accounts.imports.lists import ListResult
from accounts.imports.opinions import Sender, import_wallets
from accounts.models import Account


class Command(ListCommand):
    help = (
        "Keep wallet estimates from CSV, CSV.gz or XLSX files with the columns account, amount, currency, source, author,"
        " estimated_on and expires_on (the last may be left out). Exit code 1 if any row was rejected, 2 if nothing could"
        " be read."
    )
    folder = "wallets"

    def import_file(self, path: Path, *, dry_run: bool, errors: IO[bytes]) -> ListResult:
        return import_wallets(path=path, sender=Sender(Account.objects.all()), dry_run=dry_run, errors=errors)
