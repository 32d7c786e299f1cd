"""What people think of an account: ratings from 1 to 5 and estimates of its wallet.

Everybody speaks in their own name; those who administer users may enter, change and remove what others said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request

from accounts.enums import EvaluatorFunction, RatingIndicator
from accounts.imports.lists import ListResult
from accounts.imports.opinions import Sender, post_ratings, post_wallets
from accounts.models import Account, Rating, RatingAnchor, User, WalletEstimate
from accounts.services import rating_expiry, record_rating, record_wallet_estimate, wallet_expiry
from crm.api.accounts import STAMPS
from crm.api.fields import UserKeyField, VisibleKeyField
from crm.api.filters import UserFilter, VisibleAccountFilter
from crm.api.lists import ListedCreateViewSet, ListRowSerializer, replaced, takes_lists
from crm.api.serializers import RuledSerializer
from crm.api.views import ReadableViewSet
from crm.web.rights import may_speak_for_others
from metrics.selectors import default_as_of


class OpinionSerializer(RuledSerializer):
    """``speaker`` names the field of the person, ``dated`` the day; both are filled where they are left out."""

    speaker: str
    dated: str
    account = VisibleKeyField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        user = self.context["request"].user
        named = attrs.get(self.speaker)
        if named is not None and named != user and not may_speak_for_others(user):
            raise serializers.ValidationError({self.speaker: [_("You can only speak in your own name.")]})
        if self.instance is None:
            attrs.setdefault(self.speaker, user)
            attrs.setdefault(self.dated, default_as_of())
            attrs.setdefault("expires_on", self.expiry(attrs))
        return super().validate(attrs)

    def expiry(self, attrs: dict[str, Any]) -> Any:
        raise NotImplementedError


class OpinionViewSet(ListedCreateViewSet):
    """``speaker`` of a row is a user's key; left out, it is the caller."""

    def named(self, request: Request, rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Rows with the names of their speakers and with a day."""
        speaker, dated = self.serializer_class.speaker, self.serializer_class.dated
        keys = {row[speaker] for row in rows if row.get(speaker) is not None}
        found = replaced(rows, speaker, User.objects.filter(is_active=True, pk__in=keys), "username")
        as_of = default_as_of()
        return [{**row, dated: row.get(dated) or as_of} for row in found]

    def sender(self, request: Request) -> Sender:
        return Sender(Account.objects.visible_to(request.user), request.user, may_speak_for_others(request.user))

    def check_object_permissions(self, request: Request, instance: Model) -> None:
        """Others' opinions can be read, not changed."""
        super().check_object_permissions(request, instance)
        reading = request.method in {"GET", "HEAD"}
        speaker = getattr(instance, f"{self.serializer_class.speaker}_id")
        if not reading and speaker != request.user.pk and not may_speak_for_others(request.user):
            raise PermissionDenied(_("Somebody else said this; only they can change it."))


class RatingSerializer(OpinionSerializer):
    speaker, dated = "evaluator", "rated_on"
    evaluator = UserKeyField(required=False)
    evaluator_name = serializers.CharField(source="evaluator.display_name", read_only=True)

    class Meta:
        model = Rating
        fields = (
            "id",
            "account",
            "indicator",
            "score",
            "evaluator",
            "evaluator_name",
            "function",
            "rated_on",
            "expires_on",
            "evidence",
            *STAMPS,
        )
        read_only_fields = STAMPS
        extra_kwargs = {"rated_on": {"required": False}, "expires_on": {"required": False}}

    def expiry(self, attrs: dict[str, Any]) -> Any:
        return rating_expiry(indicator=attrs["indicator"], rated_on=attrs["rated_on"])

    def create(self, validated_data: dict[str, Any]) -> Rating:
        return record_rating(**validated_data)


class RatingFilter(FilterSet):
    account = VisibleAccountFilter()
    evaluator = UserFilter()

    class Meta:
        model = Rating
        fields = {
            "indicator": ["exact"],
            "function": ["exact"],
            "rated_on": ["exact", "gte", "lte"],
            "expires_on": ["exact", "gt", "lte"],
        }


class RatingRowSerializer(ListRowSerializer):
    """One rating of an array."""

    indicator = serializers.ChoiceField(choices=RatingIndicator.choices)
    score = serializers.IntegerField()
    evaluator = serializers.IntegerField(required=False, help_text="The caller, where it is left out.")
    function = serializers.ChoiceField(choices=EvaluatorFunction.choices)
    rated_on = serializers.DateField(required=False)
    expires_on = serializers.DateField(required=False)
    evidence = serializers.CharField(required=False, allow_blank=True, max_length=2_000)


@extend_schema_view(create=takes_lists(name="Rating", single=RatingSerializer, row=RatingRowSerializer))
class RatingViewSet(OpinionViewSet):
    """Ratings from 1 to 5. Without a day they are dated as the figures are; they expire after 12 months, L5 after 6."""

    serializer_class = RatingSerializer
    row_serializer = RatingRowSerializer
    filterset_class = RatingFilter
    ordering_fields = {"id": "pk", "rated_on": "rated_on", "expires_on": "expires_on", "score": "score"}
    queryset = Rating.objects.none()

    def post_rows(self, request: Request, rows: Sequence[Mapping[str, Any]]) -> ListResult:
        return post_ratings(rows=self.named(request, rows), sender=self.sender(request))

    def get_queryset(self) -> QuerySet[Rating]:
        mine = Account.objects.visible_to(self.request.user)
        return Rating.objects.filter(account__in=mine).select_related("evaluator")


class WalletEstimateSerializer(OpinionSerializer):
    speaker, dated = "author", "estimated_on"
    author = UserKeyField(required=False)
    author_name = serializers.CharField(source="author.display_name", read_only=True)

    class Meta:
        model = WalletEstimate
        fields = (
            "id",
            "account",
            "amount",
            "currency",
            "source",
            "author",
            "author_name",
            "estimated_on",
            "expires_on",
            *STAMPS,
        )
        read_only_fields = STAMPS
        extra_kwargs = {"estimated_on": {"required": False}, "expires_on": {"required": False}}

    def expiry(self, attrs: dict[str, Any]) -> Any:
        return wallet_expiry(estimated_on=attrs["estimated_on"])

    def create(self, validated_data: dict[str, Any]) -> WalletEstimate:
        return record_wallet_estimate(**validated_data)


class WalletEstimateFilter(FilterSet):
    account = VisibleAccountFilter()
    author = UserFilter()

    class Meta:
        model = WalletEstimate
        fields = {
            "currency": ["exact"],
            "estimated_on": ["exact", "gte", "lte"],
            "expires_on": ["exact", "gt", "lte"],
        }


class WalletRowSerializer(ListRowSerializer):
    """One wallet estimate of an array."""

    amount = serializers.DecimalField(19, 4)
    currency = serializers.RegexField(r"^[A-Z]{3}$")
    source = serializers.CharField(max_length=200)
    author = serializers.IntegerField(required=False, help_text="The caller, where it is left out.")
    estimated_on = serializers.DateField(required=False)
    expires_on = serializers.DateField(required=False)


@extend_schema_view(create=takes_lists(name="WalletEstimate", single=WalletEstimateSerializer, row=WalletRowSerializer))
class WalletEstimateViewSet(OpinionViewSet):
    """What an account spends a year in our category, as somebody estimated it; good for 12 months."""

    serializer_class = WalletEstimateSerializer
    row_serializer = WalletRowSerializer
    filterset_class = WalletEstimateFilter
    ordering_fields = {"id": "pk", "estimated_on": "estimated_on", "amount": "amount"}
    queryset = WalletEstimate.objects.none()

    def post_rows(self, request: Request, rows: Sequence[Mapping[str, Any]]) -> ListResult:
        return post_wallets(rows=self.named(request, rows), sender=self.sender(request))

    def get_queryset(self) -> QuerySet[WalletEstimate]:
        mine = Account.objects.visible_to(self.request.user)
        return WalletEstimate.objects.filter(account__in=mine).select_related("author")


class RatingAnchorSerializer(serializers.ModelSerializer):
    """What one level of an indicator means. `text` is in the language of the request."""

    text = serializers.CharField(read_only=True)

    class Meta:
        model = RatingAnchor
        fields = ("id", "indicator", "level", "text", "text_en", "text_zh_hans", "text_zh_hant", *STAMPS)
        read_only_fields = fields


class RatingAnchorFilter(FilterSet):
    class Meta:
        model = RatingAnchor
        fields = {"indicator": ["exact"], "level": ["exact"]}


class RatingAnchorViewSet(ReadableViewSet):
    """The written anchors by which people rate; they are edited in the administration."""

    serializer_class = RatingAnchorSerializer
    filterset_class = RatingAnchorFilter
    ordering_fields = {"id": "pk", "indicator": "indicator", "level": "level"}
    queryset = RatingAnchor.objects.all()
