"""Texts made to run, ask or break out, in every text field of every table; every page and part in a real browser (S6).

One round opens every page of an account with one text in each of its fields. ``FACET_XSS_ROUNDS=9`` goes on until every text
was shown; ``FACET_XSS_ALL=1`` opens every part, every figure and the admin too.
"""

import os
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.test import Client
from django.urls import include, path
from playwright.sync_api import Error, Page, Request, Response

from crm import access
from tests.e2e.conftest import wait_until_quiet
from tests.hostile.company import Company, make_company
from tests.hostile.everywhere import Address, admin_addresses, page_addresses, rest_addresses
from tests.hostile.markup import corpus
from tests.hostile.planting import plant

ROUNDS = int(os.environ.get("FACET_XSS_ROUNDS", "1"))
IS_FULL = os.environ.get("FACET_XSS_ALL") == "1"
STEP = 41  # rows of one table are at most a few hundred: each round begins elsewhere
SETTLED_MS = 40
FILES = ("export", "errors", "codes_file", "attachment")
REST_EVERY = 1 if IS_FULL else 8
FIGURES_EVERY = 1 if IS_FULL else 12
HOVER_EVERY = 1 if IS_FULL else 5
PARTS_EVERY = 1 if IS_FULL else 4
SHOWN_AT_LEAST = 0.95 if ROUNDS >= 9 else 0.5
OF_ONE_MAKE = ("figure", "metrics:filters", "accounts:options")
CHARTED = ("dashboard", "metrics:question", "tiering:portfolio", "accounts:detail", "accounts:revenue")
# The frame of the admin and the description of REST need more (``crm.web.middleware``): not the pages of the product.
LOOSER = {"admin": ("'unsafe-eval'", "'unsafe-inline'"), "api:docs": ("'unsafe-inline'",)}
LISTENERS = """
window.hit = (number) => window.told(`ran: ${number}`);
document.addEventListener("securitypolicyviolation", (event) =>
  window.told(`policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`));
"""
# What markup of strangers leaves behind, whether it ran or not.
FOUND = """() => {
  const found = [...document.querySelectorAll("[data-planted]")].map((one) => `element: ${one.outerHTML.slice(0, 120)}`);
  for (const one of document.querySelectorAll("a[href], area[href], form[action], [formaction], iframe, embed, object")) {
    const address = one.href?.baseVal ?? one.href ?? one.action ?? one.formAction ?? one.src ?? one.data ?? "";
    if (/^(javascript|vbscript|data):|^[a-z]*:?\\/\\/planted\\.invalid/i.test(String(address))) found.push(`address: ${one.outerHTML.slice(0, 120)}`);
  }
  return found;
}"""
PART = """async (path) => {
  const sink = document.createElement("div");
  sink.id = "sink";
  document.getElementById("main").replaceChildren(sink);
  await htmx.ajax("GET", path, { target: "#sink", swap: "innerHTML" });
}"""


