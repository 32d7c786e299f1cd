"""Figures as they were reported, each with its cohort. Rows are added and never edited; triggers see to it."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.enums import CreditNotes, RevenueBasis
from accounts.models.base import CurrencyField
from crm.lib.periods import Period
from metrics.enums import ReportedQuestion
from metrics.querysets import ReportedFigureQuerySet

LEVELS = ("entity", "group")  # of metrics.scope.Level, which rests on models itself
MEMBERSHIPS = (("as_was", _("as it was on each day")), ("as_now", _("as it was when reported")))
TITLE_LENGTH = 120
NOTE_LENGTH = 2000


class ReportedFigure(models.Model):
    """An answer of growth, retention or the bridge, kept word for word; later postings and merges leave it as it is.

    figures : key of the catalogue → decimal string (money with 4 decimals, rates as fractions), null where undefined,
    then ``reasons`` says why; ledger_state : what the ledger was then (``services.reported``)
    """

    question = models.CharField(_("question"), max_length=10, choices=ReportedQuestion)
    title = models.CharField(_("title"), max_length=TITLE_LENGTH)
    note = models.TextField(_("note"), blank=True, max_length=NOTE_LENGTH)
    base_start_on = models.DateField(_("base from"))
    base_last_on = models.DateField(_("base to"), help_text=_("Included."))
    base_label = models.CharField(_("base"), max_length=60)
    comparison_start_on = models.DateField(_("comparison from"))
    comparison_last_on = models.DateField(_("comparison to"), help_text=_("Included."))
    comparison_label = models.CharField(_("comparison"), max_length=60)
    basis = models.CharField(_("basis"), max_length=10, choices=RevenueBasis)
    credit_notes = models.CharField(_("credit notes"), max_length=10, choices=CreditNotes, default=CreditNotes.BOOKED)
    level = models.CharField(_("level"), max_length=10, help_text=_("Legal entities, or groups as they were then."))
    membership = models.CharField(
        _("membership of groups"),
        max_length=10,
        choices=MEMBERSHIPS,
        default="as_now",
        db_default="as_now",
        help_text=_("Of each day, or that of the day of the report."),
    )
    currency = CurrencyField(_("currency"))
    as_of = models.DateField(_("as of"))
    version = models.CharField(_("formula version"), max_length=20)
    filters = models.JSONField(_("account filters"), default=dict, blank=True)
    filter_words = models.JSONField(_("account filters in words"), default=list, blank=True)
    figures = models.JSONField(_("figures"))
    reasons = models.JSONField(_("reasons"), default=dict, blank=True)
    accounts = models.PositiveIntegerField(_("accounts"), help_text=_("Legal entities or groups behind the figures."))
    cohort_rows = models.PositiveIntegerField(_("legal entities"))
    ledger_state = models.JSONField(_("state of the ledger"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.PROTECT, related_name="reported_figures"
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("withdrawn by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    withdrawn_reason = models.TextField(_("reason of the withdrawal"), blank=True)

    objects = ReportedFigureQuerySet.as_manager()

    class Meta:
        verbose_name = _("reported figure")
        verbose_name_plural = _("reported figures")
        ordering = ["-pk"]
        permissions = [("withdraw_reportedfigure", _("Can withdraw what others reported"))]
        constraints = [
            models.CheckConstraint(condition=Q(question__in=ReportedQuestion.values), name="reported_question_known"),
            models.CheckConstraint(condition=Q(basis__in=RevenueBasis.values), name="reported_basis_known"),
            models.CheckConstraint(
                condition=Q(credit_notes__in=CreditNotes.values), name="reported_credit_notes_known"
            ),
            models.CheckConstraint(condition=Q(level__in=LEVELS), name="reported_level_known"),
            models.CheckConstraint(condition=~Q(title="") & ~Q(currency=""), name="reported_title_given"),
            models.CheckConstraint(condition=Q(accounts__gt=0, cohort_rows__gt=0), name="reported_cohort_not_empty"),
            models.CheckConstraint(
                condition=Q(base_start_on__lte=F("base_last_on"))
                & Q(base_last_on__lt=F("comparison_start_on"))
                & Q(comparison_start_on__lte=F("comparison_last_on")),
                name="reported_base_before_comparison",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True, withdrawn_reason="")
                | (Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False) & ~Q(withdrawn_reason="")),
                name="reported_withdrawn_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("metrics:reported", args=[self.pk])

    @property
    def base(self) -> Period:
        return Period(self.base_start_on, self.base_last_on + timedelta(days=1), self.base_label)

    @property
    def comparison(self) -> Period:
        return Period(self.comparison_start_on, self.comparison_last_on + timedelta(days=1), self.comparison_label)


class ReportedAccount(models.Model):
    """One legal entity behind a reported figure, as it was: code, name, group and what it brought in both periods.

    The key stays when the account goes, so neither column refers to a row that must exist.
    """

    figure = models.ForeignKey(ReportedFigure, on_delete=models.PROTECT, related_name="cohort", db_index=False)
    account = models.ForeignKey(
        "accounts.Account",
        verbose_name=_("account"),
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    root = models.ForeignKey(
        "accounts.Account",
        verbose_name=_("group"),
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text=_("The top of its group then; the account itself where it had none."),
    )
    code = models.CharField(_("code"), max_length=64)
    name = models.CharField(_("name"), max_length=200)
    base_amount = models.DecimalField(_("base"), max_digits=25, decimal_places=4)
    comparison_amount = models.DecimalField(_("comparison"), max_digits=25, decimal_places=4)

    class Meta:
        verbose_name = _("account of a reported figure")
        verbose_name_plural = _("accounts of reported figures")
        ordering = ["figure", "-comparison_amount", "account"]
        constraints = [
            models.UniqueConstraint(fields=["figure", "account"], name="reportedaccount_once"),
        ]
        indexes = [
            models.Index(F("figure"), F("comparison_amount").desc(), F("account"), name="reportedaccount_by_size"),
        ]

    def __str__(self) -> str:
        return f"{self.code}: {self.base_amount}, {self.comparison_amount}"
