"""What another design would make of the last night: asked, answered, never written."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.enums import Grade
from accounts.models import Account
from crm.api.answers import Money
from crm.api.serializers import StrictSerializer
from plans.costs import policy_cost
from tiering.design import HUNDRED, Design
from tiering.enums import DimensionCode, IndicatorCode, ModelState, Rule
from tiering.grading import RULES
from tiering.models import ScoringModel
from tiering.selectors import latest_run
from tiering.simulation import Simulated, simulate


class ThresholdSerializer(StrictSerializer):
    grade = serializers.ChoiceField(choices=Grade.choices)
    condition = serializers.ChoiceField(choices=Rule.choices)
    threshold = serializers.DecimalField(25, 6, min_value=0)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if (attrs["grade"], attrs["condition"]) not in RULES:
            raise serializers.ValidationError({"condition": [_("This grade does not test that condition.")]})
        return attrs


class SimulationSerializer(StrictSerializer):
    """Changes against a version (default: the active one). Weights are percent: those of the dimensions sum to 100, and so
    do those inside each dimension."""

    model = serializers.PrimaryKeyRelatedField(queryset=ScoringModel.objects.all(), required=False)
    weights = serializers.DictField(
        child=serializers.DecimalField(6, 3, min_value=0, max_value=100), required=False, default=dict
    )
    indicator_weights = serializers.DictField(
        child=serializers.DecimalField(6, 3, min_value=0, max_value=100), required=False, default=dict
    )
    thresholds = ThresholdSerializer(many=True, required=False, default=list)

    def validate_weights(self, value: dict[str, Decimal]) -> dict[str, Decimal]:
        return _known(value, set(DimensionCode.values))

    def validate_indicator_weights(self, value: dict[str, Decimal]) -> dict[str, Decimal]:
        return _known(value, set(IndicatorCode.values))

    def changed(self, design: Design) -> Design:
        """The design with the changes; raises ValidationError for weights that do not sum to 100."""
        asked = self.validated_data
        weights = design.dimensions | {k: v for k, v in asked["weights"].items() if k in design.dimensions}
        if sum(weights.values()) != HUNDRED:
            raise serializers.ValidationError({"weights": [_("The weights of the dimensions must sum to 100 %.")]})
        indicators = tuple(
            (of, code, asked["indicator_weights"].get(code, weight), anchors)
            for of, code, weight, anchors in design.indicators
        )
        for dimension in weights:
            inside = [weight for of, _code, weight, _anchors in indicators if of == dimension]
            if inside and sum(inside) != HUNDRED:
                words = _("The weights inside %(dimension)s must sum to 100 %%.") % {"dimension": dimension}
                raise serializers.ValidationError({"indicator_weights": [words]})
        thresholds = {(one["grade"], one["condition"]): one["threshold"] for one in asked["thresholds"]}
        return replace(design, dimensions=weights, indicators=indicators, thresholds=design.thresholds | thresholds)


class MoveSerializer(serializers.Serializer):
    grade_before = serializers.CharField()
    grade_after = serializers.CharField()
    accounts = serializers.IntegerField()


class MoverSerializer(serializers.Serializer):
    account = serializers.IntegerField(source="account_id")
    grade_before = serializers.CharField(source="before")
    grade_after = serializers.CharField(source="after")
    revenue = Money()


class SimulatedSerializer(serializers.Serializer):
    """Where the accounts in view would settle. `matrix` counts those that stay, too; `movers` are the largest 200; money is
    revenue of the last 12 whole months in the version's currency; load is points of service (diamond 5 … general 1)."""

    as_of = serializers.DateField()
    run = serializers.IntegerField()
    model = serializers.CharField()
    currency = serializers.CharField()
    accounts = serializers.IntegerField()
    before = serializers.DictField(child=serializers.IntegerField())
    after = serializers.DictField(child=serializers.IntegerField())
    revenue_before = serializers.DictField(child=Money())
    revenue_after = serializers.DictField(child=Money())
    matrix = serializers.SerializerMethodField()
    moved = serializers.IntegerField()
    pending = serializers.IntegerField(help_text="Movers that the version in force moves as well, in time.")
    up = serializers.IntegerField()
    down = serializers.IntegerField()
    moved_revenue = Money()
    movers = MoverSerializer(many=True)
    load_before = serializers.IntegerField()
    load_after = serializers.IntegerField()
    policy_cost_before = Money(help_text="Keeping all promises for a year, under the policy of today.")
    policy_cost_after = Money()
    policy_cost_currency = serializers.CharField(allow_null=True)
    key_accounts = serializers.IntegerField()
    is_crowded = serializers.BooleanField()
    unmeasured = serializers.ListField(child=serializers.CharField())

    @extend_schema_field(MoveSerializer(many=True))
    def get_matrix(self, found: dict[str, Any]) -> list[dict[str, Any]]:
        pairs: dict[tuple[str, str], int] = found["matrix"]
        return [
            {"grade_before": before, "grade_after": after, "accounts": number}
            for (before, after), number in sorted(pairs.items())
        ]


class SimulateView(APIView):
    http_method_names = ["post"]
    serializer_class = SimulationSerializer

    @extend_schema(
        description="What a draft would make of the last night. Nothing is written.",
        request=SimulationSerializer,
        responses={200: SimulatedSerializer},
        tags=["tiering"],
    )
    def post(self, request: Request) -> Response:
        form = SimulationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        run = latest_run()
        model = form.validated_data.get("model") or ScoringModel.objects.filter(state=ModelState.ACTIVE).first()
        if run is None or run.model is None or model is None:
            raise NotFound(_("No night is published yet, so there is nothing to re-score."))
        if model.currency != run.model.currency:
            raise serializers.ValidationError({"model": [_("It counts in another currency than the last night.")]})
        found: Simulated = simulate(
            run=run,
            design=form.changed(model.design()),
            accounts=Account.objects.visible_to(request.user),
            fiscal_start_month=settings.FISCAL_YEAR_START_MONTH,
        )
        shown = {name: getattr(found, name) for name in SimulatedSerializer().fields if hasattr(found, name)}
        cost = policy_cost(before=found.before, after=found.after, on=timezone.localdate())
        shown |= {
            "policy_cost_before": cost and cost.before,
            "policy_cost_after": cost and cost.after,
            "policy_cost_currency": cost and cost.currency,
        }
        about = {"as_of": run.as_of, "run": run.pk, "model": str(model), "currency": model.currency}
        return Response(SimulatedSerializer({**shown, **about, "matrix": found.matrix}).data)


def _known(value: dict[str, Decimal], names: set[str]) -> dict[str, Decimal]:
    unknown = sorted(set(value) - names)
    if unknown:
        raise serializers.ValidationError(_("There is no such field.") + f" {', '.join(unknown)}")
    return value
