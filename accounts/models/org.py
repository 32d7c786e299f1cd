"""The sales organisation: units in a tree, the people placed in them, and who heads them (checklist 004.17)."""

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.enums import OrgLevel
from accounts.models.base import TimeStamped
from accounts.querysets import OrgUnitQuerySet

UNITS_BELOW = """
WITH RECURSIVE below(id) AS (
    SELECT %s::bigint
    UNION
    SELECT child.id FROM accounts_orgunit child JOIN below ON child.parent_id = below.id
) SELECT id FROM below
"""


class OrgUnit(TimeStamped):
    """A unit of the sales organisation as of today. Whoever heads it and has the role of a manager sees the accounts of
    everybody placed in it and below (``accounts_people_below`` in the database)."""

    name = models.CharField(_("name"), max_length=120)
    level = models.CharField(_("level"), max_length=10, choices=OrgLevel)
    parent = models.ForeignKey(
        "self", verbose_name=_("unit above"), null=True, blank=True, on_delete=models.PROTECT, related_name="children"
    )
    head = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=pgettext_lazy("of a unit", "head"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="headed_units",
    )

    objects = OrgUnitQuerySet.as_manager()

    class Meta:
        verbose_name = _("unit of the sales organisation")
        verbose_name_plural = _("units of the sales organisation")
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(name=""), name="orgunit_name_given"),
            models.CheckConstraint(condition=Q(level__in=OrgLevel.values), name="orgunit_level_known"),
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | ~Q(parent=F("pk")),
                name="orgunit_not_own_parent",
                violation_error_message=_("A unit does not stand above itself: choose another one."),
            ),
            models.UniqueConstraint(
                fields=["parent", "name"],
                nulls_distinct=False,
                name="orgunit_name_once_below_a_unit",
                violation_error_message=_("There is a unit of this name in the same place. Choose another name."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        self.name = self.name.strip()
        if self.level not in OrgLevel.values:
            return  # the choices of the field say so
        rank = OrgLevel(self.level).rank
        if self.parent is not None and rank < OrgLevel(self.parent.level).rank:
            raise ValidationError(
                {
                    "level": _(
                        "A unit stands below one of its own level or of a higher one. Choose another level or place."
                    )
                }
            )
        if self.pk is None:
            return
        if any(OrgLevel(level).rank < rank for level in self.children.values_list("level", flat=True)):
            raise ValidationError({"level": _("Units below this one are of a higher level. Move them first.")})
        if self.parent_id is not None and self.parent_id in units_below(self.pk):
            raise ValidationError({"parent": _("The unit you chose stands below this one. Choose another place.")})


def units_below(pk: int) -> set[int]:
    """Keys of a unit and of everything below it, however deep; one query."""
    with connection.cursor() as cursor:
        cursor.execute(UNITS_BELOW, [pk])
        return {key for (key,) in cursor.fetchall()}
