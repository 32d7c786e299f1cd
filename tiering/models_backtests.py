"""Replays of the past that somebody asked for: what was asked, how far the worker is, and what came out."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tiering.enums import UNFINISHED_BACKTEST_STATES, BacktestState


class BacktestRun(models.Model):
    """One version of the model over month-ends of the past. The row is the state; a message only wakes the worker."""

    model = models.ForeignKey(
        "tiering.ScoringModel", verbose_name=_("scoring model"), on_delete=models.CASCADE, related_name="backtests"
    )
    first_on = models.DateField(_("first month-end"))
    last_on = models.DateField(_("last month-end"))
    state = models.CharField(_("state"), max_length=8, choices=BacktestState, default=BacktestState.QUEUED)
    done_days = models.PositiveSmallIntegerField(_("month-ends done"), default=0)
    days = models.PositiveSmallIntegerField(_("month-ends"))
    result = models.JSONField(null=True, blank=True, help_text="As tiering.backtest.summary gives it; null until done.")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    error = models.TextField(_("error"), blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("asked for by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    started_at = models.DateTimeField(_("started at"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    class Meta:
        verbose_name = _("backtest")
        verbose_name_plural = _("backtests")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "first_on", "last_on"],
                condition=Q(state__in=sorted(UNFINISHED_BACKTEST_STATES)),
                name="backtestrun_one_unfinished",
            ),
            models.CheckConstraint(condition=Q(state__in=BacktestState.values), name="backtestrun_state_known"),
            models.CheckConstraint(
                condition=Q(last_on__gt=F("first_on")),
                name="backtestrun_ends_after_it_begins",
                violation_error_message=_("The last month-end must lie after the first."),
            ),
            models.CheckConstraint(
                condition=~Q(state=BacktestState.DONE) | Q(result__isnull=False), name="backtestrun_done_with_result"
            ),
            models.CheckConstraint(condition=Q(done_days__lte=F("days")), name="backtestrun_done_within_days"),
        ]

    def __str__(self) -> str:
        return f"{self.model} {self.first_on}..{self.last_on} {self.state}"

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED_BACKTEST_STATES

    @property
    def seconds(self) -> float | None:
        """Time from start to end, None while it runs."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
