"""A company with a row in every table, so that every page has something of everything to show."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.utils import timezone

from accounts.enums import BatchState
from accounts.models import Account, CentreMember, User
from crm.demo.load import load_demo
from crm.models import WebhookEndpoint
from crm.pipeline import run_night
from metrics.models import ReportedFigure
from metrics.selectors import default_as_of
from plans.models import RemediationPlan
from tests.factories import make_account, make_batch, make_contact, make_override, make_superuser, make_user
from tiering.enums import RunTrigger

TODAY, A_MONTH = date(2026, 11, 21), timedelta(days=31)
TABLES_OF_OTHERS = {"sessions", "account", "socialaccount", "contenttypes", "auth", "mfa"}
# Written by the product itself, each in an order or with seals of its own.
NOT_MADE = {
    "crm.TrailLink", "crm.TrailSeal", "metrics.TouchedAccount", "accounts.FiscalPeriodRow", "tiering.GradedMember",
}  # fmt: skip
PERIODS = {
    "base_start_on": date(2024, 1, 1), "base_last_on": date(2024, 12, 31), "comparison_start_on": date(2025, 1, 1),
    "comparison_last_on": date(2025, 12, 31),
}  # fmt: skip
OF_KIND: dict[str, Any] = {
    "CharField": "x", "TextField": "x", "EmailField": "a@example.com", "URLField": "https://example.com/",
    "IntegerField": 1, "SmallIntegerField": 1, "PositiveSmallIntegerField": 1, "PositiveIntegerField": 1,
    "BigIntegerField": 1, "DateField": date(2026, 1, 1), "DecimalField": 1, "FloatField": 1.0, "BooleanField": False,
    "JSONField": {}, "ArrayField": [], "BinaryField": b"x", "GenericIPAddressField": "10.0.0.1", "FileField": "x.csv",
    "TimeField": "09:00", "PositiveBigIntegerField": 1, "SlugField": "x", "DurationField": timedelta(days=1),
}  # fmt: skip


@dataclass(frozen=True)
class Company:
    boss: User
    hero: Account  # the account on which something of everything hangs


def make_company(*, accounts: int = 40) -> Company:
    """The demo after two nights, and what it has none of."""
    load_demo(accounts=accounts, months=24, seed=3, today=TODAY, with_logins=False)
    for as_of in (default_as_of() - A_MONTH, default_as_of()):
        run_night(as_of=as_of, trigger=RunTrigger.COMMAND)
    boss = make_superuser(username="boss")
    hero = CentreMember.objects.select_related("contact__account").first().contact.account
    as_they_come(lambda: _fill(hero, boss))
    hero.refresh_from_db()
    return Company(boss, hero)


def as_they_come(work: Any) -> None:
    """Without the triggers that keep rows from being written by hand; rules of single rows hold."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        work()


def _fill(hero: Account, boss: User) -> None:
    make_override(account=hero, requested_by=boss, approved_by=None)
    other = make_account()
    given: dict[str, dict[str, Any]] = {
        "crm.WebhookEndpoint": {"events": ["grades.changed"], "owner": boss},
        "crm.WebhookDelivery": {"endpoint": WebhookEndpoint.objects.first},
        "service.Attachment": {"stored_as": "0" * 32},
        "service.MailAddress": {"user": boss, "token": "a" * 26},
        "service.IncomingMail": {"user": boss, "state": "waiting", "stored_as": "0" * 32, "message_id": "x"},
        "crm.SavedView": {"user": boss, "query": "grade=gold"},
        "plans.HandOver": {"giver": boss, "taker": make_user()},
        "plans.Reassignment": {"leaver": make_user()},
        "plans.Task": {"text": "x", "account": hero, "owner": boss},
        "plans.RemediationAction": {"plan": RemediationPlan.objects.first},
        "metrics.GrowthNote": {**PERIODS, "account": hero, "author": boss},
        "metrics.ReportedFigure": {
            **PERIODS, "question": "growth", "basis": "recognised", "level": "entity", "currency": "CNY", "author": boss,
            "withdrawn_at": timezone.now(), "withdrawn_by": boss, "withdrawn_reason": "x", "title": "x",
            "ledger_state": {"records": 1, "batch": None, "last_on": "2025-12-31"}, "accounts": 1, "cohort_rows": 1,
        },
        "tiering.BacktestRun": {"first_on": date(2025, 1, 31), "last_on": date(2025, 3, 31), "state": "failed"},
        "accounts.LevelEvidence": {"reached_on": date(2026, 1, 1), "expires_on": date(2027, 1, 1)},
        "metrics.ReportedAccount": {"figure": ReportedFigure.objects.first, "account": hero},
        "accounts.AccountLink": {"source": hero, "target": other},
        "accounts.DuplicateDismissal": {"first": hero, "second": other},
        "accounts.GroupMembership": {"account": hero, "parent": other, "valid_to": date(2011, 1, 1)},
        "accounts.AccountMerge": {"survivor": hero, "merged": other},
        "accounts.SavedMapping": {"definition": {"columns": {"account_code": "x"}}},
        "plans.BusinessHours": {"time_zone": "Asia/Shanghai", "working_days": [1, 2, 3, 4, 5]},
    }  # fmt: skip
    if hero.pk > other.pk:
        given["accounts.DuplicateDismissal"] = {"first": other, "second": hero}
    for _round in range(2):  # what hangs on a row of the first round
        for model in apps.get_models():
            label = model._meta.label
            if model._meta.app_label not in TABLES_OF_OTHERS and label not in NOT_MADE and _lacks(model, hero):
                _add(model, hero, given.get(label, {}))
    make_contact(account=hero)
    make_batch(state=BatchState.WITHDRAWN, withdrawn_at=timezone.now(), withdrawn_by=boss, withdrawn_reason="x")
    make_batch(state=BatchState.FAILED, error="x")


def _lacks(model: type[models.Model], hero: Account) -> bool:
    """Of tables of people's words about accounts the hero has a row; of others there is one."""
    rows = model._base_manager.all()
    if model._meta.app_label == "tiering" or model._meta.label.startswith(
        ("metrics.Account", "plans.AccountCompliance")
    ):
        return not rows.exists()
    names = {field.name for field in model._meta.concrete_fields if field.related_model is Account}
    return not (rows.filter(account=hero) if "account" in names else rows).exists()


def _add(model: type[models.Model], hero: Account, given: dict[str, Any]) -> None:
    values: dict[str, Any] = {}
    for field in model._meta.concrete_fields:
        if field.name in given:
            known = given[field.name]
            values[field.name] = known() if callable(known) else known
        elif field.primary_key and not field.many_to_one and not field.one_to_one:
            continue
        elif field.blank and field.get_internal_type() in {"CharField", "TextField"}:
            values[field.name] = ""
        elif not field.has_default() and not field.null:
            values[field.name] = _value(field, hero)
    row = model(**values)
    with transaction.atomic():
        models.Model.save_base(row, force_insert=True)


def _value(field: models.Field, hero: Account) -> Any:
    if field.many_to_one or field.one_to_one:
        return hero if field.related_model is Account else field.related_model._base_manager.first()
    if field.choices:
        return next(value for value, _label in field.flatchoices if value not in {"", None})
    kind = field.get_internal_type()
    return timezone.now() if kind == "DateTimeField" else OF_KIND[kind]
