"""Figures: the same services the pages ask, on the wire."""

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.querysets import AccountQuerySet
from crm.api import answers
from crm.api.errors import BadParameter
from crm.api.queries import (
    PORTFOLIO_PARAMETERS,
    OutlookQuery,
    PeriodQuery,
    Query,
    TrendQuery,
    TwoPeriodsQuery,
    portfolio,
)
from crm.lib.exceptions import PeriodError
from metrics.services.activity import activity
from metrics.services.concentration import concentration
from metrics.services.lifetime import lifetime
from metrics.services.portfolio import growth, retention
from metrics.services.trend import trends


class FigureView(APIView):
    """One question: its query, its answer's shape, and the service that answers over the accounts in view."""

    http_method_names = ["get", "head"]
    query: ClassVar[type[Query]]
    serializer_class: ClassVar[type[answers.AnswerSerializer]]

    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        return Response(self.serializer_class(self.answer(portfolio(request), **choices)).data)

    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        raise NotImplementedError


def question(query: type[Query], answer: type[answers.AnswerSerializer], description: str) -> Any:
    """Describes a figure's view for the schema."""
    parameters = [query, *PORTFOLIO_PARAMETERS]
    told = extend_schema(parameters=parameters, responses=answer, description=description, tags=["metrics"])

    def decorate(view: type[FigureView]) -> type[FigureView]:
        view.query, view.serializer_class = query, answer
        return extend_schema_view(get=told)(view)

    return decorate


@question(
    TwoPeriodsQuery, answers.GrowthSerializer, "Do the same customers buy more, and does everything together grow?"
)
class GrowthView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return growth(accounts, **choices)


@question(TwoPeriodsQuery, answers.RetentionSerializer, "Do our customers stay, and with how much of their revenue?")
class RetentionView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return retention(accounts, **choices)


@question(PeriodQuery, answers.ActivitySerializer, "How many accounts order, how often, for how much?")
class ActivityView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return activity(accounts, **choices)


@question(PeriodQuery, answers.ConcentrationSerializer, "Who carries us?")
class ConcentrationView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return concentration(accounts, **choices)


@question(OutlookQuery, answers.LifetimeSerializer, "What are our customers still worth?")
class LifetimeView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        return lifetime(accounts, **choices)


@question(TrendQuery, answers.TrendSerializer, "How did a figure move?")
class TrendView(FigureView):
    def answer(self, accounts: AccountQuerySet, **choices: Any) -> Any:
        metric = choices.pop("metric")
        ends = {"first": choices.pop("from", None), "last": choices.pop("to", None)}
        choices["is_spring_joined"] = choices.pop("spring", "") == "joined"
        try:
            return trends(accounts, metrics=[metric], **ends, **choices)[metric]
        except PeriodError as error:
            raise BadParameter({"from": [str(error)]}) from error
