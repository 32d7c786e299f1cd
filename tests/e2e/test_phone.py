"""On a phone 360 pixels wide a visit is logged within twenty seconds, and nothing scrolls sideways.

The time is what really passes between browser and server, and on top of it what hands and head take (keystroke-level
model of Card, Moran and Newell 1980, with the pace of thumbs on glass): TAP for each tap, CHARACTER for each character that
is typed, FLICK where the target has to be scrolled to first, THINK before each thing to decide (who was there, what was
said, what comes next, until when). The log-in is not timed: a phone stays logged in.
"""

import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from accounts.enums import TeamRole
from accounts.models import Account, User
from service import storage
from service.models import Attachment, Interaction
from tests.e2e.conftest import log_in, wait_until_quiet
from tests.factories import make_account, make_contact, make_interaction, make_team_member, make_user

TAP, CHARACTER, FLICK, THINK = 0.4, 0.2, 0.5, 1.35  # seconds
LIMIT = 20
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True, "device_scale_factor": 2}
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, **PHONE}


@pytest.fixture
def team(transactional_db: None) -> tuple[Account, User, User]:
    """An account with a team of two; fifteen contacts, of whom Zhao was met last."""
    account, me = (
        make_account(name="苏州精密泵业 Suzhou Precision Pumps Co., Ltd."),
        make_user(first_name="Mei", last_name="Lin"),
    )
    mate = make_user(first_name="Wei", last_name="Chen")
    make_team_member(account=account, user=me, role=TeamRole.ACCOUNT_MANAGER)
    make_team_member(account=account, user=mate, role=TeamRole.SOLUTION_MANAGER)
    for number in range(14):
        make_contact(account=account, name=f"Contact {number:02} with a rather long name")
    make_interaction(account=account, their_people=[make_contact(account=account, name="Zhao Min")])
    return account, me, mate


@pytest.fixture
def phone(page: Page, live_server: Any, team: Any, complaints: list[str]) -> Iterator[Page]:
    log_in(page, live_server.url, team[1])
    yield page
    page.goto("about:blank")
    wait_until_quiet()


class Thumb:
    """Counts what a person would have to do, while the browser does it."""

    def __init__(self, page: Page) -> None:
        self.page, self.taps, self.characters, self.flicks, self.thoughts = page, 0, 0, 0, 0
        self.started = time.monotonic()

    def tap(self, target: Locator, *, think: bool = False) -> None:
        self.thoughts += think
        self.flicks += not is_in_view(target)
        self.taps += 1
        target.tap()

    def type(self, target: Locator, words: str, *, think: bool = True) -> None:
        self.tap(target, think=think)
        self.characters += len(words)
        target.press_sequentially(words)

    @property
    def real(self) -> float:
        return time.monotonic() - self.started

    @property
    def modelled(self) -> float:
        return TAP * self.taps + CHARACTER * self.characters + FLICK * self.flicks + THINK * self.thoughts


def is_in_view(target: Locator) -> bool:
    """Its middle is on the screen and under no bar, so that a thumb meets it."""
    return target.evaluate(
        """one => {
            const box = one.getBoundingClientRect();
            const met = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
            return Boolean(met) && (one.contains(met));
        }"""
    )


def no_sideways(page: Page) -> None:
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1] == PHONE["viewport"]["width"], page.url


def test_a_visit_is_logged_within_twenty_seconds(phone: Page, live_server: Any, team: Any) -> None:
    account, me, mate = team
    phone.goto(f"{live_server.url}/accounts/{account.pk}/")
    phone.wait_for_load_state("networkidle")

    thumb = Thumb(phone)
    thumb.tap(phone.locator("a.btn-primary", has_text="Log interaction"))
    phone.wait_for_url("**/service/log/")
    thumb.tap(phone.locator("label.choice", has_text="Zhao Min"), think=True)
    thumb.tap(phone.locator("label.choice", has_text="Wei Chen"))
    thumb.type(phone.locator("#id_summary"), "Price ok, trial in May")
    thumb.tap(phone.locator("button", has_text="Send the offer"), think=True)
    thumb.tap(phone.locator("button", has_text="in a week"), think=True)
    thumb.tap(phone.locator("button", has_text="Log it"))
    phone.wait_for_url(f"**/accounts/{account.pk}/service/")
    expect(phone.locator(".moments > li").first).to_contain_text("Price ok, trial in May")
    real = thumb.real

    total = real + thumb.modelled
    print(
        f"\nphone: {thumb.taps} taps, {thumb.characters} characters, {thumb.flicks} flicks, {thumb.thoughts} thoughts:"
        f" {thumb.modelled:.1f} s by the model and {real:.1f} s that passed = {total:.1f} s"
    )
    made = Interaction.objects.get(summary="Price ok, trial in May")
    today = timezone.localdate()
    assert (made.kind, made.held_on, made.logged_by) == ("visit", today, me)
    assert set(made.our_people.all()) == {me, mate}
    assert [one.name for one in made.their_people.all()] == ["Zhao Min"]
    assert (made.next_step, made.next_step_on) == ("Send the offer", today + timedelta(days=7))
    assert total < LIMIT


def test_nothing_scrolls_sideways(phone: Page, live_server: Any, team: Any, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT, settings.MAIL_IN_DOMAIN = tmp_path, "a-rather-long-domain-of-mail.example.com"
    account = team[0]
    for path in (
        f"/accounts/{account.pk}/", f"/accounts/{account.pk}/service/", f"/accounts/{account.pk}/service/log/",
        "/service/", "/you/mail/",
    ):  # fmt: skip
        phone.goto(live_server.url + path)
        phone.wait_for_load_state("networkidle")
        no_sideways(phone)
    phone.goto(f"{live_server.url}/accounts/{account.pk}/service/log/")
    phone.locator("summary", has_text="More people").first.tap()
    phone.locator("summary", has_text="Held for").tap()
    no_sideways(phone)


def test_a_photo_is_taken_along(phone: Page, live_server: Any, team: Any, settings: Any, tmp_path: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    account = team[0]
    phone.goto(f"{live_server.url}/accounts/{account.pk}/service/log/")
    assert phone.locator("#id_photo").get_attribute("capture") == "environment"
    phone.set_input_files("#id_photo", {"name": "IMG_0001.JPG", "mimeType": "image/jpeg", "buffer": JPEG})
    phone.fill("#id_summary", "Plate of the pump")
    phone.locator("button", has_text="Log it").tap()
    phone.wait_for_url(f"**/accounts/{account.pk}/service/")

    made = Attachment.objects.get()
    assert (made.name, storage.bytes_of(made.stored_as)) == ("IMG_0001.JPG", JPEG)
    with phone.expect_download() as got:
        phone.locator(".files a").tap()
    assert got.value.suggested_filename == "IMG_0001.JPG"
    assert got.value.path().read_bytes() == JPEG
