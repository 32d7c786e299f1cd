"""Which group an account belonged to on which days, and which accounts became one."""

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeBoundary, RangeOperators
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.base import TimeStamped
from accounts.models.people import DateRange


class GroupMembership(TimeStamped):
    """The parent of an account from a day on, until a day (exclusive); without one: since ever, or still.

    An account without rows has ``Account.parent`` since ever. An account with rows stands alone on days that none of them
    covers. Written by ``accounts.groups`` alone, which keeps ``Account.parent`` as the parent of today.
    """

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="memberships"
    )
    parent = models.ForeignKey(
        "accounts.Account", verbose_name=_("group parent"), on_delete=models.PROTECT, related_name="memberships_below"
    )
    valid_from = models.DateField(_("from"), null=True, blank=True, help_text=_("Empty: since ever."))
    valid_to = models.DateField(
        _("to"), null=True, blank=True, help_text=_("First day no longer in the group; empty: still.")
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("entered by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        verbose_name = _("group membership")
        verbose_name_plural = _("group memberships")
        ordering = ["account", F("valid_from").asc(nulls_first=True), "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(parent=F("account")), name="groupmembership_not_own_parent"),
            models.CheckConstraint(
                condition=Q(valid_from__isnull=True) | Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="groupmembership_ends_after_start",
                violation_error_message=_("The last day lies before the first."),
            ),
            ExclusionConstraint(
                name="groupmembership_one_parent_a_day",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("The account has another parent in these days."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.account_id} in {self.parent_id}: {self.valid_from or '…'} to {self.valid_to or '…'}"


class AccountMerge(models.Model):
    """One account became part of another; what moved with it is kept, so that it can be undone.

    moved : table → keys of the rows that moved, and what else changed; see ``accounts.merges``
    """

    merged = models.ForeignKey(
        "accounts.Account", verbose_name=_("merged account"), on_delete=models.CASCADE, related_name="merges"
    )
    survivor = models.ForeignKey(
        "accounts.Account", verbose_name=_("account that stays"), on_delete=models.CASCADE, related_name="merges_taken"
    )
    merged_at = models.DateTimeField(_("merged at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.TextField(_("reason"))
    moved = models.JSONField(_("what moved"), default=dict)
    undone_at = models.DateTimeField(_("undone at"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("undone by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        verbose_name = _("merge of accounts")
        verbose_name_plural = _("merges of accounts")
        ordering = ["-merged_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(merged=F("survivor")), name="accountmerge_two_accounts"),
            models.CheckConstraint(condition=~Q(reason=""), name="accountmerge_reason_given"),
            models.UniqueConstraint(
                fields=["merged"], condition=Q(undone_at__isnull=True), name="accountmerge_once_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.merged_id} into {self.survivor_id}"
