"""What would better retention be worth? The calculator on the wire; the same inputs and names as the page, fractions."""

from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.querysets import AccountQuerySet
from crm.api import answers
from crm.api.answers import AverageMoney, Count, Money, Rate
from crm.api.errors import BadParameter
from crm.api.metrics import FigureView, question
from crm.api.queries import DayField, LevelQuery
from metrics.formulas.economics import Reading, UpliftKind
from metrics.services.economics import EconomicsFigures, economics_of
from metrics.services.economics_inputs import (
    CLAIMED_COST_MULTIPLE,
    CLAIMED_LIFT,
    CLAIMED_PROFIT_RATIO,
    RANGES,
    UPLIFT,
    EconomicsInputs,
)
from metrics.services.economics_portfolio import COSTS, Source, portfolio_economics
from metrics.services.lifetime import YEARLY_DISCOUNT

FROM_LEDGER = "Default: what the ledger knows of the accounts in view."
FROM_EFFORTS = "Default: by the recorded efforts of the last 12 months, for callers who see every account."
CLAIM = "An article's claim, source unknown"
INPUTS = tuple(EconomicsInputs.__dataclass_fields__)
FROM_PORTFOLIO = ("margin_per_customer", "retention", "new_customers", *COSTS)  # inputs that the portfolio may know


def ranged(name: str, told: str) -> serializers.FloatField:
    """An optional number within the range of the calculator."""
    bounds = RANGES[name]
    return FiniteField(required=False, min_value=bounds.low, max_value=bounds.high, help_text=told)


