"""The parts of a scoring model as forms, with the sums of their weights."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.forms import PaginationInlineFormSet

from tiering import grading
from tiering.admin.fields import AnchorsField
from tiering.design import HUNDRED
from tiering.enums import DimensionCode
from tiering.models import GradeRule, Indicator
from tiering.optional import USUAL_SCALES
from tiering.wording import REMARKS


def kept_rows(forms_given: Iterable[forms.ModelForm]) -> list[dict[str, Any]]:
    """Cleaned data of the rows that stay: valid, filled in, not marked for deletion."""
    return [
        form.cleaned_data
        for form in forms_given
        if not form.errors and form.cleaned_data and not form.cleaned_data.get("DELETE")
    ]


def plain(weight: Decimal) -> str:
    """A weight without trailing zeros: 12.500 → 12.5."""
    return f"{weight.normalize():f}"


class PlainNumbersForm(forms.ModelForm):
    """Shows stored decimals without the zeros at their end."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, value in self.initial.items():
            if isinstance(value, Decimal):
                self.initial[name] = Decimal(plain(value))


class IndicatorForm(PlainNumbersForm):
    anchors = AnchorsField(
        label=_("scale, value → score"),
        required=False,
        help_text=_(
            "Of own turnover, lifetime value, referrals, product breadth and renewals it may be left empty: they then get"
            " their usual scale."
        ),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].help_text = " ".join(f"{code}: {words}" for code, words in REMARKS.items())

    class Meta:
        model = Indicator
        fields = ("dimension", "code", "weight", "anchors")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not cleaned.get("anchors") and "anchors" not in self.errors:
            usual = USUAL_SCALES.get(cleaned.get("code", ""))
            if usual is None:
                self.add_error("anchors", _("Give the scale: two or more lines such as “1,000,000 → 20”."))
            else:
                cleaned["anchors"] = [list(anchor) for anchor in usual]
        return cleaned


class DimensionFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        rows = kept_rows(self.forms)
        if any(self.errors) or not rows:
            return
        total = sum((row["weight"] for row in rows), Decimal(0))
        if total != HUNDRED:
            raise ValidationError(
                _("The weights of the dimensions sum to %(total)s %%: they must sum to 100 %%."),
                params={"total": plain(total)},
            )


class IndicatorFormSet(PaginationInlineFormSet):
    def clean(self) -> None:
        super().clean()
        if any(self.errors):
            return
        errors = [
            ValidationError(
                _("The weights inside %(dimension)s sum to %(total)s %%: they must sum to 100 %%."),
                params={
                    "dimension": DimensionCode(dimension.code).label,
                    "total": plain(total),
                },
            )
            for dimension, total in self.sums().items()
            if total != HUNDRED
        ]
        used = {dimension.pk for dimension in self.sums()}
        errors += [
            ValidationError(
                _("%(dimension)s has no indicator."), params={"dimension": DimensionCode(dimension.code).label}
            )
            for dimension in self.instance.dimensions.all()
            if dimension.pk not in used
        ]
        if errors:
            raise ValidationError(errors)

    def save_new(self, form: forms.ModelForm, commit: bool = True) -> Indicator:  # noqa: FBT001, FBT002 - Django's signature
        """A new indicator comes last in the stored order."""
        form.instance.position = 1 + max((row.position for row in self.get_queryset()), default=-1)
        return super().save_new(form, commit=commit)

    def sums(self) -> dict[Any, Decimal]:
        """Weights inside each dimension that has an indicator."""
        sums: dict[Any, Decimal] = {}
        for row in kept_rows(self.forms):
            sums[row["dimension"]] = sums.get(row["dimension"], Decimal(0)) + row["weight"]
        return sums


class RuleForm(PlainNumbersForm):
    class Meta:
        model = GradeRule
        fields = ("grade", "condition", "threshold")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        known = (cleaned.get("grade"), cleaned.get("condition")) in grading.RULES
        if cleaned.get("grade") and cleaned.get("condition") and not known:
            self.add_error("condition", _("This grade does not test that condition."))
        return cleaned


class RuleFormSet(PaginationInlineFormSet):
    """Thresholds of the grades."""
