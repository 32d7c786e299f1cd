"""Who the customers are, what they bought and what we think of them."""

from accounts.models.account import Account
from accounts.models.anchors import RatingAnchor
from accounts.models.base import TimeStamped
from accounts.models.calendar import FiscalCalendar, FiscalPeriodRow
from accounts.models.changes import FactChange
from accounts.models.duplicates import DuplicateDismissal
from accounts.models.efforts import MarketEffort
from accounts.models.groups import AccountMerge, GroupMembership
from accounts.models.imports import ImportBatch, ResentRow, SavedMapping
from accounts.models.ledger import Contract, ExchangeRate, Product, RevenueRecord
from accounts.models.links import AccountLink, AccountLinkType, LinkColumn
from accounts.models.logins import AccessToken, Invitation, LoginEvent, LoginLimit, LoginRule, UserSession
from accounts.models.milestones import ContractMilestone
from accounts.models.opinions import Rating, WalletEstimate
from accounts.models.org import OrgUnit
from accounts.models.people import Contact, TeamMember, User
from accounts.models.receivables import Receivable, ReceivablePayment
from accounts.models.relations import (
    AttitudeNote,
    BuyingCentre,
    CentreMember,
    Courtesy,
    CourtesyLimit,
    LevelEvidence,
    PartnershipState,
    RelationshipRule,
    RelationshipTarget,
)

__all__ = [
    "AccessToken",
    "Account",
    "AccountLink",
    "AccountLinkType",
    "AccountMerge",
    "AttitudeNote",
    "BuyingCentre",
    "CentreMember",
    "Contact",
    "Contract",
    "ContractMilestone",
    "Courtesy",
    "CourtesyLimit",
    "DuplicateDismissal",
    "ExchangeRate",
    "FactChange",
    "FiscalCalendar",
    "FiscalPeriodRow",
    "GroupMembership",
    "ImportBatch",
    "Invitation",
    "LevelEvidence",
    "LinkColumn",
    "LoginEvent",
    "LoginLimit",
    "LoginRule",
    "MarketEffort",
    "OrgUnit",
    "PartnershipState",
    "Product",
    "Rating",
    "RatingAnchor",
    "Receivable",
    "ReceivablePayment",
    "RelationshipRule",
    "RelationshipTarget",
    "ResentRow",
    "RevenueRecord",
    "SavedMapping",
    "TeamMember",
    "TimeStamped",
    "User",
    "UserSession",
    "WalletEstimate",
]
