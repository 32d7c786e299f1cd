"""The controls of the questions about what comes next, and the words they share."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from crm.web.metric_form import ChoicesForm
from metrics.formulas.decline import RiskBand, Signal
from metrics.formulas.forecast import Method
from metrics.leaves import Dimension
from metrics.services.forecast import HORIZON_MONTHS, MAX_HORIZON_MONTHS
from metrics.services.whitespace import By

DIMENSIONS = (
    ("", _("no parts")),
    (Dimension.SEGMENT, _("segment")),
    (Dimension.REGION, _("region")),
    (Dimension.OWNER, _("owner")),
    (Dimension.GRADE, _("grade")),
    (Dimension.INDUSTRY, _("industry")),
    (Dimension.GROUP, _("group")),
    (Dimension.SIZE, _("size")),
    (Dimension.NEED, _("need")),
    (Dimension.POTENTIAL, _("market potential")),
    (Dimension.CHANNEL, _("channel")),
    (Dimension.DEALER, _("dealer")),
)
METHODS = {
    Method.SEASONAL_NAIVE: _("same month of the year before"),
    Method.NAIVE: _("last month goes on"),
    Method.MEAN: _("mean of all months"),
    Method.DRIFT: _("straight line from the first month to the last"),
    Method.DAMPED_TREND: _("smoothed level with a fading trend"),
    Method.HOLT_WINTERS: _("smoothed level, trend and season (Holt-Winters)"),
    Method.CROSTON: _("size and interval of orders (Croston)"),
    Method.SBA: _("size and interval of orders (Syntetos-Boylan)"),
    Method.TSB: _("size and chance of orders (Teunter-Syntetos-Babai)"),
}
BANDS = {
    RiskBand.HIGH: _("High risk"),
    RiskBand.WATCH: _("To be watched"),
    RiskBand.LOW: _("Low risk"),
    RiskBand.UNKNOWN: _("No signal known"),
}
SIGNALS = {
    Signal.RHYTHM: _("Late rhythm"),
    Signal.CHANCE_GONE: _("Chance of being gone"),
    Signal.REVENUE_TREND: _("Lost revenue"),
    Signal.BREADTH_LOSS: _("Lost breadth"),
}


class ForecastForm(ChoicesForm):
    horizon_months = forms.IntegerField(label=_("Months ahead"), min_value=1, max_value=MAX_HORIZON_MONTHS)
    by = forms.ChoiceField(label=_("Parts by"), choices=DIMENSIONS, required=False)
    field_order = ("horizon_months", "by", "level", "currency")

    def choices(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        return super().choices() | {"horizon_months": cleaned["horizon_months"], "by": cleaned["by"] or None}


class WhitespaceForm(ChoicesForm):
    by = forms.ChoiceField(label=_("Columns"), choices=((By.CATEGORY, _("categories")), (By.PRODUCT, _("products"))))
    field_order = ("by", "currency")

    left_out = frozenset(
        {"level", "credit_notes"}
    )  # a group buys what its members buy; products are summed up as booked


def whitespace_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"by": str(By.CATEGORY)}


def forecast_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {"horizon_months": str(HORIZON_MONTHS)}


def no_defaults(params: QueryDict, as_of: Any) -> dict[str, str]:
    return {}
