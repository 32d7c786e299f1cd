"""What the commands share that bring a list in by hand: files, a dry run, an error file, exit codes."""

import json
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import IO, Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.core.management.base import BaseCommand
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.imports.lists import ListResult
from accounts.imports.reasons import reason_label
from crm.lib.exceptions import CrmError

SOME_REJECTED = 1
NOTHING_READ = 2


class ListCommand(BaseCommand):
    """``folder`` is where error files go. Exit code 1 if any row was rejected, 2 if nothing could be read."""

    folder: str

    def import_file(self, path: Path, *, dry_run: bool, errors: IO[bytes]) -> ListResult:
        raise NotImplementedError

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", metavar="FILE", type=Path)
        parser.add_argument("--dry-run", action="store_true", help="do everything, then roll it back")
        parser.add_argument("--json", action="store_true", help="one object a file, and nothing else")

    def handle(self, *args: Any, **options: Any) -> None:
        worst = 0
        for path in options["files"]:
            shown = str(path).encode("utf-8", "replace").decode()
            try:
                result, error_file = self._import(path, dry_run=options["dry_run"])
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

    def _import(self, path: Path, *, dry_run: bool) -> tuple[ListResult, str]:
        """The result, and the path of the error file where a row was rejected."""
        with tempfile.TemporaryFile() as errors:
            result = self.import_file(path, dry_run=dry_run, errors=errors)
            if not result.rejected:
                return result, ""
            errors.seek(0)
            stem = path.name.encode("utf-8", "ignore").decode().split(".")[0] or self.folder
            name = default_storage.save(f"{self.folder}/{timezone.localdate():%Y/%m}/{stem}-errors.csv", File(errors))
            return result, str(default_storage.path(name))

    def _print(self, result: ListResult, *, shown: str, error_file: str, options: dict[str, Any]) -> None:
        if options["json"]:
            content = {"file": shown, **result.to_json(), "error_file": error_file or None}
            self.stdout.write(json.dumps(content, ensure_ascii=False))
            return
        counts = {
            "file": shown, "read": result.read, "new": result.new, "known": result.already_there,
            "rejected": result.rejected,
        }  # fmt: skip
        self.stdout.write(
            _("%(file)s: %(read)s rows read, %(new)s new, %(known)s already there, %(rejected)s rejected") % counts
        )
        if options["dry_run"]:
            self.stdout.write(_("Dry run: nothing was kept."))
        for code, count in result.reasons.items():
            self.stdout.write(f"  {count:>9}  {reason_label(code)}")
        if error_file:
            self.stdout.write(_("Rejected rows, to correct and send again: %(path)s") % {"path": error_file})
