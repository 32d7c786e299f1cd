from django.db import models


class TouchedAccount(models.Model):
    """An account whose roll-up was computed anew since somebody who keeps sums of it looked last; written by metrics.rollup.

    account_id : 0 stands for every account; no foreign key, as a mark may outlive its account
    mark : the transaction that touched it last; whoever has read a mark takes away that one alone
    """

    account_id = models.BigIntegerField(primary_key=True)
    mark = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.account_id} touched by {self.mark}"
