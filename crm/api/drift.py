"""Whether a version still fits the accounts it grades, on the wire."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Account
from crm.api.errors import BadParameter
from crm.api.filters import check_parameters
from tiering.drift import QUANTILES, Drift, drift
from tiering.enums import ModelState
from tiering.models import ScoringModel


class NightSummarySerializer(serializers.Serializer):
    """Accounts in business alone. `composite`: quantiles at 0.1, 0.25, 0.5, 0.75 and 0.9; `incomplete`: share of the accounts
    that lack an input of a dimension that counts; `key_accounts`: diamond, gold and strategic."""

    run = serializers.IntegerField(source="run_id")
    as_of = serializers.DateField()
    accounts = serializers.IntegerField()
    grades = serializers.DictField(child=serializers.IntegerField())
    key_accounts = serializers.IntegerField()
    composite = serializers.ListField(child=serializers.FloatField(), source="quantiles", allow_null=True)
    evidence = serializers.FloatField(allow_null=True)
    incomplete = serializers.FloatField(allow_null=True)
    means = serializers.DictField(child=serializers.FloatField(allow_null=True), help_text="Points by indicator.")
    unknown = serializers.DictField(child=serializers.FloatField(), help_text="Share of the accounts by indicator.")


class IndicatorDriftSerializer(serializers.Serializer):
    """`index`: population stability index of the known points; below 0.1 stable, from 0.25 changed; null where fewer than
    10 accounts are known."""

    code = serializers.CharField()
    mean_before = serializers.FloatField(allow_null=True)
    mean_now = serializers.FloatField(allow_null=True)
    unknown_before = serializers.FloatField()
    unknown_now = serializers.FloatField()
    index = serializers.FloatField(allow_null=True)
    is_moving = serializers.BooleanField()
    has_changed = serializers.BooleanField()


class DriftSerializer(serializers.Serializer):
    """The first of `nights` is the one compared with; `is_whole`: it lies in the time the version was in force, false for
    history that was filled in with it."""

    model = serializers.IntegerField(source="model.pk")
    quantiles = serializers.SerializerMethodField()
    nights = NightSummarySerializer(many=True)
    indicators = IndicatorDriftSerializer(many=True)
    is_whole = serializers.BooleanField()
    is_crowded = serializers.BooleanField(help_text="More than 35 key accounts.")
    has_less_evidence = serializers.BooleanField()

    def get_quantiles(self, found: Drift) -> list[float]:
        return list(QUANTILES)


class DriftView(APIView):
    http_method_names = ["get", "head"]
    serializer_class = DriftSerializer

    @extend_schema(
        description="How the accounts the caller may see have moved since a version came into force; month-end nights, 13 at most.",
        parameters=[OpenApiParameter("model", OpenApiTypes.INT, description="A version; default the active one.")],
        responses={200: DriftSerializer},
        tags=["tiering"],
    )
    def get(self, request: Request) -> Response:
        check_parameters(request, {"model"})
        model = self._model(request.query_params.get("model", ""))
        found = drift(model=model, accounts=Account.objects.visible_to(request.user)) if model else None
        if found is None:
            raise NotFound(_("No night was graded by this version, so there is nothing to compare."))
        return Response(DriftSerializer(found).data)

    @staticmethod
    def _model(asked: str) -> Any:
        if not asked:
            return ScoringModel.objects.filter(state=ModelState.ACTIVE).first()
        if not asked.isascii() or not asked.isdigit() or len(asked) > 18:
            raise BadParameter({"model": [_("Give the key of a version.")]})
        return ScoringModel.objects.filter(pk=int(asked)).first()
