"""Chainable words over accounts and the ledger."""

from collections.abc import Collection
from datetime import date
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db import models
from django.db.models import Q
from django.db.models.expressions import RawSQL
from django.db.models.lookups import IsNull

from accounts.access import Action, Reach
from accounts.search import fold, grams
from crm.lib.wall import is_walled

if TYPE_CHECKING:
    from accounts.models import User
    from crm.lib.periods import Period

MOST_BY_KEY = 20  # people whose accounts are found by key
UNITS_HEADED = """
WITH RECURSIVE below(id) AS (
    SELECT id FROM accounts_orgunit WHERE head_id = %s
    UNION
    SELECT child.id FROM accounts_orgunit child JOIN below ON child.parent_id = below.id
) SELECT id FROM below
"""
GROUP_BELOW = """
WITH RECURSIVE below(id) AS (
    SELECT %s::bigint
    UNION
    SELECT child.id FROM accounts_account child JOIN below ON child.parent_id = below.id
) SELECT id FROM below
"""
# The same to whoever may not read those in between; of the accounts themselves no more comes back than they may.
GROUP_BELOW_FOR_VIEWERS = "SELECT accounts_below(%s)"


def _is_standing(condition: object) -> bool:
    """Whether a condition is that of ``standing``, which leaves out no account with figures."""
    return (
        isinstance(condition, IsNull)
        and condition.rhs is True
        and getattr(getattr(condition.lhs, "target", None), "name", "") == "merged_into"
    )


def today_local() -> date:
    from django.utils import timezone

    return timezone.localdate()


class AccountQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """What ``user`` may see: everything, the accounts of everybody in the units they head, or those they own or have a
        current seat on, as ``accounts.access.REACH`` says for their role.

        The one place where visibility is decided; everything that hangs off an account is reached through it. Accounts
        that were merged are seen by nobody: the account that stays stands for them.
        """
        if not user.is_authenticated or not user.may(Action.ACCOUNT_VIEW):
            return self.none()
        if user.reach is Reach.ALL:
            return self.standing()
        return self.standing().kept_by(user.people_seen)

    def standing(self) -> Self:
        """Accounts that are not merged into another."""
        return self.filter(merged_into__isnull=True)

    def with_merged(self) -> Self:
        """These accounts and those merged into them: what records of theirs may be booked on."""
        rows = self.model._default_manager.all()  # noqa: SLF001 - Django's public name
        return rows.filter(Q(pk__in=self.order_by().values("pk")) | Q(merged_into__in=self.order_by().values("pk")))

    @property
    def is_everything(self) -> bool:
        """No account that stands is left out."""
        return not self.query.is_sliced and all(map(_is_standing, self.query.where.children))

    def mine(self, user: "User", *, on: date | None = None) -> Self:
        """Owned by the user, or the user is on the team on that day."""
        return self.kept_by((user.pk,), on=on)

    def kept_by(self, people: Collection[int], *, on: date | None = None) -> Self:
        """Owned by one of these people, or one of them has a seat on the team on that day.

        For a few people the keys are looked up by owner and by seat (measured at 1M accounts: 10 ms for one person); for
        many, where that would be tens of thousands, the list is walked in its order and each account is asked.
        """
        from accounts.models import TeamMember

        seats = TeamMember.objects.filter(user__in=people).current(on or today_local()).order_by().values("account")
        if len(people) > MOST_BY_KEY:
            return self.filter(Q(owner__in=people) | Q(pk__in=seats))
        owned = self.model._default_manager.filter(owner__in=people).order_by().values("pk")  # noqa: SLF001
        return self.filter(pk__in=owned.union(seats, all=True))

    def search(self, text: str) -> Self:
        """Accounts whose name, short name, code, pinyin or initials contain ``text``; index-only from two characters."""
        wanted = fold(text)
        if not wanted:
            return self
        if "\0" in wanted:  # no stored text holds it, and the database refuses it
            return self.none()
        found = self.filter(search_text__contains=wanted)
        pieces = grams(wanted)
        return found.filter(search_grams__contains=pieces) if pieces else found

    def in_group(self, root_id: int) -> Self:
        """The account and everything below it in its group, as the tree stands today."""
        below = GROUP_BELOW_FOR_VIEWERS if is_walled() else GROUP_BELOW
        return self.filter(pk__in=RawSQL(below, [root_id]))  # noqa: S611  # nosec B611 # the id is a parameter

    def closed_before(self, day: date) -> Self:
        return self.filter(closed_on__lt=day)

    def owned_by(self, user: "User") -> Self:
        return self.filter(owner=user)


