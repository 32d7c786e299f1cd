"""Links between accounts and their types, on the wire."""

from typing import Any

from django.db.models import QuerySet, prefetch_related_objects
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.links import end_link, link_accounts, visible_links
from accounts.models import Account, AccountLink, AccountLinkType
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import RuledSerializer, StrictSerializer
from crm.api.views import ReadableViewSet
from crm.lib.wall import beyond_the_wall


class AccountLinkTypeSerializer(RuledSerializer):
    """`source <forward> target` and `target <backward> source`. `follows`: the field of the target that names its source of
    today."""

    class Meta:
        model = AccountLinkType
        fields = ("id", "key", "forward", "backward", "is_mutual", "is_active", "follows")
        read_only_fields = ("follows",)


@extend_schema(tags=["account-link-types"])
class AccountLinkTypeViewSet(mixins.CreateModelMixin, ReadableViewSet):
    """What accounts can be to each other; own types are added here."""

    serializer_class = AccountLinkTypeSerializer
    filterset_fields = ["key", "is_active"]
    ordering_fields = {"id": "pk", "key": "key"}
    queryset = AccountLinkType.objects.all()

    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().create(request, *args, **kwargs)


class AccountLinkSerializer(serializers.ModelSerializer):
    """One end is an account the caller may open; of another that they may not, the key is null and the name is there."""

    type = serializers.SlugRelatedField(slug_field="key", read_only=True)
    source = serializers.SerializerMethodField()
    target = serializers.SerializerMethodField()
    source_name = serializers.CharField(source="source.name", read_only=True)
    target_name = serializers.CharField(source="target.name", read_only=True)

    class Meta:
        model = AccountLink
        fields = (
            *("id", "type", "source", "source_name", "target", "target_name", "valid_from", "valid_to", "note"),
            *("created_by", "created_at", "updated_at"),
        )
        read_only_fields = fields

    def get_source(self, link: AccountLink) -> int | None:
        return link.source_id if self._sees(link.source_id) else None

    def get_target(self, link: AccountLink) -> int | None:
        return link.target_id if self._sees(link.target_id) else None

    def _sees(self, pk: int) -> bool:
        """Asked once for all rows of an answer."""
        seen = self.context.get("seen_ends")
        if seen is None:
            rows = self.parent.instance if self.parent is not None else [self.instance]
            ids = {end for row in rows for end in (row.source_id, row.target_id)}
            mine = Account.objects.visible_to(self.context["request"].user).filter(pk__in=ids)
            seen = self.context["seen_ends"] = set(mine.values_list("pk", flat=True))
        return pk in seen


class NewLinkSerializer(StrictSerializer):
    """`source <forward> target`, from `valid_from` on until `valid_to` (exclusive)."""

    type = serializers.SlugRelatedField(slug_field="key", queryset=AccountLinkType.objects.filter(is_active=True))
    source = VisibleKeyField()
    target = VisibleKeyField()
    valid_from = serializers.DateField(required=False, allow_null=True)
    valid_to = serializers.DateField(required=False, allow_null=True)
    note = serializers.CharField(max_length=200, required=False, allow_blank=True)


OTHER_END = "the other end of a link is told by its name to whoever may open this one"


class EndLinkSerializer(StrictSerializer):
    on = serializers.DateField(help_text="First day no longer so.")


class AccountLinkFilter(FilterSet):
    source = VisibleAccountFilter()
    target = VisibleAccountFilter()

    class Meta:
        model = AccountLink
        fields = {"type__key": ["exact"], "valid_from": ["gte", "lte", "isnull"], "valid_to": ["gte", "lte", "isnull"]}


@extend_schema(tags=["account-links"])
class AccountLinkViewSet(ReadableViewSet):
    """Dealer of, recommended us to, competes with, supplies, same owner, and own types: links of accounts the caller sees.
    Those of the types `dealer` and `refers` are the history of `dealer` and `referred_by` of the account, and change them."""

    serializer_class = AccountLinkSerializer
    filterset_class = AccountLinkFilter
    ordering_fields = {"id": "pk", "valid_from": "valid_from", "valid_to": "valid_to"}
    queryset = AccountLink.objects.none()

    def get_queryset(self) -> QuerySet[AccountLink]:
        return visible_links(self.request.user).select_related("type")

    @beyond_the_wall(OTHER_END)
    def paginate_queryset(self, queryset: QuerySet[AccountLink]) -> Any:
        return super().paginate_queryset(queryset.select_related("source", "target"))

    @beyond_the_wall(OTHER_END)
    def get_object(self) -> AccountLink:
        link: AccountLink = super().get_object()
        prefetch_related_objects([link], "source", "target")
        return link

    @extend_schema(request=NewLinkSerializer, responses={201: AccountLinkSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        sent = NewLinkSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        given = sent.validated_data
        made = link_accounts(
            type=given["type"], source=given["source"], target=given["target"], since=given.get("valid_from"),
            until=given.get("valid_to"), note=given.get("note", ""), by=request.user,
        )  # fmt: skip
        return self.tagged(made, code=status.HTTP_201_CREATED, Location=self.location_of(made))

    @extend_schema(
        request=EndLinkSerializer, responses=AccountLinkSerializer, description="It holds until before a day."
    )
    @action(detail=True, methods=["post"])
    @idempotent()
    def end(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        link = self.get_object()
        sent = EndLinkSerializer(data=request.data, context=self.get_serializer_context())
        sent.is_valid(raise_exception=True)
        ended = end_link(link=link, on=sent.validated_data["on"], by=request.user)
        with beyond_the_wall(OTHER_END):
            return self.tagged(ended)
