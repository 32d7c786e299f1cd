"""Many rows in one request: the door that files go through judges them, and all of them are kept or none."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import PolymorphicProxySerializer, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.imports.lists import ListResult
from accounts.imports.reasons import row_reason
from accounts.models import Account
from crm.api.errors import PayloadTooLarge
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import EditableViewSet

MAX_ROWS = 1_000
FIRST_ROW = 1


class ListRowSerializer(StrictSerializer):
    """One row of an array. What the cells mean together is judged where files are."""

    account = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class PostedListSerializer(serializers.Serializer):
    """What became of the rows of one request: read = new + already_there."""

    read = serializers.IntegerField()
    new = serializers.IntegerField()
    already_there = serializers.IntegerField()


def takes_lists(*, name: str, single: type[serializers.Serializer], row: type[serializers.Serializer]) -> Any:
    """The schema of a POST that takes one object or an array."""
    return extend_schema(
        description="One as an object, or up to 1,000 as an array: all of them are posted, or none. In an array, what is"
        " there already is counted, not added; with other content it is an error.",
        request=PolymorphicProxySerializer(
            component_name=f"{name}Rows",
            serializers=[single, row(many=True)],
            resource_type_field_name=None,
            many=False,
        ),
        responses={
            201: PolymorphicProxySerializer(
                component_name=f"Posted{name}",
                serializers=[single, PostedListSerializer],
                resource_type_field_name=None,
                many=False,
            ),
        },
    )


class ListedCreateViewSet(EditableViewSet):
    """An edited resource whose POST takes arrays as well."""

    row_serializer: type[ListRowSerializer]

    def post_rows(self, request: Request, rows: Sequence[Mapping[str, Any]]) -> ListResult:
        """``account`` of each row is its code."""
        raise NotImplementedError

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if not isinstance(request.data, list):
            return self.create_one(request)
        if len(request.data) > MAX_ROWS:
            raise PayloadTooLarge(
                _("At most 1,000 rows are taken at once; send them in several requests or as a file.")
            )
        if not request.data:
            raise ValidationError([_("There is no row in the array.")])
        serializer = self.row_serializer(data=request.data, many=True)
        serializer.is_valid(raise_exception=True)
        rows = serializer.validated_data
        visible = Account.objects.visible_to(request.user)
        named = replaced(rows, "account", visible.filter(pk__in={row["account"] for row in rows}), "code")
        result = self.post_rows(request, named)
        if result.rejected:
            raise ValidationError(rejections(result))
        code = status.HTTP_201_CREATED if result.new else status.HTTP_200_OK
        return Response(PostedListSerializer(result).data, status=code)


def replaced(rows: Sequence[Mapping[str, Any]], field: str, found: QuerySet[Any], name: str) -> list[Mapping[str, Any]]:
    """Rows with the key in ``field`` put into words; one query. Raises ValidationError for a key that is not in ``found``;
    a row without one is left."""
    known = dict(found.values_list("pk", name))
    unknown = {
        str(place): {field: [_("There is no such object, or you do not see it.")]}
        for place, row in enumerate(rows)
        if row.get(field) is not None and row[field] not in known
    }
    if unknown:
        raise ValidationError(unknown)
    return [{**row, field: known[row[field]]} if row.get(field) is not None else row for row in rows]


def rejections(result: ListResult) -> dict[str, dict[str, list[str]]]:
    """By place in the array and field, as every list of errors."""
    found: dict[str, dict[str, list[str]]] = {}
    for rejection in result.rejections:
        for fault in rejection.faults:
            where = found.setdefault(str(rejection.number - FIRST_ROW), {})
            where.setdefault(fault.column, []).append(row_reason(fault.code, fault.details))
    return found
