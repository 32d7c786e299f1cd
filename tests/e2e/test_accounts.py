"""The account list and the account page as people use them."""

from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from accounts.enums import Grade
from accounts.models import Account
from tests.factories import make_account, make_contract, make_user
from tests.web.people import AS_OF, make_figures, reach_end_of_2024, sell


@pytest.fixture
def company(transactional_db):
    """Three accounts with two years of revenue."""
    rows = (("智慧物流", Grade.GOLD, 5000), ("Brenora", Grade.GENERAL, 3000), ("Ardoara", Grade.GOLD, 1000))
    for name, grade, amount in rows:
        account = make_account(name=name, grade=grade)
        make_figures(account, ttm_revenue=Decimal(amount), growth_rate=0.1, last_order_on=AS_OF - timedelta(days=9))
        sell(account, prior=amount - 500, last=amount)
    reach_end_of_2024(Account.objects.get(name="Brenora"))
    return Account.objects.get(name="智慧物流")


def names(page):
    return page.locator("tbody [data-row] a.name").all_inner_texts()


def test_typing_narrows_the_list_and_keeps_the_cursor(at, company):
    page = at("/accounts/")
    assert names(page) == ["智慧物流", "Brenora", "Ardoara"]

    page.keyboard.press("/")
    page.keyboard.type("zhi", delay=30)
    expect(page.locator("tbody [data-row]")).to_have_count(1)

    assert names(page) == ["智慧物流"]
    assert "q=zhi" in page.url
    assert page.evaluate("document.activeElement.id") == "account-text"


def test_filter_menu_chip_order_and_the_way_back(at, company):
    page = at("/accounts/")
    page.click("summary:has-text('Grade')")
    page.click("details[open] a:has-text('Gold')")
    expect(page.locator("tbody [data-row]")).to_have_count(2)
    page.click("th a:has-text('Revenue, 12 months')")
    expect(page.locator("th[aria-sort=ascending]")).to_have_count(1)
    assert names(page) == ["Ardoara", "智慧物流"]

    page.click("[aria-label='Remove Grade: Gold']")
    expect(page.locator("tbody [data-row]")).to_have_count(3)

    page.go_back()
    expect(page.locator("tbody [data-row]")).to_have_count(2)
    assert "grade=gold" in page.url


def test_ticked_rows_are_given_to_another_owner_and_back(at, company):
    new = make_user(first_name="Neu", last_name="Eins")
    page = at("/accounts/")
    expect(page.locator("[data-bulk]")).to_be_hidden()
    for box in page.locator("tbody input[type=checkbox]").all()[:2]:
        box.check()
    expect(page.locator("[data-bulk-count]")).to_have_text("2 selected")

    page.click("button:has-text('Assign owner')")
    expect(page.get_by_role("heading", level=1)).to_have_text("Assign an owner to 2 accounts")
    page.select_option("select[name=owner]", str(new.pk))
    page.click("button:has-text('Change 2 accounts')")
    expect(page.get_by_role("status").first).to_contain_text("2 accounts have a new owner.")
    assert Account.objects.filter(owner=new).count() == 2

    page.click("text=Undo the last change")
    page.wait_for_load_state("networkidle")
    assert Account.objects.filter(owner=new).count() == 0


def test_view_is_kept_as_a_tab_and_columns_are_chosen(at, company):
    page = at("/accounts/?grade=gold")
    page.click("a:has-text('Save view')")
    page.fill("#view-name", "Golden")
    page.click("button:has-text('Save view')")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".tabs a[aria-current=page]")).to_contain_text("Golden 2")

    page.click("a:has-text('Columns')")
    page.click("[data-move='1'] >> nth=0")
    page.uncheck("#drawer-content input[value=score]")
    page.click("button:has-text('Use these columns')")
    page.wait_for_load_state("networkidle")
    heads = page.locator("thead th").all_inner_texts()
    assert heads[1:3] == ["Owner", "Grade"]
    assert "Score" not in heads


def test_keyboard_walks_the_rows_and_opens_one(at, company):
    page = at("/accounts/")
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("o")
    page.wait_for_url("**/accounts/*/")

    expect(page.get_by_role("heading", level=1)).to_have_text("Brenora")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_search_dialog_finds_by_initials_and_opens(at, company):
    page = at("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("zhwl", delay=30)
    expect(page.locator("#palette-results a").first).to_contain_text("智慧物流")
    page.wait_for_selector("#palette-results a[data-active]:has-text('智慧物流')")
    page.keyboard.press("Enter")

    page.wait_for_url(f"**/accounts/{company.pk}/")


def test_figure_opens_its_drawer_and_gives_the_focus_back(at, company):
    page = at("/accounts/")
    page.click("tbody tr:nth-child(1) a.fig >> nth=0")
    expect(page.locator("#drawer .drawer-value")).to_contain_text("5.00k")
    expect(page.locator("#drawer")).to_contain_text("31 Dec 2024")

    page.keyboard.press("Escape")

    expect(page.locator("#drawer")).to_be_hidden()
    assert page.evaluate("document.activeElement.className").startswith("fig")


def test_account_page_draws_its_chart_in_both_themes_and_as_a_table(at, company):
    make_contract(account=company, number="F-1", status="active", amount=Decimal(9), currency="CNY",
                  starts_on=AS_OF - timedelta(days=200), ends_on=AS_OF)  # fmt: skip
    page = at(f"/accounts/{company.pk}/")
    expect(page.locator(".chart-canvas canvas")).to_have_count(1)

    page.emulate_media(color_scheme="dark")
    expect(page.locator("html[data-bs-theme=dark]")).to_have_count(1)
    expect(page.locator(".chart-canvas canvas")).to_have_count(1)
    page.hover(".chart-canvas")
    page.click("summary:has-text('Show as table')")
    expect(page.locator(".chart-table")).to_contain_text("Mar 2024")

    for tab in ("Revenue", "Grade", "People", "Contracts"):
        page.click(f".tabs a:has-text('{tab}')")
        page.wait_for_load_state("networkidle")
        expect(page.locator(".tabs a[aria-current=page]")).to_have_text(tab)


def test_dashboard_bar_opens_the_accounts_behind_it(at, company):
    page = at("/?base=2023&comparison=2024")
    box = page.locator("[data-chart=bridge]").bounding_box()
    # Expansion is the second of three bars; the pointer sweeps its column until it meets the bar.
    for step in range(1, 30):
        page.mouse.click(box["x"] + box["width"] * 0.52, box["y"] + box["height"] * step / 30)
        if page.locator("#drawer").is_visible():
            break
    expect(page.locator("#drawer h2")).to_have_text("Expansion")
    expect(page.locator("#drawer")).to_contain_text("智慧物流")


@pytest.mark.parametrize(
    "path", ["/", "/accounts/", "/accounts/{pk}/", "/accounts/{pk}/grade/", "/accounts/{pk}/revenue/"]
)
def test_page_fits_a_phone(at, company, path):
    page = at(path.format(pk=company.pk))
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_timeout(200)

    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
