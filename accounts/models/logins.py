"""How people come in: sessions, tokens, what was tried, and how often it may be."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

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
