from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.enums import AccountNeed, AccountSize, AccountStatus, Grade, MarketPotential
from accounts.models.base import CurrencyField, MoneyField, TimeStamped, WordsField
from accounts.querysets import AccountQuerySet
from accounts.search import index_fields

SEARCHED_FIELDS = frozenset({"code", "name", "latin_name", "short_name"})
INDEXED_FIELDS = ("search_text", "sort_key", "search_grams", "name_key", "name_grams")


class Account(TimeStamped):
    """A customer: one legal entity, in its group where it has one."""

    code = WordsField(_("code"), max_length=64, unique=True)
    name = WordsField(_("name"), max_length=200)
    latin_name = WordsField(_("Latin name"), max_length=200, blank=True)
    short_name = WordsField(_("short name"), max_length=80, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=AccountStatus, default=AccountStatus.ACTIVE)
    parent = models.ForeignKey(
        "self", verbose_name=_("group parent"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    merged_into = models.ForeignKey(
        "self",
        verbose_name=_("merged into"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="merged_accounts",
        db_index=False,
        help_text=_("The account that carries its figures; never one that is merged itself."),
    )
    dealer = models.ForeignKey(
        "self",
        verbose_name=_("dealer"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="dealt_accounts",
        help_text=_("The account through which this one buys."),
    )
    is_graded_node = models.BooleanField(
        _("graded as one group"), default=False, db_default=False, editable=False,
        help_text=_("Its grade is the policy of all below it, unless an own one is stricter; written by accounts.graded."),
    )  # fmt: skip
    channel = WordsField(_("channel"), max_length=80, blank=True, db_default="")
    segment = WordsField(_("segment"), max_length=80, blank=True)
    industry = WordsField(_("industry"), max_length=80, blank=True)
    region = WordsField(_("region"), max_length=80, blank=True)
    country = WordsField(_("country"), max_length=80, blank=True)
    size = models.CharField(_("size"), max_length=10, choices=AccountSize, blank=True)
    need = models.CharField(
        _("need"), max_length=8, choices=AccountNeed, blank=True, default="", db_default="",
        help_text=_("What the customer looks for first."),
    )  # fmt: skip
    potential = models.CharField(
        _("market potential"), max_length=4, choices=MarketPotential, blank=True, default="", db_default="",
        help_text=_("How far the customer's market can carry it, as people judge it."),
    )  # fmt: skip
    currency = CurrencyField(_("currency"), blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="owned_accounts",
    )
    opened_on = models.DateField(_("opened on"), null=True, blank=True)
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    planned_from = models.DateField(
        _("planned from"), null=True, blank=True, editable=False,
        help_text=_("Since when an approved account plan covers the account without a break; written with its approval."),
    )  # fmt: skip
    planned_until = models.DateField(_("planned until before"), null=True, blank=True, editable=False)
    before_data_start = models.BooleanField(
        _("customer before the data start"), default=False, help_text=_("Never counted as a new customer.")
    )
    referred_by = models.ForeignKey(
        "self",
        verbose_name=_("referred by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="referred_accounts",
        help_text=_("The account that recommended us to this one."),
    )
    turnover = MoneyField(
        _("own turnover"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("What the customer itself sells a year."),
    )
    turnover_currency = CurrencyField(_("currency of the turnover"), blank=True, db_default="")
    turnover_year = models.PositiveSmallIntegerField(
        _("year of the turnover"), null=True, blank=True, validators=[MinValueValidator(1990), MaxValueValidator(2100)]
    )
    turnover_source = WordsField(_("source of the turnover"), max_length=120, blank=True, db_default="")
    credit_stop_on = models.DateField(_("credit stop since"), null=True, blank=True)
    litigation_on = models.DateField(_("litigation since"), null=True, blank=True)
    insolvency_on = models.DateField(_("insolvent since"), null=True, blank=True)

    # Kept by accounts.search; never edited by hand.
    search_text = models.TextField(blank=True, default="", editable=False)
    sort_key = models.CharField(max_length=200, blank=True, default="", editable=False, db_collation="C")
    search_grams = ArrayField(models.CharField(max_length=2), default=list, blank=True, editable=False)
    name_key = models.CharField(max_length=200, blank=True, default="", db_default="", editable=False, db_collation="C")
    name_grams = ArrayField(models.CharField(max_length=3), default=list, blank=True, editable=False)

    # The grade as the last published night left it; only tiering.services writes these.
    grade = models.CharField(
        _("grade"), max_length=10, choices=Grade, default=Grade.NOT_GRADED, db_default=Grade.NOT_GRADED, editable=False
    )
    underlying_grade = models.CharField(
        _("underlying grade"), max_length=10, choices=Grade, blank=True, default="", db_default="", editable=False
    )
    grade_since = models.DateField(_("grade since"), null=True, blank=True, editable=False)
    composite = models.FloatField(_("score"), null=True, blank=True, editable=False)
    is_watched = models.BooleanField(_("watch"), default=False, db_default=False, editable=False)
    graded_as_of = models.DateField(_("graded as of"), null=True, blank=True, editable=False)

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["sort_key", "pk"]
        permissions = [
            ("view_all_accounts", _("Can see every account")),
            ("view_margin", _("Can see costs, margins and what follows from them")),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(code="") & ~Q(name=""), name="account_code_and_name_given"),
            models.CheckConstraint(condition=Q(status__in=AccountStatus.values), name="account_status_known"),
            models.CheckConstraint(condition=Q(grade__in=Grade.values), name="account_grade_known"),
            models.CheckConstraint(
                condition=Q(need__in=["", *AccountNeed.values], potential__in=["", *MarketPotential.values]),
                name="account_need_and_potential_known",
            ),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("pk")), name="account_not_own_parent"
            ),
            models.CheckConstraint(
                condition=Q(merged_into__isnull=True) | ~Q(merged_into=F("pk")), name="account_not_merged_into_itself"
            ),
            models.CheckConstraint(
                condition=Q(turnover__isnull=True, turnover_currency="", turnover_year__isnull=True)
                | (Q(turnover__gte=0, turnover_year__isnull=False) & ~Q(turnover_currency="")),
                name="account_turnover_with_currency_and_year",
                violation_error_message=_("A turnover needs its currency and its year, and they need it."),
            ),
            models.CheckConstraint(
                condition=Q(referred_by__isnull=True) | ~Q(referred_by=F("pk")),
                name="account_not_referred_by_itself",
                violation_error_message=_("An account does not refer itself."),
            ),
            models.CheckConstraint(
                condition=Q(dealer__isnull=True) | ~Q(dealer=F("pk")),
                name="account_not_own_dealer",
                violation_error_message=_("An account cannot buy through itself: choose another dealer, or none."),
            ),
            models.CheckConstraint(
                condition=Q(closed_on__isnull=True) | Q(opened_on__isnull=True) | Q(closed_on__gte=F("opened_on")),
                name="account_closed_after_opened",
                violation_error_message=_("The account closed before it opened."),
            ),
        ]
        indexes = [
            GinIndex(fields=["search_grams"], name="account_grams"),
            GinIndex(fields=["name_grams"], name="account_name_grams"),
            models.Index(fields=["name_key"], name="account_name_key", condition=~Q(name_key="")),
            models.Index(fields=["sort_key", "id"], name="account_by_name"),
            models.Index(fields=["owner", "grade"], name="account_owner_grade"),
            models.Index(fields=["grade", "id"], name="account_by_grade"),
            models.Index(fields=["segment"], name="account_segment"),
            models.Index(fields=["industry"], name="account_industry"),
            models.Index(fields=["region"], name="account_region"),
            models.Index(fields=["merged_into"], name="account_merged", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["channel"], name="account_channel"),
            models.Index(fields=["id"], name="account_graded_node", condition=Q(is_graded_node=True)),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("accounts:detail", args=[self.pk])

    def clean(self) -> None:
        self.code, self.name = self.code.strip(), self.name.strip()
        seen, parent = {self.pk}, self.parent
        while parent is not None:
            if parent.pk in seen:
                raise ValidationError({"parent": _("A group cannot contain itself: choose another parent.")})
            seen.add(parent.pk)
            parent = parent.parent

    def save(self, *args: Any, **kwargs: Any) -> None:
        found = index_fields(code=self.code, name=self.name, latin_name=self.latin_name, short_name=self.short_name)
        self.search_text, self.sort_key, self.search_grams, self.name_key, self.name_grams = found
        fields = kwargs.get("update_fields")
        if fields is not None and SEARCHED_FIELDS & set(fields):
            kwargs["update_fields"] = {*fields, *INDEXED_FIELDS}
        super().save(*args, **kwargs)
