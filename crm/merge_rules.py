"""What a merge does with every key to an account: rows that move, under the name they are noted by, or why they stay.

A new table with such a key needs a line here and, if its rows belong to the customer, a kind in ``<app>/merges.py``;
``tests/crm/test_merge_rules.py`` says which are wanting.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Moves:
    """Rows follow to the account that stays, and come back; ``name`` is their key in ``AccountMerge.moved``."""

    name: str


@dataclass(frozen=True, slots=True)
class Stays:
    why: str


COMPUTED = Stays("counted anew for both accounts in the merge's transaction, or by the next night")
OF_ITS_NIGHTS = Stays("about the nights of the merged account itself, and part of what was published")
AS_REPORTED = Stays("a reported figure keeps the accounts it was reported with")
ITS_OWN = Stays("a fact of the merged account itself, which it has again when the merge is undone")

RULES: dict[str, Moves | Stays] = {
    "accounts.Account.parent": Moves("children"),
    "accounts.Account.merged_into": Moves("merged_before"),
    "accounts.Account.dealer": Moves("dealt"),
    "accounts.Account.referred_by": Moves("referred"),
    "accounts.AccountLink.source": Moves("links_out"),
    "accounts.AccountLink.target": Moves("links_in"),
    "accounts.AccountMerge.merged": ITS_OWN,
    "accounts.AccountMerge.survivor": Stays("what was merged into the merged account before is noted as its own merge"),
    "accounts.BuyingCentre.account": Moves("buying_centres"),
    "accounts.Contact.account": Moves("contacts"),
    "accounts.Contract.account": Moves("contracts"),
    "accounts.DuplicateDismissal.first": ITS_OWN,
    "accounts.DuplicateDismissal.second": ITS_OWN,
    "accounts.GroupMembership.account": ITS_OWN,
    "accounts.GroupMembership.parent": Moves("memberships"),
    "accounts.LevelEvidence.account": Moves("level_evidence"),
    "accounts.MarketEffort.account": Moves("market_efforts"),
    "accounts.PartnershipState.account": Moves("partnership_states"),
    "accounts.Rating.account": Moves("ratings"),
    "accounts.Receivable.account": Moves("receivables"),
    "accounts.RelationshipTarget.account": Moves("relationship_target"),
    "accounts.RevenueRecord.account": Stays(
        "the ledger is append-only; the roll-up counts it for the account that stays"
    ),
    "accounts.TeamMember.account": Moves("team_members"),
    "accounts.WalletEstimate.account": Moves("wallet_estimates"),
    "metrics.AccountCredit.account": COMPUTED,
    "metrics.AccountDay.account": COMPUTED,
    "metrics.AccountFigures.account": COMPUTED,
    "metrics.AccountMonth.account": COMPUTED,
    "metrics.AccountProduct.account": COMPUTED,
    "metrics.AccountSpan.account": COMPUTED,
    "metrics.ContractDay.account": COMPUTED,
    "metrics.GrowthNote.account": Stays(
        "it explains figures of the merged account, with the periods it was written for"
    ),
    "metrics.ProductDay.account": COMPUTED,
    "metrics.ReportedAccount.account": AS_REPORTED,
    "metrics.ReportedAccount.root": AS_REPORTED,
    "metrics.SuggestionRejection.account": Moves("rejections"),
    "plans.AccountCompliance.account": COMPUTED,
    "plans.AccountPlan.account": Moves("account_plans"),
    "plans.HandOver.account": Moves("hand_overs"),
    "plans.PromiseResult.account": COMPUTED,
    "plans.RelationshipPlan.account": Moves("relationship_plans"),
    "plans.RemediationPlan.account": Moves("remediation_plans"),
    "plans.Task.account": Moves("tasks"),
    "service.Discount.account": Moves("discounts"),
    "service.Interaction.account": Moves("interactions"),
    "service.ServiceRequest.account": Moves("service_requests"),
    "service.Sponsor.account": Moves("sponsors"),
    "tiering.BandDecision.account": Moves("band_decisions"),
    "tiering.GradePeriod.account": OF_ITS_NIGHTS,
    "tiering.Override.account": Moves("overrides"),
    "tiering.ProblemDecision.account": OF_ITS_NIGHTS,
    "tiering.Quarantine.account": OF_ITS_NIGHTS,
    "tiering.ReplacedPeriod.account": OF_ITS_NIGHTS,
    "tiering.Score.account": OF_ITS_NIGHTS,
}
