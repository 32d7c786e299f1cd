"""Hooks of the OpenAPI schema: what every operation shares is written once."""

from contextlib import suppress
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from crm.api.errors import MEDIA_TYPE
from crm.api.idempotency import HEADER

ABOUT = """
Accounts, the revenue ledger, figures and grades of a key-account CRM.

**Log-in**: `Authorization: Bearer <token>` (made by `manage.py create_api_token`), or the session of the pages with its
CSRF token. Rows that hang off an account are those of the accounts you may see; hidden and missing answer alike.

**Lists** take `page` and `page_size` (50, at most 500), or `cursor` for long walks without a count, `search`, `ordering`
and the filters named below; an unknown filter or value is 400.

**Changes** name the version they saw: send the `ETag` you read in `If-Match`. A POST may carry an `Idempotency-Key`;
repeated under it within 24 hours it answers the same and does nothing.

**Money** is a decimal string with its currency beside it (4 decimals, averages 12), rates are fractions. What is
undefined is null, and `reasons` says why. **Errors** are problem documents (RFC 9457).
""".strip()
METHODS = ("get", "post", "put", "patch", "delete")
PROBLEM = {
    "type": "object",
    "description": "RFC 9457. `errors` tells where: a JSON `pointer` into the body or the `parameter` of the query.",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "pointer": {"type": "string"},
                    "parameter": {"type": "string"},
                    "detail": {"type": "string"},
                    "code": {"type": "string"},
                },
                "required": ["detail"],
            },
        },
        "current": {
            "type": "object",
            "additionalProperties": True,
            "description": "With 412: what is stored now, as a read gives it; `errors` names each field sent otherwise.",
        },
    },
    "required": ["type", "title", "status", "detail", "errors"],
}
TEXT = {"type": "string"}
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "schema": TEXT,
    "description": "The ETag that was read. Missing: 428; stale: 412, nothing changed.",
}
IF_MATCH_OPTIONAL = {**IF_MATCH, "required": False, "description": "Remove only this version; stale: 412."}
IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "schema": TEXT,
    "description": "Tags already held; unchanged: 304.",
}
IDEMPOTENCY_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "schema": {**TEXT, "maxLength": 255},
    "description": "Repeats under the same key within 24 h answer as the first time; another body under it: 422.",
}


class Schema(AutoSchema):
    """Describes what is answered, where the library describes only what may be sent."""

    def _map_serializer_field(self, field: Any, direction: str, bypass_extensions: bool = False) -> Any:  # noqa: FBT001, FBT002
        column = column_of(field)
        if getattr(column, "blank", False) and hasattr(field, "allow_blank"):
            field.allow_blank = True
        if getattr(column, "null", False):
            field.allow_null = True
        schema = super()._map_serializer_field(field, direction, bypass_extensions)
        if isinstance(field, serializers.TimeField) and schema.get("format") == "time":
            schema["format"] = "time-local"  # of the house's zone; a "time" would carry its own
        return schema


def column_of(field: Any) -> Any:
    """The column that a read-only field answers, or None: DRF forgets of it whether it may be empty."""
    model = getattr(getattr(getattr(field, "parent", None), "Meta", None), "model", None)
    if model is None or not field.read_only or not field.source:
        return None
    with suppress(FieldDoesNotExist):
        return model._meta.get_field(field.source)  # noqa: SLF001 - Django's public name
    return None


def describe_shared_rules(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:  # noqa: FBT001
    """Problem documents for every operation, and the headers that editing and repeating need."""
    result["info"]["description"] = ABOUT
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = PROBLEM
    for path, operations in result["paths"].items():
        editable = any(method in operations for method in ("put", "patch"))
        for method in METHODS:
            if method in operations:
                _describe(operations[method], method, is_detail=path.endswith("{id}/"), editable=editable)
    return result


def _describe(operation: dict[str, Any], method: str, *, is_detail: bool, editable: bool) -> None:
    answer = {
        "description": "A problem.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    operation["responses"]["default"] = answer
    parameters = operation.setdefault("parameters", [])
    if method in {"put", "patch"}:
        parameters.append(IF_MATCH)
    elif method == "delete":
        parameters.append(IF_MATCH_OPTIONAL)
    elif method == "post":
        parameters.append(IDEMPOTENCY_KEY)
    elif is_detail and editable:
        parameters.append(IF_NONE_MATCH)
        operation["responses"]["304"] = {"description": "Not changed since."}
