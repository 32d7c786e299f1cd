"""The catalogue's part about what better retention is worth."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

TYPED = _(
    "what was typed into the calculator; margin, retention and new customers come from the ledger where it knows them"
)
YEARS = _("net revenue, cost and orders of each account in the last 12 months and in the 12 before them")
_WITH = _("The same with the raised retention, less the extra spend on every customer-year")
_RISE = _("after ÷ before − 1")
_EVEN = _("(after without the extra spend − before) ÷ customer-years it is spent on")
_EVEN_HELP = _("What may be spent a year on each customer before the better retention stops paying.")
_RISE_HELP = _("Undefined where nothing is earned without the uplift.")

ECONOMICS = (
    Metric(
        "retention_economics", _("Retention economics"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("One uplift of retention read three ways: value of a customer, yearly profit in the long run, margin within a year"),
        TYPED, _("What would better retention be worth?"),
    ),
    Metric(
        "margin_per_customer", _("Margin per customer and year"), Unit.MONEY, Direction.UP,
        _("Gross profit of the last 12 months ÷ accounts that ordered in them; revenue instead where cost is missing"), YEARS,
        _("Typed, or taken from the ledger."),
    ),
    Metric(
        "raised_retention", _("Retention with the uplift"), Unit.RATE, Direction.UP,
        _("r + uplift in points, or r × (1 + uplift)"), TYPED,
        # xgettext:no-python-format
        _("Stops at 99.9 %: where nobody leaves, no steady state exists."),
    ),
    Metric(
        "customer_value_before", _("Value of a customer, today"), Unit.MONEY, Direction.UP,
        _("Sum over the years t of m × r^t ÷ (1 + d)^t; endless: m × r ÷ (1 + d − r)"), TYPED,
        _("What an existing customer still brings, in today's money; the first margin one year from now."),
    ),
    Metric("customer_value_after", _("Value of a customer, with the uplift"), Unit.MONEY, Direction.UP, _WITH, TYPED,
           _("What an existing customer still brings once more of them stay.")),
    Metric("customer_value_lift", _("Rise of the value of a customer"), Unit.RATE, Direction.UP, _RISE, TYPED, _RISE_HELP),
    Metric("customer_value_break_even_cost", _("Break-even spend, value of a customer"), Unit.MONEY, Direction.UP, _EVEN,
           TYPED, _EVEN_HELP),
    Metric(
        "steady_state_before", _("Yearly profit in the long run, today"), Unit.MONEY, Direction.UP,
        _("N × (m ÷ (1 − r) − CAC), N new customers a year"), TYPED,
        _("What a year brings once as many customers leave as come; acquisition stays as it is."),
    ),
    Metric("steady_state_after", _("Yearly profit in the long run, with the uplift"), Unit.MONEY, Direction.UP, _WITH, TYPED,
           _("Reached after years, when the number of customers has settled.")),
    Metric("steady_state_lift", _("Rise of yearly profit in the long run"), Unit.RATE, Direction.UP, _RISE, TYPED, _RISE_HELP),
    Metric("steady_state_break_even_cost", _("Break-even spend, long run"), Unit.MONEY, Direction.UP, _EVEN, TYPED, _EVEN_HELP),
    Metric(
        "first_year_before", _("Margin kept within one year, today"), Unit.MONEY, Direction.UP, _("m × r"), TYPED,
        _("Margin of the coming year from a customer of today, by the chance that it stays."),
    ),
    Metric("first_year_after", _("Margin kept within one year, with the uplift"), Unit.MONEY, Direction.UP, _WITH, TYPED,
           _("All that the uplift brings before the first year is over.")),
    Metric("first_year_lift", _("Rise of the margin within one year"), Unit.RATE, Direction.UP, _RISE, TYPED, _RISE_HELP),
    Metric("first_year_break_even_cost", _("Break-even spend, first year"), Unit.MONEY, Direction.UP, _EVEN, TYPED, _EVEN_HELP),
    Metric(
        "claimed_cost_share", _("Cost of keeping a customer at which both claims hold"), Unit.RATE, Direction.NEITHER,
        _("(ratio − 1) ÷ (multiple × ratio − 1), of the yearly margin"), TYPED,
        _("The only cost share at which a new customer costs that multiple and an existing one earns that ratio; both are "
          "claims of an article without a source."),
    ),
    Metric("claimed_acquisition_share", _("Acquisition cost at which both claims hold"), Unit.RATE, Direction.NEITHER,
           _("multiple × that cost share"), TYPED,
           # xgettext:no-python-format
           _("Near 100 %: a new customer hardly earns anything in the first year.")),
    Metric("cost_ratio", _("A new customer costs"), Unit.NUMBER, Direction.DOWN,
           _("acquisition cost ÷ yearly cost of keeping a customer"), TYPED, _("By the costs that were typed.")),
    Metric("own_profit_ratio", _("An existing customer earns"), Unit.NUMBER, Direction.NEITHER,
           _("(m − cost of keeping) ÷ (m − acquisition cost), times the first-year profit of a new one"), TYPED,
           _("By the costs that were typed.")),
    Metric("lost_accounts", _("Lost customers"), Unit.COUNT, Direction.DOWN,
           _("Accounts with revenue in the 12 months before and none in the last 12"), YEARS,
           _("An account with a slow rhythm may only pause.")),
    Metric("lost_spend", _("Lost spend"), Unit.MONEY, Direction.DOWN, _("Revenue of the lost customers in the 12 months before"),
           YEARS, _("What they bought in the year before they left.")),
    Metric("lost_spend_per_account", _("Lost spend per lost customer"), Unit.MONEY, Direction.DOWN,
           _("Lost spend ÷ lost customers"), YEARS, _("A year's revenue that goes with one customer, on average.")),
    Metric("lost_word_of_mouth", _("Lost word of mouth"), Unit.MONEY, Direction.DOWN,
           _("Margin of customers that a lost one would have brought"), _("referrals, which the ledger does not hold"),
           _("Not known: nobody records who recommended us to whom.")),
)  # fmt: skip
