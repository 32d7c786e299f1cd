"""Accounts that may be one company, on the wire."""

from typing import Any

from rest_framework import serializers

from accounts.duplicates import similar_accounts
from accounts.models import Account, User
from crm.api.fields import VisibleKeyField
from crm.api.queries import Query
from crm.api.serializers import StrictSerializer

NAME_LENGTH = 200


class SimilarQuery(Query):
    """A name as one would enter it; Latin and short name where there are some."""

    takes_portfolio = False

    name = serializers.CharField(max_length=NAME_LENGTH)
    latin_name = serializers.CharField(max_length=NAME_LENGTH, required=False)
    short_name = serializers.CharField(max_length=NAME_LENGTH, required=False)

    def get_fields(self) -> dict[str, serializers.Field]:
        left_out = {"basis", "credit_notes", "currency"}
        return {name: field for name, field in super().get_fields().items() if name not in left_out}


class MatchSerializer(serializers.Serializer):
    """An account whose name resembles the one asked for. Where the caller may not open it, `id` and `code` are null, and
    `owner` is whom to ask."""

    id = serializers.IntegerField(allow_null=True)
    code = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    owner = serializers.CharField(allow_blank=True)
    score = serializers.FloatField(help_text="0 to 1; from 0.8 on they are shown.")


class SimilarSerializer(serializers.Serializer):
    results = MatchSerializer(many=True)


class DuplicatePairSerializer(serializers.Serializer):
    """Two accounts the caller may open. In a merge `keeps` would stay; it is the older one."""

    keeps = serializers.IntegerField(source="keeps.pk")
    keeps_code = serializers.CharField(source="keeps.code")
    keeps_name = serializers.CharField(source="keeps.name")
    merges = serializers.IntegerField(source="merges.pk")
    merges_code = serializers.CharField(source="merges.code")
    merges_name = serializers.CharField(source="merges.name")
    score = serializers.FloatField()


class DuplicatePairsSerializer(serializers.Serializer):
    results = DuplicatePairSerializer(many=True)


class DismissSerializer(StrictSerializer):
    """Two accounts that are two companies."""

    first = VisibleKeyField()
    second = VisibleKeyField()


def possible_duplicates(account: Account, viewer: User) -> list[dict[str, Any]]:
    """For a new account: others its names resemble."""
    names = [account.name, account.latin_name, account.short_name]
    return list(MatchSerializer(similar_accounts(names, viewer=viewer, but=account), many=True).data)
