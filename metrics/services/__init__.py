"""The questions of the product about the ledger, one module each.

portfolio (growth, retention, bridge), activity, concentration, lifetime, trend, account: each function takes accounts
already limited to what the caller may see and answers with a frozen dataclass: values by the names of the REST fields,
``currency``, ``reasons`` (why a field is None), ``passport``, and the accounts behind it. figures writes the night's
columns of the account list. Import from the modules: a function named like its module would hide it here.
"""

from metrics.services.figures import write_account_figures

__all__ = ["write_account_figures"]
