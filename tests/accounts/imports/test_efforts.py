"""Efforts by file: every row is kept, known already, or rejected with its reason; nothing is guessed."""

import io
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.imports.efforts import KEPT_FAULTS, import_efforts
from accounts.imports.reasons import refusal_text
from accounts.imports.unreadable import Unreadable
from accounts.models import Account, MarketEffort
from tests.factories import make_account, make_user

HEADER = "month,purpose,category,amount,currency,hours,account code,source,note"


def door(folder, text, accounts=None, name="efforts.csv", **options):
    path = Path(folder) / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    accounts = Account.objects.all() if accounts is None else accounts
    return import_efforts(path=path, accounts=accounts, **({"currency": "CNY", "source": "file.csv"} | options))


def told(result):
    return (result.read, result.kept, result.already_there, result.rejected)


def test_rows_are_kept_as_they_are(db, tmp_path):
    account = make_account(code="K-1")
    rows = [
        "2024-03,acquisition,Fair,1200.5,USD,,,books,spring",
        "2024/4/15,Retention,Visits,,,7.25,K-1,,",
        "05/2024,新客,广告,100,,,,,",
    ]

    result = door(tmp_path, "\n".join([HEADER, *rows]))

    assert told(result) == (3, 3, 0, 0)
    found = MarketEffort.objects.order_by("month").values_list(
        "month", "purpose", "category", "amount", "currency", "hours", "account", "source", "note"
    )
    assert list(found) == [
        (date(2024, 3, 1), "acquisition", "Fair", Decimal("1200.5"), "USD", None, None, "books", "spring"),
        (date(2024, 4, 1), "retention", "Visits", None, "", Decimal("7.25"), account.pk, "file.csv", ""),
        (date(2024, 5, 1), "acquisition", "广告", Decimal(100), "CNY", None, None, "file.csv", ""),
    ]


def test_the_same_file_again_keeps_nothing_and_twins_in_it_are_two(db, tmp_path):
    text = "\n".join([HEADER, *["2024-03,acquisition,Fair,10,,,,,"] * 2])

    assert [told(door(tmp_path, text)) for _ in range(2)] == [(2, 2, 0, 0), (2, 0, 2, 0)]
    MarketEffort.objects.filter(pk=MarketEffort.objects.latest("pk").pk).update(amount=Decimal(99))
    assert told(door(tmp_path, text + "\n2024-04,acquisition,Fair,10,,,,,")) == (3, 1, 2, 0)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        (",acquisition,Fair,1,,,,,", "missing_month"),
        ("2024-13,acquisition,Fair,1,,,,,", "no_month"),
        ("03/04/2024,acquisition,Fair,1,,,,,", "no_month"),
        ("2024-03,,Fair,1,,,,,", "missing_purpose"),
        ("2024-03,fun,Fair,1,,,,,", "unknown_word"),
        ("2024-03,acquisition,,1,,,,,", "missing_category"),
        ("2024-03,acquisition,Fair,,,,,,", "amount_or_hours"),
        ("2024-03,acquisition,Fair,-1,,,,,", "negative_effort"),
        ("2024-03,acquisition,Fair,x,,,,,", "no_number"),
        ("2024-03,acquisition,Fair,1.23456,,,,,", "too_many_decimals"),
        ("2024-03,acquisition,Fair,1,,1.2345,,,", "too_many_decimals"),
        ("2024-03,acquisition,Fair,1,,1234567890,,,", "number_out_of_range"),
        ("2024-03,acquisition,Fair,1,XXZ,,,,", "unknown_currency"),
        ("2024-03,acquisition,Fair,1,,,nobody,,", "unknown_effort_account"),
        ("2024-03,acquisition,=1+1,1,,,,,", "formula"),
        (f"2024-03,acquisition,{'x' * 81},1,,,,,", "too_long"),
        ("2024-03,acquisition", "cell_count"),
    ],
)
def test_a_wrong_row_is_named_with_its_reason_and_the_others_are_kept(db, tmp_path, row, code):
    result = door(tmp_path, f"{HEADER}\n{row}\n2024-03,acquisition,Good,1,,,,,")

    assert told(result) == (2, 1, 0, 1)
    assert (result.rejections[0].number, result.rejections[0].faults[0].code) == (2, code)
    assert MarketEffort.objects.get().category == "Good"


