"""The catalogue's part about products: how customers buy, and what goes together."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

OWNERSHIP = _("which customers of the ledger have ever bought which products, as the last night summed it up")

ASSOCIATION = (
    Metric(
        "association", _("Association rules"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Rules “who buys A also buys B” on 5 customers or more with a lift above 1, where Fisher's exact test, corrected by "
          "Benjamini and Hochberg for all pairs tested, leaves a chance below 0.05 of owning both by accident"),
        OWNERSHIP,
        _("What goes together? Customers count, not baskets: each once, however often it bought. Learnt from all customers; "
          "the accounts to call are those you see."),
    ),
    Metric("tested_pairs", _("Pairs tested"), Unit.COUNT, Direction.NEITHER,
           _("Pairs of the most owned products with 5 owners or more each"), OWNERSHIP,
           _("Every pair counts in the correction, whether anybody owns both or not.")),
    Metric("met_rules", _("Rules with enough customers"), Unit.COUNT, Direction.NEITHER,
           _("Rules A ⇒ B where 5 customers or more own both; each pair gives two"), OWNERSHIP,
           _("Fewer customers make an anecdote.")),
    Metric("shown_rules", _("Rules shown"), Unit.COUNT, Direction.NEITHER,
           _("Of those, the ones with a lift above 1 and a corrected p below 0.05"), OWNERSHIP,
           _("What is left after the test; the others are not listed.")),
    Metric("missing_accounts", _("Own A and not B"), Unit.COUNT, Direction.UP,
           _("Accounts you see that have bought A and never B, without those that have turned B down"), OWNERSHIP,
           _("Whom to call about B.")),
    Metric("rule_support", _("Support"), Unit.RATE, Direction.NEITHER, _("customers with A and B ÷ all customers"),
           OWNERSHIP, _("How common it is to own both.")),
    Metric("rule_confidence", _("Confidence"), Unit.RATE, Direction.UP, _("customers with A and B ÷ customers with A"),
           OWNERSHIP, _("How many of those who buy A also buy B. High for every A where everybody buys B anyway.")),
    Metric("rule_lift", _("Lift"), Unit.NUMBER, Direction.UP,
           _("all customers × customers with A and B ÷ (customers with A × customers with B)"), OWNERSHIP,
           _("How many times more often than by chance. Largest for rare products.")),
    Metric("rule_leverage", _("Leverage"), Unit.RATE, Direction.UP,
           _("share of customers with A and B − share with A × share with B"), OWNERSHIP,
           _("How many customers more than by chance, as a share of all. Largest for common products.")),
    Metric("rule_p_value", _("Corrected p"), Unit.NUMBER, Direction.DOWN,
           _("One-sided Fisher test, times all pairs tested ÷ its rank (Benjamini–Hochberg)"), OWNERSHIP,
           _("Of rules shown below this, so large a part may be owned together by accident.")),
)  # fmt: skip

BASKETS = _("days on which each account bought each product, and its orders")

PATTERNS = (
    Metric(
        "patterns", _("Purchase patterns"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Usual interval, order size, breadth, season, weekdays and products of the orders of a period"), BASKETS,
        _("How do they buy? An order day is one occasion, whatever was bought that day."),
    ),
    Metric("usual_interval_days", _("Usual interval"), Unit.DAYS, Direction.NEITHER,
           _("Median over accounts of the median days between their order days; of one account: of its intervals"), BASKETS,
           _("From three order days on. All orders up to the end of the period, so that slow rhythms are seen.")),
    Metric("order_day_size", _("Typical order day"), Unit.MONEY, Direction.UP,
           _("Median of the net revenue of an order day"), BASKETS, _("Half of all order days bring more, half less.")),
    Metric("breadth", _("Products on an order day"), Unit.NUMBER, Direction.UP,
           _("Different products with a line above 0 ÷ order days that name a product"), BASKETS,
           _("How broad a basket is.")),
    Metric("breadth_change", _("Breadth against a year before"), Unit.RATE, Direction.UP,
           _("Breadth of the period ÷ that of the same period a year before − 1"), BASKETS,
           _("Baskets that grow narrow are often the first sign of a customer on its way out.")),
    Metric("products_bought", _("Products bought"), Unit.COUNT, Direction.UP,
           _("Different products with a line above 0 in the period"), BASKETS, _("By all accounts in view together.")),
    Metric("new_product_share", _("Revenue from new products"), Unit.RATE, Direction.UP,
           _("Revenue with products that the account had never bought before the period ÷ revenue with products"), BASKETS,
           _("New to the account, not to us. The rest comes from what it knew.")),
    Metric("peak_month_index", _("Strongest month"), Unit.NUMBER, Direction.NEITHER,
           _("12 × revenue of the calendar month over whole years ÷ revenue of all twelve"), BASKETS,
           _("1 is an average month. From two whole years on, over five at most.")),
    Metric("peak_weekday_share", _("Busiest weekday"), Unit.RATE, Direction.NEITHER,
           _("Order days on the weekday ÷ order days"), BASKETS, _("When a call meets somebody who is about to order.")),
)  # fmt: skip
