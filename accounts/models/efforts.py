from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import EffortPurpose
from accounts.models.base import CurrencyField, MoneyField, TimeStamped
from accounts.querysets import MarketEffortQuerySet

CATEGORY_LENGTH, SOURCE_LENGTH, NOTE_LENGTH = 80, 120, 500
HOURS_DIGITS, HOURS_PLACES = 11, 2
NEITHER = _("Give an amount, or hours, or both.")
NO_CURRENCY = _("Give the currency of the amount.")
NO_AMOUNT = _("There is a currency and no amount; give the amount, or leave the currency out.")
NOT_FIRST = _("Efforts are kept by month: give its first day.")


class MarketEffort(TimeStamped):
    """Money or hours spent in one month on winning customers or on keeping them, as somebody booked or noted it.

    An effort for one account is a cost of that account: visits, rebates, freight. Money alone is a cost; what is kept in
    hours alone has none, and is counted apart.
    """

    month = models.DateField(_("month"), help_text=_("Its first day."))
    purpose = models.CharField(_("purpose"), max_length=12, choices=EffortPurpose)
    category = models.CharField(
        _("category"), max_length=CATEGORY_LENGTH, help_text=_("What it was: fair, advertising, visits, rebates.")
    )
    amount = MoneyField(_("amount"), null=True, blank=True, validators=[MinValueValidator(0)])
    currency = CurrencyField(_("currency"), blank=True, default="")
    hours = models.DecimalField(
        _("hours"),
        max_digits=HOURS_DIGITS,
        decimal_places=HOURS_PLACES,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
    )
    account = models.ForeignKey(
        "accounts.Account",
        verbose_name=_("account"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="market_efforts",
        help_text=_("Empty: for no account in particular. Only those who see every account see it then."),
    )
    source = models.CharField(_("source"), max_length=SOURCE_LENGTH, help_text=_("Where the number comes from."))
    note = models.CharField(_("note"), max_length=NOTE_LENGTH, blank=True, default="")
    identity = models.BinaryField(
        max_length=16,
        null=True,
        editable=False,
        help_text="Hash of the row as it came in a file; a second import is a no-op. Null: typed by hand.",
    )

    objects = MarketEffortQuerySet.as_manager()

    class Meta:
        verbose_name = _("market effort")
        verbose_name_plural = _("market efforts")
        ordering = ["-month", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(purpose__in=EffortPurpose.values), name="effort_purpose_known"),
            models.CheckConstraint(
                condition=Q(month__day=1), name="effort_month_first_day", violation_error_message=NOT_FIRST
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=False) | Q(hours__isnull=False),
                name="effort_amount_or_hours",
                violation_error_message=NEITHER,
            ),
            models.CheckConstraint(
                condition=Q(amount__isnull=True) | Q(amount__gte=0), name="effort_amount_not_negative"
            ),
            models.CheckConstraint(condition=Q(hours__isnull=True) | Q(hours__gte=0), name="effort_hours_not_negative"),
            models.CheckConstraint(
                condition=Q(amount__isnull=True, currency="") | (Q(amount__isnull=False) & ~Q(currency="")),
                name="effort_currency_with_amount",
                violation_error_message=NO_CURRENCY,
            ),
            models.CheckConstraint(condition=~Q(category="") & ~Q(source=""), name="effort_category_and_source_given"),
            models.UniqueConstraint(
                fields=["identity"], condition=Q(identity__isnull=False), name="effort_identity_once"
            ),
        ]
        indexes = [models.Index(fields=["month", "purpose"], name="effort_month_purpose")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.category}"

    def clean(self) -> None:
        """The rules of the constraints in words, without a query: rows of a file and of a request are checked by it."""
        wrong: dict[str, Any] = {}
        if isinstance(self.month, date) and self.month.day != 1:
            wrong["month"] = NOT_FIRST
        if self.amount is None and self.hours is None:
            wrong["amount"] = NEITHER
        elif self.amount is not None and not self.currency:
            wrong["currency"] = NO_CURRENCY
        elif self.amount is None and self.currency:
            wrong["currency"] = NO_AMOUNT
        if wrong:
            raise ValidationError(wrong)
