"""The revenue bridge on the wire, whole and leaf by leaf."""

from typing import Any

from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api.answers import BarSerializer, BridgeSerializer, Money
from crm.api.metrics import FigureView, question
from crm.api.queries import TwoPeriodsQuery
from metrics.frames_parts import ProductDimension
from metrics.leaves import Dimension
from metrics.services.breakdown import COLUMNS, BridgeLeaf, BrokenDownBridge, bridge_breakdown

DIMENSIONS = [(str(one), str(one)) for one in (*Dimension, *ProductDimension)]


class BridgeQuery(TwoPeriodsQuery):
    by = serializers.ChoiceField(
        choices=DIMENSIONS,
        required=False,
        help_text="Splits the bridge into leaves; a group lies in the leaf of its top. By product or category the account"
        " decides the line, and each product has its part of it.",
    )


class BridgeLeafSerializer(serializers.Serializer):
    """opening + all lines = closing. `key` is the value as filters take it, empty where none is given; of a product its
    key, of lines without one `no_product`, of what is not split by product (credit notes that count in the period of their original) `not_split`."""

    key = serializers.CharField()
    label = serializers.CharField()
    change = Money()

    def get_fields(self) -> dict[str, serializers.Field]:
        return super().get_fields() | {name: BarSerializer() for name in COLUMNS}

    def to_representation(self, leaf: BridgeLeaf) -> dict[str, Any]:
        told = {name: self.fields[name].to_representation(getattr(leaf, name)) for name in ("key", "label", "change")}
        return told | {name: BarSerializer(bar).data for name, bar in leaf.bars.items()}


class BreakdownSerializer(serializers.Serializer):
    """Amounts and accounts of the leaves add up to those of the bridge; the largest change comes first. By product or
    category amounts alone add up: an account stands in the leaf of each product it bought."""

    by = serializers.ChoiceField(choices=DIMENSIONS)
    leaves = BridgeLeafSerializer(many=True)


class LossSplitSerializer(serializers.Serializer):
    """The line `churned` by who is gone and who is not: churned + lapsed = the line. Churned: on `as_of` no order for more
    than 12 months and for more than 2 own median intervals; without three order days the 12 months alone decide."""

    as_of = serializers.DateField()
    churned = BarSerializer()
    lapsed = BarSerializer()


class BrokenDownBridgeSerializer(BridgeSerializer):
    __doc__ = f"{BridgeSerializer.__doc__}\n\n`churn_split` tells churned from lapsed accounts; `breakdown` is there with `by`."

    churn_split = LossSplitSerializer()

    breakdown = BreakdownSerializer(required=False)

    def to_representation(self, answer: BrokenDownBridge) -> dict[str, Any]:  # type: ignore[override]
        told = super().to_representation(answer.bridge)
        told["churn_split"] = LossSplitSerializer(answer.losses).data
        return told | ({"breakdown": BreakdownSerializer(answer.breakdown).data} if answer.breakdown else {})


@question(BridgeQuery, BrokenDownBridgeSerializer, "What moved the revenue from one period to the other, and where?")
class BridgeView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> BrokenDownBridge:
        return bridge_breakdown(accounts, **choices)
