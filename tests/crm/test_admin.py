import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.urls import NoReverseMatch, reverse
from unfold.admin import ModelAdmin

from accounts.access import Role
from accounts.models import AccessToken
from crm.admin_menu import NAVIGATION
from crm.models import IdempotencyKey, SavedView
from tests.factories import make_superuser, make_user


@pytest.fixture
def admin_client(client, db):
    client.force_login(make_superuser(username="root"))
    return client


def test_admin_sends_to_the_one_log_in_and_back(client, db):
    answer = client.get("/admin/accounts/account/?q=a", follow=True)

    assert answer.redirect_chain[-1] == ("/login/?next=%2Fadmin%2Faccounts%2Faccount%2F%3Fq%3Da", 302)


def test_admin_has_no_log_in_form_of_its_own(client, db):
    user = make_superuser()

    client.post("/admin/login/", {"username": user.username, "password": "a-long-Passw0rd"})

    assert "_auth_user_id" not in client.session


def test_log_in_address_of_the_admin_keeps_to_this_site(client, db):
    answer = client.get("/admin/login/", {"next": "https://elsewhere.example/"})
    page = client.post(
        answer.headers["Location"],
        {"username": make_superuser().username, "password": "a-long-Passw0rd", "next": "https://elsewhere.example/"},
    )

    assert page.headers["Location"] == "/"


def test_user_without_right_is_told_and_not_sent_round(client, db):
    client.force_login(make_user())

    assert client.get("/admin/", follow=True).status_code == 403


def test_log_out_of_the_admin_leads_to_the_log_in(admin_client):
    assert admin_client.post(reverse("admin:logout")).headers["Location"] == "/login/"


def test_every_table_wears_the_same_dress():
    strangers = [
        model for model, model_admin in admin.site._registry.items() if not isinstance(model_admin, ModelAdmin)
    ]

    assert strangers == []


def test_every_table_is_in_the_menu():
    try:
        linked = {str(item["link"]) for group in NAVIGATION for item in group["items"]}
    except NoReverseMatch as missing:
        raise AssertionError(missing) from missing
    tables = {
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") for model in admin.site._registry
    }

    assert linked == tables


def test_menu_shows_what_the_user_may_view(client, db):
    staff = make_user(is_staff=True, role=Role.ANALYST)
    staff.user_permissions.set(Permission.objects.filter(codename__in=["view_account", "view_product"]))
    client.force_login(staff)

    page = client.get("/admin/").content.decode()

    shown = {str(item["link"]) for group in NAVIGATION for item in group["items"] if f'href="{item["link"]}"' in page}
    assert shown == {reverse("admin:accounts_account_changelist"), reverse("admin:accounts_product_changelist")}


def test_tokens_show_no_digest_and_can_be_revoked(admin_client):
    token, secret = AccessToken.objects.create(user=make_user(username="robot"))

    pages = [
        admin_client.get(reverse("admin:accounts_accesstoken_changelist")).content.decode(),
        admin_client.get(reverse("admin:accounts_accesstoken_change", args=[token.pk])).content.decode(),
    ]
    revoked = admin_client.post(reverse("admin:accounts_accesstoken_delete", args=[token.pk]), {"post": "yes"})

    assert all("robot" in page and f"{token.token_key}…" in page for page in pages)
    assert not any(secret in page or token.digest in page for page in pages)
    assert revoked.status_code == 302
    assert not AccessToken.objects.exists()


def test_tokens_are_not_made_in_the_admin(admin_client):
    assert admin_client.get(reverse("admin:accounts_accesstoken_add")).status_code == 403


def test_groups_views_and_keys_open(admin_client):
    user = make_user()
    group = Group.objects.create(name="Managers")
    view = SavedView.objects.create(owner=user, name="Mine")
    key = IdempotencyKey.objects.create(user=user, key="k1", fingerprint="f" * 64, status=201, body="{}")

    answers = [
        admin_client.get(reverse(f"admin:{name}_change", args=[row.pk])).status_code
        for name, row in (("auth_group", group), ("crm_savedview", view), ("crm_idempotencykey", key))
    ]

    assert answers == [200, 200, 200]
