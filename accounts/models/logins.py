"""How people come in: sessions, tokens, what was tried, and how often it may be."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken, AuthTokenManager
from knox.settings import CONSTANTS

from accounts.enums import UserRole
from accounts.enums_logins import LoginEventKind, LoginReason, SessionEnd

AGENT_LENGTH = 300


class LoginEvent(models.Model):
    """One line of the log of log-ins. Lines are added, never edited."""

    at = models.DateTimeField(_("at"))
    kind = models.CharField(_("what"), max_length=20, choices=LoginEventKind)
    ok = models.BooleanField(_("succeeded"))
    reason = models.CharField(_("reason"), max_length=20, choices=LoginReason, blank=True)
    user = models.ForeignKey(
        "accounts.User", verbose_name=_("user"), null=True, on_delete=models.SET_NULL, related_name="login_events"
    )
    actor = models.ForeignKey(
        "accounts.User",
        verbose_name=_("done by"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Empty where the user did it."),
    )
    username = models.CharField(_("name as typed"), max_length=254, blank=True)
    address = models.GenericIPAddressField(_("address"), null=True)
    agent = models.CharField(_("device"), max_length=AGENT_LENGTH, blank=True)
    detail = models.CharField(_("detail"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("log of log-ins")
        verbose_name_plural = _("log of log-ins")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["-at", "-id"], name="loginevent_latest"),
            models.Index(fields=["user", "-at"], name="loginevent_of_user"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=LoginEventKind.values), name="loginevent_kind_known"),
            models.CheckConstraint(condition=Q(reason__in=["", *LoginReason.values]), name="loginevent_reason_known"),
            models.CheckConstraint(condition=Q(ok=False) | Q(reason=""), name="loginevent_reason_of_refusals"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.get_kind_display()}"


class LoginLimit(models.Model):
    """How many tries were begun for a name, from an address or with a code since the window opened.

    Written by one statement that counts and answers at once (accounts.security.limits), so that no two tries share a
    number.
    """

    kind = models.CharField(_("kind"), max_length=10)
    subject = models.CharField(_("of"), max_length=254)
    attempts = models.IntegerField(_("tries"))
    since = models.DateTimeField(_("since"))

    class Meta:
        verbose_name = _("limit of log-ins")
        verbose_name_plural = _("limits of log-ins")
        ordering = ["kind", "subject"]
        constraints = [models.UniqueConstraint(fields=["kind", "subject"], name="loginlimit_one_a_subject")]

    def __str__(self) -> str:
        return f"{self.kind}: {self.subject}"


class UserSession(models.Model):
    """A device that is logged in, or was."""

    session_key = models.CharField(max_length=40, unique=True, editable=False)
    user = models.ForeignKey(
        "accounts.User", verbose_name=_("user"), on_delete=models.CASCADE, related_name="login_sessions"
    )
    auth_version = models.PositiveIntegerField(editable=False)
    started_at = models.DateTimeField(_("since"))
    last_seen_at = models.DateTimeField(_("last seen"))
    address = models.GenericIPAddressField(_("address"), null=True)
    agent = models.CharField(_("device"), max_length=AGENT_LENGTH, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True)
    ended_reason = models.CharField(_("ended because"), max_length=10, choices=SessionEnd, blank=True)

    class Meta:
        verbose_name = _("session")
        verbose_name_plural = _("sessions")
        ordering = ["-last_seen_at", "-pk"]
        indexes = [
            models.Index(fields=["user", "-last_seen_at"], condition=Q(ended_at=None), name="usersession_open"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(last_seen_at__gte=F("started_at")), name="usersession_seen_after_start"),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_reason="") | (~Q(ended_at=None) & ~Q(ended_reason="")),
                name="usersession_ended_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}: {self.address}"


class AccessTokenManager(AuthTokenManager):
    def create(self, user: Any, *args: Any, **fields: Any) -> Any:
        """Knox's: returns the row and the token's text. It is good under the user's present number alone."""
        return super().create(user, *args, **{"auth_version": user.auth_version, "name": "API", **fields})


