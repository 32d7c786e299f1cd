"""A passkey in a real browser with an authenticator that only exists in it: made, asked for, and let in."""

import re

from playwright.sync_api import expect

from tests.e2e.conftest import PASSWORD


def test_passkey_is_made_and_asked_for_at_the_next_log_in(at, page, live_server, boss):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    at("/you/second-factor/passkey/")
    page.get_by_label("Name of the passkey").fill("Laptop")
    page.get_by_label("Your password").fill(PASSWORD)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Laptop")).to_be_visible()
    page.context.clear_cookies()

    page.goto(live_server.url + "/login/")
    page.fill("input[name=username]", boss.username)
    page.fill("input[name=password]", PASSWORD)
    page.press("input[name=password]", "Enter")
    page.get_by_role("button", name="Use a passkey").click()

    expect(page).to_have_url(re.compile(r"/$"))
