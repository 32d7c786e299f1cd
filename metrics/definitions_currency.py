"""The catalogue's part about exchange rates: growth without what they did, and what they did as a line of its own."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

RATED = _(
    "net revenue of each account, currency and month of the comparison period, at the rate of the same month of the base"
)

CURRENCY = (
    Metric(
        "constant_growth_rate", _("Customer revenue growth at constant rates"), Unit.RATE, Direction.UP,
        _("(comparison at the rates of the base period − base) ÷ base, over accounts with base revenue above 0"), RATED,
        _("What the same customers bought more or less, without what exchange rates did. Equals the reported growth where "
          "one currency is all there is."),
    ),
    Metric(
        "constant_overall_growth_rate", _("Overall growth at constant rates"), Unit.RATE, Direction.UP,
        _("(total comparison at the rates of the base period − total base) ÷ total base, over all accounts"), RATED,
        _("All customers, new ones included, without what exchange rates did."),
    ),
    Metric(
        "constant_comparison_revenue", _("Comparison revenue of existing accounts at constant rates"), Unit.MONEY,
        Direction.UP, _("Sum of comparison revenue at the rates of the base period over existing accounts"), RATED,
        _("What the same accounts bought later, as if rates had stayed."),
    ),
    Metric(
        "total_constant_comparison_revenue", _("Total comparison revenue at constant rates"), Unit.MONEY, Direction.UP,
        _("Sum of comparison revenue at the rates of the base period over all accounts"), RATED,
        _("Everything booked in the comparison period, as if rates had stayed."),
    ),
    Metric(
        "cohort_fx_effect", _("Exchange rate effect, same customers"), Unit.MONEY, Direction.NEITHER,
        _("Reported comparison revenue of existing accounts − the same at constant rates"), RATED,
        _("The part of the change that came from exchange rates and not from customers. 0 where one currency is all there is."),
    ),
    Metric(
        "fx_effect", _("Exchange rate effect"), Unit.MONEY, Direction.NEITHER,
        _("Reported comparison revenue − comparison revenue at constant rates, over all accounts"), RATED,
        _("What exchange rates added or took away: reported = constant + this. A month without a stored average takes the "
          "mean of its daily rates."),
    ),
)  # fmt: skip
