"""One's own tokens and sessions, the log of log-ins, and what administrators do with the log-ins of others."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.access import Action
from accounts.enums import UserRole
from accounts.enums_logins import SessionEnd
from accounts.models import AccessToken, Invitation, LoginEvent, OrgUnit, User, UserSession
from accounts.security import factors, invitations, people, resets, sessions, tokens
from accounts.security.errors import LoginRefused
from accounts.security.links import BadAddress
from accounts.security.logins import confirm_password
from accounts.security.visitors import visitor_of
from accounts.tasks import mail_invitation_task, mail_reset_to_task
from crm.api.etag import locked_to_delete
from crm.api.filters import FilterSet, check_parameters
from crm.api.serializers import StrictSerializer
from crm.api.views import ListedViewSet
from crm.tasks import send
from crm.web.doors import site_of


def require_person(request: Request) -> User:
    """A person at a browser: a token, whatever it may, makes no tokens and ends no sessions."""
    if request.auth is not None:
        raise PermissionDenied(_("Tokens and sessions are looked after by the person, not by a token."))
    assert isinstance(request.user, User)
    return request.user


class TokenSerializer(serializers.ModelSerializer):
    """`scopes` null: all that its user may. `token_key`: how it begins."""

    created_at = serializers.DateTimeField(source="created", read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)

    class Meta:
        model = AccessToken
        fields = ("id", "name", "token_key", "scopes", "created_at", "expires_at", "last_used_at", "last_address")
        read_only_fields = fields


class NewTokenSerializer(StrictSerializer):
    """`scopes` left out: those that only look; null: all that you may. `password`: yours, if you have one."""

    name = serializers.CharField(max_length=tokens.NAME_LENGTH)
    days = serializers.IntegerField(min_value=1, max_value=3650)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=tokens.SCOPE_CHOICES), required=False, allow_null=True
    )
    password = serializers.CharField(
        required=False, write_only=True, trim_whitespace=False, max_length=4096, style={"input_type": "password"}
    )


class MadeTokenSerializer(TokenSerializer):
    """`token`: its text, in this answer and never again."""

    token = serializers.CharField(read_only=True)

    class Meta(TokenSerializer.Meta):
        fields = (*TokenSerializer.Meta.fields, "token")
        read_only_fields = fields


class TokenViewSet(ListedViewSet):
    """Tokens of one's own; a token sees itself alone. Made and revoked at a browser, never by a token."""

    serializer_class = TokenSerializer
    queryset = AccessToken.objects.none()
    ordering_fields = {"id": "pk", "name": "name", "expires_at": "expiry"}

    def get_queryset(self) -> QuerySet[AccessToken]:
        if isinstance(self.request.auth, AccessToken) and self.request.method in SAFE_METHODS:
            return AccessToken.objects.filter(pk=self.request.auth.pk)
        return AccessToken.objects.filter(user=require_person(self.request))

    @extend_schema(request=NewTokenSerializer, responses={201: MadeTokenSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """No Idempotency-Key: the answer holds a secret, which is not kept."""
        user, now = require_person(request), timezone.now()
        form = NewTokenSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        self._confirm(request, user, given.get("password", ""))
        try:
            row, text = tokens.make_token(
                user=user,
                name=given["name"],
                days=given["days"],
                scopes=given["scopes"] if "scopes" in given else tokens.preset("read"),
                now=now,
                visitor=visitor_of(request),
            )
        except tokens.TokenProblem as problem:
            raise serializers.ValidationError({problem.field: [str(problem)]}) from None
        body = {**TokenSerializer(row).data, "token": text}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})

    def _confirm(self, request: Request, user: User, password: str) -> None:
        if not user.has_usable_password():
            return
        try:
            confirm_password(user=user, password=password, visitor=visitor_of(request), now=timezone.now())
        except LoginRefused as refused:
            raise serializers.ValidationError({"password": [str(refused)]}) from None

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user = require_person(request)
        with locked_to_delete(self, request) as found:
            tokens.revoke_token(token=found, by=user, now=timezone.now(), visitor=visitor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


class SessionSerializer(serializers.ModelSerializer):
    is_this = serializers.SerializerMethodField()

    class Meta:
        model = UserSession
        fields = ("id", "started_at", "last_seen_at", "address", "agent", "is_this")
        read_only_fields = fields

    def get_is_this(self, session: UserSession) -> bool:
        return bool(session.session_key == self.context["request"].session.session_key)


class SessionViewSet(ListedViewSet):
    """Where one is logged in, for a person at a browser; DELETE signs out there."""

    serializer_class = SessionSerializer
    queryset = UserSession.objects.none()
    ordering_fields = {"id": "pk", "last_seen_at": "last_seen_at"}

    def get_queryset(self) -> QuerySet[UserSession]:
        if self.request.auth is not None and self.request.method in SAFE_METHODS:
            return UserSession.objects.none()
        return sessions.open_sessions(require_person(self.request))

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with locked_to_delete(self, request) as found:
            sessions.end_session(
                session=found, reason=SessionEnd.BY_USER, now=timezone.now(), visitor=visitor_of(request)
            )
        return Response(status=status.HTTP_204_NO_CONTENT)


class LoginEventSerializer(serializers.ModelSerializer):
    """`username` as it was typed; `actor`: who did it, where that was somebody else."""

    class Meta:
        model = LoginEvent
        fields = ("id", "at", "kind", "ok", "reason", "user", "actor", "username", "address", "agent", "detail")
        read_only_fields = fields


class LoginEventFilter(FilterSet):
    class Meta:
        model = LoginEvent
        fields = {"at": ["gte", "lt"], "kind": ["exact"], "ok": ["exact"], "reason": ["exact"]}


class LoginEventViewSet(ListedViewSet):
    """One's own lines; everybody's for those who may see users."""

    serializer_class = LoginEventSerializer
    filterset_class = LoginEventFilter
    search_fields = ("username", "user__username")
    ordering_fields = {"id": "pk", "at": "at"}
    queryset = LoginEvent.objects.none()

    def get_queryset(self) -> QuerySet[LoginEvent]:
        user = self.request.user
        rows = LoginEvent.objects.all()
        return rows if user.may(Action.USER_VIEW) else rows.filter(user=user)


class InvitationSerializer(serializers.ModelSerializer):
    class Meta:
        model = Invitation
        fields = (
            *("id", "email", "first_name", "last_name", "role", "unit", "language", "invited_by", "invited_at"),
            *("expires_at", "withdrawn_at", "used_at", "user"),
        )
        read_only_fields = fields


class NewInvitationSerializer(StrictSerializer):
    """A mail with the link is sent; the page shows the link too."""

    email = serializers.CharField(max_length=254)
    first_name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    last_name = serializers.CharField(max_length=150, required=False, allow_blank=True, default="")
    role = serializers.ChoiceField(choices=UserRole.choices)
    unit = serializers.PrimaryKeyRelatedField(queryset=OrgUnit.objects.all(), required=False, allow_null=True)
    language = serializers.CharField(max_length=10, required=False, allow_blank=True, default="")


class InvitationViewSet(ListedViewSet):
    """Who is asked in. An open invitation to the same address is replaced."""

    serializer_class = InvitationSerializer
    queryset = Invitation.objects.all()
    search_fields = ("email",)
    ordering_fields = {"id": "pk", "invited_at": "invited_at"}

    @extend_schema(request=NewInvitationSerializer, responses={201: InvitationSerializer})
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        form = NewInvitationSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            made = invitations.invite(
                **form.validated_data, by=request.user, visitor=visitor_of(request), now=timezone.now()
            )
        except BadAddress as bad:
            raise serializers.ValidationError({"email": [str(bad)]}) from None
        send(mail_invitation_task, invitation_id=made.pk, base=site_of(request))
        return Response(InvitationSerializer(made).data, status=status.HTTP_201_CREATED)

    @extend_schema(request=None, responses={200: InvitationSerializer})
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        found = self.get_object()
        invitations.withdraw(invitation=found, by=request.user, visitor=visitor_of(request), now=timezone.now())
        found.refresh_from_db()
        return Response(InvitationSerializer(found).data)


class LogInSerializer(serializers.ModelSerializer):
    """Somebody who logs in. `open_sessions`: devices that are logged in now."""

    has_second_factor = serializers.BooleanField(source="has_factor", read_only=True)
    open_sessions = serializers.IntegerField(source="sessions_open", read_only=True)

    class Meta:
        model = User
        fields = (
            *("id", "username", "first_name", "last_name", "email", "role", "is_active", "last_login"),
            *("has_second_factor", "open_sessions"),
        )
        read_only_fields = fields


class SessionOfOtherSerializer(serializers.ModelSerializer):
    class Meta:
        model = UserSession
        fields = ("id", "started_at", "last_seen_at", "address", "agent")
        read_only_fields = fields


class EndSessionSerializer(StrictSerializer):
    session = serializers.IntegerField(min_value=1, max_value=2**63 - 1, help_text="The id of one of the person's.")


class ResetSerializer(serializers.Serializer):
    """`mailed_to`: the address the link was sent to. `link`: the link itself, to be handed over, for a person at a browser
    alone; good once and for two hours."""

    mailed_to = serializers.CharField(allow_null=True)
    link = serializers.CharField(allow_null=True)


class LogInViewSet(ListedViewSet):
    """The log-ins of everybody: sign out, switch off and on, take a lost second factor away, start a new password."""

    serializer_class = LogInSerializer
    queryset = User.objects.none()
    search_fields = ("username", "first_name", "last_name", "email")
    ordering_fields = {"id": "pk", "username": "username", "last_login": "last_login"}

    def get_queryset(self) -> QuerySet[User]:
        return people.people(now=timezone.now())

    def _do(self, request: Request, act: Any) -> Response:
        found = get_object_or_404(User, pk=self.kwargs["pk"])
        act(user=found, by=request.user, visitor=visitor_of(request), now=timezone.now())
        return Response(LogInSerializer(get_object_or_404(self.get_queryset(), pk=found.pk)).data)

    @extend_schema(request=None, responses={200: LogInSerializer})
    @action(detail=True, methods=["post"], url_path="sign-out", url_name="sign_out")
    def sign_out(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._do(request, people.sign_out)

    @extend_schema(request=None, responses={200: LogInSerializer})
    @action(detail=True, methods=["post"], url_path="switch-off", url_name="switch_off")
    def switch_off(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._do(request, people.switch_off)

    @extend_schema(request=None, responses={200: LogInSerializer})
    @action(detail=True, methods=["post"], url_path="switch-on", url_name="switch_on")
    def switch_on(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self._do(request, people.switch_on)

    @extend_schema(request=None, responses={200: LogInSerializer})
    @action(detail=True, methods=["post"], url_path="remove-second-factor", url_name="remove_second_factor")
    def remove_second_factor(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        def remove(**given: Any) -> None:
            people.require_manageable(user=given["user"], by=given["by"])
            factors.remove_all_factors(**given)

        return self._do(request, remove)

    @extend_schema(request=None, responses={200: ResetSerializer})
    @action(detail=True, methods=["post"], url_path="reset-password", url_name="reset_password")
    def reset_password(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Start a new password: a token has the link mailed to the person; at a browser it is answered, and nothing is
        mailed. The old password counts until then."""
        user, now = get_object_or_404(User, pk=self.kwargs["pk"]), timezone.now()
        by_token = request.auth is not None
        if by_token:
            people.require_mailable(user)
        people.note_reset_link(user=user, by=request.user, visitor=visitor_of(request), now=now)
        if by_token:
            send(mail_reset_to_task, user_id=user.pk, base=site_of(request))
            return Response({"mailed_to": user.email, "link": None})
        link = site_of(request) + resets.link_path(user)
        return Response({"mailed_to": None, "link": link}, headers={"Cache-Control": "no-store"})

    @extend_schema(responses={200: SessionOfOtherSerializer(many=True)}, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def sessions(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Where the person is logged in now."""
        user = get_object_or_404(User, pk=self.kwargs["pk"])
        check_parameters(request, ())
        return Response(SessionOfOtherSerializer(sessions.open_sessions(user), many=True).data)

    @extend_schema(request=EndSessionSerializer, responses={204: None})
    @action(detail=True, methods=["post"], url_path="end-session", url_name="end_session")
    def end_session(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Sign the person out on one device."""
        user = get_object_or_404(User, pk=self.kwargs["pk"])
        form = EndSessionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        found = sessions.open_sessions(user).filter(pk=form.validated_data["session"]).first()
        if found is None:
            raise serializers.ValidationError({"session": [_("There is no such session any more.")]})
        people.end_session(session=found, by=request.user, visitor=visitor_of(request), now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
