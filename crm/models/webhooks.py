"""Where other systems want to be told, and every message to them with what became of it."""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import TimeStamped


class WebhookEvent(models.TextChoices):
    """What can be told. The values are promises."""

    GRADES_CHANGED = "grades.changed", _("Grades changed")
    IMPORT_FINISHED = "import.finished", _("Import finished")
    IMPORT_WITHDRAWN = "import.withdrawn", _("Import withdrawn")
    PING = "ping", _("Trial message")


# Those that happen by themselves; a ping is sent by hand.
SUBSCRIBED = (WebhookEvent.GRADES_CHANGED, WebhookEvent.IMPORT_FINISHED, WebhookEvent.IMPORT_WITHDRAWN)


class DeliveryState(models.TextChoices):
    WAITING = "waiting", _("Waiting")
    DELIVERED = "delivered", _("Delivered")
    FAILED = "failed", _("Failed")


class WebhookEndpoint(TimeStamped):
    """An address that is told what happens, over the accounts that its owner may see."""

    name = models.CharField(_("name"), max_length=80)
    url = models.CharField(_("address"), max_length=500)
    events = ArrayField(models.CharField(max_length=30, choices=WebhookEvent), verbose_name=_("told of"))
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="webhooks",
        help_text=_("Messages hold the accounts this person may see; they stop when the person is deactivated."),
    )
    sealed_secret = models.TextField(help_text="The signing secret, encrypted by a key derived from SECRET_KEY.")
    is_active = models.BooleanField(_("active"), default=True)
    stopped_because = models.CharField(_("stopped because"), max_length=200, blank=True)
    since = models.DateTimeField(_("told since"), help_text=_("What happened before is not told."))

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ["name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="webhook_name_once", violation_error_message=_("Another webhook has this name.")
            ),
            models.CheckConstraint(condition=~Q(name="") & ~Q(url=""), name="webhook_name_and_address_given"),
            models.CheckConstraint(condition=Q(events__len__gt=0), name="webhook_told_of_something"),
            models.CheckConstraint(
                condition=Q(events__contained_by=[str(event) for event in SUBSCRIBED]), name="webhook_events_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class WebhookDelivery(models.Model):
    """One message to one address. Tried until it is taken or has failed for good; sent twice it keeps its id."""

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    message_id = models.UUIDField(_("message"), default=uuid.uuid4, unique=True, editable=False)
    event = models.CharField(_("event"), max_length=30, choices=WebhookEvent)
    subject_id = models.BigIntegerField(_("subject"), help_text=_("The run or batch it is about."))
    part = models.PositiveIntegerField(_("part"), default=1)
    payload = models.JSONField()
    state = models.CharField(_("state"), max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_at = models.DateTimeField(_("next attempt"))
    status = models.PositiveSmallIntegerField(_("answer"), null=True, blank=True)
    error = models.CharField(_("error"), max_length=400, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    class Meta:
        verbose_name = _("webhook delivery")
        verbose_name_plural = _("webhook deliveries")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event", "subject_id", "part"], name="webhookdelivery_once"),
            models.CheckConstraint(condition=Q(state__in=DeliveryState.values), name="webhookdelivery_state_known"),
            models.CheckConstraint(
                condition=Q(state=DeliveryState.DELIVERED, delivered_at__isnull=False)
                | (~Q(state=DeliveryState.DELIVERED) & Q(delivered_at__isnull=True)),
                name="webhookdelivery_delivered_dated",
            ),
        ]
        indexes = [
            models.Index(fields=["next_at"], name="webhookdelivery_due", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.message_id}"
