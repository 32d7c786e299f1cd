"""What accounts are to each other beside their group: dealer of, refers, competes, supplies, same owner, and own types."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models.base import TimeStamped
from accounts.models.people import DateRange


class LinkColumn(models.TextChoices):
    """A column of Account that says who it is today; the links of such a type are its dated history."""

    DEALER = "dealer", _("dealer")
    REFERRED_BY = "referred_by", _("referred by")


class AccountLinkType(TimeStamped):
    """A kind of link with its words in both directions: "source <forward> target", "target <backward> source".

    follows : the column of the target that names its source of today, empty for most; is_mutual : both directions are one
    """

    key = models.SlugField(_("key"), max_length=30, unique=True)
    forward = models.CharField(_("words from here to there"), max_length=60)
    backward = models.CharField(_("words from there to here"), max_length=60)
    is_mutual = models.BooleanField(_("the same in both directions"), default=False)
    is_active = models.BooleanField(_("offered"), default=True)
    follows = models.CharField(_("follows"), max_length=12, choices=LinkColumn, blank=True, default="", editable=False)

    class Meta:
        verbose_name = _("type of link")
        verbose_name_plural = _("types of link")
        ordering = ["forward", "pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(key="") & ~Q(forward="") & ~Q(backward=""), name="accountlinktype_words_given"
            ),
            models.CheckConstraint(
                condition=Q(is_mutual=False) | Q(forward=F("backward")),
                name="accountlinktype_mutual_words",
                violation_error_message=_("A link that is the same in both directions has the same words in both."),
            ),
            models.CheckConstraint(
                condition=Q(follows__in=["", *LinkColumn.values]), name="accountlinktype_follows_known"
            ),
            models.UniqueConstraint(fields=["follows"], condition=~Q(follows=""), name="accountlinktype_one_a_column"),
        ]

    def __str__(self) -> str:
        return self.words(is_forward=True)

    def words(self, *, is_forward: bool) -> str:
        """In the reader's language where the type is one of ours."""
        return gettext(self.forward if is_forward else self.backward)


class AccountLink(TimeStamped):
    """From a day on, until a day (exclusive); without one: since ever, or still. Written by ``accounts.links``, and by the
    database where a column of Account is what it follows. Of a mutual link the source is the smaller key."""

    type = models.ForeignKey(
        AccountLinkType, verbose_name=_("type of link"), on_delete=models.PROTECT, related_name="links"
    )
    source = models.ForeignKey(
        "accounts.Account", verbose_name=_("from"), on_delete=models.CASCADE, related_name="links_out"
    )
    target = models.ForeignKey(
        "accounts.Account", verbose_name=_("to"), on_delete=models.CASCADE, related_name="links_in"
    )
    valid_from = models.DateField(_("from"), null=True, blank=True)
    valid_to = models.DateField(_("to"), null=True, blank=True, help_text=_("First day no longer so; empty: still."))
    note = models.CharField(_("note"), max_length=200, blank=True, db_default="")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("entered by"), null=True, blank=True, on_delete=models.PROTECT,
        related_name="+",
    )  # fmt: skip

    class Meta:
        verbose_name = _("link between accounts")
        verbose_name_plural = _("links between accounts")
        ordering = ["type", F("valid_from").desc(nulls_last=True), "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(source=F("target")),
                name="accountlink_not_to_itself",
                violation_error_message=_("An account is not linked to itself: choose another one."),
            ),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="accountlink_ends_after_start",
                violation_error_message=_("The last day lies before the first."),
            ),
            ExclusionConstraint(
                name="accountlink_once_a_day",
                expressions=[
                    ("type", RangeOperators.EQUAL),
                    ("source", RangeOperators.EQUAL),
                    ("target", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The two are linked like this in these days already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_id} {self.type_id} {self.target_id}"
