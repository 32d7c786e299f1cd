"""The catalogue of figures: what each is called, how it is computed, from what. Help texts, passports and the reference
page come from here and nowhere else.

Adding a figure: its entry here or in a module beside this one, its formula under metrics/formulas, its answer under
metrics/services, their tests.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.definitions_contracts import CONTRACTS
from metrics.definitions_currency import CURRENCY
from metrics.definitions_drivers import DRIVERS
from metrics.definitions_economics import ECONOMICS
from metrics.definitions_efforts import EFFORTS
from metrics.definitions_lifetime import LIFETIME
from metrics.definitions_next import NEXT
from metrics.definitions_products import ASSOCIATION, PATTERNS
from metrics.definitions_receivables import RECEIVABLES
from metrics.definitions_relationships import RELATIONSHIPS
from metrics.metric import Direction, Metric, Unit

__all__ = ["METRICS", "Direction", "Metric", "Unit"]

REVENUE = _("net revenue of the ledger on one basis, credit notes in the period they were booked")
TWO_WINDOWS = _("net revenue of each account in the base and in the comparison period")
ORDERS = _("orders: documents with an amount above 0 that are no credit notes, counted on their first day")
ORDER_DAYS = _("days with an order, per account, up to the as-of date")
COSTED = _("net revenue and cost of every line; one line without cost leaves it undefined")

_ENTRIES = (
    # Families: the questions that the figures below answer together
    Metric(
        "growth", _("Growth"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Customer revenue growth of existing accounts, and overall growth beside it"), TWO_WINDOWS,
        _("Do our customers buy more than before? New customers are kept apart, so that they cannot hide a loss."),
    ),
    Metric(
        "bridge", _("Revenue bridge"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Opening revenue + expansion + contraction + churned + reactivated + new + adjustment = closing revenue"),
        TWO_WINDOWS, _("How revenue of the base period became revenue of the comparison period, account by account. By product the "
          "account decides the line, and each product has its part of it."),
    ),
    Metric(
        "retention", _("Retention"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Accounts and revenue of the base period that were still there in the comparison period"), TWO_WINDOWS,
        _("Do our customers stay?"),
    ),
    Metric(
        "activity", _("Activity"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Revenue = covered accounts × active rate × revenue per active account"), ORDERS,
        _("How many of the accounts on our books order, how often, and for how much."),
    ),
    Metric(
        "concentration", _("Concentration"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Shares of the largest accounts in revenue above 0"), REVENUE, _("Who carries us, and how few are they?"),
    ),
    Metric(
        "group_revenue", _("Figures of a group"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Sums over an account and everything below it in its group"), REVENUE,
        _("What a group brings and owes at any of its companies, by subsidiary: with the members of each day, or with those of "
          "today."),
    ),
    Metric(
        "cohorts", _("Cohorts"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Accounts by the period of their first revenue; active accounts and revenue of each later period"), REVENUE,
        _("What becomes of those who came in together. Periods that are not over are marked and counted nowhere."),
    ),
    Metric(
        "sleepers", _("Sleepers"), Unit.GROUP_OF_FIGURES, Direction.DOWN,
        _("Accounts on the books without an order for longer than their own rhythm allows"), ORDER_DAYS,
        _("Who has fallen silent, against its own habit and not against an average, and what it used to bring."),
    ),
    Metric(
        "segments", _("Customer segments"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Scores 1 to 5 by last order, orders and revenue among the accounts in view, and the segments they make"), ORDERS,
        _("Groups accounts for a list or a campaign; it is no grade. A score moves when other accounts change."),
    ),
    Metric(
        "lifetime", _("Lifetime value"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Expected orders × expected revenue of an order × gross margin, discounted"), ORDER_DAYS,
        _("What are our customers still worth? Fitted on the whole base; for one account it is the estimate for accounts "
          "with this history."),
    ),
    Metric(
        "trend", _("Trend"), Unit.GROUP_OF_FIGURES, Direction.NEITHER, _("A figure of every month, quarter or year"),
        REVENUE, _("How a figure moved over time."),
    ),
    Metric(
        "account", _("Figures of an account"), Unit.GROUP_OF_FIGURES, Direction.NEITHER,
        _("Every figure of one account on one day"), REVENUE, _("All that the ledger says about one account."),
    ),
    # Growth and retention
    Metric(
        "growth_rate", _("Customer revenue growth"), Unit.RATE, Direction.UP,
        _("(comparison − base) ÷ base, over accounts with base revenue above 0"), TWO_WINDOWS,
        _("Same customers only. Equals net revenue retention − 1. New and reactivated accounts are in neither part."),
    ),
    Metric(
        "overall_growth_rate", _("Overall growth"), Unit.RATE, Direction.UP,
        _("(total comparison − total base) ÷ total base, over all accounts"), TWO_WINDOWS,
        _("All customers, new ones included. Not meaningful where the base is not above 0."),
    ),
    Metric(
        "cohort_accounts", _("Existing accounts"), Unit.COUNT, Direction.NEITHER,
        _("Accounts with base revenue above 0"), TWO_WINDOWS, _("The accounts that growth and retention speak of."),
    ),
    Metric(
        "base_revenue", _("Base revenue of existing accounts"), Unit.MONEY, Direction.NEITHER,
        _("Sum of base revenue over existing accounts"), TWO_WINDOWS, _("What growth is measured against."),
    ),
    Metric(
        "comparison_revenue", _("Comparison revenue of existing accounts"), Unit.MONEY, Direction.UP,
        _("Sum of comparison revenue over existing accounts"), TWO_WINDOWS, _("What the same accounts bought later."),
    ),
    Metric(
        "total_base_revenue", _("Total base revenue"), Unit.MONEY, Direction.NEITHER,
        _("Sum of base revenue over all accounts"), TWO_WINDOWS, _("Everything booked in the base period."),
    ),
    Metric(
        "total_comparison_revenue", _("Total comparison revenue"), Unit.MONEY, Direction.UP,
        _("Sum of comparison revenue over all accounts"), TWO_WINDOWS, _("Everything booked in the comparison period."),
    ),
    Metric(
        "net_revenue_retention", _("Net revenue retention"), Unit.RATE, Direction.UP,
        _("Comparison revenue ÷ base revenue of existing accounts"), TWO_WINDOWS,
        _("Above 100 % where existing accounts grow by more than they shrink and leave."),
    ),
    Metric(
        "gross_revenue_retention", _("Gross revenue retention"), Unit.RATE, Direction.UP,
        _("Smaller of comparison (at least 0) and base revenue of each existing account, summed ÷ base revenue"),
        TWO_WINDOWS, _("What is left of the base before any growth; never above 100 %."),
    ),
    Metric(
        "logo_retention", _("Customer retention"), Unit.RATE, Direction.UP,
        _("Existing accounts with comparison revenue above 0 ÷ existing accounts"), TWO_WINDOWS,
        _("Counts accounts, not money. In a short period an account that pauses looks lost."),
    ),
    Metric(
        "retained_accounts", _("Retained accounts"), Unit.COUNT, Direction.UP,
        _("Existing accounts with comparison revenue above 0"), TWO_WINDOWS, _("Accounts that bought in both periods."),
    ),
    # Lines of the bridge
    Metric("opening", _("Opening revenue"), Unit.MONEY, Direction.NEITHER, _("Revenue of the base period"), TWO_WINDOWS,
           _("Where the bridge begins.")),
    Metric("expansion", _("Expansion"), Unit.MONEY, Direction.UP, _("Growth of existing accounts that grew"),
           TWO_WINDOWS, _("Existing accounts that bought more.")),
    Metric("contraction", _("Contraction"), Unit.MONEY, Direction.UP, _("Decline of existing accounts that still buy"),
           TWO_WINDOWS, _("Existing accounts that bought less; a negative amount.")),
    Metric("churned", _("Churned or lapsed"), Unit.MONEY, Direction.UP,
           _("Base revenue of existing accounts that bought nothing"), TWO_WINDOWS,
           _("A negative amount. In a short period accounts with a slow rhythm have only lapsed.")),
    Metric("bridge_churned", _("Of it churned"), Unit.MONEY, Direction.UP,
           _("Part of the line whose accounts have no order for more than 12 months and for more than 2 own usual intervals"),
           TWO_WINDOWS, _("By the last day of the comparison period these customers were gone.")),
    Metric("bridge_lapsed", _("Of it lapsed"), Unit.MONEY, Direction.UP,
           _("Rest of the line: accounts without an order in the comparison period that are not churned"), TWO_WINDOWS,
           _("They bought nothing in the comparison period, and by their own rhythm may still come.")),
    Metric("reactivated", _("Reactivated"), Unit.MONEY, Direction.UP,
           _("Comparison revenue of accounts known before the base period's end that bought nothing in it"), TWO_WINDOWS,
           _("Former customers that came back.")),
    Metric("new", _("New"), Unit.MONEY, Direction.UP,
           _("Comparison revenue of accounts whose first revenue lies after the base period"), TWO_WINDOWS,
           _("Customers won since the base period.")),
    Metric("adjustment", _("Net credits"), Unit.MONEY, Direction.NEITHER,
           _("Comparison revenue below 0 minus base revenue below 0"), TWO_WINDOWS,
           _("Accounts whose credit notes outweigh their revenue in a period.")),
    Metric("closing", _("Closing revenue"), Unit.MONEY, Direction.UP, _("Revenue of the comparison period"), TWO_WINDOWS,
           _("Where the bridge ends.")),
    # Activity
    Metric("covered_accounts", _("Covered accounts"), Unit.COUNT, Direction.UP,
           _("Accounts whose first order lies before the period's end and that were not closed before it began"), ORDERS,
           _("The accounts on our books.")),
    Metric("active_accounts", _("Active accounts"), Unit.COUNT, Direction.UP,
           _("Accounts with an order in the period"), ORDERS, _("Covered accounts that ordered.")),
    Metric("active_rate", _("Active rate"), Unit.RATE, Direction.UP, _("Active ÷ covered accounts"), ORDERS,
           _("Share of the accounts on our books that ordered.")),
    Metric("orders", _("Orders"), Unit.COUNT, Direction.UP,
           _("Documents with an amount above 0 that are no credit notes"), ORDERS, _("Each counts once, on its first day.")),
    Metric("average_order_value", _("Revenue per order"), Unit.MONEY, Direction.UP, _("Net revenue ÷ orders"), ORDERS,
           _("Per order, not per customer.")),
    Metric("revenue_per_active_account", _("Revenue per active account"), Unit.MONEY, Direction.UP,
           _("Net revenue ÷ active accounts"), ORDERS, _("Per customer, not per order.")),
    Metric("revenue", _("Revenue"), Unit.MONEY, Direction.UP, _("Sum of all counting records of the period"), REVENUE,
           _("Net of credit notes and of tax.")),
    Metric("repeat_rate", _("Repeat rate"), Unit.RATE, Direction.UP,
           _("Accounts with orders on 2 or more days ÷ accounts with an order"), ORDERS,
           _("Who came back within the period.")),
    Metric("returning_rate", _("Returning rate"), Unit.RATE, Direction.UP,
           _("Active accounts with an order before the period ÷ active accounts"), ORDERS,
           _("How much of the activity comes from customers we had.")),
    Metric("order_frequency", _("Orders per active account"), Unit.NUMBER, Direction.UP, _("Orders ÷ active accounts"),
           ORDERS, _("How often those who order do so.")),
    Metric("unattributed", _("Revenue without an active account"), Unit.MONEY, Direction.NEITHER,
           _("Net revenue of a period in which no account ordered"), ORDERS, _("Late credit notes, as a rule.")),
    # Concentration
    Metric("accounts", _("Accounts with revenue"), Unit.COUNT, Direction.UP, _("Accounts with revenue above 0"), REVENUE,
           _("Those that shares are spread over.")),
    Metric("total", _("Total revenue"), Unit.MONEY, Direction.UP, _("Sum over all accounts, credits included"), REVENUE,
           _("Everything booked in the period.")),
    Metric("top_1_share", _("Share of the largest account"), Unit.RATE, Direction.DOWN,
           _("Largest account ÷ revenue above 0"), REVENUE, _("What hangs on one customer.")),
    Metric("top_5_share", _("Share of the 5 largest"), Unit.RATE, Direction.DOWN,
           _("5 largest accounts ÷ revenue above 0"), REVENUE, _("What hangs on five customers.")),
    Metric("top_10_share", _("Share of the 10 largest"), Unit.RATE, Direction.DOWN,
           _("10 largest accounts ÷ revenue above 0"), REVENUE, _("What hangs on ten customers.")),
    Metric("top_20_percent_share", _("Share of the largest fifth"), Unit.RATE, Direction.NEITHER,
           # xgettext:no-python-format
           _("Largest 20 % of accounts, rounded up ÷ revenue above 0"), REVENUE,
           # xgettext:no-python-format
           _("Near 80 % in many companies.")),
    Metric("hhi", _("Concentration index"), Unit.NUMBER, Direction.DOWN,
           _("Sum of squared shares (Herfindahl–Hirschman)"), REVENUE,
           _("1 if one account has all, 1 ÷ n if n accounts have the same.")),
    Metric("effective_accounts", _("Effective number of accounts"), Unit.NUMBER, Direction.UP,
           _("1 ÷ concentration index"), REVENUE, _("As many equal accounts would be as concentrated.")),
    Metric("normalised_hhi", _("Concentration index, normalised"), Unit.NUMBER, Direction.DOWN,
           _("(index − 1/n) ÷ (1 − 1/n)"), REVENUE, _("0 if all accounts are equal, whatever their number.")),
    Metric("gini", _("Gini coefficient"), Unit.NUMBER, Direction.DOWN,
           _("Σ(2i − n − 1)·revenue ÷ (n · total), accounts in ascending order"), REVENUE,
           _("0 if all accounts are equal, near 1 if one has nearly all.")),
    Metric("largest_group_share", _("Share of the largest group"), Unit.RATE, Direction.DOWN,
           _("Largest group, members added up ÷ revenue above 0"), REVENUE, _("Subsidiaries of one parent fall together.")),
    Metric("abc", _("ABC classes"), Unit.COUNT, Direction.NEITHER,
           _("Largest first: A until 80 % of revenue is reached, B until 95 %, then C; N without revenue"), REVENUE,
           _("How many accounts make which part of the revenue.")),
    # Cohorts
    Metric("placed_accounts", _("Accounts in cohorts"), Unit.COUNT, Direction.NEITHER,
           _("Accounts whose first revenue lies within the data"), REVENUE,
           _("Each is in one cohort: that of the period of its first revenue.")),
    Metric("left_out_accounts", _("Customers from before the data"), Unit.COUNT, Direction.NEITHER,
           _("Accounts marked as customers before the first record"), REVENUE,
           _("Nobody knows when they came, so they are in no cohort.")),
    Metric("next_active_share", _("Active one period later"), Unit.RATE, Direction.UP,
           _("Accounts with an order in the period after that of their first revenue ÷ accounts of the same cohorts"), ORDERS,
           _("Over all cohorts whose next period is over; sums are divided, shares are never averaged.")),
    Metric("next_revenue_share", _("Revenue one period later"), Unit.RATE, Direction.UP,
           _("Revenue of the period after the first ÷ revenue of the period that shares are measured from"), REVENUE,
           _("The first period is only a part of one: an account that came on its last day bought for a day.")),
    Metric("year_active_share", _("Active a year later"), Unit.RATE, Direction.UP,
           _("Accounts with an order in the period a year after the first ÷ accounts of the same cohorts"), ORDERS,
           _("Over all cohorts whose period a year later is over.")),
    Metric("year_revenue_share", _("Revenue a year later"), Unit.RATE, Direction.UP,
           _("Revenue of the period a year after the first ÷ revenue of the period that shares are measured from"), REVENUE,
           _("Above 100 % where those who stay buy more than those who left had bought.")),
    # Sleepers
    Metric("watched_accounts", _("Accounts on the books"), Unit.COUNT, Direction.NEITHER,
           _("Accounts that have ordered by the as-of day and are not closed"), ORDERS, _("Those that can fall asleep.")),
    Metric("sleeping_accounts", _("Sleeping accounts"), Unit.COUNT, Direction.DOWN,
           _("Accounts later than their own rhythm, and churned ones"), ORDER_DAYS, _("To be woken, or to be let go.")),
    Metric("sleeping_share", _("Share that sleeps"), Unit.RATE, Direction.DOWN,
           _("Sleeping accounts ÷ accounts on the books"), ORDER_DAYS, _("How much of the customer base is silent.")),
    Metric("late_accounts", _("Later than their rhythm"), Unit.COUNT, Direction.DOWN,
           _("Days since the last order ÷ own usual interval is 2 or more; four order days are needed"), ORDER_DAYS,
           _("Still customers, whose next order is clearly late. The time to call.")),
    Metric("churned_accounts", _("Churned accounts"), Unit.COUNT, Direction.DOWN,
           _("No order for more than 12 months and for more than 2 own usual intervals"), ORDER_DAYS,
           _("An account with a slow rhythm has its own time; without three order days the 12 months alone decide.")),
    Metric("no_rhythm_accounts", _("Without a rhythm of their own"), Unit.COUNT, Direction.NEITHER,
           _("Accounts with fewer than four order days that are not churned"), ORDER_DAYS,
           _("Too few orders to say whether they are late.")),
    Metric("money_at_stake", _("Money at stake"), Unit.MONEY, Direction.DOWN,
           _("Revenue of each sleeping account in the better of the last two years of 12 months, at least 0"), REVENUE,
           _("What a sleeper brought while it was awake; nothing where it has slept for two years.")),
    Metric("late_money", _("At stake with those who are late"), Unit.MONEY, Direction.DOWN,
           _("Money at stake of accounts later than their rhythm"), REVENUE, _("What a call in time can still save.")),
    Metric("churned_money", _("At stake with the churned"), Unit.MONEY, Direction.DOWN,
           _("Money at stake of churned accounts"), REVENUE, _("What has to be won back.")),
    # Segments
    Metric("scored_accounts", _("Accounts with scores"), Unit.COUNT, Direction.NEITHER,
           _("Accounts on the books in the period that have ordered by its end"), ORDERS,
           _("Those that are ranked against one another.")),
    Metric("high_value_accounts", _("High-value accounts"), Unit.COUNT, Direction.UP,
           _("Accounts whose value is above 0 and among the largest fifth"), COSTED,
           _("Value is gross profit of the period where every line has its cost, else revenue.")),
    Metric("high_value_share", _("Their share of the revenue"), Unit.RATE, Direction.NEITHER,
           _("Revenue of high-value accounts ÷ revenue above 0"), REVENUE, _("What hangs on the few that matter most.")),
    Metric("stable_accounts", _("Stable accounts"), Unit.COUNT, Direction.UP,
           _("1 ÷ (1 + variation of the intervals between orders) is 0.5 or more; four order days are needed"), ORDER_DAYS,
           _("They order more evenly than by chance.")),
    Metric("stable_profitable_accounts", _("Stable and profitable accounts"), Unit.COUNT, Direction.UP,
           _("Stable accounts with gross profit above 0 in the upper half"), COSTED,
           _("Those to lean on in uncertain times.")),
    # One account, lifetime
    Metric("ttm_revenue", _("Revenue, 12 months"), Unit.MONEY, Direction.UP,
           _("Net revenue of the 12 whole months that end with the last complete one"), REVENUE, _("Rolling year.")),
    Metric("prior_ttm_revenue", _("Revenue, 12 months before"), Unit.MONEY, Direction.NEITHER,
           _("Net revenue of the 12 months before those"), REVENUE, _("What the rolling year is compared with.")),
    Metric("arc_growth", _("Arc growth"), Unit.NUMBER, Direction.UP,
           _("(comparison − base) ÷ their mean, amounts below 0 as 0"), TWO_WINDOWS,
           _("Between −2 (lost) and 2 (new); finite where the rate is not.")),
    Metric("ttm_gross_profit", _("Gross profit, 12 months"), Unit.MONEY, Direction.UP, _("Net revenue − cost"), COSTED,
           _("Before the cost of serving the customer.")),
    Metric("gross_profit", _("Gross profit"), Unit.MONEY, Direction.UP, _("Net revenue − cost"), COSTED,
           _("Before the cost of serving the customer.")),
    Metric("margin", _("Gross margin"), Unit.RATE, Direction.UP, _("Gross profit ÷ net revenue"), COSTED,
           _("Undefined where revenue is not above 0 or cost is missing.")),
    Metric("orders_ttm", _("Orders, 12 months"), Unit.COUNT, Direction.UP, _("Orders of the rolling year"), ORDERS,
           _("Each counts once, on its first day.")),
    Metric("active_months", _("Active months of 12"), Unit.COUNT, Direction.UP, _("Months with an order"), ORDERS,
           _("How steadily the account orders.")),
    Metric("first_order_on", _("First order"), Unit.DATE, Direction.NEITHER, _("Day of the first order ever"), ORDERS,
           _("Since then the account counts as covered.")),
    Metric("last_order_on", _("Last order"), Unit.DATE, Direction.NEITHER, _("Day of the last order"), ORDERS,
           _("How long it has been quiet.")),
    Metric("tenure_days", _("Customer for"), Unit.DAYS, Direction.UP, _("Days since the first revenue"), REVENUE,
           _("Counted to the as-of date.")),
    Metric("order_days", _("Order days"), Unit.COUNT, Direction.UP, _("Different days with an order"), ORDER_DAYS,
           _("Several orders on one day are one occasion.")),
    Metric("first_revenue_on", _("First revenue"), Unit.DATE, Direction.NEITHER, _("Day of the first positive record"),
           REVENUE, _("New customers are counted from here.")),
    Metric("order_interval_days", _("Usual interval between orders"), Unit.DAYS, Direction.NEITHER,
           _("Median of days between order days"), ORDER_DAYS, _("Needs three order days.")),
    Metric("rhythm", _("Order rhythm"), Unit.NUMBER, Direction.DOWN,
           _("Days since the last order ÷ usual interval"), ORDER_DAYS, _("Above 2 the next order is clearly late.")),
    Metric("revenue_share", _("Share of our revenue"), Unit.RATE, Direction.NEITHER,
           _("Revenue of the account ÷ revenue above 0 of all accounts in view, 12 months"), REVENUE,
           _("How much we hang on this account.")),
    Metric("historical_revenue", _("Revenue to date"), Unit.MONEY, Direction.UP, _("Sum since the first record"),
           REVENUE, _("What the customer has brought so far.")),
    Metric("historical_gross_profit", _("Gross profit to date"), Unit.MONEY, Direction.UP,
           _("Net revenue − cost since the first record"), COSTED, _("Lifetime value up to now.")),
    Metric("account_history", _("History of an account"), Unit.GROUP_OF_FIGURES, Direction.UP,
           _("Revenue, gross profit and orders year by year and over the whole life"), COSTED,
           _("Each year ends on 31 December, the running one on the as-of day.")),
    Metric("historical_value", _("Value to date"), Unit.MONEY, Direction.UP,
           _("Σ gross profit by day, with interest to today where that is asked for, − cost of winning the customer"), COSTED,
           _("Gross profit stands for contribution: what serving the customer costs is not recorded. Nor is the cost of "
             "winning it; give it to subtract it.")),
    Metric("clv", _("Customer lifetime value"), Unit.MONEY, Direction.UP,
           _("Expected orders × expected revenue of an order × gross margin, discounted weekly"), COSTED,
           _("By the model of orders (BG/NBD and gamma-gamma), or by running contracts and their renewals where these have "
             "a model; margin is each account's own of the last 12 months."), version="2"),
    Metric("expected_revenue", _("Expected revenue"), Unit.MONEY, Direction.UP,
           _("Expected orders × expected revenue of an order, discounted weekly"), ORDER_DAYS,
           _("Lifetime value before margin; all that can be said without cost data."), version="2"),
    Metric("expected_orders", _("Expected order days"), Unit.NUMBER, Direction.UP,
           _("Order days expected within the horizon"), ORDER_DAYS, _("By the model, given the account's own history.")),
    Metric("p_alive", _("Still a customer"), Unit.RATE, Direction.UP,
           _("Chance that the account will order again"), ORDER_DAYS,
           _("Of two accounts silent for as long, the one that ordered more often is more likely gone: its silence is "
             "the greater surprise.")),
    Metric("simple_clv", _("Lifetime value by formula"), Unit.MONEY, Direction.UP,
           _("margin × r ÷ (1 + d − r), for a yearly retention r and discount d"), COSTED,
           _("A range for stated retention rates, where the model has too little data.")),
)  # fmt: skip

METRICS: dict[str, Metric] = {
    entry.key: entry
    for entry in (
        *_ENTRIES,
        *CONTRACTS,
        *CURRENCY,
        *DRIVERS,
        *ECONOMICS,
        *EFFORTS,
        *RECEIVABLES,
        *RELATIONSHIPS,
        *LIFETIME,
        *NEXT,
        *ASSOCIATION,
        *PATTERNS,
    )
}
