"""What plans do when a team changes: tasks of its gaps open and close in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from accounts.models import Account
from accounts.signals import team_changed
from plans.services_tasks import settle_gap_tasks


@receiver(team_changed)
def settle_tasks(sender: Any, *, account_ids: Sequence[int], **_others: Any) -> None:
    settle_gap_tasks(accounts=Account.objects.filter(pk__in=account_ids), today=timezone.localdate())
