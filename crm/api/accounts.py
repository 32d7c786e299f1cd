"""Accounts, the people there and the people here."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Reach
from accounts.duplicates import dismiss_pair, duplicate_pairs, similar_accounts
from accounts.enums import TeamRole
from accounts.graded import set_graded_node
from accounts.merges import merge_accounts
from accounts.models import Account, Contact, TeamMember
from accounts.querysets import AccountQuerySet
from accounts.selectors_contacts import contacts_in
from accounts.services_relations import save_contact
from accounts.signals import team_changed
from accounts.teams import change_seat
from crm.api.account_history import AccountHistorySerializer, HistoryQuery
from crm.api.answers import AccountMetricsSerializer
from crm.api.comparison import ComparisonSerializer, NightsQuery
from crm.api.duplicates import (
    DismissSerializer,
    DuplicatePairsSerializer,
    MatchSerializer,
    SimilarQuery,
    SimilarSerializer,
    possible_duplicates,
)
from crm.api.explanation import ExplanationSerializer
from crm.api.fields import UserKeyField, VisibleContactField, VisibleKeyField
from crm.api.filters import AccountFilter, UserFilter, VisibleAccountFilter, check_parameters
from crm.api.group_figures import GroupQuery, GroupSerializer, group_answer
from crm.api.groups import move_account
from crm.api.idempotency import idempotent
from crm.api.merges import AccountMergeSerializer, MergeSerializer
from crm.api.metrics_relationships import AccountRelationshipsSerializer, RelationshipDayQuery
from crm.api.plans import AccountPromisesSerializer
from crm.api.queries import AccountQuery
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import EditableViewSet
from crm.web.rights import VIEW_MARGIN
from metrics.services.account import account_metrics
from metrics.services.account_history import account_history
from metrics.services.account_relationships import account_relationships
from plans.selectors import account_promises
from tiering.comparison import compare
from tiering.explain import explain
from tiering.selectors import score_of, two_nights

STAMPS = ("created_at", "updated_at")
GRADE_FIELDS = ("grade", "underlying_grade", "grade_since", "composite", "is_watched", "graded_as_of")


class AccountSerializer(RuledSerializer):
    parent = VisibleKeyField(required=False, allow_null=True)
    parent_since = serializers.DateField(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="With a new `parent`: its first day, past or to come; null (default): it has always been so.",
    )
    dealer = VisibleKeyField(required=False, allow_null=True, help_text="The account through which this one buys.")
    referred_by = VisibleKeyField(
        required=False, allow_null=True, help_text="The account that recommended us to this one."
    )
    owner = UserKeyField(required=False, allow_null=True)
    owner_name = serializers.CharField(source="owner.display_name", read_only=True, default=None, allow_null=True)

    class Meta:
        model = Account
        fields = (
            "id",
            "code",
            "name",
            "latin_name",
            "short_name",
            "status",
            "parent",
            "parent_since",
            "dealer",
            "channel",
            "referred_by",
            "segment",
            "industry",
            "region",
            "country",
            "size",
            "need",
            "potential",
            "currency",
            "turnover",
            "turnover_currency",
            "turnover_year",
            "turnover_source",
            "owner",
            "owner_name",
            "opened_on",
            "closed_on",
            "before_data_start",
            "credit_stop_on",
            "litigation_on",
            "insolvency_on",
            *GRADE_FIELDS,
            *STAMPS,
        )
        read_only_fields = (*GRADE_FIELDS, *STAMPS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        since = {name: attrs.pop(name) for name in ("parent_since",) if name in attrs}
        return super().validate(attrs) | since

    def create(self, validated_data: dict[str, Any]) -> Account:
        """A new account stands alone until the day it is given, or belongs to its parent since ever."""
        if not validated_data.get("parent_since"):
            validated_data.pop("parent_since", None)
            return super().create(validated_data)
        moved = {name: validated_data.pop(name) for name in ("parent", "parent_since") if name in validated_data}
        account = super().create(validated_data)
        move_account(account, moved, by=self.context["request"].user)
        return account

    def update(self, instance: Account, validated_data: dict[str, Any]) -> Account:
        move_account(instance, validated_data, by=self.context["request"].user)
        return super().update(instance, validated_data)


class GradedNodeSerializer(StrictSerializer):
    is_graded_node = serializers.BooleanField()


class AddedAccountSerializer(AccountSerializer):
    """As it was stored, with the accounts that it resembles."""

    possible_duplicates = MatchSerializer(many=True, read_only=True)

    class Meta(AccountSerializer.Meta):
        fields = (*AccountSerializer.Meta.fields, "possible_duplicates")


class AccountViewSet(EditableViewSet):
    """Customers: one legal entity each, in its group where it has one. The grade is the last published night's."""

    serializer_class = AccountSerializer
    filterset_class = AccountFilter
    search_fields = ("name", "short_name", "latin_name", "code")
    ordering_fields = {
        "id": "pk",
        "name": "sort_key",
        "code": "code",
        "composite": "composite",
        "opened_on": "opened_on",
        "grade_since": "grade_since",
        "updated_at": "updated_at",
    }
    queryset = Account.objects.none()

    def get_queryset(self) -> AccountQuerySet:
        return Account.objects.visible_to(self.request.user).select_related("owner")

    def search(self, queryset: QuerySet, text: str) -> QuerySet:
        """By name, code, pinyin or initials, as on the page."""
        return queryset.search(text)

    @extend_schema(responses={201: AddedAccountSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an account. `possible_duplicates` names those that it resembles; it is added all the same."""
        return super().create(request, *args, **kwargs)

    def create_one(self, request: Request) -> Response:
        made = super().create_one(request)
        account = Account.objects.get(pk=made.data["id"])
        made.data = {**made.data, "possible_duplicates": possible_duplicates(account, request.user)}
        return made

    def perform_create(self, serializer: Any) -> Account:
        """Whoever does not see every account owns what they add, unless they name another owner."""
        user = self.request.user
        sees_all = user.reach is Reach.ALL
        return serializer.save() if sees_all or "owner" in serializer.validated_data else serializer.save(owner=user)

    @extend_schema(
        parameters=[AccountQuery],
        responses=AccountMetricsSerializer,
        description="Every figure of one account as of a day, lifetime value and the chance that it is alive with it.",
        filters=False,
    )
    @action(detail=True)
    def metrics(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        choices = AccountQuery.read(request)
        self.detail_parameters = frozenset(request.query_params)
        return Response(AccountMetricsSerializer(account_metrics(self.get_object(), **choices)).data)

    @extend_schema(
        parameters=[GroupQuery],
        responses=GroupSerializer,
        description="The account and everything below it in its group: figures of all, and by subsidiary.",
        filters=False,
    )
    @action(detail=True)
    def group(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        choices = GroupQuery.read(request)
        self.detail_parameters = frozenset(request.query_params)
        answer = group_answer(self.get_object(), viewer=request.user, choices=choices)
        return Response(GroupSerializer(answer, context={"sees_margin": request.user.has_perm(VIEW_MARGIN)}).data)

    @extend_schema(
        request=GradedNodeSerializer,
        responses=AccountSerializer,
        description="Let the account carry the grade that everything below it is served by, or no more. One account on the"
        " way from the top of a group to the bottom does.",
        filters=False,
    )
    @action(detail=True, methods=["post"], url_path="graded-node", url_name="graded_node")
    @idempotent()
    def graded_node(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        account = self.get_object()
        sent = GradedNodeSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        return self.tagged(set_graded_node(account=account, is_graded=sent.validated_data["is_graded_node"]))

    @extend_schema(
        parameters=[SimilarQuery],
        responses=SimilarSerializer,
        description="Accounts of the whole company whose names resemble one, in Chinese or Latin letters; those that the"
        " caller may not open by name and owner alone.",
        filters=False,
    )
    @action(detail=False, filter_backends=[], pagination_class=None)
    def similar(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = similar_accounts(SimilarQuery.read(request).values(), viewer=request.user)
        return Response(SimilarSerializer({"results": found}).data)

    @extend_schema(
        responses=DuplicatePairsSerializer,
        description="Pairs among the accounts the caller sees that may be one company, the most alike first, 200 at most.",
        filters=False,
    )
    @action(detail=False, filter_backends=[], pagination_class=None)
    def duplicates(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        check_parameters(request, ())
        found = duplicate_pairs(Account.objects.visible_to(request.user))
        return Response(DuplicatePairsSerializer({"results": found}).data)

    @extend_schema(
        request=DismissSerializer,
        responses={204: None},
        description="The two are two companies: the pair is listed no more.",
        filters=False,
    )
    @action(detail=False, methods=["post"], url_path="duplicates/dismiss", url_name="dismiss", pagination_class=None)
    @idempotent()
    def dismiss_duplicate(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        sent = DismissSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        one, other = sent.validated_data["first"], sent.validated_data["second"]
        if one == other:
            raise serializers.ValidationError({"second": [_("Name two accounts.")]})
        dismiss_pair(one=one, other=other, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        request=MergeSerializer,
        responses={201: AccountMergeSerializer},
        description="Make this account part of another: its records count there, what hangs on it moves there.",
        filters=False,
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def merge(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        account = self.get_object()
        sent = MergeSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        merge = merge_accounts(
            merged=account, into=sent.validated_data["into"], by=request.user, reason=sent.validated_data["reason"]
        )
        return Response(AccountMergeSerializer(merge).data, status=status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[HistoryQuery],
        responses=AccountHistorySerializer,
        description="What one account has brought, year by year and over its whole life, with interest where asked for.",
        filters=False,
    )
    @action(detail=True)
    def history(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        choices = HistoryQuery.read(request)
        self.detail_parameters = frozenset(request.query_params)
        return Response(AccountHistorySerializer(account_history(self.get_object(), **choices)).data)

    @extend_schema(
        responses=AccountPromisesSerializer,
        description="What the account is promised by the policy of its grade, what it was given, and by when the next is due.",
        filters=False,
    )
    @action(detail=True)
    def promises(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(AccountPromisesSerializer(account_promises(self.get_object())).data)

    @extend_schema(
        parameters=[RelationshipDayQuery],
        responses=AccountRelationshipsSerializer,
        description="The three layers of the relationships with one account: who decides, whom we know, how close we are.",
        filters=False,
    )
    @action(detail=True)
    def relationships(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        chosen = RelationshipDayQuery.read(request)
        self.detail_parameters = frozenset(request.query_params)
        as_of = chosen.get("as_of") or timezone.localdate()
        found = account_relationships(self.get_object(), as_of=as_of, reader=request.user)
        return Response(AccountRelationshipsSerializer(found).data)

    @extend_schema(
        responses=ExplanationSerializer,
        description="Why the account has its grade: score, contributions, conditions, and what the next grade lacks.",
        filters=False,
    )
    @action(detail=True)
    def tiering(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        score = score_of(self.get_object())
        if score is None:
            raise NotFound(_("No night has graded this account yet."))
        return Response(ExplanationSerializer(explain(score)).data)

    @extend_schema(
        parameters=[NightsQuery],
        responses=ComparisonSerializer,
        description="What changed between two published nights; differences of points sum to that of the scores.",
        filters=False,
    )
    @action(detail=True, url_path="tiering/compare", url_name="tiering_compare")
    def tiering_compare(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        chosen = NightsQuery.read(request)
        self.detail_parameters = frozenset(request.query_params)
        found = two_nights(self.get_object(), first=chosen.get("from"), second=chosen.get("to"))
        if found is None:
            raise NotFound(_("No such night has graded this account; `scores/?account=` lists those that have."))
        return Response(ComparisonSerializer(compare(explain(found[0]), explain(found[1]))).data)


class ContactSerializer(RuledSerializer):
    """Attitudes are kept in a log (`attitude-notes/`), of which a contact shows the last entry. `department_kind` is read
    from the name of the department where it is not given."""

    account = VisibleKeyField()
    reports_to = VisibleContactField(required=False, allow_null=True, help_text="Of the same account or group.")

    class Meta:
        model = Contact
        fields = (
            "id",
            "account",
            "name",
            "title",
            "department",
            "department_kind",
            "level",
            "reports_to",
            "email",
            "phone",
            "is_primary",
            "is_active",
            "is_decision_maker",
            "attitude",
            "attitude_since",
            "notes",
            *STAMPS,
        )
        read_only_fields = STAMPS

    def create(self, validated_data: dict[str, Any]) -> Contact:
        return self._save(Contact(account=validated_data.pop("account")), validated_data)

    def update(self, instance: Contact, validated_data: dict[str, Any]) -> Contact:
        instance.account = validated_data.pop("account", instance.account)
        return self._save(instance, validated_data)

    def _save(self, contact: Contact, fields: dict[str, Any]) -> Contact:
        return save_contact(contact=contact, by=self.context["request"].user, today=timezone.localdate(), **fields)


class ContactFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = Contact
        fields = [
            *("is_primary", "is_active", "is_decision_maker", "attitude", "department", "department_kind", "level"),
        ]


class ContactViewSet(EditableViewSet):
    """People at the customer."""

    serializer_class = ContactSerializer
    filterset_class = ContactFilter
    search_fields = ("name", "title", "department", "email")
    ordering_fields = {"id": "pk", "name": "name", "account": "account_id", "updated_at": "updated_at"}
    queryset = Contact.objects.none()

    def get_queryset(self) -> QuerySet[Contact]:
        return contacts_in(Account.objects.visible_to(self.request.user), reader=self.request.user)


class TeamMemberSerializer(RuledSerializer):
    account = VisibleKeyField()
    user = UserKeyField()
    user_name = serializers.CharField(source="user.display_name", read_only=True)

    class Meta:
        model = TeamMember
        fields = ("id", "account", "user", "user_name", "role", "is_deputy", "valid_from", "valid_to", *STAMPS)
        read_only_fields = STAMPS


class TeamMemberFilter(FilterSet):
    account = VisibleAccountFilter()
    user = UserFilter()

    class Meta:
        model = TeamMember
        fields = {
            "role": ["exact"],
            "is_deputy": ["exact"],
            "valid_from": ["exact", "gte", "lte"],
            "valid_to": ["exact", "gte", "lte", "isnull"],
        }


class SeatChangeSerializer(StrictSerializer):
    """Who holds the seat from a day on; null leaves it empty. Whoever holds it on that day holds it until then."""

    account = VisibleKeyField()
    role = serializers.ChoiceField(choices=TeamRole.choices)
    user = UserKeyField(allow_null=True)
    on = serializers.DateField(required=False, help_text="First day; today unless given.")


@extend_schema(tags=["team-members"])
class TeamMemberViewSet(EditableViewSet):
    """Who of us holds which seat on an account or is a deputy there, from a day on, until a day (exclusive; null: still)."""

    serializer_class = TeamMemberSerializer
    filterset_class = TeamMemberFilter
    ordering_fields = {"id": "pk", "account": "account_id", "valid_from": "valid_from", "valid_to": "valid_to"}
    queryset = TeamMember.objects.none()

    def get_queryset(self) -> QuerySet[TeamMember]:
        mine = Account.objects.visible_to(self.request.user)
        return TeamMember.objects.filter(account__in=mine).select_related("user")

    def perform_create(self, serializer: Any) -> TeamMember:
        return self._announced(serializer.save())

    def perform_update(self, serializer: Any) -> None:
        before = serializer.instance.account_id
        self._announced(serializer.save(), before)

    def perform_destroy(self, instance: TeamMember) -> None:
        instance.delete()
        self._announced(instance)

    def _announced(self, member: TeamMember, *also: int) -> TeamMember:
        team_changed.send(sender=TeamMember, account_ids=sorted({member.account_id, *also}))
        return member

    @extend_schema(request=SeatChangeSerializer, responses={200: TeamMemberSerializer, 204: None}, filters=False)
    @action(detail=False, methods=["post"], url_path="change-seat", url_name="change_seat", pagination_class=None)
    @idempotent()
    def change_seat(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Give a seat to somebody else from a day on, in one step; 204 where it is left empty."""
        form = SeatChangeSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        made = change_seat(**{"on": timezone.localdate(), **form.validated_data})
        return Response(status=status.HTTP_204_NO_CONTENT) if made is None else self.tagged(made)
