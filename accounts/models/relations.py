"""Relationships with a customer in three layers: key people, breadth, company to company (domain.md 5.1 to 5.3)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.enums import Attitude, Grade
from accounts.enums_relations import (
    ChainRole,
    ContactLevel,
    CourtesyKind,
    CourtesyState,
    DepartmentKind,
    OrganisationalLevel,
    Partnership,
)
from accounts.models.base import CurrencyField, MoneyField, TimeStamped
from accounts.querysets import OfVisibleAccountsQuerySet

EVIDENCE_LENGTH = 1000
WEIGHTS = tuple(range(1, 6))
PERCENT_TOP = 100


def _account(related_name: str, *, is_only: bool = False) -> Any:
    kind: Any = models.OneToOneField if is_only else models.ForeignKey
    return kind("accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name=related_name)


def _person(label: Any, *, related_name: str = "+") -> models.ForeignKey:
    return models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=label, null=True, blank=True, on_delete=models.SET_NULL,
        related_name=related_name,
    )  # fmt: skip


class OfMemberQuerySet(OfVisibleAccountsQuerySet):
    account_path = "centre__account"


class OfContactQuerySet(OfVisibleAccountsQuerySet):
    account_path = "contact__account"


class BuyingCentre(TimeStamped):
    """Those who decide together at a customer: about a product line, a site, a project."""

    account = _account("buying_centres")
    name = models.CharField(_("what they decide about"), max_length=120)
    is_active = models.BooleanField(_("active"), default=True, help_text=_("Only active ones count in the figures."))
    notes = models.TextField(_("notes"), max_length=EVIDENCE_LENGTH, blank=True, help_text=_("Business matters only."))

    objects = OfVisibleAccountsQuerySet.as_manager()

    class Meta:
        verbose_name = _("buying centre")
        verbose_name_plural = _("buying centres")
        ordering = ["-is_active", "name", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="buyingcentre_name_given"),
            models.UniqueConstraint(
                fields=["account", "name"],
                name="buyingcentre_name_once",
                violation_error_message=_("This customer has a buying centre of that name: choose another name."),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class CentreMember(TimeStamped):
    """A person in a buying centre: what they do there, how much it weighs, and who of us looks after them."""

    centre = models.ForeignKey(
        BuyingCentre, verbose_name=_("buying centre"), on_delete=models.CASCADE, related_name="members"
    )
    contact = models.ForeignKey(
        "accounts.Contact", verbose_name=_("contact"), on_delete=models.CASCADE, related_name="seats"
    )
    roles = ArrayField(models.CharField(max_length=12, choices=ChainRole), verbose_name=_("roles"))
    weight = models.PositiveSmallIntegerField(
        _("influence"), default=3, validators=[MinValueValidator(1), MaxValueValidator(5)],
        help_text=_("From 1, hardly heard, to 5, nothing happens without."),
    )  # fmt: skip
    owner = _person(_("looked after by"), related_name="chain_contacts")
    target_attitude = models.SmallIntegerField(_("attitude aimed at"), null=True, blank=True, choices=Attitude)
    target_on = models.DateField(_("until"), null=True, blank=True)

    objects = OfMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("person in a buying centre")
        verbose_name_plural = _("people in buying centres")
        ordering = ["centre", "-weight", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["centre", "contact"],
                name="centremember_once",
                violation_error_message=_("This person is in the buying centre already: change the entry there is."),
            ),
            models.CheckConstraint(condition=Q(weight__gte=1, weight__lte=5), name="centremember_weight_from_1_to_5"),
            models.CheckConstraint(
                condition=Q(roles__len__gt=0, roles__contained_by=ChainRole.values),
                name="centremember_roles_known",
                violation_error_message=_("Choose at least one role from the list."),
            ),
            models.CheckConstraint(
                condition=Q(target_attitude__isnull=True, target_on__isnull=True)
                | Q(target_attitude__in=Attitude.values, target_on__isnull=False),
                name="centremember_target_dated",
                violation_error_message=_("Give the attitude you aim at and the day until when, or neither."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contact_id} {'+'.join(self.roles)}"

    @property
    def role_labels(self) -> list[str]:
        """In the order of the list of roles."""
        return [str(role.label) for role in ChainRole if role in self.roles]


class AttitudeNote(models.Model):
    """How somebody stood to us from a day on, who said so and why. The log is the truth: rows are added, never edited,
    and ``Contact.attitude`` is its last word, kept there by a trigger and by ``note_attitude``."""

    contact = models.ForeignKey(
        "accounts.Contact", verbose_name=_("contact"), on_delete=models.CASCADE, related_name="attitude_notes"
    )
    attitude = models.SmallIntegerField(
        _("attitude"), null=True, blank=True, choices=Attitude, help_text=_("Empty: no longer known.")
    )
    held_from = models.DateField(_("since"))
    evidence = models.TextField(_("evidence"), max_length=EVIDENCE_LENGTH, blank=True)
    noted_by = _person(_("noted by"))
    noted_at = models.DateTimeField(_("noted at"), auto_now_add=True)

    objects = OfContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("noted attitude")
        verbose_name_plural = _("noted attitudes")
        ordering = ["-held_from", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(attitude__isnull=True) | Q(attitude__in=Attitude.values), name="attitudenote_known"
            )
        ]
        indexes = [models.Index(fields=["contact", "held_from", "id"], name="attitudenote_contact_day")]

    def __str__(self) -> str:
        return f"{self.contact_id} {self.attitude} {self.held_from}"


class LevelEvidence(TimeStamped):
    """What shows how close the two companies are, from a day until a day (exclusive)."""

    account = _account("level_evidence")
    level = models.PositiveSmallIntegerField(_("level"), choices=OrganisationalLevel)
    evidence = models.TextField(_("evidence"), max_length=EVIDENCE_LENGTH)
    reached_on = models.DateField(_("since"))
    expires_on = models.DateField(_("good until before"), help_text=_("From this day on it no longer counts."))
    noted_by = _person(_("noted by"))

    objects = OfVisibleAccountsQuerySet.as_manager()

    class Meta:
        verbose_name = _("evidence of a level")
        verbose_name_plural = _("evidence of levels")
        ordering = ["-reached_on", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(level__in=OrganisationalLevel.values), name="levelevidence_level_known"),
            models.CheckConstraint(condition=~Q(evidence=""), name="levelevidence_given"),
            models.CheckConstraint(
                condition=Q(expires_on__gt=F("reached_on")),
                name="levelevidence_expires_later",
                violation_error_message=_("It expires before it begins: choose a later day."),
            ),
        ]
        indexes = [models.Index(fields=["account", "expires_on"], name="levelevidence_account_day")]

    def __str__(self) -> str:
        return f"{self.level} {self.reached_on}"


class PartnershipState(TimeStamped):
    """What a customer has become for us since a day, and what shows it. Rows are added, never edited."""

    account = _account("partnership_states")
    state = models.CharField(_("state"), max_length=10, choices=Partnership)
    since = models.DateField(_("since"))
    evidence = models.TextField(_("evidence"), max_length=EVIDENCE_LENGTH)
    noted_by = _person(_("noted by"))

    objects = OfVisibleAccountsQuerySet.as_manager()

    class Meta:
        verbose_name = _("state of the partnership")
        verbose_name_plural = _("states of partnerships")
        ordering = ["-since", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=Partnership.values), name="partnershipstate_known"),
            models.CheckConstraint(condition=~Q(evidence=""), name="partnershipstate_evidence_given"),
        ]
        indexes = [models.Index(fields=["account", "since", "id"], name="partnershipstate_account_day")]

    def __str__(self) -> str:
        return f"{self.get_state_display()} {self.since}"


class RelationshipRule(TimeStamped):
    """What is asked of the relationships with accounts of one grade. The key layer is asked of every account."""

    grade = models.CharField(_("grade"), max_length=10, choices=Grade, unique=True)
    cadence_days = models.PositiveSmallIntegerField(
        _("contact cadence, days"), validators=[MinValueValidator(1), MaxValueValidator(730)],
        help_text=_("Within so many days a key person is met or called again."),
    )  # fmt: skip
    key_target = models.PositiveSmallIntegerField(
        _("key score aimed at"),
        validators=[MaxValueValidator(PERCENT_TOP)],
        help_text=_("From 0 to 100; 50 is neutral."),
    )
    general_target = models.PositiveSmallIntegerField(
        _("coverage aimed at, per cent"), null=True, blank=True, validators=[MaxValueValidator(PERCENT_TOP)],
        help_text=_("Empty: this layer is not asked for."),
    )  # fmt: skip
    organisational_target = models.PositiveSmallIntegerField(
        _("level aimed at"), null=True, blank=True, choices=OrganisationalLevel,
        help_text=_("Empty: this layer is not asked for."),
    )  # fmt: skip
    departments = ArrayField(
        models.CharField(max_length=12, choices=DepartmentKind), verbose_name=_("departments to know"), default=list,
        blank=True,
    )  # fmt: skip
    levels = ArrayField(
        models.CharField(max_length=8, choices=ContactLevel), verbose_name=_("levels to know"), default=list, blank=True
    )

    class Meta:
        verbose_name = _("rule for relationships")
        verbose_name_plural = _("rules for relationships")
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(grade__in=Grade.values, cadence_days__gte=1, key_target__lte=PERCENT_TOP)
                & (Q(general_target__isnull=True) | Q(general_target__lte=PERCENT_TOP))
                & (Q(organisational_target__isnull=True) | Q(organisational_target__in=OrganisationalLevel.values)),
                name="relationshiprule_in_range",
            ),
            models.CheckConstraint(
                condition=Q(departments__contained_by=DepartmentKind.values, levels__contained_by=ContactLevel.values),
                name="relationshiprule_cells_known",
            ),
        ]

    def __str__(self) -> str:
        return str(self.get_grade_display())


class RelationshipTarget(TimeStamped):
    """Where one account departs from the rule of its grade; what is empty follows the rule."""

    account = _account("relationship_target", is_only=True)
    key_target = models.PositiveSmallIntegerField(
        _("key score aimed at"), null=True, blank=True, validators=[MaxValueValidator(PERCENT_TOP)]
    )
    general_target = models.PositiveSmallIntegerField(
        _("coverage aimed at, per cent"), null=True, blank=True, validators=[MaxValueValidator(PERCENT_TOP)]
    )
    organisational_target = models.PositiveSmallIntegerField(
        _("level aimed at"), null=True, blank=True, choices=OrganisationalLevel
    )
    departments = ArrayField(
        models.CharField(max_length=12, choices=DepartmentKind), verbose_name=_("departments to know"), null=True,
        blank=True, help_text=_("Those that matter at this customer; empty: those of the grade."),
    )  # fmt: skip

    objects = OfVisibleAccountsQuerySet.as_manager()

    class Meta:
        verbose_name = _("target for relationships")
        verbose_name_plural = _("targets for relationships")
        ordering = ["account"]
        constraints = [
            models.CheckConstraint(
                condition=(Q(key_target__isnull=True) | Q(key_target__lte=PERCENT_TOP))
                & (Q(general_target__isnull=True) | Q(general_target__lte=PERCENT_TOP))
                & (Q(organisational_target__isnull=True) | Q(organisational_target__in=OrganisationalLevel.values))
                & (Q(departments__isnull=True) | Q(departments__contained_by=DepartmentKind.values)),
                name="relationshiptarget_in_range",
            )
        ]

    def __str__(self) -> str:
        return str(self.account_id)


class CourtesyLimit(TimeStamped):
    """How much somebody at a customer may be given without asking: on one occasion, and within a calendar year."""

    kind = models.CharField(_("kind"), max_length=12, choices=CourtesyKind, unique=True)
    per_occasion = MoneyField(_("limit of one occasion"), validators=[MinValueValidator(Decimal(0))])
    per_year = MoneyField(_("limit of a year"), validators=[MinValueValidator(Decimal(0))])
    currency = CurrencyField(_("currency"))

    class Meta:
        verbose_name = _("limit of courtesies")
        verbose_name_plural = _("limits of courtesies")
        ordering = ["kind"]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CourtesyKind.values, per_occasion__gte=0, per_year__gte=F("per_occasion")),
                name="courtesylimit_in_range",
                violation_error_message=_("The limit of a year is not below that of one occasion."),
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.per_occasion} / {self.per_year} {self.currency}"


class Courtesy(TimeStamped):
    """A gift or an invitation to somebody at a customer, with its worth; beyond the limits somebody else approves it."""

    contact = models.ForeignKey(
        "accounts.Contact", verbose_name=_("contact"), on_delete=models.CASCADE, related_name="courtesies"
    )
    kind = models.CharField(_("kind"), max_length=12, choices=CourtesyKind)
    given_on = models.DateField(_("day"))
    occasion = models.CharField(_("occasion"), max_length=200)
    amount = MoneyField(_("worth"), validators=[MinValueValidator(Decimal("0.01"))])
    currency = CurrencyField(_("currency"))
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("given by"), on_delete=models.PROTECT, related_name="+"
    )
    state = models.CharField(_("state"), max_length=10, choices=CourtesyState, default=CourtesyState.RECORDED)
    reason = models.CharField(
        _("reason beyond the limit"), max_length=300, blank=True, help_text=_("Why the limit should not hold here.")
    )
    decided_by = _person(_("decided by"))
    decided_on = models.DateField(_("decided on"), null=True, blank=True)

    objects = OfContactQuerySet.as_manager()

    class Meta:
        verbose_name = _("courtesy")
        verbose_name_plural = _("courtesies")
        ordering = ["-given_on", "-pk"]
        permissions = [("approve_courtesy", _("Can approve a courtesy beyond the limits"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=CourtesyKind.values, state__in=CourtesyState.values, amount__gt=0),
                name="courtesy_kind_and_worth",
            ),
            models.CheckConstraint(condition=~Q(occasion=""), name="courtesy_occasion_given"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("given_by")),
                name="courtesy_decided_by_another",
                violation_error_message=_("Another person than the giver must decide."),
            ),
            models.CheckConstraint(
                condition=Q(state__in=[CourtesyState.RECORDED, CourtesyState.WAITING], decided_on__isnull=True)
                | Q(state__in=[CourtesyState.APPROVED, CourtesyState.REFUSED], decided_on__isnull=False),
                name="courtesy_decided_with_day",
            ),
        ]
        indexes = [models.Index(fields=["contact", "given_on"], name="courtesy_contact_day")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.given_on}"
