"""Roll-ups by product: each day of the ledger, and what the night makes of them."""

from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.enums import RevenueBasis
from accounts.models.base import CurrencyField

NO_PRODUCT = 0  # product_key of lines without a product


class ProductDay(models.Model):
    """Sums over the counting ledger rows of one account, day and product; written by metrics.product_days alone.

    Over all products they are the sums of AccountDay. No foreign key is checked: the ledger protects account and product,
    and a check a row would cost a posting more than the sums themselves.
    """

    pk = models.CompositePrimaryKey("account", "day", "product_key", "currency", "basis")
    account = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    day = models.DateField()
    product_key = models.BigIntegerField(help_text="Key of the product; 0: lines without one.")
    currency = CurrencyField()
    basis = models.CharField(max_length=10, choices=RevenueBasis)
    net = models.DecimalField(max_digits=25, decimal_places=4)
    cost = models.DecimalField(max_digits=25, decimal_places=4)
    lines = models.PositiveIntegerField()
    lines_without_cost = models.PositiveIntegerField()
    has_positive = models.BooleanField(help_text="A line is above zero: the product was bought on this day.")

    class Meta:
        verbose_name = _("product day")
        indexes = [BrinIndex(fields=["day"], name="productday_day")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day} {self.product_key}: {self.net} {self.currency}"


class AccountProduct(models.Model):
    """What one account bought of one product, in one currency and on one basis, as the last night summed it up.

    net, cost (in ``currency``) and lines of the rolling year and of the year before; first and last day with a line
    above 0, null where there is none. Lines without a product are in no row. Written by metrics.product_rollup alone;
    ProductNight says as of which day. No foreign key is checked, as in ProductDay.
    """

    account = models.ForeignKey(
        "accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    product = models.ForeignKey(
        "accounts.Product", on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    currency = CurrencyField()
    basis = models.CharField(max_length=10, choices=RevenueBasis)
    ttm_net = models.DecimalField(max_digits=25, decimal_places=4)
    ttm_cost = models.DecimalField(max_digits=25, decimal_places=4)
    ttm_lines = models.PositiveIntegerField()
    ttm_lines_without_cost = models.PositiveIntegerField()
    prior_net = models.DecimalField(max_digits=25, decimal_places=4)
    prior_lines = models.PositiveIntegerField()
    first_bought_on = models.DateField(null=True)
    last_bought_on = models.DateField(null=True)

    class Meta:
        verbose_name = _("account product")
        constraints = [
            models.UniqueConstraint(fields=["account", "product", "currency", "basis"], name="accountproduct_once"),
        ]
        indexes = [models.Index(fields=["product"], name="accountproduct_product")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.product_id}: {self.ttm_net} {self.currency}"
