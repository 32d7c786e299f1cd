"""How we stand with customers' people, on the wire: over many accounts, and everything of one."""

from typing import Any

from django.urls import path
from django.utils import timezone
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import Count, PassportSerializer, Rate
from crm.api.metrics import question
from crm.api.metrics_cohorts import RowSerializer, RowsQuery, RowsSerializer, RowsView
from crm.api.queries import DayField, Query
from crm.web.relations_words import GAP_CODES, THREAD_CODES, gaps_in
from metrics.formulas.relationships import Gap, Thread
from metrics.reasons import sentence
from metrics.services.account_relationships import AccountRelationships
from metrics.services.relationships import RelationshipFigures, key_reason, relationships

GAPS = serializers.ListField(
    child=serializers.ChoiceField(choices=[(code, code) for code in GAP_CODES.values()]), read_only=True
)
THREADS = [(code, code) for code in THREAD_CODES.values()]


def gap_codes(flags: int) -> list[str]:
    return [GAP_CODES[gap] for gap in gaps_in(flags)]


class RelationshipsQuery(RowsQuery):
    """No money is in these figures, so no currency, basis or credit notes are asked for; groups are those of today."""

    def get_fields(self) -> dict[str, serializers.Field]:
        left_out = {"basis", "credit_notes", "currency", "membership"}
        return {name: field for name, field in super().get_fields().items() if name not in left_out}


class RelationshipRowSerializer(RowSerializer):
    key_relationship_score = Rate(source="values.key_relationship_score")
    key_reason = serializers.SerializerMethodField(help_text="Why there is no score.")
    key_target = Rate(source="values.key_target")
    relationship_coverage = Rate(source="values.relationship_coverage")
    general_target = Rate(source="values.general_target")
    organisational_level = Rate(source="values.organisational_level")
    organisational_target = Rate(source="values.organisational_target")
    members = Count(source="values.members", help_text="People in active buying centres who are still there.")
    gaps = serializers.SerializerMethodField()
    thread = serializers.SerializerMethodField()
    theirs = Count(source="values.theirs", help_text="Different contacts met within 180 days.")
    ours = Count(source="values.ours", help_text="Different people of ours who met them.")

    @extend_schema_field(serializers.CharField())
    def get_key_reason(self, row: Any) -> str:
        values = row.values
        has_score = values["key_relationship_score"] is not None
        return "" if has_score else str(sentence(key_reason(values["key_withheld"])))

    @extend_schema_field(GAPS)
    def get_gaps(self, row: Any) -> list[str]:
        return gap_codes(row.values["gaps"])

    @extend_schema_field(serializers.ChoiceField(choices=THREADS))
    def get_thread(self, row: Any) -> str:
        return THREAD_CODES[Thread(row.values["thread"])]


class RelationshipsSerializer(RowsSerializer):
    """Scores from 0 to 100, coverage as a fraction, levels from 1 to 5; means over the accounts where they are defined.
    The largest gap to the key score that is aimed at comes first. Who may not read attitudes gets a score where at least
    three people count into it."""

    key_relationship_score = Rate()
    relationship_coverage = Rate()
    organisational_level = Rate()
    mapped_accounts = Count()
    gap_accounts = Count()
    single_threaded_accounts = Count()
    results = serializers.SerializerMethodField()

    @extend_schema_field(RelationshipRowSerializer(many=True))
    def get_results(self, _answer: RelationshipFigures) -> list[dict[str, Any]]:
        return RelationshipRowSerializer(self.context["page"].rows, many=True).data


@question(RelationshipsQuery, RelationshipsSerializer, "How do we stand with the people at our customers?")
class RelationshipsView(RowsView):
    order_by = "key_gap"

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> RelationshipFigures:
        as_of = choices.get("as_of") or timezone.localdate()
        return relationships(accounts, as_of=as_of, level=choices.get("level", "entity"))


class RelationshipDayQuery(Query):
    as_of = DayField(required=False, help_text="Default: today.")


class LayerStandingSerializer(serializers.Serializer):
    """Value, target and gap in the unit of the layer: score, fraction, level; null where not known, not asked for or, of
    too few people, not for readers from whom attitudes are kept. `reason`: why there is no value."""

    layer = serializers.CharField()
    value = serializers.FloatField(allow_null=True)
    target = serializers.FloatField(allow_null=True)
    gap = serializers.FloatField(allow_null=True)
    reason = serializers.CharField()


class PersonSerializer(serializers.Serializer):
    member = serializers.IntegerField(source="member.pk")
    contact = serializers.IntegerField(source="contact.pk")
    name = serializers.CharField(source="contact.name")
    roles = serializers.ListField(source="member.roles", child=serializers.CharField())
    weight = serializers.IntegerField(source="member.weight")
    attitude = serializers.IntegerField(allow_null=True)
    days = serializers.IntegerField(allow_null=True, help_text="Since last met or called; null: never.")
    freshness = serializers.FloatField()
    score = serializers.FloatField()


class CentreSerializer(serializers.Serializer):
    """For those who may not read personal data `people` is empty, and `score` null unless three people or more count into
    that of every centre."""

    id = serializers.IntegerField(source="centre.pk")
    name = serializers.CharField(source="centre.name")
    is_active = serializers.BooleanField(source="centre.is_active")
    score = serializers.FloatField(allow_null=True)
    gaps = serializers.SerializerMethodField()
    people = PersonSerializer(many=True)

    @extend_schema_field(GAPS)
    def get_gaps(self, one: Any) -> list[str]:
        return gap_codes(one.gaps)


class GridCellSerializer(serializers.Serializer):
    department = serializers.CharField()
    level = serializers.CharField()
    is_required = serializers.BooleanField()
    is_covered = serializers.BooleanField()
    contacts = serializers.IntegerField(help_text="How many people are known there.")


class AccountRelationshipsSerializer(serializers.Serializer):
    layers = LayerStandingSerializer(many=True)
    gaps = serializers.SerializerMethodField()
    thread = serializers.SerializerMethodField()
    theirs = serializers.IntegerField()
    ours = serializers.IntegerField()
    cells_covered = serializers.IntegerField()
    cells_required = serializers.IntegerField()
    centres = CentreSerializer(many=True)
    grid = serializers.SerializerMethodField()
    partnership = serializers.SerializerMethodField(help_text="What the customer is now; null: nothing is noted.")
    passport = PassportSerializer()

    @extend_schema_field(GAPS)
    def get_gaps(self, found: AccountRelationships) -> list[str]:
        return gap_codes(int(found.gaps or Gap(0)))

    @extend_schema_field(serializers.ChoiceField(choices=THREADS))
    def get_thread(self, found: AccountRelationships) -> str:
        return THREAD_CODES[found.thread]

    @extend_schema_field(GridCellSerializer(many=True))
    def get_grid(self, found: AccountRelationships) -> list[dict[str, Any]]:
        return [
            {
                "department": str(row.department.value), "level": str(cell.level.value), "is_required": cell.is_required,
                "is_covered": cell.is_covered, "contacts": len(cell.contacts),
            }
            for row in found.grid
            for cell in row.cells
        ]  # fmt: skip

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_partnership(self, found: AccountRelationships) -> str | None:
        return found.partnership[0].state if found.partnership else None


routes = [path("metrics/relationships/", RelationshipsView.as_view(), name="metrics-relationships")]
