"""The controls of the questions about cohorts, sleepers and kinds of customers."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.web.cohort_words import BANDS, SEGMENTS, SHARE_BASES, STATES
from crm.web.metric_form import INTERVALS, ChoicesForm, OnePeriodForm
from metrics.formulas.cohorts import CohortBase
from metrics.services.trend import Interval

ACTIVE, REVENUE = "active", "revenue"
MEASURES = ((ACTIVE, _("customers who ordered")), (REVENUE, _("revenue")))
STABLE, STABLE_PROFITABLE = "stable", "stable_profitable"
KINDS = (
    ("", _("all")),
    (STABLE_PROFITABLE, _("Stable and profitable")),
    (STABLE, _("Stable")),
    *((str(band), label) for band, label in BANDS.items()),
    *((str(segment), label) for segment, label in SEGMENTS.items()),
)


class CohortsForm(ChoicesForm):
    measure = forms.ChoiceField(label=_("Share of"), choices=MEASURES)
    interval = forms.ChoiceField(label=_("Each"), choices=INTERVALS)
    share_base = forms.ChoiceField(
        label=_("Revenue measured from"), choices=[(str(base), label) for base, label in SHARE_BASES.items()]
    )
    field_order = ("measure", "interval", "share_base", "level", "currency")

    def choices(self) -> dict[str, Any]:
        return super().choices() | {name: self.cleaned_data[name] for name in ("interval", "share_base")}


class SleepersForm(ChoicesForm):
    state = forms.ChoiceField(
        label=_("Show"), required=False, choices=[("", _("all")), *((str(one), label) for one, label in STATES.items())]
    )
    field_order = ("state", "level", "currency")


class SegmentsForm(OnePeriodForm):
    kind = forms.ChoiceField(label=_("Show"), required=False, choices=KINDS)
    field_order = ("period", "kind", "level", "currency")


def cohorts_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"measure": ACTIVE, "interval": str(Interval.QUARTER), "share_base": str(CohortBase.FIRST_PERIOD)}


def sleepers_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {}
