"""The catalogue's part about what drives revenue: the split of a change, what would double it, width against depth."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

TWO_WINDOWS = _("net revenue of each account in the base and in the comparison period")
ORDERS = _("orders: documents with an amount above 0 that are no credit notes, counted on their first day")
DRIVEN = _("orders and net revenue of each account in the base and in the comparison period")

DRIVERS = (
    Metric(
        "decomposition", _("Drivers of the change"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Change in revenue = effects of covered accounts, active rate and revenue per active account"), DRIVEN,
        _("Each effect is the mean over all orders in which the factors may change (Shapley), so they add up exactly."),
    ),
    Metric(
        "doubling", _("What if"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Revenue = covered accounts × active rate × revenue per active account, each as set"), ORDERS,
        _("What other drivers would give, and what a target needs of them."),
    ),
    Metric(
        "directions", _("Horizontal and vertical growth"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Change in revenue = new + reactivated accounts, existing accounts, net credits"), TWO_WINDOWS,
        _("Does revenue grow by more customers, or by more from each?"),
    ),
    Metric("horizontal_growth", _("Horizontal growth"), Unit.MONEY, Direction.UP, _("New + reactivated"), TWO_WINDOWS,
           _("Revenue of accounts that bought nothing in the base period: new markets and channels.")),
    Metric("vertical_growth", _("Vertical growth"), Unit.MONEY, Direction.UP,
           _("Expansion − contraction − churned"), TWO_WINDOWS,
           _("What existing accounts bought more or less, lost ones included.")),
    # What drove the change, what would double it
    Metric("covered_accounts_effect", _("Effect of covered accounts"), Unit.MONEY, Direction.UP,
           _("Change of covered accounts × mean of the other factors over all orders of change; by LMDI:"
             " logarithmic mean of revenue × ln of the ratio of the factor"), DRIVEN,
           _("What more or fewer accounts on the books did to revenue.")),
    Metric("active_rate_effect", _("Effect of the active rate"), Unit.MONEY, Direction.UP,
           _("Change of the active rate × mean of the other factors over all orders of change; by LMDI:"
             " logarithmic mean of revenue × ln of the ratio of the factor"), DRIVEN,
           _("What more or fewer of them ordering did to revenue.")),
    Metric("revenue_per_active_account_effect", _("Effect of revenue per active account"), Unit.MONEY, Direction.UP,
           _("Change of revenue per active account × mean of the other factors over all orders of change; by LMDI:"
             " logarithmic mean of revenue × ln of the ratio of the factor"), DRIVEN,
           _("What larger or smaller customers did to revenue.")),
    Metric("order_frequency_effect", _("Effect of orders per active account"), Unit.MONEY, Direction.UP,
           _("Change of orders per active account × mean of the other factors over all orders of change; by LMDI:"
             " logarithmic mean of revenue × ln of the ratio of the factor"), DRIVEN,
           _("What ordering more or less often did to revenue.")),
    Metric("average_order_value_effect", _("Effect of revenue per order"), Unit.MONEY, Direction.UP,
           _("Change of revenue per order × mean of the other factors over all orders of change; by LMDI:"
             " logarithmic mean of revenue × ln of the ratio of the factor"), DRIVEN,
           _("What larger or smaller orders did to revenue.")),
    Metric("unattributed_effect", _("Change without an active account"), Unit.MONEY, Direction.NEITHER,
           _("Revenue of periods without an active account, comparison − base"), DRIVEN,
           _("Late credit notes, as a rule; no factor carries them.")),
    Metric("scenario_revenue", _("Revenue with these drivers"), Unit.MONEY, Direction.UP,
           _("Covered accounts × active rate × revenue per active account, as set"), ORDERS,
           _("What the period would have brought.")),
    Metric("target_revenue", _("Target revenue"), Unit.MONEY, Direction.UP, _("Revenue of the period × multiple"), ORDERS,
           _("What is to be reached.")),
    Metric("scenario_multiple", _("Multiple of today's revenue"), Unit.NUMBER, Direction.UP,
           _("Revenue with these drivers ÷ revenue of the period"), ORDERS, _("2 is double.")),
    Metric("equal_factor", _("Factor for each driver"), Unit.NUMBER, Direction.NEITHER,
           _("Cube root of the multiple"), ORDERS,
           _("If all three grow alike: 1.26 each is enough to double.")),
    Metric("without_order_revenue", _("Accounts without an order, revenue of a year before"), Unit.MONEY, Direction.NEITHER,
           _("Revenue above 0, one year before the period, of covered accounts without an order in it"), ORDERS,
           _("What the active rate could win back. Which of them are later than their own rhythm, the list of sleepers says.")),
    Metric("peer_gap", _("Gap to the median of peers"), Unit.MONEY, Direction.NEITHER,
           _("Median of active accounts of the same segment and size − revenue of the account, where above 0"), ORDERS,
           _("What revenue per active account could win. Peers are at least 5 active accounts.")),
)  # fmt: skip
