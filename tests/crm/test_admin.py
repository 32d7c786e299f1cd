from datetime import date, timedelta

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.test import RequestFactory
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from unfold.admin import ModelAdmin

from accounts.access import Role
from accounts.models import AccessToken, AttitudeNote, CourtesyLimit, Invitation
from accounts.relationship_rules import courtesy_limit
from crm.admin_menu import NAVIGATION
from crm.lib.outbound import Door
from crm.models import IdempotencyKey, SavedView, TrailEntry
from crm.webhooks.services import create_webhook
from tests.factories import make_account, make_centre, make_contact, make_superuser, make_user


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


DERIVED = "computed from other rows, and computed again at any time; figures are looked at on the pages"
OTHERS = "a table of a library; its rows hold secrets or are made by migrations"
# Tables without a place of their own in the admin, and why.
NOT_IN_ADMIN = {
    "accounts.FactChange": "marks that something changed, for what is kept in the cache",
    "crm.PersonKey": "keys of the trail: they are shown nowhere",
    "metrics.AccountCredit": DERIVED,
    "metrics.AccountProduct": DERIVED,
    "metrics.ContractDay": DERIVED,
    "metrics.ProductDay": DERIVED,
    "metrics.ProductNight": DERIVED,
    "metrics.TouchedAccount": "marks of what is to be computed anew",
    "tiering.ChangedAccount": "marks of what the next night counts anew",
    "tiering.GradedMember": DERIVED,
    "tiering.KeptLedger": DERIVED,
    "tiering.LedgerFacts": DERIVED,
    "admin.LogEntry": "the admin's own history, on each row's page",
    "auth.Permission": OTHERS,
    "contenttypes.ContentType": OTHERS,
    "sessions.Session": OTHERS,
    "account.EmailAddress": OTHERS,
    "account.EmailConfirmation": OTHERS,
    "mfa.Authenticator": "second factors are looked after on the page Log-ins and at second-factors/",
    "socialaccount.SocialAccount": OTHERS,
    "socialaccount.SocialApp": OTHERS,
    "socialaccount.SocialToken": OTHERS,
}
# Rows that triggers or services keep: nobody adds to them or changes them here.
KEPT = {
    *("accounts.RevenueRecord", "accounts.LoginEvent", "accounts.UserSession", "accounts.AttitudeNote"),
    *("accounts.PartnershipState", "accounts.GroupMembership", "accounts.AccountMerge", "accounts.AccountLink"),
    *("accounts.ResentRow", "accounts.LoginLimit", "accounts.LoginRule", "accounts.Invitation", "accounts.Courtesy"),
    *("crm.TrailEntry", "crm.TrailLink", "crm.TrailSeal", "crm.Erasure", "crm.WebhookEndpoint", "crm.WebhookDelivery"),
    *("plans.HandOver", "plans.Reassignment", "plans.MovedRow", "plans.Task", "plans.Promise", "plans.Strategy"),
    *("metrics.ReportedFigure", "metrics.ReportedAccount", "tiering.ReplacedPeriod", "tiering.GradePeriod"),
    *("tiering.Score", "tiering.Quarantine", "tiering.TierRun"),
}


def in_admin() -> set[str]:
    inlines = {inline.model for one in admin.site._registry.values() for inline in one.inlines}
    return {model._meta.label for model in {*admin.site._registry, *inlines}}


def test_every_table_is_in_the_admin_or_left_out_with_a_reason():
    tables = {model._meta.label for model in apps.get_models() if not model._meta.proxy}

    assert sorted(tables - in_admin() - set(NOT_IN_ADMIN)) == []
    assert sorted(set(NOT_IN_ADMIN) - tables) == []
    assert sorted(set(NOT_IN_ADMIN) & in_admin()) == []


@pytest.mark.parametrize("label", sorted(KEPT))
def test_rows_that_are_kept_are_looked_at_alone(admin_client, label):
    model_admin = admin.site._registry[apps.get_model(label)]
    request = RequestFactory().get("/")
    request.user = make_superuser()

    assert not model_admin.has_add_permission(request)
    assert not model_admin.has_change_permission(request)
    address = f"admin:{model_admin.opts.app_label}_{model_admin.opts.model_name}"
    assert admin_client.get(reverse(f"{address}_add")).status_code == 403


@pytest.mark.parametrize("model", sorted(admin.site._registry, key=lambda one: one._meta.label))
def test_every_list_opens_and_can_be_searched(admin_client, model):
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    searches = admin.site._registry[model].search_fields

    assert admin_client.get(address).status_code == 200
    assert not searches or admin_client.get(address, {"q": "anna"}).status_code == 200


def test_what_opens_doors_or_hides_from_some_is_not_shown(admin_client, settings):
    settings.OUTBOUND = Door(is_open=True, private_hosts=frozenset({"127.0.0.1"}))
    invitation = Invitation.objects.create(
        email="a@example.com", nonce="n-o-n-c-e", invited_by=make_user(), invited_at=timezone.now(),
        expires_at=timezone.now() + timedelta(days=1),
    )  # fmt: skip
    endpoint, _secret = create_webhook(
        name="ERP", url="https://127.0.0.1:9443/", events_told=["grades.changed"], owner=make_superuser()
    )
    make_contact(name="Somebody Told", phone="+86 21 5555 0000")
    entry = TrailEntry.objects.filter(table_name="accounts_contact").latest("pk")

    pages = {
        row: admin_client.get(reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]))
        for row in (invitation, endpoint, entry)
    }

    assert [answer.status_code for answer in pages.values()] == [200, 200, 200]
    assert "n-o-n-c-e" not in pages[invitation].content.decode()
    assert str(endpoint.sealed_secret) not in pages[endpoint].content.decode()
    assert "before" not in {
        name for fieldset in pages[entry].context["adminform"] for line in fieldset for name in line.fields
    }


def test_a_rule_of_the_relationships_and_a_limit_of_gifts_are_mended_here(admin_client):
    CourtesyLimit.objects.all().delete()
    added = admin_client.post(
        reverse("admin:accounts_courtesylimit_add"),
        {"kind": "gift", "per_occasion": "300", "per_year": "900", "currency": "CNY"},
    )

    assert added.status_code == 302
    assert courtesy_limit("gift").per_occasion == 300


def test_staff_sees_rows_of_visible_accounts_alone(client, db):
    staff = make_user(is_staff=True, role=Role.MEMBER)
    names = ["view_buyingcentre", "view_attitudenote", "view_accountmerge", "view_task"]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    mine, other = make_account(owner=staff), make_account()
    for account, word in ((mine, "Mine"), (other, "Foreign")):
        make_centre(account=account, name=f"{word} centre")
        contact = make_contact(account=account, name=f"{word} person")
        AttitudeNote.objects.create(contact=contact, attitude=1, held_from=date(2024, 2, 1))
    client.force_login(staff)

    pages = [
        client.get(reverse(f"admin:accounts_{name}_changelist")).content.decode()
        for name in ("buyingcentre", "attitudenote")
    ]

    assert [("Mine" in page, "Foreign" in page) for page in pages] == [(True, False)] * 2
