"""A director's tour: other weights in a draft, who would move, a second person's yes, the night, the reasons, an override."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from accounts.enums import Grade
from accounts.models import Account, User
from crm.celery import app
from tests.e2e.conftest import log_in
from tests.factories import make_account, make_superuser, post_revenue
from tests.tiering.company import monthly
from tests.tiering.night import night
from tiering.models import ScoringModel, TierRun

FIRST_NIGHT = date(2024, 12, 31)
IN_FORCE, HELD, OVER = (
    FIRST_NIGHT + timedelta(days=10),
    FIRST_NIGHT + timedelta(days=12),
    FIRST_NIGHT + timedelta(days=40),
)
LAST_DAY = FIRST_NIGHT + timedelta(days=30)  # of the override


@pytest.fixture
def worker() -> Iterator[None]:
    """What is sent to a worker is done at once, where it was sent."""
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def company(transactional_db: None, worker: None) -> Account:
    """Two years of monthly invoices of thirty accounts, a few of them large, and a first night."""
    rows = []
    for number in range(30):
        account = make_account(name=f"Customer {number:02}")
        rows += monthly(account, 100 * (1 + number) ** 2, first=date(2023, 1, 1), months=24)
    post_revenue(rows)
    book(FIRST_NIGHT)
    night(FIRST_NIGHT)
    return Account.objects.get(name="Customer 25")


def book(day: date) -> None:
    """One more invoice, which moves the day the data go up to."""
    post_revenue([{"account": Account.objects.get(name="Customer 00"), "booked_on": day, "amount": Decimal(100)}])


def as_somebody_else(page: Page, base: str, user: User) -> None:
    page.context.clear_cookies()
    log_in(page, base, user)


def grade_now(page: Page, base: str, day: date) -> None:
    """A day later: its invoices are in, and the button on the page grades."""
    book(day)
    page.goto(base + "/tiering/")
    page.click("button.btn-primary:visible:has-text('Grade again now')")
    expect(page.locator("#night-head")).to_have_text(f"Night as of {day.day} {day:%b %Y}")


def test_directors_tour(at: Any, live_server: Any, company: Account) -> None:
    base, second = live_server.url, make_superuser(first_name="Wei", last_name="Chen")
    page = at("/tiering/sandbox/")

    # Other weights, and a lower bar for Gold: who would move is shown at once.
    page.fill("#lever-w_SAL", "40")
    page.press("#lever-w_SAL", "Tab")
    page.fill("#lever-w_LOY", "35")
    page.press("#lever-w_LOY", "Tab")
    page.click("details:has(#lever-t_gold_revenue_ttm) summary")
    page.fill("#lever-t_gold_revenue_ttm", "400000")
    page.press("#lever-t_gold_revenue_ttm", "Tab")
    expect(page.locator("section[aria-labelledby=movers-sandbox] tbody")).to_contain_text(company.name)
    assert ScoringModel.objects.count() == 1  # nothing is written yet
    page.click("text=Keep as a draft")
    draft = ScoringModel.objects.latest("pk")
    assert {row.code: int(row.weight) for row in draft.dimensions.all()}["LOY"] == 35

    # Proposed with a day and a reason; whoever proposed it cannot approve it.
    page.goto(f"{base}/tiering/model/{draft.pk}/")
    page.click("text=Propose for activation")
    page.fill("input[name=effective_on]", IN_FORCE.isoformat())
    page.fill("textarea[name=text]", "Loyalty counts more from the new year on")
    page.click("button:has-text('Propose it')")
    expect(page.locator("main")).to_contain_text("somebody else has to approve it")
    expect(page.locator("button:has-text('Approve')")).to_have_count(0)
    as_somebody_else(page, base, second)
    page.goto(base + "/tiering/activation/")
    page.click("button:has-text('Approve')")
    expect(page.locator("main")).to_contain_text("approved by")

    # The night of its day grades by it, and the account says why.
    grade_now(page, base, IN_FORCE)
    assert TierRun.objects.latest("pk").model == draft
    page.goto(f"{base}/accounts/{company.pk}/grade/")
    expect(page.locator("main")).to_contain_text("General for now: since 10 Jan 2025 the figures support Gold")
    expect(page.locator("main")).to_contain_text("ledger-only v2")

    # An override: asked for by one, approved by another, shown after the next night, gone after its last day.
    page.click("text=Ask for another grade")
    page.select_option("select[name=grade]", "strategic")
    page.select_option("select[name=reason]", index=1)
    page.fill("textarea[name=text]", "Builds the reference plant with us")
    page.fill("input[name=last_day]", LAST_DAY.isoformat())
    page.click("button:has-text('Ask for it')")
    expect(page.locator("section[aria-labelledby=waiting-head]")).to_contain_text(company.name)
    expect(page.locator("button:has-text('Approve')")).to_have_count(0)
    as_somebody_else(page, base, User.objects.get(first_name="Lin"))
    page.goto(base + "/tiering/overrides/")
    page.click("button:has-text('Approve')")
    expect(page.locator("section[aria-labelledby=held-head]")).to_contain_text(company.name)
    grade_now(page, base, HELD)
    page.goto(f"{base}/accounts/{company.pk}/grade/")
    expect(page.locator("main")).to_contain_text("Strategic")
    company.refresh_from_db()
    assert company.grade == Grade.STRATEGIC

    grade_now(page, base, OVER)
    company.refresh_from_db()
    assert company.grade == Grade.GOLD  # as computed; its run has spanned the days meanwhile
    page.goto(base + "/tiering/overrides/")
    expect(page.locator("#past-head").locator("xpath=ancestor::section")).to_contain_text("Expired")
