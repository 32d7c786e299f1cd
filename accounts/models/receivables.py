"""What customers owe us: invoices with the day they fall due, and what has been paid of each."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.base import CurrencyField, MoneyField, TimeStamped


class Receivable(TimeStamped):
    """One invoice to be paid. What is open on a day is its amount less the payments until that day."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.PROTECT, related_name="receivables"
    )
    number = models.CharField(_("invoice number"), max_length=64)
    issued_on = models.DateField(_("issued on"))
    due_on = models.DateField(_("due on"))
    amount = MoneyField(_("amount"))
    currency = CurrencyField(_("currency"))
    source = models.CharField(_("source"), max_length=60, blank=True)

    class Meta:
        verbose_name = _("receivable")
        verbose_name_plural = _("receivables")
        ordering = ["-due_on", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "number"], name="receivable_number_once"),
            models.CheckConstraint(condition=~Q(number=""), name="receivable_number_given"),
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="receivable_above_zero",
                violation_error_message=_("The amount must be above 0; a credit note is a payment of its invoice."),
            ),
            models.CheckConstraint(
                condition=Q(due_on__gte=F("issued_on")),
                name="receivable_due_after_issue",
                violation_error_message=_("The invoice falls due before it was issued."),
            ),
            models.CheckConstraint(condition=~Q(currency=""), name="receivable_currency_given"),
        ]
        indexes = [models.Index(fields=["due_on", "account"], name="receivable_due")]

    def __str__(self) -> str:
        return f"{self.number}: {self.amount} {self.currency}, due {self.due_on}"


class ReceivablePayment(TimeStamped):
    """Money (or a credit) that came in for one invoice; in the invoice's currency."""

    receivable = models.ForeignKey(
        Receivable, verbose_name=_("receivable"), on_delete=models.CASCADE, related_name="payments"
    )
    paid_on = models.DateField(_("paid on"))
    amount = MoneyField(_("amount"))

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ["paid_on", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(amount__gt=0),
                name="payment_above_zero",
                violation_error_message=_("A payment is above 0."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.paid_on}: {self.amount}"