class AccessToken(AbstractAuthToken):
    """A program's way in: the database holds the digest, the token itself was shown once.

    Knox's fields are ``digest``, ``token_key`` (the first characters), ``user``, ``created`` and ``expiry``.
    """

    id = models.BigAutoField(primary_key=True)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True, editable=False)
    expiry = models.DateTimeField(_("expires"))
    name = models.CharField(_("name"), max_length=80)
    scopes = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("scopes"),
        null=True,
        blank=True,
        help_text=_("What the token may do of what its user may; empty: all of it."),
    )
    auth_version = models.PositiveIntegerField(editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)
    last_address = models.GenericIPAddressField(_("from"), null=True, editable=False)

    objects = AccessTokenManager()

    class Meta:
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")
        ordering = ["-created", "-pk"]
        constraints = [
            # Which scopes there are says accounts.access, which grows; a token none of whose scopes is left may nothing.
            models.CheckConstraint(
                condition=Q(scopes__isnull=True) | Q(scopes__len__gt=0), name="accesstoken_some_scope"
            ),
            models.CheckConstraint(condition=~Q(name=""), name="accesstoken_named"),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.token_key}…)"


class LoginRule(models.Model):
    """One row: what the administrators ask of everybody's log-in."""

    id = models.SmallIntegerField(primary_key=True, default=1, editable=False)
    second_factor_roles = ArrayField(
        models.CharField(max_length=13, choices=UserRole),
        verbose_name=_("roles that need a second factor"),
        default=list,
        blank=True,
    )
    changed_at = models.DateTimeField(_("changed at"), null=True, editable=False)
    changed_by = models.ForeignKey(
        "accounts.User", verbose_name=_("changed by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        verbose_name = _("rule of log-ins")
        verbose_name_plural = _("rules of log-ins")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="loginrule_one_row")]

    def __str__(self) -> str:
        return ", ".join(self.second_factor_roles)

    @classmethod
    def current(cls, *, for_update: bool = False) -> Self:
        """The row, or what holds until there is one."""
        if for_update:
            cls.objects.get_or_create(pk=1)
            return cls.objects.select_for_update().get(pk=1)
        return cls.objects.filter(pk=1).first() or cls()


class Invitation(models.Model):
    """Somebody is asked in. The link is signed and holds ``nonce``; it is good once."""

    email = models.EmailField(_("e-mail"))
    first_name = models.CharField(_("first name"), max_length=150, blank=True)
    last_name = models.CharField(_("last name"), max_length=150, blank=True)
    role = models.CharField(_("role"), max_length=13, choices=UserRole, default=UserRole.MEMBER)
    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    unit = models.ForeignKey(
        "accounts.OrgUnit", verbose_name=_("unit"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    nonce = models.CharField(max_length=32, unique=True, editable=False)
    invited_by = models.ForeignKey(
        "accounts.User", verbose_name=_("invited by"), on_delete=models.PROTECT, related_name="invitations"
    )
    invited_at = models.DateTimeField(_("invited at"))
    expires_at = models.DateTimeField(_("expires"))
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True, editable=False)
    used_at = models.DateTimeField(_("used at"), null=True, blank=True, editable=False)
    user = models.OneToOneField(
        "accounts.User",
        verbose_name=_("user"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="invitation",
    )

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-invited_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=UserRole.values), name="invitation_role_known"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("invited_at")), name="invitation_ends_after_start"),
            models.CheckConstraint(
                condition=Q(used_at=None) | Q(withdrawn_at=None), name="invitation_used_or_withdrawn"
            ),
            # PostgreSQL compares without regard to capitals through Upper; one open invitation an address.
            models.UniqueConstraint(
                Lower("email"), condition=Q(used_at=None, withdrawn_at=None), name="invitation_one_open_an_address"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    def is_open(self, now: datetime) -> bool:
        return self.used_at is None and self.withdrawn_at is None and self.expires_at > now
