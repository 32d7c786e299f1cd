"""Where weights come from: surveys with pairwise judgements, and what a version took over from them (domain.md 3.3)."""

from fractions import Fraction

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tiering.enums import DimensionCode, IndicatorCode, SurveyState, WeightSource
from tiering.models_overrides import person_key

MOST = 9  # Saaty's scale: 1 equal, 9 extremely more


class WeightSurvey(models.Model):
    """What judges compare in pairs: the dimensions of a version (``part`` empty), or the indicators of one dimension."""

    model = models.ForeignKey(
        "tiering.ScoringModel", verbose_name=_("scoring model"), on_delete=models.CASCADE, related_name="surveys"
    )
    part = models.CharField(_("inside"), max_length=3, choices=DimensionCode, blank=True)
    title = models.CharField(_("title"), max_length=120)
    items = ArrayField(models.CharField(max_length=3), verbose_name=_("what is compared"))
    state = models.CharField(_("state"), max_length=6, choices=SurveyState, default=SurveyState.OPEN)
    judges = models.ManyToManyField(
        settings.AUTH_USER_MODEL, verbose_name=_("judges"), related_name="weight_surveys", blank=True
    )
    created_by = person_key(_("made by"), is_optional=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)

    class Meta:
        verbose_name = _("survey of weights")
        verbose_name_plural = _("surveys of weights")
        ordering = ["-created_at", "-pk"]
        permissions = [("judge_weights", _("Can compare weights in a survey"))]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=SurveyState.values), name="weightsurvey_state_known"),
            models.CheckConstraint(condition=~Q(title=""), name="weightsurvey_title_given"),
            models.CheckConstraint(
                condition=Q(items__len__gte=2, items__len__lte=10),
                name="weightsurvey_two_to_ten_items",
                violation_error_message=_("Two to ten things can be compared in pairs."),
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        return self.state == SurveyState.OPEN

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Every pair once, in the order of the items."""
        return [(left, right) for place, left in enumerate(self.items) for right in self.items[place + 1 :]]

    def label_of(self, code: str) -> str:
        return str(IndicatorCode(code).label if self.part else DimensionCode(code).label)


class Judgement(models.Model):
    """How much more one of a pair matters to one judge; a judge gives all pairs of a survey at once."""

    survey = models.ForeignKey(
        WeightSurvey, verbose_name=_("survey of weights"), on_delete=models.CASCADE, related_name="judgements"
    )
    judge = person_key(_("judge"), is_optional=False)
    left = models.CharField(_("first"), max_length=3)
    right = models.CharField(_("second"), max_length=3)
    scale = models.SmallIntegerField(
        _("judgement"),
        validators=[MinValueValidator(-MOST), MaxValueValidator(MOST)],
        help_text=_("1: both alike; 2 to 9: the first matters so many times more; −2 to −9: the second does."),
    )
    given_at = models.DateTimeField(_("given at"), auto_now=True)

    class Meta:
        verbose_name = _("judgement")
        verbose_name_plural = _("judgements")
        ordering = ["survey", "judge", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["survey", "judge", "left", "right"], name="judgement_once_a_pair"),
            models.CheckConstraint(
                condition=Q(scale__gte=1, scale__lte=MOST) | Q(scale__gte=-MOST, scale__lte=-2),
                name="judgement_on_the_scale",
                violation_error_message=_("A judgement is 1, 2 to 9, or −2 to −9."),
            ),
            models.CheckConstraint(condition=~Q(left=F("right")), name="judgement_of_a_pair"),
        ]

    def __str__(self) -> str:
        return f"{self.left} : {self.right} = {self.value}"

    @property
    def value(self) -> Fraction:
        """a_ij of the matrix, 1/9..9."""
        return Fraction(self.scale) if self.scale > 0 else Fraction(1, -self.scale)


class WeightOrigin(models.Model):
    """What one part of a version took over: its weights then, and what they rest on. Edited since, they are manual."""

    model = models.ForeignKey(
        "tiering.ScoringModel", verbose_name=_("scoring model"), on_delete=models.CASCADE, related_name="origins"
    )
    part = models.CharField(_("inside"), max_length=3, choices=DimensionCode, blank=True)
    source = models.CharField(_("source"), max_length=5, choices=WeightSource)
    weights = models.JSONField(_("weights, %"), help_text="Code → percent as text, as taken over.")
    survey = models.ForeignKey(
        WeightSurvey,
        verbose_name=_("survey of weights"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    judges = models.PositiveSmallIntegerField(_("judges"), null=True, blank=True)
    consistency_ratio = models.FloatField(_("consistency ratio"), null=True, blank=True)
    manual_share = models.DecimalField(
        _("share of the manual weights"), max_digits=3, decimal_places=2, null=True, blank=True
    )
    run = models.ForeignKey(
        "tiering.TierRun", verbose_name=_("run"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    accounts = models.PositiveIntegerField(_("accounts"), null=True, blank=True)

    class Meta:
        verbose_name = _("origin of weights")
        verbose_name_plural = _("origins of weights")
        ordering = ["model", "part"]
        constraints = [
            models.UniqueConstraint(fields=["model", "part"], name="weightorigin_once_a_part"),
            models.CheckConstraint(condition=Q(source__in=WeightSource.values), name="weightorigin_source_known"),
            models.CheckConstraint(
                condition=~Q(source=WeightSource.AHP) | Q(survey__isnull=False, consistency_ratio__isnull=False),
                name="weightorigin_survey_of_ahp",
            ),
            models.CheckConstraint(
                condition=~Q(source=WeightSource.BLEND) | Q(manual_share__gte=0.5, manual_share__lte=1),
                name="weightorigin_share_of_a_blend",
                violation_error_message=_("The manual weights count for half or more."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model_id} {self.part or 'dimensions'}: {self.source}"
