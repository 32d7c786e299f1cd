"""Reading settings from the environment: a bad value stops the start with one line that says what it takes."""

import re
import sys
import zoneinfo
from collections.abc import Callable
from datetime import time
from typing import Never, TypeVar
from urllib.parse import urlsplit, urlunsplit

from environ import Env

from crm.lib.identity import is_safe_address

T = TypeVar("T")


class BadSetting(SystemExit):
    """Stops the process with exit code 2 and one line on standard error."""

    def __init__(self, name: str, value: str, takes: str) -> None:
        # Addresses and keys hold passwords: their value stays out of terminals and logs.
        shown = name if name.endswith(("_URL", "_KEY", "_SECRET", "_ISSUER")) else f"{name}={value!r}"
        self.line = f"{shown} cannot be used: it takes {takes}."
        super().__init__(2)


def refuse(name: str, value: str, takes: str) -> Never:
    error = BadSetting(name, value, takes)
    print(error.line, file=sys.stderr)
    raise error


def read(env: Env, name: str, default: str, takes: str, parse: Callable[[str], T]) -> T:
    """The parsed value of ``name``; ``parse`` raises ValueError for what it cannot take."""
    raw = env.str(name, default=default)
    try:
        return parse(raw)
    except (ValueError, KeyError):
        refuse(name, raw, takes)


def flag(text: str) -> bool:
    return {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}[
        text.strip().lower()
    ]


def clock(text: str) -> time:
    if not re.fullmatch(r"\d{1,2}:\d{2}", text.strip()):
        raise ValueError(text)
    hours, minutes = text.strip().split(":")
    return time(int(hours), int(minutes))


def month_number(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 12:
        raise ValueError(text)
    return number


def between(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers from ``least`` to ``most``."""

    def parse(text: str) -> int:
        number = int(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    return parse


def currency(text: str) -> str:
    if not re.fullmatch(r"[A-Z]{3}", text):
        raise ValueError(text)
    return text


def zone(text: str) -> str:
    if text not in zoneinfo.available_timezones():
        raise ValueError(text)
    return text


def url(*schemes: str) -> Callable[[str], str]:
    """A parser of addresses with one of ``schemes`` and a readable port; empty means not given."""

    def parse(text: str) -> str:
        if text:
            parts = urlsplit(text)
            if parts.scheme not in schemes or (parts.port or 1) < 1:
                raise ValueError(text)
        return text

    return parse


def with_path(address: str, path: str) -> str:
    """``address`` with ``path`` in place of its own, its query kept."""
    return urlunsplit(urlsplit(address)._replace(path=path))


def one_of(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(text)
        return text

    return parse


def mail_address(text: str) -> str:
    if not re.fullmatch(r"[^@\s,;<>\x00-\x1f]+@[^@\s,;<>\x00-\x1f]+", text):
        raise ValueError(text)
    return text


def mail_domain(text: str) -> str:
    """Empty, or a domain in small letters."""
    lowered = text.strip().lower()
    if lowered and not re.fullmatch(
        r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*", lowered
    ):
        raise ValueError(text)
    return lowered


def issuer(text: str) -> str:
    """Empty, or the address of an issuer: HTTPS, or this machine itself; without query, fragment or user."""
    if text:
        parts = urlsplit(text)
        if not is_safe_address(text) or parts.query or parts.fragment or "@" in text or (parts.port or 1) < 1:
            raise ValueError(text)
    return text
