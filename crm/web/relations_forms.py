"""The forms of relationships with one account; rules are the models' and the services', so that REST refuses the same."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.enums import Attitude
from accounts.enums_relations import ChainRole, DepartmentKind, Layer, Partnership
from accounts.models import (
    Account,
    BuyingCentre,
    CentreMember,
    Contact,
    Courtesy,
    LevelEvidence,
    RelationshipTarget,
    User,
)
from accounts.models.relations import EVIDENCE_LENGTH, WEIGHTS
from crm.web.auth import dress
from crm.web.editing import SeenMixin
from crm.web.relations_words import attitude_words

UNKNOWN = ""


def day_input() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def evidence_input() -> forms.Textarea:
    return forms.Textarea(attrs={"rows": 3, "maxlength": EVIDENCE_LENGTH})


class SeenForm(SeenMixin, forms.ModelForm):
    """Of a row that others may change meanwhile (crm.web.editing); the service writes it, not the form."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remember(self.instance)
        self.prepare()
        dress(self)

    def prepare(self) -> None:
        """What may be chosen; it must be said before ``dress`` asks for the errors, which checks what was sent."""

    def given(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "seen"}

    def _post_clean(self) -> None:
        """The service writes and checks; the instance stays as it was read."""


class ContactForm(SeenForm):
    class Meta:
        model = Contact
        fields = (
            *("name", "title", "department", "department_kind", "level", "reports_to", "email", "phone"),
            *("is_decision_maker", "is_active", "notes"),
        )
        widgets = {"notes": forms.Textarea(attrs={"rows": 3})}

    def __init__(self, *args: Any, people: Any, departments: list[str], **kwargs: Any) -> None:
        self.people, self.departments = people, departments
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        self.fields["reports_to"].queryset = self.people  # type: ignore[attr-defined]
        self.fields["reports_to"].empty_label = _("nobody here")  # type: ignore[attr-defined]
        self.fields["department"].widget.attrs |= {"list": "departments", "autocomplete": "off"}


class CentreForm(SeenForm):
    class Meta:
        model = BuyingCentre
        fields = ("name", "is_active", "notes")
        widgets = {"notes": evidence_input()}


