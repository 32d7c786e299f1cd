from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.base import CurrencyField


class ContractDay(models.Model):
    """Recognised revenue of one contract, day and currency: sums over its counting ledger rows on that basis; written by
    metrics.rollup alone. A contract without a row here has no recognised record at all."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+")
    contract = models.ForeignKey("accounts.Contract", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    currency = CurrencyField()
    net = models.DecimalField(max_digits=25, decimal_places=4)

    class Meta:
        verbose_name = _("contract day")
        constraints = [
            models.UniqueConstraint(fields=["contract", "account", "day", "currency"], name="contractday_once"),
        ]

    def __str__(self) -> str:
        return f"{self.contract_id} {self.day}: {self.net} {self.currency}"
