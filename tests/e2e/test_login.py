"""Logging in and out, with and without scripts."""

from playwright.sync_api import Browser, Page, expect

from accounts.models import User
from tests.e2e.conftest import PASSWORD, log_in


def test_log_in_wrong_then_right_then_out(page: Page, live_server, boss: User, complaints):
    page.goto(live_server.url + "/accounts/")
    page.fill("input[name=username]", boss.username)
    page.fill("input[name=password]", "wrong")
    page.click("text=Log in >> nth=-1")
    expect(page.get_by_role("alert")).to_contain_text("do not match")

    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/accounts/")

    page.click("summary[aria-label='You and your choices']")
    page.click("button:has-text('Log out')")
    page.wait_for_url("**/login/")


def test_everything_on_the_way_to_an_account_works_without_scripts(browser: Browser, live_server, boss: User):
    from tests.factories import make_account

    make_account(name="Brenora", owner=boss)
    make_account(name="Other", owner=boss)
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()

    log_in(page, live_server.url, boss)
    page.click("a.nav-link:has-text('Accounts')")
    page.fill("input[name=q]", "bren")
    page.press("input[name=q]", "Enter")
    assert page.locator("tbody tr").count() == 1
    page.click("a.name")
    page.click("a:has-text('Grade') >> nth=0")
    assert page.url.endswith("/grade/")
    page.goto(live_server.url + "/accounts/")
    page.click("summary:has-text('Grade')")
    page.click("details[open] a:has-text('Choose')")
    page.click("a:has-text('General')")
    assert "grade=general" in page.url
    context.close()


def test_theme_is_chosen_once_and_kept(at):
    page = at("/accounts/")
    page.click("summary[aria-label='You and your choices']")
    page.click("button:has-text('Dark')")
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    dark = page.evaluate("getComputedStyle(document.body).color")

    page = at("/accounts/")

    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).color") == dark


def test_language_is_switched_from_the_menu(at):
    page = at("/accounts/")
    page.click("summary[aria-label='You and your choices']")
    page.click("button[lang=zh-hans]")
    page.wait_for_load_state("networkidle")

    assert page.evaluate("document.documentElement.lang") == "zh-hans"
