from django.db import models

from tiering.windows import MONEY_WINDOWS

KEPT_MONEY = tuple(f"{what}_{window}" for window in MONEY_WINDOWS for what in ("revenue", "gross_profit"))
KEPT = (*KEPT_MONEY, "active_months", "last_order", "usual_gap", "order_days", "recent_products", "prior_products")


class LedgerFacts(models.Model):
    """What the last night read of the ledger for one account, as numbers that do not age: dates, not days since; and where
    the night left the account.

    Nothing but a copy: it may be emptied at any time, and the next night counts anew; the table is not logged. NaN is not
    known. Written by COPY in the transaction that publishes.
    last_order : days from 1970-01-01 to the last order; usual_gap : median days between two order days
    shown, ladder, state_bits, …_since, run_support, graded_on : tiering.stability.State and the shown grade after the night
    row_run : the run that wrote the standing row of tiering.models.Score
    next_on : days from 1970-01-01 to the first day on which the row may be another one by the passing of time
    """

    account_id = models.BigIntegerField(primary_key=True)
    revenue_ttm = models.FloatField()
    gross_profit_ttm = models.FloatField()
    revenue_prior_ttm = models.FloatField()
    gross_profit_prior_ttm = models.FloatField()
    revenue_fy1 = models.FloatField()
    gross_profit_fy1 = models.FloatField()
    revenue_fy2 = models.FloatField()
    gross_profit_fy2 = models.FloatField()
    revenue_half1 = models.FloatField()
    gross_profit_half1 = models.FloatField()
    revenue_half2 = models.FloatField()
    gross_profit_half2 = models.FloatField()
    active_months = models.FloatField()
    last_order = models.FloatField()
    usual_gap = models.FloatField()
    order_days = models.FloatField()
    recent_products = models.FloatField()
    prior_products = models.FloatField()
    shown = models.IntegerField()
    ladder = models.IntegerField()
    state_bits = models.IntegerField()
    run_support = models.IntegerField()
    run_since = models.FloatField()
    graded_on = models.FloatField()
    signal_since = models.FloatField()
    row_run = models.BigIntegerField()
    next_on = models.IntegerField(db_index=True)

    def __str__(self) -> str:
        return f"ledger facts of account {self.account_id}"


class KeptLedger(models.Model):
    """What the rows of LedgerFacts are of; one row, or none where nothing is kept.

    question : basis, currency and windows they were counted for; another one needs another count
    as_of : order days after it are not counted yet
    run_id, held_for : the run that left the states, and what they depend on beside the account itself
    """

    question = models.CharField(max_length=400)
    as_of = models.DateField()
    run_id = models.BigIntegerField()
    held_for = models.CharField(max_length=200)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="keptledger_one")]

    def __str__(self) -> str:
        return f"ledger facts as of {self.as_of}"


class GradedMember(models.Model):
    """Which group graded as one the last night counted an account in: who is in another one since is graded anew.

    Nothing but a copy, written in the transaction that publishes; see ``tiering.graded_groups``.
    """

    account_id = models.BigIntegerField(primary_key=True)
    node_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"account {self.account_id} in the group of {self.node_id}"


class ChangedAccount(models.Model):
    """An account of which something was written that a night reads, besides the ledger; by triggers, whoever writes.

    Only ever added to, so that no writer waits for another; the night takes away the rows it has seen.
    account_id : 0 stands for every account
    """

    account_id = models.BigIntegerField()

    def __str__(self) -> str:
        return f"account {self.account_id} changed"
