"""JSON as the REST edge takes it: up to 1 MB, exact numbers, and no text that the database cannot hold."""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import IO, Any, Never

from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.parsers import JSONParser

from crm.api.errors import PayloadTooLarge

MAX_BODY = 1 << 20  # bytes: "JSON bodies to 1 MB"
MAX_DEPTH = 32
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(JSONParser):
    """Numbers with a point become Decimal, so that money keeps every digit."""

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        body = stream.read(MAX_BODY + 1)
        if len(body) > MAX_BODY:
            raise PayloadTooLarge(_("JSON bodies may have 1 MB; send the rows in several requests or as a file."))
        try:
            data = json.loads(body.decode("utf-8-sig"), parse_float=_exact, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            raise ParseError(_("The body is not readable JSON in UTF-8.")) from error
        check_storable(data)
        return data


def check_storable(data: Any) -> None:
    """Raise ParseError or ValidationError for nesting beyond MAX_DEPTH, NUL characters and lone surrogates."""
    for pointer, value, depth in _walk(data):
        if depth > MAX_DEPTH:
            raise ParseError(_("The body is nested too deeply."))
        if isinstance(value, str) and UNSTORABLE.search(value):
            message = _("Null characters and lone surrogates cannot be stored.")
            raise ValidationError({pointer.lstrip("/"): [message]} if pointer else [message])


def _walk(data: Any) -> Iterator[tuple[str, Any, int]]:
    """Every value and every key of the document with its pointer and depth; without recursion."""
    waiting: list[tuple[str, Any, int]] = [("", data, 0)]
    while waiting:
        pointer, value, depth = waiting.pop()
        yield pointer, value, depth
        if isinstance(value, dict):
            waiting += [(pointer, key, depth + 1) for key in value]
            waiting += [(f"{pointer}/{key}", item, depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(f"{pointer}/{number}", item, depth + 1) for number, item in enumerate(value)]


def _exact(text: str) -> Decimal:
    return Decimal(text)


def _refuse(name: str) -> Never:
    raise ValueError(name)
