"""Where the accounts of each grade of one night stand in a later one, on the wire."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from crm.api.errors import BadParameter
from crm.api.filters import PortfolioFilter, check_parameters
from crm.api.queries import PORTFOLIO_PARAMETERS, DayField, portfolio
from crm.lib.exceptions import PeriodError
from tiering.migration import MigrationMatrix, migration_matrix, two_nights_at


class MigrationQuery(serializers.Serializer):
    """Two days; each stands for the published night at or before it, a day before the first night for that one."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python and cannot be declared above."""
        return {
            "from": DayField(required=False, help_text="Default: 12 months before `to`."),
            "to": DayField(required=False, help_text="Default: the last night."),
        }


class MigrationCellSerializer(serializers.Serializer):
    grade = serializers.CharField()
    accounts = serializers.IntegerField()
    share = serializers.FloatField(help_text="Of the row, as a fraction.")


class MigrationRowSerializer(serializers.Serializer):
    """`is_few`: fewer than 10 accounts, so that the shares say little. The cells sum to the row."""

    grade = serializers.CharField()
    accounts = serializers.IntegerField()
    is_few = serializers.BooleanField()
    cells = serializers.SerializerMethodField()

    @extend_schema_field(MigrationCellSerializer(many=True))
    def get_cells(self, row: Any) -> list[dict[str, Any]]:
        return [
            {"grade": grade, "accounts": number, "share": row.shares[grade]} for grade, number in row.counts.items()
        ]


class MigrationSerializer(serializers.Serializer):
    """Over the accounts graded in both nights; `entrants` (by their later grade) and `leavers` (by their first) are those
    graded in one of them alone. `up`, `down`, `same`: by rank, a problem below every other grade."""

    accounts = serializers.IntegerField()
    rows = MigrationRowSerializer(many=True)
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    same = serializers.IntegerField()
    entrants = serializers.DictField(child=serializers.IntegerField())
    leavers = serializers.DictField(child=serializers.IntegerField())

    def get_fields(self) -> dict[str, serializers.Field]:
        days = {"from": serializers.DateField(source="first"), "to": serializers.DateField(source="last")}
        return {**days, **super().get_fields()}


class MigrationView(APIView):
    http_method_names = ["get", "head"]
    serializer_class = MigrationSerializer

    @extend_schema(
        description="Where the accounts of each grade of one published night stand in a later one.",
        parameters=[MigrationQuery, *PORTFOLIO_PARAMETERS],
        responses=MigrationSerializer,
        tags=["tiering"],
    )
    def get(self, request: Request) -> Response:
        query = MigrationQuery(data=request.query_params.dict())
        check_parameters(request, {*query.fields, *PortfolioFilter.base_filters})
        if not query.is_valid():
            raise BadParameter(query.errors)
        try:
            nights = two_nights_at(first=query.validated_data.get("from"), last=query.validated_data.get("to"))
        except PeriodError as error:
            raise BadParameter({"from": [str(error)]}) from error
        if nights is None:
            raise NotFound(_("Two published nights are needed; `runs/?state=published` lists those there are."))
        found: MigrationMatrix = migration_matrix(portfolio(request), first=nights[0].as_of, last=nights[1].as_of)
        return Response(MigrationSerializer(found).data)
