"""The plain log of what is done for customers, from which promises per grade are measured (domain.md 4)."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from accounts.models.base import TimeStamped
from accounts.models.people import DateRange
from service.enums import (
    GRIEVANCES,
    InteractionKind,
    InteractionPurpose,
    RequestKind,
    RequestState,
    RequestStepKind,
    Severity,
    SponsorKind,
)
from service.models_files import Attachment
from service.models_mail import IncomingMail, MailAddress
from service.querysets import InteractionQuerySet, OfAccountQuerySet, ServiceRequestQuerySet, SponsorQuerySet

__all__ = [
    "Attachment", "Discount", "IncomingMail", "Interaction", "MailAddress", "RequestStep", "ServiceRequest", "Sponsor",
]  # fmt: skip

TEXT_LENGTH, LINE_LENGTH, REFERENCE_LENGTH = 4000, 200, 64
LONGEST_MINUTES = 24 * 60
FULL = 100  # per cent


def _person(label: object, *, is_optional: bool = False) -> models.ForeignKey:
    return models.ForeignKey(
        "accounts.User",
        verbose_name=label,
        on_delete=models.PROTECT,
        related_name="+",
        null=is_optional,
        blank=is_optional,
    )


class Interaction(TimeStamped):
    """One visit, call, meeting, e-mail or note, as whoever took part wrote it down; perhaps with a next step."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.PROTECT, related_name="interactions"
    )
    kind = models.CharField(_("kind"), max_length=8, choices=InteractionKind)
    purpose = models.CharField(
        _("purpose"), max_length=12, choices=InteractionPurpose, default=InteractionPurpose.ROUTINE
    )
    held_on = models.DateField(_("held on"))
    minutes = models.PositiveSmallIntegerField(
        _("minutes"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(LONGEST_MINUTES)]
    )
    is_remote = models.BooleanField(_("remote"), default=False, help_text=_("By video or telephone, not in one room."))
    summary = models.TextField(_("summary"), max_length=TEXT_LENGTH)
    next_step = models.CharField(_("next step"), max_length=LINE_LENGTH, blank=True)
    next_step_on = models.DateField(_("next step due"), null=True, blank=True)
    next_step_done_on = models.DateField(_("next step done on"), null=True, blank=True)
    logged_by = _person(_("logged by"))
    our_people = models.ManyToManyField(
        "accounts.User", verbose_name=_("our people"), blank=True, related_name="interactions"
    )
    their_people = models.ManyToManyField(
        "accounts.Contact", verbose_name=_("their people"), blank=True, related_name="interactions"
    )

    objects = InteractionQuerySet.as_manager()

    class Meta:
        verbose_name = _("interaction")
        verbose_name_plural = _("interactions")
        ordering = ["-held_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=InteractionKind.values), name="interaction_kind_known"),
            models.CheckConstraint(
                condition=Q(purpose__in=InteractionPurpose.values), name="interaction_purpose_known"
            ),
            models.CheckConstraint(condition=~Q(summary=""), name="interaction_summary_given"),
            models.CheckConstraint(
                condition=~Q(kind=InteractionKind.VISIT, is_remote=True),
                name="interaction_visit_in_person",
                violation_error_message=_("A visit is never remote: choose a call or a meeting instead."),
            ),
            models.CheckConstraint(
                condition=~Q(next_step="") | Q(next_step_on__isnull=True, next_step_done_on__isnull=True),
                name="interaction_step_has_words",
                violation_error_message=_("Say what the next step is, or leave its day empty."),
            ),
        ]
        indexes = [
            models.Index(fields=["account", "held_on"], name="interaction_account_day"),
            models.Index(
                fields=["next_step_on"],
                name="interaction_step_due",
                condition=Q(next_step_on__isnull=False, next_step_done_on__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.held_on}"


class ServiceRequest(TimeStamped):
    """Something a customer asks of us, with the times at which it was answered, escalated and solved."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.PROTECT, related_name="service_requests"
    )
    number = models.GeneratedField(
        verbose_name=_("number"),
        expression=Concat(Value("SR-"), Cast("id", models.CharField())),
        output_field=models.CharField(max_length=24),
        db_persist=True,
        unique=True,
    )
    subject = models.CharField(_("subject"), max_length=LINE_LENGTH)
    text = models.TextField(_("text"), max_length=TEXT_LENGTH, blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=RequestKind)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity, default=Severity.NORMAL)
    opened_at = models.DateTimeField(_("opened at"))
    first_response_at = models.DateTimeField(_("first response at"), null=True, blank=True)
    escalated_at = models.DateTimeField(_("escalated at"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved at"), null=True, blank=True)
    resolution = models.TextField(_("resolution"), max_length=TEXT_LENGTH, blank=True)
    contact = models.ForeignKey(
        "accounts.Contact",
        verbose_name=_("contact"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="service_requests",
    )
    assigned_to = models.ForeignKey(
        "accounts.User",
        verbose_name=_("responsible"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="assigned_requests",
    )
    opened_by = _person(_("opened by"))

    objects = ServiceRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(subject=""), name="request_subject_given"),
            models.CheckConstraint(condition=Q(kind__in=RequestKind.values), name="request_kind_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="request_severity_known"),
            models.CheckConstraint(
                condition=Q(first_response_at__isnull=True) | Q(first_response_at__gte=F("opened_at")),
                name="request_answered_after_opening",
                violation_error_message=_("The first response lies before the request."),
            ),
            models.CheckConstraint(
                condition=Q(escalated_at__isnull=True) | Q(escalated_at__gte=F("opened_at")),
                name="request_escalated_after_opening",
                violation_error_message=_("The escalation lies before the request."),
            ),
            models.CheckConstraint(
                condition=Q(resolved_at__isnull=True) | Q(resolved_at__gte=F("opened_at")),
                name="request_resolved_after_opening",
                violation_error_message=_("The resolution lies before the request."),
            ),
        ]
        indexes = [
            models.Index(fields=["account", "opened_at"], name="request_account_time"),
            models.Index(fields=["opened_at", "id"], name="request_open", condition=Q(resolved_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"

    @property
    def is_severe(self) -> bool:
        """A complaint or dispute of severity 1: open for long it is a warning sign (domain.md 3.7)."""
        return self.severity == Severity.SEVERE and self.kind in GRIEVANCES

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None

    @property
    def state(self) -> RequestState:
        if self.resolved_at is not None:
            return RequestState.RESOLVED
        if self.escalated_at is not None:
            return RequestState.ESCALATED
        return RequestState.NEW if self.first_response_at is None else RequestState.ANSWERED


class RequestStep(models.Model):
    """What somebody did about a request, and when it happened. Rows are added, never edited."""

    request = models.ForeignKey(
        ServiceRequest, verbose_name=_("request"), on_delete=models.CASCADE, related_name="steps"
    )
    kind = models.CharField(_("kind"), max_length=10, choices=RequestStepKind)
    at = models.DateTimeField(_("at"))
    by = _person(_("by"))
    text = models.TextField(_("text"), max_length=TEXT_LENGTH, blank=True)

    class Meta:
        verbose_name = _("step of a request")
        verbose_name_plural = _("steps of requests")
        ordering = ["at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=RequestStepKind.values), name="requeststep_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d}"


class Sponsor(TimeStamped):
    """Someone from our top who stands by an account, from a day on, until a day (exclusive; empty: still)."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="sponsors"
    )
    user = models.ForeignKey(
        "accounts.User", verbose_name=_("user"), on_delete=models.PROTECT, related_name="sponsorships"
    )
    kind = models.CharField(_("kind"), max_length=14, choices=SponsorKind)
    is_exclusive = models.BooleanField(
        _("exclusive"), default=False, help_text=_("Stands by this account and by no other.")
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True, help_text=_("First day no longer in the role."))

    objects = SponsorQuerySet.as_manager()

    class Meta:
        verbose_name = _("sponsor")
        verbose_name_plural = _("sponsors")
        ordering = ["account", "kind", "-valid_from", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=SponsorKind.values), name="sponsor_kind_known"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="sponsor_ends_after_start",
                violation_error_message=_("The last day lies before the first."),
            ),
            ExclusionConstraint(
                name="sponsor_one_of_a_kind",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    ("kind", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("Somebody else is this sponsor in these days: end that first."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.user}"


class Discount(TimeStamped):
    """A discount off the list price that somebody granted, and who allowed it where the own authority did not reach."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.PROTECT, related_name="discounts"
    )
    granted_on = models.DateField(_("granted on"))
    percent = models.DecimalField(
        _("per cent off list"),
        max_digits=5,
        decimal_places=2,
        validators=[MinValueValidator(0), MaxValueValidator(FULL)],
    )
    granted_by = _person(_("granted by"))
    approved_by = _person(_("approved by"), is_optional=True)
    reference = models.CharField(
        _("reference"), max_length=REFERENCE_LENGTH, blank=True, help_text=_("Quotation, order or contract.")
    )
    reason = models.TextField(_("reason"), max_length=TEXT_LENGTH)

    objects = OfAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("discount")
        verbose_name_plural = _("discounts")
        ordering = ["-granted_on", "-pk"]
        permissions = [("approve_discount", _("Can approve a discount that somebody else granted"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=0, percent__lte=FULL),
                name="discount_percent_in_range",
                violation_error_message=_("A discount lies between 0 and 100 per cent."),
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("granted_by")),
                name="discount_approved_by_others",
                violation_error_message=_("Nobody approves the own discount: name somebody else."),
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="discount_reason_given"),
        ]
        indexes = [models.Index(fields=["account", "granted_on"], name="discount_account_day")]

    def __str__(self) -> str:
        return f"{self.percent} % {self.granted_on}"
