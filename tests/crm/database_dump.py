"""What ``pg_dump`` writes of the test's database: the judge of what is really kept, apart from our own reading."""

import base64
import os
import shutil
import subprocess
from pathlib import Path

from django.db import connection

from crm.engines.errors import EngineError
from crm.engines.postgres import program

WITHIN_SECONDS = 120


def pg_dump() -> Path | None:
    """One that is as new as a server may be: beside the embedded engine, else on the path; None where there is neither."""
    try:
        beside = program("pg_dump")
    except EngineError:
        beside = None
    if beside is not None and beside.exists():
        return beside
    found = shutil.which("pg_dump")
    return Path(found) if found else None


def dumped(judge: Path) -> str:
    """Definitions and rows of the whole database as text. Only what is committed is in it."""
    known = connection.get_connection_params()
    place = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    environment = {variable: str(known[name]) for variable, name in place.items() if known.get(name)}
    done = subprocess.run(
        [judge, "--format=plain", "--encoding=UTF8", "--no-password"],
        check=True, capture_output=True, timeout=WITHIN_SECONDS, env={**os.environ, **environment},
    )  # fmt: skip
    return done.stdout.decode()


def spellings(word: str) -> set[str]:
    """``word`` as a dump may hold it, folded: as it is, as bytes in hexadecimal, and in base64 wherever it begins."""
    content = word.encode()
    found = {word, content.hex(), word.casefold().encode().hex()}
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + content).decode()
        cut = -(-before * 8 // 6)
        found.add(whole[cut : (before + len(content)) * 8 // 6])  # signs that hold bits of the word alone
    return {one.casefold() for one in found}


def hits(word: str, text: str) -> int:
    folded = text.casefold()
    return sum(folded.count(one) for one in spellings(word))
