"""Reported figures: kept with their cohort, never changed, read beside the live answer."""

from decimal import Decimal
from typing import Any

import django_filters
from django.db.models import QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.enums import Grade
from accounts.models import Account
from crm import reported
from crm.api.answers import Money, PassportSerializer
from crm.api.fields import UserKeyField, VisibleKeyField
from crm.api.filters import UserFilter, ordering
from crm.api.idempotency import idempotent
from crm.api.paging import PAGING_PARAMETERS
from crm.api.queries import TwoPeriodsQuery
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from crm.lib.money import money_text
from metrics.enums import ReportedQuestion
from metrics.metric import Unit
from metrics.models import ReportedAccount, ReportedFigure
from metrics.models_reported import NOTE_LENGTH, TITLE_LENGTH
from metrics.services import reported as service
from metrics.services.reported import LiveComparison, unit_of

MOST_ACCOUNTS = 500  # named one by one in a report
REASON_LENGTH = 500
FIGURES = {"type": "object", "additionalProperties": {"type": ["string", "number", "null"]}}
COHORT_ORDER = {"id": "pk", "code": "code", "base_amount": "base_amount", "comparison_amount": "comparison_amount"}


def on_the_wire(key: str, value: Decimal | None) -> str | float | int | None:
    """Money as a decimal string, rates and counts as numbers, as in every answer about figures."""
    unit = unit_of(key)
    if value is None or unit is Unit.MONEY:
        return money_text(value)
    return int(value) if unit is Unit.COUNT else float(value)


class CauseSerializer(serializers.Serializer):
    """What has changed since, and what it did to the revenue of both periods; live − reported."""

    code = serializers.CharField(read_only=True)
    sentence = serializers.CharField(read_only=True)
    accounts = serializers.IntegerField(read_only=True)
    base_difference = Money()
    comparison_difference = Money()


class LiveSerializer(serializers.Serializer):
    """The same question now, over the accounts the caller may see; `differences` = live − reported."""

    differs = serializers.BooleanField(read_only=True)
    different = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()
    differences = serializers.SerializerMethodField()
    causes = CauseSerializer(many=True, read_only=True)
    passport = PassportSerializer(source="answer.passport", read_only=True)
    reasons = serializers.DictField(source="answer.reasons", child=serializers.CharField(), read_only=True)

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_different(self, found: LiveComparison) -> list[str]:
        return [one.key for one in found.figures if one.is_different]

    @extend_schema_field(FIGURES)
    def get_figures(self, found: LiveComparison) -> dict[str, Any]:
        return {one.key: on_the_wire(one.key, one.live) for one in found.figures}

    @extend_schema_field(FIGURES)
    def get_differences(self, found: LiveComparison) -> dict[str, Any]:
        return {one.key: on_the_wire(one.key, one.difference) for one in found.figures}


class ReportedFigureSerializer(serializers.ModelSerializer):
    """Figures as they were reported. `filters` are the account filters as parameters, `filter_words` in words;
    `has_changed_since`: something that figures rest on has changed, so the live answer may be another."""

    passport = serializers.SerializerMethodField()
    figures = serializers.SerializerMethodField()
    reasons = serializers.DictField(child=serializers.CharField(), read_only=True)
    filters = serializers.DictField(child=serializers.ListField(child=serializers.CharField()), read_only=True)
    filter_words = serializers.ListField(child=serializers.ListField(child=serializers.CharField()), read_only=True)
    legal_entities = serializers.IntegerField(source="cohort_rows", read_only=True)
    author_name = serializers.CharField(source="author.display_name", read_only=True)
    withdrawn_by_name = serializers.CharField(
        source="withdrawn_by.display_name", read_only=True, default=None, allow_null=True
    )
    has_changed_since = serializers.SerializerMethodField()

    class Meta:
        model = ReportedFigure
        fields = (
            "id",
            "question",
            "title",
            "note",
            "currency",
            "passport",
            "figures",
            "reasons",
            "filters",
            "filter_words",
            "legal_entities",
            "author",
            "author_name",
            "created_at",
            "withdrawn_at",
            "withdrawn_by_name",
            "withdrawn_reason",
            "has_changed_since",
        )
        read_only_fields = fields

    @extend_schema_field(PassportSerializer)
    def get_passport(self, figure: ReportedFigure) -> dict[str, Any]:
        return reported.passport(figure).as_dict()

    @extend_schema_field(FIGURES)
    def get_figures(self, figure: ReportedFigure) -> dict[str, Any]:
        keys = service.figure_keys(figure.question, figure.figures)
        return {key: on_the_wire(key, service.decimal_of(figure.figures[key])) for key in keys}

    def get_has_changed_since(self, figure: ReportedFigure) -> bool:
        return not service.is_as_then(figure, self.context["view"].ledger_state)


class ReportedDetailSerializer(ReportedFigureSerializer):
    live = serializers.SerializerMethodField()

    class Meta(ReportedFigureSerializer.Meta):
        fields = (*ReportedFigureSerializer.Meta.fields, "live")
        read_only_fields = fields

    @extend_schema_field(LiveSerializer)
    def get_live(self, figure: ReportedFigure) -> dict[str, Any]:
        return LiveSerializer(reported.live(figure, self.context["request"].user)).data


