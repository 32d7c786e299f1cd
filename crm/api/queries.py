"""Questions about figures as query strings: periods, choices and the accounts they are about."""

from datetime import date
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from accounts.enums import AccountNeed, AccountSize, CreditNotes, Grade, MarketPotential, RevenueBasis
from accounts.models import Account
from accounts.querysets import AccountQuerySet
from crm.api.errors import BadParameter
from crm.api.filters import PortfolioFilter, check_parameters
from crm.lib.exceptions import PeriodError
from crm.lib.periods import ACCEPTED_FORMS, Period, check_comparable
from metrics.periods import read_period
from metrics.scope import Level, Membership
from metrics.services.lifetime import HORIZON_MONTHS, MAX_HORIZON_MONTHS, MAX_YEARLY_DISCOUNT, YEARLY_DISCOUNT
from metrics.services.trend import TREND_METRICS, Interval

FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)  # of what a question may be about

PORTFOLIO_PARAMETERS = [
    OpenApiParameter("grade", enum=Grade.values, many=True, description="One or more grades; repeat the name."),
    OpenApiParameter("segment"),
    OpenApiParameter("industry"),
    OpenApiParameter("region"),
    OpenApiParameter("channel"),
    OpenApiParameter("size", enum=AccountSize.values, many=True),
    OpenApiParameter("need", enum=AccountNeed.values, many=True, description="What the customer looks for first."),
    OpenApiParameter("potential", enum=MarketPotential.values, many=True, description="Of the customer's market."),
    OpenApiParameter("dealer", OpenApiTypes.INT, description="Accounts that buy through this one."),
    OpenApiParameter("owner", OpenApiTypes.INT, description="Key of the owning user."),
    OpenApiParameter("group", OpenApiTypes.INT, description="An account and everything below it in its group, today."),
    OpenApiParameter("account", OpenApiTypes.INT, many=True, description="Accounts by key; repeat the name."),
]


def portfolio(request: Request) -> AccountQuerySet:
    """The accounts the question is about: visible to the caller and inside the account filters."""
    filterset = PortfolioFilter(
        data=request.query_params, queryset=Account.objects.visible_to(request.user), request=request
    )
    if not filterset.is_valid():
        raise BadParameter({name: list(errors) for name, errors in filterset.errors.items()})
    return filterset.qs


@extend_schema_field(OpenApiTypes.STR)
class PeriodField(serializers.Field):
    """One of the accepted forms, such as 2011, 2011-Q2, 2010-12..2011-11 or ttm@2011-11; raises with all of them."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", f"A period: {ACCEPTED_FORMS}.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> Period:
        try:
            return read_period(str(data))
        except PeriodError as error:
            raise serializers.ValidationError(str(error)) from error

    def to_representation(self, value: Period) -> str:
        return value.label


class DayField(serializers.DateField):
    """A day a question may be about."""

    def to_internal_value(self, value: Any) -> date:
        day = super().to_internal_value(value)
        if not FIRST_DAY <= day <= LAST_DAY:
            raise serializers.ValidationError(
                _("Give a day from %(first)s to %(last)s.") % {"first": FIRST_DAY, "last": LAST_DAY}
            )
        return day


class Query(serializers.Serializer):
    """What every question takes; ``choices()`` is what the services take."""

    takes_portfolio: ClassVar[bool] = True
    basis = serializers.ChoiceField(
        choices=RevenueBasis.choices, required=False, help_text="Default: the company's; bases are never added up."
    )
    credit_notes = serializers.ChoiceField(
        choices=CreditNotes.choices,
        required=False,
        help_text="In which period they count: `booked`, their own (default), or `restated`, that of the document they"
        " credit, where it is known.",
    )
    currency = serializers.RegexField(
        r"^[A-Z]{3}$",
        required=False,
        help_text="Of the figures; else the one currency of all records in view, else the company's.",
    )

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The choices of the query string. Raises BadParameter for what is unknown, missing or unusable."""
        query = cls(data={name: request.query_params[name] for name in request.query_params})
        names = set(query.fields) | (set(PortfolioFilter.base_filters) if cls.takes_portfolio else set())
        check_parameters(request, names)
        if not query.is_valid():
            raise BadParameter(query.errors)
        return dict(query.validated_data)


class LevelQuery(Query):
    level = serializers.ChoiceField(
        choices=[(str(level), str(level)) for level in Level],
        required=False,
        help_text="Legal entities (default), or groups.",
    )
    membership = serializers.ChoiceField(
        choices=[(str(membership), str(membership)) for membership in Membership],
        required=False,
        help_text="Of groups: on each day that of the day (as_was, default), or on all days today's (as_now).",
    )


class TwoPeriodsQuery(LevelQuery):
    base = PeriodField()
    comparison = PeriodField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_comparable(attrs["base"], attrs["comparison"])
        except PeriodError as error:
            raise serializers.ValidationError({"base": [str(error)]}) from error
        return attrs


class PeriodQuery(LevelQuery):
    period = PeriodField()


class OutlookQuery(Query):
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")
    horizon_months = serializers.IntegerField(
        required=False, min_value=1, max_value=MAX_HORIZON_MONTHS, help_text=f"Default {HORIZON_MONTHS}."
    )
    discount = serializers.FloatField(
        required=False,
        min_value=0,
        max_value=MAX_YEARLY_DISCOUNT,
        help_text=f"A year, as a fraction; default {YEARLY_DISCOUNT}.",
    )

    def validate_discount(self, value: float) -> float:
        if value != value:  # noqa: PLR0124 (NaN passes both bounds)
            raise serializers.ValidationError(_("Give a fraction from 0 to 1."))
        return value


class AccountQuery(OutlookQuery):
    """The account stands in the address."""

    takes_portfolio = False


class EndField(PeriodField):
    """A day, or a period of which the first or the last day is meant."""

    def __init__(self, *, is_last: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.is_last = is_last

    def to_internal_value(self, data: Any) -> date:
        try:
            day = date.fromisoformat(str(data))
        except ValueError:
            period = super().to_internal_value(data)
            day = period.last_day if self.is_last else period.start
        if not FIRST_DAY <= day <= LAST_DAY:
            raise serializers.ValidationError(
                _("Give a day from %(first)s to %(last)s.") % {"first": FIRST_DAY, "last": LAST_DAY}
            )
        return day


class TrendQuery(LevelQuery):
    metric = serializers.ChoiceField(choices=[(name, name) for name in TREND_METRICS])
    interval = serializers.ChoiceField(choices=[(str(name), str(name)) for name in Interval], required=False)
    spring = serializers.ChoiceField(
        choices=[(name, name) for name in ("separate", "joined")],
        required=False,
        help_text="By month: January and February as two points (default), or as one; the Spring Festival moves between them.",
    )
    as_of = DayField(required=False, help_text="Default: the day the data go up to.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("spring") == "joined" and attrs.get("interval", Interval.MONTH) != Interval.MONTH:
            raise serializers.ValidationError(
                {"spring": [_("January and February can be joined in a series by month only.")]}
            )
        return attrs

    def get_fields(self) -> dict[str, serializers.Field]:
        """`from` is a word of Python and cannot be declared above."""
        told = gettext_lazy("A day or a period; by default the last 36 complete months.")
        ends = {
            "from": EndField(is_last=False, required=False, help_text=told),
            "to": EndField(is_last=True, required=False, help_text=told),
        }
        return {**super().get_fields(), **ends}
