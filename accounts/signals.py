"""What the ledger tells the figures, inside the transaction that changed it."""

from django.dispatch import Signal

# Sent inside the posting or withdrawing transaction.
# touched_table: name of a temporary table (account_id, booked_on, currency, basis), one row a touched ledger day;
# batch_id: the batch that was posted or withdrawn.
ledger_changed = Signal()

# Sent inside the transaction that merges two accounts or undoes it, after the accounts have changed.
# merge: the AccountMerge; is_undone. A receiver that moves rows of its own writes them down in ``merge.moved``.
accounts_merged = Signal()

# Sent inside the transaction that changed who holds seats or stands in.
# account_ids: the accounts whose team changed.
team_changed = Signal()
