from decimal import Decimal

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.base import MoneyField, TimeStamped
from accounts.models.ledger import Contract
from accounts.validators import check_milestone_fits

SMALLEST = Decimal("0.0001")


class ContractMilestone(TimeStamped):
    """A part of a contract that counts as delivered on the day it is accepted (验收), in the currency of the contract.

    The milestones of a contract together are at most its amount; a deferred trigger sees to it where two people add some at
    once. What they leave of the amount is signed and has no date.
    """

    contract = models.ForeignKey(
        Contract, verbose_name=_("contract"), on_delete=models.CASCADE, related_name="milestones"
    )
    title = models.CharField(_("title"), max_length=200)
    amount = MoneyField(_("amount"), validators=[MinValueValidator(SMALLEST)])
    planned_on = models.DateField(_("planned for"))
    accepted_on = models.DateField(
        _("accepted on"), null=True, blank=True, help_text=_("Empty: not accepted yet, so nothing of it is recognised.")
    )
    is_checked_with_others = False  # a form over all milestones of a contract adds them up itself

    class Meta:
        verbose_name = _("contract milestone")
        verbose_name_plural = _("contract milestones")
        ordering = ["planned_on", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="milestone_amount_above_zero"),
            models.CheckConstraint(condition=~Q(title=""), name="milestone_title_given"),
        ]

    def __str__(self) -> str:
        return self.title

    def clean(self) -> None:
        if self.contract_id and self.amount is not None and not self.is_checked_with_others:
            check_milestone_fits(self)
