"""CSV, CSV.gz or XLSX → exchange rates, by hand."""

import json
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.imports.rates import RatesResult, import_rates
from accounts.imports.reasons import reason_label
from crm.lib.exceptions import CrmError

SOME_REJECTED = 1
NOTHING_READ = 2


class Command(BaseCommand):
    help = (
        "Post exchange rates from CSV, CSV.gz or XLSX files with the columns from_currency, to_currency, valid_on, rate,"
        " kind and source (the last two may be left out). Exit code 1 if any row was rejected, 2 if nothing could be read."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--replace", action="store_true", help="take the file's value where another one is stored")
        parser.add_argument("--dry-run", action="store_true", help="do everything, then roll it back")
        parser.add_argument("--json", action="store_true", help="one object a file, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        worst = 0
        for path in options["files"]:
            shown = str(path).encode("utf-8", "replace").decode()
            try:
                result, error_file = self._import(path, options)
            except (CrmError, OSError) as error:
                told = str(error) if isinstance(error, CrmError) else str(error.strerror or error)
                self.stderr.write(f"{shown}: {told}")
                worst = NOTHING_READ
                continue
            worst = max(worst, SOME_REJECTED if result.rejected else 0)
            self._print(result, shown=shown, error_file=error_file, options=options)
        self.stdout.flush()
        if worst:
            sys.exit(worst)

    def _import(self, path: Path, options: dict[str, Any]) -> tuple[RatesResult, str]:
        """The result, and the path of the error file where a row was rejected."""
        with tempfile.TemporaryFile() as errors:
            result = import_rates(path=path, replace=options["replace"], dry_run=options["dry_run"], errors=errors)
            if not result.rejected:
                return result, ""
            errors.seek(0)
            stem = path.name.encode("utf-8", "ignore").decode().split(".")[0] or "rates"
            name = default_storage.save(f"rates/{timezone.localdate():%Y/%m}/{stem}-errors.csv", File(errors))
            return result, str(default_storage.path(name))

    def _print(self, result: RatesResult, *, shown: str, error_file: str, options: dict[str, Any]) -> None:
        if options["json"]:
            content = {"file": shown, **result.to_json(), "error_file": error_file or None}
            self.stdout.write(json.dumps(content, ensure_ascii=False))
            return
        counts = {
            "file": shown, "read": result.read, "new": result.new, "known": result.already_there,
            "replaced": result.replaced, "rejected": result.rejected,
        }  # fmt: skip
        self.stdout.write(
            _("%(file)s: %(read)s rates read, %(new)s new, %(known)s already there, %(replaced)s replaced, %(rejected)s rejected")
            % counts
        )  # fmt: skip
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was kept."))
        for code, count in result.reasons.items():
            self.stdout.write(f"  {count:>9}  {reason_label(code)}")
        if error_file:
            self.stdout.write(_("Rejected rows, to correct and send again: %(path)s") % {"path": error_file})
