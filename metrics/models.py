from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.enums import RevenueBasis
from accounts.models.base import CurrencyField
from metrics.models_contracts import ContractDay
from metrics.models_notes import GrowthNote
from metrics.models_products import AccountProduct, ProductDay
from metrics.models_rejections import SuggestionRejection
from metrics.models_reported import ReportedAccount, ReportedFigure
from metrics.models_touched import TouchedAccount

__all__ = [
    "AccountCredit", "AccountDay", "AccountFigures", "AccountMonth", "AccountProduct", "AccountSpan", "ContractDay",
    "GrowthNote", "LifetimeFit", "ProductDay", "ProductNight", "ReportedAccount", "ReportedFigure",
    "SuggestionRejection", "TouchedAccount",
]  # fmt: skip


class RollUp(models.Model):
    """Sums over the counting ledger rows of one account, currency and basis; written by metrics.rollup alone.

    net, credits (at most 0, the part booked as credit notes) and cost are in ``currency``; an order counts once, on its
    first day, where the net of its lines of that day is above zero (domain.md 1.6).
    """

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False)
    currency = CurrencyField()
    basis = models.CharField(max_length=10, choices=RevenueBasis)
    net = models.DecimalField(max_digits=25, decimal_places=4)
    credits = models.DecimalField(max_digits=25, decimal_places=4)
    cost = models.DecimalField(max_digits=25, decimal_places=4)
    lines_without_cost = models.PositiveIntegerField()
    quantity = models.DecimalField(max_digits=25, decimal_places=6)
    lines = models.PositiveIntegerField()
    orders = models.PositiveIntegerField()

    class Meta:
        abstract = True


class AccountDay(RollUp):
    day = models.DateField()
    has_positive = models.BooleanField(default=True, db_default=True, help_text="Some line has an amount above 0.")

    class Meta:
        verbose_name = _("account day")
        constraints = [
            models.UniqueConstraint(fields=["account", "day", "currency", "basis"], name="accountday_once"),
        ]
        indexes = [models.Index(fields=["day"], name="accountday_day")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day}: {self.net} {self.currency}"


class AccountMonth(RollUp):
    month = models.DateField(help_text="First day of the month.")
    active_days = models.PositiveSmallIntegerField(help_text="Days with at least one order.")

    class Meta:
        verbose_name = _("account month")
        constraints = [
            models.UniqueConstraint(fields=["account", "month", "currency", "basis"], name="accountmonth_once"),
        ]
        indexes = [models.Index(fields=["month"], name="accountmonth_month")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.month:%Y-%m}: {self.net} {self.currency}"


class AccountSpan(models.Model):
    """First and last days of an account on one basis: covered, tenure and new hang on them (domain.md 1.2, 1.6)."""

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False)
    basis = models.CharField(max_length=10, choices=RevenueBasis)
    first_order_on = models.DateField(null=True)
    last_order_on = models.DateField(null=True)
    first_revenue_on = models.DateField(null=True, help_text="First line with a positive amount, ever.")
    last_booked_on = models.DateField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account", "basis"], name="accountspan_once")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.basis}: {self.first_order_on} to {self.last_order_on}"


class AccountCredit(models.Model):
    """The lines of one credit note on one day that credit one document: sums in ``currency``, and where that document
    is in the ledger its first day. Written by metrics.rollup alone.

    AccountDay and AccountMonth hold the amounts on the credit note's own day; with these rows they are read as if they
    were booked on the original's. Without a link, or where no such document is there, ``original_on`` is null.
    """

    account = models.ForeignKey("accounts.Account", on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    currency = CurrencyField()
    basis = models.CharField(max_length=10, choices=RevenueBasis)
    reference = models.CharField(max_length=64, blank=True)
    credits_reference = models.CharField(max_length=64, blank=True, help_text="Empty: the credit note names none.")
    original_on = models.DateField(null=True)
    net = models.DecimalField(max_digits=25, decimal_places=4)
    cost = models.DecimalField(max_digits=25, decimal_places=4)
    lines_without_cost = models.PositiveIntegerField()
    lines = models.PositiveIntegerField()

    class Meta:
        verbose_name = _("credit note of an account")
        constraints = [
            models.UniqueConstraint(
                fields=["account", "day", "currency", "basis", "reference", "credits_reference"],
                name="accountcredit_once",
            ),
        ]
        indexes = [
            models.Index(
                fields=["account", "basis"],
                condition=models.Q(original_on__isnull=False),
                name="accountcredit_linked",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} {self.day} {self.reference}: {self.net} {self.currency}"


class ProductNight(models.Model):
    """When the rows of AccountProduct last changed, and the day they are of; one row, written with them."""

    as_of = models.DateField()
    written_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="productnight_one")]

    def __str__(self) -> str:
        return f"products as of {self.as_of}"


class AccountFigures(models.Model):
    """What the account list shows of one account, as the last night computed it; money in ``currency``.

    A night changes the lifetime value of every account and the rest of few: what changes every night has no index, and
    each page keeps room, so that most updates touch no index at all.
    """

    account = models.OneToOneField(
        "accounts.Account", on_delete=models.CASCADE, related_name="figures", primary_key=True
    )
    as_of = models.DateField()
    currency = CurrencyField()
    ttm_revenue = models.DecimalField(max_digits=25, decimal_places=4, null=True)
    prior_ttm_revenue = models.DecimalField(max_digits=25, decimal_places=4, null=True)
    growth_rate = models.FloatField(null=True, help_text="Fraction; empty where the prior TTM is not above 0.")
    ttm_gross_profit = models.DecimalField(max_digits=25, decimal_places=4, null=True)
    margin = models.FloatField(null=True)
    last_order_on = models.DateField(null=True)
    orders_ttm = models.PositiveIntegerField(default=0)
    clv = models.FloatField(null=True)
    expected_revenue = models.FloatField(null=True)
    p_alive = models.FloatField(null=True)
    clv_low = models.FloatField(null=True, help_text="Lower end of the 80 % interval of the estimate.")
    clv_high = models.FloatField(null=True)
    expected_revenue_low = models.FloatField(null=True)
    expected_revenue_high = models.FloatField(null=True)
    spark = ArrayField(models.FloatField(), default=list, help_text="Net revenue of the last 12 whole months.")

    class Meta:
        indexes = [
            models.Index(models.F("ttm_revenue").desc(nulls_last=True), "account", name="figures_ttm"),
            models.Index(models.F("growth_rate").desc(nulls_last=True), "account", name="figures_growth"),
            models.Index(models.F("last_order_on").desc(nulls_last=True), "account", name="figures_last_order"),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} as of {self.as_of}: {self.ttm_revenue} {self.currency}"


class LifetimeFit(models.Model):
    """A fitted lifetime model, or why none could be fitted, and how far it is sure.

    draws : the parameters of its refits on resampled customers, null where there are none
    intervals : what they say of every account together, with the state of the ledger it holds for
    """

    as_of = models.DateField()
    basis = models.CharField(max_length=10, choices=RevenueBasis)
    currency = CurrencyField()
    method = models.CharField(max_length=40)
    parameters = models.JSONField(default=dict)
    draws = models.JSONField(null=True)
    intervals = models.JSONField(null=True)
    log_likelihood = models.FloatField(null=True)
    accounts = models.PositiveIntegerField()
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-as_of", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["as_of", "basis", "currency", "method"], name="lifetimefit_once"),
        ]

    def __str__(self) -> str:
        return f"{self.method} as of {self.as_of}"
