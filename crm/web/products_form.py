"""The controls of the questions about products, and how an address names one."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Product
from crm.web.formats import number
from crm.web.metric_form import ChoicesForm, OnePeriodForm
from metrics.services.association import RuleOrder

RULE_ORDERS = (
    (RuleOrder.LIFT, gettext_lazy("lift")),
    (RuleOrder.LEVERAGE, gettext_lazy("leverage")),
    (RuleOrder.CONFIDENCE, gettext_lazy("confidence")),
    (RuleOrder.JOINT, gettext_lazy("customers with both")),
)
KEY_DIGITS = 18  # of a key in an address


class ProductField(forms.CharField):
    """A product by its code, or by a name or a part of one that only one product has; blank is every product."""

    def clean(self, value: Any) -> Product | None:
        text = super().clean(value)
        if not text:
            return None
        found = Product.objects.filter(code=text).first()
        if found is not None:
            return found
        named = Product.objects.filter(name__iexact=text) or Product.objects.filter(name__icontains=text)
        several = list(named[:2])
        if len(several) == 1:
            return several[0]
        if several:
            raise forms.ValidationError(
                _("%(count)s products are called so. Give the code of one.") % {"count": number(named.count())}
            )
        raise forms.ValidationError(_("No product has this code or name."))


class AssociationForm(ChoicesForm):
    order = forms.ChoiceField(label=gettext_lazy("Sorted by"), choices=RULE_ORDERS)
    product = ProductField(label=gettext_lazy("Product, code or name"), required=False, max_length=200)
    field_order = ("order", "product", "currency")

    left_out = frozenset({"level", "credit_notes"})  # as for the gaps


class PatternsForm(OnePeriodForm):
    field_order = ("period", "currency")

    left_out = frozenset({"level", "credit_notes"})  # a group buys as its members do; products are summed up as booked


def association_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"order": str(RuleOrder.LIFT)}


def rule_of(text: str) -> dict[str, int]:
    """The two products of a rule as an address names them ("12-34"); nothing where it names none."""
    first, _dash, second = text.partition("-")
    is_key = [one.isascii() and one.isdecimal() and len(one) <= KEY_DIGITS for one in (first, second)]
    return {"antecedent": int(first), "consequent": int(second)} if all(is_key) else {}
