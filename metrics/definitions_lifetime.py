"""The catalogue's entries about how sure a lifetime value is and how it is found."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

REFITS = _("200 refits of the model on as many customers, drawn with replacement from all that have ordered")
CONTRACTS = _("signed contracts with a first and a last day and an amount")

LIFETIME = (
    Metric("clv_low", _("Customer lifetime value, lower end"), Unit.MONEY, Direction.UP,
           _("A tenth of the refits expect less"), REFITS,
           _("Lower end of the interval that holds 8 in 10 refits: what other customers of the same kind could have "
             "taught us. What chance then brings to a single account varies more.")),
    Metric("clv_high", _("Customer lifetime value, upper end"), Unit.MONEY, Direction.UP,
           _("A tenth of the refits expect more"), REFITS,
           _("Upper end of the interval that holds 8 in 10 refits. Margin is taken as it is, so it adds nothing to the "
             "interval.")),
    Metric("expected_revenue_low", _("Expected revenue, lower end"), Unit.MONEY, Direction.UP,
           _("A tenth of the refits expect less"), REFITS, _("Lower end of the interval that holds 8 in 10 refits.")),
    Metric("expected_revenue_high", _("Expected revenue, upper end"), Unit.MONEY, Direction.UP,
           _("A tenth of the refits expect more"), REFITS, _("Upper end of the interval that holds 8 in 10 refits.")),
    Metric("lifetime_backtest", _("Did the model know?"), Unit.GROUP_OF_FIGURES, Direction.UP,
           _("The model fitted on what was known at a date, against what came after it; beside it the same months before"),
           _("days with an order and net revenue, per account"),
           _("Where “next year is like last year” was nearer, the model has lost, and the table says so.")),
    Metric("contract_value", _("Signed and still to come"), Unit.MONEY, Direction.UP,
           _("Amount × days left ÷ days of the term, month by month, discounted"), CONTRACTS,
           _("A stand-in for recognised revenue: the amount is spread evenly over the days of the term.")),
)  # fmt: skip
