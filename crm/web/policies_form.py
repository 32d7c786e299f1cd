"""The form of one grade in a draft: a group of fields for each type of promise, and its words in three languages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.web.auth import dress
from plans.catalogue import MAKE, Make
from plans.enums import KIND_OF, Clock, Evidence, Level, PromiseKind, PromiseType, Span
from plans.models import Promise, Strategy
from plans.wording import plain, promise_text

NO_WORD = [("", "–")]
TEXTS = ("customer_text_en", "customer_text_zh_hans", "customer_text_zh_hant")
WORDS = tuple(f"{name}_{language}" for name in ("purpose", "strategy") for language in ("en", "zh_hans", "zh_hant"))
SEVERITIES = [("", gettext_lazy("all")), *((str(number), str(number)) for number in range(1, 5))]


class PromiseForm(forms.Form):
    """One promise; which fields it has follows from its type."""

    is_promised = forms.BooleanField(label=gettext_lazy("Promised to this grade"), required=False)

    def __init__(self, *args: Any, type_: str, promise: Promise | None, **kwargs: Any) -> None:
        self.type, self.make, self.promise = type_, MAKE[type_], promise
        super().__init__(*args, prefix=type_, initial=_initial(promise, self.make), **kwargs)
        kind = KIND_OF[self.make.evidence]
        if self.make.has_target:
            self.fields["target"] = forms.DecimalField(
                label=_target_label(kind), required=False, min_value=0, max_digits=8, decimal_places=2
            )
        if self.make.levels:
            choices = [(level.value, level.label) for level in self.make.levels]
            self.fields["level"] = forms.ChoiceField(label=_("Level"), choices=NO_WORD + choices, required=False)
        if self.make.has_span:
            choices = [("", _("once, while the grade lasts")), *Span.choices]
            self.fields["period"] = forms.ChoiceField(label=_("In what time"), choices=choices, required=False)
        if kind == PromiseKind.TIME:
            self.fields["clock"] = forms.ChoiceField(label=_("Clock"), choices=Clock.choices, required=False)
            self.fields["severity"] = forms.TypedChoiceField(
                label=_("Severity up to"), choices=SEVERITIES, required=False, coerce=int, empty_value=None
            )
        if self.make.evidence == Evidence.VISIT:
            self.fields["counts_remote"] = forms.BooleanField(label=_("A call counts as well"), required=False)
        self.fields["weight"] = forms.DecimalField(label=_("Weight"), min_value=0, max_digits=5, decimal_places=2)
        self.fields["unit_cost"] = forms.DecimalField(
            label=_("Cost of one time") if kind == PromiseKind.COUNT else _("Cost of a year"),
            min_value=0, max_digits=19, decimal_places=4,
        )  # fmt: skip
        labels = (_("For the customer, English"), _("simplified Chinese"), _("traditional Chinese"))
        for name, label in zip(TEXTS, labels, strict=True):
            self.fields[name] = forms.CharField(label=label, max_length=300, required=False)
        dress(self)

    @property
    def label(self) -> str:
        return str(PromiseType(self.type).label)

    @property
    def summary(self) -> str:
        return promise_text(self.promise) if self.promise else _("not promised")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not found.get("is_promised"):
            return found
        if self.make.has_target and found.get("target") is None and "target" not in self.errors:
            self.add_error("target", _("Give a number, or take the promise out."))
        if self.make.levels and not self.make.has_target and not found.get("level") and "level" not in self.errors:
            self.add_error("level", _("Choose what is promised, or take the promise out."))
        return found

    def values(self) -> dict[str, Any]:
        """The fields of the promise, for the service."""
        return {name: value for name, value in self.cleaned_data.items() if name != "is_promised"}


class WordsForm(forms.ModelForm):
    class Meta:
        model = Strategy
        fields = WORDS
        widgets = {name: forms.Textarea(attrs={"rows": 3 if "strategy" in name else 2}) for name in WORDS}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="words", **kwargs)
        dress(self)


class GradeForm:
    """All promises of one grade together with its words."""

    def __init__(self, data: Any, *, promises: Sequence[Promise], strategy: Strategy | None, currency: str) -> None:
        known = {one.type: one for one in promises}
        self.currency = currency
        self.rows = [PromiseForm(data, type_=type_, promise=known.get(type_)) for type_ in PromiseType.values]
        self.texts = WordsForm(data, instance=strategy)
        self.is_bound = data is not None
        self.errors_of_rules: list[str] = []

    def is_valid(self) -> bool:
        checked = [form.is_valid() for form in (*self.rows, self.texts)]  # all of them, so that each shows its errors
        return all(checked)

    def promises(self) -> dict[str, dict[str, Any]]:
        kept = [row for row in self.rows if row.cleaned_data.get("is_promised")]
        return {row.type: {**row.values(), "currency": self.currency} for row in kept}

    def words(self) -> dict[str, str]:
        return {name: self.texts.cleaned_data[name] for name in WORDS}


def _target_label(kind: PromiseKind) -> str:
    labels = {
        PromiseKind.COUNT: _("How often"),
        PromiseKind.TIME: _("Hours"),
        PromiseKind.PERMISSION: _("per cent off list"),
    }
    return labels[kind]


def _initial(promise: Promise | None, make: Make) -> dict[str, Any]:
    if promise is None:
        return {
            "weight": make.weight,
            "unit_cost": 0,
            "clock": make.clock,
            "severity": make.severity,
            "period": Span.QUARTER,
        }
    return {
        "is_promised": True,
        "target": None if promise.target is None else plain(promise.target),
        "level": promise.level and Level(promise.level).value,
        "weight": plain(promise.weight),
        "unit_cost": plain(promise.unit_cost),
        **{name: getattr(promise, name) for name in ("period", "clock", "severity", "counts_remote", *TEXTS)},
    }
