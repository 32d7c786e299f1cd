"""Where do we invest? The portfolio of key accounts on the wire."""

from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.enums import Grade
from crm.api.answers import Money
from crm.api.errors import BadParameter
from crm.api.filters import PortfolioFilter, check_parameters
from crm.api.queries import PORTFOLIO_PARAMETERS, portfolio
from crm.web.portfolio import is_withheld
from tiering.enums import Quadrant
from tiering.evaluation import GRADES
from tiering.portfolio import Points, Portfolio
from tiering.portfolio import portfolio as key_portfolio
from tiering.selectors import latest_run

USUAL, MOST = 200, 1000


class PortfolioQuery(serializers.Serializer):
    quadrant = serializers.ChoiceField(
        choices=Quadrant.choices, required=False, help_text="Points of this field alone."
    )
    limit = serializers.IntegerField(
        required=False, default=USUAL, min_value=1, max_value=MOST, help_text="Points listed, largest revenue first."
    )


class QuadrantSerializer(serializers.Serializer):
    quadrant = serializers.CharField()
    accounts = serializers.IntegerField()
    revenue = Money()


class PortfolioPointSerializer(serializers.Serializer):
    account = serializers.IntegerField()
    grade = serializers.CharField()
    quadrant = serializers.CharField()
    attractiveness = serializers.FloatField()
    strength = serializers.FloatField()
    revenue = Money()


class PortfolioSerializer(serializers.Serializer):
    """Both axes run from 0 to 100 and are cut at 50. `attractiveness`: strategic value and growth potential with the
    weights of the model over those known; `strength`: loyalty over the indicators known, share of wallet or satisfaction
    among them. `missing`: accounts without evidence for an axis. Revenue: the last 12 whole months."""

    as_of = serializers.DateField()
    run = serializers.IntegerField()
    model = serializers.CharField()
    currency = serializers.CharField()
    accounts = serializers.IntegerField()
    missing = serializers.IntegerField()
    without_attractiveness = serializers.IntegerField()
    without_strength = serializers.IntegerField()
    without_both = serializers.IntegerField()
    unmeasured = serializers.ListField(child=serializers.CharField())
    quadrants = QuadrantSerializer(many=True)
    points = serializers.SerializerMethodField()

    @extend_schema_field(PortfolioPointSerializer(many=True))
    def get_points(self, answer: dict[str, Any]) -> list[dict[str, Any]]:
        points: Points = answer["points"]
        rows = [
            {
                "account": int(points.ids[at]),
                "grade": GRADES[points.shown[at]] or Grade.NOT_GRADED,
                "quadrant": list(Quadrant)[points.quadrant[at]],
                "attractiveness": float(points.attractiveness[at]),
                "strength": float(points.strength[at]),
                "revenue": None if np.isnan(points.revenue[at]) else float(points.revenue[at]),
            }
            for at in range(min(len(points), answer["limit"]))
        ]
        return list(PortfolioPointSerializer(rows, many=True).data)


class PortfolioView(APIView):
    http_method_names = ["get", "head"]
    serializer_class = PortfolioSerializer

    @extend_schema(
        description="Accounts of the last night by attractiveness and by our strength with them.",
        parameters=[PortfolioQuery, *PORTFOLIO_PARAMETERS],
        responses=PortfolioSerializer,
        tags=["tiering"],
    )
    def get(self, request: Request) -> Response:
        query = PortfolioQuery(data=request.query_params.dict())
        check_parameters(request, {*query.fields, *PortfolioFilter.base_filters})
        if not query.is_valid():
            raise BadParameter(query.errors)
        run = latest_run()
        if run is None or run.model is None:
            raise NotFound(_("No night is published yet, so there are no scores."))
        if is_withheld(run):
            raise PermissionDenied(_("An axis of this model is worked out with costs and margins."))
        found: Portfolio = key_portfolio(portfolio(request), run=run)
        chosen = query.validated_data.get("quadrant")
        names = ("accounts", "missing", "without_attractiveness", "without_strength", "without_both", "unmeasured")
        answer = {name: getattr(found, name) for name in (*names, "quadrants")} | {
            "as_of": run.as_of,
            "run": run.pk,
            "model": str(run.model),
            "currency": run.model.currency,
            "points": found.points.of(chosen) if chosen else found.points,
            "limit": query.validated_data["limit"],
        }
        return Response(PortfolioSerializer(answer).data)
