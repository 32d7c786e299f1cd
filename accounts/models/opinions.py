from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import EvaluatorFunction, RatingIndicator
from accounts.models.base import CurrencyField, MoneyField, TimeStamped
from accounts.querysets import DatedOpinionQuerySet, WalletEstimateQuerySet


class Rating(TimeStamped):
    """One judgement from 1 to 5 by one evaluator; expired is missing, never 0 (domain.md 3.4)."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="ratings"
    )
    indicator = models.CharField(_("indicator"), max_length=2, choices=RatingIndicator)
    score = models.PositiveSmallIntegerField(_("rating"), validators=[MinValueValidator(1), MaxValueValidator(5)])
    evaluator = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("evaluator"), on_delete=models.PROTECT, related_name="ratings_given"
    )
    function = models.CharField(_("function"), max_length=12, choices=EvaluatorFunction)
    rated_on = models.DateField(_("rated on"))
    expires_on = models.DateField(_("expires on"), help_text=_("From this day on the rating no longer counts."))
    evidence = models.TextField(_("evidence"), blank=True)

    objects = DatedOpinionQuerySet.as_manager()

    class Meta:
        verbose_name = _("rating")
        verbose_name_plural = _("ratings")
        ordering = ["-rated_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(score__gte=1, score__lte=5), name="rating_from_1_to_5"),
            models.CheckConstraint(condition=Q(indicator__in=RatingIndicator.values), name="rating_indicator_known"),
            models.CheckConstraint(
                condition=Q(expires_on__gt=F("rated_on")),
                name="rating_expires_later",
                violation_error_message=_("The rating expires before it begins."),
            ),
        ]
        indexes = [models.Index(fields=["account", "indicator", "rated_on"], name="rating_account_indicator")]

    def __str__(self) -> str:
        return f"{self.indicator} {self.score}"


class WalletEstimate(TimeStamped):
    """What the account spends a year in our category, as somebody estimated it (domain.md 1.8)."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="wallet_estimates"
    )
    amount = MoneyField(_("amount a year"), validators=[MinValueValidator(0)])
    currency = CurrencyField(_("currency"))
    source = models.CharField(_("source"), max_length=200)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("author"), on_delete=models.PROTECT, related_name="wallet_estimates"
    )
    estimated_on = models.DateField(_("estimated on"))
    expires_on = models.DateField(_("expires on"))

    objects = WalletEstimateQuerySet.as_manager()

    class Meta:
        verbose_name = _("wallet estimate")
        verbose_name_plural = _("wallet estimates")
        ordering = ["-estimated_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(amount__gte=0), name="wallet_not_negative"),
            models.CheckConstraint(
                condition=Q(expires_on__gt=F("estimated_on")),
                name="wallet_expires_later",
                violation_error_message=_("The estimate expires before it begins."),
            ),
        ]
        indexes = [models.Index(fields=["account", "estimated_on"], name="wallet_account_day")]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"
