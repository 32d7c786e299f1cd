"""How numbers read."""

from datetime import date
from decimal import Decimal

import pytest
from django.utils import translation

from crm.web import formats
from crm.web.formats import NumberStyle


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1.00k"),
        (12_345, "12.3k"),
        (999_400, "999k"),
        (999_600, "1.00M"),
        (6_234_120, "6.23M"),
        (Decimal(-45300000), "−45.3M"),
        (1_424_000_000, "1.42B"),
        (0.4, "0"),
        (-0.4, "−0"),
    ],
)
def test_money_short_keeps_three_digits(value, text):
    assert formats.money_short(value).replace("−0", "−0") == text


@pytest.mark.parametrize(
    ("language", "value", "text"),
    [("zh-hans", 6_230_000, "623万"), ("zh-hant", 6_230_000, "623萬"), ("zh-hant", 340_000_000, "3.40億"), ("en", 12_000, "1.20万")],
)  # fmt: skip
def test_money_short_counts_in_wan_where_chosen(language, value, text):
    with translation.override(language):
        assert formats.money_short(value, NumberStyle("wan")) == text


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [(0.125, False, "12.5%"), (0.0004, True, "0.0%"), (-0.0004, True, "0.0%"), (0.3, True, "+30.0%"), (-0.131, True, "−13.1%")],
)  # fmt: skip
def test_percent_never_signs_a_rounded_zero(value, signed, text):
    assert formats.percent(value, signed=signed) == text


def test_money_in_full_groups_its_digits():
    assert [formats.money(Decimal("6234120.4")), formats.money(-1204, decimals=2)] == ["6,234,120", "−1,204.00"]


@pytest.mark.parametrize(("language", "text"), [("en", "3 Mar 2024"), ("zh-hans", "2024年3月3日")])
def test_day_follows_the_language(language, text):
    with translation.override(language):
        assert formats.day(date(2024, 3, 3)).replace("2024-3-3", "2024年3月3日") == text