class NewReportSerializer(StrictSerializer, TwoPeriodsQuery):
    """The question as `metrics/<question>/` takes it, with the account filters beside it, under a title."""

    question = serializers.ChoiceField(choices=ReportedQuestion.choices)
    title = serializers.CharField(max_length=TITLE_LENGTH)
    note = serializers.CharField(max_length=NOTE_LENGTH, required=False, allow_blank=True)
    grade = serializers.ListField(child=serializers.ChoiceField(choices=Grade.choices), required=False)
    segment = serializers.CharField(max_length=80, required=False, help_text="“-”: accounts without one.")
    industry = serializers.CharField(max_length=80, required=False, help_text="“-”: accounts without one.")
    region = serializers.CharField(max_length=80, required=False, help_text="“-”: accounts without one.")
    channel = serializers.CharField(max_length=80, required=False, help_text="“-”: accounts without one.")
    dealer = VisibleKeyField(required=False)
    owner = UserKeyField(required=False)
    group = VisibleKeyField(required=False)
    account = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), required=False, max_length=MOST_ACCOUNTS
    )

    def validate_account(self, keys: list[int]) -> list[int]:
        """Each is one the caller may see; a hidden one is answered like a missing one."""
        wanted = set(keys)
        seen = Account.objects.visible_to(self.context["request"].user).filter(pk__in=wanted)
        unknown = wanted - set(seen.values_list("pk", flat=True))
        if unknown:
            raise serializers.ValidationError(
                _("There is no such account: %(keys)s.") % {"keys": ", ".join(map(str, sorted(unknown)))}
            )
        return sorted(wanted)

    def asked(self) -> dict[str, Any]:
        """What ``crm.reported.report`` takes."""
        found = dict(self.validated_data)
        filters: dict[str, list[str]] = {}
        for name in ("grade", "segment", "industry", "region", "channel", "dealer", "owner", "group", "account"):
            value = found.pop(name, None)
            if value:
                values = value if isinstance(value, list) else [value]
                filters[name] = [str(getattr(one, "pk", one)) for one in values]
        return {**found, "filters": filters}


class WithdrawReportSerializer(StrictSerializer):
    reason = serializers.CharField(max_length=REASON_LENGTH)


class ReportedAccountSerializer(serializers.ModelSerializer):
    """One legal entity as it was: code and name of then; `group` is the top of its group, where the report counts that."""

    account = serializers.IntegerField(source="account_id", read_only=True)
    group = serializers.SerializerMethodField()

    class Meta:
        model = ReportedAccount
        fields = ("account", "code", "name", "group", "base_amount", "comparison_amount")
        read_only_fields = fields

    @extend_schema_field({"type": ["integer", "null"]})
    def get_group(self, row: ReportedAccount) -> int | None:
        return row.root_id if row.root_id in self.context["roots"] else None


class ReportFilter(FilterSet):
    author = UserFilter()
    withdrawn = django_filters.BooleanFilter(
        field_name="withdrawn_at", lookup_expr="isnull", exclude=True, help_text="Default: those that stand."
    )

    class Meta:
        model = ReportedFigure
        fields = {"question": ["exact"], "as_of": ["exact", "gte", "lte"], "created_at": ["gte", "lte"]}

    def filter_queryset(self, queryset: QuerySet[ReportedFigure]) -> QuerySet[ReportedFigure]:
        if self.form.cleaned_data.get("withdrawn") is None:
            queryset = queryset.filter(withdrawn_at__isnull=True)
        return super().filter_queryset(queryset)


class ReportedFigureViewSet(ListedViewSet):
    """Figures as they were reported: seen by their author and by those who may see every account they rest on. They are
    never changed and never removed; withdrawn ones leave the list."""

    serializer_class = ReportedFigureSerializer
    filterset_class = ReportFilter
    search_fields = ("title", "note")
    ordering_fields = {"id": "pk", "created_at": "created_at", "as_of": "as_of", "title": "title"}
    queryset = ReportedFigure.objects.none()

    def get_queryset(self) -> QuerySet[ReportedFigure]:
        return reported.visible_figures(self.request.user)

    @cached_property
    def ledger_state(self) -> dict[str, str]:
        """Read once a request."""
        return service.state_now("default")

    @extend_schema(responses=ReportedDetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self._detail(self.get_object()))

    @extend_schema(request=NewReportSerializer, responses={201: ReportedDetailSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewReportSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        figure = reported.report(author=request.user, **form.asked())
        headers = {"Location": self.location_of(figure)}
        return Response(self._detail(figure), status=status.HTTP_201_CREATED, headers=headers)

    @extend_schema(
        description="The cohort: every legal entity behind the figures, as it was; the largest comparison first.",
        responses=ReportedAccountSerializer(many=True),
    )
    @action(detail=True, detail_parameters=PAGING_PARAMETERS | {"ordering"}, filterset_class=None)
    def accounts(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        rows = self.get_object().cohort.order_by("-comparison_amount", "account")
        wanted = request.query_params.get("ordering")
        page = self.paginate_queryset(rows.order_by(*ordering(wanted, COHORT_ORDER)) if wanted else rows) or []
        roots = ReportedAccount.objects.filter(
            figure=self.kwargs["pk"], account__in={row.root_id for row in page if row.root_id != row.account_id}
        )
        context = {**self.get_serializer_context(), "roots": set(roots.values_list("account_id", flat=True))}
        return self.get_paginated_response(ReportedAccountSerializer(page, many=True, context=context).data)

    @extend_schema(
        description="Take a report out of the list, with the reason; by its author, or by who holds that right.",
        request=WithdrawReportSerializer,
        responses=ReportedFigureSerializer,
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        figure = self.get_object()
        if not service.may_withdraw(figure, request.user):
            raise PermissionDenied(_("Somebody else reported this; only they can withdraw it."))
        form = WithdrawReportSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        service.withdraw_figure(figure, withdrawn_by=request.user, reason=form.validated_data["reason"])
        return Response(self.get_serializer(figure).data)

    def _detail(self, figure: ReportedFigure) -> Any:
        return ReportedDetailSerializer(figure, context=self.get_serializer_context()).data
