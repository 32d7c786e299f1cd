"""The catalogue's part about contracts: their value by the year on two days, and what of them is still to come."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from metrics.metric import Direction, Metric, Unit

YEARLY = _(
    "signed contracts in force on a day, each with its value by the year at the exchange rate of the day it was signed"
)
PAPERS = _("signed contracts, their milestones, and what the books recognised of them")

CONTRACTS = (
    Metric(
        "contract_growth", _("Growth of contracts"), Unit.GROUP_OF_FIGURES, Direction.UP,
        _("Value by the year of contracts in force on two days: amount ÷ (whole months of the term ÷ 12 + days beyond ÷ 365)"),
        YEARLY, _("The stock of contracts on two days instead of the revenue of two periods; the same formulas."),
    ),
    Metric(
        "contract_growth_rate", _("Growth of contract value"), Unit.RATE, Direction.UP,
        _("(comparison − base) ÷ base, over accounts with a contract in force on the base day"), YEARLY,
        _("Same customers only. Equals net retention of contract value − 1."),
    ),
    Metric(
        "contract_overall_growth", _("Overall growth of contract value"), Unit.RATE, Direction.UP,
        _("(total comparison − total base) ÷ total base, over all accounts"), YEARLY, _("All customers, new ones included."),
    ),
    Metric(
        "contract_net_retention", _("Net retention of contract value"), Unit.RATE, Direction.UP,
        _("Comparison value ÷ base value of accounts with a contract in force on the base day"), YEARLY,
        _("Above 100 % where existing contracts grow by more than they shrink and end."),
    ),
    Metric(
        "contract_gross_retention", _("Gross retention of contract value"), Unit.RATE, Direction.UP,
        _("Smaller of comparison and base value of each of these accounts, summed ÷ base value"), YEARLY,
        _("What is left of the base before any growth; never above 100 %."),
    ),
    Metric(
        "contract_logo_retention", _("Customers still under contract"), Unit.RATE, Direction.UP,
        _("Accounts with a contract in force on both days ÷ accounts with one on the base day"), YEARLY,
        _("Counts accounts, not money."),
    ),
    Metric("contract_customers", _("Customers under contract"), Unit.COUNT, Direction.NEITHER,
           _("Accounts with a contract in force on the base day"), YEARLY, _("The accounts that growth and retention speak of.")),
    Metric("contract_customers_kept", _("Of them still under contract"), Unit.COUNT, Direction.UP,
           _("Those with a contract in force on the comparison day too"), YEARLY, _("Accounts with a contract on both days.")),
    Metric("contract_base_value", _("Base contract value of existing accounts"), Unit.MONEY, Direction.NEITHER,
           _("Value by the year on the base day, over these accounts"), YEARLY, _("What growth is measured against.")),
    Metric("contract_comparison_value", _("Later contract value of existing accounts"), Unit.MONEY, Direction.UP,
           _("Value by the year on the comparison day, over the same accounts"), YEARLY, _("What the same accounts are signed for later.")),
    # Lines of the bridge of contracts
    Metric("contract_opening", _("Opening contract value"), Unit.MONEY, Direction.NEITHER,
           _("Value by the year on the base day"), YEARLY, _("Where the bridge begins.")),
    Metric("contract_expansion", _("Contracts that grew"), Unit.MONEY, Direction.UP,
           _("Growth of existing accounts whose value grew"), YEARLY, _("More or larger contracts of existing accounts.")),
    Metric("contract_contraction", _("Contracts that shrank"), Unit.MONEY, Direction.UP,
           _("Decline of existing accounts that still have a contract"), YEARLY, _("A negative amount.")),
    Metric("contract_churned", _("Contracts that ended"), Unit.MONEY, Direction.UP,
           _("Base value of accounts without a contract on the comparison day"), YEARLY,
           _("A negative amount. A renewal that is signed later closes the gap on later days.")),
    Metric("contract_reactivated", _("Under contract again"), Unit.MONEY, Direction.UP,
           _("Comparison value of accounts without one on the base day that had one before"), YEARLY,
           _("Accounts that came back.")),
    Metric("contract_new", _("First contracts"), Unit.MONEY, Direction.UP,
           _("Comparison value of accounts whose first contract began after the base day"), YEARLY,
           _("Accounts that never had a contract before.")),
    Metric("contract_adjustment", _("Adjustment of contracts"), Unit.MONEY, Direction.NEITHER,
           _("Negative parts of both days"), YEARLY, _("0: a contract below 0 is in no amount.")),
    Metric("contract_closing", _("Closing contract value"), Unit.MONEY, Direction.UP,
           _("Value by the year on the comparison day"), YEARLY, _("Where the bridge ends.")),
    # Backlog
    Metric(
        "backlog", _("Backlog"), Unit.MONEY, Direction.UP, _("Signed − recognised of each contract, not below 0"), PAPERS,
        _("What is signed and still to come. Where the books say nothing of a contract, recognised is a stand-in."),
    ),
    Metric(
        "contract_signed", _("Signed"), Unit.MONEY, Direction.UP,
        _("Amounts of contracts signed by the day; a cancelled one is signed for what was recognised of it"), PAPERS,
        _("At the exchange rate of the day of signing, which stays."),
    ),
    Metric(
        "contract_recognised", _("Recognised so far"), Unit.MONEY, Direction.UP,
        _("Recognised by the books, where they say anything of a contract; else by the stand-in"), PAPERS,
        _("The two are told apart and never mixed within one contract."),
    ),
    Metric("contract_recognised_records", _("Recognised by the books"), Unit.MONEY, Direction.UP,
           _("Ledger records on the basis “recognised” that name the contract"), PAPERS,
           _("Of contracts that the books say anything of.")),
    Metric("contract_recognised_proxy", _("Stand-in for recognised"), Unit.MONEY, Direction.NEITHER,
           _("Milestones accepted; a contract without milestones in a straight line: amount × days elapsed ÷ days of the term"),
           PAPERS, _("A stand-in that decides no recognition, for contracts of which the books say nothing.")),
    Metric("contract_overrun", _("Recognised beyond signed"), Unit.MONEY, Direction.DOWN,
           _("Recognised − signed, where that is above 0"), PAPERS, _("One of the two needs a look; the backlog is 0 there.")),
    Metric("contract_next_months", _("To come in 12 months"), Unit.MONEY, Direction.UP,
           _("Part of the backlog with a day in the 12 calendar months ahead"), PAPERS,
           _("Lines go on by the day, milestones come on the day they are planned for. The first month may have begun.")),
    Metric("contract_later", _("To come later"), Unit.MONEY, Direction.UP, _("Part of the backlog with a later day"), PAPERS,
           _("After the 12 months.")),
    Metric("contract_overdue", _("Overdue"), Unit.MONEY, Direction.DOWN, _("Part of the backlog whose day has passed"), PAPERS,
           _("Milestones planned for an earlier day and not accepted; terms that are over and not all recognised.")),
    Metric("contract_undated", _("Without a date"), Unit.MONEY, Direction.DOWN,
           _("Backlog − all that has a day"), PAPERS, _("What the milestones leave of the amount of their contract.")),
)  # fmt: skip
