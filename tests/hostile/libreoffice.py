"""What LibreOffice makes of files that somebody opens without a thought: the formulas it would run, by file."""

import re
import shutil
import subprocess
from collections.abc import Sequence
from html import unescape
from pathlib import Path

PROGRAM = shutil.which("soffice")
WITHIN_SECONDS = 300
SEPARATORS = {"comma": "44", "semicolon": "59", "tab": "9", "any of them": "44/59/9"}
# Quotes, UTF-8, first line, Chinese; quoted fields too, odd numbers, blanks cut off, all sheets, formulas evaluated.
CAREFREE = "34,76,1,,2052,false,true,false,false,true,-1,true"
LIVE = re.compile(r'\btable:formula="([^"]*)"|<(table:dde-link|text:a)\b')
CELL_TEXT = re.compile(r"<text:p[^>]*>(.*?)</text:p>", re.DOTALL)


def opened(files: Sequence[Path], folder: Path, *, separator: str = "") -> dict[str, str]:
    """The files' sheets as LibreOffice sees them (flat XML), by file name; ``separator`` is a key above for CSV, none for XLSX."""
    assert PROGRAM
    target = folder / f"opened-{separator.replace(' ', '-')}"
    reading = [f"--infilter=CSV:{SEPARATORS[separator]},{CAREFREE}"] if separator else []
    subprocess.run(
        [
            *(PROGRAM, "--headless", "--norestore", "--nologo", f"-env:UserInstallation={(folder / 'profile').as_uri()}"),
            *(*reading, "--convert-to", "fods", "--outdir", target, *files),
        ],
        check=True, capture_output=True, timeout=WITHIN_SECONDS,
    )  # fmt: skip
    return {file.name: (target / f"{file.stem}.fods").read_text() for file in files}


def formulas_in(sheets: str) -> list[str]:
    return [unescape(formula or link) for formula, link in LIVE.findall(sheets)]


def texts_in(sheets: str) -> list[str]:
    return [unescape(text) for text in CELL_TEXT.findall(sheets)]