def test_who_does_not_see_every_account_names_one_of_their_own(db, tmp_path):
    owner = make_user()
    make_account(code="MINE", owner=owner)
    make_account(code="THEIRS")
    rows = [f"2024-03,retention,Visits,1,,,{code},," for code in ("MINE", "THEIRS", "")]

    result = door(tmp_path, "\n".join([HEADER, *rows]), accounts=Account.objects.visible_to(owner))

    assert told(result) == (3, 1, 0, 2)
    assert dict(result.reasons) == {"unknown_effort_account": 1, "account_needed": 1}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty_file"),
        ("month,purpose,category\n2024-03,acquisition,x", "missing_effort_columns"),
        ("month,amount\n2024-03,1", "missing_effort_columns"),
        (f'{HEADER}\n2024-03,acquisition,Fair,"1,234",,,,,', "ambiguous_numbers"),
    ],
    ids=["empty", "no amount", "no purpose", "two readings"],
)
def test_a_file_that_cannot_be_taken_is_refused_with_a_sentence(db, tmp_path, text, reason):
    with pytest.raises(Unreadable) as refused:
        door(tmp_path, text)

    assert refused.value.reason == reason
    assert refusal_text(refused.value)
    assert not MarketEffort.objects.exists()


def test_a_workbook_is_read_as_a_spreadsheet_has_it(db, tmp_path):
    stream = io.BytesIO()
    book = xlsxwriter.Workbook(stream)
    sheet = book.add_worksheet()
    for at, name in enumerate(("月份", "用途", "类别", "金额", "工时")):
        sheet.write(0, at, name)
    sheet.write_datetime(1, 0, date(2024, 3, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
    for at, value in enumerate(("老客户", "拜访", 1234.5, 8), 1):
        sheet.write(1, at, value)
    book.close()

    result = door(tmp_path, stream.getvalue(), name="efforts.xlsx")

    assert told(result) == (1, 1, 0, 0)
    effort = MarketEffort.objects.get()
    assert (effort.month, effort.purpose, effort.amount, effort.hours) == (
        date(2024, 3, 1), "retention", Decimal("1234.5"), Decimal(8),
    )  # fmt: skip


def test_comma_decimals_are_recognised(db, tmp_path):
    door(tmp_path, "month;purpose;category;amount\n2024-03;acquisition;Fair;1.234,50")

    assert MarketEffort.objects.get().amount == Decimal("1234.5")


def test_only_so_many_rejections_are_named_and_all_are_counted(db, tmp_path):
    result = door(tmp_path, "\n".join([HEADER, *["x,acquisition,Fair,1,,,,,"] * (KEPT_FAULTS + 5)]))

    assert (result.rejected, len(result.rejections)) == (KEPT_FAULTS + 5, KEPT_FAULTS)


class ConservationTest(TestCase):
    """Whatever the cells hold, no row is lost and none is kept twice."""

    cells = st.lists(
        st.tuples(
            st.sampled_from(["2024-03", "2024-04-02", "", "x", "03/2024"]),
            st.sampled_from(["acquisition", "retention", "", "fun"]),
            st.sampled_from(["Fair", ""]),
            st.sampled_from(["1", "2.5", "", "-3", "a"]),
            st.sampled_from(["", "4"]),
        ),
        max_size=12,
    )

    @settings(max_examples=500, deadline=None)
    @given(cells)
    def test_every_row_is_told_of(self, rows):
        import tempfile

        MarketEffort.objects.all().delete()
        text = "\n".join(["month,purpose,category,amount,hours", *(",".join(row) for row in rows)])
        with tempfile.TemporaryDirectory() as folder:
            first, again = door(folder, text), door(folder, text)

        assert first.read == again.read == sum(any(row) for row in rows)
        assert (first.already_there, again.kept) == (0, 0)
        assert first.kept == again.already_there == MarketEffort.objects.count()
