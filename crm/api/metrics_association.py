"""What goes together, on the wire: the rules, and the accounts that own one half of a rule alone."""

from typing import Any

from django.urls import path
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from accounts.models import Product
from crm.api.answers import AnswerSerializer, Count, Money, Rate
from crm.api.fields import StrictKeyField
from crm.api.metrics import FigureView, question
from crm.api.metrics_cohorts import RowSerializer, RowsPage, RowsSerializer
from crm.api.paging import DEFAULT_SIZE, MAX_SIZE
from crm.api.queries import Query, portfolio
from metrics.services.association import AssociationFigures, RuleOrder, association

PAGE = {"required": False, "min_value": 1}


class PagedQuery(Query):
    credit_notes = None  # the night sums up products as they were booked
    page = serializers.IntegerField(**PAGE, help_text="Number of the page, from 1; past the end 404.")
    page_size = serializers.IntegerField(
        **PAGE, help_text=f"Rows a page: {DEFAULT_SIZE} unless given, at most {MAX_SIZE}."
    )


class AssociationQuery(PagedQuery):
    product = StrictKeyField(
        queryset=Product.objects.all(),
        required=False,
        help_text="Only rules with this product on either side; it is tested even where it is not among the most owned.",
    )
    order = serializers.ChoiceField(
        choices=[(str(one), str(one)) for one in RuleOrder], required=False, help_text="Largest first; default lift."
    )


class RuleAccountsQuery(PagedQuery):
    antecedent = StrictKeyField(
        queryset=Product.objects.all(), required=False, help_text="With consequent; default: the rule of the most lift."
    )
    consequent = StrictKeyField(queryset=Product.objects.all(), required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("antecedent" in attrs) != ("consequent" in attrs):
            missing = "consequent" if "antecedent" in attrs else "antecedent"
            raise serializers.ValidationError({missing: [_("Give both products of the rule, or neither.")]})
        return attrs


class RuleProductSerializer(serializers.Serializer):
    product = serializers.IntegerField(source="pk")
    code = serializers.CharField()
    name = serializers.CharField()


class RuleSerializer(serializers.Serializer):
    """Who buys `antecedent` also buys `consequent`. `adjusted_p_value`: Benjamini-Hochberg over all pairs tested."""

    antecedent = RuleProductSerializer()
    consequent = RuleProductSerializer()
    antecedent_owners = Count()
    consequent_owners = Count()
    joint = Count(help_text="Customers that own both.")
    support = Rate()
    confidence = Rate()
    lift = Rate()
    leverage = Rate()
    p_value = Rate()
    adjusted_p_value = Rate()


class AssociationSerializer(AnswerSerializer):
    """Rules are over all customers of the ledger, as the last night summed up what they have bought."""

    products_as_of = serializers.DateField(read_only=True, allow_null=True)
    customers = Count()
    tested_products = Count()
    left_out_products = Count(help_text="Have enough owners, but fewer than those tested.")
    tested_pairs = Count()
    met_rules = Count(help_text="Rules that rest on 5 customers or more.")
    shown_rules = Count(help_text="Of those, with a lift above 1 and a corrected p below 0.05.")
    count = Count(source="matching_rules", help_text="Shown rules on all pages.")
    next = serializers.SerializerMethodField()
    previous = serializers.SerializerMethodField()
    results = RuleSerializer(source="rules", many=True, read_only=True)

    def get_next(self, _answer: AssociationFigures) -> str | None:
        return self.context["next"]

    def get_previous(self, _answer: AssociationFigures) -> str | None:
        return self.context["previous"]


class RuleAccountSerializer(RowSerializer):
    antecedent_revenue = Money(source="values.antecedent_revenue", help_text="Of the last 12 months.")
    antecedent_last_on = serializers.DateField(source="values.antecedent_last_on")
    ttm_revenue = Money(source="values.ttm_revenue")


class RuleAccountsSerializer(RowsSerializer):
    """Accounts in view that have bought the antecedent of `rule` and never its consequent, most revenue first."""

    rule = RuleSerializer(read_only=True, allow_null=True)
    missing_accounts = Count()
    turned_down = Count(help_text="Accounts left out since they have turned the consequent down.")
    results = serializers.SerializerMethodField()

    @extend_schema_field(RuleAccountSerializer(many=True))
    def get_results(self, _answer: AssociationFigures) -> list[dict[str, Any]]:
        return RuleAccountSerializer(self.context["page"].rows, many=True).data


def page_of(choices: dict[str, Any]) -> tuple[int, int]:
    """(number, size) of the page asked for, taken out of the choices."""
    return choices.pop("page", 1), min(choices.pop("page_size", DEFAULT_SIZE), MAX_SIZE)


@question(AssociationQuery, AssociationSerializer, "What goes together?")
class AssociationView(FigureView):
    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        number, size = page_of(choices)
        product = choices.pop("product", None)
        answer = association(
            portfolio(request),
            product=product.pk if product else None,
            limit=size,
            offset=(number - 1) * size,
            **choices,
        )
        last = max(1, -(-answer.matching_rules // size))
        if number > last:
            raise NotFound(_("There are %(count)s pages.") % {"count": last})
        address = request.build_absolute_uri()
        neighbours = {
            "next": replace_query_param(address, "page", number + 1) if number < last else None,
            "previous": replace_query_param(address, "page", number - 1) if number > 1 else None,
        }
        return Response(self.serializer_class(answer, context=neighbours).data)


@question(RuleAccountsQuery, RuleAccountsSerializer, "Who owns one half of a rule and not the other?")
class RuleAccountsView(FigureView):
    def get(self, request: Request) -> Response:
        choices = self.query.read(request)
        number, size = page_of(choices)
        pair = {name: choices.pop(name).pk for name in ("antecedent", "consequent") if name in choices}
        answer = association(portfolio(request), **pair, **choices)
        page = RowsPage.of(answer.table, request, order_by="ttm_revenue", number=number, size=size)
        return Response(self.serializer_class(answer, context={"page": page}).data)


routes = [
    path("metrics/association/", AssociationView.as_view(), name="metrics-association"),
    path("metrics/association/accounts/", RuleAccountsView.as_view(), name="metrics-association_accounts"),
]
