"""What becomes of customers of low value, on the wire."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.idempotency import idempotent
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from tiering.enums import BandVerdict
from tiering.models import BandDecision
from tiering.models_overrides import TEXT_LENGTH
from tiering.selectors_bands import decisions_in_view
from tiering.services_bands import decide_band


class BandDecisionSerializer(serializers.ModelSerializer):
    """`review_on`: the day from which on it is to be looked at again. The newest decision of an account counts."""

    decided_by = serializers.CharField(source="decided_by.username", read_only=True)

    class Meta:
        model = BandDecision
        fields = ("id", "account", "verdict", "text", "review_on", "decided_by", "decided_on", "decided_at")
        read_only_fields = fields


class NewBandDecisionSerializer(StrictSerializer):
    account = VisibleKeyField()
    verdict = serializers.ChoiceField(choices=BandVerdict.choices)
    text = serializers.CharField(max_length=TEXT_LENGTH)
    review_on = serializers.DateField(help_text="After today, within two years.")


class BandDecisionFilter(FilterSet):
    account = VisibleAccountFilter()

    class Meta:
        model = BandDecision
        fields = {"verdict": ["exact"], "review_on": ["lte", "gte"], "decided_on": ["lte", "gte"]}


class BandDecisionViewSet(ListedViewSet):
    """Customers of low value that were kept, are to be improved, or ended: by whom, why, and when it is looked at again."""

    serializer_class = BandDecisionSerializer
    filterset_class = BandDecisionFilter
    ordering_fields = {"id": "pk", "review_on": "review_on", "decided_on": "decided_on"}
    queryset = BandDecision.objects.none()

    def get_queryset(self) -> QuerySet[BandDecision]:
        return decisions_in_view(Account.objects.visible_to(self.request.user))

    @extend_schema(responses=BandDecisionSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(request=NewBandDecisionSerializer, responses={201: BandDecisionSerializer})
    @idempotent()
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewBandDecisionSerializer(data=request.data, context=self.get_serializer_context())
        form.is_valid(raise_exception=True)
        made = decide_band(decided_by=request.user, decided_on=timezone.localdate(), **form.validated_data)
        headers = {"Location": self.location_of(made)}
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED, headers=headers)
