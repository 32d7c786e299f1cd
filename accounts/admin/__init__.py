"""Staff's way to people, accounts, papers and the ledger (the ledger can only be looked at)."""

from accounts.admin import (
    account,
    calendar,
    efforts,
    history,
    ledger,
    logins,
    opinions,
    people,
    receivables,
    relations,
)

__all__ = [
    "account",
    "calendar",
    "efforts",
    "history",
    "ledger",
    "logins",
    "opinions",
    "people",
    "receivables",
    "relations",
]
