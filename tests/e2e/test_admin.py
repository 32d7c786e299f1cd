"""The admin in a real browser: its skin evaluates code and styles in place, so the policy has to let it."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.e2e.conftest import PASSWORD
from tests.factories import make_account, make_contact, make_rating, make_revenue, make_team_member
from tests.tiering.worked_example import make_draft, make_night, make_score
from tiering.models import ScoringModel, TierRun
from tiering.services import activate_model


@pytest.fixture
def night(transactional_db) -> TierRun:
    run = make_night(activate_model(model=make_draft()))
    make_score(run, account=make_account(name="Example"))
    return run


def test_admin_is_entered_through_the_one_log_in(page: Page, live_server, boss: User, complaints):
    page.goto(live_server.url + "/admin/accounts/account/")
    page.fill("input[name=username]", boss.username)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")

    page.wait_for_url("**/admin/accounts/account/")


def test_every_list_opens_without_complaint_in_the_dark(page: Page, at, night):
    make_revenue()
    page.emulate_media(color_scheme="dark")
    at("/admin/")
    expect(page.locator("html")).to_have_class(re.compile(r"\bdark\b"))

    for model in admin.site._registry:
        at(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert page.locator("#changelist").count() == 1, model


def test_forms_open_without_complaint(at, night):
    account = night.scores.get().account
    make_contact(account=account)
    make_team_member(account=account)
    rating = make_rating(account=account)
    record = make_revenue(account=account)
    rows = [account, rating, record, record.batch, night, night.scores.get(), night.model]

    for row in rows:
        page = at(reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]))
        assert page.locator("#content-main form").count() == 1, row
    for name in ("accounts_account_add", "accounts_rating_add", "accounts_user_add"):
        at(reverse(f"admin:{name}"))
    at(reverse("admin:accounts_account_delete", args=[account.pk]))


def test_account_is_picked_by_pinyin(at, transactional_db):
    make_account(name="宁德时代")
    page = at(reverse("admin:accounts_rating_add"))

    page.locator("#id_account + .select2").click()
    page.keyboard.type("ningde")

    expect(page.locator(".select2-results__option").first).to_have_text("宁德时代")


def test_preview_follows_the_weights_as_they_are_typed(at, night):
    draft = make_draft()
    page = at(reverse("admin:tiering_scoringmodel_change", args=[draft.pk]))
    expect(page.locator(".mp-score")).to_have_text("67.1")

    page.get_by_role("link", name="Dimensions").click()
    page.fill("[name=dimensions-0-weight]", "10")
    expect(page.locator(".mp-problems")).to_contain_text("sum to 70 %")
    page.fill("[name=dimensions-1-weight]", "55")
    expect(page.locator(".mp-problems")).to_have_count(0)
    expect(page.locator(".mp-score")).to_have_text("67.2")
    page.click("[name=_save]")
    page.wait_for_url(re.compile(r"/scoringmodel/(#.*)?$"))

    assert [weight for _code, weight in draft.dimensions.values_list("code", "weight")] == [10, 55, 20, 15]


def test_new_version_is_made_and_proposed_in_dialogs(at, night):
    page = at(reverse("admin:tiering_scoringmodel_change", args=[night.model.pk]))

    page.click("a:has-text('Make a new version')")
    page.fill("#dialog textarea", "A trial")
    page.click("#dialog button:has-text('Make the draft')")
    page.wait_for_url(lambda url: f"/{night.model.pk}/" not in url)
    page.click("a:has-text('Propose for activation')")
    page.fill("#dialog textarea", "The trial went well")
    with page.expect_navigation():
        page.click("#dialog button:has-text('Propose it')")
    expect(page.get_by_text("once somebody else has approved it")).to_be_visible()

    assert list(ScoringModel.objects.order_by("pk").values_list("state", flat=True)) == ["active", "proposed"]
