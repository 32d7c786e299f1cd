"""Staff's way to people, accounts, papers and the ledger (the ledger can only be looked at)."""

from accounts.admin import account, calendar, efforts, ledger, logins, opinions, people, receivables

__all__ = ["account", "calendar", "efforts", "ledger", "logins", "opinions", "people", "receivables"]
