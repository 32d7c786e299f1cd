"""Who the customers are, what they bought and what we think of them."""

from accounts.models.account import Account
from accounts.models.anchors import RatingAnchor
from accounts.models.base import TimeStamped
from accounts.models.calendar import FiscalCalendar, FiscalPeriodRow
from accounts.models.changes import FactChange
from accounts.models.efforts import MarketEffort
from accounts.models.groups import AccountMerge, GroupMembership
from accounts.models.imports import ImportBatch, ResentRow, SavedMapping
from accounts.models.ledger import Contract, ExchangeRate, Product, RevenueRecord
from accounts.models.logins import LoginEvent, LoginLimit, UserSession
from accounts.models.milestones import ContractMilestone
from accounts.models.opinions import Rating, WalletEstimate
from accounts.models.people import Contact, TeamMember, User
from accounts.models.receivables import Receivable, ReceivablePayment

__all__ = [
    "Account",
    "AccountMerge",
    "Contact",
    "Contract",
    "ContractMilestone",
    "ExchangeRate",
    "FactChange",
    "FiscalCalendar",
    "FiscalPeriodRow",
    "GroupMembership",
    "ImportBatch",
    "LoginEvent",
    "LoginLimit",
    "MarketEffort",
    "Product",
    "Rating",
    "RatingAnchor",
    "Receivable",
    "ReceivablePayment",
    "ResentRow",
    "RevenueRecord",
    "SavedMapping",
    "TeamMember",
    "TimeStamped",
    "User",
    "UserSession",
    "WalletEstimate",
]
