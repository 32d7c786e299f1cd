"""A file from the drop zone to the ledger and back, as people do it; with scripts and without."""

import re
import threading
from pathlib import Path

import pytest
from django.db import connection
from playwright.sync_api import expect

from accounts.enums import BatchState
from accounts.imports import services
from accounts.models import Account, ImportBatch, RevenueRecord
from tests.e2e.conftest import log_in

# Day and month cannot be told apart, nor thousands from decimals; one row has no customer.
FILE = (
    "Kunde,Datum,Beleg,Betrag\n"
    'C1,01/02/2024,R1,"1,250"\n'
    'C2,03/04/2024,R2,"2,500"\n'
    ',05/06/2024,R3,"3,750"\n'
)  # fmt: skip


@pytest.fixture(autouse=True)
def media(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """What the queue wakes: a worker in a thread of its own."""
    started: list[threading.Thread] = []

    def work(batch_id: int) -> None:
        try:
            services.commit_batch(batch_id=batch_id)
        finally:
            connection.close()

    def wake(batch_id: int) -> None:
        started.append(threading.Thread(target=work, args=(batch_id,)))
        started[-1].start()

    monkeypatch.setattr(services, "wake_worker", wake)
    yield
    for thread in started:
        thread.join()


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "umsatz.csv"
    path.write_text(FILE)
    return path


def map_columns(page):
    """Name the columns the headers do not tell, and answer both questions."""
    for column, field in (
        ("Kunde", "account_code"),
        ("Datum", "booked_on"),
        ("Beleg", "reference"),
        ("Betrag", "amount"),
    ):
        page.get_by_label(column, exact=True).select_option(field)
        page.wait_for_load_state("networkidle")


def test_file_is_mapped_checked_posted_mended_and_taken_back(at, page, file, tmp_path):
    at("/imports/new/")
    page.set_input_files("input[type=file]", file)
    page.wait_for_url("**/columns/")
    map_columns(page)
    page.get_by_text("month first").click()
    expect(page.get_by_text("Every date fits two readings")).to_have_count(0)
    page.locator(".answer", has_text=re.compile(r"is (1250|2500|3750)$")).click()
    preview = page.locator(".preview tbody tr")
    expect(preview).to_have_count(3)
    expect(preview.nth(0)).to_contain_text("2024-01-02")
    expect(page.locator(".preview .is-bad")).to_contain_text("no account code")

    page.get_by_role("button", name="Check the whole file").click()
    expect(page.get_by_role("heading", name="Ready to post")).to_be_visible()
    expect(page.locator(".rows-sum")).to_contain_text("Read3")
    assert RevenueRecord.objects.count() == 0

    page.get_by_role("button", name="Post 2 rows").click()
    expect(page.get_by_role("link", name="See what changed")).to_be_visible()
    assert list(RevenueRecord.objects.order_by("reference").values_list("reference", "amount")) == [
        ("R1", 1250),
        ("R2", 2500),
    ]

    with page.expect_download() as download:
        page.get_by_role("link", name="1 rejected row").click()
    mended = tmp_path / "mended.csv"
    mended.write_text(Path(download.value.path()).read_text("utf-8-sig").replace("\n,05/06", "\nC3,05/06"))
    resend(page, at, mended)
    assert sorted(Account.objects.values_list("code", flat=True)) == ["C1", "C2", "C3"]

    page.get_by_role("link", name="Undo: withdraw this batch").click()
    page.get_by_label("Reason").fill("wrong customer")
    page.get_by_role("button", name="Withdraw 1 record").click()
    expect(page.get_by_text("wrong customer")).to_be_visible()
    assert RevenueRecord.objects.count() == 2


def resend(page, at, mended: Path) -> None:
    """Send the corrected error file the same way."""
    at("/imports/new/")
    page.set_input_files("input[type=file]", mended)
    page.wait_for_url("**/columns/")
    expect(page.get_by_text("an error file of this system")).to_be_visible()
    map_columns(page)
    page.get_by_text("month first").click()
    expect(page.get_by_text("Every date fits two readings")).to_have_count(0)
    page.locator(".answer", has_text="is 3750").click()
    expect(page.locator(".preview tbody tr")).to_have_count(1)
    page.get_by_role("button", name="Check the whole file").click()
    page.get_by_role("button", name="Post 1 row").click()
    expect(page.get_by_role("link", name="See what changed")).to_be_visible()


def test_dropped_file_is_taken_and_a_foreign_one_refused_in_place(at, page, complaints):
    at("/imports/new/")
    drop(page, "photo.csv", "%PDF-1.7 no table")
    expect(page.locator("[role=alert]")).to_contain_text("This is a PDF file.")
    assert ImportBatch.objects.count() == 0
    complaints.clear()  # the browser notes the 422 of the refusal

    drop(page, "revenue.csv", "customer,date,invoice,total,cur\nC1,2024-01-15,R1,10.25,CNY\n")
    page.wait_for_url("**/columns/")
    assert ImportBatch.objects.get().file_name == "revenue.csv"


def drop(page, name: str, text: str) -> None:
    page.evaluate(
        """([name, text]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], name));
            document.querySelector('.dropzone').dispatchEvent(
                new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true }));
        }""",
        [name, text],
    )


def test_every_step_works_without_scripts(browser, live_server, boss, file):
    context = browser.new_context(java_script_enabled=False, locale="en-US")
    page = context.new_page()
    log_in(page, live_server.url, boss)
    page.goto(live_server.url + "/imports/new/")
    page.set_input_files("input[type=file]", file)
    page.get_by_role("button", name="Continue").click()
    for column, field in (
        ("Kunde", "account_code"),
        ("Datum", "booked_on"),
        ("Beleg", "reference"),
        ("Betrag", "amount"),
    ):
        page.get_by_label(column, exact=True).select_option(field)
    page.get_by_role("button", name="Show the rows anew").click()
    page.get_by_text("day first").click()
    page.locator(".answer").nth(2).click()
    page.get_by_role("button", name="Check the whole file").click()
    page.get_by_role("button", name="Check now").click()
    page.get_by_role("button", name="Post 2 rows").click()
    while page.get_by_role("link", name="Look again").count():
        page.get_by_role("link", name="Look again").click()

    expect(page.get_by_role("heading", name="Posted")).to_be_visible()
    assert ImportBatch.objects.get().state == BatchState.POSTED
    assert RevenueRecord.objects.count() == 2
    context.close()
