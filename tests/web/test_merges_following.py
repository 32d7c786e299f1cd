"""The page of a merge names in numbers what follows from the apps that hang on accounts."""

from datetime import date

from django.contrib.auth.models import Permission
from django.urls import reverse

from plans.models import RemediationPlan
from tests.factories import make_account, make_interaction, make_override, make_user


def test_page_names_what_follows_and_what_stays(client, db):
    editor = make_user()
    editor.user_permissions.add(Permission.objects.get(codename="change_account"))
    old, kept = make_account(owner=editor), make_account(owner=editor)
    make_interaction(account=old), make_override(account=old)
    for account in (old, kept):
        RemediationPlan.objects.create(account=account, opened_on=date(2025, 1, 1), due_on=date(2025, 2, 1))
    client.force_login(editor)

    answer = client.get(reverse("accounts:merge", args=[old.pk]), {"into": kept.code})

    effects = answer.context["effects"]
    assert [(str(words), count) for words, count in effects["moves"]] == [
        ("interactions", 1), ("grades set by hand", 1)
    ]  # fmt: skip
    assert [(str(words), count) for words, count in effects["stays"]] == [("remediation plans", 1)]
    assert "takes over the open steps of the other" in answer.content.decode()
