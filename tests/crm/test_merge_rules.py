"""No table with a key to an account is forgotten where two accounts become one."""

from django.apps import apps

from accounts.merges import merge_accounts
from accounts.models import Account
from crm.merge_rules import RULES, Moves
from tests.factories import make_account


def keys_to_accounts():
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.concrete and field.is_relation and field.related_model is Account
    }


def test_every_key_to_an_account_has_a_rule():
    found = keys_to_accounts()

    assert found - set(RULES) == set(), "say in crm/merge_rules.py what a merge does with these"
    assert set(RULES) - found == set(), "these are gone: take their lines out of crm/merge_rules.py"


def test_what_is_said_to_move_is_noted_by_a_merge(db):
    merge = merge_accounts(merged=make_account(), into=make_account(), by=None, reason="Same")

    assert {rule.name for rule in RULES.values() if isinstance(rule, Moves)} <= set(merge.moved)
