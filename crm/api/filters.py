"""Filters, search and order of lists. What is not listed for an address is refused by name, never ignored."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.translation import gettext as _
from django_filters.rest_framework import DjangoFilterBackend, FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request

from accounts.enums import AccountNeed, AccountSize, AccountStatus, Grade, MarketPotential
from accounts.models import Account, Contract, User
from accounts.querysets import AccountQuerySet
from crm.api.errors import BadParameter
from crm.api.paging import PAGING_PARAMETERS
from crm.api.parsers import UNSTORABLE

LONGEST_VALUE = 1000  # characters of one parameter


def check_parameters(request: Request, allowed: Iterable[str]) -> None:
    """Raise BadParameter for names outside ``allowed`` and for values no column can hold."""
    known = set(allowed)
    wrong: dict[str, list[str]] = {}
    for name, values in request.query_params.lists():
        if name not in known:
            wrong[shown(name)] = [
                _("There is no such filter here. Known: %(names)s.") % {"names": ", ".join(sorted(known))}
            ]
        elif any(UNSTORABLE.search(value) or len(value) > LONGEST_VALUE for value in values):
            wrong[name] = [_("This value cannot be used.")]
    if wrong:
        raise BadParameter(wrong)


def shown(name: str) -> str:
    """A parameter's name as it may be repeated in an answer."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name[:60])


class StrictFilterBackend(DjangoFilterBackend):
    """django-filter, with unknown names and values refused as problems of the query string."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        filterset = self.get_filterset(request, queryset, view)
        names = set(filterset.filters) if filterset is not None else set()
        names |= PAGING_PARAMETERS
        names |= {"ordering"} if view.ordering_fields else set()
        names |= {"search"} if view.searches else set()
        check_parameters(request, names)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise BadParameter({name: list(errors) for name, errors in filterset.errors.items()})
        return filterset.qs


class SearchAndOrderBackend(BaseFilterBackend):
    """`?search=` over ``view.search_fields`` (or the view's own search), `?ordering=` by names in ``view.ordering_fields``.

    Every order ends in the key, and rows without a value come last both ways.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        text = request.query_params.get("search", "").strip()
        if text:
            queryset = view.search(queryset, text)
        wanted = request.query_params.get("ordering")
        return queryset.order_by(*ordering(wanted, view.ordering_fields)) if wanted else queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        parameters = []
        if view.searches:
            parameters.append(
                {"name": "search", "description": _("Rows that contain this text."), "schema": {"type": "string"}}
            )
        if view.ordering_fields:
            names = ", ".join(view.ordering_fields)
            told = _("Order by one or more of: %(names)s; a minus before a name turns it round.") % {"names": names}
            parameters.append({"name": "ordering", "description": told, "schema": {"type": "string"}})
        return [{**parameter, "in": "query", "required": False} for parameter in parameters]


def ordering(text: str, fields: dict[str, str]) -> list[OrderBy]:
    """`a,-b` as expressions; ``fields`` maps the names on the wire to columns."""
    order = []
    for part in text.split(","):
        name = part.strip()
        column = fields.get(name.removeprefix("-"))
        if column is None:
            known = ", ".join(fields)
            raise BadParameter(
                {"ordering": [_("Order by one of: %(names)s; a minus turns it round.") % {"names": known}]}
            )
        order.append(F(column).desc(nulls_last=True) if name.startswith("-") else F(column).asc(nulls_last=True))
    return [*order, F("pk").asc()]


def contains(queryset: QuerySet, text: str, fields: Iterable[str]) -> QuerySet:
    condition = Q()
    for field in fields:
        condition |= Q(**{f"{field}__icontains": text})
    return queryset.filter(condition)


def visible_accounts(request: Request | None) -> AccountQuerySet:
    """Accounts the caller may name; nobody's while the schema is made."""
    return Account.objects.none() if request is None else Account.objects.visible_to(request.user)


def visible_contracts(request: Request | None) -> QuerySet[Contract]:
    """Contracts of the accounts the caller may name."""
    return Contract.objects.filter(account__in=visible_accounts(request))


@extend_schema_field(OpenApiTypes.INT)
class VisibleAccountFilter(django_filters.ModelMultipleChoiceFilter):
    """Accounts by id, several by repeating the name; one the caller may not see is unknown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", visible_accounts)
        super().__init__(*args, **kwargs)


@extend_schema_field(OpenApiTypes.INT)
class OneAccountFilter(django_filters.ModelChoiceFilter):
    """One account by id; one the caller may not see is unknown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", visible_accounts)
        super().__init__(*args, **kwargs)


def visible_dealers(request: Request | None) -> AccountQuerySet:
    """Accounts through which some account buys that the caller may see."""
    return Account.objects.filter(pk__in=visible_accounts(request).order_by().values("dealer"))


@extend_schema_field(OpenApiTypes.INT)
class DealerFilter(django_filters.ModelChoiceFilter):
    """One dealer by id; one of no account that the caller may see is unknown."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", visible_dealers)
        super().__init__(*args, **kwargs)


@extend_schema_field(OpenApiTypes.INT)
class VisibleRowFilter(django_filters.ModelChoiceFilter):
    """One row by key out of a queryset that depends on who asks."""


@extend_schema_field(OpenApiTypes.INT)
class UserFilter(django_filters.ModelChoiceFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("queryset", User.objects.all())
        super().__init__(*args, **kwargs)


class PortfolioFilter(FilterSet):
    """Which accounts a figure or a list is about; the same words everywhere."""

    grade = django_filters.MultipleChoiceFilter(choices=Grade.choices)
    segment = django_filters.CharFilter()
    industry = django_filters.CharFilter()
    region = django_filters.CharFilter()
    channel = django_filters.CharFilter()
    size = django_filters.MultipleChoiceFilter(choices=AccountSize.choices)
    need = django_filters.MultipleChoiceFilter(choices=AccountNeed.choices)
    potential = django_filters.MultipleChoiceFilter(choices=MarketPotential.choices)
    dealer = DealerFilter(help_text="Accounts that buy through this one.")
    owner = UserFilter()
    group = OneAccountFilter(
        method="in_group", help_text="An account and everything below it in its group, as of today."
    )
    account = VisibleAccountFilter(method="among", help_text="Accounts by id; repeat the name for several.")

    def in_group(self, queryset: AccountQuerySet, name: str, value: Account) -> AccountQuerySet:
        return queryset.in_group(value.pk)

    def among(self, queryset: QuerySet, name: str, value: list[Account]) -> QuerySet:
        return queryset.filter(pk__in=[account.pk for account in value]) if value else queryset


class AccountFilter(PortfolioFilter):
    code = django_filters.CharFilter()
    country = django_filters.CharFilter()
    parent = OneAccountFilter()
    status = django_filters.MultipleChoiceFilter(choices=AccountStatus.choices)
    is_watched = django_filters.BooleanFilter()

    class Meta:
        model = Account
        fields = ["currency"]
