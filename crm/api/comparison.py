"""Two nights of one account side by side, on the wire."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from crm.api.errors import BadParameter
from crm.api.explanation import GradeRunSerializer, TestedConditionSerializer
from crm.api.filters import check_parameters
from tiering.comparison import Flip, IndicatorChange


class NightsQuery(serializers.Serializer):
    """Two runs by key; default: the last night that graded the account, and the one before `to`."""

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python and cannot be declared above."""
        return {
            "from": serializers.IntegerField(
                required=False, min_value=1, help_text="Key of a run. Default: the night before `to`."
            ),
            "to": serializers.IntegerField(
                required=False, min_value=1, help_text="Key of a run. Default: the last night."
            ),
        }

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The choices of the query string. Raises BadParameter for what is unknown or no key."""
        query = cls(data=request.query_params.dict())
        check_parameters(request, set(query.fields))
        if not query.is_valid():
            raise BadParameter(query.errors)
        return dict(query.validated_data)


class NightSerializer(serializers.Serializer):
    """What one night said."""

    run = serializers.IntegerField(source="run_id")
    as_of = serializers.DateField()
    model = serializers.CharField()
    grade = serializers.CharField()
    ladder = serializers.CharField(allow_blank=True)
    composite = serializers.FloatField(allow_null=True)
    evidence = serializers.FloatField()
    candidate_run = GradeRunSerializer(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()


class IndicatorSideSerializer(serializers.Serializer):
    value = serializers.FloatField(allow_null=True)
    value_text = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField()
    contribution = serializers.FloatField(allow_null=True)


class IndicatorChangeSerializer(serializers.Serializer):
    """`difference` is in points of the composite; a side is null where that night's model does not hold the indicator."""

    code = serializers.CharField()
    unit = serializers.CharField()
    difference = serializers.FloatField(allow_null=True)
    before = IndicatorSideSerializer(allow_null=True)
    after = IndicatorSideSerializer(allow_null=True)
    dimension = serializers.CharField()
    name = serializers.SerializerMethodField()

    def get_name(self, change: IndicatorChange) -> str:
        return change.label


class FlipSerializer(serializers.Serializer):
    """A condition that holds in one night and not in the other; null where a night's model does not test it."""

    grade = serializers.CharField()
    reads = serializers.CharField()
    name = serializers.SerializerMethodField()
    is_gain = serializers.BooleanField()
    before = TestedConditionSerializer(allow_null=True)
    after = TestedConditionSerializer(allow_null=True)

    def get_name(self, flip: Flip) -> str:
        return flip.label


class ComparisonSerializer(serializers.Serializer):
    """`from` and `to` are the nights; `difference` is the composite of `to` less that of `from`."""

    difference = serializers.FloatField(allow_null=True)
    is_other_model = serializers.BooleanField()
    is_other_grade = serializers.BooleanField()
    is_other_run = serializers.BooleanField(help_text="The run of nights towards another grade differs.")
    indicators = IndicatorChangeSerializer(many=True)
    flips = FlipSerializer(many=True)
    notes_gone = serializers.ListField(child=serializers.CharField(), source="gone")
    notes_come = serializers.ListField(child=serializers.CharField(), source="come")

    def get_fields(self) -> dict[str, serializers.Field]:
        return {
            "from": NightSerializer(source="before"),
            "to": NightSerializer(source="after"),
            **super().get_fields(),
        }
