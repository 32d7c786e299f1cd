"""The forms of what is done for customers; rules are the models' and the services', so that REST refuses the same."""

from datetime import date, datetime, timedelta
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.db.models import F, Max, OuterRef, Q, Subquery
from django.db.models.query import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Account, Contact, TeamMember, User
from crm.lib.filetypes import ACCEPTED
from crm.web.auth import dress
from crm.web.editing import SeenMixin
from service.enums import InteractionKind
from service.models import TEXT_LENGTH, Discount, Interaction, ServiceRequest, Sponsor

MOMENT = "%Y-%m-%dT%H:%M"


def _day() -> forms.DateInput:
    return forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


def people_of(account: Account, *, besides: User, today: date) -> QuerySet[User]:
    """Who has to do with an account on our side: its team, its owner and its sponsors, and who asks."""
    team = TeamMember.objects.filter(account=account).current(today).values("user")
    sponsors = Sponsor.objects.filter(account=account).current(today).values("user")
    mine = Q(pk__in=team) | Q(pk__in=sponsors) | Q(pk__in=[besides.pk, account.owner_id or besides.pk])
    return User.objects.filter(mine, is_active=True)


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; whether they are taken, the service says."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", FilesInput)
        super().__init__(required=False, allow_empty_file=True, **kwargs)

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        given = data if isinstance(data, list | tuple) else [data]
        return [one for one in given if isinstance(one, UploadedFile)]  # "clear" beside a file is an object of Django's


class InteractionForm(SeenMixin, forms.ModelForm):
    """Quick to fill in on the way out of a meeting: the kind, the day and a summary are enough."""

    uploads = FilesField(label=gettext_lazy("Files"), widget=FilesInput(attrs={"accept": ACCEPTED, "multiple": True}))
    photo = FilesField(
        label=gettext_lazy("Take a photo"), widget=FilesInput(attrs={"accept": "image/*", "capture": "environment"})
    )

    class Meta:
        model = Interaction
        fields = (
            *("kind", "held_on", "summary", "their_people", "our_people", "next_step", "next_step_on"),
            *("purpose", "minutes", "is_remote"),
        )
        labels = {
            "kind": gettext_lazy("What was it?"),
            "held_on": gettext_lazy("When?"),
            "summary": gettext_lazy("What was said and agreed?"),
            "their_people": gettext_lazy("Who of the customer?"),
            "our_people": gettext_lazy("Who of us?"),
            "next_step": gettext_lazy("Next step"),
            "next_step_on": gettext_lazy("Due on"),
            "purpose": gettext_lazy("Held for"),
            "minutes": gettext_lazy("Minutes"),
            "is_remote": gettext_lazy("Remote"),
        }
        widgets = {
            "kind": forms.RadioSelect,
            "held_on": _day(),
            "summary": forms.Textarea(attrs={"rows": 4, "maxlength": TEXT_LENGTH}),
            "their_people": forms.CheckboxSelectMultiple,
            "our_people": forms.CheckboxSelectMultiple,
            "next_step": forms.TextInput(attrs={"autocomplete": "off"}),
            "next_step_on": _day(),
            "minutes": forms.NumberInput(attrs={"inputmode": "numeric", "min": 1}),
        }

    def __init__(self, *args: Any, account: Account, user: User, today: date, **kwargs: Any) -> None:
        if not kwargs.get("instance"):
            kwargs["instance"] = Interaction(account=account, logged_by=user)
            kwargs["initial"] = {
                "kind": "visit",
                "held_on": today,
                "our_people": [user.pk],
                **kwargs.get("initial", {}),
            }
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["kind"].choices = InteractionKind.choices  # no empty one to choose
        written = self.instance.pk
        ours, theirs = people_of(account, besides=user, today=today), account.contacts.filter(is_active=True)
        self.fields["our_people"].queryset = _with(User, ours, written)
        self.fields["their_people"].queryset = met_last(_with(Contact, theirs, written))
        self.remember(self.instance)
        dress(self)

    @property
    def usual_steps(self) -> list[str]:
        """What is said most often of a next step: a tap in place of typing."""
        return [_("Send the offer"), _("Call back"), _("Visit again")]

    @property
    def usual_days(self) -> list[tuple[str, date]]:
        return [
            (_("tomorrow"), self.today + timedelta(days=1)),
            (_("in a week"), self.today + timedelta(days=7)),
            (_("in two weeks"), self.today + timedelta(days=14)),
        ]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        given["files"] = [*given.pop("uploads", []), *given.pop("photo", [])]
        return given

    def clean_held_on(self) -> date:
        day = self.cleaned_data["held_on"]
        if day > self.today:
            raise forms.ValidationError(_("It lies in the future: log it once it has taken place."))
        return day


