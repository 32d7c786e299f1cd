"""Rules that form, admin and REST share. Each raises Django's ValidationError, which names the field."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.imports.guard import is_formula

if TYPE_CHECKING:
    from accounts.models import Contract, ContractMilestone


def refuse_formula(text: str) -> None:
    """What files may not bring in (``accounts.imports.cells``) is not typed either: a text that begins with "=", blanks and
    marks nobody sees left out. Names such as "+Plus GmbH" or "@home" are names; exports write all of them as text."""
    if is_formula(text):
        raise ValidationError(
            _("This begins as a formula does. Write it without the equals sign in front."), code="formula"
        )


def check_milestones_fit(contract: Contract, amounts: Iterable[Decimal]) -> None:
    """The milestones of a contract are parts of its amount: together they are at most that."""
    together = sum(amounts, Decimal(0))
    if not together:
        return
    if contract.amount is None:
        raise ValidationError({"amount": _("Give the contract an amount first: its milestones are parts of it.")})
    if together > contract.amount:
        raise ValidationError(
            {
                "amount": _("The milestones would add up to %(together)s, and the contract is about %(amount)s.")
                % {"together": together, "amount": contract.amount}
            }
        )


def check_milestone_fits(milestone: ContractMilestone) -> None:
    """With the other milestones of its contract as they are stored; one query."""
    others = milestone.contract.milestones.exclude(pk=milestone.pk).aggregate(total=Sum("amount"))["total"]
    check_milestones_fit(milestone.contract, [others or Decimal(0), milestone.amount])


def check_contract_covers_milestones(contract: Contract) -> None:
    """The amount of a contract is not lowered below its milestones as they are stored; one query."""
    if contract.pk is not None:
        total = contract.milestones.aggregate(total=Sum("amount"))["total"]
        check_milestones_fit(contract, [total or Decimal(0)])
