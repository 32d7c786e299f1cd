"""Every address there is, for tests that try all of them."""

import re
from collections.abc import Iterator
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver


def _routes(patterns: list[Any], prefix: str = "") -> Iterator[str]:
    for one in patterns:
        path = prefix + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _routes(one.url_patterns, path)
        elif isinstance(one, URLPattern):
            yield path


def addresses() -> list[str]:
    """One for each route, with 1 in place of every key."""
    found = set()
    for route in _routes(get_resolver().url_patterns):
        filled = re.sub(r"<(?:\w+:)?\w+>", "1", route)
        filled = re.sub(r"\(\?P<\w+>[^)]*\)", "1", filled).replace("^", "").replace("$", "").replace(r"\.", ".")
        found.add("/" + filled.replace(".*", "x").replace(r"\Z", "").replace("?", ""))
    return sorted(found)
