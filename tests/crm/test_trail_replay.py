"""The trail is complete: replaying it from the first entry gives every watched table as it stands.

The demo company comes in by imports, COPY, bulk writes and services; then people edit, merge, undo and remove.
"""

import io
import json
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.bulk import set_segment
from accounts.merges import merge_accounts, undo_merge
from accounts.models import Account, Contact, Product
from crm.models import TrailEntry
from crm.trail import registry
from crm.trail.sealed import keys_of, opened
from crm.trail.signature import signed
from tests.factories import make_superuser

EMPTY = (None, "", [], {})


def replayed() -> dict[str, dict[str, dict[str, Any]]]:
    """By table and key, what the entries add up to."""
    entries = list(TrailEntry.objects.order_by("pk"))
    keys = keys_of(entries)
    tables: dict[str, dict[str, dict[str, Any]]] = {}
    for entry in entries:
        rows = tables.setdefault(entry.table_name, {})
        key = keys.get(entry.person)
        after = {name: opened(value, key) for name, value in entry.after.items()}
        before = {name: opened(value, key) for name, value in entry.before.items()}
        if entry.action == "I":
            assert entry.row_key not in rows, entry
            rows[entry.row_key] = after
        elif entry.action == "U":
            row = rows[entry.row_key]
            assert {name: row.get(name) or None for name in before} == {name: before[name] or None for name in before}
            row.update(after)
        elif entry.action == "D":
            del rows[entry.row_key]
        else:
            rows.clear()
    return tables


def standing(watch: registry.Watch) -> dict[str, dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT to_jsonb(t)::text FROM "{watch.table}" t')
        rows = [json.loads(row) for (row,) in cursor.fetchall()]
    return {",".join(str(row[column]) for column in watch.key.split(",")): row for row in rows}


def told(row: dict[str, Any], watch: registry.Watch) -> dict[str, Any]:
    left_out = {*watch.ignored, *watch.secret}
    return {name: value for name, value in row.items() if name not in left_out and value not in EMPTY}


@pytest.fixture
def company(db):
    """Rows by table that migrations made, some of them before there were triggers; the demo comes after."""
    before = {}
    for model in registry.watched_models():
        watch = registry.watch_of(model)
        before[watch.table] = set(standing(watch))
    call_command("load_demo", "--accounts", "20", "--months", "24", stdout=io.StringIO())
    return before


def test_replaying_the_trail_gives_the_tables_as_they_stand(company):
    user = make_superuser()
    with signed(via="page", request_id="r", actor=lambda: user.pk):
        one, other, third = Account.objects.standing().order_by("pk")[:3]
        merge = merge_accounts(merged=other, into=one, by=user, reason="one customer")
        undo_merge(merge=merge, by=user)
        merge_accounts(merged=other, into=third, by=user, reason="after all")
        set_segment(accounts=Account.objects.filter(pk__in=[one.pk, third.pk]), segment="Segment 9")
        Contact.objects.filter(account=one).update(phone="139 555 7000", attitude=None, attitude_since=None)
        Contact.objects.filter(account=third).first().delete()
        Product.objects.bulk_update(
            [Product(pk=row.pk, name=f"{row.name} II") for row in Product.objects.all()[:5]], ["name"]
        )
        with connection.cursor() as cursor:
            cursor.execute("UPDATE accounts_contract SET title = title || ' (2)', updated_at = now()")

    tables, compared = replayed(), 0
    for model in registry.watched_models():
        watch = registry.watch_of(model)
        ours = tables.get(watch.table, {})
        for key, row in standing(watch).items():
            if key in company[watch.table]:
                continue
            assert told(ours.pop(key), watch) == told(row, watch), (watch.table, key)
            compared += 1
        assert set(ours) <= company[watch.table], watch.table

    assert compared > 300
    signed_ones = TrailEntry.objects.filter(actor_id=user.pk, via="page")
    assert {row.table_name for row in signed_ones} >= {
        "accounts_account", "accounts_accountmerge", "accounts_contact", "accounts_contract", "accounts_product",
    }  # fmt: skip
