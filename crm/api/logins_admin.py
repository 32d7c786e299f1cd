"""What administrators do with log-ins beside switching them: second factors, the rule about them, locks, sessions."""

from __future__ import annotations

from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.enums import UserRole
from accounts.models import LoginLimit, LoginRule, User
from accounts.security import factors, limits, people
from accounts.security.visitors import visitor_of
from crm.api.etag import check_match, etag_of, locked_to_delete
from crm.api.filters import FilterSet, UserFilter, check_parameters
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet


class SecondFactorSerializer(serializers.ModelSerializer):
    """`name`: how the person called a passkey. Secrets are never told."""

    name = serializers.SerializerMethodField()
    type = serializers.ChoiceField(choices=[(one.value, one.label) for one in factors.FACTORS], read_only=True)

    class Meta:
        model = Authenticator
        fields = ("id", "user", "type", "name", "created_at", "last_used_at")
        read_only_fields = fields

    def get_name(self, factor: Authenticator) -> str:
        return str(factor.data.get("name", "")) if factor.type == factors.Type.WEBAUTHN else ""


class SecondFactorFilter(FilterSet):
    user = UserFilter()

    class Meta:
        model = Authenticator
        fields = {"type": ["exact"]}


@extend_schema(tags=["second-factors"])
class SecondFactorViewSet(ListedViewSet):
    """Apps and passkeys of everybody who logs in. DELETE helps who has lost one: it ends the person's sessions and tokens,
    and stands in the log of log-ins and in the trail. One's own are looked after on "Your log-in"."""

    serializer_class = SecondFactorSerializer
    filterset_class = SecondFactorFilter
    ordering_fields = {"id": "pk", "created_at": "created_at"}
    queryset = Authenticator.objects.none()

    def get_queryset(self) -> QuerySet[Authenticator]:
        return Authenticator.objects.filter(type__in=factors.FACTORS).order_by("pk")

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        by = cast(User, request.user)
        with locked_to_delete(self, request) as found:
            people.require_manageable(user=found.user, by=by)
            factors.take_factor_away(factor=found, by=by, visitor=visitor_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


class LogInRuleSerializer(StrictSerializer):
    """Which roles need a second factor. Whoever is asked and has none is signed out, and sets one up at the next log-in."""

    second_factor_roles = serializers.ListField(child=serializers.ChoiceField(choices=UserRole.choices))
    changed_at = serializers.DateTimeField(read_only=True, allow_null=True)
    changed_by = serializers.IntegerField(source="changed_by_id", read_only=True, allow_null=True)


@extend_schema(tags=["log-in-rule"])
class LogInRuleView(APIView):
    """What is asked of everybody's log-in; one object."""

    http_method_names = ["get", "put", "head"]

    @extend_schema(responses=LogInRuleSerializer)
    def get(self, request: Request) -> Response:
        check_parameters(request, ())
        data = LogInRuleSerializer(LoginRule.current()).data
        return Response(data, headers={"ETag": etag_of(data)})

    @extend_schema(request=LogInRuleSerializer, responses=LogInRuleSerializer)
    def put(self, request: Request) -> Response:
        form = LogInRuleSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        roles = sorted(set(form.validated_data["second_factor_roles"]))
        with transaction.atomic():
            check_match(request, LogInRuleSerializer(LoginRule.current(for_update=True)).data)
            rule = factors.require_of(
                roles=roles, by=cast(User, request.user), visitor=visitor_of(request), now=timezone.now()
            )
        data = LogInRuleSerializer(rule).data
        return Response(data, headers={"ETag": etag_of(data)})


class LockSerializer(serializers.Serializer):
    """`subject`: the name as typed, the address, or the key of the person whose codes are locked."""

    id = serializers.IntegerField(source="pk")
    kind = serializers.ChoiceField(choices=sorted(limits.LIMITS))
    subject = serializers.CharField()
    attempts = serializers.IntegerField()
    since = serializers.DateTimeField()
    until = serializers.SerializerMethodField()

    @extend_schema_field(serializers.DateTimeField())
    def get_until(self, row: LoginLimit) -> Any:
        until = row.since + limits.LIMITS[row.kind].span
        return serializers.DateTimeField().to_representation(until)


class LockFilter(FilterSet):
    class Meta:
        model = LoginLimit
        fields = {"kind": ["exact"], "subject": ["exact"]}


@extend_schema(tags=["log-in-locks"])
class LogInLockViewSet(ListedViewSet):
    """What is locked now after too many wrong tries. DELETE lifts a lock before its time; locks end by themselves."""

    serializer_class = LockSerializer
    filterset_class = LockFilter
    ordering_fields = {"id": "pk", "since": "since"}
    queryset = LoginLimit.objects.none()

    def get_queryset(self) -> QuerySet[LoginLimit]:
        return limits.locked_rows(now=timezone.now()).order_by("-since", "-pk")

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with locked_to_delete(self, request) as found:
            people.unlock(
                kind=found.kind, subject=found.subject, by=cast(User, request.user), visitor=visitor_of(request),
                now=timezone.now(),
            )  # fmt: skip
        return Response(status=status.HTTP_204_NO_CONTENT)
