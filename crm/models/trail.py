"""The trail of changes (crm.trail): entries, the links that seal them, and the keys of people's values.

The tables are made by SQL of their migration: Django does not manage them, so that no ``flush`` tries to empty what cannot
be emptied. No foreign key leads out of them: the trail outlives what it is about.
"""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Account

if TYPE_CHECKING:
    from accounts.models import User

VIEW_TRAIL = "crm.view_trailentry"
EXPORT_PERSON, ERASE_PERSON = "crm.export_person", "crm.erase_person"


class TrailAction(models.TextChoices):
    INSERT = "I", pgettext_lazy("what was done to a record", "added")
    UPDATE = "U", pgettext_lazy("what was done to a record", "changed")
    DELETE = "D", pgettext_lazy("what was done to a record", "removed")
    TRUNCATE = "T", pgettext_lazy("what was done to a table", "emptied")


class TrailEntryQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """All of it with the right to it; else what belongs to accounts the user may see."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.has_perm(VIEW_TRAIL):
            return self
        return self.filter(account_id__in=Account.objects.visible_to(user).values("pk"))


class TrailEntry(models.Model):
    """One change of one row: only the fields that changed, as they were and as they are."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(_("time"))
    transaction = models.BigIntegerField(help_text="Changes of one transaction share it.")
    actor_id = models.BigIntegerField(
        _("person"), null=True, help_text="No foreign key: the trail outlives its people."
    )
    via = models.CharField(_("by way of"), max_length=80)
    request_id = models.CharField(_("request"), max_length=128, blank=True)
    database_user = models.CharField(max_length=63)
    table_name = models.CharField(max_length=63)
    row_key = models.CharField(max_length=128)
    account_id = models.BigIntegerField(_("account"), null=True)
    action = models.CharField(_("what was done"), max_length=1, choices=TrailAction)
    before = models.JSONField(_("before"))
    after = models.JSONField(_("after"))
    person = models.CharField(max_length=40, blank=True, help_text="Under whose key values are sealed.")

    objects = TrailEntryQuerySet.as_manager()

    class Meta:
        managed = False
        verbose_name = _("change")
        verbose_name_plural = _("changes")
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.pk}: {self.table_name} {self.row_key}"


class TrailLink(models.Model):
    """The place of an entry in the chain: SHA-256 of the link before and of what the entry says."""

    position = models.BigIntegerField(primary_key=True)
    entry_id = models.BigIntegerField(unique=True)
    hash = models.BinaryField(max_length=32)

    class Meta:
        managed = False
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position}: {self.entry_id}"


class TrailSeal(models.Model):
    """One pass of the sealer: everything of transactions below ``until_transaction`` is in the chain up to ``position``."""

    number = models.BigIntegerField(primary_key=True)
    sealed_at = models.DateTimeField()
    until_transaction = models.BigIntegerField()
    position = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        managed = False
        ordering = ["number"]

    def __str__(self) -> str:
        return f"{self.number}: {self.position}"

    @property
    def head(self) -> str:
        return bytes(self.hash).hex()


class PersonKey(models.Model):
    """What values of one person are sealed with. Without the row they are noise; it goes with an erasure alone."""

    person = models.CharField(primary_key=True, max_length=40, help_text="Such as contact:12.")
    key = models.BinaryField(max_length=32)

    class Meta:
        managed = False

    def __str__(self) -> str:
        return self.person


class Erasure(models.Model):
    """Whose personal data was erased, by whom and why; says nothing about the person."""

    id = models.BigAutoField(primary_key=True)
    person = models.CharField(_("person"), max_length=40)
    account_id = models.BigIntegerField(_("account"), null=True)
    reason = models.CharField(_("reason"), max_length=300)
    erased_by_id = models.BigIntegerField(_("erased by"), null=True)
    erased_at = models.DateTimeField(_("erased at"))
    counts = models.JSONField(help_text="What was cleared, in numbers.")

    class Meta:
        managed = False
        verbose_name = _("erasure")
        verbose_name_plural = _("erasures")
        ordering = ["-erased_at", "-pk"]
        permissions = [
            ("export_person", _("Can export what is kept about a person")),
            ("erase_person", _("Can erase the personal data of a person")),
        ]

    def __str__(self) -> str:
        return self.person
