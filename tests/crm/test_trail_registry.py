"""Every table is watched or exempt with a reason; every field about a person is one or is judged not to be."""

import json
import re
from datetime import date
from decimal import Decimal

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import ForeignKey

from accounts.models import Contact, Product, TeamMember
from crm.models import TrailEntry
from crm.trail import registry, triggers
from tests.factories import make_account, make_contract, make_product, make_team_member


def _tables():
    return [m for m in apps.get_models(include_auto_created=True) if not m._meta.proxy]


def test_every_table_is_watched_or_exempt_with_a_reason(db):
    standing = {trigger.table for trigger in triggers.expected_triggers()}
    blank = [
        model._meta.label
        for model in _tables()
        if model._meta.db_table not in standing and not registry.EXEMPT.get(model._meta.label)
    ]

    assert blank == []
    assert triggers.faults() == []


def test_exemptions_name_models_that_are_there():
    known = {model._meta.label for model in _tables()}
    named = {
        *registry.EXEMPT,
        *registry.PERSONAL,
        *registry.NIGHTLY,
        *registry.IGNORED,
        *registry.NO_SECRET,
        *registry.SECRETS,
    }

    assert named - known == set()
    assert set(registry.PERSONAL) & set(registry.EXEMPT) == set()


@pytest.mark.parametrize("label", sorted(registry.PERSONAL))
def test_every_field_of_a_person_is_judged(label):
    """A new field of a contact or a user: is it personal? Say so in crm/trail/registry.py."""
    about = registry.PERSONAL[label]
    columns = {field.column for field in apps.get_model(label)._meta.local_concrete_fields}

    assert columns == about.fields | about.plain
    assert not about.fields & about.plain


def test_every_table_that_names_a_contact_is_judged():
    naming = {
        model._meta.label
        for model in _tables()
        for field in model._meta.local_concrete_fields
        if isinstance(field, ForeignKey) and field.related_model is Contact
    }

    assert naming == set(registry.NAMES_A_PERSON) | {label for label in registry.PERSONAL if label in naming}


def test_secrets_are_told_by_name_or_kind():
    found = {model._meta.label: registry.watch_of(model).secret for model in registry.watched_models()}

    assert {label: secret for label, secret in found.items() if secret} == {
        "accounts.User": ("password",),
        "accounts.AccessToken": ("digest", "token_key"),
        "crm.WebhookEndpoint": ("sealed_secret",),
        "service.MailAddress": ("token",),
        "mfa.Authenticator": ("data",),
    }


def test_a_table_without_trigger_is_found(db):
    with connection.cursor() as cursor:
        cursor.execute("DROP TRIGGER trail_note ON accounts_product")
        cursor.execute("ALTER TABLE accounts_contact DISABLE TRIGGER trail_note_change")
        cursor.execute(
            "CREATE OR REPLACE FUNCTION trail_guard() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'"
        )

    assert triggers.faults() == [
        "function trail_guard is not the one of this release",
        "accounts_contact: trigger trail_note_change is switched off",
        "accounts_product: trigger trail_note is missing",
    ]
    assert triggers.install() == 2
    assert triggers.faults() == []


def test_tables_of_many_rows_hold_no_secret_and_nothing_personal():
    for label in registry.MANY:
        watch = registry.watch_of(apps.get_model(label))

        assert (watch.secret, watch.personal, watch.key) == ((), (), "id")
        assert "@" not in watch.account
        assert not {"json", "jsonb"} & {field.db_type(connection) for field in apps.get_model(label)._meta.fields}


def test_general_triggers_stand_in_while_migrations_run(db):
    product = make_product(name="Before")
    triggers.loosen(plan=["a migration"])
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_product ALTER COLUMN name TYPE varchar(300)")  # no trigger is in the way
        cursor.execute("ALTER TABLE accounts_account DROP COLUMN turnover_source")
    Product.objects.filter(pk=product.pk).update(name="In between")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE accounts_account ADD COLUMN turnover_source varchar(120) NOT NULL DEFAULT ''")
    triggers.put_on()
    Product.objects.filter(pk=product.pk).update(name="After")

    told = TrailEntry.objects.filter(table_name="accounts_product", row_key=str(product.pk), action="U").order_by("pk")
    assert [entry.after for entry in told] == [{"name": "In between"}, {"name": "After"}]
    assert triggers.faults() == []


def test_own_and_general_triggers_say_the_same(db):
    """What the triggers of a table of many rows note is what the general ones would."""

    def work(code: str) -> list[tuple]:
        account = make_account(code=code, name="Anna & Co", opened_on=date(2024, 1, 1), turnover=None)
        account.name, account.region, account.closed_on = "Anna", "", date(2025, 1, 1)
        account.before_data_start = True
        account.save()
        contract = make_contract(account=account, number=f"N-{code}", amount=Decimal("12.5000"), currency="CNY")
        contract.amount = Decimal("13.2500")
        contract.save()
        ids = {account.pk, contract.pk}
        contract.delete()
        rows = TrailEntry.objects.filter(account_id=account.pk).order_by("pk")
        told = [(row.table_name, row.action, row.before, row.after) for row in rows]
        return json.loads(
            re.sub(rf": ({'|'.join(map(str, ids))})(?![.0-9])", ": 0", json.dumps(told)).replace(code, "X")
        )

    own = work("OWN1")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    triggers.install(is_migrating=True)
    general = work("GEN1")

    assert own == general
    assert [(table, action) for table, action, _before, _after in own] == [
        ("accounts_account", "I"), ("accounts_account", "U"), ("accounts_contract", "I"), ("accounts_contract", "U"),
        ("accounts_contract", "D"),
    ]  # fmt: skip


def test_a_change_of_many_seats_is_noted_row_by_row_in_one_statement(db):
    members = [make_team_member(valid_from=date(2024, 1, number)) for number in (1, 2, 3)]
    last = TrailEntry.objects.latest("pk").pk

    TeamMember.objects.filter(pk__in=[one.pk for one in members[:2]]).update(valid_to=date(2025, 1, 1))
    TeamMember.objects.filter(pk=members[2].pk).update(role=members[2].role)  # nothing is different

    noted = TrailEntry.objects.filter(pk__gt=last).order_by("row_key")
    assert [(one.row_key, one.account_id, one.action, one.before, one.after) for one in noted] == [
        (str(one.pk), one.account_id, "U", {"valid_to": None}, {"valid_to": "2025-01-01"}) for one in members[:2]
    ]


def test_a_row_whose_key_is_changed_is_noted_too(db):
    member = make_team_member(valid_from=date(2024, 1, 1))
    last = TrailEntry.objects.latest("pk").pk

    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_teammember SET id = id + 1000000 WHERE id = %s", [member.pk])

    (entry,) = TrailEntry.objects.filter(pk__gt=last, table_name="accounts_teammember")
    assert (entry.action, entry.row_key, entry.after["role"]) == ("U", str(member.pk + 1_000_000), member.role)
