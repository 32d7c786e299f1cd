from collections.abc import Iterable
from datetime import date
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import AbstractUser
from django.contrib.auth.models import UserManager as DjangoUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeBoundary, RangeOperators
from django.core.validators import MaxValueValidator
from django.db import connection, models
from django.db.models import F, Func, Q
from django.utils.crypto import salted_hmac
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.access import (
    REACH,
    TABLE,
    VIEW_ALL,
    Action,
    Reach,
    Role,
    action_of,
    in_scopes,
    permissions_for,
    role_holds,
)
from accounts.departments import department_kind
from accounts.enums import Attitude, TeamRole, UserRole
from accounts.enums_relations import ContactLevel, DepartmentKind
from accounts.models.base import KeptBackField, TimeStamped, WordsField
from accounts.querysets import OfVisibleAccountsQuerySet, TeamMemberQuerySet

USUAL_CAPACITY, MOST_CAPACITY = 15, 999  # points (domain.md 5.4)


class UserManager(DjangoUserManager):
    def create_superuser(self, *args: Any, **fields: Any) -> "User":
        return super().create_superuser(*args, **{"role": UserRole.ADMINISTRATOR, **fields})


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """Someone who logs in. What they may do: ``accounts.access``, asked through ``may`` and ``has_perm``."""

    password = KeptBackField(_("password"), max_length=128)
    language = models.CharField(_("language"), max_length=10, blank=True, choices=settings.LANGUAGES)
    capacity = models.PositiveSmallIntegerField(
        _("capacity"),
        default=USUAL_CAPACITY,
        db_default=USUAL_CAPACITY,
        validators=[MaxValueValidator(MOST_CAPACITY)],
        help_text=_("Points of accounts by grade that this person can carry; above it the load is too much."),
    )
    role = models.CharField(
        _("role"), max_length=13, choices=UserRole, default=UserRole.MEMBER, db_default=UserRole.MEMBER
    )

    # Sessions and tokens carry the number they were made under and end with it. It rises with a new password (below),
    # and by a trigger where the log-in is switched off, loses its rank or gets another role; it never falls.
    auth_version = models.PositiveIntegerField(default=1, editable=False)
    unit = models.ForeignKey(
        "accounts.OrgUnit",
        verbose_name=_("unit of the sales organisation"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="people",
    )

    # The scopes of the token that this request came with; None: no token, or one that leaves nothing out.
    scopes: frozenset[str] | None = None

    objects = UserManager()

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        ordering = ["username", "pk"]
        constraints = [models.CheckConstraint(condition=Q(role__in=UserRole.values), name="user_role_known")]

    @property
    def effective_role(self) -> Role:
        """A superuser is an administrator, whatever the column says."""
        return Role.ADMINISTRATOR if self.is_superuser else Role(self.role)

    @property
    def reach(self) -> Reach:
        """Which accounts: by role, wider by explicit permission, none through a token that may not look at accounts."""
        if self.has_perm(VIEW_ALL):
            return Reach.ALL
        return Reach.SUBTREE if REACH[self.effective_role] is Reach.SUBTREE else Reach.OWN

    @cached_property
    def people_below(self) -> tuple[int, ...]:
        """Keys of the user and of everybody placed in the units the user heads, and below; one query, then kept."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT unnest(accounts_people_below(%s))", [self.pk])
            return tuple(sorted({self.pk, *(key for (key,) in cursor.fetchall())}))

    @property
    def people_seen(self) -> tuple[int, ...]:
        """Whose accounts the user sees, where the reach is not all of them."""
        return self.people_below if self.reach is Reach.SUBTREE else (self.pk,)

    def may(self, action: Action) -> bool:
        """By role or explicit permission, and within the scopes of the token where one was used."""
        if not self.is_active or not in_scopes(action, self.scopes):
            return False
        return action in TABLE.of(self.effective_role) or any(map(self.has_perm, permissions_for(action)))

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        if not self.is_active or not in_scopes(action_of(perm), self.scopes):
            return False
        return role_holds(self.effective_role, perm) or super().has_perm(perm, obj)

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username

    @property
    def initials(self) -> str:
        words = self.display_name.split()
        return (words[0][:1] + (words[-1][:1] if len(words) > 1 else "")).upper()

    def __str__(self) -> str:
        return self.display_name

    def set_password(self, raw_password: str | None) -> None:
        super().set_password(raw_password)
        self.auth_version += 1

    def set_unusable_password(self) -> None:
        super().set_unusable_password()
        self.auth_version += 1

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password; one kept by an older method is hashed anew, which ends no session."""

        def hash_anew(raw: str) -> None:
            self.password = make_password(raw)
            self._password = None
            self.save(update_fields=["password"])

        return check_password(raw_password, self.password, hash_anew)

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        given: str | None = self._password
        if update_fields is not None and given is not None:  # a new password takes its number along
            update_fields = {*update_fields, "auth_version"}
        super().save(*args, update_fields=update_fields, **kwargs)

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django takes the hash of the password, which a mere change of the method would alter too."""
        salt = "accounts.User.session"
        return salted_hmac(salt, f"{self.pk}:{self.auth_version}", secret=secret, algorithm="sha256").hexdigest()


class Contact(TimeStamped):
    """A person at the customer."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="contacts"
    )
    name = WordsField(_("name"), max_length=120)
    title = WordsField(pgettext_lazy("of a person", "title"), max_length=120, blank=True)
    department = WordsField(_("department"), max_length=120, blank=True)
    department_kind = models.CharField(
        _("kind of department"), max_length=12, choices=DepartmentKind, blank=True, default="", db_default="",
        help_text=_("What the department does; left empty it is read from the department's name."),
    )  # fmt: skip
    level = models.CharField(
        _("level"), max_length=8, choices=ContactLevel, blank=True, default="", db_default="",
        help_text=_("Where the person stands in the customer's hierarchy."),
    )  # fmt: skip
    reports_to = models.ForeignKey(
        "self", verbose_name=_("reports to"), null=True, blank=True, on_delete=models.SET_NULL, related_name="reports"
    )
    email = models.EmailField(_("e-mail"), blank=True)
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    is_primary = models.BooleanField(_("first contact"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_decision_maker = models.BooleanField(_("key decision maker"), default=False)
    attitude = models.SmallIntegerField(
        _("attitude"), null=True, blank=True, choices=Attitude, help_text=_("How this person stands to us.")
    )
    attitude_since = models.DateField(_("attitude since"), null=True, blank=True)
    notes = models.TextField(_("notes"), blank=True, help_text=_("Business matters only."))

    objects = OfVisibleAccountsQuerySet.as_manager()

    class Meta:
        verbose_name = _("contact")
        verbose_name_plural = _("contacts")
        permissions = [("view_personal_data", _("Can see phone, e-mail, notes and attitude of contacts"))]
        ordering = ["-is_primary", "name", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(is_primary=True), name="contact_one_primary"),
            models.CheckConstraint(condition=~Q(name=""), name="contact_name_given"),
            models.CheckConstraint(
                condition=Q(attitude__isnull=True) | Q(attitude__in=Attitude.values), name="contact_attitude_known"
            ),
            models.CheckConstraint(
                condition=Q(attitude__isnull=True, attitude_since__isnull=True)
                | Q(attitude__isnull=False, attitude_since__isnull=False),
                name="contact_attitude_dated",
                violation_error_message=_("Give the attitude and the day since when, or neither."),
            ),
            models.CheckConstraint(
                condition=Q(department_kind__in=["", *DepartmentKind.values], level__in=["", *ContactLevel.values]),
                name="contact_place_known",
            ),
            models.CheckConstraint(
                condition=Q(reports_to__isnull=True) | ~Q(reports_to=F("pk")),
                name="contact_not_own_boss",
                violation_error_message=_("Nobody reports to themselves: choose somebody else, or nobody."),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        from accounts.validators_relations import check_reports_to

        check_reports_to(self)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A department whose kind is not said is read from its name."""
        if not self.department_kind and self.department:
            self.department_kind = department_kind(self.department)
            if kwargs.get("update_fields") is not None and "department" in kwargs["update_fields"]:
                kwargs["update_fields"] = {*kwargs["update_fields"], "department_kind"}
        super().save(*args, **kwargs)


class DateRange(Func):
    function = "daterange"
    output_field = DateRangeField()


class TeamMember(TimeStamped):
    """Who holds a seat of the iron triangle, or stands in for its holder, from a day on, until a day (exclusive; empty: still)."""

    account = models.ForeignKey(
        "accounts.Account", verbose_name=_("account"), on_delete=models.CASCADE, related_name="team_members"
    )
    user = models.ForeignKey(
        "accounts.User", verbose_name=_("user"), on_delete=models.PROTECT, related_name="team_memberships"
    )
    role = models.CharField(_("role"), max_length=20, choices=TeamRole)
    is_deputy = models.BooleanField(
        _("deputy"), default=False, db_default=False, help_text=_("Stands in for whoever holds the seat.")
    )
    valid_from = models.DateField(_("from"))
    valid_to = models.DateField(_("to"), null=True, blank=True, help_text=_("First day no longer in the role."))

    objects = TeamMemberQuerySet.as_manager()

    class Meta:
        verbose_name = _("team member")
        verbose_name_plural = _("team members")
        ordering = ["account", "role", "-valid_from", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(role__in=TeamRole.values), name="teammember_role_known"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")),
                name="teammember_ends_after_start",
                violation_error_message=_("The last day lies before the first."),
            ),
            ExclusionConstraint(
                name="teammember_one_holder_a_role",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                condition=Q(is_deputy=False),
                violation_error_message=_("Somebody else holds this role in these days: end that first."),
            ),
            ExclusionConstraint(
                name="teammember_one_place_a_person",
                expressions=[
                    ("account", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("user", RangeOperators.EQUAL),
                    (DateRange("valid_from", "valid_to", RangeBoundary()), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("This person holds this seat or is its deputy in these days already."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()}: {self.user}"

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or self.valid_to > day)
