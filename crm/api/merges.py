"""Accounts that became part of another, and how to take them out again."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.merges import undo_merge
from accounts.models import Account, AccountMerge
from crm.api.fields import VisibleKeyField
from crm.api.filters import VisibleAccountFilter
from crm.api.serializers import StrictSerializer
from crm.api.views import ReadableViewSet

REASON_LENGTH = 500


class AccountMergeSerializer(serializers.ModelSerializer):
    """`moved` and `stayed`: rows by kind that went along, and that would have broken a rule there."""

    merged_code = serializers.CharField(source="merged.code", read_only=True)
    merged_name = serializers.CharField(source="merged.name", read_only=True)
    moved = serializers.SerializerMethodField()
    stayed = serializers.SerializerMethodField()

    class Meta:
        model = AccountMerge
        fields = (
            "id", "merged", "merged_code", "merged_name", "survivor", "merged_at", "by", "reason", "moved", "stayed",
            "undone_at", "undone_by",
        )  # fmt: skip
        read_only_fields = fields

    def get_moved(self, merge: AccountMerge) -> dict[str, int]:
        return {name: len(rows) for name, rows in merge.moved.items() if isinstance(rows, list)}

    def get_stayed(self, merge: AccountMerge) -> dict[str, int]:
        return {name: len(rows) for name, rows in merge.moved.get("stayed", {}).items()}


class MergeSerializer(StrictSerializer):
    into = VisibleKeyField(help_text="The account that stays.")
    reason = serializers.CharField(max_length=REASON_LENGTH)


class AccountMergeFilter(FilterSet):
    survivor = VisibleAccountFilter()

    class Meta:
        model = AccountMerge
        fields = {"merged": ["exact"], "undone_at": ["isnull"]}


@extend_schema(tags=["account-merges"])
class AccountMergeViewSet(ReadableViewSet):
    """Merges into the accounts the caller may see. A merge is made at `accounts/<id>/merge/`."""

    serializer_class = AccountMergeSerializer
    filterset_class = AccountMergeFilter
    ordering_fields = {"id": "pk", "merged_at": "merged_at"}
    queryset = AccountMerge.objects.none()

    def get_queryset(self) -> QuerySet[AccountMerge]:
        mine = Account.objects.visible_to(self.request.user)
        return AccountMerge.objects.filter(survivor__in=mine).select_related("merged")

    @extend_schema(
        request=None,
        responses=AccountMergeSerializer,
        description="Take the merged account out again; what moved goes back unless it was moved on since.",
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        merge = undo_merge(merge=self.get_object(), by=request.user)
        return Response(AccountMergeSerializer(merge).data)
