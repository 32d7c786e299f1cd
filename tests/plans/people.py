"""What tests of promises are made of: a grade, a visit, a case, a sponsor, a discount."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone

from plans.models import PolicyVersion
from service.models import Discount, Interaction, ServiceRequest, Sponsor
from tests.factories import make_account, make_user
from tiering.models import GradePeriod, TierRun

AS_OF = date(2024, 12, 31)
LONG_AGO = date(2023, 1, 1)


def policy(*, since: date = LONG_AGO) -> PolicyVersion:
    """The starting values, in force since long ago."""
    version = PolicyVersion.objects.get(state="active")
    PolicyVersion.objects.filter(pk=version.pk).update(valid_from=since)
    version.refresh_from_db()
    return version


def graded(grade: str, *more: tuple[str, date], since: date = LONG_AGO, **fields: Any) -> Any:
    """An account of a grade, then of others from the days given."""
    account = make_account(grade=(more[-1][0] if more else grade), **fields)
    run, _made = TierRun.objects.get_or_create(as_of=LONG_AGO, trigger="command", state="superseded")
    steps = [(grade, since), *more]
    ends = [day for _grade, day in steps[1:]] + [None]
    for (code, start), end in zip(steps, ends, strict=True):
        GradePeriod.objects.create(account=account, grade=code, valid_from=start, valid_to=end, run=run)
    return account


def held(account: Any, *days: date, kind: str = "visit", purpose: str = "routine", **fields: Any) -> None:
    user = make_user()
    Interaction.objects.bulk_create(
        Interaction(
            account=account, kind=kind, purpose=purpose, held_on=day, summary="Talked", logged_by=user, **fields
        )
        for day in days
    )


def local(text: str) -> datetime:
    return timezone.make_aware(datetime.fromisoformat(text))


def asked(
    account: Any, opened: str, *, answered: str = "", solved: str = "", escalated: str = "", **fields: Any
) -> Any:
    times = {"first_response_at": answered, "resolved_at": solved, "escalated_at": escalated}
    given = {"kind": "complaint", "severity": 1, "subject": "Broken", "opened_by": make_user()} | fields
    return ServiceRequest.objects.create(
        account=account, opened_at=local(opened), **{name: local(text) for name, text in times.items() if text}, **given
    )


def sponsored(account: Any, *, kind: str = "executive", since: date = LONG_AGO, **fields: Any) -> Sponsor:
    return Sponsor.objects.create(account=account, user=make_user(), kind=kind, valid_from=since, **fields)


def discounted(account: Any, percent: str, *, on: date = AS_OF, **fields: Any) -> Discount:
    return Discount.objects.create(
        account=account, granted_on=on, percent=Decimal(percent), granted_by=make_user(), reason="Tender", **fields
    )
