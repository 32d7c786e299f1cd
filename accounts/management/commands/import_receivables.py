"""CSV, CSV.gz or XLSX → invoices and their payments, by hand."""

from pathlib import Path
from typing import IO

from accounts.imports.command import ListCommand
from accounts.imports.lists import ListResult
from accounts.imports.receivables import import_receivables
from accounts.models import Account


class Command(ListCommand):
    help = (
        "Post invoices and payments from CSV, CSV.gz or XLSX files with the columns account, number, issued_on, due_on,"
        " amount, currency, paid_on, paid_amount and source (the last three may be left out); several payments of an"
        " invoice are several rows. Exit code 1 if any row was rejected, 2 if nothing could be read."
    )
    folder = "receivables"

    def import_file(self, path: Path, *, dry_run: bool, errors: IO[bytes]) -> ListResult:
        return import_receivables(path=path, accounts=Account.objects.all(), dry_run=dry_run, errors=errors)
