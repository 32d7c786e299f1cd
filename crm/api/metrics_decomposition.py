"""What drives revenue, on the wire: the split of a change, what would double it, growth in width and in depth."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import AnswerSerializer, AverageMoney, BarSerializer, Money, Rate, WindowSerializer
from crm.api.metrics import FigureView, question
from crm.api.metrics_economics import FiniteField
from crm.api.queries import PeriodQuery, TwoPeriodsQuery
from crm.lib.money import average_text, money_text
from crm.lib.periods import Period
from metrics.formulas.decomposition import SplitMethod
from metrics.leaves import Dimension
from metrics.services.decomposition import AVERAGES, FORMS, DecompositionFigures, Split, decomposition
from metrics.services.directions import directions
from metrics.services.doubling import (
    MAX_ACCOUNTS,
    MAX_MONEY,
    MAX_TARGET_MULTIPLE,
    MIN_TARGET_MULTIPLE,
    TARGET_MULTIPLE,
    doubling,
)

NO_LEAVES = "none"
MONEY_MAP = {"type": "object", "additionalProperties": {"type": ["string", "null"], "format": "decimal"}}
FACTOR_MAP = {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}


class ByQuery(TwoPeriodsQuery):
    by = serializers.ChoiceField(
        choices=[(name, name) for name in (NO_LEAVES, *map(str, Dimension))],
        required=False,
        help_text="Leaves to split and add up, as the accounts stand today. Default: none.",
    )

    def validate_by(self, value: str) -> str | None:
        return None if value == NO_LEAVES else value


class DecompositionQuery(ByQuery):
    method = serializers.ChoiceField(
        choices=[(str(name), str(name)) for name in SplitMethod],
        required=False,
        help_text="Default shapley; lmdi gives way to it where a factor is below 0, and the answer says so.",
    )
    factors = serializers.ChoiceField(
        choices=[(count, str(count)) for count in FORMS],
        required=False,
        help_text="3 (default), or 4 with orders per active account and revenue per order.",
    )


class DoublingQuery(PeriodQuery):
    """A driver that is left out stays as it was in the period."""

    covered_accounts = serializers.IntegerField(required=False, min_value=0, max_value=MAX_ACCOUNTS)
    active_rate = FiniteField(required=False, min_value=0, max_value=1, help_text="A fraction.")
    revenue_per_active_account = serializers.DecimalField(
        required=False, max_digits=25, decimal_places=12, min_value=Decimal(0), max_value=MAX_MONEY
    )
    target_multiple = FiniteField(
        required=False,
        min_value=MIN_TARGET_MULTIPLE,
        max_value=MAX_TARGET_MULTIPLE,
        help_text=f"Of the period's revenue; default {TARGET_MULTIPLE}.",
    )


class SplitSerializer(serializers.Serializer):
    """change = sum of `effects`. `base` and `comparison` are the factors: money as strings, counts and rates as numbers."""

    base_revenue = Money()
    comparison_revenue = Money()
    change = Money()
    effects = serializers.SerializerMethodField()
    base = serializers.SerializerMethodField()
    comparison = serializers.SerializerMethodField()

    @extend_schema_field(MONEY_MAP)
    def get_effects(self, split: Any) -> dict[str, str | None]:
        return _amounts({name: part.effect for name, part in split.parts.items()})

    @extend_schema_field(FACTOR_MAP)
    def get_base(self, split: Any) -> dict[str, Any]:
        return {name: _factor(name, part.base) for name, part in _whole(split).parts.items()}

    @extend_schema_field(FACTOR_MAP)
    def get_comparison(self, split: Any) -> dict[str, Any]:
        return {name: _factor(name, part.comparison) for name, part in _whole(split).parts.items()}


class LeafSerializer(SplitSerializer):
    """`key` is the value as the account filters take it, "" where none is given."""

    key = serializers.CharField()
    label = serializers.CharField()
    reasons = serializers.DictField(child=serializers.CharField())


class DecompositionSerializer(SplitSerializer, AnswerSerializer):
    """With `by` the `effects` are those of the leaves added up; `totals_effects` split the totals, and `mix` is the
    difference. Both are exact. `movers` tell what happened to the accounts: their amounts add up to the change, too."""

    method = serializers.CharField(read_only=True)
    requested_method = serializers.CharField(read_only=True)
    is_fallback = serializers.BooleanField(read_only=True)
    factors = serializers.ListField(child=serializers.CharField(), read_only=True)
    by = serializers.SerializerMethodField()
    totals_effects = serializers.SerializerMethodField()
    mix = serializers.SerializerMethodField()
    movers = serializers.DictField(child=BarSerializer(), read_only=True)
    leaves = LeafSerializer(many=True, read_only=True)

    def get_by(self, figures: DecompositionFigures) -> str:
        return str(figures.by or NO_LEAVES)

    @extend_schema_field(MONEY_MAP)
    def get_effects(self, split: Any) -> dict[str, str | None]:
        return _amounts(split.effects)

    @extend_schema_field(MONEY_MAP)
    def get_totals_effects(self, figures: DecompositionFigures) -> dict[str, str | None]:
        return _amounts({name: part.effect for name, part in figures.whole.parts.items()})

    @extend_schema_field(MONEY_MAP)
    def get_mix(self, figures: DecompositionFigures) -> dict[str, str | None]:
        return _amounts(figures.mix)


class DriverSerializer(serializers.Serializer):
    """`value` is as set; `equal_value` where all three grow alike to the target; `needed` what this one alone would have
    to be, the others as set."""

    current = Rate()
    value = Rate()
    multiple = Rate()
    effect = Money()
    equal_value = Rate()
    equal_multiple = Rate()
    needed = Rate()
    is_reachable = serializers.BooleanField(read_only=True, allow_null=True)


class MoneyDriverSerializer(DriverSerializer):
    current = AverageMoney()
    value = AverageMoney()
    equal_value = AverageMoney()
    needed = AverageMoney()


class DriversSerializer(serializers.Serializer):
    covered_accounts = DriverSerializer()
    active_rate = DriverSerializer()
    revenue_per_active_account = MoneyDriverSerializer()


class PriorField(WindowSerializer):
    """The year before, where accounts without an order bought."""

    def to_representation(self, instance: Period) -> dict[str, Any]:
        return {"label": instance.label, "first_day": str(instance.start), "last_day": str(instance.last_day)}


@extend_schema_serializer(deprecate_fields=["sleeping"])
class DoublingSerializer(AnswerSerializer):
    """`scenario_revenue` = product of the three drivers as set. `without_order`: covered accounts without an
    order in the period, with their revenue of `prior`; `below_peers`: active accounts below the median of their segment and
    size, with what they lack. `sleeping` is the former name of `without_order` and will go: sleepers are accounts later
    than their own rhythm, at `metrics/sleepers/`."""

    revenue = Money()
    scenario_revenue = Money()
    change = Money()
    scenario_multiple = Rate()
    target_multiple = Rate()
    target_revenue = Money()
    is_reached = serializers.BooleanField(read_only=True, allow_null=True)
    equal_factor = Rate()
    drivers = DriversSerializer(read_only=True)
    without_order = BarSerializer(read_only=True)
    sleeping = BarSerializer(source="without_order", read_only=True)
    below_peers = BarSerializer(read_only=True)
    prior = PriorField(read_only=True)


class DirectionSerializer(serializers.Serializer):
    """opening + horizontal_growth + vertical_growth + adjustment = closing."""

    opening = BarSerializer()
    horizontal_growth = BarSerializer()
    vertical_growth = BarSerializer()
    adjustment = BarSerializer()
    closing = BarSerializer()


class DirectionLeafSerializer(DirectionSerializer):
    key = serializers.CharField()
    label = serializers.CharField()


class DirectionsSerializer(DirectionSerializer, AnswerSerializer):
    """Horizontal: new and reactivated accounts. Vertical: expansion, contraction and loss of existing ones."""

    by = serializers.SerializerMethodField()
    leaves = DirectionLeafSerializer(many=True, read_only=True)

    def get_by(self, figures: Any) -> str:
        return str(figures.by or NO_LEAVES)


@question(DecompositionQuery, DecompositionSerializer, "What drove the change in revenue?")
class DecompositionView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return decomposition(accounts, **choices)


@question(DoublingQuery, DoublingSerializer, "What would other drivers give, and what would a target take?")
class DoublingView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return doubling(accounts, **choices)


@question(ByQuery, DirectionsSerializer, "Does revenue grow by more customers, or by more from each?")
class DirectionsView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return directions(accounts, **choices)


def _whole(split: Split | DecompositionFigures) -> Split:
    return split.whole if isinstance(split, DecompositionFigures) else split


def _amounts(amounts: Mapping[str, Decimal | None]) -> dict[str, str | None]:
    return {name: money_text(amount) for name, amount in amounts.items()}


def _factor(name: str, value: float | Decimal | None) -> int | float | str | None:
    if not isinstance(value, Decimal):
        return value
    return average_text(value) if name in AVERAGES else money_text(value)