class OrgUnitQuerySet(models.QuerySet):
    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Every unit for those who see every account; for the others the units they head, what stands below those, and the
        unit they are placed in."""
        if not user.is_authenticated or not user.may(Action.ORG_VIEW):
            return self.none()
        if user.reach is Reach.ALL:
            return self
        headed = Q(pk__in=RawSQL(UNITS_HEADED, [user.pk]))  # noqa: S611  # nosec B611 # constant text, the key is bound
        return self.filter(headed | Q(pk=user.unit_id) if user.unit_id else headed)


class TeamMemberQuerySet(models.QuerySet):
    def current(self, on: date) -> Self:
        """Holders and deputies of that day: both see the account."""
        return self.filter(valid_from__lte=on).filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on))

    def holders(self) -> Self:
        return self.filter(is_deputy=False)


class OfVisibleAccountsQuerySet(models.QuerySet):
    """Rows that hang off an account at ``account_path``."""

    account_path = "account"

    def visible_to(self, user: "User | AnonymousUser") -> Self:
        """Rows of the accounts the user may see."""
        from accounts.models import Account

        seen = Account.objects.visible_to(user).order_by().values("pk")
        return self.filter(**{f"{self.account_path}__in": seen})


class RevenueQuerySet(models.QuerySet):
    def booked_in(self, period: "Period") -> Self:
        return self.filter(booked_on__gte=period.start, booked_on__lt=period.end)

    def of_visible_accounts(self, user: "User") -> Self:
        from accounts.models import Account

        return self.of_accounts(Account.objects.visible_to(user))

    def of_accounts(self, accounts: AccountQuerySet) -> Self:
        """Records of these accounts, and of those that were merged into them."""
        if accounts.is_everything:
            return self
        return self.filter(account__in=accounts.with_merged().values("pk"))


class CountingRevenueManager(models.Manager.from_queryset(RevenueQuerySet)):  # type: ignore[misc]
    """Only the rows that count: a withdrawn row is history, not revenue."""

    def get_queryset(self) -> RevenueQuerySet:
        return super().get_queryset().filter(withdrawn_at__isnull=True)


class DatedOpinionQuerySet(models.QuerySet):
    """Ratings and wallet estimates: what was known and still good on a day."""

    dated_field = "rated_on"

    def known_on(self, day: date) -> Self:
        return self.filter(**{f"{self.dated_field}__lte": day})

    def unexpired_on(self, day: date) -> Self:
        return self.known_on(day).filter(expires_on__gt=day)


class WalletEstimateQuerySet(DatedOpinionQuerySet):
    dated_field = "estimated_on"


class MarketEffortQuerySet(models.QuerySet):
    def visible_to(self, user: "User") -> Self:
        """Efforts for accounts the user may see; those for no account in particular are the company's, and only for
        those who see every account."""
        from accounts.models import Account

        accounts = Account.objects.visible_to(user)
        return self if accounts.is_everything else self.filter(account__in=accounts)


class ImportBatchQuerySet(models.QuerySet):
    def visible_to(self, user: "User") -> Self:
        """Batches the user loaded, or all of them for those who see every account."""
        if not user.is_authenticated or not user.may(Action.ACCOUNT_VIEW):
            return self.none()
        return self if user.reach is Reach.ALL else self.filter(created_by=user)
