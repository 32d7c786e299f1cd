from typing import Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import TimeStamped, User


class Density(models.TextChoices):
    COMFORTABLE = "comfortable", _("Comfortable")
    COMPACT = "compact", _("Compact")


class ViewPage(models.TextChoices):
    """The page a saved view opens."""

    ACCOUNTS = "accounts", _("Accounts")
    METRICS = "metrics", _("Metrics")


class SavedViewQuerySet(models.QuerySet):
    def visible_to(self, user: User, *, page: str = ViewPage.ACCOUNTS) -> Self:
        """The user's own views of a page and those others share."""
        return self.filter(Q(owner=user) | Q(is_shared=True), page=page)


class SavedView(TimeStamped):
    """A filter of a page under a name: a tab for its owner, or for everybody. Rights still decide which rows show."""

    page = models.CharField(_("page"), max_length=10, choices=ViewPage, default=ViewPage.ACCOUNTS)
    name = models.CharField(_("name"), max_length=60)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("owner"), on_delete=models.CASCADE, related_name="saved_views"
    )
    is_shared = models.BooleanField(_("shared with everybody"), default=False)
    query = models.TextField(_("query"), blank=True, help_text=_("The filter and order, as in the address."))
    columns = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("columns"))

    objects = SavedViewQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["is_shared", "name", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["owner", "page", "name"],
                name="savedview_page_name_once",
                violation_error_message=_("You have a view of this name already: choose another."),
            ),
            models.CheckConstraint(condition=~Q(name=""), name="savedview_name_given"),
        ]

    def __str__(self) -> str:
        return self.name


class ListLayout(models.Model):
    """How one user wants the account list: which columns, in which order, how dense."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), on_delete=models.CASCADE, related_name="list_layout"
    )
    columns = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("columns"))
    density = models.CharField(_("density"), max_length=12, choices=Density, default=Density.COMFORTABLE)

    class Meta:
        verbose_name = _("list layout")
        verbose_name_plural = _("list layouts")
        constraints = [
            models.CheckConstraint(condition=Q(density__in=Density.values), name="listlayout_density_known"),
        ]

    def __str__(self) -> str:
        return str(self.user)
