"""The ledger → CSV, as the profile ``facet`` reads it back."""

import contextlib
import gzip
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.imports.exporting import LedgerExport
from accounts.models import Account, RevenueRecord

NOTHING_WRITTEN = 2
STANDARD_OUTPUT = "-"


class Command(BaseCommand):
    help = (
        "Write the revenue records that count as CSV. import_revenue reads it back: into the same ledger it posts"
        " nothing, into an empty one every record as it is here."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--output", default=STANDARD_OUTPUT, metavar="FILE", help="a file, packed where its name ends in .gz; or -"
        )
        parser.add_argument("--from", dest="start", type=date.fromisoformat, metavar="DATE", help="first booked day")
        parser.add_argument("--to", dest="end", type=date.fromisoformat, metavar="DATE", help="last booked day")
        parser.add_argument("--source", default="", metavar="NAME", help="records of one source alone")

    def handle(self, *args: Any, **options: Any) -> None:
        filters = {"booked_on__gte": options["start"], "booked_on__lte": options["end"], "source": options["source"]}
        records = RevenueRecord.objects.filter(**{name: value for name, value in filters.items() if value})
        export = LedgerExport(records, Account.objects.all())
        is_piped = options["output"] == STANDARD_OUTPUT
        try:
            if is_piped:
                self._print(export)
            else:
                _write(Path(options["output"]), export)
        except OSError as error:
            raise CommandError(f"{options['output']}: {error.strerror or error}", returncode=NOTHING_WRITTEN) from None
        told = self.stderr if is_piped else self.stdout
        told.write(_("%(rows)s rows written.") % {"rows": export.rows}, style_func=str)

    def _print(self, export: Iterable[bytes]) -> None:
        target: BinaryIO = getattr(self.stdout._out, "buffer", None) or sys.stdout.buffer  # type: ignore[attr-defined] # noqa: SLF001
        target.writelines(export)
        target.flush()


def _write(path: Path, pieces: Iterable[bytes]) -> None:
    """Write the file whole or not at all: under another name beside it, which becomes its own at the end."""
    if path.exists() and not path.is_file():
        with _opened(path) as target:  # a device or a pipe keeps its place
            target.writelines(pieces)
        return
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _opened(unfinished, packed=path.suffix == ".gz") as target:
            target.writelines(pieces)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


@contextlib.contextmanager
def _opened(path: Path, *, packed: bool = False) -> Iterator[BinaryIO]:
    with path.open("wb") as file:
        if not packed:
            yield file
            return
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6) as target:
            yield target  # type: ignore[misc]
