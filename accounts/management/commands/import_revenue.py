"""CSV, CSV.gz or XLSX → ledger, by hand."""

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from accounts.imports.mapping import Mapping, read_mapping_file
from accounts.imports.options import ImportOptions, refusing
from accounts.imports.reasons import reason_label
from accounts.imports.results import ImportResult
from accounts.imports.services import import_file
from crm.lib.exceptions import CrmError, ImportRefused

SOME_REJECTED = 1
NOTHING_READ = 2


class Command(BaseCommand):
    help = (
        "Post revenue from CSV, CSV.gz or XLSX files to the ledger. Exit code 1 if any row was rejected, 2 if nothing"
        " could be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        chosen = parser.add_mutually_exclusive_group()
        chosen.add_argument("--profile", default="", metavar="NAME", help="facet, online-retail or a saved mapping")
        chosen.add_argument("--mapping", type=Path, metavar="FILE.json", help="a mapping file")
        parser.add_argument("--currency", default="", metavar="XXX", help="for rows that give none")
        parser.add_argument("--source", default="", metavar="NAME", help="the name rows are identified under")
        parser.add_argument("--date-format", action="append", default=[], metavar="FORMAT", help="such as %%d/%%m/%%Y")
        parser.add_argument("--decimal", choices=[".", ","], default="", help="the decimal mark")
        parser.add_argument("--encoding", default="", help="such as gb18030")
        parser.add_argument("--delimiter", default="", help="of a CSV file")
        parser.add_argument("--sheet", default="", metavar="NAME", help="of a workbook")
        parser.add_argument("--no-create", action="store_true", help="reject rows of accounts and products not there")
        parser.add_argument("--dry-run", action="store_true", help="do everything, then roll it back")
        parser.add_argument("--json", action="store_true", help="one object a file, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        asked = self._options(options)
        worst = 0
        for path in options["files"]:
            shown = str(path).encode("utf-8", "replace").decode()  # a name of broken bytes can be opened, not printed
            try:
                result = import_file(path=path, options=asked, dry_run=options["dry_run"])
            except (CrmError, OSError) as error:
                self.stderr.write(f"{shown}: {_told(error)}")
                worst = NOTHING_READ
                continue
            worst = max(worst, SOME_REJECTED if result.rejected else 0)
            self._print(result, shown=shown, as_json=options["json"], dry_run=options["dry_run"])
        self.stdout.flush()
        if worst:
            sys.exit(worst)

    def _options(self, options: dict[str, Any]) -> ImportOptions:
        mapping: Mapping | None = None
        try:
            with refusing():
                mapping = read_mapping_file(options["mapping"]) if options["mapping"] else None
        except ImportRefused as error:
            raise CommandError(str(error), returncode=NOTHING_READ) from None
        return ImportOptions(
            profile=options["profile"],
            mapping=mapping.to_json() if mapping else None,
            mapping_name=mapping.name if mapping else "mapping",
            currency=options["currency"].upper(),
            source=options["source"],
            create=not options["no_create"],
            date_formats=tuple(options["date_format"]),
            decimal=options["decimal"],
            encoding=options["encoding"],
            delimiter=options["delimiter"],
            sheet=options["sheet"],
        )

    def _print(self, result: ImportResult, *, shown: str, as_json: bool, dry_run: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(result.to_json() | {"file": shown}, ensure_ascii=False))
            return
        counts = {
            "file": shown,
            "read": result.read,
            "posted": result.posted,
            "known": result.already_there,
            "rejected": result.rejected,
            "seconds": f"{result.seconds:.1f}",
        }
        line = _(
            "%(file)s: %(read)s rows read, %(posted)s posted, %(known)s already there, %(rejected)s rejected, %(seconds)s s"
        )
        self.stdout.write(line % counts)
        if dry_run:
            self.stdout.write(_("Dry run: nothing was kept."))
        for code, count in result.reasons.items():
            self.stdout.write(f"  {count:>9}  {reason_label(code)}")
        if result.error_file:
            self.stdout.write(_("Rejected rows, to correct and send again: %(path)s") % {"path": result.error_file})


def _told(error: CrmError | OSError) -> str:
    return str(error) if isinstance(error, CrmError) else str(error.strerror or error)
