"""What is kept about one person over REST: all of it out, or all of it gone; the same rights as the pages."""

from __future__ import annotations

import json
from typing import Any, cast

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Account, User
from crm.api.filters import check_parameters
from crm.api.paging import LARGEST_KEY
from crm.api.serializers import StrictSerializer
from crm.trail.persons import MODELS, Person, account_of, erase_person, export_json, history_of, is_known, tables_about

KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=sorted(MODELS))
REASON_LENGTH = 300


class KeptSerializer(serializers.Serializer):
    model = serializers.CharField(help_text="Such as accounts.contact.")
    rows = serializers.IntegerField()
    fields = serializers.ListField(child=serializers.CharField(), help_text="Those that an erasure clears.")  # type: ignore[assignment]


class AboutPersonSerializer(serializers.Serializer):
    """What there is, in numbers."""

    person = serializers.CharField(help_text="Such as contact:12; an erasure asks for it.")
    account = serializers.IntegerField(allow_null=True)
    kept = KeptSerializer(many=True)
    changes = serializers.IntegerField(help_text="Entries of the trail about the person.")
    erasures = serializers.ListField(child=serializers.DateTimeField())


class EraseSerializer(StrictSerializer):
    """It cannot be undone. `reason` stays: who asked for it and when, without personal data."""

    reason = serializers.CharField(max_length=REASON_LENGTH)
    confirm = serializers.CharField(max_length=40, help_text="The person once more, such as contact:12.")


class ErasureSerializer(serializers.Serializer):
    """`counts`: what was cleared, by kind of place; `texts` are business texts that still hold the name, to be judged."""

    person = serializers.CharField()
    erased_at = serializers.DateTimeField()
    reason = serializers.CharField()
    counts = serializers.DictField(child=serializers.IntegerField())


def person_for(request: Request, kind: str, pk: int) -> Person:
    """Raises Http404 for nobody, and for a contact of an account that the caller may not see."""
    check_parameters(request, ())
    person = Person(kind, pk) if kind in MODELS and 0 < pk <= LARGEST_KEY else None
    if person is None or not is_known(person):
        raise Http404
    seen = Account.objects.visible_to(request.user)
    if person.kind == "contact" and not seen.filter(pk=account_of(person) or 0).exists():
        raise Http404
    return person


@extend_schema(tags=["persons"], parameters=[KIND])
class PersonView(APIView):
    """What is kept about a contact or a user, in numbers."""

    http_method_names = ["get", "head"]

    @extend_schema(responses=AboutPersonSerializer)
    def get(self, request: Request, kind: str, pk: int) -> Response:
        person = person_for(request, kind, pk)
        kept = [
            {
                "model": model._meta.label_lower,  # noqa: SLF001 - Django's public name
                "rows": model._default_manager.filter(**{about.column: person.pk}).count(),  # noqa: SLF001
                "fields": sorted(about.fields),
            }
            for model, about in tables_about(person)
        ]
        changes, erased = history_of(person)
        told = {
            "person": person.name,
            "account": account_of(person),
            "kept": kept,
            "changes": changes,
            "erasures": [one.erased_at for one in erased],
        }
        return Response(AboutPersonSerializer(told).data)


@extend_schema(tags=["persons"], parameters=[KIND])
class PersonExportView(APIView):
    """Everything that is kept about the person: own rows, rows that name them, the trail."""

    http_method_names = ["get", "head"]

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    def get(self, request: Request, kind: str, pk: int) -> Response:
        told: dict[str, Any] = json.loads(export_json(person_for(request, kind, pk)))
        return Response(told, headers={"Cache-Control": "no-store"})


@extend_schema(tags=["persons"], parameters=[KIND])
class PersonEraseView(APIView):
    """Clear all personal data of the person for good."""

    http_method_names = ["post"]

    @extend_schema(request=EraseSerializer, responses=ErasureSerializer)
    def post(self, request: Request, kind: str, pk: int) -> Response:
        person = person_for(request, kind, pk)
        form = EraseSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        if form.validated_data["confirm"] != person.name:
            raise serializers.ValidationError({"confirm": [_("Type %(person)s to confirm.") % {"person": person.name}]})
        erasure = erase_person(person, by=cast(User, request.user), reason=form.validated_data["reason"])
        return Response(ErasureSerializer(erasure).data)