class FiniteField(serializers.FloatField):
    """NaN passes every bound, so it is refused by itself."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if value != value:  # noqa: PLR0124 (NaN alone differs from itself)
            raise serializers.ValidationError(_("Give a number."))
        return value


class EconomicsQuery(LevelQuery):
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")
    uplift_kind = serializers.ChoiceField(
        choices=[(str(kind), str(kind)) for kind in UpliftKind],
        required=False,
        help_text="What the uplift is: 0.05 as points turns 0.80 into 0.85, as relative into 0.84. Never guessed: without"
        " it the readings are null.",
    )
    uplift = ranged("uplift", f"A fraction; default {UPLIFT}.")
    margin_per_customer = ranged("margin_per_customer", f"A year. {FROM_LEDGER}")
    retention = ranged("retention", f"A year, as a fraction. {FROM_LEDGER}")
    new_customers = ranged("new_customers", f"A year. {FROM_LEDGER}")
    discount = ranged("discount", f"A year, as a fraction; default {YEARLY_DISCOUNT}.")
    horizon_years = serializers.IntegerField(
        required=False,
        min_value=int(RANGES["horizon_years"].low),
        max_value=int(RANGES["horizon_years"].high),
        help_text="Of the value of a customer; default endless.",
    )
    acquisition_cost = ranged("acquisition_cost", f"Per new customer; the long run counts 0 without it. {FROM_EFFORTS}")
    retention_cost = ranged("retention_cost", "What the uplift costs a year on every customer; default 0.")
    keeping_cost = ranged("keeping_cost", f"What keeping a customer costs a year today. {FROM_EFFORTS}")
    claimed_lift = ranged("claimed_lift", f"{CLAIM}; default {CLAIMED_LIFT}.")
    cost_multiple = ranged("cost_multiple", f"{CLAIM}; default {CLAIMED_COST_MULTIPLE:g}.")
    profit_ratio = ranged("profit_ratio", f"{CLAIM}; default {CLAIMED_PROFIT_RATIO:g}.")


class LiftPointSerializer(serializers.Serializer):
    """The lift by each reading at one retention."""

    retention = Rate()
    raised_retention = Rate()
    customer_value_lift = Rate(source="lifts.customer_value")
    steady_state_lift = Rate(source="lifts.steady_state")
    first_year_lift = Rate(source="lifts.first_year")


class RatioPointSerializer(serializers.Serializer):
    cost_share = Rate()
    ratio = Rate()


class SourceField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(read_only=True, allow_null=True, help_text=f"One of: {', '.join(Source)}.", **kwargs)


class EconomicsSerializer(answers.AnswerSerializer):
    """The inputs computed with, the three readings and where the articles' claims hold. `portfolio_…` is what the ledger
    knows, whether it was used or not."""

    uplift_kind = serializers.CharField(source="inputs.uplift_kind", read_only=True, allow_null=True)
    uplift = Rate(source="inputs.uplift")
    margin_per_customer = Money()
    margin_source = SourceField()
    retention = Rate(source="inputs.retention")
    retention_source = SourceField()
    new_customers = Rate(source="inputs.new_customers")
    new_customers_source = SourceField()
    discount = Rate(source="inputs.discount")
    horizon_years = Count(source="inputs.horizon_years")
    acquisition_cost = Money(source="inputs.acquisition_cost")
    retention_cost = Money(source="inputs.retention_cost")
    acquisition_cost_source = SourceField()
    keeping_cost = Money(source="inputs.keeping_cost")
    keeping_cost_source = SourceField()
    claimed_lift = Rate(source="inputs.claimed_lift")
    cost_multiple = Rate(source="inputs.cost_multiple")
    profit_ratio = Rate(source="inputs.profit_ratio")
    portfolio_margin_per_customer = Money(source="portfolio.margin_per_customer")
    portfolio_retention = Rate(source="portfolio.retention")
    portfolio_new_customers = Rate(source="portfolio.new_customers")
    portfolio_acquisition_cost = Money(source="portfolio.acquisition_cost")
    portfolio_keeping_cost = Money(source="portfolio.keeping_cost")
    raised_retention = Rate()
    is_capped = serializers.BooleanField(read_only=True, allow_null=True)
    claimed_cost_share = Rate()
    claimed_acquisition_share = Rate()
    cost_ratio = Rate()
    own_profit_ratio = Rate()
    lost_accounts = Count()
    lost_spend = Money()
    lost_spend_per_account = AverageMoney()
    lost_word_of_mouth = Money()
    curve = LiftPointSerializer(many=True, read_only=True)
    ratio_curve = RatioPointSerializer(many=True, read_only=True)

    def get_fields(self) -> dict[str, serializers.Field]:
        """The same five fields for each reading."""
        fields = super().get_fields()
        for reading in Reading:
            fields |= {f"{reading}_{part}": Money() for part in ("before", "after", "break_even_cost")}
            fields |= {f"{reading}_lift": Rate(), f"{reading}_claim_true_at": TrueAt(read_only=True, allow_null=True)}
        return fields

    def to_representation(self, instance: EconomicsFigures) -> dict[str, Any]:
        answer: dict[str, Any] = super().to_representation(instance)
        told = answer["reasons"]
        unknown = [name for name in FROM_PORTFOLIO if answer[f"portfolio_{name}"] is None and name in told]
        answer["reasons"] = told | {f"portfolio_{name}": told[name] for name in unknown}
        return answer


@extend_schema_field({"type": ["array", "null"], "items": {"type": "number"}})
class TrueAt(serializers.Field):
    """Every retention at which the uplift brings the claimed lift, rising."""

    def to_representation(self, value: tuple[float, ...]) -> list[float]:
        return list(value)


@question(EconomicsQuery, EconomicsSerializer, "What would better retention be worth?")
class RetentionEconomicsView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> EconomicsFigures:
        given = {name: choices.pop(name) for name in INPUTS if name in choices}
        if "uplift_kind" in given:
            given["uplift_kind"] = UpliftKind(given["uplift_kind"])
        inputs = EconomicsInputs(**given)
        portfolio = portfolio_economics(accounts, **choices)
        problems = portfolio.completed(inputs).problems()
        if problems:
            raise BadParameter({name: [str(sentence)] for name, sentence in problems.items()})
        return economics_of(portfolio, inputs)