def met_last(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    """Those whom somebody of ours met last come first, and who never was met by name."""
    with_them = Interaction.their_people.through.objects.filter(contact=OuterRef("pk"))
    last = with_them.order_by().values("contact").values(day=Max("interaction__held_on"))
    return contacts.annotate(met_on=Subquery(last)).order_by(F("met_on").desc(nulls_last=True), "name", "pk")


def _with(model: Any, rows: QuerySet, interaction: int | None) -> QuerySet:
    """The rows to choose from, and those that were chosen before."""
    if interaction is None:
        return rows
    return model.objects.filter(Q(pk__in=rows.values("pk")) | Q(interactions=interaction)).distinct()


class _RequestFields(forms.ModelForm):
    class Meta:
        model = ServiceRequest
        fields: tuple[str, ...] = ()
        labels = {
            "kind": gettext_lazy("What is it?"),
            "severity": gettext_lazy("How severe?"),
            "subject": gettext_lazy("In one line"),
            "text": gettext_lazy("What happened, what is asked for"),
            "contact": gettext_lazy("Who of the customer?"),
            "assigned_to": gettext_lazy("Responsible"),
            "opened_at": gettext_lazy("Came in at"),
        }
        widgets = {
            "text": forms.Textarea(attrs={"rows": 4, "maxlength": TEXT_LENGTH}),
            "subject": forms.TextInput(attrs={"autocomplete": "off"}),
            "opened_at": forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        }

    def __init__(self, *args: Any, account: Account, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["contact"].queryset = account.contacts.order_by("-is_active", "name", "pk")
        self.fields["assigned_to"].queryset = User.objects.filter(is_active=True)
        for name in ("contact", "assigned_to"):
            self.fields[name].empty_label = _("nobody in particular")
        dress(self)


class OpenRequestForm(_RequestFields):
    class Meta(_RequestFields.Meta):
        fields = ("kind", "severity", "subject", "text", "contact", "assigned_to", "opened_at")

    def __init__(self, *args: Any, account: Account, now: datetime, **kwargs: Any) -> None:
        self.now = now
        kwargs["initial"] = {"opened_at": now, "assigned_to": account.owner_id}
        super().__init__(*args, account=account, **kwargs)

    def clean_opened_at(self) -> datetime:
        moment = self.cleaned_data["opened_at"]
        if moment > self.now:
            raise forms.ValidationError(_("A request cannot come in later than now."))
        return moment


class ChangeRequestForm(SeenMixin, _RequestFields):
    class Meta(_RequestFields.Meta):
        fields = ("kind", "severity", "assigned_to", "contact", "subject", "text")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.remember(self.instance)


class SponsorForm(forms.ModelForm):
    class Meta:
        model = Sponsor
        fields = ("kind", "user", "valid_from", "is_exclusive")
        labels = {
            "kind": gettext_lazy("Role"),
            "user": gettext_lazy("Who?"),
            "valid_from": gettext_lazy("Stands by it from"),
        }
        widgets = {"valid_from": _day()}

    def __init__(self, *args: Any, account: Account, today: date, **kwargs: Any) -> None:
        super().__init__(*args, instance=Sponsor(account=account), initial={"valid_from": today}, **kwargs)
        self.fields["user"].queryset = User.objects.filter(is_active=True)
        dress(self)


class DiscountForm(forms.ModelForm):
    class Meta:
        model = Discount
        fields = ("percent", "granted_on", "reference", "reason")
        labels = {"percent": gettext_lazy("Per cent off the list price"), "granted_on": gettext_lazy("Granted on")}
        widgets = {
            "granted_on": _day(),
            "percent": forms.NumberInput(attrs={"inputmode": "decimal", "min": 0, "max": 100, "step": "0.01"}),
            "reason": forms.Textarea(attrs={"rows": 3, "maxlength": TEXT_LENGTH}),
        }

    def __init__(self, *args: Any, account: Account, user: User, today: date, **kwargs: Any) -> None:
        made = Discount(account=account, granted_by=user)
        super().__init__(*args, instance=made, initial={"granted_on": today}, **kwargs)
        self.today = today
        dress(self)

    def clean_granted_on(self) -> date:
        day = self.cleaned_data["granted_on"]
        if day > self.today:
            raise forms.ValidationError(_("It lies in the future: note it on the day it is granted."))
        return day


class AttitudeForm(forms.ModelForm):
    """How a contact stands to us; a changed attitude holds from the day that is given."""

    class Meta:
        model = Contact
        fields = ("is_decision_maker", "attitude", "attitude_since")
        widgets = {"attitude_since": _day()}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("attitude") is None:
            given["attitude_since"] = None
        elif not given.get("attitude_since"):
            given["attitude_since"] = timezone.localdate()
        return given


class StepForm(forms.Form):
    """The words of one step of a request."""

    text = forms.CharField(required=False, max_length=TEXT_LENGTH, strip=True)
    assigned_to = forms.ModelChoiceField(User.objects.filter(is_active=True), required=False)