class Watch:
    """A browser page, and everything on it that stored text has no business to do."""

    def __init__(self, page: Page, base: str) -> None:
        self.page, self.base = page, base
        self.faults: list[str] = []
        self.at = ""
        self.opened = 0
        page.expose_function("told", self.tell)
        page.add_init_script(LISTENERS)
        page.on("dialog", lambda dialog: (self.tell(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on("pageerror", lambda error: self.tell(f"error: {error}"))
        page.on("request", self._asked)
        page.on("response", self._answered)
        page.on("popup", lambda popup: self.tell(f"window: {popup.url}"))

    def tell(self, what: str) -> None:
        self.faults.append(f"{self.at} {what}")

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.path.startswith("/planted") or "planted" in (parts.hostname or ""):
            self.tell(f"request: {request.method} {request.url}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.tell(f"status: {response.status} {response.url}")
        if response.request.resource_type != "document" or "html" not in response.headers.get("content-type", ""):
            return
        policy = response.headers.get("content-security-policy", "")
        looser = next((words for start, words in LOOSER.items() if self.at.startswith(start)), ())
        for word in ("'unsafe-inline'", "'unsafe-eval'"):
            if not policy or (word in policy and word not in looser):
                self.tell(f"policy without rules: {policy[:80]}")

    def open(self, address: Address) -> str:
        """The page as it stands once it is quiet: its text."""
        self.at = f"{address.route} {address.path}"
        self.opened += 1
        try:
            self.page.goto(self.base + address.path, wait_until="load")
        except Error as error:
            # So a browser says of an answer without a body, and of a file.
            if "ERR_ABORTED" not in error.message and "Download is starting" not in error.message:
                self.tell(f"does not open: {error.message[:200]}")
            return ""
        return self.look()

    def part(self, address: Address) -> str:
        """The same address as htmx asks for it, put into a page."""
        self.at = f"{address.route} {address.path} (part)"
        self.opened += 1
        start = self.page.url
        try:
            self.page.evaluate(PART, address.path)
            return self.look()
        except Error:  # the answer leads to another page
            self.page.wait_for_load_state("load")
            return self.look()
        finally:
            if self.page.url != start:
                self.page.goto(start, wait_until="load")

    def look(self) -> str:
        self.page.wait_for_timeout(SETTLED_MS)
        for one in self.page.evaluate(FOUND):
            self.tell(one)
        return self.page.content()

    def hover(self) -> None:
        """Labels of charts come up where the mouse goes."""
        for box in self.page.locator("[data-chart]").all()[:3]:
            if (frame := box.bounding_box()) and box.is_visible():
                box.scroll_into_view_if_needed()
                frame = box.bounding_box() or frame
                for step in range(1, 8):
                    self.page.mouse.move(frame["x"] + frame["width"] * step / 8, frame["y"] + frame["height"] / 2)
                self.look()


@pytest.fixture
def company(transactional_db: None) -> Company:
    return make_company()


@pytest.fixture
def watch(page: Page, live_server: Any, company: Company) -> Iterator[Watch]:
    client = Client()
    client.force_login(company.boss)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.set_default_timeout(30_000)
    yield Watch(page, live_server.url)
    page.goto("about:blank")
    wait_until_quiet()


def addresses(company: Company, number: int) -> list[Address]:
    pages = [one for one in page_addresses(company) if not any(word in one.route for word in FILES)]
    of_one_make = [one for one in pages if one.route in OF_ONE_MAKE]
    chosen = [one for one in pages if one.route not in OF_ONE_MAKE] + of_one_make[number::FIGURES_EVERY]
    # What is planted is also looked for: no page may take it from its address for markup.
    asked = "?q=%3Cimg%20data-planted%20src%3Dx%20onerror%3Dhit(1)%3E"
    more = [
        "/search/" + asked,
        "/accounts/" + asked,
        "/nowhere/" + asked.removeprefix("?q=") + "/",
        "/trail/?table=" + asked,
    ]
    return [*chosen, *(Address("asked", path) for path in more)]


def test_no_text_runs_asks_or_becomes_markup_anywhere(watch: Watch, company: Company) -> None:
    texts = corpus()
    assert len(texts) >= 300
    shown: set[int] = set()
    fields = 0
    for number in range(ROUNDS):
        planted = plant(texts, start=number * STEP)
        assert all(planted.values()), [label for label, rows in planted.items() if not rows]
        fields = len(planted)
        for at, address in enumerate(addresses(company, number)):
            shown |= seen_in(watch.open(address), texts)
            if address.route in CHARTED and at % HOVER_EVERY == 0:
                watch.hover()
        watch.open(Address("dashboard", "/"))
        for address in addresses(company, number)[number % PARTS_EVERY :: PARTS_EVERY]:
            shown |= seen_in(watch.part(address), texts)
        for address in list(rest_addresses(company))[number % REST_EVERY :: REST_EVERY]:
            if not any(word in address.route for word in FILES):
                watch.open(address)
        told = f"{watch.opened} pages and parts, {len(shown)} texts shown, {len(watch.faults)} faults"
        print(f"\nS6: {len(texts)} texts, {fields} fields, {number + 1} rounds, {told}", flush=True)
    assert watch.faults == [], "\n".join(sorted(set(watch.faults))[:80])
    missing = [texts[at] for at in sorted(set(range(len(texts))) - shown)]
    assert len(shown) >= len(texts) * SHOWN_AT_LEAST, missing


# Forms that come back with what was typed, beside what is wrong with it.
TYPED_AGAIN = (
    "accounts:new",
    "accounts:contact_new",
    "tasks:write",
    "webhooks:create",
    "accounts:log_interaction",
    "trail:index",
)
SENT = """(text) => {
  const form = document.querySelector("main form:not([action*='choices'])");
  for (const field of form.elements) {
    if (field.matches("input:not([type=hidden]):not([type=checkbox]):not([type=radio]), textarea")) {
      field.removeAttribute("maxlength");
      field.type = field.tagName === "INPUT" ? "text" : field.type;
      field.value = text + "x".repeat(5000);
    }
  }
  HTMLFormElement.prototype.submit.call(form);
}"""


def test_forms_give_back_what_was_typed_as_text(watch: Watch, company: Company) -> None:
    texts = [
        '"><img data-planted src=x onerror=hit(1)>',
        "</textarea><script data-planted>hit(2)</script>",
        '" data-planted autofocus onfocus="hit(3)',
    ]
    for address in page_addresses(company):
        if address.route in TYPED_AGAIN:
            for text in texts:
                watch.open(address)
                with watch.page.expect_navigation(wait_until="load"):
                    watch.page.evaluate(SENT, text)
                assert "data-planted" in watch.look(), f"{address} does not show what was typed"

    assert watch.faults == []


@pytest.mark.skipif(not IS_FULL, reason="minutes; FACET_XSS_ALL=1 asks for it")
def test_no_text_becomes_markup_in_the_admin(watch: Watch, company: Company) -> None:
    plant(corpus(), start=0)
    for address in admin_addresses():
        watch.open(address)
    print(f"\nS6 admin: {watch.opened} pages, {len(watch.faults)} faults", flush=True)
    assert watch.faults == [], "\n".join(sorted(set(watch.faults))[:80])


def seen_in(content: str, texts: list[str]) -> set[int]:
    words = unescape(content)
    return {at for at, text in enumerate(texts) if text.strip() in words}


# --- The watch itself: a template that trusts what it is given is caught ---

PLACES = {
    "content": "<div>{{ text|safe }}</div>",
    "attribute": '<input value="{{ text|safe }}">',
    "title": "<title>{{ text|safe }}</title>",
    "textarea": "<textarea>{{ text|safe }}</textarea>",
    "link": '<a href="{{ text }}">escaped, and yet it runs</a>',
}


def trusting(request: HttpRequest, place: str) -> HttpResponse:
    body = PLACES[place] if request.GET.get("trust") else PLACES[place].replace("|safe", "")
    template = engines["django"].from_string(
        '{% extends "base.html" %}{% block content %}' + body + "{% endblock content %}"
    )
    return HttpResponse(template.render({"text": request.GET["text"]}, request))


urlpatterns = [path("trusting/<str:place>/", trusting, name="trusting"), path("", include("crm.urls"))]

CAUGHT = (
    ("content", "<script data-planted>hit(1)</script>", "policy: script-src"),
    ("content", "<img src=x onerror=hit(2)>", "policy: script-src"),
    ("content", "<b data-planted>3</b>", "element: "),
    ("content", "<div hx-get=/planted/4 hx-trigger=load></div>", "request: GET"),
    ("content", "<iframe src='javascript:parent.hit(5)'></iframe>", "address: "),
    ("content", "<form action=javascript:hit(6)></form>", "address: "),
    ("attribute", '" data-planted autofocus onfocus="hit(7)', "element: "),
    ("title", "</title><b data-planted>8</b>", "element: "),
    ("textarea", "</textarea><img data-planted src=/planted/9>", "request: GET"),
    ("link", "javascript:hit(10)", "address: "),
)


@pytest.mark.parametrize(("place", "text", "told"), CAUGHT)
def test_a_template_that_trusts_text_is_caught(
    page: Page, live_server: Any, transactional_db: None, settings: Any, monkeypatch: pytest.MonkeyPatch,
    place: str, text: str, told: str,
) -> None:  # fmt: skip
    settings.ROOT_URLCONF = __name__
    monkeypatch.setitem(access.PAGES, "trusting", {"GET": access.OPEN})  # an address that is not listed is not there
    watch = Watch(page, live_server.url)

    watch.open(Address("page", f"/trusting/{place}/?{urlencode({'text': text, 'trust': 1})}"))
    assert any(told in one for one in watch.faults), watch.faults
    if place != "link":
        watch.faults.clear()
        watch.open(Address("page", f"/trusting/{place}/?{urlencode({'text': text})}"))
        assert watch.faults == []
    page.goto("about:blank")
    wait_until_quiet()


def test_text_that_runs_is_told(page: Page, live_server: Any, transactional_db: None) -> None:
    """Without a policy in the way: the trap, the dialog and the window are heard of."""
    watch = Watch(page, live_server.url)
    page.goto("about:blank")
    page.set_content("<img src=x onerror='hit(1); alert(2)'>")
    page.wait_for_timeout(300)

    assert {one.strip() for one in watch.faults} == {"ran: 1", "dialog: 2"}