class MemberForm(SeenForm):
    roles = forms.MultipleChoiceField(
        label=gettext_lazy("What do they do in the decision?"), choices=ChainRole.choices,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    weight = forms.TypedChoiceField(
        label=gettext_lazy("Influence"), choices=[(one, str(one)) for one in WEIGHTS], coerce=int,
        help_text=gettext_lazy("From 1, hardly heard, to 5, nothing happens without."),
    )  # fmt: skip

    class Meta:
        model = CentreMember
        fields = ("contact", "roles", "weight", "owner", "target_attitude", "target_on")
        widgets = {"target_on": day_input()}

    def __init__(self, *args: Any, people: Any, owner: int | None = None, **kwargs: Any) -> None:
        if not kwargs["instance"].pk:
            kwargs["initial"] = {"weight": 3, "owner": owner}
        self.people = people
        super().__init__(*args, **kwargs)

    def prepare(self) -> None:
        self.fields["contact"].queryset = self.people  # type: ignore[attr-defined]
        self.fields["owner"].queryset = User.objects.filter(is_active=True)  # type: ignore[attr-defined]
        self.fields["owner"].empty_label = _("nobody")  # type: ignore[attr-defined]


class NoteForm(SeenMixin, forms.Form):
    """One entry of the log of attitudes."""

    attitude = forms.TypedChoiceField(
        label=gettext_lazy("Attitude"), choices=[(UNKNOWN, gettext_lazy("not known")), *Attitude.choices], required=False,
        coerce=int, empty_value=None,
    )  # fmt: skip
    attitude_since = forms.DateField(label=gettext_lazy("Since"), widget=day_input())
    evidence = forms.CharField(
        label=gettext_lazy("What shows it?"), required=False, max_length=EVIDENCE_LENGTH, widget=evidence_input(),
        help_text=gettext_lazy("What was said or done, at which occasion. Business matters only."),
    )  # fmt: skip

    def __init__(self, *args: Any, contact: Contact, today: date, **kwargs: Any) -> None:
        kwargs["initial"] = {"attitude": contact.attitude, "attitude_since": today}
        super().__init__(*args, **kwargs)
        self.now = attitude_words(contact.attitude)
        self.remember(contact)
        dress(self)


class LevelForm(forms.ModelForm):
    class Meta:
        model = LevelEvidence
        fields = ("level", "evidence", "reached_on", "expires_on")
        widgets = {"evidence": evidence_input(), "reached_on": day_input(), "expires_on": day_input()}

    def __init__(self, *args: Any, account: Account, today: date, **kwargs: Any) -> None:
        kwargs |= {"initial": {"reached_on": today}, "instance": LevelEvidence(account=account)}
        super().__init__(*args, **kwargs)
        self.fields["expires_on"].required = False
        self.fields["expires_on"].help_text = _("Empty: twelve months after it began.")
        dress(self)

    def _post_clean(self) -> None:
        """The service checks, once it knows when the evidence expires."""


class PartnershipForm(forms.Form):
    state = forms.ChoiceField(label=gettext_lazy("What have they become?"), choices=Partnership.choices)
    since = forms.DateField(label=gettext_lazy("Since"), widget=day_input())
    evidence = forms.CharField(
        label=gettext_lazy("What shows it?"), max_length=EVIDENCE_LENGTH, widget=evidence_input(),
        help_text=gettext_lazy("A survey, renewals without a tender, a joint plan."),
    )  # fmt: skip

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        kwargs["initial"] = {"since": today}
        super().__init__(*args, **kwargs)
        dress(self)


class TargetForm(SeenForm):
    departments = forms.MultipleChoiceField(
        label=gettext_lazy("Departments to know"), choices=DepartmentKind.choices, required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=gettext_lazy("None chosen: those of the grade."),
    )  # fmt: skip

    class Meta:
        model = RelationshipTarget
        fields = ("key_target", "general_target", "organisational_target", "departments")


class CourtesyForm(forms.ModelForm):
    class Meta:
        model = Courtesy
        fields = ("contact", "kind", "given_on", "occasion", "amount", "currency", "reason")
        widgets = {
            "given_on": day_input(),
            "amount": forms.NumberInput(attrs={"inputmode": "decimal", "min": 0, "step": "0.01"}),
        }

    def __init__(self, *args: Any, people: Any, currency: str, today: date, user: User, **kwargs: Any) -> None:
        kwargs |= {"initial": {"given_on": today, "currency": currency}, "instance": Courtesy(given_by=user)}
        super().__init__(*args, **kwargs)
        self.fields["contact"].queryset = people  # type: ignore[attr-defined]
        dress(self)


class PlanForm(SeenMixin, forms.Form):
    goal = forms.CharField(
        label=gettext_lazy("What do we want?"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3})
    )
    owner = forms.ModelChoiceField(User.objects.filter(is_active=True), label=gettext_lazy("Owner"), required=False)
    review_on = forms.DateField(label=gettext_lazy("Gone through again by"), widget=day_input())

    def __init__(self, *args: Any, plan: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remember(plan)
        dress(self)


class StepForm(forms.Form):
    layer = forms.ChoiceField(label=gettext_lazy("Layer"), choices=Layer.choices)
    text = forms.CharField(label=gettext_lazy("Next step"), max_length=300)
    contact = forms.ModelChoiceField(Contact.objects.none(), label=gettext_lazy("With"), required=False)
    due_on = forms.DateField(label=gettext_lazy("Due on"), widget=day_input())

    def __init__(self, *args: Any, people: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"].queryset = people  # type: ignore[attr-defined]
        self.fields["contact"].empty_label = _("nobody in particular")  # type: ignore[attr-defined]
        dress(self)


def explain(form: forms.BaseForm, refused: ValidationError) -> None:
    """Put what the service refused beside the field it is about, where the form has that field."""
    if not hasattr(refused, "error_dict"):
        form.add_error(None, refused)
        return
    for name, errors in refused.error_dict.items():
        form.add_error(name if name in form.fields and name != NON_FIELD_ERRORS else None, errors)
