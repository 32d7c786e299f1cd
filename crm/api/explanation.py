"""Why an account has its grade, on the wire: the same parts and words as the card on its page."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tiering.explain import Explanation


class TestedConditionSerializer(serializers.Serializer):
    """One condition; margin = value − threshold, null where the value is not known."""

    grade = serializers.CharField()
    rule = serializers.CharField()
    reads = serializers.CharField()
    label = serializers.CharField()
    unit = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    value_text = serializers.CharField()
    threshold = serializers.FloatField()
    threshold_text = serializers.CharField()
    passed = serializers.BooleanField()
    margin = serializers.FloatField(allow_null=True)
    margin_text = serializers.CharField()
    reason = serializers.CharField(
        help_text="Which part of the rule is not kept, where the value does not say it; or empty."
    )


class IndicatorPartSerializer(serializers.Serializer):
    """One indicator; `could_add`: by how much the composite could rise at most if it were known."""

    code = serializers.CharField()
    label = serializers.CharField()
    unit = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    value_text = serializers.CharField()
    score = serializers.FloatField(allow_null=True)
    weight = serializers.FloatField(help_text="Percent inside its dimension.")
    contribution = serializers.FloatField(allow_null=True)
    could_add = serializers.FloatField(allow_null=True)
    reason = serializers.CharField(help_text="Why it is not known, where the night noted it; or empty.")


class DimensionPartSerializer(serializers.Serializer):
    code = serializers.CharField()
    label = serializers.CharField()
    weight = serializers.FloatField(help_text="Percent.")
    score = serializers.FloatField(allow_null=True)
    evidence = serializers.FloatField()
    counts = serializers.BooleanField(help_text="Whether enough is known for it to count in the composite.")
    contribution = serializers.FloatField(allow_null=True)
    indicators = IndicatorPartSerializer(many=True)


class GradePartSerializer(serializers.Serializer):
    """The line of one grade with every condition it tests."""

    grade = serializers.CharField()
    label = serializers.CharField()
    holds = serializers.BooleanField()
    is_relaxed = serializers.BooleanField(help_text="Held to the lower thresholds of a grade in force.")
    is_decisive = serializers.BooleanField()
    conditions = TestedConditionSerializer(many=True)


class GradeRunSerializer(serializers.Serializer):
    """Nights in a row that support another grade: the one they all back, and the day it is reached if they go on."""

    grade = serializers.CharField()
    label = serializers.CharField()
    is_up = serializers.BooleanField()
    since = serializers.DateField()
    moves_on = serializers.DateField()
    days_needed = serializers.IntegerField()
    days_held = serializers.IntegerField()


class ChangePartSerializer(serializers.Serializer):
    """One indicator that alone would put the condition on its threshold; ratings move in halves, months are whole."""

    code = serializers.CharField()
    label = serializers.CharField()
    unit = serializers.CharField()
    value = serializers.FloatField()
    to = serializers.FloatField()
    change = serializers.FloatField(help_text="`to` less `value`.")
    text = serializers.CharField()


class NeedPartSerializer(serializers.Serializer):
    """One condition; `gap` = threshold − value, above 0 what is missing, below 0 what may be lost, null: not known."""

    rule = serializers.CharField()
    reads = serializers.CharField()
    label = serializers.CharField()
    unit = serializers.CharField()
    is_blocking = serializers.BooleanField(help_text="The line does not hold because of it.")
    gap = serializers.FloatField(allow_null=True)
    text = serializers.CharField()
    hint = serializers.CharField(allow_blank=True, help_text="Why no single indicator changes it.")
    changes = ChangePartSerializer(many=True)


class TargetPartSerializer(serializers.Serializer):
    """What the next grade lacks, or what the present one may lose; `single` is the least change that does it alone."""

    grade = serializers.CharField()
    label = serializers.CharField()
    is_next = serializers.BooleanField()
    holds = serializers.BooleanField()
    needs = NeedPartSerializer(many=True)
    single = ChangePartSerializer(allow_null=True)
    evidence_missing = serializers.FloatField(help_text="Share of the evidence that a move up still lacks.")
    sentence = serializers.CharField()


class ExplanationSerializer(serializers.Serializer):
    """`score` is the composite; `contributions` sum to it; `failing` are the conditions the next grade lacks."""

    account = serializers.IntegerField(source="account_id")
    run = serializers.IntegerField(source="run_id")
    as_of = serializers.DateField()
    model = serializers.CharField()
    currency = serializers.CharField()
    grade = serializers.CharField()
    grade_label = serializers.CharField()
    ladder = serializers.CharField(allow_blank=True)
    previous_grade = serializers.CharField(allow_blank=True)
    score = serializers.FloatField(source="composite", allow_null=True)
    composite = serializers.FloatField(allow_null=True)
    evidence = serializers.FloatField()
    contributions = serializers.SerializerMethodField()
    conditions = serializers.SerializerMethodField()
    dimensions = DimensionPartSerializer(many=True)
    grades = GradePartSerializer(many=True)
    next_grade = serializers.CharField(allow_blank=True)
    failing = TestedConditionSerializer(many=True)
    missing = serializers.SerializerMethodField()
    signal_points = serializers.FloatField(allow_null=True)
    candidate_run = GradeRunSerializer(allow_null=True)
    notes = serializers.ListField(child=serializers.CharField())
    sentence = serializers.CharField()
    nearest = TargetPartSerializer(many=True, help_text="The nearest change: the next grade up, then the present one.")

    @extend_schema_field({"type": "object", "additionalProperties": {"type": ["number", "null"]}})
    def get_contributions(self, found: Explanation) -> dict[str, float | None]:
        return {part.code: part.contribution for dimension in found.dimensions for part in dimension.indicators}

    @extend_schema_field(TestedConditionSerializer(many=True))
    def get_conditions(self, found: Explanation) -> list[dict[str, Any]]:
        return [
            dict(TestedConditionSerializer(condition).data) for line in found.grades for condition in line.conditions
        ]

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_missing(self, found: Explanation) -> list[str]:
        """Codes of the indicators that are not known."""
        return [part.code for part in found.missing]
