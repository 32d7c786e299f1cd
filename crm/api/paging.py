"""Lists: numbered pages with an exact count, or a cursor in key order without one."""

import base64
import binascii
import re
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from crm.api.errors import BadParameter

DEFAULT_SIZE = 50
MAX_SIZE = 500
LARGEST_KEY = 2**63 - 1
NUMBER = re.compile(r"[0-9]{1,19}")
CURSOR = re.compile(r"([ab])([0-9]{1,19})")  # after or before a key
PAGING_PARAMETERS = frozenset({"page", "page_size", "cursor"})


def positive(request: Request, name: str) -> int | None:
    """A whole number from 1 in the query string, None where it is not given."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not NUMBER.fullmatch(text) or int(text) < 1:
        raise BadParameter({name: [_("Give a whole number from 1.")]})
    return int(text)


class Paging(PageNumberPagination):
    """`?page=&page_size=`, or with `?cursor=` (empty to begin) a walk that neither counts nor skips rows."""

    page_size = DEFAULT_SIZE
    page_size_query_param = "page_size"
    max_page_size = MAX_SIZE
    walk: "KeyWalk | None" = None

    def get_page_size(self, request: Request) -> int:
        return min(positive(request, "page_size") or DEFAULT_SIZE, MAX_SIZE)

    def paginate_queryset(self, queryset: QuerySet, request: Request, view: Any = None) -> list[Any]:
        if "cursor" not in request.query_params:
            positive(request, "page")
            return super().paginate_queryset(queryset, request, view) or []
        for name in ("page", "ordering"):
            if name in request.query_params:
                raise BadParameter({name: [_("A walk by cursor has its own order; leave this out.")]})
        self.request = request
        self.walk = KeyWalk(queryset, request.query_params["cursor"], self.get_page_size(request))
        return self.walk.rows

    def get_paginated_response(self, data: Any) -> Response:
        if self.walk is None:
            return super().get_paginated_response(data)
        links = {"next": self._link(self.walk.next), "previous": self._link(self.walk.previous)}
        return Response({**links, "results": data})

    def _link(self, cursor: str | None) -> str | None:
        address = remove_query_param(self.request.build_absolute_uri(), "cursor")
        return None if cursor is None else replace_query_param(address, "cursor", cursor)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """One shape for both ways: a walk leaves `count` out."""
        answer = super().get_paginated_response_schema(schema)
        answer["required"] = ["next", "previous", "results"]
        for name in ("next", "previous"):  # null at the ends; `nullable` is no word of OpenAPI 3.1
            answer["properties"][name] = {"type": ["string", "null"], "format": "uri"}
        return answer

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        told = {
            "page": ("integer", _("Number of the page, from 1; past the end is 404.")),
            "page_size": ("integer", _("Rows a page: 50 unless given, at most 500.")),
            "cursor": ("string", _("Walk in key order without a count: empty to begin, then as in `next`.")),
        }
        return [
            {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": kind}}
            for name, (kind, text) in told.items()
        ]


class KeyWalk:
    """One page of ``queryset`` in ascending order of its key, after or before the key a cursor names."""

    def __init__(self, queryset: QuerySet, cursor: str, size: int) -> None:
        self.backwards, key = decoded(cursor)
        rows = queryset.order_by("-pk" if self.backwards else "pk")
        if key is not None:
            rows = rows.filter(pk__lt=key) if self.backwards else rows.filter(pk__gt=key)
        found = list(rows[: size + 1])
        self.more, self.rows = len(found) > size, found[:size]
        if self.backwards:
            self.rows.reverse()
        self.came_from = key

    @property
    def next(self) -> str | None:
        if not self.rows or not (self.more or self.backwards):
            return None
        return encoded("a", self.rows[-1].pk)

    @property
    def previous(self) -> str | None:
        if not self.rows or not (self.more if self.backwards else self.came_from is not None):
            return None
        return encoded("b", self.rows[0].pk)


def encoded(side: str, key: int) -> str:
    return base64.urlsafe_b64encode(f"{side}{key}".encode()).decode().rstrip("=")


def decoded(cursor: str) -> tuple[bool, int | None]:
    """(backwards, key); the empty cursor begins at the first row."""
    if not cursor:
        return False, None
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        text = ""
    found = CURSOR.fullmatch(text)
    if not found or int(found[2]) > LARGEST_KEY:
        raise BadParameter({"cursor": [_("This is no cursor of ours; begin with an empty one.")]})
    return found[1] == "b", int(found[2])
