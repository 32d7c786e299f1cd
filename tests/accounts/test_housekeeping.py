"""What log-ins leave behind goes by itself; what still counts stays."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.models import LoginEvent, LoginLimit
from accounts.security import limits
from accounts.security.factors import remove_all_factors
from accounts.security.housekeeping import sweep
from accounts.security.visitors import Visitor
from crm import tasks
from crm.models import TrailAction, TrailEntry
from tests.factories import make_superuser, make_user

pytestmark = pytest.mark.django_db


def test_counts_and_sessions_that_ran_out_go_and_the_others_stay():
    now = timezone.now()
    longest = max(limit.span for limit in limits.LIMITS.values())
    for name, since in (("over", now - longest), ("counts", now - longest + timedelta(seconds=1))):
        LoginLimit.objects.create(kind="user", subject=name, attempts=11, since=since)
    for key, expires in (("over", now), ("living", now + timedelta(seconds=1))):
        Session.objects.create(session_key=key, session_data="", expire_date=expires)

    assert sweep(now=now) == {"limits": 1, "sessions": 1}
    assert sweep(now=now) == {"limits": 0, "sessions": 0}
    assert list(LoginLimit.objects.values_list("subject", flat=True)) == ["counts"]
    assert list(Session.objects.values_list("session_key", flat=True)) == ["living"]


def test_tick_sweeps(monkeypatch):
    monkeypatch.setattr(tasks, "send", lambda *args, **kwargs: True)
    old = timezone.now() - timedelta(days=2)
    LoginLimit.objects.create(kind="user", subject="old", attempts=1, since=old)
    Session.objects.create(session_key="old", session_data="", expire_date=old)

    tasks.tick_task()

    assert not LoginLimit.objects.exists()
    assert not Session.objects.exists()


def test_a_second_factor_that_an_administrator_removes_stands_in_log_and_trail():
    user, admin = make_user(), make_superuser()
    factor = Authenticator.objects.create(user=user, type="totp", data={"secret": "sealed"})

    assert remove_all_factors(user=user, by=admin, visitor=Visitor(), now=timezone.now()) == 1

    line = LoginEvent.objects.get(kind="factor_removed")
    assert (line.user, line.actor) == (user, admin)
    told = TrailEntry.objects.filter(table_name="mfa_authenticator", row_key=str(factor.pk)).order_by("pk")
    assert [one.action for one in told] == [TrailAction.INSERT, TrailAction.DELETE]
    assert told[1].before["user_id"] == user.pk
    assert not [one for one in told if "data" in one.before or "data" in one.after]


def test_using_a_second_factor_leaves_no_line_in_the_trail():
    factor = Authenticator.objects.create(user=make_user(), type="totp", data={"secret": "sealed"})

    factor.data["last_counter"] = 7
    factor.last_used_at = timezone.now()
    factor.save()

    assert TrailEntry.objects.filter(table_name="mfa_authenticator").count() == 1
