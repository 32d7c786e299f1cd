"""The three who try every page: the owner, a teammate and a stranger; and a ledger small enough to add up by hand."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission

from accounts.enums import TeamRole
from accounts.models import Account, User
from metrics.models import AccountFigures
from tests.factories import make_account, make_team_member, make_user, post_revenue

AS_OF = date(2024, 12, 31)
TTM = (date(2024, 3, 10), date(2024, 9, 10))
PRIOR = (date(2023, 3, 10), date(2023, 9, 10))


@dataclass(frozen=True)
class Cast:
    account: Account
    owner: User
    teammate: User
    stranger: User


def make_cast(**fields: Any) -> Cast:
    """An account with an owner and a current account manager, and somebody who has nothing to do with it."""
    owner = make_user()
    account = make_account(owner=owner, **fields)
    member = make_team_member(account=account, user=make_user(), role=TeamRole.ACCOUNT_MANAGER)
    return Cast(account, owner, member.user, make_user())


def grant(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


def sell(account: Account, *, prior: int, last: int) -> None:
    """Two invoices in each of the years 2023 and 2024, and one line that carries the ledger to the end of 2024."""
    rows = [{"account": account, "booked_on": day, "amount": Decimal(prior) / 2} for day in PRIOR if prior]
    rows += [{"account": account, "booked_on": day, "amount": Decimal(last) / 2} for day in TTM if last]
    post_revenue(rows)


def reach_end_of_2024(account: Account) -> None:
    """A line and its credit on the last day of the year, so that 2024 is complete and nothing is added."""
    post_revenue(
        [
            {"account": account, "booked_on": AS_OF, "amount": Decimal(1)},
            {"account": account, "booked_on": AS_OF, "amount": Decimal(-1), "kind": "credit_note"},
            {"account": account, "booked_on": date(2023, 1, 1), "amount": Decimal(1)},
            {"account": account, "booked_on": date(2023, 1, 1), "amount": Decimal(-1), "kind": "credit_note"},
        ]
    )


def make_figures(account: Account, **fields: Any) -> AccountFigures:
    defaults: dict[str, Any] = {"as_of": AS_OF, "currency": "CNY", "ttm_revenue": Decimal(1000), "spark": [1.0] * 12}
    return AccountFigures.objects.create(account=account, **(defaults | fields))
