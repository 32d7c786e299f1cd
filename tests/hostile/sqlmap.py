"""sqlmap as a judge: every parameter of an address tried for injection into PostgreSQL, and an address that is open to it."""

import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlsplit

from django.db import DatabaseError, connection

PROGRAM = shutil.which("sqlmap")
WITHIN_SECONDS = 1800
CLEAN = "all tested parameters do not appear to be injectable"
FOUND = "sqlmap identified the following injection point"
BROKE = re.compile(r"\b5\d\d \([^)]*\) - \d+ times")


@dataclass(frozen=True)
class Verdict:
    address: str
    parameters: int
    words: str

    @property
    def is_clean(self) -> bool:
        return CLEAN in self.words and FOUND not in self.words and not BROKE.search(self.words)

    @property
    def tail(self) -> str:
        return f"{self.address}\n{self.words[-1500:]}"


def judge(address: str, *, headers: Mapping[str, str], folder: Path, level: int) -> Verdict:
    """Every parameter of the query string, one at a time: by boolean, error, union, stacked and waiting statements."""
    assert PROGRAM
    names = list(dict.fromkeys(name for name, _value in parse_qsl(urlsplit(address).query)))
    done = subprocess.run(
        [
            *(PROGRAM, "-u", address, "-p", ",".join(names), "--dbms=PostgreSQL", "--technique=BEUST"),
            *("--level", str(level), "--risk", "1", "--time-sec", "2", "--threads", "1", "--batch", "--flush-session"),
            *("--skip-waf", "--drop-set-cookie", "--ignore-code=400,404,422", "--disable-coloring"),
            *("--output-dir", str(folder / "sqlmap"), "--headers", "\n".join(f"{k}: {v}" for k, v in headers.items())),
        ],
        check=False, capture_output=True, text=True, timeout=WITHIN_SECONDS, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return Verdict(address, len(names), done.stdout + done.stderr)


class _Unguarded(BaseHTTPRequestHandler):
    """What no view of ours does: a word of the address becomes part of the statement."""

    def do_GET(self) -> None:
        word = parse_qs(urlsplit(self.path).query).get("code", [""])[0]
        try:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT name FROM accounts_account WHERE code = '{word}'")
                found = ", ".join(str(name) for (name,) in cursor.fetchall())
        except DatabaseError:
            found = "error"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(f"<html><body>Found: {found}</body></html>".encode())

    def log_message(self, *args: object) -> None:
        pass


@contextmanager
def unguarded_address() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Unguarded)

    def serve() -> None:
        server.serve_forever(poll_interval=0.1)
        connection.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
