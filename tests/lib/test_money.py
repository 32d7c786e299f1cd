"""Money: one rounding, one way to write it."""

from decimal import Decimal

import pytest

from crm.lib import money


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1", "1.0000"), ("-0.00005", "-0.0001"), ("0.00005", "0.0001"), ("-0.00004", "0.0000"), ("1E+3", "1000.0000"),
     ("999999999999999.9999", "999999999999999.9999"), ("8043585.224", "8043585.2240")],
)  # fmt: skip
def test_money_text_has_four_plain_decimals_rounded_half_away_from_zero(amount, text):
    assert money.money_text(Decimal(amount)) == text


def test_average_has_twelve_decimals_and_none_without_a_count():
    assert money.average_text(money.average(Decimal(10), 3)) == "3.333333333333"
    assert money.average(Decimal(10), 0) is None
    assert money.money_text(None) is None
    assert money.average_text(None) is None
