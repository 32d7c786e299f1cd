"""Every table is watched or exempt with a reason; every field about a person is one or is judged not to be."""

import pytest
from django.apps import apps
from django.db.models import ForeignKey

from accounts.models import Contact
from crm.trail import registry, triggers


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
        *registry.KEYS,
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
    }


def test_a_table_without_trigger_is_found(db):
    from django.db import connection

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
