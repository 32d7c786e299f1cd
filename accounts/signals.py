"""What the ledger tells the figures, inside the transaction that changed it."""

from django.dispatch import Signal

# Sent inside the posting or withdrawing transaction.
# touched_table: name of a temporary table (account_id, booked_on, currency, basis), one row a touched ledger day;
# batch_id: the batch that was posted or withdrawn.
ledger_changed = Signal()
