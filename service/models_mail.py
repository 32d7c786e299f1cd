"""Mail that people send to their own address here, and what became of it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from service.enums import MailState

TOKEN_LENGTH = 26
ADDRESS_LENGTH = 320


class MailAddress(models.Model):
    """The word in the address to which one user forwards mail. It stands for them, so it is long and drawn by lot; it is
    kept as it is, because every server that hands the mail on reads it, and all it opens is adding to the log."""

    user = models.OneToOneField(
        "accounts.User", verbose_name=_("user"), on_delete=models.CASCADE, related_name="mail_address"
    )
    token = models.CharField(_("word"), max_length=TOKEN_LENGTH, unique=True)
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("mail address")
        verbose_name_plural = _("mail addresses")
        constraints = [
            models.CheckConstraint(condition=Q(token__regex=r"^[a-z2-7]{26}$"), name="mailaddress_token_is_ours"),  # noqa: S106 - a pattern
        ]

    def __str__(self) -> str:
        return f"{self.user}"


class IncomingMail(models.Model):
    """One mail that came for a user. While it waits for an account, its words and bytes are kept here; once it is logged
    or put aside, only that it came, so that it is not logged twice."""

    user = models.ForeignKey(
        "accounts.User", verbose_name=_("user"), on_delete=models.CASCADE, related_name="incoming_mails"
    )
    message_id = models.CharField(_("message id"), max_length=255)
    state = models.CharField(_("state"), max_length=8, choices=MailState)
    subject = models.CharField(_("subject"), max_length=200, blank=True)
    sender = models.CharField(_("from"), max_length=ADDRESS_LENGTH, blank=True)
    recipients = models.TextField(_("to"), blank=True)
    text = models.TextField(_("text"), blank=True, help_text=_("Its beginning."))
    stored_as = models.CharField(_("stored as"), max_length=32, blank=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"))
    interactions = models.ManyToManyField(
        "service.Interaction", verbose_name=_("interactions"), blank=True, related_name="mails"
    )

    class Meta:
        verbose_name = _("mail")
        verbose_name_plural = _("mails")
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["user", "message_id"], name="mail_once_a_user"),
            models.CheckConstraint(condition=Q(state__in=MailState.values), name="mail_state_known"),
            models.CheckConstraint(
                condition=~Q(stored_as="") ^ ~Q(state=MailState.WAITING), name="mail_kept_while_it_waits"
            ),
        ]
        indexes = [models.Index(fields=["message_id"], name="mail_message_id")]

    def __str__(self) -> str:
        return self.subject or self.message_id
